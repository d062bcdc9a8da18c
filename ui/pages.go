package ui

import (
	"slices"
	"time"
)

// SwitchPage asks which account stays. Field: as, whom the page names. do: stay, other.
type SwitchPage struct {
	Action string
	Email  string // whose session this browser has
}

// ContinueAsPage asks whether who is signed in goes on in an app. Field: as, whom the page names. do: continue, other,
// cancel.
type ContinueAsPage struct {
	Action string
	Party  string // who asks
	Email  string // whose session this browser has
}

// DeviceRemovalPage asks which device with the mobile app is removed, so that the one that asks gets in. Field: remove;
// do: continue, cancel.
type DeviceRemovalPage struct {
	Action string
	Email  string
	Most   int // devices that an account may have
	Remove []AppDevice
}

// AppDevice is one that can make room.
type AppDevice struct {
	ID     string
	Name   string // as it calls itself; empty: it says nothing
	UsedAt time.Time
	How    string // text key of how it was entered; empty: not known
}

// ClosedPage says that people sign in with an account of their organisation, not with a password. do: cancel.
type ClosedPage struct {
	Action  string
	App     bool   // the platform's own mobile app asks
	Party   string // who asks, the platform where nobody else does
	BackURL string // instead of a form; empty: there is one
}

// AppClosedPage says that the mobile app has another way of signing in than a password. do: cancel.
type AppClosedPage struct{ Action string }

// InactivePage says that the account is not active.
type InactivePage struct{ HomeURL string }

// WaitPage says that there were too many wrong passwords. do: mail, back.
type WaitPage struct {
	Minutes int
	Action  string
	SentTo  string // a mail was asked for to this address, as it was typed; empty: none was
}

// LogoutPage asks before logging out. do: logout.
type LogoutPage struct {
	Action  string
	StayURL string
	Hidden  []Field // goes along with the form, in this order
}

// LoggedOutPage says that it is done, and where else.
type LoggedOutPage struct {
	AgainURL            string          // empty: no button
	PartyURL, PartyName string          // empty: no button
	Told                []NotifiedParty // in the order of their names
}

// Elsewhere reports whether a site of this name may be open still, for all that is known.
func (p LoggedOutPage) Elsewhere(name string) bool {
	return p.PartyURL == "" && !slices.ContainsFunc(p.Told, func(t NotifiedParty) bool { return t.Party == name })
}

// FormPostPage sends an answer to a party as a form (OAuth 2.0 Form Post Response Mode section 2).
type FormPostPage struct {
	Action string
	Fields []Field
	Name   string // of the party, or of the platform
}

// Field is a hidden field of a form.
type Field struct{ Name, Value string }

// ErrorPage says what went wrong and how to go on.
type ErrorPage struct {
	Title, Body, Tip string // text keys; Body and Tip may be empty
	Code             string // OAuth error or a word of ours, for the helpdesk
	Party            string // client_id, for the helpdesk; empty: unknown
	At               string // date and time, for the helpdesk
	RetryURL         string // empty: no such button
	HomeURL          string // empty: no such button
	Crisis           bool   // also show the help lines
	Again            bool   // also say what to do when it does not help to try again

	Wrong Wrong // what a program got wrong, for developers; zero: not said
}

// Wrong is a parameter of the protocol that is wrong.
type Wrong struct {
	Parameter  string   // its name
	Received   string   // what came in it
	Registered []string // what could have come; nil: nothing is compared
}

// ForgotPage asks for the address that a link is mailed to. Field: email.
type ForgotPage struct {
	Action  string
	Email   string // as typed or known
	BackURL string
}

// SentPage says that a mail is on its way, in the same words for every address. do: again, change.
type SentPage struct {
	Action  string
	Email   string
	Again   bool // another one was asked for, whether it was sent or not
	BackURL string

	Kept map[string]string // name of the organisation that keeps passwords of addresses of this domain, by language; nil: none does
}

// ForgotKeptPage says who keeps the passwords of people where none is taken.
type ForgotKeptPage struct {
	Kept    map[string]string // name of the organisation, by language; nil: the platform's
	HomeURL string
}

// CheckMailPage says that the log-in goes on with the button of a mail, because staff reset two-step authentication.
// do: again, cancel.
type CheckMailPage struct {
	Action string
	Email  string // of the account
	App    bool   // an app asks, which logs in anew afterwards
	Again  bool   // another one was asked for, whether it was sent or not
	Cancel bool   // there is somewhere to go back to
}

// SignUpPage asks who wants an account. Fields: given_name, middle_name, family_name, email, terms.
type SignUpPage struct {
	Action                            string
	GivenName, MiddleName, FamilyName string
	Email                             string
	Terms                             bool // ticked before
	LoginURL                          string
	PrivacyURL                        string // empty: nothing to agree to
}

// LinkPage says why the button of a mail does not work. do: again.
type LinkPage struct {
	Title, Body string // text keys
	Again       string // text key of the button that sends a new mail; empty: none
	SentTo      string // masked address that one was just sent to; empty: none was
	Done        bool   // what the button was for is done
	Action      string
	LoginURL    string
}

// Inactive reports whether the account is why the button does nothing.
func (p LinkPage) Inactive() bool { return p.Title == "inactive.title" }

// Call reports whether what is left is to reach the helpdesk: logging in does not help.
func (p LinkPage) Call() bool { return p.Inactive() || p.Body == "link.expired_freeze" }

// EmailChangePage asks somebody to confirm a new address. do: continue.
type EmailChangePage struct {
	Action string
	Email  string // the new one
}

// EmailChangedPage says how that ended.
type EmailChangedPage struct {
	Email    string // the new one
	Taken    bool   // another account has it by now, and nothing changed
	LoginURL string
}

// SetUpPage explains two-step authentication before it is set up. do: start, later, cancel.
type SetUpPage struct {
	Action string
	Reason string    // text key
	From   time.Time // it is required from then on; zero: no such date
	Later  bool      // it can be put off
	Cancel bool
	Party  string // who asks
}

// ChoosePage asks how the person wants to get codes. Field: method.
type ChoosePage struct {
	Action  string
	Methods []string // those offered, in order
	Replace bool     // one is in use, and stops when the new one works
	Cancel  bool
}

// TwoStepOffPage asks whether to turn two-step authentication off. do: continue, cancel.
type TwoStepOffPage struct {
	Action string
	Cancel bool
}

// NoCodePage helps people who cannot get a code.
type NoCodePage struct {
	BackURL   string
	App       bool   // the platform has a mobile app
	ResendURL string // of the page that sends a code again; empty: there is none
	Resend    string // text key of the link to it
}
