package storage_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/pquerna/otp/totp"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/storage"
)

const (
	countedIssuer   = "https://login.linde.test"
	countedRedirect = "https://rp.test/cb"
	countedSecret   = "s7Q2vJ9xN4kTzW1mB8cRfL0yHdE5uGaPq3iXoV6tCjM"
	countedHouse    = `
platforms:
  - name: linde
    issuer: https://login.linde.test
    organisation: GGZ De Linde
    home_url: https://linde.test/home
    parties:
      - { client_id: opaque, secret: ` + countedSecret + `, redirect_uris: ["` + countedRedirect + `"], rotate_refresh_tokens: true }
      - { client_id: jwt, secret: ` + countedSecret + `, redirect_uris: ["` + countedRedirect + `"], id_token_alg: ES256, access_token: jwt }
      - { client_id: machine, type: service, secret: ` + countedSecret + `, grant_types: [client_credentials], scopes: [api] }
    accounts:
      - { email: anna@example.org, password: "` + idptest.Password + `", name: { given: Anna, family: Bakker } }
      - { email: bram@example.org, password: "` + idptest.Password + `", totp_secret: ` + idptest.TOTPSecret + ` }
`
)

// Statements are most of what a request costs, and each one that writes waits for the disk: their number is a promise.
func TestStatementsPerRequest(t *testing.T) {
	idptest.EachDatabase(t, func(t *testing.T, db *storage.DB) {
		for _, party := range []string{"opaque", "jwt"} {
			t.Run(party, func(t *testing.T) { countStatements(t, db, party) })
		}
	})
}

// What a login asks while its account's row is locked is what two logins of one person wait for.
func TestStatementsOfALogin(t *testing.T) {
	db := idptest.SQLite(t)
	s := idptest.NewServer(t, db)
	s.Apply(countedHouse)
	s.Site("rp.test", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	code, err := totp.GenerateCode(idptest.TOTPSecret, s.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	var seen statements
	stop := db.Watch(seen.note)
	for _, row := range []struct {
		who           string
		forms         []map[string]string
		press         []string
		begun         int // writes of the request, before the first form
		reads, writes int // by the last form, until the party has its code
	}{
		{"anna", []map[string]string{{"Email address": "anna@example.org", "Password": idptest.Password}}, []string{"Log in"}, 1, 5, 14},
		{"bram", []map[string]string{{"Email address": "bram@example.org", "Password": idptest.Password}, {"Code": code}}, []string{"Log in", "Continue"}, 1, 5, 15},
	} {
		b := idptest.NewBrowser(s, "en")
		seen.reset()
		err := b.Open(countedIssuer + "/authorize?" + countedRequest("opaque").Encode())
		if _, writes := seen.count(); writes != row.begun {
			t.Errorf("%s: %d writes before the first form, want %d: %q", row.who, writes, row.begun, seen.all)
		}
		for i, form := range row.forms {
			for label, value := range form {
				err = errors.Join(err, b.Fill(label, value))
			}
			seen.reset()
			err = errors.Join(err, b.Press(row.press[i]))
		}
		if err != nil {
			t.Fatal(err)
		}
		if reads, writes := seen.count(); reads != row.reads || writes != row.writes {
			t.Errorf("%s: %d reads and %d writes, want %d and %d: %q", row.who, reads, writes, row.reads, row.writes, seen.all)
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// countedRequest asks for a code.
func countedRequest(party string) url.Values {
	return url.Values{
		"client_id": {party}, "redirect_uri": {countedRedirect}, "response_type": {"code"}, "scope": {"openid email"}, "state": {"s"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"},
	}
}

func countStatements(t *testing.T, db *storage.DB, party string) {
	s := idptest.NewServer(t, db)
	s.Apply(countedHouse)
	s.Site("rp.test", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	anna := idptest.NewBrowser(s, "en")
	authorize := countedIssuer + "/authorize?" + countedRequest(party).Encode()
	for _, err := range []error{
		anna.Open(authorize), anna.Fill("Email address", "anna@example.org"), anna.Fill("Password", idptest.Password), anna.Press("Log in"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}

	var seen statements
	stop := db.Watch(seen.note)
	defer func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	}()
	var got struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	form := func(values url.Values) func() { return func() { post(t, s, "/token", party, values, &got) } }
	// In this order: each needs what the ones before gave.
	for _, row := range []struct {
		what          string
		do            func()
		reads, writes int
	}{
		{"authorize with a session", func() {
			if err := anna.Open(authorize); err != nil {
				t.Fatal(err)
			}
		}, 1, 1},
		{"token", func() {
			form(url.Values{
				"grant_type": {"authorization_code"}, "code": {anna.URL.Query().Get("code")}, "redirect_uri": {countedRedirect},
				"code_verifier": {"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"},
			})()
		}, 0, 1},
		{"refresh", func() { form(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {got.Refresh}})() }, 0, 1},
		{"userinfo", func() { fetch(t, s, "/userinfo", got.Access) }, 1, 0},
		{"introspection", func() { post(t, s, "/introspect", party, url.Values{"token": {got.Access}}, &struct{}{}) }, 1, 0},
		{"discovery", func() { fetch(t, s, "/.well-known/openid-configuration", "") }, 0, 0},
		{"keys", func() { fetch(t, s, "/keys", "") }, 0, 0},
		{"client credentials", func() { post(t, s, "/token", "machine", url.Values{"grant_type": {"client_credentials"}}, &got) }, 0, 0},
	} {
		seen.reset()
		row.do()
		if reads, writes := seen.count(); reads != row.reads || writes != row.writes {
			t.Errorf("%s: %d reads and %d writes, want %d and %d: %q", row.what, reads, writes, row.reads, row.writes, seen.all)
		}
	}
}

func post(t *testing.T, s *idptest.Server, path, party string, form url.Values, into any) {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, countedIssuer+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(party, countedSecret)
	ask(t, s, r, into)
}

func fetch(t *testing.T, s *idptest.Server, path, access string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, countedIssuer+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if access != "" {
		r.Header.Set("Authorization", "Bearer "+access)
	}
	ask(t, s, r, &struct{}{})
}

func ask(t *testing.T, s *idptest.Server, r *http.Request, into any) {
	t.Helper()
	res, err := s.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.NewDecoder(res.Body).Decode(into); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %d %v", r.Method, r.URL, res.StatusCode, err)
	}
}

// statements are what the database was asked.
type statements struct {
	lock sync.Mutex // guards all
	all  []string
}

func (s *statements) note(text string) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.all = append(s.all, strings.TrimSpace(text))
}

func (s *statements) reset() {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.all = nil
}

// count tells reads from everything else, a BEGIN among it.
func (s *statements) count() (reads, others int) {
	s.lock.Lock()
	defer s.lock.Unlock()
	for _, text := range s.all {
		if strings.HasPrefix(text, "SELECT") {
			reads++
		} else {
			others++
		}
	}
	return reads, others
}
