package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib" // registers the driver "pgx"

	"github.com/minddistrict/idp/internal/secret"
)

// postgres is a private PostgreSQL server that syncs every commit to disk, as a real one does.
type postgres struct {
	dir, bin string
	DSN      string
	PID      int // of the postmaster
}

// startPostgres makes and starts a server in a folder, on a CPU set as of taskset, with further settings.
func startPostgres(ctx context.Context, dir, cpus string, settings ...string) (*postgres, error) {
	bin, err := postgresBin()
	if err != nil {
		return nil, err
	}
	p := &postgres{dir: dir, bin: bin}
	password := secret.ID()
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "password")
	if err := os.WriteFile(file, []byte(password), 0o644); err != nil { // readable for the account that initdb runs as; of a server on loopback that is thrown away
		return nil, err
	}
	if os.Getuid() == 0 {
		if err := command(ctx, "chown", "-R", "postgres", dir); err != nil {
			return nil, err
		}
	}
	if err := p.as(ctx, cpus, "initdb", "-D", p.data(), "-U", "postgres", "-A", "scram-sha-256", "--pwfile="+file, "-E", "UTF8", "--locale=C", "--no-sync"); err != nil {
		return nil, err
	}
	options := "-h 127.0.0.1 -k '' -p " + port
	for _, s := range settings {
		options += " -c " + s
	}
	if err := p.as(ctx, cpus, "pg_ctl", "-D", p.data(), "-l", filepath.Join(dir, "log"), "-w", "-o", options, "start"); err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(filepath.Join(p.data(), "postmaster.pid"))
	if err != nil {
		return nil, err
	}
	first, _, _ := strings.Cut(string(raw), "\n")
	if p.PID, err = strconv.Atoi(first); err != nil {
		return nil, err
	}
	p.DSN = "postgres://postgres:" + password + "@127.0.0.1:" + port + "/postgres?sslmode=disable"
	return p, nil
}

// create adds a database and returns its address.
func (p *postgres) create(ctx context.Context, name string) (string, error) {
	db, err := sql.Open("pgx", p.DSN)
	if err != nil {
		return "", err
	}
	_, err = db.ExecContext(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize())
	return strings.Replace(p.DSN, "/postgres?", "/"+name+"?", 1), errors.Join(err, db.Close())
}

func (p *postgres) data() string { return filepath.Join(p.dir, "data") }

// stop ends the server and deletes everything of it.
func (p *postgres) stop(ctx context.Context) error {
	err := p.as(context.WithoutCancel(ctx), "", "pg_ctl", "-D", p.data(), "-m", "immediate", "-w", "stop")
	return errors.Join(err, os.RemoveAll(p.dir))
}

// as runs a program of PostgreSQL; root hands it to the account postgres, because it refuses to run as root.
func (p *postgres) as(ctx context.Context, cpus, program string, args ...string) error {
	line := append([]string{filepath.Join(p.bin, program)}, args...)
	if cpus != "" {
		line = append([]string{"taskset", "-c", cpus}, line...)
	}
	if os.Getuid() == 0 {
		line = append([]string{"runuser", "-u", "postgres", "--"}, line...)
	}
	return command(ctx, line[0], line[1:]...)
}

// postgresBin finds the newest initdb, in the PATH or where Debian and Red Hat put it.
func postgresBin() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin/initdb", "/usr/pgsql-*/bin/initdb"} {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return filepath.Dir(found[len(found)-1]), nil
		}
	}
	return "", errors.New("PostgreSQL is not installed (no initdb found)")
}

// command runs a program to its end, quietly unless it fails. Its output goes to a file, not a pipe, which a server that
// it leaves behind would keep open.
func command(ctx context.Context, name string, args ...string) error {
	out, err := os.CreateTemp("", "bench")
	if err != nil {
		return err
	}
	defer func() { _ = errors.Join(out.Close(), os.Remove(out.Name())) }() // left behind, it harms nobody
	c := exec.CommandContext(ctx, name, args...)
	c.Dir, c.Stdout, c.Stderr = "/", out, out
	if err := c.Run(); err != nil {
		said, _ := os.ReadFile(out.Name())
		return fmt.Errorf("%s: %w: %s", name, err, said)
	}
	return nil
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port, l.Close()
}
