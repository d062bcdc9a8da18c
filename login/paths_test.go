package login_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/staff"
)

// demanding is a house that demands codes of everybody. Anna has an app, Bram none yet, and Cees has no password.
func demanding(t *testing.T) visit {
	s := idptest.NewServer(t, idptest.SQLite(t))
	demo := twoStepOf("required", "email: bram@example.org, locale: en")
	demo.Policy += ", app_code: true"
	demo.Parties = append(demo.Parties, `client_id: app, type: native, redirect_uris: ["net.example.linde:/callback"]`,
		`client_id: tool, type: native, redirect_uris: ["net.example.linde:/callback"]`)
	demo.Invited = []string{"email: cees@example.org, locale: en, email_verified: false"}
	s.Declare(demo)
	return visit{Server: s, linde: demo.Party(s, "web")}
}

// mailed is the link of the newest mail of a kind.
func (v visit) mailed(t *testing.T, kind outbox.Kind) string {
	t.Helper()
	idptest.Deliver(t, v)
	link := ""
	for _, m := range v.Mails.Sent() {
		if m.Kind == kind {
			link = m.Link
		}
	}
	if link == "" {
		t.Fatalf("no %s", kind)
	}
	return link
}

// resetLink asks for a mail with a link for a new password, and is that link.
func (v visit) resetLink(t *testing.T, email string) string {
	t.Helper()
	b := idptest.NewBrowser(v.Server, "en")
	b.MustOpen(t, ownIssuer+"/forgot")
	b.MustFill(t, "Email address", email)
	b.MustPress(t, "Send the email")
	return v.mailed(t, outbox.PasswordReset)
}

// holdsNothing says that a browser that stopped half-way is not signed in anywhere.
func (v visit) holdsNothing(t *testing.T, b *idptest.Browser, when string) {
	t.Helper()
	for _, name := range []string{"session", "app"} {
		if cookieAt(b, "__Host-linde-"+name) != "" {
			t.Errorf("%s: there is a session", when)
		}
	}
	if got := silent(t, b, v.linde); got != "login_required" {
		t.Errorf("%s: a silent request is answered %q", when, got)
	}
	_, id := journeyOf(b)
	for _, address := range []string{settings, settings + "/two-step", settings + "/devices", ownIssuer + "/authorize/callback?request=" + id} {
		tab := b.Tab()
		if tab.MustOpen(t, address); !strings.Contains(tab.URL.Path, "/login/") && tab.Status != http.StatusBadRequest || tab.URL.Query().Has("code") {
			t.Errorf("%s: %s leads to %s (%d)", when, address, tab.URL, tab.Status)
		}
	}
}

