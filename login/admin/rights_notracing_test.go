//go:build !race

package admin_test

// rightsSQLite is how many requests of random people for pages of staff SQLite gets.
const rightsSQLite = 10_000
