package login_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/idptest"
)

func signUpForm(t *testing.T) (visit, *idptest.Browser, string) {
	t.Helper()
	v := newVisit(t)
	demo := lindeOf()
	demo.More, demo.Policy = "privacy_url: https://linde.test/privacy", "self_sign_up: true"
	v.Declare(demo)
	b := idptest.NewBrowser(v.Server, "en")
	b.MustOpen(t, v.linde.Start(nil))
	address := b.URL.String()
	address = address[:strings.LastIndex(address, "/")] + "/sign-up"
	b.MustOpen(t, address)
	if b.Status != http.StatusOK {
		t.Fatal(b.Status, b.URL)
	}
	return v, b, address
}

// A sign-up whose form was never judged must not become an account: no name, no tick.
func TestAFormThatWasLeftDoesNotReplaceTheOneThatWasSent(t *testing.T) {
	v, b, address := signUpForm(t)
	for _, form := range []url.Values{
		{"do": {"continue"}, "given_name": {"Carla"}, "family_name": {"Veen"}, "email": {"carla@example.org"}, "terms": {"yes"}},
		{"lang": {"nl"}, "given_name": {""}, "family_name": {strings.Repeat("x", 400)}, "email": {"dirk@example.org"}},
		{"do": {"again"}},
	} {
		b.MustLose(t, form, address)
	}
	idptest.Deliver(t, v)
	for _, m := range v.Mails.Sent() {
		if m.To != "dirk@example.org" {
			continue
		}
		c := idptest.NewBrowser(v.Server, "en")
		c.MustOpen(t, m.Link)
		for _, button := range []string{"Continue", "Create a password", "Doorgaan"} {
			if c.Button(button) != nil {
				c.MustPress(t, button)
			}
		}
		c.MustFill(t, "Create a password", "twaalf groene fietsen 8 zingen!")
		c.MustPress(t, "Save password")
	}
	a, err := v.DB.AccountByEmail(t.Context(), "linde", "dirk@example.org")
	if err == nil {
		t.Errorf("an account without a first name, with a last name of %d characters, whose owner agreed to nothing", len(a.Profile.FamilyName))
	}
}

// The same with what is no address.
func TestAskingAgainAfterAFormThatWasLeft(t *testing.T) {
	_, b, address := signUpForm(t)
	for _, form := range []url.Values{
		{"do": {"continue"}, "given_name": {"Carla"}, "family_name": {"Veen"}, "email": {"carla@example.org"}, "terms": {"yes"}},
		{"lang": {"nl"}, "given_name": {""}, "email": {"nothing"}},
	} {
		b.MustLose(t, form, address)
	}
	b.MustTwice(t, url.Values{"do": {"again"}}, address)
	if b.Status >= 500 {
		t.Errorf("%d", b.Status)
	}
	if !strings.Contains(b.Body, "carla@example.org") {
		t.Errorf("no mail was asked for, or for nobody: %s", idptest.Visible(b.Doc))
	}
}

// What else a form that is left could do.
func TestLeavingAFormLeadsNowhereElse(t *testing.T) {
	v := newVisit(t)
	b := idptest.NewBrowser(v.Server, "en")
	b.MustOpen(t, v.linde.Start(nil))
	address := b.URL.String()
	for _, value := range []string{"https://evil.test", "//evil.test", "../../../logout", "password", "sign-up", "forgot", "stop", "totp", "recovery-code", "consent", "\x00", strings.Repeat("x", 1<<15)} {
		for _, field := range []string{"go", "lang"} {
			form := url.Values{field: {value}, "email": {"an\x00na\r\nSet-Cookie: x"}, "password": {idptest.Password}}
			b.MustTwice(t, form, address)
			if b.Status >= 500 || b.URL.Host != "id.test" {
				t.Errorf("%s=%.30q: %d %s", field, value, b.Status, b.URL)
			}
			if strings.Contains(b.Body, idptest.Password) {
				t.Errorf("the password is on the page")
			}
			b.MustOpen(t, address)
			if b.URL.String() != address {
				t.Fatalf("%s=%.30q leaves at %s", field, value, b.URL)
			}
		}
	}
	if n := len(sessions(t, v.Server, "anna@example.org")); n > 0 {
		t.Errorf("%d sessions", n)
	}
	// right password + lang must sign nobody in
	right := url.Values{"lang": {"nl"}, "do": {"continue"}, "email": {"anna@example.org"}, "password": {idptest.Password}}
	b.MustTwice(t, right, address)
	if n := len(sessions(t, v.Server, "anna@example.org")); n > 0 {
		t.Errorf("%d sessions", n)
	}
	// another site's form
	res := idptest.RequestAs(t, v, b, http.MethodPost, address, "lang=nl&email=evil@example.org", crossSite)
	if res.StatusCode != http.StatusForbidden {
		t.Errorf("another site: %v", res)
	}
	// another browser
	other := idptest.NewBrowser(v.Server, "en")
	other.MustOpen(t, v.linde.Start(nil))
	other.MustTwice(t, url.Values{"lang": {"nl"}, "email": {"evil@example.org"}}, address)
	b.MustOpen(t, address)
	if strings.Contains(b.Body, "evil@example.org") {
		t.Error("another browser's form was kept")
	}
}

func TestBackFromTheWaitingPageWaitsOn(t *testing.T) {
	v := newVisit(t)
	b := idptest.NewBrowser(v.Server, "en")
	b.MustOpen(t, v.linde.Start(nil))
	address := b.URL.String()
	try := func(pw string) {
		b.MustLose(t, url.Values{"do": {"continue"}, "email": {"anna@example.org"}, "password": {pw}}, address)
	}
	for range 30 {
		try("wrong")
	}
	b.MustOpen(t, address)
	stop := address[:strings.LastIndex(address, "/")] + "/stop"
	for range 5 {
		b.MustLose(t, url.Values{"do": {"back"}}, stop)
		try(idptest.Password)
	}
	if n := len(sessions(t, v.Server, "anna@example.org")); n > 0 {
		t.Errorf("the right password was taken while its address waits: %d sessions", n)
	}
	b.MustOpen(t, address)
	for range 10 {
		for _, do := range []string{"mail", "back"} {
			b.MustLose(t, url.Values{"do": {do}}, stop)
		}
		try("wrong")
	}
	idptest.Deliver(t, v)
	if n := len(v.Mails.Sent()); n > 1 {
		t.Errorf("%d mails in one wait", n)
	}
	for _, form := range []url.Values{{}, {"do": {"back", "mail"}}, {"do": {"x"}}} {
		if err := b.Twice(form, stop); err != nil || b.Status >= 500 {
			t.Error(b.Status, err)
		}
	}
}
