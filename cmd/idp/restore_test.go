package main_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/storage"
)

// A backup, what happens after it, a restore into an empty database, and a sign-in there: with what docs/operating.md
// tells operators to run. What had ended since the backup stays ended, and so does everything else that people held.
func TestRestoredBackupRevivesNothing(t *testing.T) {
	for name, kind := range map[string]struct {
		dsn     func(*testing.T) string
		backup  func(t *testing.T, dsn, file string)
		restore func(t *testing.T, file, dsn string)
	}{
		"sqlite": {
			func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "idp.db") },
			vacuumInto,
			func(t *testing.T, file, dsn string) { command(t, "install", "-m", "0600", file, path(dsn)) },
		},
		"postgres": {
			func(t *testing.T) string { return idptest.EmptyPostgres(t) },
			func(t *testing.T, dsn, file string) {
				command(t, postgresTool(t, "pg_dump"), "--format=custom", "--file="+file, dsn)
			},
			func(t *testing.T, file, dsn string) {
				command(t, postgresTool(t, "pg_restore"), "--no-owner", "--single-transaction", "--dbname="+dsn, file)
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newInstall(t, kind.dsn(t))
			i.setUp()
			server := i.serve()
			anna, left, waiting := i.visitor(), i.visitor(), i.visitor()
			anna.signIn(i)
			left.signIn(i)
			waiting.open(http.MethodGet, i.authorize("linde-web", ""), nil)
			unspent := i.visitor()
			unspent.cookies = anna.cookies
			unspent.open(http.MethodGet, i.authorize("linde-web", "none"), nil)
			code := unspent.back.Get("code")
			if code == "" {
				t.Fatalf("no code: %v", unspent.back)
			}

			backup := filepath.Join(i.Dir, "backup")
			kind.backup(t, i.dsn(), backup)
			revoke := request(t, http.MethodPost, i.issuer+"/revoke", url.Values{"token": {left.refresh}})
			revoke.SetBasicAuth("linde-web", clientSecret)
			if status, _, body := do(t, revoke); status != http.StatusOK {
				t.Fatalf("revoke: %d %s", status, body)
			}
			server.Terminate()
			server.Ends(5 * time.Second)

			restored := kind.dsn(t)
			kind.restore(t, backup, restored)
			i = i.with("IDP_DATABASE=" + restored)
			if out := i.OK("restored"); !strings.HasPrefix(out, "Ended 2 sessions, 3 grants, ") {
				t.Errorf("restored: %q", out)
			}
			var again storage.Ended
			if i.read(&again, "restored"); again != (storage.Ended{}) {
				t.Errorf("restored again: %+v", again)
			}
			i.serve()
			for who, v := range map[string]*visitor{"anna": anna, "who had left": left} {
				if status, body := v.userinfo(); status != http.StatusUnauthorized {
					t.Errorf("access token of %s: %d %s", who, status, body)
				}
				if status, _, body := v.refreshed(); status != 400 || oauthError(body) != "invalid_grant" {
					t.Errorf("refresh token of %s: %d %s", who, status, body)
				}
				if got := v.silently(i); got != "login_requiredfalse" {
					t.Errorf("session of %s: %s", who, got)
				}
			}
			status, _, body := anna.token(url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirectURI}, "code_verifier": {verifier}})
			if status != 400 || oauthError(body) != "invalid_grant" {
				t.Errorf("code: %d %s", status, body)
			}
			waiting.submit(url.Values{"email": {"anna@example.org"}, "password": {annasWords}, "do": {"continue"}})
			if waiting.back.Get("code") != "" {
				t.Errorf("a login that had begun goes on: %v", waiting.back)
			}
			i.visitor().signIn(i)
		})
	}
}

func oauthError(body string) string {
	var e struct{ Error string }
	_ = json.Unmarshal([]byte(body), &e) // then there is no error code
	return e.Error
}

// vacuumInto is sqlite3 FILE "VACUUM INTO …", beside a server that goes on writing.
func vacuumInto(t *testing.T, dsn, file string) {
	t.Helper()
	db, err := storage.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }() // it was read only
	if _, err := db.SQL().Exec("VACUUM INTO $1", file); err != nil {
		t.Fatal(err)
	}
}

func path(dsn string) string { return strings.TrimPrefix(dsn, "sqlite:") }

// postgresTool is a program that comes with the newest PostgreSQL of this machine.
func postgresTool(t *testing.T, name string) string {
	t.Helper()
	if found, err := exec.LookPath(name); err == nil {
		return found
	}
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin/", "/usr/pgsql-*/bin/", "/opt/homebrew/opt/postgresql*/bin/", "/usr/local/opt/postgresql*/bin/"} {
		found, err := filepath.Glob(pattern + name)
		if err == nil && len(found) > 0 {
			return slices.Max(found)
		}
	}
	t.Fatalf("no %s on this machine: install PostgreSQL's programs", name)
	return ""
}

func command(t *testing.T, name string, args ...string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), name, args...)
	c.Env = append(os.Environ(), "LC_ALL=C")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}
