// Package audit owns the record of who did what to whom. An Event has a Kind and says where it came from (Origin); a
// Query selects events.
//
// An event is saved in the transaction of what it records, and never changed afterwards. The stored kinds are read by
// queries and dashboards of operators, so they stay; the Go names may not be mistaken for each other. The package is
// pure: the code that changes something makes its event, and storage saves both.
package audit

import (
	"strings"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/platform"
)

// Event is one line of the audit record: who did what to whom, when, from where, and how it ended. It is saved in
// the transaction of what it records (NEN 7513:2018). It never holds a secret or a code.
type Event struct {
	At       time.Time
	Platform platform.ID
	Kind     Kind
	Actor    string     // account id, "system", or "cli" with the name of the operator's login
	Account  account.ID // whose account; empty where there is none or it is unknown
	Party    string     // client_id; empty where there is none
	Session  string     // the session's public identifier (`sid`); empty where there is none
	Outcome  Outcome
	Reason   string // a word from our own list, or what an operator changed; text from others outside only behind Received
	Origin

	// Connection names the organisation's connection by which somebody signed in or was refused; empty: none. Only the
	// kinds ByConnection have one, and events from before this field do not.
	Connection string

	Stated

	// As names the person who acts on somebody else, and the role that allows it. It is zero where an operator or the
	// system acts. Storage saves the event, and the change that it records, only while that person has that role. As
	// itself is not stored.
	As Acting
}

// Received begins what a Reason says of what came from outside, and what was expected. Anybody can make it up again and
// again, so it tells no two events apart that are recorded once a minute.
const Received = ": received "

// Alike is the reason as events are compared by it.
func (e Event) Alike() string {
	words, _, _ := strings.Cut(e.Reason, Received)
	return words
}

// Stated is what staff say with an act, in words of their lists; empty where the act takes none.
type Stated struct {
	StatedReason string // why
	Identified   string // how the person was identified
}

// Acting is a person who acts on others by a role.
type Acting struct {
	Account account.ID
	Role    platform.Role
}

// Origin is where an act came from.
type Origin struct {
	Reference string // the request's number in the log
	Address   string // network address of the browser or caller
	Agent     string // browser, cut to 200 characters
}

// Reader is who reads what is on record or who people are, and from where: reading is on record, too.
type Reader struct {
	Name string // as events name an actor
	Origin
}

// Of is the event with where it came from.
func (o Origin) Of(e Event) Event {
	e.Origin = o
	return e
}

// Kind names what happened, as "thing.verb".
type Kind string

