package login_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/secret"
)

// What somebody proves in another browser is not taken into the journey that the address names, and the journey is
// shown to none but its own (CVE-2022-39222, CVE-2024-28197, CVE-2026-7507).
func TestJourneyTakesNothingFromAnotherBrowser(t *testing.T) {
	v := newVisit(t)
	x, y := idptest.NewBrowser(v.Server, "en"), idptest.NewBrowser(v.Server, "en")
	x.MustOpen(t, v.linde.Start(nil))
	journey, id := journeyOf(x)
	y.MustOpen(t, v.linde.Start(nil)) // so that it has a cookie of ours
	own := y.URL
	for _, page := range []string{"", "/password", "/forgot", "/stop"} {
		if y.MustOpen(t, journey+page); strings.HasPrefix(y.URL.String(), journey) {
			t.Errorf("%s of the journey is shown in another browser: at %s", page, y.URL)
		}
	}
	for page, form := range map[string]url.Values{
		"/password": {"email": {"anna@example.org"}, "password": {idptest.Password}, "do": {"continue"}},
		"/forgot":   {"email": {"anna@example.org"}}, "/stop": {"do": {"mail"}},
	} {
		y.URL = own
		y.MustTwice(t, form, journey+page)
		if strings.HasPrefix(y.URL.String(), journey) {
			t.Errorf("a form sent to %s leads into the journey: %s", page, y.URL)
		}
	}
	j, err := v.DB.Journey(t.Context(), "linde", id)
	if err != nil || j.Account != "" || len(j.Proofs) > 0 || j.Hint != "" || !j.EndedAt.IsZero() {
		t.Errorf("the journey has %q %v %q, ended %s: %v", j.Account, j.Proofs, j.Hint, j.EndedAt, err)
	}
	if n := len(sessions(t, v.Server, "anna@example.org")); n != 0 || cookieAt(y, "__Host-linde-session") != "" {
		t.Errorf("%d sessions; cookie %q", n, cookieAt(y, "__Host-linde-session"))
	}
	if x.MustOpen(t, journey); x.Button("Log in") == nil || x.Value("email") != "" {
		t.Errorf("its own browser is at %s, for %q", x.URL, x.Value("email"))
	}
	if got := silent(t, x, v.linde); got != "login_required" {
		t.Errorf("its own browser is answered %q", got)
	}
	x.MustFill(t, "Email address", "bram@example.org")
	x.MustFill(t, "Password", idptest.Password)
	if x.MustPress(t, "Log in"); v.linde.Last.Error != "" {
		t.Errorf("its own browser goes on: %q at %s", v.linde.Last.Error, x.URL)
	}
}

// Whoever signs in takes the browser over, and the session of the person before is over, wherever its cookie went
// (CVE-2022-3916).
func TestSigningInEndsTheSessionItReplaces(t *testing.T) {
	v := newVisit(t)
	b, copied := idptest.NewBrowser(v.Server, "en"), idptest.NewBrowser(v.Server, "en")
	signInAgain(t, b, v.linde, "anna@example.org")
	annas := v.linde.Last
	plant(copied, "__Host-linde-session", cookieAt(b, "__Host-linde-session"))
	if got := silent(t, copied, v.linde); got != "" {
		t.Fatalf("the copy before: %q", got)
	}
	signInAgain(t, b, v.linde, "bram@example.org")
	if n := len(sessions(t, v.Server, "anna@example.org")); n != 0 {
		t.Errorf("%d sessions of hers go on", n)
	}
	if got := silent(t, copied, v.linde); got != "login_required" {
		t.Errorf("her cookie, elsewhere: %q", got)
	}
	v.linde.Last = annas
	if _, err := v.linde.UserInfo(); err == nil {
		t.Error("her access token works")
	}
	if err := v.linde.Refresh(); err == nil {
		t.Error("her refresh token works")
	}
	if got := silent(t, b, v.linde); got != "" {
		t.Errorf("his own session: %q", got)
	}
}

