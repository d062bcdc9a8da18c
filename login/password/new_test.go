package password_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/notify"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
)

var linde = idptest.Demo{
	More: "locale: en", Policy: "self_sign_up: true",
	Parties:  []string{"client_id: web, grant_types: [authorization_code, refresh_token]"},
	Accounts: []string{"email: anna@example.org"},
	Invited:  []string{"email: bram@example.org, name: { given: Bram }, email_verified: false"},
}

// Another two good ones.
const (
	good   = idptest.NewPassword
	better = "kapper-lantaarn-molen-zeehond"
)

type house struct {
	*idptest.Server
	t     *testing.T
	party *idptest.Party
}

func newHouse(t *testing.T) house {
	return newHouseOn(t, idptest.NewServer(t, idptest.SQLite(t)))
}

func (h house) browser() *idptest.Browser { return idptest.NewBrowser(h.Server, "en") }

// signIn signs in at the relying platform, and says how that ended.
func (h house) signIn(b *idptest.Browser, email, password string) string {
	h.t.Helper()
	h.party.Last.Error = "still at the login page"
	b.MustOpen(h.t, h.party.Start(url.Values{"prompt": {"login"}}))
	idptest.TryPassword(h.t, b, email, password)
	return h.party.Last.Error
}

// silent asks whether a browser is signed in.
func (h house) silent(b *idptest.Browser) string {
	h.t.Helper()
	b.MustOpen(h.t, h.party.Start(url.Values{"prompt": {"none"}}))
	return h.party.Last.Error
}

// mails sends what is due and lists the mails of a kind.
func (h house) mails(kind outbox.Kind) (all []notify.Mail) {
	h.t.Helper()
	idptest.Deliver(h.t, h)
	for _, m := range h.Mails.Sent() {
		if m.Kind == kind {
			all = append(all, m)
		}
	}
	return all
}

// link is the button of the newest mail of a kind.
func (h house) link(kind outbox.Kind) string {
	h.t.Helper()
	all := h.mails(kind)
	if len(all) == 0 {
		h.t.Fatalf("no %s", kind)
	}
	return all[len(all)-1].Link
}

func (h house) forgot(email string) string {
	h.t.Helper()
	b := h.browser()
	b.MustOpen(h.t, "https://login.linde.test/forgot")
	b.MustFill(h.t, "Email address", email)
	b.MustPress(h.t, "Send the email")
	return h.link(outbox.PasswordReset)
}

func (h house) choose(b *idptest.Browser, label, password string) {
	h.t.Helper()
	b.MustFill(h.t, label, password)
	b.MustPress(h.t, "Save password")
}

func (h house) account(email string) *account.Account {
	h.t.Helper()
	a := idptest.Account(h.t, h.DB, email)
	return a
}

func TestWelcomeSetsThePasswordAndSignsIn(t *testing.T) {
	h := newHouse(t)
	if err := h.Tools().Acts().Invite(t.Context(), "linde", staff.ByAddress("bram@example.org")); err != nil {
		t.Fatal(err)
	}
	link := h.link(outbox.Welcome)
	b := h.browser()
	b.MustOpen(t, link)
	b.MustBeAt(t, "/new-password")
	for password, want := range map[string]string{
		"": "Create a password.", "kort!": "at least 12 characters", "kapperlantaarnmolen": "special character", "Welkom2026!!!!": "easy to guess",
		"Bram-Bram-2026": "easy to guess", "IDrink3CoffeePerDay!": "known to criminals", strings.Repeat("kapper-", 40): "at most 256 characters",
	} {
		h.choose(b, "Create a password", password)
		if !strings.Contains(idptest.Visible(b.Doc), want) || b.Value("password") != "" {
			t.Fatalf("%q: %s", password, idptest.Visible(b.Doc))
		}
	}
	if a := h.account("bram@example.org"); a.State != account.Invited || len(a.Credentials) != 0 {
		t.Fatalf("before: %+v", a)
	}
	h.choose(b, "Create a password", good)
	if b.URL.String() != "https://linde.test/home" {
		t.Errorf("led to %s", b.URL)
	}
	if why := h.silent(b); why != "" {
		t.Errorf("not signed in: %s", why)
	}
	a := h.account("bram@example.org")
	if a.State != account.Active || a.EmailVerifiedAt.IsZero() || len(a.Credentials) != 1 {
		t.Errorf("afterwards: %+v", a)
	}
	if why := h.signIn(h.browser(), "bram@example.org", good); why != "" {
		t.Error(why)
	}
	if n := len(h.mails("mail_changed")); n != 1 {
		t.Errorf("%d mails that a password was set, want 1: whoever opened the mail may not be its owner", n)
	}
	other := h.browser()
	other.MustOpen(t, link)
	if !strings.Contains(idptest.Visible(other.Doc), "already") || strings.HasSuffix(other.URL.Path, "/new-password") {
		t.Errorf("the button works twice: %s", idptest.Visible(other.Doc))
	}
}

