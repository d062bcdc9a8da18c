// Package nodes tests what only two nodes can show: that two `idp serve` on one PostgreSQL behave as one. There is
// no code beside its tests.
//
// The program is built once, with the race detector when the tests have it, and run as an operator runs it: `migrate`,
// `apply`, `serve`, signals (pair_test.go). In front is a round-robin (balancer_test.go) that sends every request to
// the other node than the one before and retries only a refused connection, never a request that may have been sent.
// People and parties come over the network (person_test.go), several at once where there is load (load_test.go), which
// does all that people do where nodes or databases are killed (mix_test.go). Clocks that differ need a clock that tests
// own, so that test has two houses in process (clocks_test.go). A database that is killed is a server of the test's own
// (postgres_test.go). A database that fails over is a cluster (patroni_test.go, failover_test.go), which only `make
// failover` builds and runs.
//
// Phones with the mobile app (app_phone_test.go) meet the same: nodes that are killed in the middle of a PIN, at a
// statement where a tap on the way to PostgreSQL stops them (tap_test.go), a database that goes away in the middle of
// whatever the app asks, and each cause for which a device ends, at the other node.
//
// `make test` kills a node three times, one on SQLite twice and PostgreSQL once, and restarts both nodes once behind
// each kind of proxy: one that keeps connections, and one that does not. `make torture` does so as often as a release
// asks: IDP_KILLS, IDP_SQLITE_KILLS, IDP_PIN_KILLS and IDP_REVOKES of devices on each, IDP_CYCLES of the database and
// IDP_ROLLS; IDP_LOGINS is how many full logins a second a rolling restart must see at least, IDP_BROWSERS how many act
// at once while the database is killed, and IDP_RACES how often 32 callers race for one code and for one refresh token.
//
// A party is a relying party (OAuth client).
package nodes
