// Package twonodes tests what only two nodes can show: that two `idp serve` on one PostgreSQL behave as one. There is no
// code beside its tests.
//
// The program is built once, with the race detector when the tests have it, and run as an operator runs it: `migrate`,
// `apply`, `serve`, signals (pair_test.go). In front is a round-robin (balancer_test.go) that sends every request to the
// other node than the one before and retries only a refused connection, never a request that may have been sent. People
// and parties come over the network (person_test.go), several at once where there is load (load_test.go). Clocks that
// differ need a clock that tests own, so that test has two houses in process (clocks_test.go).
//
// `make test` kills a node five times and restarts both once behind each kind of proxy: one that keeps connections, and
// one that does not. The release's figures, with a PostgreSQL of `.ci/postgres`:
//
//	eval "$(bash .ci/postgres)"
//	IDP_KILLS=50 IDP_ROLLS=5 go test -race -count=1 -v -timeout 30m ./internal/twonodes/
package twonodes
