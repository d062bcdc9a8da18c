package login_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/secret"
)

// attackedHouse is linde with a party of somebody else, for which people are asked, where not everybody has an app.
func attackedHouse() idptest.Demo {
	demo := twoStepOf("optional", "email: cees@example.org, locale: en",
		"email: bram@example.org, locale: en, totp_secret: "+bramsKey+", recovery_codes: [B4WN-8CVF-3JGY]")
	demo.Parties = append(demo.Parties, "client_id: anders, name: Anders, third_party: true")
	return demo
}

type attacked struct {
	*idptest.Server
	web, anders *idptest.Party
	t           *testing.T
}

func newAttacked(t *testing.T) *attacked {
	s := idptest.NewServer(t, idptest.SQLite(t))
	demo := attackedHouse()
	s.Declare(demo)
	return &attacked{s, demo.Party(s, "web"), demo.Party(s, "anders"), t}
}

func (v *attacked) code(of string) string { return idptest.Code(v.t, of, v.Clock.Now()) }

func (v *attacked) full(b *idptest.Browser, who, app string) {
	v.t.Helper()
	idptest.LogIn(v.t, b, v.web.Start(nil), who)
	idptest.SendCode(v.t, b, v.code(app))
	if got := silent(v.t, b, v.web); got != "" {
		v.t.Fatalf("%s is not signed in: %q at %s", who, got, b.URL)
	}
}

// cees signs in, who has no app; the form can be sent again.
func (v *attacked) cees(b *idptest.Browser) (action string, form url.Values) {
	v.t.Helper()
	b.MustOpen(v.t, v.web.Start(nil))
	action, form = b.URL.String(), url.Values{"email": {"cees@example.org"}, "password": {idptest.Password}}
	idptest.SendPassword(v.t, b, "cees@example.org")
	return action, form
}

// raw sends one form with these cookies and nothing else.
func (v *attacked) raw(method, to string, form url.Values, cookies map[string]string) *http.Response {
	v.t.Helper()
	b := idptest.NewBrowser(v.Server, "en")
	for name, value := range cookies {
		plant(b, name, value)
	}
	return idptest.RequestAs(v.t, v, b, method, to, form.Encode(), ownPage)
}

func given(res *http.Response, prefix string) string {
	for _, c := range res.Cookies() {
		if strings.HasPrefix(c.Name, "__Host-linde-"+prefix) && c.MaxAge >= 0 {
			return c.Value
		}
	}
	return ""
}

func (v *attacked) owner(cookie string) string {
	_, a, err := v.DB.Session(v.t.Context(), "linde", secret.Hash(cookie), v.Clock.Now())
	if err != nil {
		return ""
	}
	return a.Email.Address
}

// Bram proves himself (password, code) in a login and leaves it at "may this party …". The browser is Anna's by then:
// she is asked who goes on and says that she does. Whoever has the browser's cookie and sends Bram's spent code again is
// not given her session.
func TestOwnCookieSwitchGivesSessionToWhoProvedBefore(t *testing.T) {
	v := newAttacked(t)
	b := idptest.NewBrowser(v.Server, "en") // of the ward
	idptest.LogIn(t, b, v.anders.Start(nil), "bram@example.org")
	b.MustBeAt(t, "/totp")
	brams := v.code(bramsKey)
	idptest.SendCode(t, b, brams)
	b.MustBeAt(t, "/consent")
	left, _ := journeyOf(b)
	browser := cookieAt(b, "__Host-linde-browser") // all that Bram takes along

	v.Clock.Later(time.Minute)
	anna := b.Tab()
	v.full(anna, "anna@example.org", annasKey)
	b.MustOpen(t, left) // the tab that stood open
	b.MustBeAt(t, "/switch")
	for _, n := range []string{"Continue as anna@example.org", "Continue"} {
		if b.Button(n) != nil {
			b.MustPress(t, n)
			break
		}
	}
	if strings.HasSuffix(b.URL.Path, "/switch") {
		t.Fatalf("at %s: %s", b.URL, idptest.Visible(b.Doc))
	}
	if strings.HasSuffix(b.URL.Path, "/consent") {
		b.MustPress(t, "Allow")
	}
	t.Logf("anna is at %s", b.URL)

	res := v.raw("POST", left+"/totp", url.Values{"code": {brams}}, map[string]string{"__Host-linde-browser": browser})
	if got := given(res, "session"); got != "" {
		t.Errorf("Bram is given the session of %q, led to %s", v.owner(got), res.Header.Get("Location"))
	}
}

