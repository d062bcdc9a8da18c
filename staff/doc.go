// Package staff owns what staff and operators may do to an account (invite, give a new address, reset two-step
// authentication, unblock, deactivate, reactivate, end sessions) and to settings that are in use (disable and enable a
// party, rotate a signing key).
//
// An act is pure: it gets Facts (the account as read, who, when, why) and returns the authn.Change that is saved, with
// its event and its mails. Deactivate and Reactivate return a StateChange, because an account that stands so already is
// left alone, without an event. An act on settings returns Settings. What an act demands of the facts is a row of
// demands (guard.go), held by one function; an act never checks actor, reason or state itself. Acts reads the facts,
// calls the act and saves. Command line, pages and APIs call Acts and know no authn.Change.
//
// Who may do what to whom is one table of rights (rights.go): a row for each verb, a column for each role, a scope for
// systems; ranks decide whom it may be done to. The operator at the command line of the server may do all of it. guard
// asks the table, so an act that is offered by another door needs no check of its own.
//
// A new act is a constant and a row in guard.go that names its right, a function of Facts, and a method of Acts. A new
// kind of event or mail is a constant of audit or a row of outbox.Kinds. Nothing else is touched but the door that
// offers it.
//
// A party is a relying party (OAuth client).
package staff
