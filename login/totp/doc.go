// Package totp is the factor "code of an authenticator app" (RFC 6238): HMAC-SHA-1, six digits, a new code every 30
// seconds, which is what every app can do.
//
// A code counts for its own step and for the one before and after, so that a phone whose clock is half a minute off
// works. Each step is accepted once, and never an earlier one after it: the step is the credential's counter, which
// only rises in storage, so of any number of submits at once, on any number of nodes, one wins. The text that says a
// code is wrong is the same for a typing mistake, an old code, a used one and a clock that is off.
//
// The secret is 160 random bits. It is shown on one page, once, and sealed at rest from the first moment: with the
// journey while it is set up, with its credential afterwards.
package totp
