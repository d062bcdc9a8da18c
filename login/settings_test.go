package login_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/test/browser"
)

const (
	firefox = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0"
	iPhone  = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1"
)

// openSettings signs somebody in on the way to a page of settings.
func openSettings(t *testing.T, b *idptest.Browser, address, email string) {
	t.Helper()
	idptest.LogIn(t, b, address, email)
	b.MustBeAt(t, strings.TrimPrefix(address, "https://id.test"))
}

// withApp adds the platform's app, which is a party of the channel app.
func withApp(v visit) visit {
	demo := lindeOf()
	demo.Parties = append(demo.Parties, `client_id: app, type: native, redirect_uris: ["net.example.linde:/callback"]`,
		`client_id: mobile, type: native, mobile_app: true, redirect_uris: ["net.example.mobile:/callback"]`)
	v.Declare(demo)
	return v
}

// openApp signs in through the app: its session is in the browser of the phone, under another cookie.
func openApp(t *testing.T, b *idptest.Browser, email string) {
	t.Helper()
	b.MustOpen(t, ownIssuer+"/authorize?"+url.Values{
		"client_id": {"app"}, "redirect_uri": {"net.example.linde:/callback"}, "response_type": {"code"}, "scope": {"openid offline_access"}, "state": {"s"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"},
	}.Encode())
	idptest.SendPassword(t, b, email)
	if b.URL.Scheme != "net.example.linde" || !b.URL.Query().Has("code") {
		t.Fatalf("the app's login ends at %s", b.URL)
	}
}

func TestSettingsOfOnePlatformAreNothingAtAnother(t *testing.T) {
	v := newVisit(t)
	b := idptest.NewBrowser(v.Server, "en")
	openSettings(t, b, settings, "anna@example.org")
	plant(b, "__Host-wilg-session", cookieAt(b, "__Host-linde-session"))
	for _, page := range []string{"", "/account", "/language", "/devices", "/activity"} {
		b.MustOpen(t, "https://id.test/p/wilg/settings"+page)
		if b.Button("Log in") == nil {
			t.Errorf("%s of wilg is open to a session of linde", page)
		}
	}
}

// Every form of the settings, sent by another site, with the person's cookies.
func TestSettingsTakeOnlyTheirOwnForms(t *testing.T) {
	v := newVisit(t)
	b, other := idptest.NewBrowser(v.Server, "en"), idptest.NewBrowser(v.Server, "en")
	openSettings(t, other, settings, "anna@example.org")
	openSettings(t, b, settings, "anna@example.org")
	before := sessions(t, v.Server, "anna@example.org")
	if len(before) != 2 {
		t.Fatalf("%d sessions, want 2", len(before))
	}
	for path, form := range map[string]url.Values{
		"/language":                {"language": {"nl"}},
		"/devices":                 {"do": {"logout"}},
		"/devices/" + before[1].ID: {"do": {"end"}},
		"/devices/" + before[0].ID: {"do": {"end"}},
	} {
		res := idptest.RequestAs(t, v, b, http.MethodPost, settings+path, form.Encode(), crossSite)
		if res.StatusCode != http.StatusForbidden || len(res.Cookies()) > 0 {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
	if after := sessions(t, v.Server, "anna@example.org"); len(after) != 2 {
		t.Errorf("%d sessions are left, want 2", len(after))
	}
	if changed := events(t, v.Server, "anna@example.org", audit.AccountChanged); len(changed) > 0 {
		t.Errorf("changed: %+v", changed)
	}
}

// A session of the app opens no page of settings, and no party of the browser, whatever its cookie is called.
func TestAppSessionDoesNotOpenSettings(t *testing.T) {
	v := withApp(newVisit(t))
	b := idptest.NewBrowser(v.Server, "en")
	openApp(t, b, "anna@example.org")
	b.MustOpen(t, settings)
	if b.Button("Log in") == nil {
		t.Fatalf("settings are open: %s", idptest.Visible(b.Doc))
	}
	app := cookieAt(b, "__Host-linde-app")
	if app == "" {
		t.Fatal("no session of the app")
	}
	plant(b, "__Host-linde-session", app)
	for _, page := range []string{"", "/account", "/language", "/devices", "/activity"} {
		b.MustOpen(t, settings+page)
		if b.Button("Log in") == nil {
			t.Errorf("%s is open to the app's cookie under another name", page)
		}
	}
	b.MustOpen(t, v.linde.Start(url.Values{"prompt": {"none"}}))
	if v.linde.Last.Error != "login_required" {
		t.Errorf("a party of the browser got %q", v.linde.Last.Error)
	}
	if all := sessions(t, v.Server, "anna@example.org"); len(all) != 1 || all[0].Channel != authn.App {
		t.Errorf("sessions %+v", all)
	}
}

func TestDevicesAreNamedAndRevoked(t *testing.T) {
	v := withApp(newVisit(t))
	b, phone := idptest.NewBrowser(v.Server, "en"), idptest.NewBrowser(v.Server, "en")
	b.Agent, phone.Agent = firefox, iPhone
	openApp(t, phone, "anna@example.org")
	v.Clock.Later(time.Minute)
	openSettings(t, b, settings+"/devices", "anna@example.org")
	for _, want := range []string{
		"Devices with the app", "iPhone", "Remove iPhone", "Firefox on Windows", "This device", "Log out on other devices",
	} {
		if !strings.Contains(idptest.Visible(b.Doc), want) {
			t.Errorf("devices lack %q: %s", want, idptest.Visible(b.Doc))
		}
	}
	b.MustPress(t, "Remove iPhone")
	if text := idptest.Visible(b.Doc); !strings.Contains(text, "Do you want to remove iPhone?") {
		t.Fatalf("asked before revoking: %s", text)
	}
	b.MustPress(t, "Cancel")
	if len(sessions(t, v.Server, "anna@example.org")) != 2 {
		t.Fatal("stopping revoked the device")
	}
	b.MustPress(t, "Remove iPhone")
	b.MustPress(t, "Remove device")
	b.MustBeAt(t, "/settings/devices")
	if text := idptest.Visible(b.Doc); !strings.Contains(text, "iPhone has been removed.") || !strings.Contains(text, "You have no device with the app right now.") {
		t.Errorf("after revoking: %s", text)
	}
	all := sessions(t, v.Server, "anna@example.org")
	if len(all) != 1 || all[0].Channel != authn.Browser {
		t.Errorf("sessions %+v", all)
	}
	recorded := events(t, v.Server, "anna@example.org", audit.SessionEnded)
	if len(recorded) != 1 || recorded[0].Session == all[0].ID || recorded[0].Session == "" || recorded[0].Agent != firefox {
		t.Errorf("recorded %+v", recorded)
	}
}

// An identifier of somebody else's session ends nothing and shows nothing: no insecure direct object reference.
func TestForeignSessionIsNotTouched(t *testing.T) {
	v := newVisit(t)
	anna, bram := idptest.NewBrowser(v.Server, "en"), idptest.NewBrowser(v.Server, "en")
	bram.Agent = iPhone
	openSettings(t, bram, settings, "bram@example.org")
	openSettings(t, anna, settings+"/devices", "anna@example.org")
	other := idptest.NewBrowser(v.Server, "en")
	openSettings(t, other, settings, "anna@example.org")
	anna.MustOpen(t, settings+"/devices")
	button := anna.Button("Log out")
	form, action, err := anna.Form(button)
	if err != nil {
		t.Fatal(err)
	}
	base := action[:strings.LastIndex(action, "/")+1]
	own := sessions(t, v.Server, "anna@example.org")
	for what, id := range map[string]string{
		"somebody else's": sessions(t, v.Server, "bram@example.org")[0].ID, "unknown": "4xq2m7nkc5vbz3hdtw6ysgjp7r",
		"this one":      sessionOf(own, base, action),
		"no identifier": "x", "a path": "..%2f..%2flogin",
	} {
		anna.MustOpen(t, base+id)
		if strings.Contains(anna.Body, "iPhone") {
			t.Errorf("%s: shown: %s", what, idptest.Visible(anna.Doc))
		}
		if want := map[bool]int{true: http.StatusOK, false: http.StatusNotFound}[what == "this one"]; anna.Status != want {
			t.Errorf("%s: %d, want %d", what, anna.Status, want)
		}
		anna.MustTwice(t, form, base+id)
		if len(sessions(t, v.Server, "anna@example.org")) != 2 || len(sessions(t, v.Server, "bram@example.org")) != 1 {
			t.Fatalf("%s: a session ended", what)
		}
	}
	anna.MustTwice(t, form, action) // what the button does, twice
	anna.MustBeAt(t, "/settings/devices")
	ended := events(t, v.Server, "anna@example.org", audit.SessionEnded)
	if len(sessions(t, v.Server, "anna@example.org")) != 1 || len(ended) != 1 {
		t.Error("the other browser is still in, or its end was recorded twice")
	}
}

// Two browsers of one kind are told apart by the network that each began in, of which one line in many is shown.
func TestDevicesAreToldApartByTheirNetwork(t *testing.T) {
	v := newVisit(t)
	at := func(address string) *idptest.Browser {
		b := browser.New(v.Server.At(address), "en")
		b.Agent = firefox
		return b
	}
	far, near, b := at("2001:db8:7:8::9"), at("192.0.2.8"), at("192.0.2.77")
	for _, other := range []*idptest.Browser{far, near} {
		openSettings(t, other, settings, "anna@example.org")
	}
	openSettings(t, b, settings+"/devices", "anna@example.org")
	text := idptest.Visible(b.Doc)
	for want, times := range map[string]int{"Firefox on Windows": 3, "Network: 2001:db8:x": 1, "Network: 192.0.2.x, the same as now": 1, "192.0.2.x": 2} {
		if got := strings.Count(text, want); got != times {
			t.Errorf("%q %d times, want %d: %s", want, got, times, text)
		}
	}
	for _, other := range []string{"/activity", "/account", ""} {
		b.MustOpen(t, settings+other)
		if strings.Contains(b.Body, "192.0.2.") || strings.Contains(b.Body, "2001:db8") {
			t.Errorf("%s shows a network", other)
		}
	}
	for _, s := range sessions(t, v.Server, "anna@example.org") {
		if s.Network != "192.0.2.0/24" && s.Network != "2001:db8::/32" {
			t.Errorf("kept: %q", s.Network)
		}
	}
}

type appTokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	Error   string `json:"error"`
}

// redeemed is the form with the code that openApp ended with.
func redeemed(b *idptest.Browser) url.Values {
	return url.Values{
		"grant_type": {"authorization_code"}, "client_id": {"app"}, "code": {b.URL.Query().Get("code")}, "redirect_uri": {"net.example.linde:/callback"},
		"code_verifier": {"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"},
	}
}

// tokensOfApp asks the token endpoint of a node.
func tokensOfApp(t *testing.T, node *idptest.Server, form url.Values) (got appTokens) {
	t.Helper()
	res, err := node.Client().PostForm(ownIssuer+"/token", form)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.NewDecoder(res.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	return got
}

// What its owner ends on one node is refused by another from that moment on.
func TestRevokedAppIsRefusedOnEveryNode(t *testing.T) {
	v := withApp(newVisit(t))
	phone := idptest.NewBrowser(v.Server, "en")
	phone.Agent = iPhone
	for _, button := range []string{"Remove iPhone", "Log out on other devices"} {
		openApp(t, phone, "anna@example.org")
		first := tokensOfApp(t, v.Server, redeemed(phone))
		v.Clock.Later(25 * time.Hour)
		node := idptest.NewServer(t, v.DB)
		node.Clock.Later(v.Clock.Now().Sub(node.Clock.Now()))
		refresh := func(token string) appTokens {
			return tokensOfApp(t, node, url.Values{"grant_type": {"refresh_token"}, "client_id": {"app"}, "refresh_token": {token}})
		}
		userinfo := func(token string) int {
			anybody, bearer := idptest.NewBrowser(node, "en"), map[string]string{"Authorization": "Bearer " + token}
			return idptest.RequestAs(t, node, anybody, http.MethodGet, ownIssuer+"/userinfo", "", bearer).StatusCode
		}
		second := refresh(first.Refresh)
		if second.Refresh == "" || userinfo(second.Access) != http.StatusOK {
			t.Fatalf("%s: before: %+v", button, second)
		}
		b := idptest.NewBrowser(v.Server, "en")
		openSettings(t, b, settings+"/devices", "anna@example.org")
		if b.MustPress(t, button); b.Button("Remove device") != nil {
			b.MustPress(t, "Remove device")
		}
		if got := refresh(second.Refresh); got.Error != "invalid_grant" || userinfo(second.Access) != http.StatusUnauthorized {
			t.Errorf("%s: afterwards: %+v, userinfo %d", button, got, userinfo(second.Access))
		}
	}
}

// The app lives on after its session. What it has is shown to, and ended by, its owner only; and what is over leads
// back.
func TestForeignAccessIsNotTouched(t *testing.T) {
	v := withApp(newVisit(t))
	sid := map[string]string{}
	for _, who := range []string{"anna@example.org", "bram@example.org"} {
		phone := idptest.NewBrowser(v.Server, "en")
		phone.Agent = iPhone
		openApp(t, phone, who)
		if got := tokensOfApp(t, v.Server, redeemed(phone)); got.Refresh == "" {
			t.Fatalf("no tokens: %+v", got)
		}
		sid[who] = sessions(t, v.Server, who)[0].ID
	}
	v.Clock.Later(25 * time.Hour)
	lives := func(who string) int {
		a := idptest.Account(t, v.DB, who)
		all, err := v.DB.Access(t.Context(), "linde", a.ID, v.Clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	b := idptest.NewBrowser(v.Server, "en")
	openSettings(t, b, settings+"/devices", "anna@example.org")
	own := settings + "/devices/" + sid["anna@example.org"]
	for _, address := range []string{
		settings + "/devices/" + sid["bram@example.org"], settings + "/devices/" + sid["bram@example.org"] + "/app", settings + "/devices/4xq2m7nkc5vbz3hdtw6ysgjp7r/app",
		own + "/nobody", own + "/app/x", own + "/%2e%2e",
	} {
		b.MustOpen(t, address)
		if b.Status != http.StatusNotFound {
			t.Errorf("%s: %d", address, b.Status)
		}
		if err := b.Twice(url.Values{"do": {"end"}}, address); err != nil || b.Status != http.StatusNotFound {
			t.Errorf("%s: a form: %d %v", address, b.Status, err)
		}
	}
	if lives("anna@example.org") != 1 || lives("bram@example.org") != 1 {
		t.Fatal("access ended")
	}
	b.MustOpen(t, settings+"/devices")
	b.MustPress(t, "Remove iPhone")
	if b.URL.String() != own+"/app" {
		t.Errorf("asked at %s", b.URL)
	}
	b.MustTwice(t, url.Values{"do": {"continue"}}, own+"/app")
	b.MustBeAt(t, "/settings/devices")
	for _, over := range []string{own, own + "/app"} {
		b.MustOpen(t, over)
		b.MustBeAt(t, "/settings/devices")
	}
	recorded := events(t, v.Server, "anna@example.org", audit.GrantEnded)
	if len(recorded) != 1 || recorded[0].Party != "app" || recorded[0].Session != sid["anna@example.org"] || recorded[0].Actor != string(recorded[0].Account) {
		t.Errorf("recorded %+v", recorded)
	}
	if lives("anna@example.org") != 0 || lives("bram@example.org") != 1 {
		t.Error("the app lives, or somebody else's does not")
	}
}

// sessionOf is the one of two sessions that the button does not name: that of the browser which looks.
func sessionOf(own []authn.Session, base, action string) string {
	for _, s := range own {
		if base+s.ID != action {
			return s.ID
		}
	}
	return ""
}

func TestChangesInSettingsAreRecorded(t *testing.T) {
	v := newVisit(t)
	b := idptest.NewBrowser(v.Server, "en")
	openSettings(t, b, settings+"/language", "anna@example.org")
	sid := sessions(t, v.Server, "anna@example.org")[0].ID
	b.MustFill(t, "Nederlands", "nl")
	b.MustPress(t, "Save")
	b.MustOpen(t, settings+"/activity")
	b.MustPress(t, "Uitloggen op andere apparaten")
	b.MustOpen(t, settings)
	b.MustPress(t, "Uitloggen")
	for kind, reason := range map[audit.Kind]string{
		audit.SessionStarted: "password", audit.AccountChanged: "language", audit.AllSessionsEnded: "", audit.SessionEnded: "",
	} {
		recorded := events(t, v.Server, "anna@example.org", kind)
		if len(recorded) != 1 || recorded[0].Session != sid || recorded[0].Reason != reason || recorded[0].Actor != string(recorded[0].Account) ||
			recorded[0].Outcome != audit.Success || recorded[0].Reference == "" || recorded[0].Address != "192.0.2.1" {
			t.Errorf("%s: %+v", kind, recorded)
		}
	}
}

// A Well-Known URL for Changing Passwords (W3C): below each issuer, and at the root of a host that has one platform.
func TestPasswordManagersFindTheChangePage(t *testing.T) {
	v := newVisit(t)
	v.Declare(idptest.Demo{Name: "beuk", Issuer: "https://een.test/p/beuk"})
	for address, want := range map[string]string{
		ownIssuer + "/.well-known/change-password":                                                        settings + "/password",
		"https://id.test/p/wilg/.well-known/change-password":                                              "https://id.test/p/wilg/settings/password",
		"https://een.test/.well-known/change-password":                                                    "https://een.test/p/beuk/settings/password",
		"https://id.test/.well-known/change-password":                                                     "", // two platforms
		"https://evil.test/.well-known/change-password":                                                   "",
		"https://een.test/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200": "",
	} {
		res, err := v.Client().Get(address)
		if err != nil {
			t.Fatal(err)
		}
		wantStatus := http.StatusSeeOther
		if want == "" {
			wantStatus = http.StatusNotFound
		}
		if res.StatusCode != wantStatus || res.Header.Get("Location") != want {
			t.Errorf("%s: %d to %q, want %d to %q", address, res.StatusCode, res.Header.Get("Location"), wantStatus, want)
		}
	}
}
