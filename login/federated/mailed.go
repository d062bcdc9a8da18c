package federated

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
)

// CodeStore is what codes of mails need of storage beside Store.
type CodeStore interface {
	Saver
	Ticket(ctx context.Context, p platform.ID, hash []byte) (*authn.Ticket, error)
}

// mailStep takes a code that a mail brings to the address of an account, of who is known elsewhere and says to have one
// here: for who has no password, or where none is taken. It says the same of every address, and costs the same; the
// outbox decides afterwards whether there is somebody to send a mail to (testdata/journeys/sso_proof_mail_neutral.txt).
//
// A code is a ticket of no account, stored as an HMAC that binds it to platform, journey, who somebody is elsewhere,
// and the address. All that were sent for these work until they expire, because mails overtake each other.
type mailStep struct{ Options }

const mailStepName = "sso-mail"

// sendsPerJourney is how many mails one journey asks for, to whichever addresses.
const sendsPerJourney = 5

func (mailStep) Name() string                  { return mailStepName }
func (mailStep) Spends(form url.Values) string { return login.SpentCode(form) }

// KeepInput keeps the address.
func (mailStep) KeepInput(v *login.Visit) { v.KeepEmail() }

// Handles reports whether the step is wanted: it is the page where no password is taken.
func (mailStep) Handles(r authn.Requirement, f authn.Facts) bool {
	return r.Need == authn.NeedPrimary && proves(f) && !authn.AsksPassword(r, f)
}

// Way is the link to it beside the password.
func (mailStep) Way(v *login.Visit) string {
	if v.Requirement.Need != authn.NeedPrimary || !proves(v.Facts) {
		return ""
	}
	return "sso_mail.way"
}

// proves reports whether somebody who is known elsewhere is to show an account here, and has shown none yet.
func proves(f authn.Facts) bool { return f.Linking && f.Proving && f.Account == nil }

// asked is what a journey keeps of the mails that it asked for. It knows what was typed, and nothing of any account.
type asked struct {
	To    string `json:"to"`
	For   string `json:"for"` // who somebody is elsewhere, as External: codes for one are none for another
	Again bool   `json:"again,omitempty"`
}

func askedBinding(v *login.Visit) string { return "journey/" + v.Journey.ID + "/" + mailStepName }

// read is what was asked for who somebody is; zero: nothing yet.
func (s mailStep) read(v *login.Visit, id federation.Identity) (was asked, err error) {
	sealed := v.Journey.StepData[mailStepName]
	if len(sealed) == 0 {
		return asked{}, nil
	}
	if err := s.unseal(sealed, askedBinding(v), &was); err != nil {
		return asked{}, fmt.Errorf("mails of a step: %v", err) // ours to mend
	}
	if was.For != federation.External(id.Connection, id.Key) {
		return asked{}, nil
	}
	return was, nil
}

func (s mailStep) keep(v *login.Visit, was asked) {
	plain, _ := json.Marshal(was) // strings: cannot fail
	v.Journey.Keep(mailStepName, s.Sealer.Seal(plain, askedBinding(v)))
}

func (s mailStep) Show(_ context.Context, v *login.Visit) (login.Page, error) {
	id, c, err := step(s).pending(v)
	if err != nil {
		return login.Page{}, err
	}
	was, err := s.read(v, id)
	if err != nil {
		return login.Page{}, err
	}
	page := mailPage{CodePage: v.CodePage(), Label: id.Label(), Email: was.To, Again: was.Again, Password: !authn.PasswordClosed(v.Facts)}
	if c != nil {
		page.At = c.Names
	}
	page.Remember = ""
	if was.To != "" {
		return login.Page{Template: "sso_mail_code", Data: page}, nil
	}
	if page.Email = v.Journey.Hint; page.Email == "" {
		page.Email = id.Email.Address
	}
	return login.Page{Template: "sso_mail", Data: page}, nil
}

func (s mailStep) Submit(ctx context.Context, v *login.Visit) (login.Outcome, error) {
	id, c, err := step(s).pending(v)
	if err != nil {
		return login.Outcome{}, err
	}
	if c == nil {
		return s.refused(v, id, "", federation.Closed), nil
	}
	was, err := s.read(v, id)
	if err != nil {
		return login.Outcome{}, err
	}
	switch v.Button() {
	case "back":
		there := *v.Journey.Federation
		there.Proving = false
		v.Journey.Federation = &there
		return login.Outcome{}, nil
	case "change":
		v.Journey.Keep(mailStepName, nil)
		return login.Outcome{}, nil
	case "again":
		if was.To == "" {
			return login.Outcome{}, nil
		}
		was.Again = true
		return login.Outcome{}, s.send(ctx, v, c, was)
	case "send":
		v.KeepEmail()
		typed := strings.TrimSpace(v.Form.Get("email"))
		if typed == "" {
			return login.Outcome{Retry: []authn.Mistake{{Field: "email", Key: "login.error_email_empty"}}}, nil
		}
		if _, err := account.ParseEmail(typed); err != nil {
			return login.Outcome{Retry: []authn.Mistake{{Field: "email", Key: "login.error_email_format"}}}, nil
		}
		return login.Outcome{}, s.send(ctx, v, c, asked{To: typed, For: federation.External(c.ID, id.Key)})
	}
	if was.To == "" {
		return login.Outcome{}, nil // the page that asks for the address is shown
	}
	return s.typed(ctx, v, c, id, was)
}

