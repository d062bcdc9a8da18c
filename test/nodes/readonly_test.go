package nodes_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/keys"
)

// TestReadOnlyDatabaseEndsIn503AndRecovery lets PostgreSQL take no writes while people sign in, in the two ways in
// which that happens: connections end, and new ones are read-only (a failover, a database that was set so); and
// connections stay, and are read-only from one moment to the next (a primary that was demoted).
func TestReadOnlyDatabaseEndsIn503AndRecovery(t *testing.T) {
	g := newDatabase(t)
	for name, way := range map[string]struct{ stop, goOn []string }{
		"connections end": {
			[]string{
				"ALTER DATABASE postgres SET default_transaction_read_only = on",
				"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'postgres' AND pid <> pg_backend_pid()",
			},
			[]string{"ALTER DATABASE postgres RESET default_transaction_read_only"},
		},
		"connections stay": {
			[]string{"ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()"},
			[]string{"ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			readOnly(t, g, way.stop, way.goOn)
		})
	}
}

func readOnly(t *testing.T, g *database, stop, goOn []string) {
	clear := openBeside(t, "pgx", g.DSN)
	for _, text := range []string{"DROP SCHEMA public CASCADE", "CREATE SCHEMA public"} {
		_, err := clear.ExecContext(t.Context(), text)
		must(t, text, err)
	}
	p := serve(t, newSite(t, openBeside(t, "pgx", g.DSN)), g.DSN, browsers, 2)
	held, waiting, code, ends := p.beforeAnOutage(t)
	beside := func(statements []string) { // in a session that may write, whatever the default is
		t.Helper()
		for _, text := range statements {
			c, err := p.sql.Conn(t.Context())
			must(t, "connecting", err)
			_, errSet := c.ExecContext(t.Context(), "SET default_transaction_read_only = off")
			_, err = c.ExecContext(t.Context(), text)
			_ = c.Close() // the session ends with it
			must(t, "SET", errSet)
			must(t, text, err)
		}
	}

	beside(stop)
	gone := time.Now()
	for i, n := range p.nodes {
		n.Soon(noticedAfter, "not ready any more", func() bool { return n.probe("/readyz") == http.StatusServiceUnavailable })
		if got := n.probe("/healthz"); got != http.StatusOK {
			t.Errorf("node %d: /healthz %d", i, got)
		}
		p.away(t, i, held, waiting, code)
	}
	time.Sleep(outage - time.Since(gone)) // not at all when the checks took longer

	beside(goOn)
	back := time.Now()
	for _, n := range p.nodes {
		n.Soon(backAfter, "ready again", func() bool { return n.probe("/readyz") == http.StatusOK })
	}
	ready := time.Since(back)
	for i := range p.nodes {
		if _, err := newPerson(p.at(i), "anna@example.org").signIn(steady, nil); err != nil {
			t.Errorf("node %d: nobody can sign in although it is ready: %v", i, err)
		}
	}
	answered, refused, slowest := ends()
	must(t, "typing the password afterwards", waiting.password())
	if got, err := p.through().redeem(steady, code); err != nil || got.status != http.StatusOK {
		t.Errorf("the code that was refused meanwhile: %d %s %v", got.status, got.body, err)
	}
	t.Logf("%d answers as ever, %d of 503, the slowest after %s; ready again after %s", answered, refused, slowest.Round(time.Millisecond), ready.Round(time.Millisecond))
}

// TestForeignMasterKeyHidesNoDisabledParty: everything stored is sealed under a master key that the nodes do not have,
// and then a party is disabled. They cannot sign, and say so without spending what they are given; the party is refused
// all the same, within a second.
func TestForeignMasterKeyHidesNoDisabledParty(t *testing.T) {
	p := newPair(t, 0, nil)
	held := p.arrive(t)
	code, err := held.person.ask(rotating, nil)
	must(t, "asking for a code", err)
	published, err := p.at(0).get("/keys", nil)
	must(t, "reading the keys", err)
	next := *p
	next.Install = p.With("IDP_MASTER_KEYS_FILE=" + p.File("next-keys", keys.NewMaster()+"\n"+p.Master+"\n"))
	next.OK("keys", "reseal")
	next.OK("party", "disable", steady.id, "--platform", "linde")
	changed := time.Now()
	for i, n := range p.nodes {
		d := p.at(i)
		n.Soon(time.Second-time.Since(changed), "refusing the party", func() bool {
			got, err := d.post(steady, "/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {held.tokens[steady].Refresh}})
			return err == nil && got.status == http.StatusUnauthorized && strings.Contains(got.body, "invalid_client")
		})
		if got := d.userinfo(held.tokens[steady].Access); got != http.StatusUnauthorized {
			t.Errorf("node %d: userinfo of the disabled party: %d", i, got)
		}
		for what, form := range map[string]url.Values{
			"a code":    {"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {rotating.redirect}, "code_verifier": {verifier}},
			"a refresh": {"grant_type": {"refresh_token"}, "refresh_token": {held.tokens[rotating].Refresh}},
		} {
			a, err := d.post(rotating, "/token", form)
			must(t, what, err)
			if err := busy(a); err != nil {
				t.Errorf("node %d: %s: %v", i, what, err)
			}
		}
		if a, err := d.get("/keys", nil); err != nil || a.status != http.StatusOK || a.body != published.body {
			t.Errorf("node %d: keys: %d %s %v, want %s", i, a.status, a.body, err, published.body)
		}
		if got := n.probe("/readyz"); got != http.StatusOK {
			t.Errorf("node %d: /readyz %d", i, got)
		}
		if log := n.Log.String(); strings.Count(log, "signing key cannot be opened") != 2 || strings.Contains(log, `"msg":"settings"`) { // RS256, ES256
			t.Errorf("node %d: the log does not say it once for each key:\n%s", i, log)
		}
	}
	for _, n := range p.nodes {
		n.Terminate()
		n.stops()
		n.pair = &next
		n.start()
		n.ready(20 * time.Second)
	}
	if got, err := p.through().redeem(rotating, code); (err != nil || got.status != http.StatusOK) && time.Since(changed) < 50*time.Second { // a code lives for 60
		t.Errorf("the code that was refused meanwhile: %d %s %v", got.status, got.body, err)
	}
	if got, err := p.through().refresh(rotating, held.tokens[rotating].Refresh); err != nil || got.status != http.StatusOK {
		t.Errorf("the refresh token that was refused meanwhile: %d %s %v", got.status, got.body, err)
	}
}
