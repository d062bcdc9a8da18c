// Package partykeys reads the keys of parties that registered an address instead of keys (`jwks_uri`, RFC 7591 section 2),
// and remembers them.
//
// Whoever shows an assertion makes us read, and has proven nothing yet. So an address is read at most every 30 seconds, by
// one read at a time, which ends after 5 seconds and holds up nobody but that party; what it answers is bounded before it
// is looked at, redirects are not followed, and private addresses are called only where the operator allows it
// (internal/outbound). Keys count for 10 minutes, and for a day while their address cannot be read. Each node reads for
// itself. The package refuses to know what the keys are for.
package partykeys

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/platform"
)

const (
	keptFor   = 10 * time.Minute // keys count without being read again
	usableFor = 24 * time.Hour   // … while they cannot be
	readEvery = 30 * time.Second // at most, whatever is asked
	readTime  = 5 * time.Second  // a read may take, and whoever waits for it
	maxBytes  = 64 << 10         // of an answer
	maxSets   = 1000             // remembered; beyond, the one that was asked for longest ago is forgotten
)

// Reader is safe for concurrent use.
type Reader struct {
	client *http.Client
	now    func() time.Time
	log    *slog.Logger

	mu   sync.Mutex // guards sets and what is in them; never held while reading
	sets map[address]*entry
}

// address is a party's, at one platform; another address begins anew.
type address struct {
	platform platform.ID
	party    grant.PartyID
	uri      string
}

type entry struct {
	keys    *jose.JSONWebKeySet // nil: never read
	readAt  time.Time           // when keys were
	triedAt time.Time
	askedAt time.Time
	reading chan struct{} // closed when the read that goes on is over; nil: none does
}

// New makes a reader. The client must not follow redirects, and decides who may be called.
func New(client *http.Client, now func() time.Time, log *slog.Logger) *Reader {
	return &Reader{client: client, now: now, log: log, sets: map[address]*entry{}}
}

// Keys are those at a party's jwks_uri. They are read when they are not known, 10 minutes old, or lack kid ("" is any). An
// error, fault.NotFound, is that there are none, or none that were read within a day.
func (r *Reader) Keys(ctx context.Context, party *grant.Party, kid string) (*jose.JSONWebKeySet, error) {
	at := address{party.Platform, party.ID, party.JWKSURI}
	reading := r.look(ctx, at, kid)
	if reading != nil {
		wait, cancel := context.WithTimeout(ctx, readTime)
		defer cancel()
		select {
		case <-reading:
		case <-wait.Done():
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.sets[at]
	if e == nil || e.keys == nil || r.now().Sub(e.readAt) >= usableFor {
		return nil, fmt.Errorf("keys of party %s: %w", party.ID, fault.NotFound)
	}
	return e.keys, nil
}

// look finds what is remembered, and begins a read where it does not do; nil: there is nothing to wait for.
func (r *Reader) look(ctx context.Context, at address, kid string) <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	now, e := r.now(), r.sets[at]
	if e == nil {
		r.makeRoom()
		e = &entry{}
		r.sets[at] = e
	}
	e.askedAt = now
	switch {
	case e.keys != nil && now.Sub(e.readAt) < keptFor && (kid == "" || len(e.keys.Key(kid)) > 0):
		return nil
	case e.reading != nil:
		return e.reading
	case !e.triedAt.IsZero() && now.Sub(e.triedAt) < readEvery:
		return nil
	}
	e.triedAt, e.reading = now, make(chan struct{})
	go r.read(context.WithoutCancel(ctx), at, e) // whoever asked may go: others wait for it, too
	return e.reading
}

// makeRoom forgets what was asked for longest ago. Its lock is held.
func (r *Reader) makeRoom() {
	if len(r.sets) < maxSets {
		return
	}
	var oldest address
	for at, e := range r.sets {
		if first := r.sets[oldest]; first == nil || e.askedAt.Before(first.askedAt) {
			oldest = at
		}
	}
	delete(r.sets, oldest)
}

// read reads an address into its entry. What cannot be read leaves the keys of before.
func (r *Reader) read(ctx context.Context, at address, e *entry) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	keys, err := r.fetch(ctx, at.uri)
	if err != nil {
		r.log.WarnContext(ctx, "reading a party's keys", slog.String("platform", string(at.platform)), slog.String("party", string(at.party)), slog.Any("error", err))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		e.keys, e.readAt = keys, e.triedAt
	}
	close(e.reading)
	e.reading = nil
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
