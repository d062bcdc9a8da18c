package settings

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/mux"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/visitor"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/ui"
)

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// oneSession is a store with one session, in which nothing else may be done.
type oneSession struct {
	visitor.Store
	session authn.Session
	account account.Account
}

func (o oneSession) Session(context.Context, platform.ID, []byte, time.Time) (*authn.Session, *account.Account, error) {
	if o.session.ID == "" {
		return nil, nil, fault.NotFound
	}
	return &o.session, &o.account, nil
}

// door is the settings of a platform with one session, and further pages.
func door(role platform.Role, seen time.Duration, pages ...Page) http.Handler {
	p := &platform.Platform{
		ID: "linde", Issuer: "https://login.linde.test", Organisation: "GGZ De Linde", HomeURL: "https://linde.test/", Policy: platform.DefaultPolicy(),
		HelpPublic: platform.Contact{Email: "hulp@linde.test"}, HelpStaff: platform.Contact{Email: "ict@linde.test"},
	}
	p.Defaults()
	store := oneSession{
		session: authn.Session{ID: "s", Platform: p.ID, Account: "a", Channel: authn.Browser, SeenAt: noon.Add(-seen), StartedAt: noon.Add(-seen), EndsAt: noon.Add(time.Hour),
			Proofs: []authn.Proof{{Method: "password", Use: account.Primary, Kinds: authn.Knows, At: noon.Add(-seen)}}},
		account: account.Account{ID: "a", Platform: p.ID, Role: role, State: account.Active, Email: account.Email{Address: "anna@example.org"},
			Credentials: []account.Credential{{ID: "p", Account: "a", Method: authn.Password, Use: account.Primary, ConfirmedAt: time.Unix(1, 0)}}},
	}
	engine := login.New(login.Options{
		Store: beginnings{}, Visitors: visitor.Reader{Store: store}, Now: func() time.Time { return noon }, Parties: noParties{},
		UI: ui.New(pretendPart()), Fresh: func() error { return nil }, Log: slog.New(slog.DiscardHandler),
		RateLimit: func(r *http.Request) error {
			if r.Header.Get("X-Crowded") != "" {
				return web.TooMany{Wait: time.Minute}
			}
			return nil
		},
	})
	r := mux.NewRouter()
	New(Options{
		Store: oneReach{session: store.session}, Apps: noPhones{}, Consents: noConsents{}, Engine: engine, Pages: pages, Party: noParties{}.Party,
		Logout: func(p *platform.Platform) string { return p.URL("/logout") },
	}).Routes(r)
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		q.AddCookie(&http.Cookie{Name: "__Host-linde-" + web.SessionCookie, Value: "v"})
		web.Headers(w.Header()) // as web.Wrap does
		r.ServeHTTP(w, q.WithContext(platform.NewContext(q.Context(), p)))
	})
}

// oneReach is a store in which one session reaches the account, and nothing else may be done.
type oneReach struct {
	Store
	session authn.Session
}

func (o oneReach) Reach(context.Context, platform.ID, account.ID, time.Time) ([]authn.Session, []grant.Access, error) {
	return []authn.Session{o.session}, nil, nil
}

// noPhones is a store in which nobody has the mobile app.
type noPhones struct{ AppStore }

func (noPhones) AppDevices(context.Context, platform.ID, account.ID) ([]grant.Device, error) {
	return nil, nil
}

// noConsents is a store in which nobody allowed anything.
type noConsents struct{ ConsentStore }

func (noConsents) Consents(context.Context, platform.ID, account.ID) ([]authn.Consent, error) {
	return nil, nil
}

// noParties is a house whose platforms have no parties.
type noParties struct{}

func (noParties) Connected(platform.ID) bool { return false }

func (noParties) Party(platform.ID, grant.PartyID) (*grant.Party, bool) { return nil, false }
func (noParties) HasMobileApp(platform.ID) bool                         { return false }

// beginnings is a store in which journeys begin, and nothing else may be done.
type beginnings struct{ login.Store }

func (beginnings) StartJourney(context.Context, authn.Journey) error { return nil }