// send asks the outbox for a mail with a new code. Of an address that has had too many none is sent, and the page says
// nothing of it, as of one that nobody has.
func (s mailStep) send(ctx context.Context, v *login.Visit, c *federation.Connection, was asked) error {
	email, err := account.ParseEmail(was.To)
	if err != nil {
		return err
	}
	code, ticket, err := s.draw(ctx, v, was.For, email.Key)
	if err != nil {
		return err
	}
	d := outbox.Draft{
		Kind: outbox.LinkCodeRequest, Platform: v.Platform.ID, Locale: login.LanguageOf(v.Request, v.Journey.Locale), Now: v.Now,
		Contents: outbox.Contents{To: email.Address, Values: map[string]string{"code": code, "nl": c.Name("nl"), "en": c.Name("en")}},
	}
	e := v.Event(audit.MessageRequested, audit.Success, "")
	e.Reason = string(d.Kind)
	mine := hex.EncodeToString(s.Sealer.MAC("mail wishes", string(v.Platform.ID)+"\x00journey\x00"+v.Journey.ID))
	err = s.Codes.SaveChange(ctx, authn.Change{
		Platform: v.Platform.ID, Issue: []authn.Ticket{ticket}, Messages: []outbox.Message{d.Seal(s.Sealer.Seal)}, Events: []audit.Event{e},
		Count: []authn.Limit{
			{Key: mine, Max: sendsPerJourney, Window: authn.JourneyLife}, login.PressedTwice(s.Sealer, v, v.Action+" "+email.Key),
			authn.MailsOf(s.Sealer, v.Platform.ID, d.Kind, email.Key), login.SourceLimit(s.Sealer, v),
		},
	}, v.Now)
	if errors.Is(err, fault.Throttled) {
		e.Outcome, e.Reason = audit.Failure, "too many"
		err = s.Codes.SaveChange(ctx, authn.Change{Platform: v.Platform.ID, Events: []audit.Event{e}}, v.Now)
	}
	was.To = email.Address
	s.keep(v, was)
	return err
}

// draw makes a code that was not sent for the same before.
func (s mailStep) draw(ctx context.Context, v *login.Visit, whom, email string) (string, authn.Ticket, error) {
	for {
		code := secret.Digits(login.CodeDigits)
		hash := s.hash(v, whom, email, code)
		_, err := s.Codes.Ticket(ctx, v.Platform.ID, hash)
		if errors.Is(err, fault.NotFound) {
			return code, authn.NewTicket(hash, v.Platform.ID, authn.TicketMailCode, "", v.Now), nil
		}
		if err != nil {
			return "", authn.Ticket{}, err
		}
	}
}

// hash is what is stored of a code. It is the same only in this journey, for this address and who somebody is
// elsewhere.
func (s mailStep) hash(v *login.Visit, whom, email, code string) []byte {
	return s.Sealer.MAC("code of a mail", strings.Join([]string{string(v.Platform.ID), v.Journey.ID, whom, email, code}, "\x00"))
}

// typed counts a code first and verifies it then. Of the account that has the address nothing is looked up before a
// code is right.
func (s mailStep) typed(
	ctx context.Context, v *login.Visit, c *federation.Connection, id federation.Identity, was asked,
) (login.Outcome, error) {
	code, mistakes := v.TypedCode()
	email, err := account.ParseEmail(was.To)
	if len(mistakes) > 0 || err != nil {
		return login.Outcome{Retry: mistakes}, err
	}
	attempt, err := s.Budget.CountMailed(ctx, v, email.Key)
	if err != nil {
		return login.Outcome{}, err
	}
	if !attempt.Until.IsZero() {
		return s.tooMany(v, c.ID, attempt), nil
	}
	ticket, err := s.Codes.Ticket(ctx, v.Platform.ID, s.hash(v, was.For, email.Key, code))
	switch {
	case errors.Is(err, fault.NotFound):
		return s.wrong(v, c.ID, attempt, "sso_mail.error_wrong"), nil
	case err != nil:
		return attempt.Unverified(), err
	case ticket.State(v.Now) == authn.TicketExpired:
		return s.wrong(v, c.ID, attempt, "sso_mail.error_expired"), nil // only who reads the mails learns that
	case ticket.State(v.Now) != authn.TicketWorks:
		return s.wrong(v, c.ID, attempt, "sso_mail.error_wrong"), nil
	}
	out, err := s.right(ctx, v, c, id, email)
	if err != nil {
		return attempt.Unverified(), err
	}
	out.Change.Uncount = attempt.Keys
	out.Change.Spend = []authn.TicketUse{{Hash: ticket.Hash, Purpose: ticket.Purpose, Opened: v.Now}}
	return out, nil
}

