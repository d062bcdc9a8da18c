package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/keys"
)

// These tests run the built binary, as an operator does: arguments, variables, files and signals in; output, exit code
// and HTTP out.

// binary is the path of the program under test.
var binary string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "idp")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }() // left behind, it harms nobody
	binary = filepath.Join(dir, "idp")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building idp: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// onBoth runs a test with an empty database of either kind.
func onBoth(t *testing.T, run func(*testing.T, *install)) {
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); run(t, newInstall(t, "")) })
	t.Run("postgres", func(t *testing.T) { t.Parallel(); run(t, newInstall(t, idptest.EmptyPostgres(t))) })
}

// install is one installation: a database, a master key, two ports.
type install struct {
	t        *testing.T
	dir      string
	port     string
	issuer   string // of the platform linde
	operator string
	env      []string // the environment of its commands: nothing of ours leaks in
}

// newInstall prepares an installation that listens on loopback without TLS. An empty dsn means SQLite.
func newInstall(t *testing.T, dsn string) *install {
	t.Helper()
	i := &install{t: t, dir: t.TempDir(), port: freePort(t)}
	if dsn == "" {
		dsn = "sqlite:" + filepath.Join(i.dir, "idp.db")
	}
	operatorPort := freePort(t)
	i.issuer, i.operator = "http://localhost:"+i.port, "http://127.0.0.1:"+operatorPort
	i.env = []string{
		"HOME=" + i.dir, "USER=operator", "PATH=/nowhere",
		"IDP_DATABASE=" + dsn,
		"IDP_MASTER_KEYS_FILE=" + i.file("master-keys", keys.NewMaster()+"\n"),
		"IDP_LISTEN=127.0.0.1:" + i.port,
		"IDP_OPERATOR_LISTEN=127.0.0.1:" + operatorPort,
	}
	return i
}

// with is the same installation with variables added; the last of a name counts.
func (i *install) with(env ...string) *install {
	other := *i
	other.env = append(append([]string{}, i.env...), env...)
	return &other
}

// file writes a file of the installation that only its owner may read.
func (i *install) file(name, text string) string {
	i.t.Helper()
	path := filepath.Join(i.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		i.t.Fatal(err)
	}
	return path
}

const (
	clientSecret = "s7Q2vJ9xN4kTzW1mB8cRfL0yHdE5uGaPq3iXoV6tCjM"
	annasWords   = "zeven paarse regenjassen drogen!"
	redirectURI  = "https://linde.example.net/callback"
)

// sample is a file for `idp apply`.
func (i *install) sample() string {
	return i.file("sample.yaml", `platforms:
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
	i.ok("migrate")
	i.ok("apply", i.sample())
}

// result is how a command ended.
type result struct {
	out, err string
	code     int
}

// run runs a command to its end.
func (i *install) run(args ...string) result {
	i.t.Helper()
	ctx, done := context.WithTimeout(i.t.Context(), 20*time.Second)
	defer done()
	c := exec.CommandContext(ctx, binary, args...)
	var out, errs bytes.Buffer
	c.Env, c.Dir, c.Stdout, c.Stderr = i.env, i.dir, &out, &errs
	if err := c.Run(); err != nil && c.ProcessState == nil {
		i.t.Fatal(err)
	}
	r := result{out.String(), errs.String(), c.ProcessState.ExitCode()}
	if strings.Contains(r.err, "goroutine ") || strings.Contains(r.err, "panic") {
		i.t.Errorf("idp %s shows a stack:\n%s", args, r.err)
	}
	return r
}

// ok runs a command that must work, and returns its output.
func (i *install) ok(args ...string) string {
	i.t.Helper()
	r := i.run(args...)
	if r.code != 0 {
		i.t.Fatalf("idp %s: exit %d, %s%s", strings.Join(args, " "), r.code, r.err, r.out)
	}
	return r.out
}

// read runs a command that must print one JSON document, and reads it strictly.
func (i *install) read(into any, args ...string) {
	i.t.Helper()
	out := i.ok(append(args, "--output", "json")...)
	d := json.NewDecoder(strings.NewReader(out))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil || d.More() {
		i.t.Fatalf("idp %s: %v in\n%s", strings.Join(args, " "), err, out)
	}
}

// refused runs a command that must fail with this exit code and one sentence.
func (i *install) refused(code int, want string, args ...string) {
	i.t.Helper()
	r := i.run(args...)
	if r.code != code || !strings.HasPrefix(r.err, "idp: ") || !strings.Contains(r.err, want) || strings.Count(r.err, "\n") != 1 || r.out != "" {
		i.t.Errorf("idp %s: exit %d, want %d with one line that contains %q:\n%s%s", strings.Join(args, " "), r.code, code, want, r.err, r.out)
	}
}

// process is a command that serves.
type process struct {
	t       *testing.T
	cmd     *exec.Cmd
	log     *syncBuffer // standard error
	out     *syncBuffer
	stopped chan struct{} // closed when it ended
}

// start starts a command that goes on.
func (i *install) start(args ...string) *process {
	i.t.Helper()
	p := &process{t: i.t, cmd: exec.Command(binary, args...), log: &syncBuffer{}, out: &syncBuffer{}, stopped: make(chan struct{})}
	p.cmd.Env, p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = append([]string{"IDP_SHUTDOWN_GRACE=4s"}, i.env...), i.dir, p.out, p.log // a stop serves on for a quarter of it
	if err := p.cmd.Start(); err != nil {
		i.t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // the exit code is in ProcessState
		close(p.stopped)
	}()
	i.t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // fails when it ended, as it should have
		<-p.stopped
		if i.t.Failed() {
			i.t.Logf("idp %s wrote:\n%s", strings.Join(args, " "), p.log)
		}
		if strings.Contains(p.log.String(), "goroutine ") {
			i.t.Errorf("a stack in the log:\n%s", p.log)
		}
	})
	return p
}

// serve starts the server and waits until it is ready.
func (i *install) serve() *process {
	i.t.Helper()
	p := i.start("serve")
	p.soon(10*time.Second, "ready", func() bool {
		status, _, _ := get(i.t, i.operator+"/readyz")
		return status == http.StatusOK
	})
	return p
}

// terminate sends SIGTERM.
func (p *process) terminate() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
}

// ended waits for the end and returns the exit code.
func (p *process) ended(within time.Duration) int {
	p.t.Helper()
	select {
	case <-p.stopped:
	case <-time.After(within):
		p.t.Fatalf("still running %s later:\n%s", within, p.log)
	}
	return p.cmd.ProcessState.ExitCode()
}

// soon waits until something holds, and fails the test when it does not in time or the process ended.
func (p *process) soon(within time.Duration, what string, holds func() bool) {
	p.t.Helper()
	for end := time.Now().Add(within); !holds(); time.Sleep(20 * time.Millisecond) {
		select {
		case <-p.stopped:
			p.t.Fatalf("not %s: it ended with %d:\n%s", what, p.cmd.ProcessState.ExitCode(), p.log)
		default:
		}
		if time.Now().After(end) {
			p.t.Fatalf("not %s within %s:\n%s", what, within, p.log)
		}
	}
}

// syncBuffer is written by the process while the test reads.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// freePort is a port of loopback that nobody listens on now.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }() // it only reserved the number
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