// Somebody who is signed in is not stopped for what others begin over the same connection.
func TestACrowdStopsNobodyWhoIsSignedIn(t *testing.T) {
	for _, path := range []string{"/settings", "/settings/password", "/settings/two-step"} {
		for seen, want := range map[time.Duration]bool{7 * time.Minute: true, 2 * time.Hour: false} {
			w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, path, nil)
			r.Header.Set("X-Crowded", "1")
			door(platform.Client, seen).ServeHTTP(w, r)
			if got := w.Code != http.StatusTooManyRequests; got != want {
				t.Errorf("%s, seen %s ago: %d", path, seen, w.Code)
			}
		}
	}
}

func ask(t *testing.T, h http.Handler, method, path string) *http.Response {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w.Result()
}

func page(t *testing.T, h http.Handler, path string) string {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	if w.Code != http.StatusOK || w.Header().Get("Cache-Control") != "no-store" {
		t.Fatalf("%s: %d, %v", path, w.Code, w.Header())
	}
	return w.Body.String()
}

// Whoever signs in with the account of an organisation alone has no password to change.
func TestNobodyWithoutAPasswordIsOfferedToChangeIt(t *testing.T) {
	for method, want := range map[string]bool{authn.Password: true, "another": false} {
		a := &account.Account{Credentials: []account.Credential{{Method: method, Use: account.Primary, ConfirmedAt: time.Unix(1, 0)}}}
		if got := hasPassword(authn.Facts{Account: a}); got != want {
			t.Errorf("%s: %t", method, got)
		}
	}
}

// Another page of settings adds its line, for whom it is there.
func TestOverviewTakesFurtherPages(t *testing.T) {
	staff := func(f authn.Facts) bool { return f.Account.Role.Staff() }
	pages := []Page{{Key: "code.title", Path: "/settings/two-step"}, {Key: "code.title", Path: "/settings/rota", For: staff}}
	for role, want := range map[platform.Role]bool{platform.Client: false, platform.Professional: true} {
		body := page(t, door(role, 0, pages...), "/settings")
		password, twoStep, devices := strings.Index(body, "/settings/password"), strings.Index(body, "/settings/two-step"), strings.Index(body, "/settings/devices")
		if password < 0 || twoStep < password || devices < twoStep {
			t.Errorf("%s: rows at %d, %d, %d", role, password, twoStep, devices)
		}
		if got := strings.Contains(body, "/settings/rota"); got != want {
			t.Errorf("%s: a row for staff is shown: %t", role, got)
		}
	}
}

// A line says how things stand; where there is nothing to see, there is no line.
func TestOverviewSaysHowThingsStand(t *testing.T) {
	row := func(path string, state State) Page {
		return Page{Key: "code.title", Path: "/settings/" + path, State: state}
	}
	said := func(states ...ui.State) State {
		return func(*http.Request, *login.Visit) ([]ui.State, error) { return states, nil }
	}
	body := page(t, door(platform.Client, 0,
		row("rota", said(ui.State{Key: "settings.apps", N: 1}, ui.State{Key: "settings.browsers", N: 3})), row("empty", said()), row("silent", nil),
		row("spoken", said(ui.State{Text: "<Frysk>", Lang: "fy"})),
	), "/settings")
	for _, want := range []string{
		"Je bent ingelogd als anna@example.org.",
		`/settings/rota">Vul je code in <span class="value"><span class="whole">1 app</span>, <span class="whole">3 browsers</span></span></a>`,
		`/settings/silent">Vul je code in</a>`,
		`<span class="value"><span class="whole" lang="fy">&lt;Frysk&gt;</span></span>`,
		`/settings/devices">Toegestane apparaten <span class="value"><span class="whole">1 browser</span></span></a>`,
		`/settings/language">Taal <span class="value"><span class="whole" lang="nl">Nederlands</span></span></a>`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in\n%s", want, body)
		}
	}
	if strings.Contains(body, "/settings/empty") || strings.Contains(body, "/settings/consents") {
		t.Errorf("a line leads to nothing:\n%s", body)
	}
	for set, want := range map[bool]string{false: "settings.off", true: "settings.on"} {
		v := &login.Visit{Facts: authn.Facts{Account: &account.Account{}, Methods: []string{"pretend"}}}
		if set {
			v.Facts.Account.Credentials = []account.Credential{{Method: "pretend", Use: account.Second, ConfirmedAt: noon}}
		}
		if got, err := twoStepState(nil, v); err != nil || len(got) != 1 || got[0].Key != want {
			t.Errorf("set up: %t; state %+v, %v", set, got, err)
		}
	}
	broken := func(*http.Request, *login.Visit) ([]ui.State, error) { return nil, fault.Unavailable }
	if res := ask(t, door(platform.Client, 0, row("broken", broken)), http.MethodGet, "/settings"); res.StatusCode == http.StatusOK {
		t.Errorf("a state that is not known: %d", res.StatusCode)
	}
}