// Whoever knew the old password is out: all other logins end, as testdata/journeys/forgot.txt has it.
func TestResetEndsEverythingElse(t *testing.T) {
	h := newHouse(t)
	thief := h.browser()
	if why := h.signIn(thief, "anna@example.org", idptest.Password); why != "" {
		t.Fatal(why)
	}
	stolen := h.party.Last
	old := h.account("anna@example.org").Credentials[0]

	b := h.browser()
	b.MustOpen(t, h.forgot("anna@example.org"))
	h.choose(b, "Create a password", idptest.Password)
	if !strings.Contains(idptest.Visible(b.Doc), "This is your old password") {
		t.Fatalf("the old one: %s", idptest.Visible(b.Doc))
	}
	h.choose(b, "Create a password", good)
	if why := h.silent(b); why != "" {
		t.Errorf("not signed in after a reset: %s", why)
	}
	if err := h.party.Refresh(); err != nil {
		t.Errorf("the owner's own refresh token: %v", err)
	}
	h.party.Last = stolen
	if err := h.party.Refresh(); err == nil || !strings.HasPrefix(err.Error(), "invalid_grant") {
		t.Errorf("the thief's refresh token: %v", err)
	}
	if _, err := h.party.UserInfo(); err == nil {
		t.Error("the thief's access token works")
	}
	if why := h.silent(thief); why != "login_required" {
		t.Errorf("the thief's session: %q", why)
	}
	if why := h.signIn(h.browser(), "anna@example.org", idptest.Password); why == "" {
		t.Error("the old password works")
	}
	if why := h.signIn(h.browser(), "anna@example.org", good); why != "" {
		t.Error(why)
	}
	a := h.account("anna@example.org")
	if len(a.Credentials) != 1 || a.Credentials[0].ID != old.ID || string(a.Credentials[0].Sealed) == string(old.Sealed) {
		t.Errorf("credentials %+v", a.Credentials)
	}
	told := h.mails("mail_changed")
	if len(told) != 1 || told[0].To != "anna@example.org" || told[0].Link != "" {
		t.Errorf("told: %+v", told)
	}
}

// A new password gives ten tries to the browser that set it, and forgives nobody: whoever tried before goes on waiting.
func TestResetGivesTriesToOneBrowser(t *testing.T) {
	h := newHouse(t)
	guesses := func(b *idptest.Browser, n int) {
		t.Helper()
		for range n {
			h.signIn(b, "anna@example.org", wrong)
		}
	}
	guesses(h.browser(), 9)
	b := h.browser()
	b.MustOpen(t, h.forgot("anna@example.org"))
	h.choose(b, "Create a password", good)
	b = h.signedOut(b)
	h.waited() // forget
	guesses(b, 4)
	if d := h.waited(); len(d) > 0 {
		t.Errorf("in the browser with the new password answers are held back: %s", d)
	}
	guesses(h.browser(), 1)
	if d := h.waited(); len(d) != 1 || d[0] != 8*time.Second {
		t.Errorf("elsewhere answers are held back: %s", d)
	}
	if why := h.signIn(h.browser(), "anna@example.org", good); why == "" {
		t.Error("after ten in a row nobody waits elsewhere")
	}
	guesses(b, 5)
	if why := h.signIn(b, "anna@example.org", good); why != "" {
		t.Errorf("the tenth in the browser with the new password: %s", why)
	}
}

// Of two windows that the button was pressed in, one sets the password; the other says that it was used.
func TestOneLinkSetsOnePassword(t *testing.T) {
	h := newHouse(t)
	link := h.forgot("anna@example.org")
	one, two := h.browser(), h.browser()
	one.MustOpen(t, link)
	two.MustOpen(t, link)
	h.choose(one, "Create a password", good)
	h.choose(two, "Create a password", better)
	if !strings.Contains(idptest.Visible(two.Doc), "already") {
		t.Errorf("the second: %s", idptest.Visible(two.Doc))
	}
	if why := h.silent(two); why != "login_required" {
		t.Errorf("the second is signed in: %q", why)
	}
	if why := h.signIn(h.browser(), "anna@example.org", better); why == "" {
		t.Error("the second password counts")
	}
	if why := h.signIn(h.browser(), "anna@example.org", good); why != "" {
		t.Error(why)
	}
}

// Somebody who knows the old password and has the page for a new one open is out as well.
func TestChangeInAnEndedSessionDoesNotCount(t *testing.T) {
	h := newHouse(t)
	link := h.forgot("anna@example.org")
	owner := h.browser()
	if why := h.signIn(owner, "anna@example.org", idptest.Password); why != "" {
		t.Fatal(why)
	}
	owner.MustOpen(t, "https://login.linde.test/settings/password")
	owner.MustBeAt(t, "/new-password")
	b := h.browser()
	b.MustOpen(t, link)
	h.choose(b, "Create a password", good)
	h.choose(owner, "New password", better) // the session it began in is over
	if why := h.signIn(h.browser(), "anna@example.org", better); why == "" {
		t.Error("a session that had ended changed the password")
	}
	if why := h.signIn(h.browser(), "anna@example.org", good); why != "" {
		t.Error(why)
	}
}

