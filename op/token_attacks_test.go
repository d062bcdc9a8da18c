package op_test

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

// One refresh token that is used many times at once, at two nodes, has one successor (CVE-2026-1035).
func TestParallelRefreshOverTwoNodesGivesOneChain(t *testing.T) {
	idptest.SceneDatabases(t, func(s *idptest.Scene) {
		nodes := []*idptest.Scene{s, s.Node()}
		for _, party := range []string{"spa", "jwt"} {
			first := s.Visitor().Given(party)
			var all [32]idptest.Tokens
			idptest.AtOnce(len(all), func(i int) { all[i] = nodes[i%2].RefreshGrant(party, first.Refresh) })
			next := all[0].Refresh
			for _, got := range all {
				if got.Status != http.StatusOK || got.Refresh != next || got.Refresh == first.Refresh || got.Access == "" {
					s.Fatalf("%s: %d %s, want the one successor in every answer", party, got.Status, got.Body)
				}
			}
			if n := s.Count("grants WHERE refreshed_at IS NOT NULL AND ended_at IS NULL"); n != 1 {
				s.Errorf("%s: %d rotated grants", party, n)
			}
			for _, node := range nodes {
				node.Clock.Later(grant.RefreshRepeat)
			}
			s.RefusedGrant(party+": the old token after 10 seconds", nodes[1].RefreshGrant(party, first.Refresh))
			for _, node := range nodes {
				node.RefusedGrant(party+": its successor after that", node.RefreshGrant(party, next))
				if status := node.Userinfo(all[0].Access); status != http.StatusUnauthorized {
					s.Errorf("%s: an access token of the family: %d", party, status)
				}
			}
		}
	})
}

// A refresh token that was used is still known as used when all nodes have been restarted (CVE-2026-9802).
func TestRestartForgetsNothing(t *testing.T) {
	idptest.SceneDatabases(t, func(s *idptest.Scene) {
		first := s.Visitor().Given("spa")
		nodes := []*idptest.Scene{s, s.Node()}
		second := nodes[0].RefreshGrant("spa", first.Refresh)
		third := nodes[1].RefreshGrant("spa", second.Refresh)
		if third.Access == "" {
			s.Fatalf("refreshing: %s", third.Body)
		}
		// Both nodes are gone without a word; new ones know the database only.
		nodes = []*idptest.Scene{s.Node(), s.Node()}
		s.RefusedGrant("the first token after a restart", nodes[0].RefreshGrant("spa", first.Refresh))
		for _, node := range nodes {
			node.RefusedGrant("the last token", node.RefreshGrant("spa", third.Refresh))
			node.RefusedGrant("the second token", node.RefreshGrant("spa", second.Refresh))
			if status := node.Userinfo(third.Access); status != http.StatusUnauthorized {
				s.Errorf("an access token of the family: %d", status)
			}
		}
		code := s.Visitor().SignIn("web", "anna@example.org")
		used := s.Redeem("web", code)
		node := s.Node()
		node.RefusedGrant("a code that was used before the restart", node.Redeem("web", code))
		if status := node.Userinfo(used.Access); status != http.StatusUnauthorized {
			s.Errorf("what the code gave, after its replay: %d", status)
		}
	})
}

