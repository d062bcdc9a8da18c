package conformance

import (
	"slices"
	"time"
)

// security are the modules of the FAPI 2.0 Security Profile, final: plain_fapi, openid_connect, private_key_jwt, dpop.
var security = []Module{
	{fapi + "discovery-end-point-verification", "what FAPI 2.0 needs is in discovery: PAR, S256, private_key_jwt, DPoP, iss", verifyFAPI},
	{fapi + "happy-flow", "two parties, complete; no token in an address, none with the key of another; TLS", fapiHappy},
	{fapi + "user-rejects-authentication", "cancelled: access_denied, state of 128 characters intact", cancelled},
	{fapi + "ensure-authorization-request-without-state-success", "state may be left out, and none comes back", goesWell(fapiWithoutState)},
	{fapi + "ensure-authorization-request-without-nonce-success", "nonce may be left out, and none comes back", goesWell(fapiWithoutNonce)},
	{fapi + "ensure-authorization-request-with-64-char-nonce-success", "nonce of 64 characters intact", goesWell(fapiNonce64)},
	{fapi + "ensure-other-scope-order-succeeds", "scopes in another order", goesWell(fapiScopeOrder)},
	{fapi + "test-claims-parameter-identity-claims", "claims asks for all there are: in userinfo or the ID token", fapiClaims},
	{fapi + "access-token-type-header-case-sensitivity", "the scheme DPoP in any case", schemeCase},
	{fapi + "check-dpop-proof-nbf-exp", "a proof may have nbf and exp", goesWell(proofTimes)},
	{fapi + "ensure-dpopproof-with-iat-10seconds-before-succeeds", "proofs made ten seconds ago", provedFrom(issuedAt(-10 * time.Second))},
	{fapi + "ensure-dpopproof-with-iat-10seconds-after-succeeds", "proofs made in ten seconds", provedFrom(issuedAt(10 * time.Second))},
	{fapi + "ensure-mismatched-dpop-jkt-fails", "dpop_jkt of another key than that of the proof: refused where it is pushed", refusedRequest(otherThumbprint, []string{"invalid_request", "invalid_dpop_proof"}, nil)},
	{fapi + "ensure-token-endpoint-fails-with-mismatched-dpop-proof-jkt", "pushed with the proof of one key, redeemed with another: refused", otherKeyAtToken(boundByProof)},
	{fapi + "ensure-token-endpoint-fails-with-mismatched-dpop-jkt", "pushed with dpop_jkt of one key, redeemed with another: refused", otherKeyAtToken(boundByThumbprint)},
	{fapi + "ensure-dpopproof-at-par-endpoint-binding-success", "pushed and redeemed with proofs of one key", goesWell(boundByProof)},
	{fapi + "ensure-dpop-auth-code-binding-success", "the same with its dpop_jkt beside it", sameKey},
	{fapi + "ensure-different-nonce-inside-and-outside-request-object", "another nonce beside the pushed request does not count", beside(unchanged, "nonce", "invalid_request")},
	{fapi + "ensure-different-state-inside-and-outside-request-object", "another state beside the pushed request does not count", beside(unchanged, "state", "invalid_request")},
	{fapi + "ensure-authorization-request-with-long-nonce", "nonce of 384 characters intact", long("nonce", 384)},
	{fapi + "ensure-authorization-request-with-long-state", "state of 1000 characters intact", long("state", 1000)},
	{fapi + "state-only-outside-request-object-not-used", "state beside the pushed request alone does not come back", beside(fapiWithoutState, "state", "invalid_request", "invalid_request_object", "invalid_request_uri", "access_denied")},
	{fapi + "ensure-request-object-without-redirect-uri-fails", "no redirect_uri in what is pushed: refused", refusedRequest(withoutRedirect, invalidRequestOrObject, invalidRequestOrObject)},
	{fapi + "plain-fapi-tolerate-unregistered-redirect-uri", "a redirect_uri nobody registered: refused, or answered there", fapiOtherRedirect},
	{fapi + "ensure-unsigned-authorization-request-without-using-par-fails", "a request that was not pushed: refused", notPushed},
	{fapi + "ensure-redirect-uri-in-authorization-request", "no redirect_uri: refused, or a registered one counts", fapiWithoutRedirect},
	{fapi + "ensure-response-type-code-idtoken-fails", "response_type code id_token: refused", responseType("code id_token")},
	{fapi + "ensure-response-type-token-fails", "response_type token: refused", responseType("token")},
	{fapi + "ensure-client-id-in-token-endpoint", "a code with client_id of another party: refused", otherClientID},
	{fapi + "ensure-holder-of-key-required", "no proof with the code: refused; TLS", withoutProof},
	{fapi + "ensure-authorization-code-is-bound-to-client", "the code of another party: invalid_grant", otherParty},
	{fapi + "attempt-reuse-authorization-code-after-one-second", "a code used again: invalid_grant, and the access token is dead", codeAgain},
	{fapi + "ensure-token-endpoint-fails-with-expired-auth-code", "a code after 62 seconds: invalid_grant", codeTooLate},
	{fapi + "ensure-signed-client-assertion-with-RS256-fails", "an assertion with RS256: invalid_client", assertionRS256},
	{fapi + "ensure-client-assertion-in-token-endpoint", "no assertion: refused", withoutAssertion},
	{fapi + "ensure-client-assertion-with-exp-is-5-minutes-in-past-fails", "an assertion that expired: refused", atToken(expiredAssertion, invalidClientOrRequest...)},
	{fapi + "ensure-client-assertion-with-wrong-aud-fails", "an assertion for another server: refused", atToken(otherAudience, invalidClientOrRequest...)},
	{fapi + "ensure-client-assertion-with-no-sub-fails", "an assertion without sub: refused", atToken(noSubject, invalidClientOrRequest...)},
	{fapi + "ensure-invalid-client-assertions-fail", "pushed with assertions that are wrong in one thing each: refused, and then taken", assertionsRefused},
	{fapi + "dpop-negative-tests", "userinfo with proofs that are wrong in one thing each: refused, and then answered", proofsRefused},
	{fapi + "refresh-token", "refreshing with a new key; a token is bound to its party, and needs an assertion and a proof", fapiRefresh},
	{fapi + "par-ensure-reused-request-uri-prior-to-auth-completion-succeeds", "request_uri opened twice before anybody signs in", openedTwice},
	{fapi + "par-attempt-reuse-request_uri", "request_uri opened again after it was answered: refused", usedTwice},
	{fapi + "par-attempt-to-use-expired-request_uri", "request_uri after its time: refused", requestTooLate},
	{fapi + "par-ensure-jwt-client-assertions-nbf-8-seconds-in-the-future-is-accepted", "an assertion from 8 seconds ahead is taken", soonTaken(nearAssertion)},
	{fapi + "par-ensure-jwt-client-assertions-nbf-over-60-seconds-in-the-future-fails", "an assertion from 62 seconds ahead: refused", refusedRequest(assertionAhead, invalidClientOrRequest, nil)},
	{fapi + "par-attempt-to-use-request_uri-for-different-client", "request_uri with client_id of another party: refused", requestOfAnother},
	{fapi + "par-authorization-request-containing-request_uri-form-param", "request_uri in what is pushed: refused", pushedByName},
	{fapi + "par-attempt-invalid-http-method", "pushed by PUT: refused", pushedByPut},
	{fapi + "par-ensure-pkce-required", "no code_challenge: refused", refusedRequest(noChallenge, []string{"invalid_request"}, []string{"invalid_request"})},
	{fapi + "ensure-pkce-code-verifier-required", "no code_verifier: invalid_grant", withVerifier(noVerifier)},
	{fapi + "incorrect-pkce-code-verifier-rejected", "another code_verifier: invalid_grant", withVerifier(otherVerifier)},
	{fapi + "par-plain-pkce-rejected", "code_challenge_method plain: refused", refusedRequest(plainChallenge, []string{"invalid_request"}, []string{"invalid_request"})},
	{fapi + "par-without-duplicate-parameters", "client_id and request_uri suffice", byName},
	{fapi + "par-test-array-as-audience-fails", "an assertion for several: refused", refusedRequest(audienceList, invalidClientOrRequest, nil)},
	{fapi + "par-test-par-endpoint-url-as-audience-fails", "an assertion for the endpoint of pushed requests: refused", refusedRequest(audiencePAR, invalidClientOrRequest, nil)},
	{fapi + "par-test-token-endpoint-url-as-audience-fails", "an assertion for the token endpoint: refused", refusedRequest(audienceToken, invalidClientOrRequest, nil)},
}

