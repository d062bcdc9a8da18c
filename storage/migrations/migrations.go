// Package migrations holds the schema as steps, embedded in the binary.
//
// One subject per file, forward only, one text for PostgreSQL and SQLite; a file that was released is never edited. A
// release must run before and after its own migrations: add, fill, use, and drop only in the release after that.
// Package storage applies them (storage.DB.Migrate) and refuses to work with any other version
// (storage.DB.SchemaError).
package migrations

import "embed"

// Files are the steps, named NNNN_subject.sql.
//
//go:embed *.sql
var Files embed.FS
