//go:build race

package attack

// rightsSQLite is how many requests of random people for pages of staff SQLite gets: under the race detector it is 13 to
// 30 times slower, because it is Go code too.
const rightsSQLite = 500
