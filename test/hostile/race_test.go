//go:build race

package hostile_test

// onSQLite is how many hostile requests SQLite gets: under the race detector it is 13 to 30 times slower, because it is
// Go code too. PostgreSQL gets all of them.
const onSQLite = 4_000
