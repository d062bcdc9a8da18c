// Package op is the protocol door: OpenID Connect and OAuth 2.0, spoken strictly.
//
// Authorization, logout and the published documents are handlers of our own (authorize.go, logout.go, metadata.go). The
// token, userinfo, introspection and revocation endpoints implement the library's zitadel op.Server behind a strict gate
// (gate.go); what we did not write of it is not served. answer.go is the only place that writes an authorization
// response, errors.go the only one that knows error texts, store.go says what is kept where.
//
// A request passes through as: read and check (nothing is believed that is not registered), ask authn what is missing,
// make one storage call, answer. The package refuses to know how people prove who they are: it sends them to the login
// door by a function that internal/wire passes in.
package op
