// Package keys owns the signing keys of platforms and the sealer that protects secrets at rest.
//
// A signing key is made (make.go), published for a day, used, retired when its successor takes over, and dropped from
// the JWKS when nothing it signed can come back any more (rotation.go). These are pure steps: they take the keys there
// are and return the ones to save. A Ring holds all keys of all platforms, opened once; it never changes, a newer one
// replaces it (ring.go). Private keys exist in the clear only inside a Ring; storage sees them sealed.
//
// The Sealer (sealer.go) encrypts what the database keeps for us, bound to the row it belongs to, under master keys
// that the database never sees. The package refuses values that were sealed for another row, and keys whose public
// half does not belong to the private one. It does not read files or the clock.
package keys
