//go:build clients

package clients_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// rustTools has what the program on Rust's openidconnect is built from, beside the document.
const rustTools = tools + "/rust"

var openidconnectLine = regexp.MustCompile(`(?m)^openidconnect = \{ version = "=([0-9.]+)"`)

// openidconnectVersion is the version of the library.
func openidconnectVersion(t *testing.T) string {
	t.Helper()
	found := openidconnectLine.FindStringSubmatch(readFile(t, rustTools+"/Cargo.toml"))
	if found == nil {
		t.Fatal("Cargo.toml has no version of openidconnect")
	}
	return found[1]
}

// rust builds the program that the document shows and signs Anna in with it. What it depends on is compiled once, into the
// folder that `make clients` keeps.
func rust(t *testing.T, h *house) {
	const origin = "http://localhost/rust"
	h.registers(t, rustSection, 0, origin)
	if cargo := readFile(t, rustTools+"/Cargo.toml"); !strings.HasSuffix(cargo, guide.block(t, rustSection, "toml", 0)) {
		t.Fatalf("Cargo.toml is not what docs/clients.md shows:\n%s", cargo)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"Cargo.toml":  readFile(t, rustTools+"/Cargo.toml"),
		"src/main.rs": h.documented(t, rustSection, "rust", 0, origin),
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	target, err := filepath.Abs(filepath.Join(rustTools, "target"))
	if err != nil {
		t.Fatal(err)
	}
	build := exec.Command("cargo", "build", "--quiet", "--release")
	build.Dir, build.Env = dir, append(os.Environ(), "CARGO_TARGET_DIR="+target)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("cargo (make clients installs it): %v\n%s", err, out)
	}
	c := client{t, "Rust, openidconnect", openidconnectVersion(t)}
	c.check("code with PKCE, ID token, userinfo", func(t *testing.T) {
		if said := rustSignIn(t, h, target, func(at string) string { return at }); !strings.HasSuffix(said, " "+annasEmail) || len(said) < len(annasEmail)+20 {
			t.Errorf("it said %q", said)
		}
	})
	c.check("an answer to another request is refused", func(t *testing.T) {
		for _, member := range []string{"state", "iss"} {
			changed := regexp.MustCompile(`([?&]` + member + `=)[^&]*`)
			said := rustSignIn(t, h, target, func(at string) string { return changed.ReplaceAllString(at, "${1}another") })
			if !strings.Contains(said, "an answer to another request") {
				t.Errorf("another %s: it said %q", member, said)
			}
		}
	})
}

// rustSignIn runs the program once, and returns its last line. between changes the address at which Anna comes back.
func rustSignIn(t *testing.T, h *house, target string, between func(string) string) string {
	t.Helper()
	cmd := exec.Command(filepath.Join(target, "release", "diary"))
	cmd.Env = []string{"SSL_CERT_FILE=" + h.Authority}
	in, errIn := cmd.StdinPipe()
	out, errOut := cmd.StdoutPipe()
	if errIn != nil || errOut != nil {
		t.Fatal(errIn, errOut)
	}
	cmd.Stderr = cmd.Stdout // one pipe for both
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := bufio.NewReader(out)
	address, err := said.ReadString('\n')
	if err != nil {
		t.Fatalf("no address: %v: %s", err, address)
	}
	v := h.visitor("http://localhost/rust/")
	fmt.Fprintln(in, between(v.signIn(t, strings.TrimSpace(address))))
	rest, err := io.ReadAll(said)
	if err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // what it said tells how it ended
	return strings.TrimSpace(string(rest))
}
