// Package login is the door where people prove who they are: the engine of journeys, and the pages that belong to no
// factor.
//
// There is no page graph. A journey collects proofs, bound to the browser that began it and, from the first proof on,
// by a cookie of its own (own.go); for every request the dispatcher asks authn.Missing what is still wanted and shows
// the first step that meets it, with the others and with help as ways on its page (dispatch.go). A step (Step) reports
// what happened and never where to go: a mistake that a person can mend is a Retry, a page on which the journey rests a
// Stop (stop.go). apply says what that makes of the journey (apply.go). Every POST answers with a 303 to the page that
// comes next (but one that asks for a File) and what it changes is saved at once, in one storage call; only an attempt
// is counted before, so that no crash makes a guess free (budget.go). Reloading, going back, two tabs and double clicks
// land where the person is.
//
// Each way of proving is a Factor in a folder of its own (login/password) that this package does not know:
// internal/wire hands it a list. The steps here are those that no factor owns: who goes on (switch.go, go_on.go),
// consent (consent.go), the forgotten password and making an account (forgot.go, signup.go), setting two-step
// authentication up and switching it off (twostep.go), a device that makes room for another (room.go), a way of signing
// in that is closed (closed.go), and the emergency login of managers beside it (glass.go). What begins journeys beside
// requests has rooms of its own, which this package does not know either: links of mails (login/link), settings
// (login/settings), staff (login/admin) and QR codes (login/qr). Which proof is asked for, and when, is not decided
// here but by authn.Missing.
package login
