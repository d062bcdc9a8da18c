package account

import (
	"time"

	"github.com/minddistrict/idp/platform"
)

// Event is one line of the audit record: who did what to whom, when, from where, and how it ended. It is saved in
// the transaction of what it records (NEN 7513:2018; security target F20). It never holds a secret or a code.
type Event struct {
	At        time.Time
	Platform  platform.ID
	Kind      EventKind
	Actor     string // account id, "system", or "cli" with the name of the operator's login
	Account   ID     // whose account; empty where there is none or it is unknown
	Party     string // client_id; empty where there is none
	Session   string // the session's public identifier (`sid`); empty where there is none
	Outcome   Outcome
	Reason    string // a word from our own list, or what an operator gave or changed; never text from others outside
	Address   string // network address of the browser or caller
	Agent     string // browser, cut to 200 characters
	Reference string // the request's number in the log
}

// Origin is where an act came from.
type Origin struct {
	Reference string // the request's number in the log
	Address   string // network address of the browser or caller
	Agent     string // browser, cut to 200 characters
}

// Of is the event with where it came from.
func (o Origin) Of(e Event) Event {
	e.Reference, e.Address, e.Agent = o.Reference, o.Address, o.Agent
	return e
}

// EventKind names what happened, as "thing.verb".
type EventKind string

const (
	SignedIn         EventKind = "session.start"
	SessionRaised    EventKind = "session.raise"
	SignedOut        EventKind = "session.end"
	PasswordRefused  EventKind = "password.refuse"
	SecondRefused    EventKind = "second.refuse"  // a code of an app, a text message or a list
	TwoStepReset     EventKind = "two_step.reset" // by staff
	CodeUsed         EventKind = "recovery.use"
	CodeIssued       EventKind = "grant.start"
	GrantEnded       EventKind = "grant.end"
	CodeRefused      EventKind = "code.refuse" // an authorization code that somebody has who should not
	CodeReplayed     EventKind = "code.replay"
	RefreshReplayed  EventKind = "refresh.replay"
	AccountAdded     EventKind = "account.add"
	AccountChanged   EventKind = "account.change"
	AccountStopped   EventKind = "account.deactivate"
	AccountRestarted EventKind = "account.reactivate"
	AccountInvited   EventKind = "account.invite"
	AccountUnblocked EventKind = "account.unblock"
	AccountFrozen    EventKind = "account.freeze" // by its owner
	EmailAsked       EventKind = "email.ask"      // staff gave a new address that is to be confirmed
	EmailChanged     EventKind = "email.change"
	LetterAsked      EventKind = "letter.ask"
	LetterSettled    EventKind = "letter.settle"
	PasswordSet      EventKind = "password.set"
	DeviceRemembered EventKind = "device.remember"
	DeviceCopied     EventKind = "device.copied" // an old cookie of a remembered browser was used
	SessionsEnded    EventKind = "session.end_all"
	CredentialAdded  EventKind = "credential.add"
	CredentialGone   EventKind = "credential.retire"
	PlatformSet      EventKind = "platform.set"
	PartySet         EventKind = "party.set"
	SettingWeakened  EventKind = "setting.weaken" // a key of platform, party or account protects less than before; the reason has it
	PartyRefused     EventKind = "party.refuse"   // it did not prove itself as registered
	RequestRefused   EventKind = "request.refuse" // an answer was to go where the party never said
	SecretExposed    EventKind = "secret.expose"  // a secret, a code or a token came in an address
	KeyMade          EventKind = "key.make"
	KeyRetired       EventKind = "key.retire"
	MasterRotated    EventKind = "master.rotate"
	DatabaseRestored EventKind = "database.restore"
)

// Outcome says how it ended.
type Outcome string

const (
	Success Outcome = "success"
	Failure Outcome = "failure"
)
