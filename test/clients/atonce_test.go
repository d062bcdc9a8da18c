//go:build clients

package clients_test

import (
	"net/url"
	"sync"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// atOnce is how many requests of one person arrive while the access token has expired: oauth2-proxy refreshes in each.
const atOnce = 20

// refreshesAtOnce refreshes many times at the same moment with the same refresh token.
func refreshesAtOnce(t *testing.T, h *house, database string) {
	h.register(t, `
      - client_id: proxy
        secret: `+secretText+`
        redirect_uris: [http://localhost/proxy/callback]
      - client_id: proxy-public
        type: native
        redirect_uris: [http://localhost/public/callback]
`)
	version := "x/oauth2 " + moduleVersion(t, "golang.org/x/oauth2")
	c := client{t, "refreshes at once, " + database, version}
	c.check("20 by a confidential party, without rotation", func(t *testing.T) {
		p := newGoParty(t, h, "proxy", secretText, "http://localhost/proxy/callback", "email")
		p.config.Endpoint.AuthStyle = oauth2.AuthStyleInHeader
		staysSignedIn(t, h, p, "", func(sent, got string) bool { return got == sent })
	})
	c.check("20 by a public party, with rotation", func(t *testing.T) {
		p := newGoParty(t, h, "proxy-public", "", "http://localhost/public/callback", "email")
		p.config.Endpoint.AuthStyle = oauth2.AuthStyleInParams
		staysSignedIn(t, h, p, "interaction_required", func(sent, got string) bool { return got != "" && got != sent })
	})
}

// staysSignedIn signs Anna in and refreshes at once, twice: all answers work, they agree on the next refresh token, and
// her session goes on: asked silently, it gives a code, or the error of a party that gets none from a session alone.
func staysSignedIn(t *testing.T, h *house, p *goParty, alone string, next func(sent, got string) bool) {
	t.Helper()
	v, token, id := p.signIn(t, h)
	for round := range 2 {
		answers, errs := make([]*oauth2.Token, atOnce), make([]error, atOnce)
		var begin, done sync.WaitGroup
		begin.Add(1)
		for i := range atOnce {
			done.Go(func() {
				begin.Wait()
				answers[i], errs[i] = p.refresh(token.RefreshToken)
			})
		}
		begin.Done()
		done.Wait()
		access := map[string]bool{}
		for i, answer := range answers {
			if errs[i] != nil {
				t.Fatalf("round %d: %v", round, errs[i])
			}
			if !next(token.RefreshToken, answer.RefreshToken) || answer.RefreshToken != answers[0].RefreshToken {
				t.Errorf("round %d: the refresh tokens do not agree", round)
			}
			if info := p.userInfo(t, answer); info.Subject != id.Subject {
				t.Errorf("round %d: userinfo of %q", round, info.Subject)
			}
			access[answer.AccessToken] = true
		}
		if len(access) != atOnce {
			t.Errorf("round %d: %d access tokens for %d requests", round, len(access), atOnce)
		}
		token = answers[0]
	}
	if _, err := p.refresh(token.RefreshToken); err != nil {
		t.Errorf("a later refresh: %v", err)
	}
	verifier := oauth2.GenerateVerifier()
	v.visit(t, p.config.AuthCodeURL("s", oauth2.S256ChallengeOption(verifier), oidc.Nonce("n"), oauth2.SetAuthURLParam("prompt", "none")))
	if back := v.back(t); back.Has("code") != (alone == "") || back.Get("error") != alone {
		t.Errorf("the session is over: %v", url.Values(back))
	}
}
