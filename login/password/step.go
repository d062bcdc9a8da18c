package password

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/login"
)

// hintAfter wrong passwords in one journey the page names platform and host ("are you logging in on the right
// platform?", testdata/journeys/wrong_platform.txt).
const hintAfter = 3

// longest bounds what is hashed, in bytes; the password rule allows fewer characters.
const longest = 4096

// step is the login page, or, where it is known who is here, the page that asks the password again.
type step struct{ Options }

func (step) Name() string { return Method }

func (step) Handles(r authn.Requirement, f authn.Facts) bool {
	return authn.AsksPassword(r, f)
}

// Identifies reports whether the page asks who somebody is: the login page asks for the address, the page that asks the
// password again does not.
func (step) Identifies(form url.Values) bool { return form.Has("email") }

// Way: it is one where another way of signing in comes first.
func (s step) Way(v *login.Visit) string {
	if !s.Handles(v.Requirement, v.Facts) {
		return ""
	}
	return "login.with_password"
}

// Enter takes a place in the queue of hashes for a form with a password, whoever it is of: with none, nothing is looked
// up and no attempt counts.
func (s step) Enter(ctx context.Context, form url.Values) (context.Context, func(), error) {
	if form.Get("password") == "" || form.Get("do") == "other" {
		return ctx, func() {}, nil
	}
	return s.Pool.Enter(ctx)
}

// KeepInput keeps the address, where the page asks for it.
func (step) KeepInput(v *login.Visit) {
	if v.Facts.Account == nil {
		v.KeepEmail()
	}
}

func (step) Show(_ context.Context, v *login.Visit) (login.Page, error) {
	if a := v.Facts.Account; a != nil {
		page := confirmPage{
			Action: v.Action, Email: a.Email.Address, Reason: reason(v.Requirement.Why), Party: v.PartyName, Cancel: true,
			Linked: v.Journey.Link != nil, Slow: v.Journey.Failures >= authn.FreeAttempts,
		}
		if v.Journey.Ask.Purpose != authn.SignIn {
			page.Step, page.Steps = v.Step()
		}
		return login.Page{Template: "confirm_password", Data: page}, nil
	}
	page := loginPage{
		Action: v.Action, Email: v.Journey.Hint, Check: v.Journey.Failures >= hintAfter, Slow: v.Journey.Failures >= authn.FreeAttempts, Party: v.PartyName, Cancel: true,
		PolicyURI: v.Party.PolicyURI, TermsURI: v.Party.TermsURI, Linking: v.Facts.Proving,
	}
	if page.Linking {
		page.At, page.Label = v.Journey.Federation.Names, v.Journey.Federation.Label
	}
	return login.Page{Template: "login", Data: page}, nil
}

func reason(why authn.Reason) string {
	switch why {
	case authn.ForIdle:
		return "confirm_password.reason_idle"
	case authn.ForParty:
		return "confirm_password.reason_platform"
	case authn.ForChange:
		return "confirm_password.reason_change"
	case authn.ForTwoStep:
		return "confirm_password.reason_two_step"
	case authn.ForCodes:
		return "confirm_password.reason_codes"
	case authn.ForOff:
		return "confirm_password.reason_off"
	case authn.ForQR:
		return "confirm_password.reason_qr"
	case authn.ForConnect:
		return "confirm_password.reason_connect"
	case authn.ForStaff:
		return "confirm_password.reason_staff"
	}
	return "confirm_password.body"
}

func (s step) Submit(ctx context.Context, v *login.Visit) (login.Outcome, error) {
	known := v.Facts.Account
	if known != nil && v.Button() == "other" && v.Journey.Link != nil {
		return login.Outcome{}, nil // the button of the mail is the owner's
	}
	if known != nil && v.Button() == "other" {
		v.Forget()
		v.Journey.IgnoreSession, v.Journey.Switch, v.Journey.Hint = true, true, ""
		return login.Outcome{}, nil
	}
	typed, password := strings.TrimSpace(v.Form.Get("email")), v.Form.Get("password")
	var email account.Email
	var mistakes []authn.Mistake
	if known != nil {
		email = known.Email
	} else {
		v.KeepEmail()
		var err error
		email, err = account.ParseEmail(typed)
		switch {
		case typed == "":
			mistakes = append(mistakes, authn.Mistake{Field: "email", Key: "login.error_email_empty"})
		case err != nil:
			mistakes = append(mistakes, authn.Mistake{Field: "email", Key: "login.error_email_format"})
		}
	}
	if password == "" {
		mistakes = append(mistakes, authn.Mistake{Field: "password", Key: "login.error_password_empty"})
	}
	if len(mistakes) > 0 {
		out := login.Outcome{Retry: mistakes}
		if known == nil && password == "" {
			out.Home = email
		}
		return out, nil
	}
	return s.attempt(ctx, v, email, password)
}

