package storage

import (
	"context"
	"fmt"

	"github.com/pressly/goose/v3"

	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/storage/migrations"
)

// schemaTable is where the migrations that were applied are noted.
const schemaTable = "schema_versions"

// Migrate brings the schema to the version of this program, one transaction per step. On PostgreSQL several nodes
// may call it at once. A schema that is newer is left alone and is an error.
func (db *DB) Migrate(ctx context.Context) error {
	provider, err := db.migrations()
	if err != nil {
		return fail("migrating database", err)
	}
	found, wanted, err := db.schema(ctx, provider)
	if err == nil && found > wanted {
		err = newer(found, wanted)
	}
	if err == nil {
		_, err = provider.Up(ctx)
	}
	return fail("migrating database", err)
}

// SchemaError is nil when the schema is exactly that of this program; otherwise it says what to do. fault.Stale: the
// schema is older, and the program cannot work with it. fault.Refused: it is newer, so nothing starts on it; a server
// that runs already goes on, because a migration only adds what the release before does not mind.
func (db *DB) SchemaError(ctx context.Context) error {
	provider, err := db.migrations()
	if err != nil {
		return fail("reading schema version", err)
	}
	found, wanted, err := db.schema(ctx, provider)
	switch {
	case err != nil:
		return fail("reading schema version", err)
	case found > wanted:
		return newer(found, wanted)
	case found < wanted:
		return fmt.Errorf("%w: the database has schema version %d and this program needs %d: run idp migrate", fault.Stale, found, wanted)
	}
	return nil
}

func newer(found, wanted int64) error {
	return fmt.Errorf("%w: the database has schema version %d and this program knows up to %d: use the newer program", fault.Refused, found, wanted)
}

// migrations returns a fresh provider; goose keeps state in it that is not meant to be shared.
func (db *DB) migrations() (*goose.Provider, error) {
	options, err := db.dialect.migration()
	if err != nil {
		return nil, err
	}
	options = append(options, goose.WithTableName(schemaTable), goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	return goose.NewProvider(db.dialect.goose, db.batch.DB, migrations.Files, options...)
}

const selectSchemaVersion = `
SELECT COALESCE(MAX(version_id), 0)
FROM ` + schemaTable

// schema reads the version without creating anything, as goose would: 0 when the table is not there.
func (db *DB) schema(ctx context.Context, provider *goose.Provider) (found, wanted int64, err error) {
	for _, source := range provider.ListSources() {
		wanted = max(wanted, source.Version)
	}
	version, err := one(ctx, db.read, func(v *int64) []any { return []any{v} }, selectSchemaVersion)
	if missingTable(err) {
		return 0, wanted, nil
	}
	if err != nil {
		return 0, wanted, err
	}
	return *version, wanted, nil
}
