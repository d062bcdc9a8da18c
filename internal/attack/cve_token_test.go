package attack

import (
	"database/sql"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/storage"
)

// CVE-2026-1035.
func TestCVE_2026_1035_ParallelRefreshOverTwoNodes(t *testing.T) {
	databases(t, func(s *scene) {
		nodes := []*scene{s, s.node()}
		for _, party := range []string{"spa", "jwt"} {
			first := s.visitor().given(party)
			var all [32]tokens
			race(len(all), func(i int) { all[i] = nodes[i%2].refresh(party, first.Refresh) })
			next := all[0].Refresh
			for _, got := range all {
				if got.Status != http.StatusOK || got.Refresh != next || got.Refresh == first.Refresh || got.Access == "" {
					s.Fatalf("%s: %d %s, want the one successor in every answer", party, got.Status, got.Body)
				}
			}
			if n := s.count("grants WHERE refreshed_at IS NOT NULL AND ended_at IS NULL"); n != 1 {
				s.Errorf("%s: %d rotated grants", party, n)
			}
			for _, node := range nodes {
				node.Clock.Later(grant.RefreshRepeat)
			}
			s.refusedGrant(party+": the old token after 10 seconds", nodes[1].refresh(party, first.Refresh))
			for _, node := range nodes {
				node.refusedGrant(party+": its successor after that", node.refresh(party, next))
				if status := node.userinfo(all[0].Access); status != http.StatusUnauthorized {
					s.Errorf("%s: an access token of the family: %d", party, status)
				}
			}
		}
	})
}

// CVE-2026-9802.
func TestCVE_2026_9802_RestartForgetsNothing(t *testing.T) {
	databases(t, func(s *scene) {
		first := s.visitor().given("spa")
		nodes := []*scene{s, s.node()}
		second := nodes[0].refresh("spa", first.Refresh)
		third := nodes[1].refresh("spa", second.Refresh)
		if third.Access == "" {
			s.Fatalf("refreshing: %s", third.Body)
		}
		// Both nodes are gone without a word; new ones know the database only.
		nodes = []*scene{s.node(), s.node()}
		s.refusedGrant("the first token after a restart", nodes[0].refresh("spa", first.Refresh))
		for _, node := range nodes {
			node.refusedGrant("the last token", node.refresh("spa", third.Refresh))
			node.refusedGrant("the second token", node.refresh("spa", second.Refresh))
			if status := node.userinfo(third.Access); status != http.StatusUnauthorized {
				s.Errorf("an access token of the family: %d", status)
			}
		}
		code := s.visitor().signIn("web", "anna@example.org")
		used := s.redeem("web", code)
		node := s.node()
		node.refusedGrant("a code that was used before the restart", node.redeem("web", code))
		if status := node.userinfo(used.Access); status != http.StatusUnauthorized {
			s.Errorf("what the code gave, after its replay: %d", status)
		}
	})
}

