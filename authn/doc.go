// Package authn owns how someone signs in: what a proof is, what is still missing, and what a sign-in amounts to.
//
// A journey collects proofs. Missing compares them with one table of rules (rules.go), which lists when what is
// asked, and says what is wanted next; a door shows the step that meets it and knows no order of its own. AMR, ACROf and AuthTime say what the proofs amount to, truthfully: a remembered browser waives a step but is
// never a proof. The package is pure and knows no factor by name: a factor says of its own proofs what kind they are.
//
// A request passes through here as: facts in (account, policy, session, clock), requirements out; at the end proofs
// become a Session, and one Change says everything that is to be saved together.
package authn
