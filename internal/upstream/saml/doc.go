// Package saml signs people in at an organisation's identity provider that speaks SAML 2.0,
// for connections of that kind. Every sign-in is begun by us. It says what an upstream said, and
// refuses what it did not say to us, now, and in answer to what was asked; it does not judge what that counts for.
//
// What comes back passes four sieves, in this order: its size and shape (guard.go), so that no parser of signatures sees
// more than it must; the library, with every switch on that refuses (provider.go); the profile of each signature
// (signature.go); times and confirmations, with our own tolerance (answer.go). Of what is signed only the verified element
// is read. Metadata of the other side is read once a day and when a key is not known, and the last good copy counts
// (document.go). What is usable once is consumed in storage, for all nodes.
package saml
