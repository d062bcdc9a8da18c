//go:build race

package attack

// hostileSQLite is how many hostile requests SQLite gets: under the race detector it is 13 to 30 times slower, because it
// is Go code too. PostgreSQL gets all of them.
const (
	hostileSQLite = 4_000
	rightsSQLite  = 500
)
