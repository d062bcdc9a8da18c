// Package authn owns how someone signs in: what a proof is, what is still missing, and what a sign-in amounts to.
//
// A journey collects proofs. Missing compares them with one table of rules (rules.go), which lists when what is asked,
// and says what is wanted next; a door shows the step that meets it and knows no order of its own. AMR, ACROf and
// AuthTime say what the proofs amount to, truthfully: a remembered browser leaves a waiver (account.Waiver), which
// stands among the proofs, spares a code, and counts for nothing that a token says. The package is pure and knows
// factors only by what they say of their own proofs and credentials, but for one name: a policy can close Password.
//
// Whoever makes a proof says what it is worth: the factor, federation.Contract.Level, grant.Device.Proof. AsOf says
// which proofs still count now, Ask.Counted which count for a request, and Ask.ReportedProofs which its answer tells.
// op refuses what is still too weak after the last page.
//
// Beside journeys it has what they need: a Ticket is a link or a code that works once, a Guess and a Limit say how
// often something may be tried, an Act says what of an account a Change ends, and a Consent is what a person allowed a
// party.
//
// A request passes through here as: facts in (account, policy, session, clock), requirements out; at the end proofs
// become a Session, and one Change says everything that is to be saved together.
//
// A party is a relying party (OAuth client).
package authn
