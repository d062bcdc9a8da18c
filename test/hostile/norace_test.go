//go:build !race

package hostile_test

// onSQLite is how many hostile requests SQLite gets.
const onSQLite = 20_000
