// Package link is the links of mails: what one is for, and why it does not work any more.
//
// A link begins a journey of the engine, or is a Button: one page with one form, which may belong to a factor
// (login/password). Opening one spends and sends nothing, because mail scanners open links too; it is spent by a form,
// once, in the transaction of what it was for (link.go). A dead one says why, and may send another (dead.go). While a
// journey is under way the engine asks whether its link still works (opened.go).
package link
