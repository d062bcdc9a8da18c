// Package attack attacks a whole house in process, as somebody would who knows what other providers got wrong.
//
// zitadel_test.go has a test for each gap of a library that our layer once closed and a door of our own must not have,
// Z1 to Z15, for a platform with a host of its own and for one with a path; TestMain prints their table. The cve files
// have one test per public vulnerability of other products, named after its identifiers, as far as what it attacks
// exists here; what we do not serve is tested as not served.
//
// All of it is black box: requests go in, answers and the database are looked at. Nodes are houses on one database.
// A vulnerability that is tested beside the code it is about is not repeated; docs/security-tests.md lists all. The
// package holds no code that is not a test.
//
// A party is a relying party (OAuth client).
package attack