// CVE-2026-43983.
func TestCVE_2026_43983_RefreshSeesWhatChanged(t *testing.T) {
	databases(t, func(s *scene) {
		nodes := []*scene{s, s.node()}
		anna, err := s.DB.AccountByEmail(s.Context(), s.platform(), "anna@example.org")
		if err != nil {
			s.Fatal(err)
		}
		dead := func(what, party string, got tokens, code string, v *visitor) {
			s.Helper()
			for _, node := range nodes {
				node.Clock.Later(time.Second) // the time within which every node must know
				node.refusedGrant(what+": code", node.redeem(party, code))
				node.refusedGrant(what+": refresh", node.refresh(party, got.Refresh))
				if status := node.userinfo(got.Access); status != http.StatusUnauthorized {
					s.Errorf("%s: userinfo %d", what, status)
				}
				if node.active("jobs", got.Access) || party != "spa" && node.active(party, got.Refresh) {
					s.Errorf("%s: introspection calls it active", what)
				}
				if who := v.with(node).signedIn(); who != "" {
					s.Errorf("%s: %s is still signed in", what, who)
				}
			}
		}
		for _, party := range []string{"web", "spa", "jwt"} {
			v := s.visitor()
			got := v.given(party)
			code := v.code(party, nil)
			at := s.Clock.Now()
			stopped := audit.Event{At: at, Platform: s.platform(), Kind: audit.AccountDeactivated, Actor: "cli", Account: anna.ID, Outcome: audit.Success}
			if err := s.DB.SetState(s.Context(), s.platform(), anna.ID, account.Deactivated, stopped, at); err != nil {
				s.Fatal(err)
			}
			dead("deactivated", party, got, code, v)
			stopped.Kind = audit.AccountReactivated
			if err := s.DB.SetState(s.Context(), s.platform(), anna.ID, account.Active, stopped, s.Clock.Now()); err != nil {
				s.Fatal(err)
			}
			dead("deactivated and reactivated", party, got, code, v)
		}
		// A scope that is taken from the party is taken from what it was given before.
		reader := s.visitor()
		had := reader.given("web")
		s.register("web", func(p *grant.Party) { p.Scopes = []string{"openid", "offline_access"} })
		for _, node := range nodes {
			if err := node.Refresh(s.Context()); err != nil {
				s.Fatal(err)
			}
			if claims := node.claims(had.Access); claims["sub"] == nil || claims["email"] != nil {
				s.Errorf("userinfo after the scope was taken away: %v", claims)
			}
			if again := node.refresh("web", had.Refresh); strings.Contains(again.Scope, "email") || !strings.Contains(again.Scope, "openid") {
				s.Errorf("refreshed scope %q", again.Scope)
			}
		}
		// The party itself loses its access: it cannot even say who it is any more.
		v := s.visitor()
		got := v.given("lax")
		s.disable("lax")
		for _, node := range nodes {
			if err := node.Refresh(s.Context()); err != nil {
				s.Fatal(err)
			}
			if again := node.refresh("lax", got.Refresh); again.Status != http.StatusUnauthorized || again.Error != "invalid_client" {
				s.Errorf("disabled party: %d %s", again.Status, again.Body)
			}
			if status := node.userinfo(got.Access); status != http.StatusUnauthorized {
				s.Errorf("token of a disabled party: %d", status)
			}
			if node.active("web", got.Access) {
				s.Error("token of a disabled party is active")
			}
			node.refused("its authorization request", v.with(node).open(s.authorize("lax", nil)))
		}
	})
}

// disable takes a party out of use, as an operator would.
func (s *scene) disable(id grant.PartyID) {
	s.Helper()
	s.register(id, func(p *grant.Party) { p.DisabledAt = s.Clock.Now() })
}

