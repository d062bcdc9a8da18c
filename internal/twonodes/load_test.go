package twonodes_test

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// acknowledged is what one full login was told that it has.
type acknowledged struct {
	person  *person // has a session
	party   party
	code    string // was redeemed: the answer was 200
	refresh string // the newest
	access  string // the newest
}

// load is people who sign in, one after the other, from several browsers at once.
type load struct {
	door   door
	strict bool // an answer that is lost fails the login; otherwise people and parties try again
	ending chan struct{}
	people sync.WaitGroup
	logins []atomic.Int64 // full ones, by browser

	mu     sync.Mutex
	facts  []acknowledged
	failed []error
	lost   int // answers that were lost, and asked again
}

// startLoad starts as many browsers, each with an account of its own.
func startLoad(d door, browsers int, strict bool) *load {
	l := &load{door: d, strict: strict, ending: make(chan struct{}), logins: make([]atomic.Int64, browsers)}
	for i := range browsers {
		l.people.Go(func() { l.signInOften(i) })
	}
	return l
}

// signInOften signs somebody in until the load ends; after an error there is no point in going on.
func (l *load) signInOften(i int) {
	for turn := 0; ; turn++ {
		select {
		case <-l.ending:
			return
		default:
		}
		fact, err := l.login(newPerson(l.door, email(i)), []party{steady, rotating}[turn%2])
		l.mu.Lock()
		if err != nil {
			l.failed = append(l.failed, fmt.Errorf("login %d of %s: %w", turn, email(i), err))
			l.mu.Unlock()
			return
		}
		l.facts = append(l.facts, fact)
		l.mu.Unlock()
		l.logins[i].Add(1)
	}
}

// end stops the load, and returns what it was told and how many answers it missed. Any login that failed fails the test.
func (l *load) end(t *testing.T) ([]acknowledged, int) {
	t.Helper()
	close(l.ending)
	l.people.Wait() // bounded: every request is, and every login makes a bounded number of them
	for _, err := range l.failed {
		t.Error(err)
	}
	if len(l.failed) > 0 {
		t.FailNow()
	}
	return l.facts, l.lost
}

// progress waits until every browser has signed in once more.
func (l *load) progress(t *testing.T, within time.Duration) {
	t.Helper()
	before := make([]int64, len(l.logins))
	for i := range l.logins {
		before[i] = l.logins[i].Load()
	}
	end := time.Now().Add(within)
	for i := range l.logins {
		for l.logins[i].Load() == before[i] {
			if time.Now().After(end) {
				t.Errorf("%s did not sign in within %s", email(i), within)
				l.end(t)
				t.FailNow()
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
}

// again tells whether to try once more: an answer was lost, and the load is not strict.
func (l *load) again(err error) bool {
	if l.strict || !errors.Is(err, errLost) {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost++
	return true
}

// tries bounds how often something is tried again: a node that goes takes few requests of one person with it.
const tries = 10

// login is one full login: pages, code, tokens, refresh, userinfo. A person whose answer is lost begins again at the party,
// in the same browser; a party repeats.
func (l *load) login(v *person, p party) (acknowledged, error) {
	for range tries {
		code, err := v.signIn(p, nil)
		if l.again(err) {
			continue
		}
		if err != nil {
			return acknowledged{}, fmt.Errorf("signing in: %w", err)
		}
		given, missed, err := l.repeat(func() (tokens, error) { return l.door.redeem(p, code) })
		if err != nil {
			return acknowledged{}, fmt.Errorf("redeeming: %w", err)
		}
		if missed && given.Error == "invalid_grant" {
			continue // the request whose answer was lost spent the code: nothing of it was acknowledged
		}
		if given.status != http.StatusOK {
			return acknowledged{}, fmt.Errorf("redeeming a code that nobody redeemed: %d %s", given.status, given.body)
		}
		next, _, err := l.repeat(func() (tokens, error) { return l.door.refresh(p, given.Refresh) })
		if err != nil || next.status != http.StatusOK {
			return acknowledged{}, fmt.Errorf("refreshing with a token that was acknowledged: %d %s %w", next.status, next.body, err)
		}
		who, err := l.whose(next.Access)
		if err != nil || who != http.StatusOK {
			return acknowledged{}, fmt.Errorf("userinfo with a token that was acknowledged: %d %w", who, err)
		}
		return acknowledged{v, p, code, next.Refresh, next.Access}, nil
	}
	return acknowledged{}, fmt.Errorf("not signed in after %d tries", tries)
}

// repeat asks for tokens until there is an answer, and tells whether one was missed.
func (l *load) repeat(ask func() (tokens, error)) (got tokens, missed bool, err error) {
	for range tries {
		if got, err = ask(); !l.again(err) {
			break
		}
		missed = true
	}
	return got, missed, err
}

func (l *load) whose(access string) (int, error) {
	var a answer
	var err error
	for range tries {
		if a, err = l.door.get("/userinfo", http.Header{"Authorization": {"Bearer " + access}}); !l.again(err) {
			break
		}
	}
	return a.status, err
}