// right is what a code leads to: the proof, or the reason why the account cannot be linked, which its owner may know.
func (s mailStep) right(
	ctx context.Context, v *login.Visit, c *federation.Connection, id federation.Identity, email account.Email,
) (login.Outcome, error) {
	a, err := find(s.Store.AccountByEmail(ctx, v.Platform.ID, email.Key))
	if err != nil {
		return login.Outcome{}, err
	}
	there, err := find(s.Store.AccountByLink(ctx, v.Platform.ID, federation.Method, federation.External(c.ID, id.Key)))
	switch {
	case err != nil:
		return login.Outcome{}, err
	case a == nil:
		return s.refused(v, id, "", federation.NoAccount), nil
	case a.State == account.Deactivated:
		return s.refused(v, id, a.ID, federation.Inactive), nil
	case !authn.MayProveByMail(a):
		return s.refused(v, id, a.ID, federation.Unproven), nil
	}
	if err := unlinkable(c, id, there, a); err != nil {
		return s.refused(v, id, a.ID, federation.ReasonOf(err)), nil
	}
	out := login.Outcome{Known: a, Proof: &authn.Proof{Method: authn.MailCode, Use: account.Link, At: v.Now}}
	out.Change.Account = &authn.AccountChange{ID: a.ID, Activate: a.State == account.Invited, Verified: true}
	out.Late = []authn.Mistake{{Field: "code", Key: "sso_mail.error_wrong"}}
	return out, nil
}

// refused ends the try, and says why on the page of organisations.
func (s mailStep) refused(v *login.Visit, id federation.Identity, whose account.ID, why federation.Reason) login.Outcome {
	v.Journey.Keep(mailStepName, nil)
	step(s).trouble(v, id, why)
	return login.Outcome{Change: authn.Change{Events: []audit.Event{refusal(v, id.Connection, whose, why)}}}
}

// trouble keeps that a sign-in elsewhere came to nothing, and leads to the page that says so.
func (s step) trouble(v *login.Visit, id federation.Identity, why federation.Reason) {
	v.Journey.Federation = &authn.Federation{
		BreakGlass: v.Journey.BeganAtBreakGlass(),
		LastError:  &authn.FederationError{Connection: string(id.Connection), Reason: string(why), Reference: v.Caller.Reference},
	}
	v.Action = v.PathOf(stepName)
}

// refusal is the event that a sign-in by a connection came to nothing.
func refusal(v *login.Visit, c federation.ID, whose account.ID, why federation.Reason) audit.Event {
	e := v.Event(audit.FederatedRefused, audit.Failure, whose)
	e.Connection, e.Reason = string(c), string(why)
	return e
}

// wrong is what a wrong code leads to: the text that says so, or the end of what one journey may try.
func (mailStep) wrong(v *login.Visit, c federation.ID, a login.Attempt, text string) login.Outcome {
	out := login.Outcome{Tried: a.Keys, Change: authn.Change{Events: []audit.Event{refusal(v, c, "", federation.Unproven)}}}
	if a.Last() {
		out.Stop = &authn.Stop{Page: login.StopCodes}
		return out
	}
	out.Retry = []authn.Mistake{{Field: "code", Key: text}}
	return out
}

// tooMany is what a code leads to that is not verified: the same for a right one.
func (mailStep) tooMany(v *login.Visit, c federation.ID, a login.Attempt) login.Outcome {
	out := login.Outcome{Change: authn.Change{Events: []audit.Event{refusal(v, c, "", federation.Unproven)}}}
	if a.Own {
		out.Stop = a.WrongCodes()
		return out
	}
	hours := int((a.Until.Sub(v.Now) + time.Hour - 1) / time.Hour)
	out.Retry = []authn.Mistake{{Field: "code", Key: "sso_mail.error_limit", Args: []any{"n", hours}}}
	return out
}

// Finish links the account that somebody proved in this journey. Where a mail proved it and it cannot be linked any
// more, nobody is signed in: the page says why.
func (s step) Finish(ctx context.Context, v *login.Visit) (authn.Change, error) {
	mailed, linking := authn.Mailed(v.Journey), v.Journey.Pending()
	var id federation.Identity
	if mailed && linking {
		var err error
		if id, _, err = s.pending(v); err != nil {
			return authn.Change{}, err
		}
	}
	change, err := s.prove(ctx, v)
	why := federation.ReasonOf(err)
	switch {
	case err != nil && why == "":
		return change, err
	case !mailed || !linking || len(change.Put) > 0:
		return change, nil
	}
	v.Journey.ResetProgress()
	s.trouble(v, id, cmp.Or(why, federation.Unproven))
	return change, login.ErrNotOver
}
