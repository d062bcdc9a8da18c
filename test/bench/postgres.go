package main

import (
	"context"
	"database/sql"
	"errors"
	"net"
	"os"
	"strings"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib" // registers the driver "pgx"

	"github.com/minddistrict/idp/test/postgres"
)

// privateDB is a private PostgreSQL server that syncs every commit to disk, as a real one does.
type privateDB struct {
	*postgres.Server
	PID int // of the postmaster
}

// startPostgres makes and starts a server in a folder, with further settings. It runs where this process was pinned.
func startPostgres(dir string, settings ...string) (*privateDB, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	server, err := postgres.New(dir, port)
	if err != nil {
		return nil, err
	}
	if err := server.Start(settings...); err != nil {
		return nil, err
	}
	pid, err := server.PID()
	return &privateDB{server, pid}, err
}

// create adds a database and returns its address.
func (d *privateDB) create(ctx context.Context, name string) (string, error) {
	db, err := sql.Open("pgx", d.DSN)
	if err != nil {
		return "", err
	}
	_, err = db.ExecContext(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize())
	return strings.Replace(d.DSN, "/postgres?", "/"+name+"?", 1), errors.Join(err, db.Close())
}

// stop ends the server and deletes everything of it.
func (d *privateDB) stop() error { return errors.Join(d.Delete(), os.RemoveAll(d.Dir)) }

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port, l.Close()
}
