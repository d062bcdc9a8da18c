package authn

import (
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/platform"
)

// JourneyLife is how long someone may take for the pages between a request and its answer.
const JourneyLife = 60 * time.Minute

// Unstored is the version of a journey that is still what its request begins with. Its first change stores it.
const Unstored = -1

// Journey is where someone is between a request and its answer. It collects proofs; the page that comes next is
// never stored, because Missing says it anew each time. It is saved only if Version is unchanged, so that of two
// tabs or a double click exactly one submit counts.
type Journey struct {
	ID         string
	Platform   platform.ID
	Browser    []byte   // hash of the cookie that binds it to one browser: the browser's, from its first proof on OwnBinding's
	OwnBinding *Binding // nil: it has no proof yet
	Ask        Ask
	Progress   // of the person who goes on

	Failures      int         // wrong answers so far: after 3 the login page names platform and host
	Switch        bool        // the person chose to replace the session of another account
	Denied        bool        // the person stopped
	IgnoreSession bool        // the person says who it is; whoever is signed in here is not assumed
	Party         string      // client_id of who asked; empty for our own pages
	Request       string      // identifier of the authorization request that is answered at the end; empty for our own pages
	ReturnTo      string      // path on our own origin that is opened at the end, when there is no Request
	Hint          string      // e-mail address to prefill
	Locale        string      // language asked for by the party or chosen on the page; empty: account, then browser
	Link          *Link       // the button of a mail that it began with; nil: none
	Federation    *Federation // what it keeps of the sign-ins of organisations; nil: nothing
	ForgotMail    *MailRequest
	SignUpMail    *MailRequest
	SignUpForm    *SignUpForm // as it was filled in last, right or not
	Version       int64       // rises with each change
	StartedAt     time.Time
	ExpiresAt     time.Time
	EndedAt       time.Time // finished, cancelled or overtaken
}

// Progress is what a journey holds of the person who goes on: what was proven, done and prepared. Somebody else starts
// with none of it. A secret that the one before has seen, such as that of an app, must not become theirs either.
type Progress struct {
	Account  account.ID // empty until known
	CutAt    time.Time  // of Account, as it was when the journey came to know it
	Unlinked bool       // a node of the release before saved Account, without CutAt
	Proofs   []Proof
	Done     []Need // what was done here and is not asked again, such as a new password

	Mistakes     *Mistakes // on the last form; nil: none
	Stop         *Stop     // the journey rests; nil: it does not
	Remember     bool      // the person wants this browser remembered
	SetUpStarted bool      // the person started the set-up of two-step authentication
	Method       string    // … and chose this way of getting codes
	LowCodes     bool      // few recovery codes are left
	OptIn        Need      // … and the person wants this about it

	StepData map[string][]byte // by step, what it sealed for its next form
}

// Binding is the cookie of a journey alone, which it gets with each proof anew. Its value is computed, so that a form
// that brings the same proof again gets the same one.
type Binding struct {
	Began   []byte `json:"began"`             // hash of the browser's cookie, which bound the journey before
	Before  []byte `json:"before"`            // hash of the cookie that bound the journey when the last proof came
	Session []byte `json:"session,omitempty"` // hash of that of the session that the browser had then; nil: none
	Salt    []byte `json:"salt"`              // from which the value is computed
	Step    string `json:"step,omitempty"`    // that took the proof
	Spent   []byte `json:"spent,omitempty"`   // MAC of a proof that can be given once, such as a code
}

// Keep keeps something for a step; nil keeps nothing any more.
func (p *Progress) Keep(step string, sealed []byte) {
	kept := map[string][]byte{} // another copy of the journey may hold the old one
	for name, value := range p.StepData {
		kept[name] = value
	}
	if kept[step] = sealed; sealed == nil {
		delete(kept, step)
	}
	p.StepData = kept
}

// removalSlot is where a journey keeps the device that makes room.
const removalSlot = "room"

// Displace chooses the device that is removed when the mobile app gets the one that asks.
func (p *Progress) Displace(device string) { p.Keep(removalSlot, []byte(device)) }

// Displaces is the identifier of that device; empty: none was chosen.
func (p *Progress) Displaces() string { return string(p.StepData[removalSlot]) }

