// Package settings is what people see and change of their own account: what the organisation keeps, the password,
// two-step authentication, devices, consents, language, past logins.
//
// A page is a file with its handlers and a line of the table of pages. Who may see one, the engine decides
// (login.Server.SignedIn): by the rules of a sign-in at the platform itself. What needs a fresh proof is a journey
// that a page begins in the engine; afterwards the page only says what was done (Finished) or given up (Cancelled).
package settings