func TestChangeKeepsThisSessionOnly(t *testing.T) {
	h := newHouse(t)
	owner, elsewhere := h.browser(), h.browser()
	if why := h.signIn(elsewhere, "anna@example.org", idptest.Password); why != "" {
		t.Fatal(why)
	}
	if why := h.signIn(owner, "anna@example.org", idptest.Password); why != "" {
		t.Fatal(why)
	}
	mine := h.party.Last
	owner.MustOpen(t, "https://login.linde.test/settings/password")
	owner.MustBeAt(t, "/new-password")
	h.choose(owner, "New password", idptest.Password)
	owner.MustBeAt(t, "/new-password")
	h.choose(owner, "New password", good)
	if why := h.silent(owner); why != "" {
		t.Errorf("this session: %q", why)
	}
	h.party.Last = mine
	if err := h.party.Refresh(); err != nil {
		t.Errorf("what this session gave: %v", err)
	}
	if why := h.silent(elsewhere); why != "login_required" {
		t.Errorf("the other session: %q", why)
	}
	if n := len(h.mails("mail_changed")); n != 1 {
		t.Errorf("%d mails", n)
	}
}

func TestSignUpBeginsWithItsPassword(t *testing.T) {
	h := newHouse(t)
	b := h.browser()
	b.MustOpen(t, h.party.Start(nil))
	b.MustOpen(t, strings.TrimSuffix(b.URL.String(), "password")+"sign-up")
	for label, value := range map[string]string{"First name": "Cor", "Last name": "Veenstra", "Email address": "cor@example.org"} {
		b.MustFill(t, label, value)
	}
	b.MustPress(t, "Create account")
	link := h.link(outbox.SignUpConfirm)
	if _, err := h.DB.AccountByEmail(t.Context(), "linde", "cor@example.org"); err == nil {
		t.Fatal("there is an account before the address is confirmed")
	}
	fresh := h.browser()
	fresh.MustOpen(t, link)
	h.choose(fresh, "Create a password", "Cor-Veenstra-26!")
	fresh.MustBeAt(t, "/new-password")
	h.choose(fresh, "Create a password", good)
	if why := h.silent(fresh); why != "" {
		t.Errorf("not signed in: %s", why)
	}
	a := h.account("cor@example.org")
	if a.State != account.Active || a.EmailVerifiedAt.IsZero() || a.Role != platform.Client || len(a.Credentials) != 1 || a.Profile.GivenName != "Cor" {
		t.Errorf("%+v", a)
	}
	if why := h.signIn(h.browser(), "cor@example.org", good); why != "" {
		t.Error(why)
	}
}

// An imported hash, and one that is weaker than those made now, is replaced at the sign-in, and then stays.
func TestSignInReplacesAnOldHash(t *testing.T) {
	h := newHouse(t)
	old := linde
	old.Accounts = []string{`email: oud@example.org, password_hash: "$2y$05$7NBPIEUxAC0AkSUuH1xfCuHvREQLAj1We/owQCKF2NEzJQlct5Iii"`}
	h.Declare(old)
	stored := func() (string, string) {
		c := h.account("oud@example.org").Credentials
		if len(c) != 1 {
			t.Fatalf("%d credentials", len(c))
		}
		phc, err := h.Sealer.Open(c[0].Sealed, c[0].Binding())
		if err != nil {
			t.Fatal(err)
		}
		return string(phc), string(c[0].ID)
	}
	before, id := stored()
	if why := h.signIn(h.browser(), "oud@example.org", "helaas, dit is hem niet!"); why == "" {
		t.Fatal("a wrong password works")
	}
	if phc, _ := stored(); phc != before || !strings.HasPrefix(phc, "$2y$") {
		t.Fatalf("a wrong password changed the hash: %s", phc)
	}
	if why := h.signIn(h.browser(), "oud@example.org", idptest.Password); why != "" {
		t.Fatal(why)
	}
	after, same := stored()
	if !strings.HasPrefix(after, "$argon2id$v=19$m=64,t=1,p=1$") || same != id {
		t.Errorf("stored: %s", after)
	}
	if why := h.signIn(h.browser(), "oud@example.org", idptest.Password); why != "" {
		t.Fatal(why)
	}
	if again, _ := stored(); again != after {
		t.Error("a hash of today is replaced again")
	}
	if report := h.Apply(old.File()); len(report.Changed) != 0 {
		t.Errorf("applying the file again changes %v", report.Changed)
	}
}
