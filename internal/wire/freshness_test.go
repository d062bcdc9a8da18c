package wire_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/setup"
	"github.com/minddistrict/idp/internal/wire"
	"github.com/minddistrict/idp/keys"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/storage"
)

var twoHouses = []idptest.Demo{
	{Issuer: oneHouse.Issuer, Parties: append(slices.Clip(oneHouse.Parties), serviceParty)},
	{Name: "wilg", Issuer: "http://localhost/wilg", Parties: []string{serviceParty}},
}

const serviceParty = "client_id: service, type: service, grant_types: [client_credentials], scopes: [mood.read]"

// watched is a node whose clock moves when told to, and that looks at its settings when told to.
type watched struct {
	*wire.House
	t     *testing.T
	db    *storage.DB
	clock *idptest.Clock
	log   *idptest.LogBook
	look  func()
}

func newWatched(t *testing.T) watched {
	t.Helper()
	w := watched{t: t, db: idptest.SQLite(t), clock: idptest.NewClock(), log: &idptest.LogBook{}}
	for _, demo := range twoHouses {
		applyHouse(t, w.db, w.clock.Now(), demo)
	}
	w.House = build(t, w.db, w.clock.Now, slog.NewTextHandler(w.log, nil), fixedClock)
	w.look = func() { w.FollowAndTell(t.Context()) }
	return w
}

// later lets time pass, looking twice a second.
func (w watched) later(d time.Duration) {
	for range d / (500 * time.Millisecond) {
		w.clock.Later(500 * time.Millisecond)
		w.look()
	}
}

// run runs statements on the database, of which one changes the settings.
func (w watched) run(statements ...string) {
	w.t.Helper()
	for _, text := range append(statements, "UPDATE counters SET value = value + 1 WHERE name = 'settings'") {
		if _, err := w.db.SQL().ExecContext(w.t.Context(), text); err != nil {
			w.t.Fatalf("%s: %v", text, err)
		}
	}
}