// A password that was changed after it was shown, and before its journey ends, is asked again: for a session that begins,
// and for one that goes on.
func TestProofOfAnOldPasswordDoesNotStand(t *testing.T) {
	for says, signedIn := range map[string]bool{"a new session": false, "a session that goes on": true} {
		t.Run(says, func(t *testing.T) {
			v := newTwoStep(t, "optional")
			v.Clock.Later(time.Minute)
			b := idptest.NewBrowser(v.Server, "en")
			idptest.LogIn(t, b, v.party.Start(nil), "anna@example.org")
			if signedIn {
				idptest.SendCode(t, b, v.code(annasKey))
				v.Clock.Later(time.Minute)
				b.MustOpen(t, v.party.Start(url.Values{"prompt": {"login"}}))
				idptest.Reauthenticate(t, b)
			}
			b.MustBeAt(t, "/totp")
			changed, _ := v.anna().Credential("password")
			changed.Counter++
			if err := v.DB.SaveChange(t.Context(), authn.Change{Platform: "linde", Put: []account.Credential{changed}}, v.Clock.Now()); err != nil {
				t.Fatal(err)
			}
			v.party.Last = idptest.Arrival{Error: "never came back"}
			idptest.SendCode(t, b, v.code(annasKey))
			b.MustBeAt(t, "/password")
			if v.party.Last.Error != "never came back" {
				t.Errorf("the old password and a code: %+v", v.party.Last)
			}
		})
	}
}

// A code that was used is a wrong one: counted and recorded, and not only kept from counting twice.
func TestUsedCodeIsOnRecordAsWrong(t *testing.T) {
	v := newTwoStep(t, "optional")
	b := idptest.NewBrowser(v.Server, "en")
	idptest.LogIn(t, b, v.party.Start(nil), "anna@example.org")
	idptest.SendCode(t, b, v.code(annasKey))
	b.MustBeAt(t, "/totp")
	if refused := events(t, v.Server, "anna@example.org", audit.SecondFactorRefused); len(refused) != 1 {
		t.Errorf("%d events of a code that was used: %+v", len(refused), refused)
	}
}

