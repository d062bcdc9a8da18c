package op_test

import (
	"net/http"
	"net/url"
	"sync"
	"testing"

	"github.com/minddistrict/idp/grant"
)

func (c caller) deletes(party string) {
	c.Helper()
	if _, err := c.Tools().Acts().DeleteParty(c.Context(), "linde", grant.PartyID(party), false); err != nil {
		c.Fatalf("deleting %s: %v", party, err)
	}
}

// A party that is deleted has nothing any more, also at a node that has not noticed; what it gets there within that second
// is worth nothing afterwards, also to a party that is made with its name.
func TestDeletedPartyHasNothing(t *testing.T) {
	c := newCaller(t)
	b := c.signIn(issuer)
	refreshing := func(got tokens) tokens {
		return c.token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {got.Refresh}}, "lax")
	}
	held, code := c.token(codeForm(c.code(b, "lax", nil)), "lax"), c.code(b, "lax", nil)
	c.deletes("lax") // and this node does not know
	if got := refreshing(held); got.Error != "invalid_grant" || got.Status != http.StatusBadRequest {
		t.Errorf("refreshed at a node that has not noticed: %d %s", got.Status, got.Error)
	}
	if got := c.token(codeForm(code), "lax"); got.Error != "invalid_grant" || got.Status != http.StatusBadRequest {
		t.Errorf("redeemed at a node that has not noticed: %d %s", got.Status, got.Error)
	}
	if status, _ := c.userinfo(held.Access); status != http.StatusUnauthorized {
		t.Errorf("userinfo at a node that has not noticed: %d", status)
	}
	late := c.token(codeForm(c.code(b, "lax", nil)), "lax")
	if late.Error != "" {
		t.Fatalf("a node that has not noticed: %s", late.Error)
	}
	if err := c.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	for says, got := range map[string]tokens{"late": late, "held": held} {
		if again := refreshing(got); again.Error != "invalid_client" || again.Status != http.StatusUnauthorized {
			t.Errorf("%s, refreshed: %d %s", says, again.Status, again.Error)
		}
		if status, _ := c.userinfo(got.Access); status != http.StatusUnauthorized {
			t.Errorf("%s, userinfo: %d", says, status)
		}
	}
	if res := c.get(issuer + authorizeQuery("lax", nil)); res.StatusCode != http.StatusBadRequest || res.Header.Get("Location") != "" {
		t.Errorf("authorize: %d to %q", res.StatusCode, res.Header.Get("Location"))
	}
	c.Declare(linde, wilg)
	for says, got := range map[string]tokens{"late": late, "held": held} {
		if again := refreshing(got); again.Error != "invalid_grant" {
			t.Errorf("%s, refreshed by a party that is made with its name: %d %s", says, again.Status, again.Error)
		}
		if status, _ := c.userinfo(got.Access); status != http.StatusUnauthorized {
			t.Errorf("%s, userinfo where a party is made with its name: %d", says, status)
		}
	}
	if got := c.token(codeForm(c.code(b, "lax", nil)), "lax"); got.Error != "" {
		t.Errorf("what it gets anew: %s", got.Error)
	}
}

// Whatever is asked at the moment of its deletion is answered: with what there was, or with a refusal.
func TestDeletionBreaksNoRequest(t *testing.T) {
	c := newCaller(t)
	b := c.signIn(issuer)
	held := c.token(codeForm(c.code(b, "lax", nil)), "lax")
	var codes []string
	for range 10 {
		codes = append(codes, c.code(b, "lax", nil))
	}
	basic := basicOf("lax", secretText)
	asks := []func(i int) *http.Response{
		func(i int) *http.Response {
			return c.send(http.MethodPost, tokenURL, codeForm(codes[i]).Encode(), basic)
		},
		func(int) *http.Response {
			return c.send(http.MethodPost, tokenURL, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {held.Refresh}}.Encode(), basic)
		},
		func(int) *http.Response {
			return c.send(http.MethodGet, userinfoURL, "", map[string]string{"Authorization": "Bearer " + held.Access})
		},
		func(int) *http.Response {
			return c.send(http.MethodPost, issuer+"/introspect", url.Values{"token": {held.Access}}.Encode(), basic)
		},
		func(int) *http.Response { return c.get(issuer + authorizeQuery("lax", nil)) },
	}
	var all sync.WaitGroup
	for n, ask := range asks {
		all.Go(func() {
			for i := range codes {
				if res := ask(i); res.StatusCode >= 500 {
					t.Errorf("question %d, time %d: %d", n, i, res.StatusCode)
				}
			}
		})
	}
	all.Go(func() {
		c.deletes("lax")
		if err := c.Refresh(t.Context()); err != nil {
			t.Error(err)
		}
	})
	all.Wait()
}
