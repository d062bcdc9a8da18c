package login

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/ui"
)

// setUpStep begins the set-up of two-step authentication: what it is, then how the person wants to get codes. The
// chosen factor's own step follows (testdata/journeys/two_step_set_up_app.txt, two_step_set_up_sms.txt).
type setUpStep struct{ *Server }

func (setUpStep) Name() string { return "set-up" }

func (setUpStep) Handles(r authn.Requirement, f authn.Facts) bool {
	return r.Need == authn.NeedEnrol && f.Method == ""
}

func (s setUpStep) Show(_ context.Context, v *Visit) (Page, error) {
	if offers := authn.Offers(v.Facts); len(offers) == 1 || !v.Journey.SetUpStarted && v.Journey.Ask.Purpose != authn.TwoStep {
		return Page{"setup", ui.SetUpPage{
			Action: v.Action, Reason: setUpReason(v), From: v.Platform.Policy.SecondFactor.For(v.Facts.Account.Role).RequiredFrom,
			Later: s.later(v), Cancel: true, Party: v.AskedBy,
		}}, nil
	}
	return Page{"choose", ui.ChoosePage{
		Action: v.Action, Methods: authn.Offers(v.Facts), Replace: len(authn.Enrolled(v.Facts)) > 0, Cancel: true,
	}}, nil
}

// setUpReason is the text key that says why; empty: nothing to say.
func setUpReason(v *Visit) string {
	f := v.Facts
	mine := f.Policy.SecondFactor.For(f.Account.Role)
	switch {
	case v.Requirement.Why == authn.ForParty:
		return "setup.reason_platform"
	case v.Journey.Ask.Purpose == authn.StaffPages || v.Journey.Ask.Purpose == authn.StaffAct:
		return "setup.reason_staff"
	case v.Requirement.Why == authn.ForTwoStep:
		return "" // it was their own wish
	case authn.MustEnrol(f):
		return "setup.required" + ofWhom(f, v.Now)
	case mine.Demand == platform.Required:
		return "setup.required_from" + ofWhom(f, mine.RequiredFrom)
	}
	return "setup.optional"
}

// ofWhom is the end of a text key that says of whom a second factor is required at a moment, the person among them;
// empty: of everyone.
func ofWhom(f authn.Facts, at time.Time) string {
	demand, staff := f.Policy.SecondFactor, f.Account.Role.Staff()
	switch {
	case staff && demand.Client.At(at) != platform.Required:
		return "_staff"
	case !staff && demand.Staff.At(at) != platform.Required:
		return "_client"
	}
	return ""
}

// later reports whether the set-up can be put off: it was only offered.
func (setUpStep) later(v *Visit) bool {
	return !authn.MustEnrol(v.Facts) && v.Requirement.Why != authn.ForParty && v.Journey.Ask.Purpose != authn.TwoStep
}

func (s setUpStep) Submit(_ context.Context, v *Visit) (Outcome, error) {
	offers := authn.Offers(v.Facts)
	switch do := v.Button(); {
	case do == "later" && s.later(v):
		return Outcome{Done: authn.NeedEnrol, Change: authn.Change{Account: &authn.AccountChange{ID: v.Facts.Account.ID, Offered: true}}}, nil
	case do == "start":
		v.Journey.SetUpStarted = true
		if len(offers) == 1 {
			v.Journey.Method = offers[0]
		}
	case slices.Contains(offers, v.Form.Get("method")):
		v.Journey.Method = v.Form.Get("method")
	default:
		return Outcome{Retry: []authn.Mistake{{Field: "method", Key: "choose.error"}}}, nil
	}
	return Outcome{}, nil
}

// CodesLeft notes how many recovery codes are left after one was used; the person is told when they are few.
func (v *Visit) CodesLeft(left, few int) {
	v.Journey.LowCodes = v.Journey.LowCodes || left <= few
}

// Done reports whether something was done in this journey.
func (v *Visit) Done(n authn.Need) bool { return slices.Contains(v.Facts.Done, n) }

// Renewing reports whether the person wants new recovery codes on the way.
func (v *Visit) Renewing() bool { return v.Facts.OptIn == authn.NeedSaveCodes }

