package login_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/idptest"
)

// withStranger adds a third party of the same name to both platforms.
func withStranger(v visit) visit {
	v.Declare(strangerTo(lindeOf()), strangerTo(wilg))
	return v
}

func strangerTo(d idptest.Demo) idptest.Demo {
	d.Parties = append(slices.Clone(d.Parties), "client_id: sleep, name: Slaapdagboek, third_party: true")
	return d
}

// allowed is what an account allows the stranger, which gets tokens of it that outlive their session.
func allowed(t *testing.T, v visit, d idptest.Demo, email string) *idptest.Party {
	t.Helper()
	party := d.Party(v.Server, "sleep")
	b := idptest.NewBrowser(v.Server, "en")
	idptest.LogIn(t, b, party.Start(url.Values{"scope": {"openid offline_access"}}), email)
	b.MustPress(t, "Allow")
	if err := party.Refresh(); err != nil {
		t.Fatal(err)
	}
	return party
}

// A consent is taken back by its owner only, on its own platform, by a form of ours, once.
func TestConsentIsTakenBackByItsOwnerOnly(t *testing.T) {
	v := withStranger(newVisit(t))
	annas, brams := allowed(t, v, lindeOf(), "anna@example.org"), allowed(t, v, lindeOf(), "bram@example.org")
	far := allowed(t, v, wilg, "anna@example.org")
	anna, nobody := idptest.NewBrowser(v.Server, "en"), idptest.NewBrowser(v.Server, "en")
	openSettings(t, anna, settings+"/consents", "anna@example.org")
	address := settings + "/consents/sleep"
	lives := func(what string, want bool, parties ...*idptest.Party) {
		t.Helper()
		for _, p := range parties {
			if err := p.Refresh(); (err == nil) != want {
				t.Errorf("%s: refreshing gives %v", what, err)
			}
		}
	}

	nobody.MustTwice(t, url.Values{"do": {"continue"}}, address)
	lives("nobody is signed in", true, annas)

	res := idptest.RequestAs(t, v, anna, http.MethodPost, address, "do=continue", crossSite)
	if res.StatusCode != http.StatusForbidden {
		t.Errorf("another site's form: %d", res.StatusCode)
	}
	lives("another site", true, annas)

	anna.MustOpen(t, address) // seeing the question takes nothing back, nor does an empty form
	anna.MustTwice(t, url.Values{}, address)
	for _, gone := range []string{"/web", "/nobody", "/sleep/x", "/%2e%2e", "/sleep%2f", "/"} {
		if err := anna.Twice(url.Values{"do": {"continue"}}, settings+"/consents"+gone); err != nil || anna.Status != http.StatusNotFound {
			t.Errorf("%s: %d %v", gone, anna.Status, err)
		}
	}
	plant(anna, "__Host-wilg-session", cookieAt(anna, "__Host-linde-session"))
	anna.MustTwice(t, url.Values{"do": {"continue"}}, "https://id.test/p/wilg/settings/consents/sleep")
	lives("before", true, annas, brams, far)

	anna.MustTwice(t, url.Values{"do": {"continue"}}, address)
	anna.MustBeAt(t, "/settings/consents")
	lives("taken back", false, annas)
	lives("somebody else's, and of another platform", true, brams, far)
	recorded := events(t, v.Server, "anna@example.org", audit.ConsentWithdrawn)
	if len(recorded) != 1 || recorded[0].Party != "sleep" || recorded[0].Actor != string(recorded[0].Account) || recorded[0].Session == "" {
		t.Errorf("recorded %+v", recorded)
	}
	if all := events(t, v.Server, "bram@example.org", audit.ConsentWithdrawn); len(all) > 0 {
		t.Errorf("somebody else's record: %+v", all)
	}
}

// A grant that was added when the consent was just being taken back gives nothing: its code is not redeemed.
func TestGrantWithoutConsentIsNotRedeemed(t *testing.T) {
	v := withStranger(newVisit(t))
	allowed(t, v, lindeOf(), "anna@example.org")
	session := sessions(t, v.Server, "anna@example.org")[0]
	e := audit.Event{At: v.Clock.Now(), Platform: "linde", Kind: audit.ConsentWithdrawn, Actor: "test", Account: session.Account, Outcome: audit.Success}
	if err := v.DB.WithdrawConsent(t.Context(), "linde", session.Account, "sleep", e, v.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	redeem := func() (status int) {
		challenge, _ := grant.ChallengeOf(verifier)
		g, code := grant.New(&grant.AuthRequest{
			Platform: "linde", Party: "sleep", RedirectURI: idptest.RedirectURI, Scopes: []string{"openid"}, Challenge: challenge,
		}, &session, &grant.Party{ID: "sleep", Platform: "linde"}, v.Clock.Now())
		if err := v.DB.Answer(t.Context(), grant.Answered{}, g); err != nil {
			t.Fatal(err)
		}
		form := url.Values{
			"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {idptest.RedirectURI}, "code_verifier": {verifier},
		}
		r, err := http.NewRequest(http.MethodPost, ownIssuer+"/token", strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.SetBasicAuth("sleep", idptest.PartySecret)
		res, err := v.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode
	}
	if got := redeem(); got != http.StatusBadRequest {
		t.Errorf("without a consent: %d", got)
	}
	given := authn.Consent{Account: session.Account, Party: "sleep", Scopes: []string{"openid"}, At: v.Clock.Now()}
	if err := v.DB.SaveChange(t.Context(), authn.Change{Platform: "linde", Consent: &given}, v.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	if got := redeem(); got != http.StatusOK {
		t.Errorf("with one: %d", got)
	}
}
