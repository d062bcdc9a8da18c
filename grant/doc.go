// Package grant owns what a party may have of someone: parties, authorization requests, grants and their tokens.
//
// One durable Grant per answered authorization request; its code, its refresh tokens and its access tokens all derive
// from it, and ending it ends them all wherever we are asked (a JWT access token that an API verifies by itself lives
// to its `exp`). The package says what a party is registered for (Party), what redeeming a code or rotating a refresh
// token demands (Redemption, Rotation), which claims a token carries (Claims), and how a refresh token's successor is
// made (Successor). It is pure: op reads requests, checks them against the Party and writes answers; storage keeps
// grants, and spends a code or a refresh token once.
//
// An address is compared with the registered ones byte for byte, but for the port of a native party's loopback
// (RedirectMatches); a Party that could not be served safely is refused when it is registered (Validate).
//
// A party is a relying party (OAuth client).
package grant
