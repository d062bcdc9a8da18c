package main

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
)

// Each domain is asked for by its whole name; one that DNS does not know, or does not answer about, costs no other, and what
// was proven before stays so.
func TestDNSProvesDomainByDomain(t *testing.T) {
	records := map[string][]string{"_minddistrict-idp.a.nl.": {"v=spf1", "p=right"}, "_minddistrict-idp.b.nl.": {"p=other"}}
	lookup := func(ctx context.Context, name string) ([]string, error) {
		if _, ok := ctx.Deadline(); !ok {
			t.Error("asked without an end")
		}
		if strings.Contains(name, "down") {
			return nil, errors.New("no route")
		}
		if found, ok := records[name]; ok {
			return found, nil
		}
		return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	}
	all := []domainProof{}
	for _, domain := range []string{"a.nl", "b.nl", "c.nl", "down.nl", "old.nl"} {
		all = append(all, domainProof{Domain: domain, Record: "_minddistrict-idp." + domain, Value: "p=right", Proven: domain == "old.nl", Detail: "as it was"})
	}
	for i, want := range []domainProof{
		{Proven: true, Detail: foundByDNS}, {Detail: "not proven: no TXT record of _minddistrict-idp.b.nl says p=right"},
		{Detail: "not proven: there is no TXT record _minddistrict-idp.c.nl"}, {Detail: "not proven: DNS did not answer: no route"},
		{Proven: true, Detail: "as it was"},
	} {
		if got := askDNS(t.Context(), lookup, all)[i]; got.Proven != want.Proven || got.Detail != want.Detail {
			t.Errorf("%s: %t, %s", got.Domain, got.Proven, got.Detail)
		}
	}
}