// Whoever has somebody's session for a moment does not guess the password past the counters, in logins that were proven as
// oneself and handed over on the page "who goes on?".
func TestOwnCookieGuessesWithoutCounting(t *testing.T) {
	v := newAttacked(t)
	b := idptest.NewBrowser(v.Server, "en")
	v.full(b, "anna@example.org", annasKey)
	jar := jarOf(b)
	browser := map[string]string{"__Host-linde-browser": jar["__Host-linde-browser"]}
	verified, found := 0, false
	for range 13 {
		tab := b.Tab()
		tab.MustOpen(t, v.anders.Start(nil))
		action, id := journeyOf(tab)
		res := v.raw("POST", action+"/password", url.Values{"email": {"cees@example.org"}, "password": {idptest.Password}}, jar)
		own := given(res, "journey-")
		if own == "" {
			t.Fatalf("cees: %d %s", res.StatusCode, res.Header.Get("Location"))
		}
		with := map[string]string{"__Host-linde-journey-" + id: own}
		for k, w := range jar {
			with[k] = w
		}
		if strings.HasSuffix(res.Header.Get("Location"), "/set-up") {
			v.raw("POST", action+"/set-up", url.Values{"do": {"later"}}, with)
		}
		v.raw("POST", action+"/switch", url.Values{"as": {"anna@example.org"}}, with)
		j, err := v.DB.Journey(t.Context(), "linde", id)
		if err != nil {
			t.Fatal(err)
		}
		if a, _ := v.DB.Account(t.Context(), "linde", j.Account); a == nil || a.Email.Address != "anna@example.org" {
			t.Fatalf("the journey is of %q", j.Account)
		}
		for i := range 5 {
			guess := "wrong"
			if verified == 60 && i == 0 {
				guess = idptest.Password
			}
			res := v.raw("POST", action+"/password", url.Values{"password": {guess}}, browser)
			verified++
			if given(res, "journey-") != "" {
				found = true
				break
			}
		}
	}
	refused := events(t, v.Server, "anna@example.org", audit.PasswordRefused)
	if found {
		t.Errorf("guess number %d was verified and told right; %d of the wrong ones are on record", verified, len(refused))
	}
}

// Nor by the cookie of the browser alone, in logins of the owner: her wait holds for these guesses too, and they are on
// record.
func TestOwnCookieGuessesWhileBlocked(t *testing.T) {
	v := newAttacked(t)
	b, other := idptest.NewBrowser(v.Server, "en"), idptest.NewBrowser(v.Server, "en")
	idptest.LogIn(t, b, v.web.Start(nil), "anna@example.org")
	b.MustBeAt(t, "/totp")
	action, _ := journeyOf(b)
	other.MustOpen(t, v.web.Start(nil))
	for range 10 {
		idptest.TryPassword(t, other, "anna@example.org", "wrong")
	}
	other.MustBeAt(t, "/stop")
	before := len(events(t, v.Server, "anna@example.org", audit.PasswordRefused))
	browser := map[string]string{"__Host-linde-browser": cookieAt(b, "__Host-linde-browser")}
	for range 4 {
		v.raw("POST", action+"/password", url.Values{"email": {"anna@example.org"}, "password": {"wrong"}}, browser)
	}
	res := v.raw("POST", action+"/password", url.Values{"email": {"anna@example.org"}, "password": {idptest.Password}}, browser)
	after := len(events(t, v.Server, "anna@example.org", audit.PasswordRefused))
	if given(res, "journey-") != "" || after-before != 5 {
		t.Errorf("during the wait a right one is told as right: %t; of 5 that are refused %d are on record", given(res, "journey-") != "", after-before)
	}
}

// A planter of the browser's cookie who looked over her shoulder at six digits, and never knew her password, is not
// given her session.
func TestOwnCookieSpentCodeAndBrowserCookieAreASession(t *testing.T) {
	for name, idle := range map[string]bool{"after the password": false, "after the idle hour": true} {
		t.Run(name, func(t *testing.T) {
			v := newAttacked(t)
			b := idptest.NewBrowser(v.Server, "en")
			planted := secret.Token()
			plant(b, "__Host-linde-browser", planted)
			if idle {
				v.full(b, "anna@example.org", annasKey)
				v.Clock.Later(61 * time.Minute)
				b.MustOpen(t, v.web.Start(nil))
			} else {
				idptest.LogIn(t, b, v.web.Start(nil), "anna@example.org")
			}
			b.MustBeAt(t, "/totp")
			action := b.URL.String()
			code := v.code(annasKey)
			idptest.SendCode(t, b, code)
			v.Clock.Later(50 * time.Second)
			res := v.raw("POST", action, url.Values{"code": {code}}, map[string]string{"__Host-linde-browser": planted})
			if got := given(res, "session"); got != "" {
				t.Errorf("the planter is given the session of %q", v.owner(got))
			}
		})
	}
}

