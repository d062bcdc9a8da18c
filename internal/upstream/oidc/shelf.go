package oidc

import (
	"context"
	"sync"
	"time"

	"github.com/minddistrict/idp/federation"
)

const (
	metadataFor = time.Hour        // metadata counts without being read again
	keysFor     = 10 * time.Minute // keys do
	usableFor   = 24 * time.Hour   // … while they cannot be
	readEvery   = 30 * time.Second // at most, whatever is asked; a failure is remembered as long
	maxShelf    = 1000             // remembered; beyond, what was asked for longest ago is forgotten
)

// shelf remembers what addresses answer. Whoever sends us a logout token makes us read, and has proven nothing yet: so
// an address is read at most every 30 seconds, by one read at a time.
type shelf[T any] struct {
	now   func() time.Time
	keeps time.Duration
	read  func(context.Context, string) (T, error)

	mu    sync.Mutex // guards items and what is in them; never held while reading
	items map[string]*item[T]
}

type item[T any] struct {
	value   T
	readAt  time.Time // when value was; zero: never
	err     error     // of the last try; nil: it brought value
	triedAt time.Time
	askedAt time.Time
	reading chan struct{} // closed when the read that goes on is over; nil: none does
}

func newShelf[T any](now func() time.Time, keptFor time.Duration, read func(context.Context, string) (T,
	error)) *shelf[T] {
	return &shelf[T]{now: now, keeps: keptFor, read: read, items: map[string]*item[T]{}}
}

// get is what an address answers. It is read when it is not known, old, or does not fit (nil: anything does). What was
// read within a day counts while the address cannot be read. An error is that of the last try.
func (s *shelf[T]) get(ctx context.Context, address string, fits func(T) bool) (T, error) {
	if reading := s.look(ctx, address, fits); reading != nil {
		select {
		case <-reading:
		case <-ctx.Done():
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	it := s.items[address]
	switch {
	case it == nil: // forgotten meanwhile
	case !it.readAt.IsZero() && s.now().Sub(it.readAt) < usableFor:
		return it.value, nil
	case it.err != nil:
		var none T
		return none, it.err
	}
	var none T
	return none, refuse(federation.Unreachable, "%s: no answer in time", shown(address))
}

// look finds what is remembered, and begins a read where it does not do; nil: there is nothing to wait for.
func (s *shelf[T]) look(ctx context.Context, address string, fits func(T) bool) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, it := s.now(), s.items[address]
	if it == nil {
		s.makeRoom()
		it = &item[T]{}
		s.items[address] = it
	}
	it.askedAt = now
	switch {
	case !it.readAt.IsZero() && now.Sub(it.readAt) < s.keeps && (fits == nil || fits(it.value)):
		return nil
	case it.reading != nil:
		return it.reading
	case !it.triedAt.IsZero() && now.Sub(it.triedAt) < readEvery:
		return nil
	}
	it.triedAt, it.reading = now, make(chan struct{})
	go s.fill(context.WithoutCancel(ctx), address, it) // whoever asked may go: others wait for it, too
	return it.reading
}

func (s *shelf[T]) makeRoom() {
	if len(s.items) < maxShelf {
		return
	}
	var oldest string
	for address, it := range s.items {
		if first := s.items[oldest]; first == nil || it.askedAt.Before(first.askedAt) {
			oldest = address
		}
	}
	delete(s.items, oldest)
}

// fill reads an address into its item. What cannot be read leaves what was there.
func (s *shelf[T]) fill(ctx context.Context, address string, it *item[T]) {
	value, err := s.read(ctx, address)
	s.mu.Lock()
	defer s.mu.Unlock()
	if it.err = err; err == nil {
		it.value, it.readAt = value, it.triedAt
	}
	close(it.reading)
	it.reading = nil
}
