//go:build !race

package attack

// hostileSQLite is how many hostile requests SQLite gets.
const hostileSQLite = 20_000
