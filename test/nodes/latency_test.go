package nodes_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// atMost is how long a change made anywhere may take to count on both nodes.
const atMost = time.Second

// everywhere waits until something holds at both nodes, and fails when that takes longer than atMost since the change.
func (p *pair) everywhere(t *testing.T, since time.Time, what string, holds func(door) bool) {
	t.Helper()
	for i := range p.nodes {
		for d := p.at(i); !holds(d); time.Sleep(10 * time.Millisecond) {
			if time.Since(since) > 5*time.Second {
				t.Fatalf("%s: not on node %d, 5 s later", what, i)
			}
		}
		if took := time.Since(since); took > atMost {
			t.Errorf("%s: on node %d after %s", what, i, took)
		}
	}
}

// arrived is what somebody has who signed in at both parties.
type arrived struct {
	person *person
	tokens map[party]tokens
}

func (p *pair) arrive(t *testing.T) arrived {
	t.Helper()
	d := p.through()
	a := arrived{newPerson(d, "anna@example.org"), map[party]tokens{}}
	for _, party := range []party{steady, rotating} {
		code, err := a.person.signIn(party, nil)
		must(t, "signing in", err)
		a.tokens[party], err = d.redeem(party, code)
		must(t, "redeeming", err)
		for i := range p.nodes {
			if got := p.at(i).userinfo(a.tokens[party].Access); got != http.StatusOK {
				t.Fatalf("node %d: userinfo %d before anything was taken back", i, got)
			}
		}
	}
	return a
}

// dead reports whether nothing of a party's tokens works at a node.
func dead(t *testing.T, d door, p party, held tokens) bool {
	t.Helper()
	got, err := d.refresh(p, held.Refresh)
	must(t, "refreshing", err)
	a, err := d.post(p, "/introspect", url.Values{"token": {held.Access}})
	must(t, "introspecting", err)
	var said struct {
		Active bool `json:"active"`
	}
	must(t, "reading introspection", json.Unmarshal([]byte(a.body), &said))
	return got.Error == "invalid_grant" && d.userinfo(held.Access) == http.StatusUnauthorized && !said.Active
}

func TestWhatIsTakenBackIsRefusedOnBothNodesWithinASecond(t *testing.T) {
	p := newPair(t, 0, nil)
	for i := range p.nodes {
		held := p.arrive(t)
		for party, given := range held.tokens {
			token := given.Refresh
			if party == rotating {
				token = given.Access // either kind ends the grant
			}
			a, err := p.at(i).post(party, "/revoke", url.Values{"token": {token}})
			since := time.Now()
			if err != nil || a.status != http.StatusOK {
				t.Fatalf("revoking: %d %v", a.status, err)
			}
			p.everywhere(t, since, "revocation of "+party.id, func(d door) bool { return dead(t, d, party, given) })
		}
	}
	for i := range p.nodes {
		held := p.arrive(t)
		leaves := held.person.copied(p.at(i))
		must(t, "signing out", leaves.open(http.MethodGet, p.issuer+"/logout?id_token_hint="+held.tokens[steady].ID, nil))
		since := time.Now()
		p.everywhere(t, since, "logout", func(d door) bool {
			// The cookie as somebody has it who copied it before.
			got, err := held.person.copied(d).silently(steady)
			must(t, "asking silently", err)
			return got == "login_required" && dead(t, d, steady, held.tokens[steady]) && dead(t, d, rotating, held.tokens[rotating])
		})
	}
}

// CVE-2025-64521, CVE-2025-29928, CVE-2024-46999, CVE-2024-47000, CVE-2024-47060.
func TestDeactivatedAccountIsRefusedOnBothNodesWithinASecond(t *testing.T) {
	p := newPair(t, 0, nil)
	held := p.arrive(t)
	code, err := held.person.ask(steady, nil)
	must(t, "asking for a code", err)
	waiting := newPerson(p.through(), "anna@example.org")
	_, err = waiting.ask(steady, nil)
	must(t, "opening the login page", err)

	p.OK("account", "deactivate", "anna@example.org", "--platform", "linde", "--reason", "left")
	since := time.Now()
	p.everywhere(t, since, "deactivation", func(d door) bool {
		got, err := held.person.copied(d).silently(steady)
		must(t, "asking silently", err)
		unspent, err := d.redeem(steady, code)
		must(t, "redeeming", err)
		return got == "login_required" && unspent.Error == "invalid_grant" &&
			dead(t, d, steady, held.tokens[steady]) && dead(t, d, rotating, held.tokens[rotating])
	})
	err = waiting.password()
	if waiting.shown.status != http.StatusForbidden || waiting.back != nil || waiting.cookies[sessionCookie] != "" {
		t.Errorf("a deactivated account signs in: %v, away at %q", err, waiting.away)
	}

	p.OK("account", "reactivate", "anna@example.org", "--platform", "linde", "--reason", "returned")
	if got, err := held.person.silently(steady); err != nil || got != "login_required" {
		t.Errorf("the old session after reactivation: %q %v", got, err)
	}
	_, err = newPerson(p.through(), "anna@example.org").signIn(steady, nil)
	must(t, "signing in after reactivation", err)
}