func TestStaffSeeTheirOwnHelpdesk(t *testing.T) {
	for role, want := range map[platform.Role][2]string{
		platform.Client: {"hulp@linde.test", "ict@linde.test"}, platform.Relative: {"hulp@linde.test", "ict@linde.test"},
		platform.Professional: {"ict@linde.test", "hulp@linde.test"}, platform.Manager: {"ict@linde.test", "hulp@linde.test"},
	} {
		for _, path := range []string{"/settings", "/settings/account", "/settings/language"} {
			if body := page(t, door(role, 0), path); !strings.Contains(body, want[0]) || strings.Contains(body, want[1]) {
				t.Errorf("%s at %s: want %s and not %s", role, path, want[0], want[1])
			}
		}
	}
}

// A link checker changes nothing: the store of this test would panic.
func TestHeadOfSettingsDoesNothing(t *testing.T) {
	h := door(platform.Client, 5*time.Minute)
	for _, path := range []string{"/settings", "/settings/account", "/settings/password", "/settings/language", "/settings/devices", "/settings/devices/" + strings.Repeat("a", 26), "/settings/activity"} {
		if res := ask(t, h, http.MethodHead, path); res.StatusCode != http.StatusOK || len(res.Cookies()) > 0 {
			t.Errorf("HEAD %s: %d, %v", path, res.StatusCode, res.Cookies())
		}
	}
}

// The page says what was done once, in words of ours, whatever a cookie holds.
func TestNoticeIsOursAndShownOnce(t *testing.T) {
	for value, want := range map[string]struct {
		key     string
		machine ui.Machine
	}{
		"":                                   {},
		"d=password":                         {key: "change.done"},
		"d=one&b=Samsung+Internet&s=Android": {"devices.logged_out", ui.Machine{Browser: "Samsung Internet", System: "Android"}},
		"d=one&b=%3Cscript%3E&s=bel+0900":    {key: "devices.logged_out"},
		"d=revoked&s=iPhone":                 {"devices.revoked", ui.Machine{System: "iPhone"}},
		"d=login.title":                      {},
		"%zz":                                {},
		"d=password&x=" + strings.Repeat("x", 60): {},
	} {
		w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/settings", nil)
		r.Header.Set("Cookie", "__Host-linde-notice="+value)
		key, m := takeNotice(w, r, "linde")
		if key != want.key || m != want.machine {
			t.Errorf("%q: %q, %+v", value, key, m)
		}
		if dropped := w.Header().Get("Set-Cookie"); want.key != "" && !strings.Contains(dropped, "Max-Age=0") {
			t.Errorf("%q: the cookie stays: %q", value, dropped)
		}
	}
	browsers, systems := ui.MachineNames()
	for done := range doneTexts {
		for _, b := range browsers {
			for _, sys := range systems {
				w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/settings", nil)
				m := ui.Machine{Browser: b, System: sys}
				setNotice(w, "linde", done, m)
				r.AddCookie(w.Result().Cookies()[0])
				if key, got := takeNotice(httptest.NewRecorder(), r, "linde"); key != doneTexts[done] || got != m {
					t.Fatalf("%s of %+v comes back as %q of %+v", done, m, key, got)
				}
			}
		}
	}
}

// Nothing that is planted in the cookie reaches a page as text or markup.
func FuzzNotice(f *testing.F) {
	f.Add("d=password")
	f.Add("d=one&b=%3Cb%3E&s=iPhone")
	f.Fuzz(func(t *testing.T, value string) {
		r := httptest.NewRequest(http.MethodGet, "/settings", nil)
		r.AddCookie(&http.Cookie{Name: "__Host-linde-notice", Value: value}) // without what no cookie can hold
		key, m := takeNotice(httptest.NewRecorder(), r, "linde")
		ours := key == ""
		for _, text := range doneTexts {
			ours = ours || text == key
		}
		if !ours || m.Known() != m {
			t.Errorf("%q: %q, %+v", value, key, m)
		}
	})
}
