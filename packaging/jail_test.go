package packaging_test

import (
	"bytes"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// jail is a folder that a program takes for the whole machine: what is not in it is not there. Started by root, the
// program is confined to it and runs as another user, as in a container. Started by somebody else, who may not do
// that, paths are turned into ones below the folder; the program is then without rights by itself.
type jail struct {
	t    *testing.T
	root string
	uid  uint32
	free bool // not confined: the test is not run by root
}

func newJail(t *testing.T, uid uint32) *jail {
	t.Helper()
	root, err := os.MkdirTemp("", "jail") // t.TempDir is too long for a socket, and closed to other users
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(root) }) // left behind, it harms nobody
	j := &jail{t: t, root: root, uid: uid, free: os.Geteuid() != 0}
	j.ok(os.Chmod(root, 0o755))
	return j
}

func (j *jail) ok(err error) {
	j.t.Helper()
	if err != nil {
		j.t.Fatal(err)
	}
}

// put writes a file that the program may read and not write; a secret is its user's own.
func (j *jail) put(path, text string, mode os.FileMode) {
	j.t.Helper()
	path = filepath.Join(j.root, path)
	j.ok(os.MkdirAll(filepath.Dir(path), 0o755))
	j.ok(os.WriteFile(path, []byte(text), mode))
	if mode&0o007 == 0 && !j.free {
		j.ok(os.Chown(path, int(j.uid), int(j.uid)))
	}
}

// folder makes a folder that the program may write.
func (j *jail) folder(path string) {
	j.t.Helper()
	path = filepath.Join(j.root, path)
	j.ok(os.MkdirAll(path, 0o755))
	if !j.free {
		j.ok(os.Chown(path, int(j.uid), int(j.uid)))
	}
}

// below is a path as the program has to be told it.
func (j *jail) below(path string) string {
	if j.free && strings.HasPrefix(path, "/") {
		return filepath.Join(j.root, path)
	}
	return path
}

// command prepares a program of the jail with exactly this environment.
func (j *jail) command(dir string, env map[string]string, argv ...string) *exec.Cmd {
	c := &exec.Cmd{Path: j.below(argv[0]), Args: []string{argv[0]}, Dir: j.below(dir), Env: []string{}}
	for _, arg := range argv[1:] {
		c.Args = append(c.Args, j.below(arg))
	}
	for name, value := range env {
		c.Env = append(c.Env, name+"="+j.below(value))
	}
	if !j.free {
		c.SysProcAttr = &syscall.SysProcAttr{Chroot: j.root, Credential: &syscall.Credential{Uid: j.uid, Gid: j.uid}}
	}
	return c
}

// run runs a command to its end, which must be in order, and returns what it wrote.
func (j *jail) run(c *exec.Cmd) string {
	j.t.Helper()
	out, err := c.CombinedOutput()
	if err != nil {
		j.t.Fatalf("%s: %v\n%s", strings.Join(c.Args, " "), err, out)
	}
	return string(out)
}

// start starts a command that goes on; it ends with the test at the latest.
func (j *jail) start(c *exec.Cmd) *bytes.Buffer {
	j.t.Helper()
	var log bytes.Buffer // read once it ended
	c.Stdout, c.Stderr = &log, &log
	j.ok(c.Start())
	j.t.Cleanup(func() {
		if c.ProcessState == nil {
			_ = c.Process.Kill() // it ended meanwhile
			_ = c.Wait()         // killed
		}
		if j.t.Failed() {
			j.t.Logf("%s wrote:\n%s", strings.Join(c.Args, " "), &log)
		}
	})
	return &log
}

// stop asks a command to end, which it must in order.
func (j *jail) stop(c *exec.Cmd) {
	j.t.Helper()
	j.ok(c.Process.Signal(syscall.SIGTERM))
	if err := c.Wait(); err != nil {
		j.t.Errorf("stopping: %v", err)
	}
}

// soon waits until something holds.
func (j *jail) soon(what string, holds func() bool) {
	j.t.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			j.t.Fatalf("not %s", what)
		}
	}
}

// files lists everything in the jail.
func (j *jail) files() []string {
	j.t.Helper()
	var all []string
	j.ok(filepath.WalkDir(j.root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all = append(all, strings.TrimPrefix(path, j.root))
		}
		return err
	}))
	slices.Sort(all)
	return all
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
