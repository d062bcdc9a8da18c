// Package federated is the way of signing in with the account that somebody has at an organisation.
//
// A page leads to the organisation (step, Immediate, Redirect), whose answer arrives beside the journey and without any
// cookie: a form that another site posts carries none. So Door checks the answer as its protocol wants, keeps it sealed
// under a handle, and leads the browser to a page that demands the cookie of the journey (Return). What an answer
// counts for, and whose account it is, is decided in package federation; the step makes of that a proof, a link or an
// account, or says on its page why not. Somebody who is not known here proves an account once, and it is linked when
// the journey ends (Finish).
//
// The package speaks no protocol: internal/wire hands it what does.
package federated
