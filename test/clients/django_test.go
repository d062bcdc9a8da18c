//go:build clients

package clients_test

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/minddistrict/idp/test/program"
)

// djangoSection is where the document has it.
const djangoSection = "Django with mozilla-django-oidc"

// python is the folder of the project, and of what .ci/prepare installs for it.
const python = tools + "/django"

// startDjango serves the project of testdata/tools/django with what a reader adds to its files.
func startDjango(t *testing.T, h *house, port string, added map[string]string) {
	t.Helper()
	files := map[string]string{"wsgi.py": readFile(t, python+"/wsgi.py")}
	for _, name := range []string{"settings.py", "urls.py"} {
		files[name] = readFile(t, filepath.Join(python, name)) + "\n"
	}
	for name, text := range added {
		files[name] += text
	}
	startPython(t, h, "Django", "https://localhost:"+port+"/open", port, files)
}

// startPython serves the application of a folder with these files, until it answers at a page.
func startPython(t *testing.T, h *house, what, page, port string, files map[string]string) {
	t.Helper()
	dir := t.TempDir()
	files["serve.py"] = readFile(t, python+"/serve.py")
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(interpreter(t), "serve.py")
	cmd.Dir = dir
	served := start(t, what, cmd, []string{"PORT=" + port, "CERTIFICATE=" + h.Chain, "KEY=" + h.Key, "REQUESTS_CA_BUNDLE=" + h.Authority},
		func() error { return h.answers(page) })
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the log of %s:\n%s", what, served.Log.String())
		}
	})
}

// interpreter is the one of the virtual environment with the packages.
func interpreter(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(python, "venv", "bin", "python"))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

var pinned = regexp.MustCompile(`(?m)^([A-Za-z0-9_.-]+)==([0-9.]+)`)

// pythonVersion is the version of a package of Python that .ci/prepare installs.
func pythonVersion(t *testing.T, name string) string {
	t.Helper()
	for _, row := range pinned.FindAllStringSubmatch(readFile(t, python+"/requirements.txt"), -1) {
		if strings.EqualFold(row[1], name) {
			return row[2]
		}
	}
	t.Fatalf("%s is not in requirements.txt", name)
	return ""
}

func django(t *testing.T, h *house) {
	_, port, _ := strings.Cut(program.FreeAddress(t), ":")
	origin := "https://localhost:" + port
	h.registers(t, djangoSection, 0, origin)
	startDjango(t, h, port, map[string]string{
		"settings.py": h.documented(t, djangoSection, "python", 0, origin),
		"people.py":   h.documented(t, djangoSection, "python", 1, origin),
		"urls.py":     h.documented(t, djangoSection, "python", 2, origin),
	})
	c := client{t, "Django, mozilla-django-oidc", pythonVersion(t, "Django") + ", " + pythonVersion(t, "mozilla-django-oidc")}
	v := h.visitor("")
	var first map[string]string
	see := func(t *testing.T) (person map[string]string) {
		t.Helper()
		if err := json.Unmarshal([]byte(v.Body), &person); err != nil || v.Status != http.StatusOK || v.URL.String() != origin+"/diary" {
			t.Fatalf("at %s (%d):\n%s", v.URL, v.Status, v.Body)
		}
		return person
	}
	c.check("login: code with PKCE, account by sub, claims of userinfo", func(t *testing.T) {
		v.signIn(t, origin+"/diary")
		if first = see(t); first["email"] != annasEmail || first["family_name"] != "Bakker" || first["username"] == "" {
			t.Errorf("%v", first)
		}
	})
	c.check("logout: session ended here too, without a question", func(t *testing.T) {
		v.visit(t, origin+"/leave")
		v.MustPress(t, "Log out")
		if v.URL.String() != origin+"/open" || v.Body != "/open" {
			t.Fatalf("at %s (%d):\n%s", v.URL, v.Status, v.Body)
		}
	})
	c.check("the second time the same account", func(t *testing.T) {
		v.signIn(t, origin+"/diary")
		if again := see(t); again["username"] != first["username"] {
			t.Errorf("%v after %v", again, first)
		}
	})
}
