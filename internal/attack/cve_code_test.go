package attack

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// withoutChallenge is a request that PKCE was cut out of.
var withoutChallenge = set("code_challenge", "", "code_challenge_method", "")

// CVE-2024-23647, CVE-2024-22258, CVE-2025-4144.
func TestCVE_2024_23647_CVE_2024_22258_CVE_2025_4144_PKCEDowngrade(t *testing.T) {
	issuers(t, func(s *scene) {
		v := s.visitor()
		v.signIn("web", "anna@example.org")
		for _, party := range []string{"web", "spa", "app", "jwt"} {
			if a := v.open(s.authorize(party, withoutChallenge)); a.param("error") != "invalid_request" || a.To.Query().Has("code") {
				s.Errorf("%s without a challenge: %s", party, a.To)
			}
		}
		// lax is exempted: its request may lack a challenge, and then a verifier proves nothing.
		s.refusedGrant("a verifier for a code without challenge", s.redeem("lax", v.code("lax", withoutChallenge)))
		form := codeForm("lax", v.code("lax", nil))
		form.Del("code_verifier")
		s.refusedGrant("no verifier for a code with a challenge", s.token("lax", form))
		form = codeForm("lax", v.code("lax", withoutChallenge))
		form.Set("code_verifier", "")
		if got := s.token("lax", form); got.Access == "" {
			s.Errorf("an exempted party without PKCE: %s", got.Body)
		}
	})
}

// CVE-2023-48228.
func TestCVE_2023_48228_VerifierIsDemanded(t *testing.T) {
	issuers(t, func(s *scene) {
		v := s.visitor()
		v.signIn("web", "anna@example.org")
		for _, party := range []string{"web", "lax", "spa", "app"} {
			code := v
			if party == "app" { // the app has a session of its own
				code = s.visitor()
				code.signIn("app", "anna@example.org")
			}
			for says, change := range map[string]func(url.Values){
				"none": func(f url.Values) { f.Del("code_verifier") }, "empty": func(f url.Values) { f["code_verifier"] = []string{""} },
				"wrong": set("code_verifier", strings.Repeat("x", 43)), "the challenge itself": set("code_verifier", challenge),
				"plain twin": set("code_verifier", challenge, "code_challenge_method", "plain"), "another case": set("code_verifier", strings.ToLower(verifier)),
			} {
				text := code.code(party, nil)
				form := codeForm(party, text)
				change(form)
				s.refusedGrant(party+", "+says, s.token(party, form))
				// A wrong verifier spends nothing: somebody who stole a code cannot take it from its party.
				if got := s.redeem(party, text); got.Access == "" {
					s.Errorf("%s, %s, then the right one: %s", party, says, got.Body)
				}
				s.refusedGrant(party+", once more", s.redeem(party, text))
			}
		}
	})
}

// CVE-2026-28513, CVE-2026-55672, CVE-2026-6334.
func TestCVE_2026_28513_CVE_2026_55672_CVE_2026_6334_CodeOfAnotherParty(t *testing.T) {
	issuers(t, func(s *scene) {
		v := s.visitor()
		v.signIn("web", "anna@example.org")
		for _, of := range []string{"web", "lax", "spa"} {
			change := func(url.Values) {}
			if of == "lax" {
				change = withoutChallenge
			}
			code := v.code(of, change)
			for _, thief := range []string{"web", "other", "lax", "jwt", "guest", "spa", "app"} {
				if thief == of {
					continue
				}
				for says, verify := range map[string]string{"its verifier": verifier, "no verifier": "", "own verifier": strings.Repeat("y", 43)} {
					form := codeForm(of, code)
					set("code_verifier", verify)(form)
					s.refusedGrant(thief+" with a code of "+of+" and "+says, s.token(thief, form))
				}
			}
			// Naming the owner while proving to be somebody else is refused, too.
			form := codeForm(of, code)
			form.Set("client_id", of)
			if got := s.post("/token", form, basic("other")); got.Status < 400 || strings.Contains(got.Body, "access_token") {
				s.Errorf("client_id of %s, secret of another: %d %s", of, got.Status, got.Body)
			}
			form = codeForm(of, code)
			if of == "lax" {
				form.Del("code_verifier")
			}
			if got := s.token(of, form); got.Access == "" {
				s.Errorf("%s itself, afterwards: %s", of, got.Body)
			}
		}
		if n := s.count("grants WHERE refresh_hash IS NOT NULL AND party IN ('other', 'jwt', 'guest', 'app')"); n != 0 {
			s.Errorf("%d grants of thieves", n)
		}
		for _, thief := range []string{"web", "other", "lax", "jwt", "guest", "spa", "app"} {
			if s.count("events WHERE kind = 'code.refuse' AND reason = 'another party''s' AND address <> '' AND party = '"+thief+"'") == 0 {
				s.Errorf("nothing on record of %s with a code that is not its own", thief)
			}
		}
	})
}

