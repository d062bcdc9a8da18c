// Package postgres makes PostgreSQL servers that are thrown away: for tests, for measurements, and to be killed.
//
// PostgreSQL itself must be installed: initdb, postgres and pg_ctl, in the PATH or where packages put them. A Server
// listens on 127.0.0.1 only, with a password of its own. Where root asks, the account postgres runs it, because
// PostgreSQL refuses root.
package postgres

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/minddistrict/idp/internal/secret"
)

// Server is one PostgreSQL server: its files, and how it is reached.
type Server struct {
	Dir  string
	Port string
	DSN  string // of its database postgres
	bin  string
	as   *syscall.Credential // who runs it
}

// New makes a server in a folder, which is made if it is not there, for a port that nobody listens on. It starts nothing.
func New(dir, port string) (*Server, error) {
	s, err := At(dir)
	if err != nil {
		return nil, err
	}
	s.Port = port
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	password, file := secret.ID(), filepath.Join(dir, "superuser")
	if err := os.WriteFile(file, []byte(password), 0o600); err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(file) }() // the server has it now
	if err := Give(s.as, dir, file); err != nil {
		return nil, err
	}
	init := s.Command("initdb", "-D", s.data(), "-U", "postgres", "-A", "scram-sha-256", "--pwfile="+file,
		"-E", "UTF8", "--locale=C", "--no-sync")
	if out, err := init.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb (the account postgres must reach %s): %w\n%s", dir, err, out)
	}
	s.DSN = "postgres://postgres:" + password + "@127.0.0.1:" + port + "/postgres?sslmode=disable"
	return s, nil
}

// At is a server whose files are in a folder already: to stop it.
func At(dir string) (*Server, error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	as, err := Account()
	return &Server{Dir: dir, bin: bin, as: as}, err
}

// Running reports whether the server's first process runs.
func (s *Server) Running() bool {
	return s.Command("pg_ctl", "-D", s.data(), "status").Run() == nil
}

// Serve is the server as a process that goes on, with settings (name=value). Without any it syncs each commit, as
// PostgreSQL does. What it writes is for the caller to take.
func (s *Server) Serve(settings ...string) *exec.Cmd {
	return s.Command("postgres", append([]string{"-D", s.data()}, s.options(settings)...)...)
}

// Start starts the server beside the calling program, which may end before it, and waits until it accepts connections.
// What it writes goes to the file log.
func (s *Server) Start(settings ...string) error {
	line := ""
	for _, option := range s.options(settings) {
		line += " '" + option + "'"
	}
	start := s.Command("pg_ctl", "-D", s.data(), "-l", filepath.Join(s.Dir, "log"), "-w", "-t", "60", "-o", line, "start")
	if err := start.Run(); err != nil { // without a pipe, which the server would keep open
		said, _ := os.ReadFile(filepath.Join(s.Dir, "log"))
		return fmt.Errorf("starting PostgreSQL: %w\n%s", err, said)
	}
	return nil
}

// PID is the number of the first process of what Start started.
func (s *Server) PID() (int, error) {
	text, err := os.ReadFile(filepath.Join(s.data(), "postmaster.pid"))
	if err != nil {
		return 0, err
	}
	first, _, _ := strings.Cut(string(text), "\n")
	return strconv.Atoi(first)
}

// Delete ends what Start started, and deletes its files.
func (s *Server) Delete() error {
	if s.Running() {
		if err := s.Command("pg_ctl", "-D", s.data(), "-m", "immediate", "-w", "stop").Run(); err != nil {
			return fmt.Errorf("stopping PostgreSQL: %w", err)
		}
	}
	return errors.Join(os.RemoveAll(s.data()), os.RemoveAll(filepath.Join(s.Dir, "log")))
}

func (s *Server) options(settings []string) []string {
	options := []string{"-h", "127.0.0.1", "-p", s.Port, "-k", ""}
	for _, setting := range settings {
		options = append(options, "-c", setting)
	}
	return options
}

// Command is a program of PostgreSQL, run by whoever runs the server.
func (s *Server) Command(name string, args ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(s.bin, name), args...)
	c.SysProcAttr, c.Dir = &syscall.SysProcAttr{Credential: s.as}, s.Dir
	return c
}

func (s *Server) data() string { return filepath.Join(s.Dir, "data") }

// Account is who runs PostgreSQL where root asks: the account postgres, which its package made. For anybody else it is
// nil: whoever asks runs it.
func Account() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		return nil, err
	}
	uid, errUID := strconv.Atoi(account.Uid)
	gid, errGID := strconv.Atoi(account.Gid)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, errors.Join(errUID, errGID)
}

// Give gives files to an account; nil: they stay whose they are.
func Give(to *syscall.Credential, files ...string) error {
	if to == nil {
		return nil
	}
	for _, file := range files {
		if err := os.Chown(file, int(to.Uid), int(to.Gid)); err != nil {
			return err
		}
	}
	return nil
}

// programs is the folder with the programs of the newest PostgreSQL.
func programs() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	newest, dir := 0.0, ""
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin/initdb", "/usr/pgsql-*/bin/initdb",
		"/opt/homebrew/opt/postgresql*/bin/initdb", "/usr/local/opt/postgresql*/bin/initdb",
	} {
		found, _ := filepath.Glob(pattern) // the pattern is right
		for _, path := range found {
			if v := version(path); dir == "" || v > newest {
				newest, dir = v, filepath.Dir(path)
			}
		}
	}
	if dir == "" {
		return "", errors.New("PostgreSQL is not installed (no initdb found)")
	}
	return dir, nil
}

// version is the number in the name of the folder above that of a program: 17 of /usr/lib/postgresql/17/bin/initdb.
func version(path string) float64 {
	name := filepath.Base(filepath.Dir(filepath.Dir(path)))
	for i := range name {
		if v, err := strconv.ParseFloat(name[i:], 64); err == nil && v > 0 {
			return v
		}
	}
	return 0
}
