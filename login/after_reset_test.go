package login_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/staff"
)

// afterReset is a house that demands codes, whose staff took Anna's from her.
func afterReset(t *testing.T) visit {
	v := demanding(t)
	if err := v.Tools().Acts().ResetTwoStep(t.Context(), "linde", staff.ByAddress("anna@example.org"), staff.Justification{Reason: staff.LostPhone, Identified: staff.InPerson}); err != nil {
		t.Fatal(err)
	}
	return v
}

// everyForm sends every form that there could be to every step of a journey.
func everyForm(t *testing.T, b *idptest.Browser, journey string, each func(step, do string)) {
	t.Helper()
	for _, step := range []string{
		"", "/check-mail", "/password", "/totp", "/app-setup", "/set-up", "/recovery-code", "/recovery-codes", "/two-step-off", "/consent",
		"/new-password", "/forgot", "/sign-up", "/switch", "/go-on", "/no-code", "/closed", "/stop",
	} {
		for _, do := range []string{"continue", "later", "start", "skip", "done", "off", "other", "allow", "stay"} {
			form := url.Values{
				"do": {do}, "code": {"123456"}, "password": {idptest.Password}, "check": {"1"}, "method": {"totp"}, "link": {"1"},
				"email": {"bram@example.org"},
			}
			b.MustTwice(t, form, journey+step)
			each(step, do)
		}
	}
}

// Whoever has the password of a marked account stays at the page of the mail, whatever is asked and whatever is sent.
func TestMailAfterAResetIsNotSteppedOver(t *testing.T) {
	v := afterReset(t)
	for says, address := range map[string]string{
		"a party":          v.linde.Start(nil),
		"prompt=login":     v.linde.Start(url.Values{"prompt": {"login"}}),
		"prompt=consent":   v.linde.Start(url.Values{"prompt": {"consent"}}),
		"one factor":       v.linde.Start(url.Values{"acr_values": {"urn:minddistrict:acr:1fa"}}),
		"two factors":      v.linde.Start(url.Values{"acr_values": {"urn:minddistrict:acr:2fa"}}),
		"max_age=0":        v.linde.Start(url.Values{"max_age": {"0"}}),
		"settings":         settings,
		"two-step page":    settings + "/two-step",
		"another language": v.linde.Start(url.Values{"ui_locales": {"en"}}),
	} {
		b := idptest.NewBrowser(v.Server, "en")
		idptest.LogIn(t, b, address, "anna@example.org")
		b.MustBeAt(t, "/check-mail")
		journey, _ := journeyOf(b)
		if says != "a party" && says != "settings" {
			v.holdsNothing(t, b, says)
			continue
		}
		everyForm(t, b, journey, func(step, do string) {
			if b.MustOpen(t, journey); !strings.HasSuffix(b.URL.Path, "/check-mail") {
				t.Fatalf("%s: %s at %q leads to %s", says, do, step, b.URL)
			}
		})
		v.holdsNothing(t, b, says)
	}
	a, open := idptest.Account(t, v.DB, "anna@example.org"), len(sessions(t, v.Server, "anna@example.org"))
	if a.MarkedAt.IsZero() || len(a.SecondCredentials()) != 0 || open != 0 {
		t.Errorf("the account is %+v", a)
	}
}

// Whoever reads the mails and has no password shows nothing, not by the password of an account of their own either.
func TestMailAfterAResetWithoutThePassword(t *testing.T) {
	v := afterReset(t)
	owner := idptest.NewBrowser(v.Server, "en")
	idptest.LogIn(t, owner, v.linde.Start(nil), "anna@example.org")
	link := v.mailed(t, outbox.AfterReset)
	b := idptest.NewBrowser(v.Server, "en")
	b.MustOpen(t, link)
	b.MustBeAt(t, "/password")
	journey, _ := journeyOf(b)
	for _, form := range []url.Values{
		{"do": {"other"}},
		{"do": {"other"}, "email": {"bram@example.org"}, "password": {idptest.Password}},
		{"do": {"continue"}, "email": {"bram@example.org"}, "password": {"not anna's"}},
		{"do": {"continue"}, "password": {""}},
	} {
		b.MustTwice(t, form, journey+"/password")
		if b.MustOpen(t, journey); !strings.HasSuffix(b.URL.Path, "/password") {
			t.Fatalf("%v leads to %s", form, b.URL)
		}
	}
	v.holdsNothing(t, b, "with the mail alone")
	if idptest.Account(t, v.DB, "anna@example.org").MarkedAt.IsZero() || len(sessions(t, v.Server, "bram@example.org")) != 0 {
		t.Error("the mark went, or somebody else is signed in")
	}
	// the owner, where somebody else is signed in: goes on instead
	v.Apply(`platforms: [{ name: linde, policy: { second_factor: { client: { demand: optional } } } }]`)
	b = idptest.NewBrowser(v.Server, "en")
	idptest.LogIn(t, b, v.linde.Start(nil), "bram@example.org")
	b.MustOpen(t, link)
	idptest.Reauthenticate(t, b)
	b.MustBeAt(t, "/set-up")
	b.MustPress(t, "Not now")
	a := idptest.Account(t, v.DB, "anna@example.org")
	annas, brams := sessions(t, v.Server, "anna@example.org"), sessions(t, v.Server, "bram@example.org")
	if !a.MarkedAt.IsZero() || len(annas) != 1 || len(brams) != 0 {
		t.Errorf("the owner is not signed in: %+v at %s", a.TwoStep, b.URL)
	}
	_, token, _ := strings.Cut(link, "/link/")
	if ticket, err := v.DB.Ticket(t.Context(), "linde", secret.Hash(token)); err != nil || ticket.State(v.Clock.Now()) != authn.TicketUsed {
		t.Errorf("the link: %+v, %v", ticket, err)
	}
}