const (
	SessionStarted            Kind = "session.start"
	SessionRaised             Kind = "session.raise"
	SessionEnded              Kind = "session.end"
	PasswordRefused           Kind = "password.refuse"
	SecondFactorRefused       Kind = "second.refuse"    // a code of an app, a text message or a list
	TwoStepReset              Kind = "two_step.reset"   // by staff
	OwnerShown                Kind = "two_step.confirm" // after a reset by staff the owner gave password and mail
	ReferralMade              Kind = "referral.make"    // a platform sent a professional to help one of its people
	ReferralRefused           Kind = "referral.refuse"  // one was not made, or does not work for whoever brought it
	RecoveryCodeUsed          Kind = "recovery.use"
	GrantStarted              Kind = "grant.start"
	GrantEnded                Kind = "grant.end"
	ConsentWithdrawn          Kind = "consent.withdraw" // by its owner; what the party had of them ended with it
	AuthorizationCodeRefused  Kind = "code.refuse"      // an authorization code was presented by a party, or with a verifier, that it was not made for
	AuthorizationCodeReplayed Kind = "code.replay"
	RefreshTokenReplayed      Kind = "refresh.replay"
	AccountAdded              Kind = "account.add"
	AccountChanged            Kind = "account.change"
	AccountDeactivated        Kind = "account.deactivate"
	AccountReactivated        Kind = "account.reactivate"
	AccountInvited            Kind = "account.invite"
	FileChecked               Kind = "invite.check" // a file of people to invite was checked, which says who of them has an account; the reason says how many
	AccountUnblocked          Kind = "account.unblock"
	AccountFrozen             Kind = "account.freeze" // by its owner
	RoleGiven                 Kind = "account.role"   // by staff
	ActAsked                  Kind = "act.ask"        // staff asked for something that waits; the reason says which act
	ActConfirmed              Kind = "act.confirm"    // a second one agreed, and it was done
	ActWithdrawn              Kind = "act.withdraw"   // by staff
	ActStopped                Kind = "act.stop"       // by the owner of the account, by a mail
	ActDropped                Kind = "act.drop"       // it could not be done any more
	ActLapsed                 Kind = "act.lapse"      // nobody agreed in time
	ResetsStopped             Kind = "two_step.burst" // somebody wanted more resets in an hour than one may do
	LogOutsStopped            Kind = "account.burst"  // a helper tried to log out or deactivate more people in an hour than one may
	EmailChangeRequested      Kind = "email.ask"      // staff gave a new address that is to be confirmed
	EmailChanged              Kind = "email.change"
	MessageRequested          Kind = "letter.ask"
	MessageSettled            Kind = "letter.settle"
	PasswordSet               Kind = "password.set"
	DeviceRemembered          Kind = "device.remember"
	DeviceForgotten           Kind = "device.forget" // by staff
	DeviceCookieReplayed      Kind = "device.copied" // an old cookie of a remembered browser was used
	DeviceAdded               Kind = "app.add"       // somebody signed in on a device with the mobile app; the reason says how
	DeviceRemoved             Kind = "app.remove"    // … and is not any more; the reason says why, if it was not its owner
	PINSet                    Kind = "pin.set"
	PINRefused                Kind = "pin.refuse"
	HandoffMade               Kind = "handoff.make"    // somebody showed a QR code, to sign in on a phone
	HandoffClaimed            Kind = "handoff.claim"   // a phone scanned it
	HandoffConfirmed          Kind = "handoff.confirm" // its owner typed the number of the phone
	HandoffRefused            Kind = "handoff.refuse"  // a number was wrong, or somebody stopped it; the reason says which
	HandoffExpired            Kind = "handoff.expire"
	AllSessionsEnded          Kind = "session.end_all"
	CredentialAdded           Kind = "credential.add"
	CredentialRetired         Kind = "credential.retire"
	PlatformSet               Kind = "platform.set"
	PartySet                  Kind = "party.set"
	PartyDeleted              Kind = "party.delete"
	PartySecretSet            Kind = "party.secret"
	SettingWeakened           Kind = "setting.weaken"     // a key of platform, party or account protects less than before; the reason has it
	PartyRefused              Kind = "party.refuse"       // it did not prove itself as registered
	RedirectRefused           Kind = "request.refuse"     // an answer was to go where the party never said
	SecretExposed             Kind = "secret.expose"      // a secret, a code or a token came in an address
	ConnectionSet             Kind = "connection.set"     // to the sign-in of an organisation
	ConnectionTested          Kind = "connection.test"    // a test sign-in, which signs nobody in
	ConnectionConfirmed       Kind = "connection.confirm" // what a test sign-in brought is what is expected from now on
	ConnectionDrifted         Kind = "connection.drift"   // an answer was less than that; the reason says how
	FederatedRefused          Kind = "federated.refuse"   // somebody who came by a connection was not signed in; the reason says why
	BreakGlassUsed            Kind = "break_glass.use"    // a named manager signed in by password where passwords are closed
	LinksImported             Kind = "link.import"        // people were linked to who they are elsewhere, from a file; the reason says how many
	SigningKeyMade            Kind = "key.make"
	SigningKeyRetired         Kind = "key.retire"
	MasterKeyRotated          Kind = "master.rotate"
	DatabaseRestored          Kind = "database.restore"
	PeopleSearched            Kind = "people.search" // staff looked for people; the reason says how many were shown, never what was typed
	PersonOpened              Kind = "people.open"   // staff opened somebody's card
	PeopleExported            Kind = "people.export" // staff took a list of people away; the reason says how many
	LinkRefused               Kind = "link.refuse"   // a link of a mail does not work, or not any more
	PageRefused               Kind = "page.refuse"   // a page of a login, of settings or of staff says that it does not go on, or one of a request that is not answered
	LoginCancelled            Kind = "login.cancel"  // who was asked something stopped
	RecordRead                Kind = "audit.read"    // somebody read this record; the reason says how many events were shown, and which filters were used
	RecordExported            Kind = "audit.export"  // … took a file of it away
)

// Outcome says how it ended.
type Outcome string

const (
	Success Outcome = "success"
	Failure Outcome = "failure"
)
