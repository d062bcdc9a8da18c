package nodes_test

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
	id      string // ID token
}

// fact is something that somebody was told. It goes on to be so.
type fact interface {
	counts(t *testing.T, p *pair, turn int)
}

// act is what a browser does next: nil and no error when nothing was told that could be looked at later.
type act func(l *load, browser, turn int) (fact, error)

// signIn is the act of people who do nothing else.
func signIn(l *load, browser, turn int) (fact, error) {
	return l.login(email(browser), []party{steady, rotating}[turn%2])
}

// load is people who do one thing after the other, in several browsers at once.
type load struct {
	door   door
	strict bool // an answer that is lost fails the act; otherwise people and parties try again
	act    act
	ending chan struct{}
	people sync.WaitGroup
	done   []atomic.Int64 // acts, by browser

	mu     sync.Mutex
	facts  []fact
	failed []error
	lost   int // answers that were lost, and asked again
}

// startLoad starts as many browsers, each with accounts of its own.
func startLoad(d door, browsers int, strict bool, does act) *load {
	l := &load{door: d, strict: strict, act: does, ending: make(chan struct{}), done: make([]atomic.Int64, browsers)}
	for i := range browsers {
		l.people.Go(func() { l.actOften(i) })
	}
	return l
}

// actOften goes on until the load ends; after an error there is no point in that.
func (l *load) actOften(i int) {
	for turn := 0; ; turn++ {
		select {
		case <-l.ending:
			return
		default:
		}
		told, err := l.act(l, i, turn)
		l.mu.Lock()
		if err != nil {
			l.failed = append(l.failed, fmt.Errorf("act %d of browser %d: %w", turn, i, err))
			l.mu.Unlock()
			return
		}
		if told != nil {
			l.facts = append(l.facts, told)
		}
		l.mu.Unlock()
		l.done[i].Add(1)
	}
}

// total is how many acts came to their end so far.
func (l *load) total() (n int64) {
	for i := range l.done {
		n += l.done[i].Load()
	}
	return n
}

// end stops the load, and returns what it was told and how many answers it missed. Any act that failed fails the test.
func (l *load) end(t *testing.T) ([]fact, int) {
	t.Helper()
	close(l.ending)
	l.people.Wait() // bounded: every request is, and so are repetitions
	for _, err := range l.failed {
		t.Error(err)
	}
	if len(l.failed) > 0 {
		t.FailNow()
	}
	return l.facts, l.lost
}

// progress waits until every browser has done one more act.
func (l *load) progress(t *testing.T, within time.Duration) {
	t.Helper()
	before := make([]int64, len(l.done))
	for i := range l.done {
		before[i] = l.done[i].Load()
	}
	end := time.Now().Add(within)
	for i := range l.done {
		for l.done[i].Load() == before[i] {
			if time.Now().After(end) {
				t.Errorf("browser %d did nothing within %s", i, within)
				l.end(t)
				t.FailNow()
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
}

// Answers that are lost are asked for again after a pause, for so long that a node or a database can start meanwhile.
const (
	pause       = 20 * time.Millisecond
	giveUpAfter = time.Minute
)

// trying is one act, which is tried again until its time is over.
type trying struct {
	*load
	until time.Time
}

func (l *load) try() trying { return trying{l, time.Now().Add(giveUpAfter)} }

// again reports whether to try once more: an answer was lost, and the load is not strict.
func (l trying) again(err error) bool {
	if l.strict || !errors.Is(err, errLost) || time.Now().After(l.until) {
		return false
	}
	l.mu.Lock()
	l.lost++
	l.mu.Unlock()
	time.Sleep(pause)
	return true
}

// login is one full login: pages, code, tokens, refresh, userinfo. A person whose answer is lost begins again at the
// party, in the same browser; a party repeats.
func (l *load) login(email string, p party) (fact, error) {
	held, err := l.try().login(newPerson(l.door, email), p)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", email, err)
	}
	return held, nil
}

func (l trying) login(v *person, p party) (acknowledged, error) {
	for {
		code, err := v.signIn(p, nil)
		if l.again(err) {
			continue
		}
		if err != nil {
			return acknowledged{}, fmt.Errorf("signing in: %w", err)
		}
		held, err := l.redeem(v, p, code)
		if !l.again(err) {
			return held, err
		}
	}
}

// redeem is what a party does with a code. errLost: nothing of it was acknowledged, and it cannot go on.
func (l trying) redeem(v *person, p party, code string) (acknowledged, error) {
	given, missed, err := l.repeat(func() (tokens, error) { return l.door.redeem(p, code) })
	if err != nil {
		return acknowledged{}, fmt.Errorf("redeeming: %w", err)
	}
	if missed > 0 && given.Error == "invalid_grant" {
		return acknowledged{}, fmt.Errorf("redeeming: %w: it spent the code", errLost)
	}
	if given.status != http.StatusOK {
		return acknowledged{}, fmt.Errorf("redeeming a code that nobody redeemed: %d %s", given.status, given.body)
	}
	next, missed, err := l.repeat(func() (tokens, error) { return l.door.refresh(p, given.Refresh) })
	if missed >= repeatable && next.Error == "invalid_grant" {
		return acknowledged{}, fmt.Errorf("refreshing: %w: too long ago to be repeated", errLost)
	}
	if err != nil || next.status != http.StatusOK {
		return acknowledged{}, fmt.Errorf("refreshing with a token that was acknowledged: %d %s %w", next.status, next.body, err)
	}
	who, err := l.whose(next.Access)
	if err != nil || who != http.StatusOK {
		return acknowledged{}, fmt.Errorf("userinfo with a token that was acknowledged: %d %w", who, err)
	}
	return acknowledged{v, p, code, next.Refresh, next.Access, given.ID}, nil
}

// repeatable is how long after a rotation the same request is answered the same; later it is a replay (docs/oidc.md).
const repeatable = 10 * time.Second

// repeat asks for tokens until there is an answer, and tells after what time it came if one was missed before.
func (l trying) repeat(ask func() (tokens, error)) (got tokens, missed time.Duration, err error) {
	begun := time.Now()
	for lost := false; ; lost = true {
		got, err = ask()
		if lost {
			missed = time.Since(begun)
		}
		if !l.again(err) {
			return got, missed, err
		}
	}
}

func (l trying) whose(access string) (int, error) {
	for {
		a, err := l.door.get("/userinfo", http.Header{"Authorization": {"Bearer " + access}})
		if !l.again(err) {
			return a.status, err
		}
	}
}
