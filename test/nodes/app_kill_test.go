package nodes_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/idptest"
)

// counting is an installation in which a PIN can be held between its being counted and its being settled.
type counting struct {
	*pair
	hold func(t *testing.T) (held <-chan struct{}, letGo func())
}

// countings hold a PIN in two ways. On PostgreSQL the answer to the counting does not come back to the node, so that it
// has compared nothing. In a file nobody is in between, so there what settles a PIN takes as long as it is let.
var countings = map[string]func(*testing.T) counting{
	"PostgreSQL": func(t *testing.T) counting {
		var way *line
		p := newPair(t, 0, func(dsn string) (via string) {
			way, via = newTap(t, dsn)
			return via
		})
		return counting{p, func(*testing.T) (<-chan struct{}, func()) {
			return way.tap.at(stop{statement: "SET tries = tries + 1", done: true}).hit, func() {}
		}}
	},
	"SQLite": func(t *testing.T) counting {
		p := newAlone(t, 0)
		return counting{p, func(t *testing.T) (<-chan struct{}, func()) {
			t.Helper()
			p.change(t, `CREATE VIEW IF NOT EXISTS forever AS
				WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000) SELECT i FROM n`)
			p.change(t, `CREATE TRIGGER slowly BEFORE UPDATE ON app_devices WHEN OLD.comparing <> '' AND NEW.comparing = ''
				BEGIN SELECT COUNT(*) FROM forever; END`)
			held := make(chan struct{})
			go func() {
				defer close(held)
				for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
					var n int
					const held = `SELECT COUNT(*) FROM app_devices WHERE comparing <> '' AND comparing_ends > $1`
					err := p.sql.QueryRow(held, time.Now().UnixMilli()).Scan(&n)
					if err == nil && n > 0 {
						return
					}
				}
			}()
			return held, func() { p.change(t, `DROP TRIGGER slowly`) }
		}}
	},
}

// dies lets a node die that has counted a PIN and told nobody what it is. The node is back when it returns.
func (c *counting) dies(t *testing.T, i int, h *handset, pin string) (countedAt time.Time) {
	t.Helper()
	n := c.nodes[i%len(c.nodes)]
	before := c.tries(t, h)
	held, letGo := c.hold(t)
	answered := make(chan string, 1)
	d := newDoor(c.issuer, n.address)
	go func() {
		a, err := h.pin(d, pin)
		if err == nil {
			answered <- fmt.Sprintf("%d %s", a.status, a.body)
		}
		close(answered)
	}()
	select {
	case <-held:
	case <-time.After(patience):
		t.Fatal("the PIN was not held")
	}
	countedAt = time.Now()
	n.Kill()
	letGo()
	if a, ok := <-answered; ok {
		t.Fatalf("the node that was killed answered %s", a)
	}
	const undecided = `SELECT COUNT(*) FROM app_devices WHERE jkt = $1 AND comparing <> ''`
	if after := c.tries(t, h); after != before+1 || c.row(t, undecided, h.jkt) != 1 {
		t.Fatalf("%d tries became %d: nothing was counted, or it was settled", before, after)
	}
	n.start()
	n.ready(soonEnough)
	return countedAt
}

func (s *site) tries(t *testing.T, h *handset) int {
	t.Helper()
	return s.row(t, `SELECT COALESCE(SUM(tries), 0) FROM app_devices WHERE jkt = $1 AND ended_at IS NULL`, h.jkt)
}

// compared is how many PINs were compared and wrong.
func (s *site) compared(t *testing.T) int {
	t.Helper()
	return s.row(t, `SELECT COUNT(*) FROM events WHERE kind = 'pin.refuse'`)
}

// waited lets the ten seconds pass that a try is held at most.
func (s *site) waited(t *testing.T, h *handset) {
	t.Helper()
	s.change(t, `UPDATE app_devices SET comparing_ends = comparing_ends - $1 WHERE jkt = $2`, grant.ComparingLife.Milliseconds(), h.jkt)
}