// An account, a party or a scope that is taken away is gone from codes and tokens of before as well, at every node within
// a second (CVE-2026-43983).
func TestRefreshSeesWhatChanged(t *testing.T) {
	idptest.SceneDatabases(t, func(s *idptest.Scene) {
		nodes := []*idptest.Scene{s, s.Node()}
		anna, err := s.DB.AccountByEmail(s.Context(), s.Platform(), "anna@example.org")
		if err != nil {
			s.Fatal(err)
		}
		dead := func(what, party string, got idptest.Tokens, code string, v *idptest.Visitor) {
			s.Helper()
			for _, node := range nodes {
				node.Clock.Later(time.Second) // the time within which every node must know
				node.RefusedGrant(what+": code", node.Redeem(party, code))
				node.RefusedGrant(what+": refresh", node.RefreshGrant(party, got.Refresh))
				if status := node.Userinfo(got.Access); status != http.StatusUnauthorized {
					s.Errorf("%s: userinfo %d", what, status)
				}
				if node.Active("jobs", got.Access) || party != "spa" && node.Active(party, got.Refresh) {
					s.Errorf("%s: introspection calls it active", what)
				}
				if who := v.With(node).SignedIn(); who != "" {
					s.Errorf("%s: %s is still signed in", what, who)
				}
			}
		}
		for _, party := range []string{"web", "spa", "jwt"} {
			v := s.Visitor()
			got := v.Given(party)
			code := v.Code(party, nil)
			at := s.Clock.Now()
			stopped := audit.Event{At: at, Platform: s.Platform(), Kind: audit.AccountDeactivated, Actor: "cli", Account: anna.ID, Outcome: audit.Success}
			if err := s.DB.SetState(s.Context(), s.Platform(), anna.ID, account.Deactivated, stopped, at); err != nil {
				s.Fatal(err)
			}
			dead("deactivated", party, got, code, v)
			stopped.Kind = audit.AccountReactivated
			if err := s.DB.SetState(s.Context(), s.Platform(), anna.ID, account.Active, stopped, s.Clock.Now()); err != nil {
				s.Fatal(err)
			}
			dead("deactivated and reactivated", party, got, code, v)
		}
		// A scope that is taken from the party is taken from what it was given before.
		reader := s.Visitor()
		had := reader.Given("web")
		register(s, "web", func(p *grant.Party) { p.Scopes = []string{"openid", "offline_access"} })
		for _, node := range nodes {
			if err := node.Refresh(s.Context()); err != nil {
				s.Fatal(err)
			}
			if claims := node.Claims(had.Access); claims["sub"] == nil || claims["email"] != nil {
				s.Errorf("userinfo after the scope was taken away: %v", claims)
			}
			if again := node.RefreshGrant("web", had.Refresh); strings.Contains(again.Scope, "email") || !strings.Contains(again.Scope, "openid") {
				s.Errorf("refreshed scope %q", again.Scope)
			}
		}
		// The party itself loses its access: it cannot even say who it is any more.
		v := s.Visitor()
		got := v.Given("lax")
		disable(s, "lax")
		for _, node := range nodes {
			if err := node.Refresh(s.Context()); err != nil {
				s.Fatal(err)
			}
			if again := node.RefreshGrant("lax", got.Refresh); again.Status != http.StatusUnauthorized || again.Error != "invalid_client" {
				s.Errorf("disabled party: %d %s", again.Status, again.Body)
			}
			if status := node.Userinfo(got.Access); status != http.StatusUnauthorized {
				s.Errorf("token of a disabled party: %d", status)
			}
			if node.Active("web", got.Access) {
				s.Error("token of a disabled party is active")
			}
			node.Refused("its authorization request", v.With(node).Open(s.AuthorizeURL("lax", nil)))
		}
	})
}

// disable takes a party out of use, as an operator would.
func disable(s *idptest.Scene, id grant.PartyID) {
	s.Helper()
	register(s, id, func(p *grant.Party) { p.DisabledAt = s.Clock.Now() })
}

