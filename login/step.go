package login

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/gorilla/mux"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/ui"
)

// Step is one page of a journey: it can meet a requirement, show itself and take its form.
type Step interface {
	// Name is the step's path element and, where Show says nothing else, its template.
	Name() string
	// Handles reports whether this step is the one for a requirement.
	Handles(authn.Requirement, authn.Facts) bool
	// Show is the page. It changes nothing: mail scanners and reloads call it too.
	Show(context.Context, *Visit) (Page, error)
	// Submit takes the form. What a person can mend is a Retry, not an error. Beside an error only Change.Uncount counts:
	// keys of a try that was counted and could not be verified.
	Submit(context.Context, *Visit) (Outcome, error)
}

// Beginner is a step that prepares something, such as a text message. Begin runs once, inside the POST that makes the
// step current; its change is saved with it.
type Beginner interface {
	Begin(context.Context, *Visit) (authn.Change, error)
}

// begin is the change with which a step begins.
func begin(ctx context.Context, step Step, v *Visit) (authn.Change, error) {
	if b, ok := step.(Beginner); ok {
		return b.Begin(ctx, v)
	}
	return authn.Change{}, nil
}

// Identifier is a step whose form can say who somebody is. Such a form counts even when somebody else was signed in, in
// another tab, since the page was shown: what a person typed is never taken for another person's.
type Identifier interface {
	Identifies(url.Values) bool
}

// Bounded is a step whose form is so much work that only some are taken at once. Enter finds room for one before
// anything is looked up for it, in the context that it returns and until it is left; without room it is fault.Busy.
type Bounded interface {
	Enter(ctx context.Context, form url.Values) (in context.Context, leave func(), err error)
}

// Sender is a step whose page sends the person something, and sends it again: Sends is the text key of the link to it.
type Sender interface{ Sends() string }

// Factor is a way of proving who you are: one folder, one line in internal/wire, its name in a policy.
type Factor struct {
	Method   string
	Second   bool // asked after a primary; its method may be named in a policy
	Recovery bool // stands in for a second factor, and is kept once one is set up
	Prove    Step
	Enrol    Step                   // nil: cannot be set up by the person
	Steps    []Step                 // further pages of a journey, which prove nothing by themselves
	Routes   func(*mux.Router)      // pages of its own beside the journey; nil: none
	Policy   func(*platform.Policy) // sets what a platform has of it that says nothing; nil: nothing
	UI       ui.Part                // what it shows and says
	// Card is what it shows on the page of two-step authentication of somebody who has it; nil: nothing.
	Card func(context.Context, *Visit) (ui.Card, error)
}

// Visit is one look at a journey: what a step may know.
type Visit struct {
	Platform     *platform.Platform
	Journey      *authn.Journey
	Facts        authn.Facts
	form         submission
	remembered   remembered
	knownBrowser knownBrowser     // what this browser is known for from now on; empty: as it was
	SignedIn     *account.Account // whose session this browser has; nil: nobody's
	Requirement  authn.Requirement
	Request      *http.Request // of a submit
	Form         url.Values
	Action       string          // where the step's form goes
	PartyName    string          // empty when the platform itself asks
	AskedBy      string          // name of who asks, the platform's where the party has none
	Ways         []ui.Way        // to which the page leads
	Mistakes     []authn.Mistake // what Show has to say by itself, where the last form had no mistake
	Party        grant.Party     // who asks; empty: the platform itself, or one that is gone
	Caller       web.Caller
	Now          time.Time
}

// submission is what the engine notes while it takes a form.
type submission struct {
	way     bool        // it is of a way, not of what is wanted now
	late    lateMistake // what is said if somebody else was faster
	unsaved []string    // keys that counted a try, to be taken back unless what it led to is saved
}

// PathOf is the address of another step of the same journey.
func (v *Visit) PathOf(step string) string { return JourneyPath(v.Platform, v.Journey.ID) + "/" + step }

// Button is the button that was pressed.
func (v *Visit) Button() string { return v.Form.Get("do") }

// Event starts an audit event of this visit.
func (v *Visit) Event(kind audit.Kind, outcome audit.Outcome, id account.ID) audit.Event {
	return audit.Event{
		At: v.Now, Platform: v.Platform.ID, Kind: kind, Actor: string(id), Account: id, Party: v.Journey.Party, Outcome: outcome,
		Origin: audit.Origin{Address: v.Caller.Address, Agent: v.Caller.Agent, Reference: v.Caller.Reference},
	}
}

// Page is what a step shows: a template with its data.
type Page struct {
	Template string
	Data     any
}

// Outcome is what happened in a submit, never where to go.
type Outcome struct {
	Proof *authn.Proof
	Known *account.Account // who it turned out to be
	Done  authn.Need       // what was done, other than by a proof

	Remember bool            // the person wants this browser remembered, once signed in
	Change   authn.Change    // saved with the journey
	Tried    []string        // keys of counters that counted a wrong try; taken back if it was a right form, sent twice
	Retry    []authn.Mistake // what the person can mend; shown on the same step
	Late     []authn.Mistake // … if somebody else uses the same code before this is saved
	Stop     *authn.Stop     // the journey cannot go on now
	File     *File           // the answer to this form; nothing is saved
	Home     account.Email   // typed without a password: the person is led to the organisation of its domain; where there is none, Retry is shown
}

// proves reports whether a form said more of who somebody is.
func (o Outcome) proves() bool { return o.Proof != nil || o.Known != nil }

// File is something to keep, such as a list of recovery codes.
type File struct {
	Name, Type string
	Body       []byte
}

// Pages on which a journey can stop.
const (
	StopWait       = "wait"
	StopInactive   = "inactive"
	StopCodes      = "wrong_codes" // in this journey: begin again
	StopCodesLater = "codes_later" // in a day: a recovery code still works
)

// Step says which page of how many this is, as far as is known now: those that were answered here, and those that are
// still wanted. Both are zero when there is only one.
func (v *Visit) Step() (n, of int) {
	n = len(v.Journey.Proofs) + len(v.Journey.Done) + 1
	of = n - 1 + len(authn.Missing(v.Journey.Ask, v.Facts, v.Journey.Proofs))
	if of < 2 {
		return 0, 0
	}
	return n, of
}