// register changes what is registered of a party, as an operator would.
func (s *scene) register(id grant.PartyID, change func(*grant.Party)) {
	s.Helper()
	all, err := s.DB.Parties(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	for _, p := range all {
		if p.ID == id && p.Platform == s.platform() {
			change(&p)
			if err := s.DB.Declare(s.Context(), storage.Setup{Parties: []grant.Party{p}}, s.Clock.Now()); err != nil {
				s.Fatal(err)
			}
		}
	}
}

// CVE-2022-3916, CVE-2025-12390.
func TestCVE_2022_3916_CVE_2025_12390_NextPersonInTheBrowser(t *testing.T) {
	databases(t, func(s *scene) {
		for _, party := range []string{"web", "spa", "jwt"} {
			v := s.visitor()
			anna := v.given(party)
			_, annas := parts(s.TB, anna.ID)
			v.visit(http.MethodPost, s.issuer+"/logout", url.Values{"do": {"logout"}})
			bram := v.redeem(party, v.signIn(party, "bram@example.org"))
			_, brams := parts(s.TB, bram.ID)
			if annas["sub"] == brams["sub"] || annas["sid"] == brams["sid"] {
				s.Errorf("%s: %v and %v", party, annas, brams)
			}
			s.refusedGrant(party+": Anna's refresh token in Bram's session", s.refresh(party, anna.Refresh))
			if status := s.userinfo(anna.Access); status != http.StatusUnauthorized {
				s.Errorf("%s: Anna's access token: %d", party, status)
			}
			// Anna's hint is not about the session that is there now.
			if a := v.open(s.issuer + "/logout?id_token_hint=" + anna.ID); a.Status != http.StatusOK || v.signedIn() != brams["sub"] {
				s.Errorf("%s: Anna's hint signs Bram out: %d %s", party, a.Status, a.To)
			}
		}
	})
}

// CVE-2020-15223.
func TestCVE_2020_15223_RevocationThatFailsSaysSo(t *testing.T) {
	databases(t, func(s *scene) {
		got := s.visitor().given("web")
		revoke := func(token string) answer { return s.post("/revoke", url.Values{"token": {token}}, basic("web")) }
		for name, breaking := range map[string]func() (mend func()){"gone": s.breakDatabase, "failing": s.failUpdates} {
			mend := breaking()
			for what, token := range map[string]string{"access token": got.Access, "refresh token": got.Refresh} {
				a := revoke(token)
				if a.Status < 500 || name == "gone" && (a.Status != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" || !strings.Contains(a.Body, "temporarily_unavailable")) {
					s.Errorf("database %s: revoking an %s answers %d %s", name, what, a.Status, a.Body)
				}
			}
			mend()
			if status := s.userinfo(got.Access); status != http.StatusOK || !s.active("web", got.Refresh) {
				s.Errorf("database %s: told that revoking failed, and it is revoked: userinfo %d", name, status)
			}
		}
		if a := revoke(got.Refresh); a.Status != http.StatusOK || s.userinfo(got.Access) != http.StatusUnauthorized || s.active("web", got.Refresh) {
			s.Errorf("revoking in the end: %d", a.Status)
		}
	})
}

// breakDatabase takes the database away: PostgreSQL ends all connections and takes no new ones, SQLite's disk is full.
func (s *scene) breakDatabase() (mend func()) {
	s.Helper()
	var name string
	if err := s.DB.SQL().QueryRowContext(s.Context(), "SELECT current_database()").Scan(&name); err != nil {
		s.run(`CREATE TABLE filler (b BLOB)`, `CREATE TRIGGER fill BEFORE UPDATE ON grants BEGIN INSERT INTO filler VALUES (zeroblob(1000000)); END`)
		var pages int
		if err := s.DB.SQL().QueryRowContext(s.Context(), "PRAGMA page_count").Scan(&pages); err != nil {
			s.Fatal(err)
		}
		if err := s.DB.SQL().QueryRowContext(s.Context(), "PRAGMA max_page_count = 1").Scan(&pages); err != nil { // at least what there is
			s.Fatal(err)
		}
		return func() { s.run(`PRAGMA max_page_count = 1000000`, `DROP TRIGGER fill`, `DROP TABLE filler`) }
	}
	admin, err := sql.Open("pgx", idptest.PostgresServer(s.TB))
	if err != nil {
		s.Fatal(err)
	}
	run := func(text string) {
		s.Helper()
		if _, err := admin.ExecContext(s.Context(), text); err != nil {
			s.Fatal(err)
		}
	}
	run("ALTER DATABASE " + name + " ALLOW_CONNECTIONS false")
	run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" + name + "'")
	return func() {
		run("ALTER DATABASE " + name + " ALLOW_CONNECTIONS true")
		if err := admin.Close(); err != nil {
			s.Error(err)
		}
		for s.DB.Ping(s.Context()) != nil { // connections that are dead and not known to be
			time.Sleep(time.Millisecond)
		}
	}
}

// failUpdates makes every change of a grant an error that no layer expects.
func (s *scene) failUpdates() (mend func()) {
	s.Helper()
	var name string
	if err := s.DB.SQL().QueryRowContext(s.Context(), "SELECT current_database()").Scan(&name); err != nil {
		s.run(`CREATE TRIGGER refuse BEFORE UPDATE ON grants BEGIN SELECT RAISE(ABORT, 'not today'); END`)
		return func() { s.run(`DROP TRIGGER refuse`) }
	}
	s.run(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not today'; END $$`,
		`CREATE TRIGGER refuse BEFORE UPDATE ON grants FOR EACH ROW EXECUTE FUNCTION refuse()`)
	return func() { s.run(`DROP TRIGGER refuse ON grants`, `DROP FUNCTION refuse`) }
}

// mutants of a token: truncated, extended, each byte changed, and the last one replaced by every other of its alphabet.
func mutants(token string) []string {
	all := []string{token + "A", token + "=", token + ".", token + "\n", "\n" + token, token + "\r\n", token + " ", token + "\x00", token + token, "A" + token, token[1:]}
	for _, last := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=" {
		if twin := token[:len(token)-1] + string(last); twin != token {
			all = append(all, twin)
		}
	}
	for i := range len(token) {
		if i > 0 && (i%7 == 0 || i > len(token)-8) {
			all = append(all, token[:i])
		}
		b := []byte(token)
		b[i] ^= 1
		all = append(all, string(b))
	}
	return all
}

