package op_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/idptest"
)

// withoutChallenge is a request that PKCE was cut out of.
var withoutChallenge = idptest.Set("code_challenge", "", "code_challenge_method", "")

// CVE-2024-23647, CVE-2024-22258, CVE-2025-4144: PKCE is left out neither where it is demanded nor where the request had it.
func TestPKCEIsNotDowngraded(t *testing.T) {
	idptest.Issuers(t, func(s *idptest.Scene) {
		v := s.Visitor()
		v.SignIn("web", "anna@example.org")
		for _, party := range []string{"web", "spa", "app", "jwt"} {
			if a := v.Open(s.AuthorizeURL(party, withoutChallenge)); a.Param("error") != "invalid_request" || a.To.Query().Has("code") {
				s.Errorf("%s without a challenge: %s", party, a.To)
			}
		}
		// lax is exempted: its request may lack a challenge, and then a verifier proves nothing.
		s.RefusedGrant("a verifier for a code without challenge", s.Redeem("lax", v.Code("lax", withoutChallenge)))
		form := idptest.CodeForm("lax", v.Code("lax", nil))
		form.Del("code_verifier")
		s.RefusedGrant("no verifier for a code with a challenge", s.Token("lax", form))
		form = idptest.CodeForm("lax", v.Code("lax", withoutChallenge))
		form.Set("code_verifier", "")
		if got := s.Token("lax", form); got.Access == "" {
			s.Errorf("an exempted party without PKCE: %s", got.Body)
		}
	})
}

// CVE-2023-48228: a code is given for its verifier only.
func TestVerifierIsDemanded(t *testing.T) {
	idptest.Issuers(t, func(s *idptest.Scene) {
		v := s.Visitor()
		v.SignIn("web", "anna@example.org")
		for _, party := range []string{"web", "lax", "spa", "app"} {
			code := v
			if party == "app" { // the app has a session of its own
				code = s.Visitor()
				code.SignIn("app", "anna@example.org")
			}
			for says, change := range map[string]func(url.Values){
				"none": func(f url.Values) { f.Del("code_verifier") }, "empty": func(f url.Values) { f["code_verifier"] = []string{""} },
				"wrong": idptest.Set("code_verifier", strings.Repeat("x", 43)), "the challenge itself": idptest.Set("code_verifier", idptest.Challenge),
				"plain twin": idptest.Set("code_verifier", idptest.Challenge, "code_challenge_method", "plain"), "another case": idptest.Set("code_verifier", strings.ToLower(idptest.Verifier)),
			} {
				text := code.Code(party, nil)
				form := idptest.CodeForm(party, text)
				change(form)
				s.RefusedGrant(party+", "+says, s.Token(party, form))
				// A wrong verifier spends nothing: somebody who stole a code cannot take it from its party.
				if got := s.Redeem(party, text); got.Access == "" {
					s.Errorf("%s, %s, then the right one: %s", party, says, got.Body)
				}
				s.RefusedGrant(party+", once more", s.Redeem(party, text))
			}
		}
	})
}

// CVE-2026-28513, CVE-2026-55672, CVE-2026-6334: a code is good for the party that it was given to.
func TestCodeOfAnotherPartyIsRefused(t *testing.T) {
	idptest.Issuers(t, func(s *idptest.Scene) {
		v := s.Visitor()
		v.SignIn("web", "anna@example.org")
		for _, of := range []string{"web", "lax", "spa"} {
			change := func(url.Values) {}
			if of == "lax" {
				change = withoutChallenge
			}
			code := v.Code(of, change)
			for _, thief := range []string{"web", "other", "lax", "jwt", "guest", "spa", "app"} {
				if thief == of {
					continue
				}
				for says, verify := range map[string]string{"its verifier": idptest.Verifier, "no verifier": "", "own verifier": strings.Repeat("y", 43)} {
					form := idptest.CodeForm(of, code)
					idptest.Set("code_verifier", verify)(form)
					s.RefusedGrant(thief+" with a code of "+of+" and "+says, s.Token(thief, form))
				}
			}
			// Naming the owner while proving to be somebody else is refused, too.
			form := idptest.CodeForm(of, code)
			form.Set("client_id", of)
			if got := s.Post("/token", form, idptest.Basic("other")); got.Status < 400 || strings.Contains(got.Body, "access_token") {
				s.Errorf("client_id of %s, secret of another: %d %s", of, got.Status, got.Body)
			}
			form = idptest.CodeForm(of, code)
			if of == "lax" {
				form.Del("code_verifier")
			}
			if got := s.Token(of, form); got.Access == "" {
				s.Errorf("%s itself, afterwards: %s", of, got.Body)
			}
		}
		if n := s.Count("grants WHERE refresh_hash IS NOT NULL AND party IN ('other', 'jwt', 'guest', 'app')"); n != 0 {
			s.Errorf("%d grants of thieves", n)
		}
		for _, thief := range []string{"web", "other", "lax", "jwt", "guest", "spa", "app"} {
			if s.Count("events WHERE kind = 'code.refuse' AND reason = 'another party''s' AND address <> '' AND party = '"+thief+"'") == 0 {
				s.Errorf("nothing on record of %s with a code that is not its own", thief)
			}
		}
	})
}

