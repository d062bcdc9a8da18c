package idptest_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/storage"
)

var databases = map[string]func(testing.TB) *storage.DB{"sqlite": idptest.SQLite, "postgres": idptest.Postgres}

// TestJourneys runs every script of testdata/journeys on both databases in both languages.
func TestJourneys(t *testing.T) {
	scripts, err := filepath.Glob("../../testdata/journeys/*.txt")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, script := range scripts {
		name := strings.TrimSuffix(filepath.Base(script), ".txt")
		for db, open := range databases {
			for _, lang := range languages {
				t.Run(name+"/"+db+"/"+lang, func(t *testing.T) {
					t.Parallel()
					idptest.RunScript(t, script, open(t), lang)
				})
			}
		}
	}
}
