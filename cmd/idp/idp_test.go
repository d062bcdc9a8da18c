package main_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/storage"
	"github.com/minddistrict/idp/test/program"
)

// These tests run the built program.Path(), as an operator does: arguments, variables, files and signals in; output, exit code
// and HTTP out.

func TestMain(m *testing.M) { os.Exit(program.Main(m)) }

// onBoth runs a test with an empty database of either kind.
func onBoth(t *testing.T, run func(*testing.T, *install)) {
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); run(t, newInstall(t, "")) })
	t.Run("postgres", func(t *testing.T) { t.Parallel(); run(t, newInstall(t, idptest.EmptyPostgres(t))) })
}

// install is one installation: a database, a master key, two ports.
type install struct {
	*program.Install
	t        *testing.T
	port     string
	issuer   string // of the platform linde
	operator string
}

// newInstall prepares an installation that listens on loopback without TLS. An empty dsn means SQLite.
func newInstall(t *testing.T, dsn string) *install {
	t.Helper()
	port, operatorPort := program.FreePort(t), program.FreePort(t)
	return &install{
		Install: program.NewInstall(t, dsn, "IDP_LISTEN=127.0.0.1:"+port, "IDP_OPERATOR_LISTEN=127.0.0.1:"+operatorPort),
		t:       t, port: port, issuer: "http://localhost:" + port, operator: "http://127.0.0.1:" + operatorPort,
	}
}

// with is the same installation with variables added; the last of a name counts.
func (i *install) with(env ...string) *install {
	other := *i
	other.Install = i.With(env...)
	return &other
}

const (
	clientSecret = idptest.PartySecret
	annasWords   = idptest.Password
	redirectURI  = "https://linde.example.net/callback"
)

// sample is a file for `idp apply`.
func (i *install) sample() string {
	return i.File("sample.yaml", `platforms:
  - name: linde
    issuer: `+i.issuer+`
    organisation: GGZ De Linde
    home_url: https://linde.example.net
    parties:
      - client_id: linde-web
        secret: `+clientSecret+`
        redirect_uris: [`+redirectURI+`]
        id_token_alg: ES256
    accounts:
      - email: anna@example.org
        name: { given: Anna, family: Bakker }
        password: "`+annasWords+`"
`)
}

// setUp migrates and applies the sample.
func (i *install) setUp() {
	i.t.Helper()
	i.OK("migrate")
	i.OK("apply", i.sample())
}

// withApp gives anna an authenticator app, and what else is said.
func (i *install) withApp(more string) {
	i.t.Helper()
	account := "email: anna@example.org, totp_secret: " + idptest.TOTPSecret + more
	i.OK("apply", i.File("app.yaml", "platforms: [ { name: linde, accounts: [ { "+account+" } ] } ]"))
}

// inDatabase does something beside the program.
func (i *install) inDatabase(do func(db *storage.DB) error) {
	i.t.Helper()
	db, err := storage.Open(i.t.Context(), i.dsn())
	if err == nil {
		err = errors.Join(do(db), db.Close())
	}
	if err != nil {
		i.t.Fatal(err)
	}
}

// read runs a command that must print one JSON document, and reads it strictly.
func (i *install) read(into any, args ...string) {
	i.t.Helper()
	out := i.OK(append(args, "--output", "json")...)
	d := json.NewDecoder(strings.NewReader(out))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil || d.More() {
		i.t.Fatalf("idp %s: %v in\n%s", strings.Join(args, " "), err, out)
	}
}

// refused runs a command that must fail with this exit code and one sentence.
func (i *install) refused(code int, want string, args ...string) {
	i.t.Helper()
	r := i.Run(args...)
	if r.Code != code || !strings.HasPrefix(r.Err, "idp: ") || !strings.Contains(r.Err, want) || strings.Count(r.Err, "\n") != 1 || r.Out != "" {
		i.t.Errorf("idp %s: exit %d, want %d with one line that contains %q:\n%s%s", strings.Join(args, " "), r.Code, code, want, r.Err, r.Out)
	}
}

// start starts a command that goes on.
func (i *install) start(args ...string) *program.Process {
	i.t.Helper()
	unhurried := *i.Install
	unhurried.Env = append([]string{"IDP_SHUTDOWN_GRACE=4s"}, i.Env...) // a stop serves on for a quarter of it; a test may say otherwise
	return unhurried.Start(args)
}

// serve starts the server and waits until it is ready.
func (i *install) serve() *program.Process {
	i.t.Helper()
	p := i.start("serve")
	p.Soon(10*time.Second, "ready", func() bool {
		status, _, _ := get(i.t, i.operator+"/readyz")
		return status == http.StatusOK
	})
	return p
}
