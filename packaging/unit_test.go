package packaging_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/keys"
)

// nobody is the user that the tests give to DynamicUser.
const nobody = 65534

// unitOf reads the settings of a unit; those that may repeat have several values.
func unitOf(t *testing.T, text string) map[string][]string {
	t.Helper()
	unit := map[string][]string{}
	for line := range strings.Lines(text) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(line, "#") {
			unit[key] = append(unit[key], value)
		}
	}
	return unit
}

// The archive of `make release` is installed as docs/operating.md says, and the unit's command is run as systemd would:
// as a user without rights, with its folders, its credentials, and a socket to say that it is ready.
func TestReleaseServesAsTheUnitSays(t *testing.T) {
	root, dist := newJail(t, nobody), t.TempDir()
	release := exec.Command("go", "run", "./internal/release", "-dir", dist, "-targets", runtime.GOOS+"/"+runtime.GOARCH)
	release.Dir = ".."
	root.run(release)
	sums := exec.Command("sha256sum", "--check", "--strict", "SHA256SUMS")
	sums.Dir = dist
	root.run(sums)
	archives, err := filepath.Glob(filepath.Join(dist, "*.tar.gz"))
	if err != nil || len(archives) != 1 {
		t.Fatalf("archives: %v, %v", archives, err)
	}
	unpacked := t.TempDir()
	root.run(exec.Command("tar", "--extract", "--file", archives[0], "--directory", unpacked, "--strip-components=1"))
	for _, name := range []string{"man/man1/idp.1", "man/man1/idp-keys-rotate.1", "completions/idp.bash", "completions/_idp", "completions/idp.fish", "sbom.cdx.json", "example.yaml", "platforms.example.yaml", "docs/operating.md", "README.md", "CHANGELOG.md"} {
		if text := read(t, filepath.Join(unpacked, name)); len(text) < 200 {
			t.Errorf("%s has %d bytes", name, len(text))
		}
	}
	steps := regexp.MustCompile(`(?m)^install (?:-Dm644 )?([a-z]\S*) `).FindAllStringSubmatch(read(t, "../docs/operating.md"), -1)
	if len(steps) < 6 {
		t.Errorf("docs/operating.md installs %v only", steps)
	}
	for _, step := range steps {
		if found, err := filepath.Glob(filepath.Join(unpacked, step[1])); err != nil || len(found) == 0 {
			t.Errorf("docs/operating.md: %s: the archive has no %s (%v)", step[0], step[1], err)
		}
	}
	unit := unitOf(t, read(t, filepath.Join(unpacked, "idp.service")))

	j, port := root, freePort(t)
	j.put("/usr/local/bin/idp", read(t, filepath.Join(unpacked, "idp")), 0o755)
	j.put("/etc/idp/idp.yaml", "listen: \":"+port+"\"\noperator_listen: 127.0.0.1:"+freePort(t)+"\ntrusted_proxies: [127.0.0.1]\n", 0o644)
	source := map[string]string{"/etc/idp/database": idptest.EmptyPostgres(t) + "\n", "/etc/idp/master-keys": keys.NewMaster() + "\n"}
	for _, credential := range unit["LoadCredential"] {
		name, from, _ := strings.Cut(credential, ":")
		j.put("/run/credentials/idp.service/"+name, source[from], 0o400)
	}
	j.folder("/var/lib/" + unit["StateDirectory"][0])
	specifiers := strings.NewReplacer("%d", "/run/credentials/idp.service", "%S", "/var/lib")
	env := map[string]string{"NOTIFY_SOCKET": "/run/systemd/notify"}
	for _, entry := range strings.Fields(strings.Join(unit["Environment"], " ")) {
		name, value, _ := strings.Cut(specifiers.Replace(entry), "=")
		env[name] = value
	}
	directory, argv := specifiers.Replace(unit["WorkingDirectory"][0]), strings.Fields(unit["ExecStart"][0])
	idp := func(args ...string) *exec.Cmd { return j.command(directory, env, args...) }

	config := argv[len(argv)-2:] // --config FILE
	j.run(idp(append([]string{argv[0], "migrate"}, config...)...))
	apply := idp(append([]string{argv[0], "apply", "-"}, config...)...)
	apply.Stdin = strings.NewReader(platforms)
	j.run(apply)

	notify := filepath.Join(j.root, "run/systemd/notify")
	j.ok(os.MkdirAll(filepath.Dir(notify), 0o755))
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: notify, Net: "unixgram"})
	j.ok(err)
	defer func() { _ = manager.Close() }() // the test is over
	j.ok(os.Chmod(notify, 0o666))
	server := idp(argv...)
	j.start(server)
	j.ok(manager.SetReadDeadline(time.Now().Add(20 * time.Second)))
	told := make([]byte, 100)
	n, err := manager.Read(told)
	if err != nil || string(told[:n]) != "READY=1" || unit["Type"][0] != "notify" {
		t.Fatalf("told %q, %v; the unit's type is %s", told[:n], err, unit["Type"])
	}
	if status, body := discovery(t, port, "https"); status != 200 {
		t.Errorf("discovery: %d %s", status, body)
	}
	j.run(idp(append([]string{argv[0], "health"}, config...)...))
	j.stop(server)
}

// systemd finds no mistake in the unit, and calls its confinement good.
func TestUnitIsVerifiedAndConfined(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Fatal("no systemd-analyze on this machine: install systemd; it need not run")
	}
	dir := t.TempDir()
	text := read(t, "idp.service")
	here := strings.Replace(text, "ExecStart=/usr/local/bin/idp ", "ExecStart=/bin/true ", 1) // it wants the program to be there
	if err := os.WriteFile(filepath.Join(dir, "idp.service"), []byte(here), 0o644); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) string {
		t.Helper()
		c := exec.Command(analyze, args...)
		c.Dir, c.Env = dir, append(os.Environ(), "LC_ALL=C.UTF-8", "SYSTEMD_COLORS=0")
		out, err := c.CombinedOutput()
		if err != nil {
			t.Errorf("systemd-analyze %s: %v\n%s", args, err, out)
		}
		return string(out)
	}
	if out := run("verify", "--man=no", "./idp.service"); out != "" {
		t.Errorf("systemd-analyze verify: %s", out)
	}
	// 20: of 100; "OK" ends at 49 (systemd-analyze(1)). Ours is 12: what a server needs is network and a database.
	out := run("security", "--offline=true", "--threshold=20", "./idp.service")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	t.Log(lines[len(lines)-1])
}