// attempt counts first and verifies then (CVE-2026-35597: a counter that rolls back with a failing request is none).
func (s step) attempt(ctx context.Context, v *login.Visit, email account.Email, password string) (login.Outcome, error) {
	guess := s.guess(v, email.Key)
	attempts, err := s.Store.CountAttempt(ctx, v.Platform.ID, guess, v.Now)
	if errors.Is(err, fault.Throttled) {
		return login.Outcome{
			Stop:   &authn.Stop{Page: login.StopWait, Until: attempts.BlockedTo, Email: email.Address, Of: guess.Counter},
			Change: authn.Change{Events: []audit.Event{refused(v, "", "too many")}},
		}, nil
	}
	if err != nil {
		return login.Outcome{}, err
	}
	s.delay(ctx, attempts.Delay())
	right := authn.Change{Uncount: guess.Keys()}
	a, c, ok, err := s.verify(ctx, v, email.Key, password)
	if err != nil {
		return login.Outcome{Change: right}, err
	}
	if !ok {
		return s.refuse(v, a, email, guess, attempts, "wrong"), nil
	}
	if why := closedFor(v, a); why != "" {
		return s.refuse(v, a, email, guess, attempts, why), nil
	}
	if a.State != account.Active {
		right.Events = []audit.Event{refused(v, a.ID, "not active")}
		return login.Outcome{Change: right, Stop: &authn.Stop{Page: login.StopInactive}}, nil
	}
	if right.Put, err = s.upgraded(ctx, c, password); err != nil {
		return login.Outcome{Change: right}, err
	}
	for _, stronger := range right.Put {
		c = stronger
	}
	return login.Outcome{Known: a, Change: right, Proof: proof(c, v.Now)}, nil
}

// Repeats reports whether a form brings the password of the journey's account again. It counts as every try does.
func (s step) Repeats(ctx context.Context, v *login.Visit) (bool, authn.Change, error) {
	if s.Identifies(v.Form) {
		email, err := account.ParseEmail(strings.TrimSpace(v.Form.Get("email")))
		if err != nil || email.Key != v.Facts.Account.Email.Key {
			return false, authn.Change{}, nil
		}
	}
	return s.again(ctx, v)
}

// again compares the password of a form with that of the account that the journey knows.
func (s step) again(ctx context.Context, v *login.Visit) (bool, authn.Change, error) {
	id, key := v.Facts.Account.ID, v.Facts.Account.Email.Key
	guess := s.guess(v, key)
	attempts, err := s.Store.CountAttempt(ctx, v.Platform.ID, guess, v.Now)
	if errors.Is(err, fault.Throttled) {
		return false, authn.Change{Events: []audit.Event{refused(v, id, "too many")}}, nil
	}
	if err != nil {
		return false, authn.Change{}, err
	}
	s.delay(ctx, attempts.Delay())
	_, _, ok, err := s.verify(ctx, v, key, v.Form.Get("password"))
	if err != nil || !ok {
		return false, authn.Change{Events: []audit.Event{refused(v, id, "wrong")}}, err
	}
	return true, authn.Change{Uncount: guess.Keys()}, nil
}

// delay holds the answer back. Whoever waits has no place meanwhile: a few who guess would fill the queue by waiting.
func (s step) delay(ctx context.Context, d time.Duration) {
	if d > 0 {
		s.Pool.Yield(ctx)
	}
	s.Wait(ctx, d)
}

// verify looks the address up and compares the password. Every path costs one look-up, and one hash.
func (s step) verify(ctx context.Context, v *login.Visit, key, password string) (a *account.Account, c account.Credential, ok bool, err error) {
	a, err = s.Store.AccountByEmail(ctx, v.Platform.ID, key)
	if err != nil && !errors.Is(err, fault.NotFound) {
		return nil, c, false, err
	}
	var phc []byte
	if a != nil {
		if c, ok = a.Credential(Method); ok {
			if phc, err = s.Sealer.Open(c.Sealed, c.Binding()); err != nil {
				return nil, c, false, fmt.Errorf("password of account %s: %w", a.ID, err)
			}
		}
	}
	if len(password) > longest {
		password = password[:longest] + "\x00too long" // never equal to a password that could be set
	}
	ok, err = s.Pool.Verify(ctx, password, string(phc))
	return a, c, ok, err
}

// closedFor is why a right password does not let somebody in where passwords are closed; empty: it does. Whoever is not
// one of those who keep theirs gets the answer of a wrong one, so that the emergency login tells nothing.
func closedFor(v *login.Visit, a *account.Account) string {
	f := v.Facts
	f.Account = a
	switch {
	case f.Policy.LoginForm && !authn.PasswordClosed(f):
		return ""
	case authn.LacksCode(f):
		return "no code"
	case authn.PasswordClosed(f):
		return "closed"
	case a.State != account.Active:
		return "not active"
	}
	return ""
}

// refuse is the one answer to a wrong password, an unknown address and an account without a password.
// The account, nil when there is none, and why go into the audit record only.
func (s step) refuse(v *login.Visit, a *account.Account, email account.Email, guess authn.Guess, attempts authn.Attempts, why string) login.Outcome {
	v.Journey.Failures++
	var id account.ID
	if a != nil {
		id = a.ID
	}
	out := login.Outcome{Change: authn.Change{Events: []audit.Event{refused(v, id, why)}}}
	if attempts.BlockedTo.After(v.Now) {
		out.Stop = &authn.Stop{Page: login.StopWait, Until: attempts.BlockedTo, Email: email.Address, Of: guess.Counter}
		return out
	}
	text := "login.error_wrong"
	if v.Facts.Account != nil {
		text = "confirm_password.error_wrong"
	}
	out.Retry = []authn.Mistake{{Field: "password", Key: text}}
	return out
}

func refused(v *login.Visit, id account.ID, why string) audit.Event {
	e := v.Event(audit.PasswordRefused, audit.Failure, id)
	e.Reason = why
	return e
}