func TestNewPartyAndNewKeysAreKnownOnBothNodesWithinASecond(t *testing.T) {
	p := newPair(t, 0, nil)
	anna := newPerson(p.through(), "anna@example.org")
	code, err := anna.signIn(steady, nil)
	must(t, "signing in", err)
	before, err := p.through().redeem(steady, code)
	must(t, "redeeming", err)

	// A party with an algorithm that nobody used: its key is made with it.
	added := party{"added", "Tq7ZxJm2VbN9sLwR4cKf8HyG1dPu6EoAiX3tQvB5nMk", "https://added.example.net/callback"}
	p.OK("party", "add", added.id, "--platform", "linde", "--redirect-uri", added.redirect, "--id-token-alg", "EdDSA",
		"--secret-file", p.File("added-secret", added.secret))
	since := time.Now()
	p.everywhere(t, since, "the new party", func(d door) bool {
		got, err := anna.copied(d).silently(added)
		return err == nil && got == "code"
	})
	p.verifiedEverywhere(t, anna, added)

	p.OK("keys", "rotate", "linde", "RS256")
	since = time.Now()
	p.everywhere(t, since, "the next key", func(d door) bool { return len(d.kids(t, "RS256")) == 2 })

	// A day and an hour later.
	p.change(t, `UPDATE signing_keys SET made_at = made_at - 90000000, use_at = use_at - 90000000,
		retire_at = retire_at - 90000000, drop_at = drop_at - 90000000`)
	p.change(t, `UPDATE counters SET value = value + 1 WHERE name = 'settings'`)
	since = time.Now()
	old := p.kid(t, before.ID)
	p.everywhere(t, since, "signing with the next key", func(d door) bool {
		code, err := anna.copied(d).ask(steady, nil)
		must(t, "asking for a code", err)
		got, err := d.redeem(steady, code)
		must(t, "redeeming", err)
		return p.kid(t, got.ID) != old
	})
	p.verifiedEverywhere(t, anna, steady)
	for i := range p.nodes { // what the old key signed goes on being believed
		if _, err := p.at(i).verify(steady, before.ID); err != nil {
			t.Errorf("node %d: an ID token of the old key: %v", i, err)
		}
		if !slices.Contains(p.at(i).kids(t, "RS256"), old) {
			t.Errorf("node %d: the old key is not published any more", i)
		}
	}
}

// verifiedEverywhere makes an ID token on either node and verifies it with the keys of both.
func (p *pair) verifiedEverywhere(t *testing.T, v *person, by party) {
	t.Helper()
	for i := range p.nodes {
		code, err := v.copied(p.at(i)).ask(by, nil)
		must(t, "asking for a code", err)
		got, err := p.at(i).redeem(by, code)
		must(t, "redeeming", err)
		for j := range p.nodes {
			if _, err := p.at(j).verify(by, got.ID); err != nil {
				t.Errorf("a token of node %d with the keys of node %d: %v", i, j, err)
			}
		}
	}
}

// kids are the published keys of an algorithm.
func (d door) kids(t *testing.T, alg string) []string {
	t.Helper()
	a, err := d.get("/keys", nil)
	must(t, "reading keys", err)
	var set struct {
		Keys []struct{ Kid, Alg string }
	}
	must(t, "reading keys", json.Unmarshal([]byte(a.body), &set))
	var kids []string
	for _, k := range set.Keys {
		if k.Alg == alg {
			kids = append(kids, k.Kid)
		}
	}
	return kids
}

// kid is the key that a token names.
func (p *pair) kid(t *testing.T, token string) string {
	t.Helper()
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.RS256})
	must(t, "reading a token", err)
	return jws.Signatures[0].Protected.KeyID
}
