// Package clients connects clients that we did not write to a running `idp serve`: Apache with mod_auth_openidc, Spring
// Security, npm's openid-client, oidc-client-ts in Chromium, AppAuth, coreos/go-oidc and zitadel's relying party, and many
// refreshes at the same moment, as oauth2-proxy makes them. The other way round, people sign in with the account that they
// have at SimpleSAMLphp and at npm's oidc-provider.
//
// Each test file registers its party by `idp apply` as a platform's engineer would (docs/clients.md says the same in
// words), drives the client with a plain browser, and notes what it checked; TestMain prints all of it as one table.
// The tests have the build tag "clients": they need what .ci/prepare installs. What is missing is an error, never a skip.
package clients
