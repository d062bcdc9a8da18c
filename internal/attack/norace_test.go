//go:build !race

package attack

// hostileSQLite is how many hostile requests SQLite gets.
const (
	hostileSQLite = 20_000
	rightsSQLite  = 10_000 // requests of random people for pages of staff
)
