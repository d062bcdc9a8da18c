// Package shelf remembers what addresses of others answer, and reads them seldom.
//
// Who makes us read has often proven nothing yet: whoever shows an assertion of a party, or posts a logout token. So an
// address is read at most every 30 seconds, whatever is asked, by one read at a time that others wait for; what was
// read counts for a while without being read again, and for a day while it cannot be; and what is remembered is
// bounded. Each node reads for itself. The package refuses to know how an address is read, and what is there.
//
// A party is a relying party (OAuth client).
package shelf

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	UsableFor = 24 * time.Hour   // what was read counts, while it cannot be read again
	ReadEvery = 30 * time.Second // at most, whatever is asked; a failure is remembered as long
	Most      = 1000             // are remembered; beyond, what was asked for longest ago is forgotten
)

// ErrLate: nobody who reads an address had an answer before whoever asked went away.
var ErrLate = errors.New("no answer in time")

// Cache is what addresses of one kind answer. It is safe for concurrent use.
type Cache[A comparable, T any] struct {
	now   func() time.Time
	keeps time.Duration
	read  func(context.Context, A) (T, error)

	mu    sync.Mutex // guards items and what is in them; never held while reading
	items map[A]*item[T]
}

type item[T any] struct {
	value   T
	readAt  time.Time // when value was; zero: never
	err     error     // of the last try; nil: it brought value
	triedAt time.Time
	askedAt time.Time
	reading chan struct{} // closed when the read that goes on is over; nil: none does
}

// New makes a shelf: what was read counts for keeps without being read again. read bounds itself in time and size; its
// context does not end with the request of who asked first, because others wait for it, too.
func New[A comparable, T any](now func() time.Time, keeps time.Duration, read func(context.Context, A) (T, error)) *Cache[A, T] {
	return &Cache[A, T]{now: now, keeps: keeps, read: read, items: map[A]*item[T]{}}
}

// Get is what an address answers. It is read when it is not known, old, or does not fit (nil: anything does). What was
// read within UsableFor counts while the address cannot be read. An error is that of the last try, or ErrLate.
func (s *Cache[A, T]) Get(ctx context.Context, address A, fits func(T) bool) (T, error) {
	if reading := s.look(ctx, address, fits); reading != nil {
		select {
		case <-reading:
		case <-ctx.Done():
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var none T
	it := s.items[address]
	switch {
	case it == nil: // forgotten meanwhile
	case !it.readAt.IsZero() && s.now().Sub(it.readAt) < UsableFor:
		return it.value, nil
	case it.err != nil:
		return none, it.err
	}
	return none, ErrLate
}

// Len is how many addresses are remembered.
func (s *Cache[A, T]) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.items)
}

// look finds what is remembered, and begins a read where it does not do; nil: there is nothing to wait for.
func (s *Cache[A, T]) look(ctx context.Context, address A, fits func(T) bool) <-chan struct{} {
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
	case !it.triedAt.IsZero() && now.Sub(it.triedAt) < ReadEvery:
		return nil
	}
	it.triedAt, it.reading = now, make(chan struct{})
	go s.fill(context.WithoutCancel(ctx), address, it)
	return it.reading
}

// makeRoom forgets what was asked for longest ago. Its lock is held.
func (s *Cache[A, T]) makeRoom() {
	if len(s.items) < Most {
		return
	}
	var oldest A
	for address, it := range s.items {
		if first := s.items[oldest]; first == nil || it.askedAt.Before(first.askedAt) {
			oldest = address
		}
	}
	delete(s.items, oldest)
}

// fill reads an address into its item. What cannot be read leaves what was there.
func (s *Cache[A, T]) fill(ctx context.Context, address A, it *item[T]) {
	value, err := s.read(ctx, address)
	s.mu.Lock()
	defer s.mu.Unlock()
	if it.err = err; err == nil {
		it.value, it.readAt = value, it.triedAt
	}
	close(it.reading)
	it.reading = nil
}
