package storage_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/storage"
)

func TestSQLite(t *testing.T) {
	keepsContract(t, idptest.SQLite)
}

func TestSQLiteFileIsMadeForItsOwnerOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "odd ?name%20.db")
	db, err := storage.Open(t.Context(), "sqlite:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }() // the file is what is looked at
	if err := db.SchemaError(t.Context()); !errors.Is(err, fault.Stale) {
		t.Errorf("empty database: got %v, want %v", err, fault.Stale)
	}
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("files: got %v, %v", files, err)
	}
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != 0o600 {
			t.Errorf("%s: got mode %o, want 600", file, got)
		}
	}
}

func TestOpenRefusesWhatItDoesNotKnow(t *testing.T) {
	for _, dsn := range []string{"", "sqlite:", "mysql://localhost/idp", "idp.db"} {
		if db, err := storage.Open(t.Context(), dsn); !errors.Is(err, fault.Invalid) {
			t.Errorf("%q: got %v, %v, want %v", dsn, db, err, fault.Invalid)
		}
	}
}

func TestDatabaseThatIsNotThereIsUnavailable(t *testing.T) {
	for _, dsn := range []string{"sqlite:" + filepath.Join(t.TempDir(), "no", "such", "folder"), "postgres://nobody:secret@127.0.0.1:1/idp"} {
		_, err := storage.Open(t.Context(), dsn)
		if err == nil {
			t.Fatalf("%q: opened", dsn)
		}
		if dsn[0] == 'p' && !errors.Is(err, fault.Unavailable) {
			t.Errorf("%q: got %v, want %v", dsn, err, fault.Unavailable)
		}
	}
}
