//go:build clients && more

package clients_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/idptest"
)

// TestMoreClients runs the clients that `make test` leaves out: their sections are those of later.
func TestMoreClients(t *testing.T) {
	t.Cleanup(func() { results.explain(t, "idp serve") }) // runs last
	h := newHouse(t, idptest.EmptyPostgres(t))
	for name, run := range map[string]func(*testing.T, *house){"django-allauth": allauth, "Authlib": authlib} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			t.Cleanup(func() { results.explain(t, name) })
			run(t, h)
		})
	}
	t.Cleanup(func() {
		for _, b := range guide.untaken(t) {
			if !t.Failed() && isLater(b) {
				t.Errorf("docs/clients.md:%d: nobody ran this block of %q", b.line, b.section)
			}
		}
	})
}

func allauth(t *testing.T, h *house) {
	_, port, _ := strings.Cut(freeAddress(t), ":")
	origin := "https://localhost:" + port
	h.registers(t, allauthSection, 0, origin)
	startDjango(t, h, port, map[string]string{
		"settings.py": h.documented(t, allauthSection, "python", 0, origin),
		"urls.py":     h.documented(t, allauthSection, "python", 1, origin),
	})
	c := client{t, "Django, django-allauth", pythonVersion(t, "Django") + ", " + pythonVersion(t, "django-allauth")}
	c.check("login: code with PKCE, claims of userinfo; the second time the same account", func(t *testing.T) {
		twice(t, h, origin, "username", false)
	})
}

func authlib(t *testing.T, h *house) {
	_, port, _ := strings.Cut(freeAddress(t), ":")
	origin := "https://localhost:" + port
	h.registers(t, authlibSection, 0, origin)
	startPython(t, h, "Flask", origin+"/open", port, map[string]string{
		"app.py":  h.documented(t, authlibSection, "python", 0, origin),
		"wsgi.py": "from app import app as application\n",
	})
	c := client{t, "Flask, Authlib", pythonVersion(t, "Flask") + ", " + pythonVersion(t, "Authlib")}
	c.check("login: code with PKCE, claims of userinfo; the second time the same person", func(t *testing.T) {
		twice(t, h, origin, "sub", true)
	})
}

// twice signs Anna in at a site with two browsers, and compares what the site knows her by. secure: its cookies are for TLS only.
func twice(t *testing.T, h *house, origin, key string, secure bool) {
	t.Helper()
	var known []any
	for range 2 {
		v := h.visitor("")
		v.signIn(t, origin+"/diary")
		var person map[string]any
		if err := json.Unmarshal([]byte(v.Body), &person); err != nil || v.Status != http.StatusOK || v.URL.String() != origin+"/diary" {
			t.Fatalf("at %s (%d):\n%s", v.URL, v.Status, v.Body)
		}
		if person["email"] != annasEmail || person["family_name"] != "Bakker" || person[key] == "" || person[key] == nil {
			t.Errorf("%v", person)
		}
		known = append(known, person[key])
		if secure && len(v.exposed) != 0 {
			t.Errorf("cookies without Secure: %v", v.exposed)
		}
	}
	if known[0] != known[1] {
		t.Errorf("known by %v", known)
	}
}
