// Package op is the protocol door: OpenID Connect and OAuth 2.0, spoken strictly.
//
// Server embeds zitadel's UnimplementedServer, so that what we did not write is not served, and implements the token,
// userinfo and revocation endpoints on its types. Authorize, callback, metadata and logout are handlers of our own in
// front of it (authorize.go, metadata.go, logout.go). A strict gate (gate.go) comes first for the machine endpoints;
// answer.go is the only place that writes an authorization response, errors.go the only one that knows error texts.
//
// A request passes through as: read and check (nothing is believed that is not registered), ask authn what is missing,
// make one storage call, answer. The package refuses to know how people prove who they are: it sends them to the login
// door by a function that internal/wire passes in.
package op
