// Package clients connects clients that we did not write to a running `idp serve`: Apache with mod_auth_openidc, Spring
// Security, npm's openid-client, oidc-client-ts in Chromium, AppAuth, oauth2-proxy, mozilla-django-oidc, coreos/go-oidc
// and zitadel's relying party, many refreshes at the same moment, and APIs that check access tokens. The other way
// round, people sign in with the account that they have at SimpleSAMLphp and at npm's oidc-provider.
//
// Each test file registers its party by `idp apply` as a platform's engineer would, drives the client with a plain
// browser, and notes what it checked; TestMain prints all of it as one table. What is applied and run are the fenced
// blocks of docs/clients.md as they stand there, but for the placeholders of document_test.go; a block that nobody ran
// is a failure. The tests have the build tag "clients": they need what .ci/prepare installs. What is missing is an
// error, never a skip.
//
// A party is a relying party (OAuth client).
package clients
