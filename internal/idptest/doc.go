// Package idptest is how the project tests itself as its users do: a whole house in process (server.go), its clock
// owned by the test (clock.go), a relying platform built on client libraries that we did not write (party.go), the demo
// platform (demo.go), the plain browser of test/browser (browser.go), a database of its own for each test
// (database.go), and the runner of testdata/journeys (script.go).
//
// Requests go through a transport that calls the house directly, with the real host names and https addresses, so
// cookies and redirects behave as they do on the network.
//
// A party is a relying party (OAuth client).
package idptest
