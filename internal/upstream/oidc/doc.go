// Package oidc signs people in at an organisation's provider that speaks OpenID Connect, by the authorization code flow
// of OpenID Connect Core 1.0 section 3.1 with a proof key, for connections of that kind. It says what an upstream said,
// and refuses what it did not say to us, now, and in answer to what was asked; it does not judge what that counts for.
package oidc
