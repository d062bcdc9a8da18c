//go:build clients && more

package clients_test

import (
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/test/program"
)

// TestMoreClients runs the clients that `make test` leaves out: their sections are those of later.
func TestMoreClients(t *testing.T) {
	t.Cleanup(func() { results.explain(t, "idp serve") }) // runs last
	h := newHouse(t, idptest.EmptyPostgres(t))
	registerJournal(t, h)
	for name, run := range map[string]func(*testing.T, *house){"django-allauth": allauth, "Authlib": authlib, "Auth.js": authjs, "Rust": rust, "Spring Boot 4": springFour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			t.Cleanup(func() { results.explain(t, name) })
			run(t, h)
		})
	}
	t.Cleanup(func() {
		all := flag.Lookup("test.run").Value.String() == t.Name() // not one of them alone
		for _, b := range guide.untaken(t) {
			if all && !t.Failed() && isLater(b) {
				t.Errorf("docs/clients.md:%d: nobody ran this block of %q", b.line, b.section)
			}
		}
	})
}

func allauth(t *testing.T, h *house) {
	_, port, _ := strings.Cut(program.FreeAddress(t), ":")
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
	_, port, _ := strings.Cut(program.FreeAddress(t), ":")
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

func authjs(t *testing.T, h *house) {
	_, port, _ := strings.Cut(program.FreeAddress(t), ":")
	origin := "http://localhost:" + port
	h.registers(t, authjsSection, 0, origin)
	dir := moduleFolder(t, filepath.Join(authjsTools, "node_modules"), map[string]string{"app.mjs": h.documented(t, authjsSection, "js", 0, origin)})
	cmd := exec.Command(node(t), "app.mjs")
	cmd.Dir = dir
	served := start(t, "Auth.js", cmd, []string{"PORT=" + port, "AUTH_URL=" + origin, "NODE_EXTRA_CA_CERTS=" + h.Authority}, func() error { return h.answers(origin + "/auth/providers") })
	served.simple = true
	c := client{t, "Express, Auth.js", authjsVersion(t, "express") + ", " + authjsVersion(t, "@auth/express")}
	c.check("login: code with PKCE, claims of userinfo; the second time the same person", func(t *testing.T) {
		var known []any
		for range 2 {
			v := h.visitor("")
			v.visit(t, origin+"/diary")
			v.MustPress(t, "Sign in with De Linde")
			v.signInHere(t)
			var person map[string]any
			if err := json.Unmarshal([]byte(v.Body), &person); err != nil || v.URL.String() != origin+"/diary" {
				t.Fatalf("at %s (%d):\n%s", v.URL, v.Status, v.Body)
			}
			if person["email"] != annasEmail || person["name"] != "Anna van der Bakker" {
				t.Errorf("%v", person)
			}
			known = append(known, person["id"])
		}
		if known[0] != known[1] || known[0] == nil || known[0] == "" {
			t.Errorf("known by %v", known)
		}
	})
}

// springFour builds the site with the next major version of Spring Boot, and does all with it that `make test` does.
func springFour(t *testing.T, h *house) {
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "src"), os.DirFS(tools+"/spring/src")); err != nil {
		t.Fatal(err)
	}
	pom := strings.Replace(readFile(t, tools+"/spring/pom.xml"), "<version>"+springBootVersion(t)+"</version>", "<version>"+springFourVersion+"</version>", 1)
	if err := os.WriteFile(filepath.Join(dir, "pom.xml"), []byte(pom), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("mvn", "-q", "-B", "package")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("mvn: %v\n%s", err, out)
	}
	springSite(t, h, filepath.Join(dir, "target", "diary.jar"), springFourVersion)
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
