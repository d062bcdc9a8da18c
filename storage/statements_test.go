package storage_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/storage"
)

var counted = idptest.Demo{
	Parties: []string{
		"client_id: opaque, rotate_refresh_tokens: true", "client_id: jwt, id_token_alg: ES256, access_token: jwt",
		"client_id: machine, type: service, grant_types: [client_credentials], scopes: [api]",
	},
	Accounts: []string{
		"email: anna@example.org, name: { given: Anna, family: Bakker }",
		"email: bram@example.org, totp_secret: " + idptest.TOTPSecret,
	},
}

// newCounted is a server with them, whose parties have a page.
func newCounted(t *testing.T, db *storage.DB) *idptest.Server {
	s := idptest.NewServer(t, db)
	s.Declare(counted)
	s.Site("rp.test", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	return s
}

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
	s := newCounted(t, db)
	code := idptest.Code(t, idptest.TOTPSecret, s.Clock.Now())
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
		err := b.Open(idptest.HostIssuer + "/authorize?" + countedRequest("opaque").Encode())
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
		"client_id": {party}, "redirect_uri": {idptest.RedirectURI}, "response_type": {"code"}, "scope": {"openid email"}, "state": {"s"},
		"code_challenge": {idptest.Challenge}, "code_challenge_method": {"S256"},
	}
}

// codeForm redeems one.
func codeForm(code string) url.Values {
	return url.Values{
		"grant_type": {"authorization_code"}, "code": {code},
		"redirect_uri": {idptest.RedirectURI}, "code_verifier": {idptest.Verifier},
	}
}

func countStatements(t *testing.T, db *storage.DB, party string) {
	s := newCounted(t, db)
	anna := idptest.NewBrowser(s, "en")
	authorize := idptest.HostIssuer + "/authorize?" + countedRequest(party).Encode()
	idptest.LogIn(t, anna, authorize, "anna@example.org")
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
			form(codeForm(anna.URL.Query().Get("code")))()
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

func post(t *testing.T, s http.RoundTripper, path, party string, form url.Values, into any) {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, idptest.HostIssuer+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(party, idptest.PartySecret)
	ask(t, s, r, into)
}

func fetch(t *testing.T, s *idptest.Server, path, access string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, idptest.HostIssuer+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if access != "" {
		r.Header.Set("Authorization", "Bearer "+access)
	}
	ask(t, s, r, &struct{}{})
}

func ask(t *testing.T, s http.RoundTripper, r *http.Request, into any) {
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
