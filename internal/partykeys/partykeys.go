// Package partykeys reads the keys of parties that registered an address instead of keys (`jwks_uri`, RFC 7591 section
// 2), and remembers them.
//
// Whoever shows an assertion makes us read, and has proven nothing yet: so an address is read seldom (internal/shelf),
// by a read that ends after 5 seconds and holds up nobody but that party; what it answers is bounded before it is
// looked at, redirects are not followed, and private addresses are called only where the operator allows it
// (internal/outbound). Keys count for 10 minutes, and for a day while their address cannot be read. The package refuses
// to know what the keys are for.
//
// A party is a relying party (OAuth client).
package partykeys

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/shelf"
	"github.com/minddistrict/idp/platform"
)

const (
	keptFor  = 10 * time.Minute // keys count without being read again
	readTime = 5 * time.Second  // a read may take, and whoever waits for it
	maxBytes = 64 << 10         // of an answer
)

// Reader is safe for concurrent use.
type Reader struct {
	client *http.Client
	log    *slog.Logger
	sets   *shelf.Cache[address, *jose.JSONWebKeySet]
}

// address is a party's, at one platform; another address begins anew.
type address struct {
	platform platform.ID
	party    grant.PartyID
	uri      string
}

// New makes a reader. The client must not follow redirects, and decides who may be called.
func New(client *http.Client, now func() time.Time, log *slog.Logger) *Reader {
	r := &Reader{client: client, log: log}
	r.sets = shelf.New(now, keptFor, r.read)
	return r
}

// Keys are those at a party's jwks_uri. They are read when they are not known, 10 minutes old, or lack kid ("" is any).
// An error, fault.NotFound, is that there are none, or none that were read within a day.
func (r *Reader) Keys(ctx context.Context, party *grant.Party, kid string) (*jose.JSONWebKeySet, error) {
	wait, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	keys, err := r.sets.Get(wait, address{party.Platform, party.ID, party.JWKSURI}, func(keys *jose.JSONWebKeySet) bool {
		return kid == "" || len(keys.Key(kid)) > 0
	})
	if err != nil {
		return nil, fmt.Errorf("keys of party %s: %w", party.ID, fault.NotFound)
	}
	return keys, nil
}

// read reads an address, and says in the log why it could not.
func (r *Reader) read(ctx context.Context, at address) (*jose.JSONWebKeySet, error) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	keys, err := r.fetch(ctx, at.uri)
	if err != nil {
		r.log.WarnContext(ctx, "reading a party's keys", slog.String("platform", string(at.platform)), slog.String("party", string(at.party)), slog.Any("error", err))
	}
	return keys, err
}

func (r *Reader) fetch(ctx context.Context, uri string) (*jose.JSONWebKeySet, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, uri, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", fault.Invalid, err)
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	res, err := r.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }() // what counts was read
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%w: status %d", fault.Invalid, res.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, maxBytes+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxBytes {
		return nil, fmt.Errorf("%w: more than %d bytes", fault.Invalid, maxBytes)
	}
	return grant.ParseKeys(text)
}