// CVE-2026-27840.
func TestCVE_2026_27840_ChangedTokensAreNoTokens(t *testing.T) {
	issuers(t, func(s *scene) {
		for _, party := range []string{"web", "other", "jwt"} { // access tokens of three lengths
			v := s.visitor()
			v.signIn(party, "anna@example.org")
			code := v.code(party, nil)
			for _, mutant := range mutants(code) {
				s.refusedGrant("code "+mutant, s.redeem(party, mutant))
			}
			got := s.redeem(party, code)
			for i, mutant := range mutants(got.Access) {
				if a := s.send(http.MethodPost, s.issuer+"/userinfo", url.Values{"access_token": {mutant}}.Encode(), nil); a.Status != http.StatusUnauthorized && a.Status != http.StatusBadRequest {
					s.Errorf("%s: userinfo: a changed access token %q: %d", party, mutant, a.Status)
				}
				if i > 100 && i%16 != 0 {
					continue // one reader serves all three endpoints; these two also ask the database
				}
				if s.active(party, mutant) {
					s.Errorf("%s: introspection: a changed access token %q is active", party, mutant)
				}
				if a := s.post("/revoke", url.Values{"token": {mutant}}, basic(party)); a.Status != http.StatusOK {
					s.Errorf("%s: revoking what is no token: %d", party, a.Status)
				}
			}
			for i, mutant := range mutants(got.Refresh) {
				if i%4 == 0 && s.active(party, mutant) {
					s.Errorf("%s: introspection: a changed refresh token %q is active", party, mutant)
				}
				if a := s.refresh(party, mutant); a.Access != "" || a.Status != http.StatusBadRequest {
					s.Errorf("%s: a changed refresh token %q: %d %s", party, mutant, a.Status, a.Body)
				}
				if i%4 == 1 {
					s.post("/revoke", url.Values{"token": {mutant}}, basic(party))
				}
			}
			if s.userinfo(got.Access) != http.StatusOK || s.refresh(party, got.Refresh).Access == "" {
				s.Errorf("%s: a changed token did something to the real one", party)
			}
		}
	})
}

// CVE-2024-47077, CVE-2026-58425.
func TestCVE_2024_47077_CVE_2026_58425_TokensOfAnotherParty(t *testing.T) {
	issuers(t, func(s *scene) {
		for _, party := range []string{"web", "jwt", "spa"} {
			got := s.visitor().given(party)
			for _, thief := range []string{"other", "lax", "guest", "jobs", "jwt", "web"} {
				if thief == party {
					continue
				}
				for what, token := range map[string]string{"access token": got.Access, "refresh token": got.Refresh, "ID token": got.ID} {
					if s.active(thief, token) {
						s.Errorf("%s hears of the %s of %s", thief, what, party)
					}
					for _, hint := range []string{"", "access_token", "refresh_token", "x"} {
						form := url.Values{"token": {token}}
						set("token_type_hint", hint)(form)
						if a := s.post("/revoke", form, basic(thief)); a.Status != http.StatusOK || a.Body != "" {
							s.Errorf("%s revokes the %s of %s: %d %s", thief, what, party, a.Status, a.Body)
						}
					}
				}
				if again := s.refresh(thief, got.Refresh); again.Access != "" || again.Status != http.StatusBadRequest {
					s.Errorf("%s refreshes with a token of %s: %d %s", thief, party, again.Status, again.Body)
				}
			}
			public := s.post("/introspect", url.Values{"token": {got.Access}, "client_id": {"spa"}}, nil)
			if public.Status != http.StatusUnauthorized {
				s.Errorf("a public party introspects: %d %s", public.Status, public.Body)
			}
			for what, token := range map[string]string{"ID token": got.ID, "refresh token": got.Refresh} {
				if status := s.userinfo(token); status != http.StatusUnauthorized {
					s.Errorf("%s as bearer: %d", what, status)
				}
			}
			own := s.token("jobs", url.Values{"grant_type": {"client_credentials"}})
			if status := s.userinfo(own.Access); own.Access == "" || status != http.StatusForbidden {
				s.Errorf("a token about no person at userinfo: %d %s", status, own.Body)
			}
			if s.userinfo(got.Access) != http.StatusOK || s.refresh(party, got.Refresh).Access == "" {
				s.Errorf("%s: somebody else revoked its tokens", party)
			}
		}
	})
}
