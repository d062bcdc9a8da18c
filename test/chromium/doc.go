// Package chromium holds the tests that need a real browser: Chromium signs in, uses single sign-on and signs out on
// both demo platforms, and axe-core looks at every page in every state.
//
// Start is the starter of Chromium for these and for those of test/clients.
//
// The tests build the same house as `idp dev`, on real listeners. They have the build tag "browser", because the race
// detector adds nothing to them; `make test` runs them, and a missing browser is a failure, never a skip.
package chromium