// mistypes enters wrong PINs, each of which is compared.
func (h *handset) mistypes(t *testing.T, d door, lefts ...int) {
	t.Helper()
	for _, left := range lefts {
		if a, err := h.pin(d, wrongPIN); err != nil || !a.wrong(left) {
			t.Fatalf("a wrong PIN: %d %s %v, want %d left", a.status, a.body, err, left)
		}
	}
}

// knows enters the right PIN, after so many that were wrong or lost.
func (h *handset) knows(t *testing.T, d door, wrong int) {
	t.Helper()
	if a, err := h.pin(d, idptest.PhonePIN); err != nil || !a.right(wrong) || !h.take(a) {
		t.Fatalf("the right PIN: %d %s %v, want tokens and %d wrong before", a.status, a.body, err, wrong)
	}
}

// TestNodeThatDiesBetweenCountingAPINAndComparingIt: the try stays counted, nobody compares another one for ten seconds and
// nobody is told anything; then the right PIN works. Tries that were lost so count with those that were wrong, so that
// killing nodes gives nobody a sixth, and they remove no device that stands fewer than five.
func TestNodeThatDiesBetweenCountingAPINAndComparingIt(t *testing.T) {
	for name, serve := range countings {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // with the other one: both wait, mostly
			c := serve(t)
			c.withPhones(0)
			doors := c.twice(0)
			h := c.phone(t, doors[0], "anna@example.org")
			countedAt := c.dies(t, 0, h, wrongPIN)
			waits := 0
			for ; ; waits++ {
				a, err := h.pin(doors[1], idptest.PhonePIN)
				must(t, "entering the PIN", err)
				if !a.is("slow_down") {
					if !a.right(1) || !h.take(a) {
						t.Errorf("the right PIN: %d %s, want tokens and 1 wrong before", a.status, a.body)
					}
					break
				}
				if n := c.tries(t, h); n != 1 {
					t.Fatalf("%d tries, one of them while another is compared", n)
				}
				if time.Since(countedAt) > grant.ComparingLife+2*time.Second {
					t.Fatalf("held for %s", time.Since(countedAt))
				}
				time.Sleep(250 * time.Millisecond)
			}
			if waits == 0 {
				t.Error("the right PIN was compared beside the one that was lost")
			}
			if n := c.compared(t); n != 0 {
				t.Errorf("%d wrong PINs on record, and none was compared", n)
			}
			t.Logf("held for %s after it was lost", time.Since(countedAt).Round(10*time.Millisecond))

			h.mistypes(t, doors[1], 4, 3)
			for i := range 2 {
				c.dies(t, 1+i, h, idptest.PhonePIN)
				c.waited(t, h)
			}
			h.knows(t, doors[0], 4)
			h.works(t, doors[1])

			h.mistypes(t, doors[1], 4, 3, 2, 1)
			c.dies(t, 1, h, wrongPIN)
			if a, err := h.pin(doors[0], idptest.PhonePIN); err != nil || !a.is("slow_down") {
				t.Errorf("while the fifth may be compared: %d %s %v", a.status, a.body, err)
			}
			c.waited(t, h)
			if a, err := h.pin(doors[0], idptest.PhonePIN); err != nil || !a.gone() {
				t.Errorf("after four that were wrong and one that was lost: %d %s %v", a.status, a.body, err)
			}
			if n := c.compared(t); n != 6 {
				t.Errorf("%d wrong PINs on record, 6 were compared", n)
			}
			must(t, "signing in anew", h.signIn(doors[0], "anna@example.org", idptest.Password))
			h.choose(t, doors[1])
		})
	}
}

// TestKilledNodesCompareNoSixthPIN kills a node at a random moment while a thief tries PINs at both as fast as he can.
func TestKilledNodesCompareNoSixthPIN(t *testing.T) {
	for name, serve := range onBoth {
		t.Run(name, func(t *testing.T) { killWhileTrying(t, serve(t).withPhones(0)) })
	}
}