// register changes what is registered of a party, as an operator would.
func register(s *idptest.Scene, id grant.PartyID, change func(*grant.Party)) {
	s.Helper()
	all, err := s.DB.Parties(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	for _, p := range all {
		if p.ID == id && p.Platform == s.Platform() {
			change(&p)
			if err := s.DB.Declare(s.Context(), storage.Setup{Parties: []grant.Party{p}}, s.Clock.Now()); err != nil {
				s.Fatal(err)
			}
		}
	}
}

// Whoever signs in next in the same browser gets no session, token or claim of the person before (CVE-2022-3916,
// CVE-2025-12390).
func TestNextPersonInTheBrowserGetsNothingOfTheOneBefore(t *testing.T) {
	idptest.SceneDatabases(t, func(s *idptest.Scene) {
		for _, party := range []string{"web", "spa", "jwt"} {
			v := s.Visitor()
			anna := v.Given(party)
			_, annas := idptest.Parts(s.TB, anna.ID)
			v.Visit(http.MethodPost, s.Issuer+"/logout", url.Values{"do": {"logout"}})
			bram := v.Redeem(party, v.SignIn(party, "bram@example.org"))
			_, brams := idptest.Parts(s.TB, bram.ID)
			if annas["sub"] == brams["sub"] || annas["sid"] == brams["sid"] {
				s.Errorf("%s: %v and %v", party, annas, brams)
			}
			s.RefusedGrant(party+": Anna's refresh token in Bram's session", s.RefreshGrant(party, anna.Refresh))
			if status := s.Userinfo(anna.Access); status != http.StatusUnauthorized {
				s.Errorf("%s: Anna's access token: %d", party, status)
			}
			// Anna's hint is not about the session that is there now.
			if a := v.Open(s.Issuer + "/logout?id_token_hint=" + anna.ID); a.Status != http.StatusOK || v.SignedIn() != brams["sub"] {
				s.Errorf("%s: Anna's hint signs Bram out: %d %s", party, a.Status, a.To)
			}
		}
	})
}

// A revocation that could not be stored is answered with an error (CVE-2020-15223).
func TestRevocationThatFailsSaysSo(t *testing.T) {
	idptest.SceneDatabases(t, func(s *idptest.Scene) {
		got := s.Visitor().Given("web")
		revoke := func(token string) idptest.Answer {
			return s.Post("/revoke", url.Values{"token": {token}}, idptest.Basic("web"))
		}
		for name, breaking := range map[string]func() (mend func()){
			"gone":    func() func() { return breakDatabase(s) },
			"failing": func() func() { return failUpdates(s) },
		} {
			mend := breaking()
			for what, token := range map[string]string{"access token": got.Access, "refresh token": got.Refresh} {
				a := revoke(token)
				if a.Status < 500 || name == "gone" && (a.Status != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" || !strings.Contains(a.Body, "temporarily_unavailable")) {
					s.Errorf("database %s: revoking an %s answers %d %s", name, what, a.Status, a.Body)
				}
			}
			mend()
			if status := s.Userinfo(got.Access); status != http.StatusOK || !s.Active("web", got.Refresh) {
				s.Errorf("database %s: told that revoking failed, and it is revoked: userinfo %d", name, status)
			}
		}
		if a := revoke(got.Refresh); a.Status != http.StatusOK || s.Userinfo(got.Access) != http.StatusUnauthorized || s.Active("web", got.Refresh) {
			s.Errorf("revoking in the end: %d", a.Status)
		}
	})
}

// breakDatabase takes the database away: PostgreSQL ends all connections and takes no new ones, SQLite's disk is full.
func breakDatabase(s *idptest.Scene) (mend func()) {
	s.Helper()
	var name string
	if err := s.DB.SQL().QueryRowContext(s.Context(), "SELECT current_database()").Scan(&name); err != nil {
		s.Exec(`CREATE TABLE filler (b BLOB)`, `CREATE TRIGGER fill BEFORE UPDATE ON grants BEGIN INSERT INTO filler VALUES (zeroblob(1000000)); END`)
		var pages int
		if err := s.DB.SQL().QueryRowContext(s.Context(), "PRAGMA page_count").Scan(&pages); err != nil {
			s.Fatal(err)
		}
		if err := s.DB.SQL().QueryRowContext(s.Context(), "PRAGMA max_page_count = 1").Scan(&pages); err != nil { // at least what there is
			s.Fatal(err)
		}
		return func() { s.Exec(`PRAGMA max_page_count = 1000000`, `DROP TRIGGER fill`, `DROP TABLE filler`) }
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
func failUpdates(s *idptest.Scene) (mend func()) {
	s.Helper()
	var name string
	if err := s.DB.SQL().QueryRowContext(s.Context(), "SELECT current_database()").Scan(&name); err != nil {
		s.Exec(`CREATE TRIGGER refuse BEFORE UPDATE ON grants BEGIN SELECT RAISE(ABORT, 'not today'); END`)
		return func() { s.Exec(`DROP TRIGGER refuse`) }
	}
	s.Exec(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not today'; END $$`,
		`CREATE TRIGGER refuse BEFORE UPDATE ON grants FOR EACH ROW EXECUTE FUNCTION refuse()`)
	return func() { s.Exec(`DROP TRIGGER refuse ON grants`, `DROP FUNCTION refuse`) }
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

// A code or token in which anything was changed is none (CVE-2026-27840).
func TestChangedTokensAreNoTokens(t *testing.T) {
	idptest.Issuers(t, func(s *idptest.Scene) {
		for _, party := range []string{"web", "other", "jwt"} { // access tokens of three lengths
			v := s.Visitor()
			v.SignIn(party, "anna@example.org")
			code := v.Code(party, nil)
			for _, mutant := range mutants(code) {
				s.RefusedGrant("code "+mutant, s.Redeem(party, mutant))
			}
			got := s.Redeem(party, code)
			for i, mutant := range mutants(got.Access) {
				if a := s.Send(http.MethodPost, s.Issuer+"/userinfo", url.Values{"access_token": {mutant}}.Encode(), nil); a.Status != http.StatusUnauthorized && a.Status != http.StatusBadRequest {
					s.Errorf("%s: userinfo: a changed access token %q: %d", party, mutant, a.Status)
				}
				if i > 100 && i%16 != 0 {
					continue // one reader serves all three endpoints; these two also ask the database
				}
				if s.Active(party, mutant) {
					s.Errorf("%s: introspection: a changed access token %q is active", party, mutant)
				}
				if a := s.Post("/revoke", url.Values{"token": {mutant}}, idptest.Basic(party)); a.Status != http.StatusOK {
					s.Errorf("%s: revoking what is no token: %d", party, a.Status)
				}
			}
			for i, mutant := range mutants(got.Refresh) {
				if i%4 == 0 && s.Active(party, mutant) {
					s.Errorf("%s: introspection: a changed refresh token %q is active", party, mutant)
				}
				if a := s.RefreshGrant(party, mutant); a.Access != "" || a.Status != http.StatusBadRequest {
					s.Errorf("%s: a changed refresh token %q: %d %s", party, mutant, a.Status, a.Body)
				}
				if i%4 == 1 {
					s.Post("/revoke", url.Values{"token": {mutant}}, idptest.Basic(party))
				}
			}
			if s.Userinfo(got.Access) != http.StatusOK || s.RefreshGrant(party, got.Refresh).Access == "" {
				s.Errorf("%s: a changed token did something to the real one", party)
			}
		}
	})
}

// A party that shows the token of another learns nothing of it, and ends nothing (CVE-2024-47077, CVE-2026-58425).
func TestTokensOfAnotherPartyAreNothing(t *testing.T) {
	idptest.Issuers(t, func(s *idptest.Scene) {
		for _, party := range []string{"web", "jwt", "spa"} {
			got := s.Visitor().Given(party)
			for _, thief := range []string{"other", "lax", "guest", "jobs", "jwt", "web"} {
				if thief == party {
					continue
				}
				for what, token := range map[string]string{"access token": got.Access, "refresh token": got.Refresh, "ID token": got.ID} {
					if s.Active(thief, token) {
						s.Errorf("%s hears of the %s of %s", thief, what, party)
					}
					for _, hint := range []string{"", "access_token", "refresh_token", "x"} {
						form := url.Values{"token": {token}}
						idptest.Set("token_type_hint", hint)(form)
						if a := s.Post("/revoke", form, idptest.Basic(thief)); a.Status != http.StatusOK || a.Body != "" {
							s.Errorf("%s revokes the %s of %s: %d %s", thief, what, party, a.Status, a.Body)
						}
					}
				}
				if again := s.RefreshGrant(thief, got.Refresh); again.Access != "" || again.Status != http.StatusBadRequest {
					s.Errorf("%s refreshes with a token of %s: %d %s", thief, party, again.Status, again.Body)
				}
			}
			public := s.Post("/introspect", url.Values{"token": {got.Access}, "client_id": {"spa"}}, nil)
			if public.Status != http.StatusUnauthorized {
				s.Errorf("a public party introspects: %d %s", public.Status, public.Body)
			}
			for what, token := range map[string]string{"ID token": got.ID, "refresh token": got.Refresh} {
				if status := s.Userinfo(token); status != http.StatusUnauthorized {
					s.Errorf("%s as bearer: %d", what, status)
				}
			}
			own := s.Token("jobs", url.Values{"grant_type": {"client_credentials"}})
			if status := s.Userinfo(own.Access); own.Access == "" || status != http.StatusForbidden {
				s.Errorf("a token about no person at userinfo: %d %s", status, own.Body)
			}
			if s.Userinfo(got.Access) != http.StatusOK || s.RefreshGrant(party, got.Refresh).Access == "" {
				s.Errorf("%s: somebody else revoked its tokens", party)
			}
		}
	})
}
