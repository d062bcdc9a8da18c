//go:build race

package admin_test

// rightsSQLite is how many requests of random people for pages of staff SQLite gets: under the race detector it is 13 to
// 30 times slower, because it is Go code too.
const rightsSQLite = 500