// messages are the modules of FAPI 2.0 Message Signing, final, that the Security Profile has not: signed requests. Answers
// are signed in all modules of that plan.
var messages = []Module{
	{fapi + "ensure-request-object-with-multiple-aud-succeeds", "a request object for several is taken", objectForSeveral},
	{fapi + "ensure-request-object-with-nbf-8-seconds-in-the-future-is-accepted", "a request object from 8 seconds ahead is taken", soonTaken(objectNear)},
	{fapi + "ensure-request-object-without-exp-fails", "a request object without exp: refused", refusedRequest(objectWithoutExp, invalidObject, timeless)},
	{fapi + "ensure-request-object-without-nbf-fails", "a request object without nbf: refused", refusedRequest(objectWithoutNbf, invalidObject, timeless)},
	{fapi + "ensure-expired-request-object-fails", "a request object that expired: refused", refusedRequest(objectExpired, invalidObject, invalidObject)},
	{fapi + "ensure-request-object-with-bad-aud-fails", "a request object for another server: refused", refusedRequest(objectForAnother, invalidObject, invalidURI)},
	{fapi + "ensure-request-object-with-exp-over-60-fails", "a request object good for 70 minutes: refused", refusedRequest(objectTooLong, invalidObject, invalidURI)},
	{fapi + "ensure-request-object-with-nbf-over-60-fails", "a request object from 70 minutes ago: refused", refusedRequest(objectTooOld, invalidObject, invalidURI)},
	{fapi + "ensure-signed-request-object-with-RS256-fails", "a request object with RS256: refused", objectRS256},
	{fapi + "ensure-request-object-signature-algorithm-is-not-none", "a request object with alg none: refused", refusedRequest(objectUnsigned, invalidObject, invalidObject)},
	{fapi + "ensure-request-object-with-invalid-signature-fails", "a request object with a broken signature: refused", refusedRequest(objectBroken, invalidObject, invalidObject)},
	{fapi + "ensure-matching-key-in-authorization-request", "a request object with the key of another party: refused", objectOfAnother},
	{fapi + "ensure-unsigned-request-at-par-endpoint-fails", "pushed without a request object: refused", refusedRequest(notSigned, []string{"invalid_request"}, []string{"invalid_request", "invalid_request_object", "invalid_request_uri"})},
	{fapi + "par-authorization-request-containing-request_uri", "request_uri in a request object: refused", refusedRequest(objectByName, invalidObject, nil)},
}

// fapi begins the names of both plans' modules.
const fapi = "fapi2-security-profile-final-"

// waiting are the modules that let a minute pass.
var waiting = []string{fapi + "ensure-token-endpoint-fails-with-expired-auth-code", fapi + "par-attempt-to-use-expired-request_uri"}

// Errors that modules have in common.
var (
	invalidClientOrRequest = []string{"invalid_client", "invalid_request"}
	invalidRequestOrObject = []string{"invalid_request", "invalid_request_object"}
	invalidObject          = []string{"invalid_request_object"}
	invalidURI             = []string{"invalid_request_uri"}
	timeless               = []string{"invalid_request", "invalid_request_uri", "access_denied"}
)

// The two plans of FAPI 2.0.
var (
	Security = Plan{Name: "fapi2-security-profile-final-test-plan", Title: "FAPI2 SP", Modules: security}
	Messages = Plan{Name: "fapi2-message-signing-final-test-plan", Title: "FAPI2 MS", Signed: true, Modules: slices.Concat(security, messages)}
)
