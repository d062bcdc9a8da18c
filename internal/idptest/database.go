package idptest

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // registers the driver "pgx"

	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/storage"
	"github.com/minddistrict/idp/storage/migrations"
)

// SQLite opens a migrated database of the test's own, in a folder that goes with the test.
func SQLite(t testing.TB) *storage.DB {
	t.Helper()
	return open(t, "sqlite:"+migratedCopy(t))
}

// SQLiteNodes opens one migrated database n times, as n nodes do.
func SQLiteNodes(t testing.TB, n int) (nodes []*storage.DB) {
	t.Helper()
	dsn := "sqlite:" + migratedCopy(t)
	for range n {
		nodes = append(nodes, open(t, dsn))
	}
	return nodes
}

// PostgresNodes is SQLiteNodes for PostgreSQL.
func PostgresNodes(t testing.TB, n int) (nodes []*storage.DB) {
	t.Helper()
	dsn := EmptyPostgres(t)
	if err := migrate(dsn); err != nil {
		t.Fatal(err)
	}
	for range n {
		nodes = append(nodes, open(t, dsn))
	}
	return nodes
}

// EachDatabase runs a test on a database of each kind.
func EachDatabase(t *testing.T, test func(t *testing.T, db *storage.DB)) {
	t.Helper()
	for name, open := range map[string]func(testing.TB) *storage.DB{"sqlite": SQLite, "postgres": Postgres} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

// EachNodes runs a test on n nodes' connections with a database of each kind.
func EachNodes(t *testing.T, n int, test func(t *testing.T, nodes []*storage.DB)) {
	t.Helper()
	for name, open := range map[string]func(testing.TB, int) []*storage.DB{"sqlite": SQLiteNodes, "postgres": PostgresNodes} {
		t.Run(name, func(t *testing.T) { test(t, open(t, n)) })
	}
}

// migratedCopy is the path of a migrated SQLite file of the test's own.
func migratedCopy(t testing.TB) string {
	t.Helper()
	content, err := migratedFile()
	if err != nil {
		t.Fatalf("making a migrated SQLite file: %v", err)
	}
	path := filepath.Join(t.TempDir(), "idp.db")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// migratedFile is what an empty migrated SQLite database consists of; migrating once and copying is much faster.
var migratedFile = sync.OnceValues(func() (content []byte, err error) {
	dir, err := os.MkdirTemp("", "idptest")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // left behind, it harms nobody
	path := filepath.Join(dir, "idp.db")
	if err := migrate("sqlite:" + path); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// Postgres creates a migrated database of the test's own on the server that IDP_TEST_POSTGRES names, and drops it
// with the test.
func Postgres(t testing.TB) *storage.DB {
	t.Helper()
	server := PostgresServer(t)
	template, err := migratedTemplate()
	if err != nil {
		t.Fatalf("making a migrated PostgreSQL template: %v", err)
	}
	return open(t, createDatabase(t, server, " TEMPLATE "+template))
}

// EmptyPostgres is the address of a database like that of Postgres, without a schema: for tests of migrations.
func EmptyPostgres(t testing.TB) string {
	t.Helper()
	return createDatabase(t, PostgresServer(t), "")
}

func createDatabase(t testing.TB, server, template string) string {
	t.Helper()
	admin, err := sql.Open("pgx", server)
	if err != nil {
		t.Fatal(err)
	}
	name := "idp_test_" + secret.ID()
	if _, err := admin.Exec("CREATE DATABASE " + name + template); err != nil {
		t.Fatalf("creating a PostgreSQL database: %v", err)
	}
	t.Cleanup(func() {
		if _, err := admin.Exec("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Errorf("dropping a PostgreSQL database: %v", err)
		}
		_ = admin.Close() // the test is over
	})
	return onServer(server, name)
}

// PostgresServer is the server that IDP_TEST_POSTGRES names. Without one the test fails: it is never skipped.
func PostgresServer(t testing.TB) string {
	t.Helper()
	server := os.Getenv("IDP_TEST_POSTGRES")
	if server == "" {
		t.Fatal("IDP_TEST_POSTGRES is not set, so there is no PostgreSQL to test with: run make test, which starts one")
	}
	return server
}

// migratedTemplate makes the database that all others are copied from, once per server: its name contains the hash
// of the migrations, and an advisory lock lets the test binaries that run at once take turns.
var migratedTemplate = sync.OnceValues(func() (name string, err error) {
	server := os.Getenv("IDP_TEST_POSTGRES")
	hash := sha256.New()
	paths, err := fs.Glob(migrations.Files, "*.sql")
	if err != nil {
		return "", err
	}
	for _, path := range paths {
		text, err := migrations.Files.ReadFile(path)
		if err != nil {
			return "", err
		}
		_, _ = fmt.Fprintf(hash, "%s\x00%s\x00", path, text) // a hash takes everything
	}
	name = "idp_template_" + hex.EncodeToString(hash.Sum(nil)[:8])

	ctx := context.Background()
	pool, err := sql.Open("pgx", server)
	if err != nil {
		return "", err
	}
	defer func() { _ = pool.Close() }() // also gives the lock back
	admin, err := pool.Conn(ctx)
	if err != nil {
		return "", err
	}
	defer func() { _ = admin.Close() }() // as above
	if _, err := admin.ExecContext(ctx, "SELECT pg_advisory_lock(7468616)"); err != nil {
		return "", err
	}
	var found int
	// A template is marked when it is complete; one without the mark was left by a run that was stopped.
	if err := admin.QueryRowContext(ctx, "SELECT COUNT(*) FROM pg_database WHERE datname = $1 AND datistemplate", name).Scan(&found); err != nil || found > 0 {
		return name, err
	}
	for _, text := range []string{"DROP DATABASE IF EXISTS " + name, "CREATE DATABASE " + name} {
		if _, err := admin.ExecContext(ctx, text); err != nil {
			return "", err
		}
	}
	if err := migrate(onServer(server, name)); err != nil {
		return "", err
	}
	_, err = admin.ExecContext(ctx, "ALTER DATABASE "+name+" IS_TEMPLATE true")
	return name, err
})

// onServer is the address of another database of the same server.
func onServer(server, name string) string {
	u, err := url.Parse(server)
	if err != nil {
		return server // opening it tells what is wrong
	}
	u.Path = "/" + name
	return u.String()
}

// unhurried lets PostgreSQL take its time: how fast the machine is, is not what is tested.
func unhurried(dsn string) string {
	u, err := url.Parse(dsn)
	if err != nil || !strings.HasPrefix(u.Scheme, "postgres") {
		return dsn
	}
	q := u.Query()
	q.Set("answer_timeout", "60")
	q.Set("connect_timeout", "60")
	u.RawQuery = q.Encode()
	return u.String()
}

func migrate(dsn string) error {
	db, err := storage.Open(context.Background(), unhurried(dsn))
	if err != nil {
		return err
	}
	if err := db.Migrate(context.Background()); err != nil {
		_ = db.Close() // the first error is the one to tell
		return err
	}
	return db.Close()
}

func open(t testing.TB, dsn string) *storage.DB {
	t.Helper()
	db, err := storage.Open(t.Context(), unhurried(dsn))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("closing database: %v", err)
		}
	})
	return db
}