// Mistakes are what the person can mend on the page of a step. They are kept until the next form, so that a reload
// shows them again.
type Mistakes struct {
	Step string    `json:"step"`
	All  []Mistake `json:"errors"`
}

// Mistake is one of them: the text that is shown beside an input.
type Mistake struct {
	Field string `json:"field"` // id of the input; empty: about the form as a whole
	Key   string `json:"key"`   // of the text
	Args  []any  `json:"args,omitempty"`
	Label string `json:"label,omitempty"` // text key that fills the placeholder {field}
}

// Stop is a page on which a journey rests: too many attempts, an account that is not active.
type Stop struct {
	Page  string    `json:"page"`
	Step  string    `json:"step,omitempty"`  // whose form led here: it takes none meanwhile
	Until time.Time `json:"until,omitempty"` // afterwards the journey goes on; zero: it does not
	Email string    `json:"email,omitempty"` // of a wait: as typed, so where the mail that it offers goes
	Sent  bool      `json:"sent,omitempty"`  // … that was asked for
	Of    string    `json:"of,omitempty"`    // … and which counter refuses: the mail is sent once in each wait of one

	Reference string `json:"reference,omitempty"` // of the form that led here, as the record has it
}

// Link is what a journey keeps of the button of a mail that it began with.
type Link struct {
	Hash    []byte        `json:"hash"`
	Purpose TicketPurpose `json:"purpose"`
	Sealed  []byte        `json:"sealed,omitempty"`
}

// Federation is what a journey keeps of the sign-ins of organisations.
type Federation struct {
	PendingIdentity []byte           `json:"pending,omitempty"` // sealed: who somebody is there, until it is known whose account that is
	Label           string           `json:"label,omitempty"`   // … what that account is called
	Proving         bool             `json:"proving,omitempty"` // … and the person says to have one here, and shows it
	Names           Names            `json:"names,omitempty"`   // … and those of the organisation
	BreakGlass      bool             `json:"glass,omitempty"`   // it began at the emergency login, where named managers have a password
	LastError       *FederationError `json:"trouble,omitempty"` // how the last try ended; nil: there was none, or it went well
}

// Names are what an organisation is called, by language.
type Names map[string]string

// FederationError is how a sign-in elsewhere ended that did not go well. The page says it, and sends nobody there again
// unasked.
type FederationError struct {
	Connection string `json:"connection"`
	Reason     string `json:"reason"`              // of federation
	Reference  string `json:"reference,omitempty"` // as the record has it
}

// Pending reports whether it is still to be found out whose account somebody is.
func (j *Journey) Pending() bool { return j.Federation != nil && len(j.Federation.PendingIdentity) > 0 }

// BeganAtBreakGlass reports whether the journey began at the emergency login.
func (j *Journey) BeganAtBreakGlass() bool { return j.Federation != nil && j.Federation.BreakGlass }

// MailRequest is what a page remembers of the mail that it asked for. It knows what was typed, and nothing of any
// account, nor whether a mail was sent.
type MailRequest struct {
	To    string `json:"to"`
	Again bool   `json:"again,omitempty"` // another one was asked for, which is worth a word
}

// SignUpForm is what somebody filled in to make an account.
type SignUpForm struct {
	Email      string `json:"email"`
	GivenName  string `json:"given_name"`
	MiddleName string `json:"middle_name,omitempty"`
	FamilyName string `json:"family_name"`
	Locale     string `json:"locale"`
	Terms      bool   `json:"terms,omitempty"` // ticked
}

// AddProof adds a proof to those of the journey.
func (j *Journey) AddProof(p Proof) {
	if p.Journey = ""; p.freshIn(j) {
		p.Journey = j.ID
	}
	j.Proofs = Merge(j.Proofs, []Proof{p})
}

// Open reports whether the journey can still be continued.
func (j *Journey) Open(now time.Time) bool { return j.EndedAt.IsZero() && now.Before(j.ExpiresAt) }

// ResetProgress lets the journey go on with somebody else.
func (j *Journey) ResetProgress() {
	j.Progress = Progress{}
	if j.OwnBinding != nil { // without a proof it is bound by the cookie of the browser
		j.Browser, j.OwnBinding = j.OwnBinding.Began, nil
	}
}
