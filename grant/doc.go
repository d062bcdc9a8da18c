// Package grant owns what a party may have of someone: parties, authorization requests, grants and their tokens.
//
// One durable Grant per answered authorization request; its code, its refresh tokens and its access tokens all derive
// from it, and ending it ends them all. The package decides what a request may ask (Check), what redeeming a code or
// rotating a refresh token demands (Redemption, Rotation), which claims a token carries, and how a refresh token's
// successor is made. It is pure: op reads requests and writes answers, storage keeps grants. It refuses everything
// that is not registered, byte for byte.
package grant