// The same while the login is open: a code that was spent is worth nothing for its hour.
func TestOwnCookieSpentCodeOpensAnOpenLoginForAnHour(t *testing.T) {
	v := newAttacked(t)
	b := idptest.NewBrowser(v.Server, "en")
	planted := secret.Token()
	plant(b, "__Host-linde-browser", planted)
	idptest.LogIn(t, b, v.anders.Start(nil), "anna@example.org")
	b.MustBeAt(t, "/totp")
	action := b.URL.String()
	code := v.code(annasKey)
	idptest.SendCode(t, b, code)
	b.MustBeAt(t, "/consent")
	v.Clock.Later(50 * time.Minute)
	planter := idptest.NewBrowser(v.Server, "en")
	plant(planter, "__Host-linde-browser", planted)
	planter.URL = at(t, action)
	planter.MustDouble(t, url.Values{"code": {code}}, action)
	if strings.HasSuffix(planter.URL.Path, "/consent") {
		planter.MustPress(t, "Allow")
		t.Errorf("the planter goes on as her: %s; session of %q", planter.URL, v.owner(cookieAt(planter, "__Host-linde-session")))
	}
}

// A form that is sent again late (a retry of the network, the second of a double click) does not put the cookie of
// before over the one of a step-up since.
func TestOwnCookieOldFormOverwritesNewerSession(t *testing.T) {
	v := newAttacked(t)
	b := idptest.NewBrowser(v.Server, "en")
	action, form := v.cees(b)
	if strings.HasSuffix(b.URL.Path, "/set-up") {
		t.Fatal("the set-up is offered")
	}
	v.Clock.Later(10 * time.Second)
	b.MustOpen(t, v.web.Start(url.Values{"prompt": {"login"}}))
	idptest.Reauthenticate(t, b)
	if got := silent(t, b, v.web); got != "" {
		t.Fatalf("not signed in before: %q", got)
	}
	v.Clock.Later(10 * time.Second)
	b.URL = at(t, action)
	b.MustDouble(t, form, action)
	if got := silent(t, b, v.web); got != "" {
		t.Errorf("signed in before the old form came again, and not after: %q", got)
	}
}

// Of two different new passwords at once, the one that was not saved is not told as saved.
func TestOwnCookieOtherNewPasswordIsNotARepetition(t *testing.T) {
	v := newAttacked(t)
	b := idptest.NewBrowser(v.Server, "en")
	idptest.LogIn(t, b, v.web.Start(nil), "cees@example.org")
	begin(t, v.Server, b, authn.ChangePassword)
	b.MustBeAt(t, "/new-password")
	jar := jarOf(b)
	words := []string{"acht groene paraplu's vliegen?", "negen blauwe laarzen zwemmen!"}
	got := make([]string, 2)
	var wg sync.WaitGroup
	for i, word := range words {
		wg.Go(func() {
			res := v.raw("POST", b.URL.String(), url.Values{"password": {word}}, jar)
			got[i] = given(res, "session")
		})
	}
	wg.Wait()
	if got[0] != "" && got[1] != "" {
		t.Errorf("both are told that their password was saved: %t", got[0] == got[1])
	} else {
		t.Logf("not raced: %q", got)
	}
}

// A browser that was closed in the middle of a login: whoever opens it next, and has the address from the
// history, begins anew.
func TestOwnCookieClosedBrowserForgetsALogin(t *testing.T) {
	v := newAttacked(t)
	b := idptest.NewBrowser(v.Server, "en")
	kept := map[string]string{}
	keep := func(res *http.Response) {
		for _, c := range res.Cookies() {
			if c.MaxAge > 0 {
				kept[c.Name] = c.Value
			}
		}
	}
	b.MustOpen(t, v.anders.Start(nil))
	action, form := b.URL.String(), url.Values{"email": {"anna@example.org"}, "password": {idptest.Password}}
	res := v.raw("POST", action, form, jarOf(b))
	keep(res)
	b.Jar.SetCookies(at(t, "https://id.test/"), res.Cookies())
	login := strings.TrimSuffix(action, "/password")
	res = v.raw("POST", login+"/totp", url.Values{"code": {v.code(annasKey)}}, jarOf(b))
	keep(res)

	next := idptest.NewBrowser(v.Server, "en") // the same one, opened again: cookies without an end are gone
	for name, value := range kept {
		plant(next, name, value)
	}
	next.MustOpen(t, v.web.Start(nil)) // somebody begins to log in
	next.MustOpen(t, login)            // … and finds this in the history
	if strings.HasSuffix(next.URL.Path, "/consent") {
		next.MustPress(t, "Allow")
		t.Errorf("goes on in the login of the person before: at %s, session of %q", next.URL, v.owner(cookieAt(next, "__Host-linde-session")))
	}
}

