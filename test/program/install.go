package program

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/keys"
)

// commandTime is the longest that a command may run which ends by itself. How fast the machine is, is not what is tested.
const commandTime = time.Minute

// Install is one installation of the program.
type Install struct {
	T      testing.TB
	Dir    string   // where its commands run, and its files are
	Env    []string // of all its commands; the last of a name counts
	Master string   // the master key, as its file has it
}

// NewInstall prepares an installation on a database, with further variables (NAME=value). An empty dsn is SQLite in its
// folder.
func NewInstall(t testing.TB, dsn string, env ...string) *Install {
	t.Helper()
	i := &Install{T: t, Dir: t.TempDir(), Master: keys.NewMaster()}
	if dsn == "" {
		dsn = "sqlite:" + filepath.Join(i.Dir, "idp.db")
	}
	i.Env = append([]string{
		"HOME=" + i.Dir, "USER=operator", "PATH=/nowhere", "GORACE=atexit_sleep_ms=10", // instead of a second at each end
		"IDP_DATABASE=" + dsn, "IDP_MASTER_KEYS_FILE=" + i.File("master-keys", i.Master+"\n"),
	}, env...)
	return i
}

// With is the same installation with variables added.
func (i *Install) With(env ...string) *Install {
	other := *i
	other.Env = slices.Concat(i.Env, env)
	return &other
}

// File writes a file of the installation that only its owner may read, and returns its path.
func (i *Install) File(name, text string) string {
	i.T.Helper()
	file := filepath.Join(i.Dir, name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		i.T.Fatal(err)
	}
	return file
}

// Result is how a command ended.
type Result struct {
	Out, Err string
	Code     int
}

// Run runs a command to its end. A stack in what it writes fails the test.
func (i *Install) Run(args ...string) Result {
	i.T.Helper()
	ctx, done := context.WithTimeout(i.T.Context(), commandTime)
	defer done()
	c := exec.CommandContext(ctx, path, args...)
	var out, errs bytes.Buffer
	c.Env, c.Dir, c.Stdout, c.Stderr = i.Env, i.Dir, &out, &errs
	if err := c.Run(); err != nil && c.ProcessState == nil {
		i.T.Fatal(err)
	}
	r := Result{out.String(), errs.String(), c.ProcessState.ExitCode()}
	if bad := alarming(r.Err); bad != "" {
		i.T.Errorf("idp %s: %s in what it wrote:\n%s", strings.Join(args, " "), bad, r.Err)
	}
	return r
}

// OK runs a command that must work, and returns its output.
func (i *Install) OK(args ...string) string {
	i.T.Helper()
	r := i.Run(args...)
	if r.Code != 0 {
		i.T.Fatalf("idp %s: exit %d, %s%s", strings.Join(args, " "), r.Code, r.Err, r.Out)
	}
	return r.Out
}

// Start starts a command that goes on, with further variables. A stack or a data race in its log fails the test.
func (i *Install) Start(args []string, env ...string) *Process {
	i.T.Helper()
	c := exec.Command(path, args...)
	c.Env, c.Dir = slices.Concat(i.Env, env), i.Dir
	p := Start(i.T, "idp "+strings.Join(args, " "), c)
	i.T.Cleanup(func() {
		if bad := alarming(p.Log.String()); bad != "" {
			i.T.Errorf("%s in the log of %s:\n%s", bad, p.what, p.Log)
		}
	})
	return p
}

// alarming is what of a log is never right: "" if there is nothing.
func alarming(log string) string {
	for _, bad := range []string{"DATA RACE", "goroutine ", "panic"} {
		if strings.Contains(log, bad) {
			return bad
		}
	}
	return ""
}
