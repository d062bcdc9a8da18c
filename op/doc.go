// Package op is the protocol door: OpenID Connect and OAuth 2.0, spoken strictly.
//
// Every address is a row of a table (endpoints.go): path, methods, how a party proves itself, whose scripts may read,
// who may post, and the handler. Browsers get pages (authorize.go, logout.go); programs pass a strict gate first
// (gate.go, party.go), grant types are a list (token.go). Of the library zitadel oidc we take types and names.
// answer.go is the only place that writes an authorization response. errors.go has every text that a machine endpoint
// sends; what the authorization endpoint sends is the sentence of refuse, so that is written for a party. store.go says
// what is kept where; what one endpoint alone keeps stands beside it (device.go, handoff.go).
//
// A request passes through as: read and check (nothing is believed that is not registered), ask authn what is missing,
// make one storage call, answer. The package refuses to know how people prove who they are: it sends them to the login
// door by a function that internal/wire passes in.
//
// A party is a relying party (OAuth client).
package op
