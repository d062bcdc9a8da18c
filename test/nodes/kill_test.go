package nodes_test

import (
	"encoding/binary"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/secret"
)

// browsers is how many people sign in at once where there is load.
const browsers = 4

// TestKilledNodeLosesNothingThatWasAcknowledged kills a node at a random moment while people do all they can do.
// Whatever was answered before counts afterwards, on the node that stayed and on the one that came back;
// whatever was not answered happened wholly or not at all.
func TestKilledNodeLosesNothingThatWasAcknowledged(t *testing.T) {
	killOften(t, newPair(t, browsers, nil), times(t, "IDP_KILLS", 3))
}

// The same where there is one node, and its database is a file.
func TestKilledNodeOnSQLiteLosesNothingThatWasAcknowledged(t *testing.T) {
	killOften(t, newAlone(t, browsers), times(t, "IDP_SQLITE_KILLS", 2))
}

func killOften(t *testing.T, p *pair, kills int) {
	m := newMix(t, p, browsers)
	var sum tally
	for k := range kills {
		n := p.nodes[k%len(p.nodes)]
		l := startLoad(p.through().whenBusy(), browsers, false, m.begin(t)) // where the cores are busy, passwords wait too long
		time.Sleep(moment(100*time.Millisecond, 700*time.Millisecond))
		n.Kill()
		back := time.Now()
		n.start()
		n.ready(soonEnough)
		sum.slowest = max(sum.slowest, time.Since(back))
		p.balancer.take()
		l.progress(t, soonEnough)
		if !p.balancer.all() {
			t.Errorf("kill %d: the node that came back serves nobody", k)
		}
		m.check(t, l, &sum)
		if t.Failed() {
			t.Fatalf("after kill %d of %d", k+1, kills)
		}
	}
	sum.report(t, fmt.Sprintf("%d kills, back and ready within %s", kills, sum.slowest.Round(time.Millisecond)))
}

// moment is a random time between two.
func moment(from, to time.Duration) time.Duration {
	return from + time.Duration(binary.BigEndian.Uint64(secret.Bytes(8))%uint64(to-from))
}

// all reports whether all nodes served since take.
func (b *balancer) all() bool {
	seen := map[int]bool{}
	for _, s := range b.take() {
		seen[s.node] = true
	}
	return len(seen) == len(b.nodes)
}

// counts checks at both nodes that what was acknowledged still counts, and that a code that was spent stays spent.
func (held acknowledged) counts(t *testing.T, p *pair, turn int) {
	t.Helper()
	doors := p.twice(turn)
	current := held.refresh
	for _, d := range doors {
		if got, err := held.person.copied(d).silently(held.party); err != nil || got != "code" {
			t.Errorf("a session that was acknowledged: %q %v", got, err)
		}
		next, err := d.refresh(held.party, current)
		if err != nil || next.status != http.StatusOK {
			t.Errorf("a refresh token that was acknowledged: %d %s %v", next.status, next.body, err)
			return
		}
		current = next.Refresh
		if got := d.userinfo(held.access); got != http.StatusOK {
			t.Errorf("userinfo with an access token that was acknowledged: %d", got)
		}
	}
	for _, d := range doors {
		again, err := d.redeem(held.party, held.code)
		if err != nil || again.Error != "invalid_grant" {
			t.Errorf("a code that was redeemed: %d %s %v", again.status, again.body, err)
		}
	}
	for _, d := range doors {
		if after, err := d.refresh(held.party, current); err != nil || after.Error != "invalid_grant" {
			t.Errorf("the grant of a code that came twice: %d %s %v", after.status, after.body, err)
		}
	}
}

// wholly looks in the database for what would be half of something. All that belongs together is one transaction, so
// there is none, whenever a node was killed.
func (p *pair) wholly(t *testing.T) {
	t.Helper()
	for what, query := range map[string]string{
		"sessions without their event, or the other way round": `
			SELECT ABS((SELECT COUNT(*) FROM sessions) - (SELECT COUNT(*) FROM events WHERE kind = 'session.start'))`,
		"journeys that ended without a session, or the other way round": `
			SELECT ABS((SELECT COUNT(*) FROM sessions) - (SELECT COUNT(*) FROM journeys AS j WHERE ended_at IS NOT NULL AND NOT EXISTS (
				SELECT 1 FROM events AS e WHERE e.kind = 'password.set' AND e.account = j.account AND e.at = j.ended_at
					AND COALESCE(j.account_cut_at, 0) < j.ended_at)))`, // a new password ends the other journeys of its account
		"requests that wait although their journey is stored, or do not although it is not": `
			SELECT COUNT(*) FROM requests AS r LEFT JOIN journeys AS j ON j.platform = r.platform AND j.id = r.id WHERE (r.waiting_since IS NULL) <> (j.id IS NOT NULL)`,
		"requests that were answered without a grant": `
			SELECT COUNT(*) FROM requests AS r WHERE answered_at IS NOT NULL AND NOT EXISTS (
				SELECT 1 FROM grants AS g WHERE g.platform = r.platform AND g.started_at = r.answered_at)`,
		"codes that were spent without a refresh token, or the other way round": `
			SELECT COUNT(*) FROM grants WHERE (code_used_at IS NULL) <> (refresh_hash IS NULL) OR (refresh_hash IS NULL) <> (refresh_ends_at IS NULL)`,
		"rotations without their predecessor": `
			SELECT COUNT(*) FROM grants WHERE party = 'rotating' AND (refreshed_at IS NULL) <> (previous_refresh_hash IS NULL)`,
		"grants that ended without their event, or the other way round": `
			SELECT ABS((SELECT COUNT(*) FROM grants WHERE end_reason = 'code replayed') - (SELECT COUNT(*) FROM events WHERE kind = 'code.replay'))`,
		"sessions that people ended without their event, or the other way round": `
			SELECT ABS((SELECT COUNT(*) FROM sessions AS s WHERE ended_at IS NOT NULL AND account NOT IN (SELECT account FROM tickets WHERE purpose = 'reset'))
				- (SELECT COUNT(*) FROM events WHERE kind = 'session.end'))`,
		"new passwords without their link, or the other way round": `
			SELECT ABS((SELECT COUNT(*) FROM tickets WHERE purpose = 'reset' AND used_at IS NOT NULL)
				- (SELECT COUNT(*) FROM events WHERE kind = 'password.set' AND reason = 'reset-password'))`,
		"recovery codes that were used without telling their owner, or the other way round": `
			SELECT ABS((SELECT COUNT(*) FROM letters WHERE kind = 'mail_recovery') - (SELECT COUNT(*) FROM events WHERE kind = 'recovery.use'))`,
		"counters of wrong passwords of people who signed in": `
			SELECT COUNT(*) FROM attempts WHERE failures > 0`,
	} {
		if n := p.row(t, query); n != 0 {
			t.Errorf("%d %s", n, what)
		}
	}
}