// CVE-2023-0264: codes of different logins do not mix.
func TestCodesDoNotMix(t *testing.T) {
	idptest.Issuers(t, func(s *idptest.Scene) {
		const verifierB, challengeB = "M25iVXpKU3puUjFaYWg3T1NDTDQtcW1ROUY5YXlwalNoc0hhakxifmZHag", "qjrzSW9gMiUgpUvqgEPE4_-8swvyCtfOVvg55o5S_es"
		anna, bram := s.Visitor(), s.Visitor()
		anna.SignIn("web", "anna@example.org")
		bram.SignIn("web", "bram@example.org")
		a, b := anna.Code("web", nil), bram.Code("web", idptest.Set("code_challenge", challengeB))
		form := idptest.CodeForm("web", a)
		form.Set("code_verifier", verifierB)
		s.RefusedGrant("code of A, verifier of B", s.Token("web", form))
		s.RefusedGrant("code of B, verifier of A", s.Redeem("web", b))
		for i := 1; i < len(a); i++ {
			for _, text := range []string{a[:i] + b[i:], b[:i] + a[i:]} {
				if text != a && text != b { // they may end alike
					s.RefusedGrant("spliced", s.Redeem("web", text))
				}
			}
		}
		for _, text := range []string{a + b, a + "." + b, a + " ", " " + a, a + "=", a + "\n", strings.ToUpper(a), a[:len(a)-1]} {
			s.RefusedGrant("joined", s.Redeem("web", text))
		}
		got := s.Redeem("web", a)
		form = idptest.CodeForm("web", b)
		form.Set("code_verifier", verifierB)
		other := s.Token("web", form)
		if got.Access == "" || other.Access == "" {
			s.Fatalf("the whole codes: %s %s", got.Body, other.Body)
		}
		_, claims := idptest.Parts(s.TB, got.ID)
		_, others := idptest.Parts(s.TB, other.ID)
		if claims["sub"] == others["sub"] || claims["sid"] == others["sid"] {
			s.Errorf("two people: %v and %v", claims, others)
		}
	})
}

// What is spent stays spent, whichever other door its text is shown at (CVE-2026-4325).
func TestSpentStaysSpent(t *testing.T) {
	idptest.SceneDatabases(t, func(s *idptest.Scene) {
		v := s.Visitor()
		id := v.Begin("web", nil)
		callback := v.Prove(id, "anna@example.org").To.String()
		code := v.Open(callback).Param("code")
		got := s.Redeem("web", code)
		if got.Access == "" {
			s.Fatalf("code: %s", got.Body)
		}
		for _, text := range []string{code, id} {
			s.Post("/revoke", url.Values{"token": {text}}, idptest.Basic("web"))
			s.Post("/revoke", url.Values{"token": {text}, "token_type_hint": {"refresh_token"}}, idptest.Basic("web"))
			s.Post("/introspect", url.Values{"token": {text}}, idptest.Basic("web"))
			s.RefusedGrant("as a refresh token", s.RefreshGrant("web", text))
			if status := s.Userinfo(text); status != http.StatusUnauthorized {
				s.Errorf("as an access token: %d", status)
			}
			s.Get(s.Issuer + "/logout?id_token_hint=" + text + "&client_id=web")
			s.Get(s.Issuer + "/authorize/continue?request=" + text)
			s.Get(s.Issuer + "/authorize/callback?request=" + text + "&denied=1")
		}
		if a := v.Open(callback); a.To.Query().Has("code") {
			s.Errorf("the callback again: %s", a.To)
		}
		if status := s.Userinfo(got.Access); status != http.StatusOK {
			s.Errorf("the tokens were lost on the way: %d", status)
		}
		s.RefusedGrant("the code again", s.Redeem("web", code))
	})
}

// An attacker's own finished login, fed to somebody else's browser, signs nobody in there (CVE-2026-33757).
func TestFinishedCallbackInAnotherBrowserSignsNobodyIn(t *testing.T) {
	idptest.Issuers(t, func(s *idptest.Scene) {
		attacker, victim := s.Visitor(), s.Visitor()
		id := attacker.Begin("web", nil)
		callback := attacker.Prove(id, "bram@example.org").To.String()
		for says, v := range map[string]*idptest.Visitor{"signed out": victim, "with a cookie of ours": func() *idptest.Visitor { v := s.Visitor(); v.Begin("web", nil); return v }()} {
			before := v.Cookies()
			a := v.Open(callback)
			if a.To.Query().Has("code") || v.Cookies() != before || v.SignedIn() != "" {
				s.Errorf("%s: %s, signed in %q", says, a.To, v.SignedIn())
			}
			if a := v.Open(s.Issuer + "/login/" + id); strings.HasPrefix(a.To.String(), s.Issuer+"/login/"+id+"/") {
				s.Errorf("%s: the attacker's journey goes on: %s", says, a.To)
			}
		}
		if a := attacker.Open(callback); !a.To.Query().Has("code") {
			s.Errorf("the attacker's own browser: %d %s", a.Status, a.To)
		}
	})
}