// A code that is demanded is asked on every path, and nothing is had before it (CVE-2025-64103, CVE-2026-9091,
// CVE-2024-45042).
func TestDemandedCodeIsAskedOnEveryPath(t *testing.T) {
	v := demanding(t)
	login := func(address, email string) func(*idptest.Browser) {
		return func(b *idptest.Browser) {
			idptest.LogIn(t, b, address, email)
		}
	}
	native := ownIssuer + "/authorize?" + url.Values{
		"client_id": {"CLIENT"}, "redirect_uri": {"net.example.linde:/callback"}, "response_type": {"code"}, "scope": {"openid offline_access"}, "state": {"s"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"},
	}.Encode()
	for says, row := range map[string]struct {
		walk func(*idptest.Browser)
		at   string
	}{
		"password":                     {login(v.linde.Start(nil), "anna@example.org"), "/totp"},
		"password, the app":            {login(strings.Replace(native, "CLIENT", "app", 1), "anna@example.org"), "/totp"},
		"password, a tool":             {login(strings.Replace(native, "CLIENT", "tool", 1), "anna@example.org"), "/totp"},
		"nothing set up yet, the app":  {login(strings.Replace(native, "CLIENT", "app", 1), "bram@example.org"), "/set-up"},
		"nothing set up yet, a tool":   {login(strings.Replace(native, "CLIENT", "tool", 1), "bram@example.org"), "/set-up"},
		"password, settings":           {login(settings, "anna@example.org"), "/totp"},
		"password, a weaker wish":      {login(v.linde.Start(url.Values{"acr_values": {"urn:minddistrict:acr:1fa"}}), "anna@example.org"), "/totp"},
		"reset link":                   {func(b *idptest.Browser) { b.MustOpen(t, v.resetLink(t, "anna@example.org")) }, "/totp"},
		"password, nothing set up yet": {login(v.linde.Start(nil), "bram@example.org"), "/set-up"},
		"welcome link": {func(b *idptest.Browser) {
			if err := v.Tools().Acts().Invite(t.Context(), "linde", staff.ByAddress("cees@example.org")); err != nil {
				t.Fatal(err)
			}
			b.MustOpen(t, v.mailed(t, outbox.Welcome))
			b.MustFill(t, "Create a password", idptest.NewPassword)
			b.MustPress(t, "Save password")
		}, "/set-up"},
	} {
		b := idptest.NewBrowser(v.Server, "en")
		row.walk(b)
		b.MustBeAt(t, row.at)
		v.holdsNothing(t, b, says)
		b.MustBeAt(t, row.at)
	}
}

// Who must set up two-step authentication comes back to it from every other address of the journey, whatever form is
// sent there, and from the way back (CVE-2025-3910).
func TestPendingSetUpIsNotSteppedOver(t *testing.T) {
	v := demanding(t)
	b := idptest.NewBrowser(v.Server, "en")
	idptest.LogIn(t, b, v.linde.Start(nil), "bram@example.org")
	b.MustBeAt(t, "/set-up")
	journey, _ := journeyOf(b)
	for _, step := range []string{"", "/password", "/totp", "/recovery-code", "/recovery-codes", "/two-step-off", "/consent", "/new-password", "/forgot", "/sign-up", "/switch", "/no-code", "/sms", "/stop", "/unknown"} {
		if b.MustOpen(t, journey+step); step == "/unknown" {
			if b.Status != http.StatusNotFound {
				t.Errorf("no step of ours: %d", b.Status)
			}
			b.MustOpen(t, journey)
		}
		b.MustBeAt(t, "/set-up")
		for _, do := range []string{"continue", "later", "skip", "done", "off", "other", "allow"} {
			form := url.Values{"do": {do}, "code": {"123456"}, "password": {idptest.Password}, "check": {"1"}, "method": {"none"}}
			b.MustTwice(t, form, journey+step)
			if b.MustOpen(t, journey); !strings.HasSuffix(b.URL.Path, "/set-up") {
				t.Fatalf("%s at %s leads to %s", do, step, b.URL)
			}
		}
	}
	v.holdsNothing(t, b, "before the set-up")
	b.MustPress(t, "Cancel")
	if v.linde.Last.Error != "access_denied" {
		t.Errorf("cancelled: %q at %s", v.linde.Last.Error, b.URL)
	}
	b.MustOpen(t, journey)
	if b.URL.Query().Has("code") || strings.HasPrefix(b.URL.String(), journey+"/") {
		t.Errorf("back after cancelling: at %s", b.URL)
	}
	idptest.LogIn(t, b, v.linde.Start(nil), "bram@example.org")
	b.MustBeAt(t, "/set-up")
	v.holdsNothing(t, b, "at the next login")
}

// What a form carries beyond its fields is nothing, whoever sends it (CVE-2026-27946, CVE-2026-54693, CVE-2021-27582).
func TestFormsCarryNoMoreThanTheirFields(t *testing.T) {
	v := newVisit(t)
	v.Declare(lindeOf("email: cees@example.org, email_verified: false"))
	extra := url.Values{}
	for _, name := range []string{"email_verified", "emailVerified", "verified", "email.verified", "email[verified]", "isEmailVerified", "phone_number_verified", "phone_verified", "email_verified_at"} {
		extra.Set(name, "true")
	}
	for name, value := range map[string]string{
		"role": "manager", "state": "active", "account": "x", "id": "x", "platform": "wilg", "acr": "urn:minddistrict:acr:2fa", "name": "Mallory", "given_name": "Mallory", "new_email": "mallory@example.org",
	} {
		extra.Set(name, value)
	}
	who := func() account.Account {
		t.Helper()
		a := idptest.Account(t, v.DB, "cees@example.org")
		a.UpdatedAt, a.Locale, a.Credentials = time.Time{}, "", nil // a language is what the form is for
		return *a
	}
	before := who()
	b := idptest.NewBrowser(v.Server, "en")
	b.MustOpen(t, v.linde.Start(nil))
	send := func(address string, form url.Values) {
		t.Helper()
		for name, values := range extra {
			if form.Get(name) == "" {
				form[name] = values
			}
		}
		b.MustTwice(t, form, address)
	}
	send(b.URL.String(), url.Values{"email": {"cees@example.org"}, "password": {idptest.Password}, "do": {"continue"}})
	if len(sessions(t, v.Server, "cees@example.org")) == 0 {
		t.Fatalf("not signed in: at %s", b.URL)
	}
	for _, page := range []string{"/language", "/account", "/devices", "/two-step", "/password"} {
		b.MustOpen(t, settings)
		send(settings+page, url.Values{"language": {"en"}, "email": {"cees@example.org"}, "do": {"save"}})
	}
	if after := who(); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("before %+v, after %+v", before, after)
	}
	b.MustOpen(t, v.linde.Start(url.Values{"prompt": {"login"}}))
	idptest.Reauthenticate(t, b)
	if claims := v.linde.Last.Claims; claims["acr"] != "urn:minddistrict:acr:1fa" || claims["sub"] != string(before.ID) {
		t.Errorf("ID token: %v", claims)
	}
	info, err := v.linde.UserInfo()
	if err != nil || info["email_verified"] == true {
		t.Errorf("userinfo: %v %v", info, err)
	}
}

