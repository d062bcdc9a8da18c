package op_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/secret"
)

// withPhone is a house with a mobile app, and a phone on which anna has it.
func withPhone(t *testing.T) (caller, *idptest.Party) {
	t.Helper()
	c := newCaller(t)
	c.declare(`client_id: app, type: native, mobile_app: true, redirect_uris: ["https://app.linde.test/callback"]`)
	app := idptest.NewParty(c.Server, "app.linde.test", issuer, "app", "")
	app.Mobile = true
	app.TakePhone(nil)
	b := idptest.NewBrowser(c.Server, "en")
	idptest.LogIn(t, b, app.Start(nil), "anna@example.org")
	if app.Last.Error != "" || app.Last.Claims == nil {
		t.Fatalf("no phone: at %s: %q", b.URL, app.Last.Error)
	}
	return c, app
}

// Who knows the name of a grant, which stands in access tokens that have run out, cannot log anybody out: only a token
// does.
func TestAForgedTokenLogsNobodyOutOfTheApp(t *testing.T) {
	c, app := withPhone(t)
	id, ok := grant.IDOf(app.Last.Token.RefreshToken)
	if !ok {
		t.Fatal("no refresh token")
	}
	revoke := func(token string) {
		t.Helper()
		form := url.Values{"token": {token}, "client_id": {"app"}}
		if res := c.send(http.MethodPost, issuer+"/revoke", form.Encode(), nil); res.StatusCode != http.StatusOK {
			t.Errorf("status %d", res.StatusCode)
		}
	}
	revoke(string(id) + "." + secret.Token())
	if err := app.Refresh(); err != nil {
		t.Errorf("after a forged token: %v", err)
	}
	revoke(app.Last.Token.RefreshToken)
	if err := app.Refresh(); err == nil {
		t.Error("a token that was revoked works")
	}
	if err := app.Phone.PIN(t.Context(), idptest.PhonePIN, &app.Last); err != nil {
		t.Errorf("the PIN after logging out: %v", err)
	}
}

// An app that is one no longer gets nothing by its PIN, and nothing for choosing one.
func TestAPartyThatIsNoMobileAppHasNoDevices(t *testing.T) {
	c, app := withPhone(t)
	c.declare("client_id: app, mobile_app: false")
	if err := app.Phone.PIN(t.Context(), idptest.PhonePIN, &app.Last); err == nil || !strings.HasPrefix(err.Error(), "unauthorized_client") {
		t.Errorf("its PIN: %v", err)
	}
}
