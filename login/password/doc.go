// Package password is the factor "something you know": e-mail address and password, on the login page and wherever the
// password is asked again.
//
// An attempt is counted before it is verified, for known and unknown addresses alike, and an unknown address costs the
// same hash as a known one: page, status and time never tell whether an account exists. Hashing runs in a bounded pool
// (pool.go) so that a storm of logins cannot starve everything else; a form takes its place there before anything is
// looked up for it, or is turned away. Hashes are Argon2id strings (hash.go) sealed by the server's key, so that a
// stolen database alone cannot be searched; hashes of other systems (foreign.go) are verified and replaced at the first
// sign-in.
//
// A new password is chosen on one page for every purpose (new.go), and held against one rule (rule.go): numbers of the
// platform, how hard it is to guess (guess.go), our own short list (known.go), and the operator's (filter.go).
package password