// A link sets the password of whom it was made for, whoever the form names (CVE-2023-26481).
func TestLinkOfOneSetsNoPasswordOfAnother(t *testing.T) {
	v := newVisit(t)
	bram := idptest.Account(t, v.DB, "bram@example.org")
	b := idptest.NewBrowser(v.Server, "en")
	b.MustOpen(t, v.resetLink(t, "anna@example.org"))
	b.MustBeAt(t, "/new-password")
	form := url.Values{"password": {idptest.NewPassword}, "do": {"continue"}}
	for _, name := range []string{"email", "username", "login_hint"} {
		form.Set(name, "bram@example.org")
	}
	for _, name := range []string{"account", "user", "user_id", "uid", "pk", "id", "sub"} {
		form.Set(name, string(bram.ID))
	}
	b.MustTwice(t, form, b.URL.String())
	now, err := v.DB.AccountByEmail(t.Context(), "linde", "bram@example.org")
	begun := sessions(t, v.Server, "bram@example.org")
	if err != nil || fmt.Sprint(now.Credentials) != fmt.Sprint(bram.Credentials) || len(begun) > 0 {
		t.Errorf("Bram, afterwards: %+v, %v", now, err)
	}
	for email, password := range map[string]string{"anna@example.org": idptest.NewPassword, "bram@example.org": idptest.Password} {
		fresh := idptest.NewBrowser(v.Server, "en")
		v.linde.Last = idptest.Arrival{Error: "never came back"}
		fresh.MustOpen(t, v.linde.Start(nil))
		fresh.MustFill(t, "Email address", email)
		fresh.MustFill(t, "Password", password)
		if fresh.MustPress(t, "Log in"); v.linde.Last.Error != "" {
			t.Errorf("%s: %s", email, v.linde.Last.Error)
		}
	}
}

