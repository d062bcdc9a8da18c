// Package saml signs people in at an organisation's identity provider that speaks SAML 2.0,
// for connections of that kind. Every sign-in is begun by us. It says what an upstream said, and
// refuses what it did not say to us, now, and in answer to what was asked; it does not judge what that counts for.
package saml
