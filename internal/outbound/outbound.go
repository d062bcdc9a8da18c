// Package outbound makes the one HTTP client with which we call others: gateways of text messages, and addresses that
// parties and organisations registered.
//
// An address that somebody configured or registered may lead into our own network (server-side request forgery). So the
// client looks at the network address when it dials, after the name was resolved: a name that changes its mind between
// a check and the connection gains nothing. Only public addresses are called, and those that the operator allows. It
// follows no redirects, uses no proxy and sends nothing of the caller along.
//
// A party is a relying party (OAuth client).
package outbound

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"github.com/minddistrict/idp/internal/fault"
)

// How long others may take.
const (
	dialTime   = 3 * time.Second
	answerTime = 5 * time.Second // until the header of the answer is here
	totalTime  = 8 * time.Second
)

// NewClient makes a client that calls public addresses and those in allow.
func NewClient(allow []netip.Prefix) *http.Client {
	dialer := &net.Dialer{Timeout: dialTime, ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
		return check(address, allow)
	}}
	return &http.Client{
		Timeout: totalTime,
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true,
			TLSHandshakeTimeout: dialTime, ResponseHeaderTimeout: answerTime, IdleConnTimeout: 30 * time.Second, MaxIdleConnsPerHost: 2,
			MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// errPrivate is what dialling an address fails with that is not public.
var errPrivate = errors.New("not a public address: outbound.allow names exceptions")

// check refuses what is about to be dialled.
func check(address string, allow []netip.Prefix) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %w", fault.Refused, err)
	}
	if !Public(to.Addr()) && !allowed(to.Addr(), allow) {
		return fmt.Errorf("%w: %w", fault.Refused, errPrivate)
	}
	return nil
}

func allowed(a netip.Addr, allow []netip.Prefix) bool {
	return slices.ContainsFunc(allow, func(p netip.Prefix) bool { return p.Contains(a.Unmap().WithZone("")) })
}

// Public reports whether an address is one of the internet, as far as a table can.
func Public(a netip.Addr) bool {
	a = a.Unmap()
	return (a.Is4() || assigned.Contains(a)) && a.IsGlobalUnicast() && !a.IsPrivate() && a.Zone() == "" && !allowed(a, special)
}

// assigned is what is given out of IPv6 as public (IANA IPv6 Address Space).
var assigned = netip.MustParsePrefix("2000::/3")

// special are networks with a meaning of their own (IANA IPv4 and IPv6 Special-Purpose Address Registries), beside
// those that package netip knows. Those that embed an IPv4 address are in it whole: it could be a private one.
var special = prefixes(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
	"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
)

func prefixes(texts ...string) (all []netip.Prefix) {
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}