// CVE-2023-0264.
func TestCVE_2023_0264_CodesDoNotMix(t *testing.T) {
	issuers(t, func(s *scene) {
		const verifierB, challengeB = "M25iVXpKU3puUjFaYWg3T1NDTDQtcW1ROUY5YXlwalNoc0hhakxifmZHag", "qjrzSW9gMiUgpUvqgEPE4_-8swvyCtfOVvg55o5S_es"
		anna, bram := s.visitor(), s.visitor()
		anna.signIn("web", "anna@example.org")
		bram.signIn("web", "bram@example.org")
		a, b := anna.code("web", nil), bram.code("web", set("code_challenge", challengeB))
		form := codeForm("web", a)
		form.Set("code_verifier", verifierB)
		s.refusedGrant("code of A, verifier of B", s.token("web", form))
		s.refusedGrant("code of B, verifier of A", s.redeem("web", b))
		for i := 1; i < len(a); i++ {
			for _, text := range []string{a[:i] + b[i:], b[:i] + a[i:]} {
				if text != a && text != b { // they may end alike
					s.refusedGrant("spliced", s.redeem("web", text))
				}
			}
		}
		for _, text := range []string{a + b, a + "." + b, a + " ", " " + a, a + "=", a + "\n", strings.ToUpper(a), a[:len(a)-1]} {
			s.refusedGrant("joined", s.redeem("web", text))
		}
		got := s.redeem("web", a)
		form = codeForm("web", b)
		form.Set("code_verifier", verifierB)
		other := s.token("web", form)
		if got.Access == "" || other.Access == "" {
			s.Fatalf("the whole codes: %s %s", got.Body, other.Body)
		}
		_, claims := parts(s.TB, got.ID)
		_, others := parts(s.TB, other.ID)
		if claims["sub"] == others["sub"] || claims["sid"] == others["sid"] {
			s.Errorf("two people: %v and %v", claims, others)
		}
	})
}

// What is spent stays spent, whichever other door its text is shown at (CVE-2026-4325).
func TestCVE_2026_4325_SpentStaysSpent(t *testing.T) {
	databases(t, func(s *scene) {
		v := s.visitor()
		id := v.begin("web", nil)
		callback := v.prove(id, "anna@example.org").To.String()
		code := v.open(callback).param("code")
		got := s.redeem("web", code)
		if got.Access == "" {
			s.Fatalf("code: %s", got.Body)
		}
		for _, text := range []string{code, id} {
			s.post("/revoke", url.Values{"token": {text}}, basic("web"))
			s.post("/revoke", url.Values{"token": {text}, "token_type_hint": {"refresh_token"}}, basic("web"))
			s.post("/introspect", url.Values{"token": {text}}, basic("web"))
			s.refusedGrant("as a refresh token", s.refresh("web", text))
			if status := s.userinfo(text); status != http.StatusUnauthorized {
				s.Errorf("as an access token: %d", status)
			}
			s.get(s.issuer + "/logout?id_token_hint=" + text + "&client_id=web")
			s.get(s.issuer + "/authorize/continue?request=" + text)
			s.get(s.issuer + "/authorize/callback?request=" + text + "&denied=1")
		}
		if a := v.open(callback); a.To.Query().Has("code") {
			s.Errorf("the callback again: %s", a.To)
		}
		if status := s.userinfo(got.Access); status != http.StatusOK {
			s.Errorf("the tokens were lost on the way: %d", status)
		}
		s.refusedGrant("the code again", s.redeem("web", code))
	})
}

// An attacker's own finished login, fed to somebody else's browser, signs nobody in there (CVE-2026-33757).
func TestCVE_2026_33757_FinishedCallbackInAnotherBrowser(t *testing.T) {
	issuers(t, func(s *scene) {
		attacker, victim := s.visitor(), s.visitor()
		id := attacker.begin("web", nil)
		callback := attacker.prove(id, "bram@example.org").To.String()
		for says, v := range map[string]*visitor{"signed out": victim, "with a cookie of ours": func() *visitor { v := s.visitor(); v.begin("web", nil); return v }()} {
			before := v.cookies()
			a := v.open(callback)
			if a.To.Query().Has("code") || v.cookies() != before || v.signedIn() != "" {
				s.Errorf("%s: %s, signed in %q", says, a.To, v.signedIn())
			}
			if a := v.open(s.issuer + "/login/" + id); strings.HasPrefix(a.To.String(), s.issuer+"/login/"+id+"/") {
				s.Errorf("%s: the attacker's journey goes on: %s", says, a.To)
			}
		}
		if a := attacker.open(callback); !a.To.Query().Has("code") {
			s.Errorf("the attacker's own browser: %d %s", a.Status, a.To)
		}
	})
}
