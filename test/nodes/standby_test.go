package nodes_test

import (
	"errors"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"
)

// TestPrimaryWithoutItsStandbyPromisesNothing takes the synchronous standby from a primary, which waits for it before it
// answers a commit (synchronous_mode_strict of Patroni). Whoever asks again is not told that it is done either: no standby
// has it, and a failover would lose it.
func TestPrimaryWithoutItsStandbyPromisesNothing(t *testing.T) {
	g := newDatabase(t)
	p := serve(t, newSite(t, openBeside(t, "pgx", g.DSN)), g.DSN, 0, 2)
	held := p.arrive(t)
	leaving := p.arrive(t)
	standbys := func(names string) {
		t.Helper()
		for _, text := range []string{"ALTER SYSTEM SET synchronous_standby_names = '" + names + "'", "SELECT pg_reload_conf()"} {
			_, err := p.sql.ExecContext(t.Context(), text)
			must(t, text, err)
		}
	}
	standbys("away")
	time.Sleep(time.Second) // every process of the server has read it

	token := held.tokens[steady].Refresh
	leave := p.issuer + "/logout?id_token_hint=" + leaving.tokens[steady].ID
	for turn := range 2 { // the second time may find what was done the first time
		var all sync.WaitGroup
		for i := range p.nodes {
			all.Go(func() {
				a, err := p.at(i).post(steady, "/revoke", url.Values{"token": {token}})
				if err := errors.Join(err, busy(a)); err != nil {
					t.Errorf("turn %d, node %d: revoking while no standby has it: %v", turn, i, err)
				}
			})
			all.Go(func() {
				a, _, err := leaving.person.copied(p.at(i)).step(http.MethodGet, leave, nil)
				if err := errors.Join(err, busy(a)); err != nil {
					t.Errorf("turn %d, node %d: logging out while no standby has it: %v", turn, i, err)
				}
			})
		}
		all.Wait()
	}

	standbys("")
	back := time.Now()
	for i := range p.nodes {
		for {
			_, err := newPerson(p.at(i), "anna@example.org").signIn(steady, nil)
			if err == nil {
				break
			}
			if time.Since(back) > backAfter {
				t.Fatalf("node %d: nobody can sign in %s after the standby is back: %v", i, backAfter, err)
			}
		}
	}
	if a, err := p.through().post(steady, "/revoke", url.Values{"token": {token}}); err != nil || a.status != http.StatusOK {
		t.Errorf("revoking afterwards: %d %s %v", a.status, a.body, err)
	}
	if got, err := p.through().refresh(steady, token); err != nil || got.Error != "invalid_grant" {
		t.Errorf("the token afterwards: %d %s %v", got.status, got.body, err)
	}
}