// triers are how many send wrong PINs at once.
const triers = 8

func killWhileTrying(t *testing.T, p *pair) {
	h := p.phone(t, p.at(0), "anna@example.org")
	var sealed []byte
	const pin = `SELECT pin FROM app_devices WHERE jkt = $1`
	must(t, "reading the PIN", p.sql.QueryRowContext(t.Context(), pin, h.jkt).Scan(&sealed))
	rounds, losses, removals, sum := times(t, "IDP_PIN_KILLS", 4), 0, 0, 0
	for round := range rounds {
		before := p.compared(t)
		lefts := p.tryWhile(t, h, p.nodes[round%len(p.nodes)])
		compared, tries := p.compared(t)-before, p.tries(t, h)
		sum += compared
		seen := map[int]bool{}
		for _, left := range lefts {
			if seen[left] {
				t.Errorf("round %d: two wrong PINs left %d each", round, left)
			}
			seen[left] = true
		}
		live := p.row(t, `SELECT COUNT(*) FROM app_devices WHERE jkt = $1 AND ended_at IS NULL`, h.jkt) == 1
		lost := tries - compared
		if !live {
			removals++
			lost = grant.MaxTries - compared
		}
		losses += lost
		if compared > grant.MaxTries || len(lefts) > compared || lost < 0 || lost > 1 {
			t.Fatalf("round %d: %d wrong PINs were compared and %d answered; %d were counted, the device lives: %t",
				round, compared, len(lefts), tries, live)
		}
		p.waited(t, h)
		switch a, err := h.pin(p.twice(round)[0], idptest.PhonePIN); {
		case err != nil:
			t.Fatalf("round %d: %v", round, err)
		case live && tries < grant.MaxTries && !a.right(tries), (!live || tries == grant.MaxTries) && !a.gone():
			t.Fatalf("round %d: after %d tries the right PIN is answered %d %s", round, tries, a.status, a.body)
		}
		p.change(t, `UPDATE app_devices SET ended_at = NULL, end_reason = '', pin = $1, tries = 0, tried = '', comparing = ''
			WHERE jkt = $2`, sealed, h.jkt)
	}
	if sum == 0 {
		t.Error("no PIN was compared: the kills come too early to show anything")
	}
	t.Logf("%d kills: %d wrong PINs compared, %d lost with their node, %d devices removed", rounds, sum, losses, removals)
}

// tryWhile sends wrong PINs to both nodes and kills one of them meanwhile. It returns what each wrong one left, when that
// node is back.
func (p *pair) tryWhile(t *testing.T, h *handset, n *node) (lefts []int) {
	t.Helper()
	var mu sync.Mutex
	var all sync.WaitGroup
	ending := make(chan struct{})
	for i := range triers {
		d := p.twice(i)[0]
		all.Go(func() {
			for {
				select {
				case <-ending:
					return
				default:
				}
				a, err := h.pin(d, wrongPIN)
				switch {
				case err != nil: // killed
					time.Sleep(time.Millisecond)
				case a.is("invalid_grant") && a.TriesLeft != nil:
					mu.Lock()
					lefts = append(lefts, *a.TriesLeft)
					mu.Unlock()
				case a.gone():
					return
				case !a.is("slow_down"):
					t.Errorf("a wrong PIN: %d %s", a.status, a.body)
					return
				}
			}
		})
	}
	enough := int(moment(0, grant.MaxTries)) // answers before it; the rest of a round is as long as one takes
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		mu.Lock()
		got := len(lefts)
		mu.Unlock()
		if got >= enough {
			break
		}
	}
	time.Sleep(moment(0, 20*time.Millisecond))
	n.Kill()
	close(ending)
	all.Wait()
	n.start()
	n.ready(soonEnough)
	return lefts
}