// What was given up takes none of the four places.
func TestOwnCookieCancelledLoginsTakeNoPlace(t *testing.T) {
	v := newAttacked(t)
	b := idptest.NewBrowser(v.Server, "en")
	idptest.LogIn(t, b, v.web.Start(nil), "anna@example.org")
	b.MustBeAt(t, "/totp")
	old := b.URL.String()
	for range 4 {
		v.Clock.Later(time.Second)
		tab := b.Tab()
		idptest.LogIn(t, tab, ownIssuer+"/settings", "anna@example.org")
		tab.MustBeAt(t, "/totp")
		tab.URL = at(t, tab.URL.String())
		if err := tab.Press("Cancel"); err != nil {
			t.Fatal(err)
		}
	}
	b.MustOpen(t, old)
	if b.URL.String() != old {
		t.Errorf("four that were cancelled put out one that is open: at %s", b.URL)
	}
}

// A login that was ended by a new password (or by staff) has no session to give: its code, sent again, leaves
// the cookie of the session that goes on.
func TestOwnCookieCutLoginOverwritesSession(t *testing.T) {
	v := newAttacked(t)
	b := idptest.NewBrowser(v.Server, "en")
	v.full(b, "anna@example.org", annasKey)
	v.Clock.Later(time.Minute)
	tab := b.Tab()
	tab.MustOpen(t, v.anders.Start(url.Values{"prompt": {"login"}}))
	idptest.Reauthenticate(t, tab)
	tab.MustBeAt(t, "/totp")
	action, form := tab.URL.String(), url.Values{"code": {v.code(annasKey)}}
	tab.MustLose(t, form, action)
	a := idptest.Account(t, v.DB, "anna@example.org")
	// what a new password in a third tab does: every other session and every login under way ends, hers goes on
	cut := authn.Change{Platform: "linde", Cut: &authn.Cut{Account: a.ID, By: authn.ActPassword}}
	if err := v.DB.SaveChange(t.Context(), cut, v.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	if got := silent(t, b, v.web); got != "" {
		t.Fatalf("not signed in before: %q", got)
	}
	tab.MustDouble(t, form, action)
	if got := silent(t, b, v.web); got != "" {
		t.Errorf("signed out by a form that was sent again: %q", got)
	}
}

// Two forms of one sign-up at once are the same form: both lead on.
func TestOwnCookieSignUpAtOnceLeadsOn(t *testing.T) {
	v := newAttacked(t)
	demo := attackedHouse()
	demo.Policy += ", self_sign_up: true"
	v.Declare(demo)
	b := idptest.NewBrowser(v.Server, "en")
	b.MustOpen(t, v.web.Start(nil))
	b.MustOpen(t, strings.TrimSuffix(b.URL.String(), "password")+"sign-up")
	for label, value := range map[string]string{"First name": "Cor", "Last name": "Veenstra", "Email address": "cor@example.org"} {
		b.MustFill(t, label, value)
	}
	b.MustPress(t, "Create account")
	idptest.Deliver(t, v)
	link := ""
	for _, m := range v.Mails.Sent() {
		link = m.Link
	}
	fresh := idptest.NewBrowser(v.Server, "en")
	fresh.MustOpen(t, link)
	fresh.MustBeAt(t, "/new-password")
	jar := jarOf(fresh)
	action := fresh.URL.String()
	for i, res := range v.together(action, url.Values{"password": {"acht groene paraplu's vliegen?"}}, jar, 2) {
		if given(res, "session") == "" {
			t.Errorf("answer %d is %d to %s without a session", i, res.StatusCode, res.Header.Get("Location"))
		}
	}
}

func (v *attacked) together(action string, form url.Values, jar map[string]string, n int) []*http.Response {
	all := make([]*http.Response, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { all[i] = v.raw("POST", action, form, jar) })
	}
	wg.Wait()
	return all
}

