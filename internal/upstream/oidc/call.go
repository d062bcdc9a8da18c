package oidc

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/fault"
)

const (
	maxBytes  = 256 << 10        // of what an upstream answers
	callTime  = 8 * time.Second  // one call may take, to the last byte of its answer
	totalTime = 20 * time.Second // all calls for one answer may take
)

// reply is what an endpoint answers.
type reply struct {
	status int
	kind   string // Content-Type
	text   []byte
}

// String says what came, without what it says.
func (r reply) String() string {
	if r.kind == "" {
		return fmt.Sprintf("%d", r.status)
	}
	return fmt.Sprintf("%d with %s", r.status, shown(r.kind))
}

// call sends a request to an endpoint, which has a name in metadata, and reads what it answers. A Refusal says why it
// did not, in words that name no address of a network.
func (u *Upstream) call(ctx context.Context, endpoint string, r *http.Request) (reply, error) {
	ctx, cancel := context.WithTimeout(ctx, u.patience)
	defer cancel()
	r.Header.Set("Accept", "application/json")
	res, err := u.client.Do(r.WithContext(ctx))
	if err != nil {
		return reply{}, u.unreachable(ctx, endpoint, r, err)
	}
	defer func() { _ = res.Body.Close() }() // what counts was read
	text, err := io.ReadAll(io.LimitReader(res.Body, maxBytes+1))
	switch {
	case err != nil:
		return reply{}, u.unreachable(ctx, endpoint, r, err)
	case len(text) > maxBytes:
		return reply{}, refuse(federation.BadForm, "%s answers with more than %d bytes", endpoint, maxBytes)
	}
	return reply{res.StatusCode, res.Header.Get("Content-Type"), text}, nil
}

// unreachable says why an endpoint did not answer: the log knows all of it.
func (u *Upstream) unreachable(ctx context.Context, endpoint string, r *http.Request, err error) error {
	host := shown(r.URL.Host)
	u.log.WarnContext(ctx, "calling an upstream", slog.String("endpoint", endpoint), slog.String("host", host),
		slog.Any("error", err))
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	var timeout interface{ Timeout() bool }
	why := "no connection, or it broke off"
	switch {
	case errors.Is(err, fault.Refused):
		why = "it is at no public address"
	case errors.As(err, &certificate):
		why = "its certificate does not hold: " + shown(certificate.Err.Error())
	case errors.As(err, &dns) && dns.IsNotFound:
		why = "there is no such name"
	case errors.As(err, &timeout) && timeout.Timeout():
		why = "no answer in time"
	}
	return refuse(federation.Unreachable, "%s at %s: %s", endpoint, host, why)
}

// get reads an object in JSON. A Refusal: it is not there.
func (u *Upstream) get(ctx context.Context, endpoint, address, token string) (map[string]any, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, refuse(federation.Misconfigured, "%s is no address", endpoint)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	got, err := u.call(ctx, endpoint, r)
	switch {
	case err != nil:
		return nil, err
	case got.status >= http.StatusInternalServerError, got.status == http.StatusTooManyRequests:
		return nil, refuse(federation.Unreachable, "%s answers %d, wanted is 200", endpoint, got.status)
	case got.status != http.StatusOK:
		return nil, refuse(federation.Misconfigured, "%s at %s answers %s, wanted is 200", endpoint, shown(address), got)
	}
	all, err := object(got.text)
	if err != nil {
		return nil, refuse(federation.BadForm, "%s at %s answers %s, and that is no object in JSON", endpoint, shown(address), got)
	}
	return all, nil
}

// published reads what an upstream publishes for everybody. What is no such thing is at another address, or the address
// that is set is not one of theirs: Misset.
func (u *Upstream) published(ctx context.Context, endpoint, address string) (map[string]any, error) {
	all, err := u.get(ctx, endpoint, address, "")
	if refused := (*federation.Refusal)(nil); errors.As(err, &refused) && refused.Reason == federation.BadForm {
		return nil, refuse(federation.Misconfigured, "%s", refused.Detail)
	}
	return all, err
}

// object reads an object in JSON and nothing after it. Its numbers stay as they were written (json.Number).
func object(text []byte) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var all map[string]any
	if err := d.Decode(&all); err != nil {
		return nil, fmt.Errorf("%w: %w", fault.Invalid, err)
	}
	if _, err := d.Token(); all == nil || !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: not one object", fault.Invalid)
	}
	return all, nil
}

// shown is a text of somebody else as it may stand in a detail: printable, and at most 300 characters.
func shown(s string) string {
	const most = 300
	r := []rune(strings.ToValidUTF8(s, "�"))
	if len(r) > most {
		r = append(r[:most], '…')
	}
	for i := range r {
		if !unicode.IsPrint(r[i]) {
			r[i] = ' '
		}
	}
	return string(r)
}