// Others are the methods that can be chosen instead of one.
func (v *Visit) Others(method string) []string {
	return slices.DeleteFunc(authn.Offers(v.Facts), func(m string) bool { return m == method })
}

// Enrolled is the change that a new second factor makes. The one before it stops, so that there is one way of getting
// codes; no browser is remembered for what it vouched for, and every other session ends with what parties were given
// there; the owner hears of it.
func (v *Visit) Enrolled(c account.Credential, sealer Sealer) authn.Change {
	id := v.Facts.Account.ID
	added := v.Event(audit.CredentialAdded, audit.Success, id)
	added.Reason = c.Method
	change := authn.Change{Put: []account.Credential{c}, Forget: &id, Events: []audit.Event{added}}
	message := outbox.TwoStepOn
	for _, old := range v.Facts.Account.Credentials {
		if old.Use == account.Second && old.RetiredAt.IsZero() {
			gone := v.Event(audit.CredentialRetired, audit.Success, id)
			gone.Reason = old.Method
			change.Retire, change.Events = append(change.Retire, old.ID), append(change.Events, gone)
			message = outbox.MethodChanged
		}
	}
	if len(change.Retire) > 0 {
		change.End = v.others("second factor changed")
	}
	change.Messages = []outbox.Message{v.Notice(message, sealer)}
	return change
}

// others ends what the account has beside the session of this browser.
func (v *Visit) others(why string) *authn.End {
	end := &authn.End{Account: v.Facts.Account.ID, Reason: why}
	if session := v.Facts.Session; session != nil && session.Account == end.Account {
		end.Except = session.ID
	}
	return end
}

// turnOffStep asks whether two-step authentication is really to be turned off.
type turnOffStep struct{ *Server }

func (turnOffStep) Name() string { return "two-step-off" }
func (turnOffStep) Handles(r authn.Requirement, _ authn.Facts) bool {
	return r.Need == authn.NeedTurnOff
}
func (turnOffStep) Show(_ context.Context, v *Visit) (Page, error) {
	return Page{"two_step_off", ui.TwoStepOffPage{Action: v.Action, Cancel: true}}, nil
}

func (s turnOffStep) Submit(_ context.Context, v *Visit) (Outcome, error) {
	if !authn.MayTurnOff(v.Facts) {
		return Outcome{}, fmt.Errorf("turning two-step authentication off: %w", fault.Refused)
	}
	id := v.Facts.Account.ID
	gone := v.Event(audit.CredentialRetired, audit.Success, id)
	gone.Reason = "two-step authentication turned off"
	change := authn.Change{
		Account: &authn.AccountChange{ID: id, Offered: true}, // by their own wish: not offered at the next login
		Retire:  v.Facts.Account.SecondCredentials(), Forget: &id, End: v.others("two-step authentication turned off"),
		Void:     []authn.TicketVoid{{Account: id, Purpose: authn.TicketRecoveryCode}},
		Messages: []outbox.Message{s.Notice(v, outbox.TwoStepOff)},
		Events:   []audit.Event{gone},
	}
	return Outcome{Done: authn.NeedTurnOff, Change: change}, nil
}

// noCodeStep is the page beside a code for people who cannot get one.
type noCodeStep struct{ *Server }

func (noCodeStep) Name() string                                { return "no-code" }
func (noCodeStep) Handles(authn.Requirement, authn.Facts) bool { return false }

func (noCodeStep) Way(v *Visit) string {
	if v.Requirement.Need != authn.NeedSecond {
		return ""
	}
	return "code.no_access"
}

func (s noCodeStep) Show(_ context.Context, v *Visit) (Page, error) {
	page := ui.NoCodePage{BackURL: JourneyPath(v.Platform, v.Journey.ID), App: s.HasMobileApp(v.Platform.ID)}
	for _, step := range s.steps {
		if sender, sends := step.(Sender); sends && step.Handles(v.Requirement, v.Facts) {
			page.ResendURL, page.Resend = page.BackURL, sender.Sends() // where the button is
		}
	}
	return Page{"no_code", page}, nil
}

func (noCodeStep) Submit(context.Context, *Visit) (Outcome, error) { return Outcome{}, nil }