// Who planted every cookie that binds a browser here has nothing by them after the password, nor after the code. The
// cookie of the browser itself stays, and binds no journey with a proof (CVE-2024-7341, docs/decisions/0026).
func TestPlantedBrowserCookieOpensNothing(t *testing.T) {
	s := idptest.NewServer(t, idptest.SQLite(t))
	s.Declare(twoStepOf("optional"))
	p := twoStepOf("optional").Party(s, "web")
	v := visit{Server: s, linde: p}
	anna, planter := idptest.NewBrowser(s, "en"), idptest.NewBrowser(s, "en")
	planted := map[string]string{}
	for _, name := range []string{"browser", "session", "app", "known"} {
		planted[name] = secret.Token()
		plant(anna, "__Host-linde-"+name, planted[name])
		plant(planter, "__Host-linde-"+name, planted[name])
	}
	planter.MustOpen(t, p.Start(nil)) // a login of his own, under the cookie that she has
	own, id := journeyOf(planter)
	hers := "" // the address of her login, which he knows too
	reaches := func(when string) {
		t.Helper()
		for _, address := range []string{
			own, own + "/password", own + "/totp", own + "/set-up", own + "/stop",
			hers, hers + "/password", hers + "/totp", hers + "/set-up", hers + "/stop", ownIssuer + "/authorize/callback?request=" + id,
			ownIssuer + "/authorize/continue?request=" + id, settings, settings + "/two-step", settings + "/devices", ownIssuer + "/login",
		} {
			tab := planter.Tab()
			if tab.MustOpen(t, address); strings.Contains(tab.Body, "anna") || strings.HasSuffix(tab.URL.Path, "/totp") || tab.URL.Query().Has("code") {
				t.Errorf("%s he is at %s by way of %s: %s", when, tab.URL, address, idptest.Visible(tab.Doc))
			}
		}
		for path, form := range map[string]url.Values{
			"/password": {"email": {"anna@example.org"}, "password": {idptest.NewPassword}}, "/totp": {"code": {"123456"}},
			"/set-up": {"do": {"later"}}, "/consent": {"do": {"allow"}}, "/recovery-code": {"recovery_code": {"AAAA-BBBB-CCCC"}}, "/stop": {"do": {"mail"}},
		} {
			tab := planter.Tab()
			tab.URL = at(t, hers)
			if err := tab.Double(form, hers+path); err != nil || strings.HasPrefix(tab.URL.String(), hers) || tab.URL.Query().Has("code") {
				t.Errorf("%s he is at %s by a form for %s: %v", when, tab.URL, path, err)
			}
		}
		if got := silent(t, planter, p); got != "login_required" {
			t.Errorf("%s he is answered %q", when, got)
		}
	}
	idptest.LogIn(t, anna, p.Start(nil), "anna@example.org")
	anna.MustBeAt(t, "/totp")
	hers, _ = journeyOf(anna)
	reaches("after the password")
	code := func() {
		t.Helper()
		idptest.SendCode(t, anna, idptest.Code(t, annasKey, s.Clock.Now()))
	}
	code()
	if got := silent(t, anna, p); got != "" {
		t.Fatalf("she is not signed in: %q", got)
	}
	reaches("after the code")
	for _, name := range []string{"session", "known"} {
		if cookieAt(anna, "__Host-linde-"+name) == planted[name] {
			t.Errorf("her %s cookie is the planted one", name)
		}
	}
	if cookieAt(anna, "__Host-linde-browser") != planted["browser"] {
		t.Error("the cookie of the browser was replaced: other tabs have logins that it binds")
	}

	// Each further proof is a new cookie, too, and the one before opens nothing.
	for proof, row := range map[string]struct {
		later time.Duration
		ask   url.Values
	}{"password and code": {time.Minute, url.Values{"prompt": {"login"}}}, "code, after the idle hour": {61 * time.Minute, nil}} {
		before := cookieAt(anna, "__Host-linde-session")
		s.Clock.Later(row.later)
		anna.MustOpen(t, p.Start(row.ask))
		if row.ask != nil {
			idptest.Reauthenticate(t, anna)
		}
		code()
		after := cookieAt(anna, "__Host-linde-session")
		if after == before || after == "" || anna.URL.Host != "web.linde.test" {
			t.Errorf("%s: at %s with the same cookie %t", proof, anna.URL, after == before)
		}
		if _, _, err := v.DB.Session(t.Context(), "linde", secret.Hash(before), s.Clock.Now()); !errors.Is(err, fault.NotFound) {
			t.Errorf("%s: the cookie before still opens a session: %v", proof, err)
		}
	}
}

// Link checkers ask by HEAD, and a GET of this page begins a journey: a cookie and a row.
func TestHeadOfForgotBeginsNothing(t *testing.T) {
	v := newVisit(t)
	journeys := func() (n int) {
		if err := v.DB.SQL().QueryRow("SELECT COUNT(*) FROM journeys").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for method, want := range map[string]int{http.MethodHead: http.StatusOK, http.MethodGet: http.StatusSeeOther} {
		before := journeys()
		res := idptest.RequestAs(t, v, idptest.NewBrowser(v.Server, "en"), method, ownIssuer+"/forgot", "", nil)
		began := journeys() - before
		if res.StatusCode != want || (method == http.MethodHead) != (began == 0 && len(res.Cookies()) == 0 && res.Header.Get("Location") == "") {
			t.Errorf("%s: %d, %d journeys, cookies %v", method, res.StatusCode, began, res.Cookies())
		}
	}
}
