package main

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/keys"
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

// A proof that was published before a rotation of master keys still proves, and the one that is printed is the first's.
func TestDomainProofOutlivesARotationOfMasterKeys(t *testing.T) {
	sealer := func(masters ...string) *keys.Sealer {
		all := make([][]byte, len(masters))
		for i, m := range masters {
			all[i] = bytes.Repeat([]byte(m), 32)
		}
		s, err := keys.NewSealer(all...)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	c := &federation.Connection{Platform: "linde", ID: "lindehof", Domains: []federation.Domain{{Name: "lindehof.example"}}}
	published := (&floor{sealer: sealer("a")}).proofs(c)[0].Value
	lookup := func(context.Context, string) ([]string, error) { return []string{published}, nil }
	for _, row := range []struct {
		now     *keys.Sealer
		proves  bool
		printed bool // the value is what it was
	}{
		{sealer("a"), true, true}, {sealer("a", "b"), true, true}, {sealer("b", "a"), true, false}, {sealer("b"), false, false},
	} {
		got := askDNS(t.Context(), lookup, (&floor{sealer: row.now}).proofs(c))[0]
		if got.Proven != row.proves || (got.Value == published) != row.printed {
			t.Errorf("%+v, want it proven: %t", got, row.proves)
		}
	}
}
