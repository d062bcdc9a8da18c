// Package sms is the factor "code by text message": six digits that work for ten minutes in the
// step that they were sent for.
//
// A message is sent only when somebody sends a form: the one that leads to the step (Begin), or a button of its page.
// Opening a page sends nothing, and neither does a wrong or an old code. Every code that was sent for a step works until
// it expires, because messages overtake each other. A code is a ticket, stored as an HMAC that binds it to platform,
// account, journey, step and number: it is worth nothing elsewhere, and accepting and spending it is one statement.
//
// What is sent is limited by account, by number and by platform (limits.go); the counters rise in the transaction that
// queues the message, so that no number of forms at once sends more. Guesses share the budget of the app's codes. The
// number is in the credential, sealed; what people see of it is its last two digits.
package sms