// ask sends a request, as "GET /path" or "POST /path a=b", with the secret of a party; "" is none.
func (w watched) ask(request, party string) *httptest.ResponseRecorder {
	w.t.Helper()
	method, rest, _ := strings.Cut(request, " ")
	path, form, _ := strings.Cut(rest, " ")
	r := httptest.NewRequestWithContext(w.t.Context(), method, "http://localhost"+path, strings.NewReader(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if party != "" {
		r.SetBasicAuth(party, idptest.PartySecret)
	}
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, r)
	return rec
}

func (w watched) ready() int {
	rec := httptest.NewRecorder()
	w.Operator().ServeHTTP(rec, httptest.NewRequestWithContext(w.t.Context(), http.MethodGet, "/readyz", nil))
	return rec.Code
}

const (
	authorizeQuery = "client_id=linde-web&redirect_uri=https%3A%2F%2Frp.test%2Fcb&response_type=code&scope=openid&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"
	serviceToken   = "POST /token grant_type=client_credentials"
)

// What goes on when a node cannot read its settings: what harms nobody, and signing out. Whatever lets somebody in, or
// serves a party that may have been disabled, does not.
func TestNodeWithOldSettingsLetsNobodyIn(t *testing.T) {
	w := newWatched(t)
	id := strings.Repeat("a", 26)
	goesOn := []string{
		"GET /.well-known/openid-configuration", "GET /.well-known/oauth-authorization-server", "GET /keys", "GET /assets/app.css", "GET /", "GET /login",
		"GET /logout", "POST /logout do=logout", "GET /logged-out", "HEAD /authorize", "GET /none",
	}
	stops := []string{
		"GET /authorize?" + authorizeQuery, "GET /authorize?prompt=none&" + authorizeQuery, "POST /authorize " + authorizeQuery,
		"GET /authorize/continue?request=" + id, "GET /authorize/callback?request=" + id,
		"GET /login/" + id, "GET /login/" + id + "/password", "POST /login/" + id + "/password email=anna", "GET /login/" + id + "/stop", "POST /login/" + id + "/stop do=mail",
		"GET /link/" + id, "POST /link/" + id + " do=continue", "GET /forgot", "GET /settings", "GET /settings/password", "GET /settings/two-step", "POST /settings/two-step do=off",
		"GET /settings/devices", "POST /settings/devices do=all", "GET /settings/account",
	}
	machines := []string{
		serviceToken, "POST /token grant_type=authorization_code&code=x&redirect_uri=x", "POST /token grant_type=refresh_token&refresh_token=x",
		"POST /introspect token=x", "POST /revoke token=x", "POST /userinfo access_token=x",
	}
	party := func(request string) string {
		if strings.Contains(request, "userinfo") || !strings.HasPrefix(request, "POST /") || !strings.Contains("/token/introspect/revoke", strings.Fields(request)[1]) {
			return ""
		}
		return "service"
	}
	before := map[string]int{}
	for _, request := range append(append(append([]string{}, goesOn...), stops...), machines...) {
		before[request] = w.ask(request, party(request)).Code
		if before[request] >= 500 {
			t.Errorf("%s: %d while all is well", request, before[request])
		}
	}
	w.run("UPDATE platforms SET body = 'broken' WHERE id = 'wilg'")
	w.later(5 * time.Second)
	if got := w.ask(serviceToken, "service").Code; got != http.StatusOK || w.ready() != http.StatusOK {
		t.Errorf("settings of five seconds ago: %d", got)
	}
	w.later(500 * time.Millisecond)
	for _, request := range goesOn {
		if got := w.ask(request, "").Code; got != before[request] {
			t.Errorf("%s: %d, want %d as before", request, got, before[request])
		}
	}
	for _, request := range append(stops, machines...) {
		got := w.ask(request, party(request))
		if got.Code != http.StatusServiceUnavailable || got.Header().Get("Retry-After") == "" || strings.Contains(got.Header().Get("Set-Cookie"), "browser") {
			t.Errorf("%s: %d, Retry-After %q, want 503", request, got.Code, got.Header().Get("Retry-After"))
		}
		if strings.HasPrefix(request, "POST /token") && !strings.Contains(got.Body.String(), "temporarily_unavailable") {
			t.Errorf("%s: %s", request, got.Body)
		}
	}
	if w.ready() != http.StatusServiceUnavailable {
		t.Error("the node is ready")
	}
	w.run("UPDATE platforms SET body = (SELECT body FROM platforms WHERE id = 'linde') WHERE id = 'wilg'")
	w.later(500 * time.Millisecond)
	if got := w.ask(serviceToken, "service").Code; got != http.StatusOK || w.ready() != http.StatusOK {
		t.Errorf("after the row was mended: %d", got)
	}
}

// Not twice a second, and not once for each request: one line a minute says that nobody is let in, and why.
func TestOldSettingsAreToldOnceAMinute(t *testing.T) {
	w := newWatched(t)
	w.run("UPDATE platforms SET body = 'broken' WHERE id = 'wilg'")
	w.later(50 * time.Second)
	for range 20 {
		w.ask(serviceToken, "service")
		w.ask("GET /authorize?"+authorizeQuery, "")
	}
	w.later(5 * time.Second)
	lines := func(text string) int { return len(regexp.MustCompile(text).FindAllString(w.log.String(), -1)) }
	if warns, errs := lines("level=WARN"), lines(`level=ERROR msg="settings are too old: nobody is let in" age=5\.5s error=.*stored JSON`); warns != 1 || errs != 1 || lines("level=ERROR") != 1 {
		t.Errorf("%d warnings and %d errors in a minute, want one of each:\n%s", warns, errs, w.log)
	}
	w.later(time.Minute)
	if errs := lines("level=ERROR"); errs != 2 {
		t.Errorf("%d errors after two minutes, want 2", errs)
	}
	rec := httptest.NewRecorder()
	w.Operator().ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	if !strings.Contains(rec.Body.String(), "\nidp_settings_age_seconds 115\n") {
		t.Errorf("metrics: %s", regexp.MustCompile("idp_settings.*").FindAllString(rec.Body.String(), -1))
	}
}

// sealedElsewhere seals the signing keys of linde under a master key that this node has not.
func (w watched) sealedElsewhere() *keys.Sealer {
	w.t.Helper()
	foreign, err := keys.NewSealer([]byte("another master key of 32 bytes, yes"[:32]), []byte("a master key of 32 bytes for tests"[:32]))
	if err != nil {
		w.t.Fatal(err)
	}
	_, err = w.db.Reseal(w.t.Context(), audit.Event{At: w.clock.Now(), Kind: audit.MasterKeyRotated, Actor: "test", Outcome: audit.Success}, func(binding string, sealed []byte) ([]byte, error) {
		if !strings.HasPrefix(binding, "key/linde/") {
			return sealed, nil
		}
		plain, err := w.Sealer.Open(sealed, binding)
		return foreign.Seal(plain, binding), err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return foreign
}

// An answer that must be signed and cannot be uses nothing up: another node may give it.
func TestForeignKeyCostsNoSignedAnswer(t *testing.T) {
	w := newWatched(t)
	rec := w.ask("POST /par "+authorizeQuery+"&prompt=none&response_mode=jwt", "linde-web")
	_, uri, _ := strings.Cut(rec.Body.String(), `"request_uri":"`)
	uri, _, _ = strings.Cut(uri, `"`)
	w.sealedElsewhere()
	w.later(500 * time.Millisecond)
	for range 2 {
		if got := w.ask("GET /authorize?client_id=linde-web&request_uri="+uri, ""); got.Code != http.StatusServiceUnavailable {
			t.Errorf("%d %s, want 503", got.Code, got.Header())
		}
	}
	var open int
	if err := w.db.SQL().QueryRowContext(t.Context(), "SELECT COUNT(*) FROM pushed_requests WHERE answered_at IS NULL").Scan(&open); err != nil || open != 1 {
		t.Errorf("%d open requests, want 1 (%v)", open, err)
	}
}

// A key that was sealed under a master key that this node has not: its platform gives no tokens, everything else counts
// as soon as it is changed.
func TestForeignKeyHidesNoChangeOfSettings(t *testing.T) {
	w := newWatched(t)
	jwks := w.ask("GET /keys", "").Body.String()
	foreign := w.sealedElsewhere()
	if err := disable(w, foreign, "linde", "linde-web"); err != nil {
		t.Fatal(err)
	}
	w.later(500 * time.Millisecond)
	for request, want := range map[string]int{
		"POST /token grant_type=authorization_code&code=x&redirect_uri=x": http.StatusUnauthorized, // disabled
		serviceToken:                                              http.StatusServiceUnavailable,
		"GET /.well-known/openid-configuration":                   http.StatusOK,
		"GET /authorize?" + authorizeQuery:                        http.StatusBadRequest, // disabled
		"POST /introspect token=x":                                http.StatusOK,
		strings.Replace(serviceToken, "/token", "/wilg/token", 1): http.StatusOK,
	} {
		party := "service"
		if strings.Contains(request, "authorization_code") {
			party = "linde-web"
		}
		if got := w.ask(request, party); got.Code != want {
			t.Errorf("%s: %d %.200s, want %d", request, got.Code, got.Body, want)
		}
	}
	if got := w.ask("GET /keys", "").Body.String(); got != jwks {
		t.Errorf("published before: %s, now: %s", jwks, got)
	}
	if w.ready() != http.StatusOK {
		t.Error("the node is not ready, although it serves the other platforms")
	}
	w.later(59 * time.Second)
	told := regexp.MustCompile(`level=ERROR msg="signing key cannot be opened: its platform gives no tokens" platform=linde kid=\S+ error=".*master key that is not configured"`).FindAllString(w.log.String(), -1)
	if len(told) != 2 || strings.Contains(w.log.String(), "level=WARN") { // RS256 and ES256
		t.Errorf("told %d times in a minute, want once for each key:\n%s", len(told), w.log)
	}
	if _, err := wire.Build(t.Context(), w.Options); err == nil {
		t.Error("a node starts that cannot open a key")
	}
}

// disable is what an operator does elsewhere.
func disable(w watched, s *keys.Sealer, p platform.ID, party grant.PartyID) error {
	_, err := (setup.Tools{DB: w.db, Sealer: s, Now: w.clock.Now()}).Acts().DisableParty(w.t.Context(), p, party)
	return err
}
