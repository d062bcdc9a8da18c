package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/minddistrict/idp/test/program"
)

// typed runs a command with standard input.
func (i *install) typed(input string, args ...string) program.Result {
	i.t.Helper()
	c := exec.CommandContext(i.t.Context(), program.Path(), args...)
	var out, errs strings.Builder
	c.Env, c.Dir, c.Stdin, c.Stdout, c.Stderr = i.Env, i.Dir, strings.NewReader(input), &out, &errs
	if err := c.Run(); err != nil && c.ProcessState == nil {
		i.t.Fatal(err)
	}
	return program.Result{Out: out.String(), Err: errs.String(), Code: c.ProcessState.ExitCode()}
}

func TestOperatorBuildsAFilterAndChecksPasswords(t *testing.T) {
	i := newInstall(t, "")
	list := i.File("list", "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:10437277\n7C4A8D09CA3762AF61E59520943DC26494F8941B:2\nkapper-lantaarn-molen-zeehond\n\n")
	var built struct{ Lines, Skipped, Records int }
	if i.read(&built, "passwords", "build-filter", list, "new.filter", "--at-least", "3"); built != (struct{ Lines, Skipped, Records int }{4, 2, 2}) {
		t.Errorf("built %+v", built)
	}
	if r := i.typed("kapper-lantaarn-molen-zeehond\n", "passwords", "build-filter", "-", "typed.filter"); r.Code != 0 || r.Out != "1 passwords of 1 lines, 0 left out.\n" {
		t.Errorf("from standard input: %+v", r)
	}
	i.refused(1, "no such file", "passwords", "build-filter", "nowhere", "x.filter")
	i.refused(1, "no such file", "passwords", "build-filter", list, "nowhere/x.filter")
	i.refused(2, "accepts 2 arg(s)", "passwords", "build-filter", list)

	for _, tt := range []struct {
		password, want string
		flags          []string
	}{
		{annasWords, "", nil},
		{"kapper-lantaarn-molen-zeehond", "", nil},
		{"kapper-lantaarn-molen-zeehond", "it became known", []string{"--filter", "new.filter"}},
		{"kort!", "it is too short", nil},
		{strings.Repeat("kapper-", 50), "it is too long", nil},
		{"", "it is empty", nil},
		{"kapperlantaarnmolen", "it has too few characters that are neither letter nor digit", nil},
		{"Welkom2026!!!!", "it is easy to guess", nil},
		{"Vlierboom-2026", "it is easy to guess", []string{"--word", "De Vlierboom"}},
		{"IDrink3CoffeePerDay!", "it became known, or was printed as an example", nil},
	} {
		r := i.typed(tt.password+"\n", append([]string{"passwords", "check"}, tt.flags...)...)
		switch {
		case tt.want == "" && (r.Code != 0 || r.Out != "The password is accepted.\n" || r.Err != ""):
			t.Errorf("%.30q %v: %+v", tt.password, tt.flags, r)
		case tt.want != "" && (r.Code != 1 || r.Out != "" || !strings.HasPrefix(r.Err, "idp: the password is refused: "+tt.want)):
			t.Errorf("%.30q %v: %+v", tt.password, tt.flags, r)
		case tt.password != "" && strings.Contains(r.Out+r.Err, tt.password):
			t.Errorf("%.30q is shown", tt.password)
		}
	}
	if r := i.typed("Welkom2026!!!!", "passwords", "check", "-o", "json"); r.Code != 1 || strings.Join(strings.Fields(r.Out), "") != `{"accepted":false,"mistake":"guess"}` {
		t.Errorf("as JSON: %+v", r)
	}
}

// A damaged filter is found at the start, in one sentence, and not when somebody chooses a password.
func TestServerRefusesADamagedFilter(t *testing.T) {
	i := newInstall(t, "")
	i.setUp()
	path := filepath.Join(i.Dir, "passwords.filter")
	i.OK("passwords", "build-filter", i.File("list", "a\nb\nc\n"), path)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)-1] ^= 1
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ path, want string }{
		{path, "idp: passwords.filter: " + path + ": invalid: password filter: it is damaged; build it again with idp passwords build-filter\n"},
		{"/nowhere/x", "idp: passwords.filter: open /nowhere/x: no such file or directory\n"},
	} {
		if r := i.with("IDP_PASSWORDS__FILTER=" + tt.path).Run("serve"); r.Code != 1 || !strings.HasSuffix(r.Err, tt.want) {
			t.Errorf("%s: %+v", tt.path, r)
		}
	}
}