// GET and HEAD of another's addresses set nothing of a login; neither does a form without the browser's cookie, nor of
// another site (its cookies do not come along).
func TestOwnCookieNothingIsSetForOthers(t *testing.T) {
	v := newAttacked(t)
	b := idptest.NewBrowser(v.Server, "en")
	idptest.LogIn(t, b, v.web.Start(nil), "anna@example.org")
	login, _ := journeyOf(b)
	browser := map[string]string{"__Host-linde-browser": cookieAt(b, "__Host-linde-browser")}
	form := url.Values{"email": {"anna@example.org"}, "password": {idptest.Password}}
	for _, to := range []string{login, login + "/password", login + "/totp", login + "/stop"} {
		for _, method := range []string{"GET", "HEAD"} {
			if res := v.raw(method, to, form, browser); len(res.Cookies()) > 0 {
				t.Errorf("%s %s sets %v", method, to, res.Cookies())
			}
		}
	}
	for _, cookies := range []map[string]string{nil, {"__Host-linde-browser": secret.Token()}} {
		if res := v.raw("POST", login+"/password", form, cookies); len(res.Cookies()) > 0 {
			t.Errorf("with %v: %v", cookies, res.Cookies())
		}
	}
	if res := v.raw("POST", login+"/password", form, browser); given(res, "journey-") == "" || res.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("the same form: %d %v", res.StatusCode, res.Header)
	}
	// the same identifier at another platform of the host is covered by the platform in the look-up
}

// After signing out, what is given again opens nothing.
func TestOwnCookieSignedOutStaysOut(t *testing.T) {
	v := newAttacked(t)
	b := idptest.NewBrowser(v.Server, "en")
	action, form := v.cees(b)
	b.MustOpen(t, ownIssuer+"/logout")
	b.MustPress(t, "Yes, log out")
	if got := silent(t, b, v.web); got != "login_required" {
		t.Fatalf("not signed out: %q", got)
	}
	b.URL = at(t, action)
	b.MustDouble(t, form, action)
	if got := silent(t, b, v.web); got != "login_required" {
		t.Errorf("after signing out: %q", got)
	}
}

// The same right form several times at once is no guessing: each answer leads on. (Of ten at once the last wait, as of ten
// tries of any kind.)
func TestOwnCookieRightPasswordIsNotHeldByGuesses(t *testing.T) {
	v := newAttacked(t)
	none := 0
	for range 3 {
		b := idptest.NewBrowser(v.Server, "en")
		b.MustOpen(t, v.web.Start(nil))
		jar, action := map[string]string{"__Host-linde-browser": cookieAt(b, "__Host-linde-browser")}, b.URL.String()
		for _, res := range v.together(action, url.Values{"email": {"anna@example.org"}, "password": {idptest.Password}}, jar, 6) {
			if given(res, "journey-") == "" {
				none++
			}
		}
	}
	if none > 0 {
		t.Errorf("%d of 18 right forms begin anew", none)
	}
}

// However often somebody clicks twice in a day, no code of theirs counts as a wrong one: a code still works afterwards.
func TestOwnCookieDoubleClicksUseNoBudget(t *testing.T) {
	v := newAttacked(t)
	for range 12 { // more than wrong codes are taken in a day
		v.Clock.Later(31 * time.Second)
		b := idptest.NewBrowser(v.Server, "en")
		idptest.LogIn(t, b, v.web.Start(nil), "anna@example.org")
		b.MustBeAt(t, "/totp")
		jar := jarOf(b)
		for _, res := range v.together(b.URL.String(), url.Values{"code": {v.code(annasKey)}}, jar, 3) {
			if given(res, "session") == "" {
				t.Fatalf("begins anew: %s", res.Header.Get("Location"))
			}
		}
	}
	var n int
	if err := v.DB.SQL().QueryRowContext(t.Context(), "SELECT COUNT(*) FROM attempts WHERE failures > 0").Scan(&n); err != nil {
		t.Fatal(err)
	}
	if n > 0 {
		t.Errorf("%d counters are left", n)
	}
}

// Right codes at once: each answer leads on, and none is on record as wrong.
func TestOwnCookieDoubleClickIsNoWrongCode(t *testing.T) {
	v := newAttacked(t)
	for range 10 {
		v.Clock.Later(31 * time.Second)
		b := idptest.NewBrowser(v.Server, "en")
		idptest.LogIn(t, b, v.web.Start(nil), "anna@example.org")
		b.MustBeAt(t, "/totp")
		jar := jarOf(b)
		for _, res := range v.together(b.URL.String(), url.Values{"code": {v.code(annasKey)}}, jar, 2) {
			if given(res, "session") == "" {
				t.Errorf("begins anew: %s", res.Header.Get("Location"))
			}
		}
	}
	if n := len(events(t, v.Server, "anna@example.org", audit.SecondFactorRefused)); n > 0 {
		t.Errorf("%d events of a wrong code", n)
	}
}