// Wrong passwords spread over spellings of one address are one budget (CVE-2025-24806, CVE-2025-6004, CVE-2025-54998,
// CVE-2026-47203).
func TestSpellingsShareOneBudget(t *testing.T) {
	v := newVisit(t)
	v.Declare(lindeOf("email: josé@example.org"))
	for of, spellings := range map[string][]string{
		"anna@example.org": {"anna@example.org", "ANNA@example.org", "Anna@Example.ORG", "  anna@example.org", "anna@example.org\t", "aNNa@eXample.org "},
		"josé@example.org": {"josé@example.org", "jose\u0301@example.org", "José@Example.org", "JOSe\u0301@EXAMPLE.org", " josé@example.org "},
	} {
		try := func(email, password string) *idptest.Browser {
			b := idptest.NewBrowser(v.Server, "en")
			v.linde.Last = idptest.Arrival{Error: "never came back"}
			b.MustOpen(t, v.linde.Start(nil))
			idptest.TryPassword(t, b, email, password)
			return b
		}
		for i := range authn.BlockAt {
			try(spellings[i%len(spellings)], "helaas, dit is hem niet!")
		}
		for _, email := range spellings {
			if b := try(email, idptest.Password); !strings.HasSuffix(b.URL.Path, "/stop") || v.linde.Last.Error != "never came back" {
				t.Errorf("%q after %d wrong ones in other spellings: at %s", email, authn.BlockAt, b.URL)
			}
		}
		verified := slices.DeleteFunc(events(t, v.Server, of, audit.PasswordRefused), func(e audit.Event) bool {
			return e.Reason != "wrong"
		})
		if len(verified) != authn.BlockAt {
			t.Errorf("%s: %d guesses verified, want %d", of, len(verified), authn.BlockAt)
		}
	}
}

// A budget of codes that is used up is so wherever a code is asked (CVE-2026-9798).
func TestCodesAreRefusedOnEveryPath(t *testing.T) {
	v := newTwoStep(t, "optional")
	v.Clock.Later(time.Minute)
	idle := idptest.NewBrowser(v.Server, "en")
	idptest.LogIn(t, idle, v.party.Start(nil), "anna@example.org")
	idptest.SendCode(t, idle, v.code(annasKey))
	for range 2 {
		b := idptest.NewBrowser(v.Server, "en")
		idptest.LogIn(t, b, v.party.Start(nil), "anna@example.org")
		for range 5 {
			idptest.SendCode(t, b, "000000")
		}
		b.MustBeAt(t, "/stop")
	}
	v.Clock.Later(61 * time.Minute)
	house := visit{Server: v.Server, linde: v.party}
	for says, walk := range map[string]func() *idptest.Browser{
		"a login": func() *idptest.Browser {
			b := idptest.NewBrowser(v.Server, "en")
			idptest.LogIn(t, b, v.party.Start(nil), "anna@example.org")
			return b
		},
		"a link for a new password": func() *idptest.Browser {
			b := idptest.NewBrowser(v.Server, "en")
			b.MustOpen(t, house.resetLink(t, "anna@example.org"))
			return b
		},
		"the settings of two-step authentication": func() *idptest.Browser {
			begin(t, v.Server, v.b, authn.TwoStep)
			idptest.Reauthenticate(t, v.b)
			return v.b
		},
		"turning it off": func() *idptest.Browser {
			begin(t, v.Server, v.b, authn.TwoStepOff)
			if strings.HasSuffix(v.b.URL.Path, "/password") {
				idptest.Reauthenticate(t, v.b)
			}
			return v.b
		},
		"an idle hour": func() *idptest.Browser {
			idle.MustOpen(t, v.party.Start(nil))
			return idle
		},
	} {
		v.party.Last = idptest.Arrival{Error: "never came back"}
		b := walk()
		if b.Button("Continue") == nil || !strings.HasSuffix(b.URL.Path, "/totp") {
			t.Errorf("%s: no code is asked, at %s", says, b.URL)
			continue
		}
		idptest.SendCode(t, b, v.code(annasKey))
		if !strings.HasSuffix(b.URL.Path, "/stop") || b.Status != http.StatusTooManyRequests || v.party.Last.Error != "never came back" {
			t.Errorf("%s: the right code leads to %s (%d)", says, b.URL, b.Status)
		}
	}
	if len(v.anna().SecondMethods()) != 1 {
		t.Error("two-step authentication was turned off")
	}
}
