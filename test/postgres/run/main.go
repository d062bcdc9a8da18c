// Command run starts a private, throw-away PostgreSQL for tests, if none runs, and prints how tests reach it:
//
//	eval "$(go run ./test/postgres/run)"        in the folder var/postgres
//	eval "$(go run ./test/postgres/run DIR)"    in DIR
//	go run ./test/postgres/run stop [DIR]       stops it and deletes it
//
// It syncs nothing to disk: what a crash leaves is worth nothing, and is deleted at the next start.
package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/minddistrict/idp/test/postgres"
)

// careless are settings under which nothing survives a crash, for as many connections as all tests together open.
var careless = []string{"max_connections=400", "fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_wal_size=4GB"}

func main() {
	args := os.Args[1:]
	stop := len(args) > 0 && args[0] == "stop"
	if stop {
		args = args[1:]
	}
	dir := filepath.Join("var", "postgres")
	if len(args) > 0 {
		dir = args[0]
	}
	if err := run(dir, stop); err != nil {
		fmt.Fprintln(os.Stderr, "test/postgres/run:", err)
		os.Exit(1)
	}
}

func run(dir string, stop bool) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil { // one at a time, until this one ends
		return err
	}
	address := filepath.Join(dir, "dsn")
	server, err := postgres.At(dir)
	if err != nil {
		return err
	}
	if stop {
		_ = os.Remove(address) // not there if it never ran
		return server.Delete()
	}
	dsn, err := os.ReadFile(address)
	if err != nil || !server.Running() {
		if dsn, err = start(server, dir); err != nil {
			return err
		}
		if err := os.WriteFile(address, dsn, 0o600); err != nil {
			return err
		}
	}
	fmt.Printf("export IDP_TEST_POSTGRES='%s'\n", dsn)
	return nil
}

// start makes the server anew and starts it.
func start(old *postgres.Server, dir string) ([]byte, error) {
	if err := old.Delete(); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	_, port, _ := net.SplitHostPort(l.Addr().String()) // it listens there
	_ = l.Close()                                      // it only found the number
	server, err := postgres.New(dir, port)
	if err != nil {
		return nil, err
	}
	return []byte(server.DSN), server.Start(slices.Clone(careless)...)
}
