package main

import (
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/storage"
)

// A house takes the assertions and proofs of the generator, in every scenario with keys.
func TestScenariosWithKeysWorkAtAHouse(t *testing.T) {
	for name, open := range map[string]func(testing.TB) *storage.DB{"sqlite": idptest.SQLite, "postgres": idptest.Postgres} {
		t.Run(name, func(t *testing.T) {
			p := houseWithKeys(t, open(t))
			for _, s := range scenarios {
				if s.beside == "" {
					continue
				}
				workers, err := prepared(p, p.Parties[s.role], s, 1)
				if err != nil {
					t.Fatalf("%s: %v", s.name, err)
				}
				w := workers[0]
				for range 2 {
					if err := s.do(w); err != nil {
						t.Errorf("%s: %v", s.name, err)
					}
				}
				if w.signing == 0 && s.name != "introspection_dpop" {
					t.Errorf("%s: nothing was signed", s.name)
				}
				w.close()
			}
		})
	}
}

// What a key protects does not work without it: what is measured is the path with keys.
func TestTokensOfTheScenariosAreBound(t *testing.T) {
	p := houseWithKeys(t, idptest.SQLite(t))
	for _, role := range []string{roleDPoP, roleFAPI} {
		workers, err := prepared(p, p.Parties[role], scenario{prepare: (*worker).signIn}, 1)
		if err != nil {
			t.Fatal(err)
		}
		w := workers[0]
		defer w.close()
		if r, err := w.do("GET", w.userinfo, "Bearer "+w.tokens.Access, nil); err != nil || r.status != http.StatusUnauthorized {
			t.Errorf("%s: a bound token works as a bearer token: %+v, %v", role, r, err)
		}
	}
}

// houseWithKeys is a house in process at an address on loopback, with the parties of a measurement.
func houseWithKeys(t *testing.T, db *storage.DB) *provider {
	t.Helper()
	s := idptest.NewServer(t, db)
	s.Clock.Later(now().Sub(s.Clock.Now())) // the generator's
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	over := httptest.Server{Listener: l, Config: &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}}
	over.Start()
	t.Cleanup(over.Close)
	with, text, err := withKeys()
	if err != nil {
		t.Fatal(err)
	}
	s.Apply(setUp(over.URL))
	s.Apply(text)
	p := newProvider("house", over.URL)
	maps.Copy(p.Parties, with)
	if err := p.discover(); err != nil {
		t.Fatal(err)
	}
	return p
}
