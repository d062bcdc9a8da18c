package nodes_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
)

// verify reads an ID token as a party does: keys from discovery, issuer, audience, times, signature.
func (d door) verify(p party, raw string) (map[string]any, error) {
	ctx := oidc.ClientContext(context.Background(), d.client)
	provider, err := oidc.NewProvider(ctx, d.issuer)
	if err != nil {
		return nil, err
	}
	id, err := provider.Verifier(&oidc.Config{ClientID: p.id, SupportedSigningAlgs: []string{"RS256", "ES256", "EdDSA"}}).Verify(ctx, raw)
	if err != nil {
		return nil, err
	}
	var claims map[string]any
	return claims, id.Claims(&claims)
}

// must ends the test at an error, saying what was attempted.
func must(t *testing.T, attempted string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", attempted, err)
	}
}

// TestJourneyBegunOnOneNodeFinishesOnTheOther: every request goes to the other node than the one before, so no step of
// anything here is answered by the node that answered the step before it.
func TestJourneyBegunOnOneNodeFinishesOnTheOther(t *testing.T) {
	p := newPair(t, 0, nil)
	for _, begins := range []int{0, 1} {
		t.Run(fmt.Sprintf("begins on node %d", begins), func(t *testing.T) {
			p.balancer.beginAt(begins)
			p.balancer.take()
			p.visit(t)
			all := p.balancer.take()
			for i, s := range all {
				if s.node != (begins+i)%2 {
					t.Errorf("request %d, %s %s, went to node %d", i, s.method, s.path, s.node)
				}
			}
			if !slices.ContainsFunc(all, func(s served) bool { return s.method == http.MethodPost && strings.HasSuffix(s.path, "/password") }) {
				t.Errorf("no login page was among %v", all)
			}
		})
	}
}

// visit is a whole day of Anna's: login, single sign-on, refresh, login asked again, logout.
func (s *site) visit(t *testing.T) {
	d := s.through()
	anna := newPerson(d, "anna@example.org")

	code, err := anna.signIn(steady, nil)
	must(t, "signing in", err)
	first, err := d.redeem(steady, code)
	must(t, "redeeming", err)
	claims, err := d.verify(steady, first.ID)
	must(t, "verifying ID token", err)
	if claims["nonce"] != "n" || claims["sid"] == "" {
		t.Errorf("claims %v", claims)
	}

	code, err = anna.ask(rotating, nil)
	must(t, "single sign-on", err)
	if code == "" {
		t.Fatalf("a page instead of single sign-on: %s", anna.page)
	}
	second, err := d.redeem(rotating, code)
	must(t, "redeeming at the second party", err)
	again, err := d.verify(rotating, second.ID)
	must(t, "verifying ID token of the second party", err)
	if again["sid"] != claims["sid"] || again["auth_time"] != claims["auth_time"] {
		t.Errorf("single sign-on is another sign-in: %v, %v", claims, again)
	}

	for range 3 {
		next, err := d.refresh(rotating, second.Refresh)
		must(t, "refreshing", err)
		if next.status != http.StatusOK || next.Refresh == second.Refresh {
			t.Fatalf("refresh: %d %s", next.status, next.body)
		}
		second = next
		kept, err := d.refresh(steady, first.Refresh)
		must(t, "refreshing", err)
		if kept.status != http.StatusOK || kept.Refresh != first.Refresh {
			t.Fatalf("refresh without rotation: %d %s", kept.status, kept.body)
		}
		first = kept
	}
	for _, access := range []string{first.Access, second.Access} {
		if got := d.userinfo(access); got != http.StatusOK {
			t.Errorf("userinfo: %d", got)
		}
	}

	code, err = anna.signIn(steady, url.Values{"prompt": {"login"}})
	must(t, "signing in again", err)
	third, err := d.redeem(steady, code)
	must(t, "redeeming again", err)

	out := url.Values{"id_token_hint": {third.ID}, "post_logout_redirect_uri": {goodbye}, "state": {"s"}}
	must(t, "signing out", anna.open(http.MethodGet, s.issuer+"/logout?"+out.Encode(), nil))
	if anna.away != goodbye+"?state=s" {
		t.Errorf("after signing out at %q, %s", anna.away, anna.page)
	}
	for range 2 { // once on either node
		if got, err := anna.silently(steady); err != nil || got != "login_required" {
			t.Errorf("after signing out: %q %v", got, err)
		}
		for _, r := range []struct {
			party party
			token tokens
		}{{steady, first}, {rotating, second}, {steady, third}} {
			if got, err := d.refresh(r.party, r.token.Refresh); err != nil || got.Error != "invalid_grant" {
				t.Errorf("refresh after signing out: %d %s %v", got.status, got.body, err)
			}
		}
	}
}
