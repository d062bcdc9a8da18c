package password

import (
	"context"
	"net/url"
	"slices"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/argon2"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/outbox"
)

// kinds says for each purpose which title and sentence the page has.
var kinds = map[authn.Purpose]string{
	authn.Welcome:        forWelcome,
	authn.SignUp:         forSignUp,
	authn.ResetPassword:  forReset,
	authn.ChangePassword: forChange,
}

// newStep is the page on which a password is chosen: after the button of a mail, and in settings.
type newStep struct{ Options }

func (newStep) Name() string { return "new-password" }

func (newStep) Handles(r authn.Requirement, f authn.Facts) bool {
	return r.Need == authn.NeedNewPassword && !authn.PasswordClosed(f)
}

// Enter takes a place in the queue of hashes: with none, nothing is looked up.
func (s newStep) Enter(ctx context.Context, _ url.Values) (context.Context, func(), error) {
	return s.Pool.Enter(ctx)
}

func (newStep) Show(_ context.Context, v *login.Visit) (login.Page, error) {
	rule := v.Platform.Policy.Password
	page := newPage{
		Action: v.Action, Kind: kinds[v.Journey.Ask.Purpose], Email: v.Facts.Account.Email.Address,
		Min: rule.MinLength, Special: rule.Special,
	}
	if page.Kind == forChange {
		page.Cancel = true
		page.Step, page.Steps = v.Step()
	}
	return login.Page{Template: "new_password", Data: page}, nil
}

func (s newStep) Submit(ctx context.Context, v *login.Visit) (login.Outcome, error) {
	password, a := v.Form.Get("password"), v.Facts.Account
	mistake, err := s.mistake(ctx, v, password)
	if err != nil {
		return login.Outcome{}, err
	}
	if mistake != nil {
		mistake.Field = "password"
		return login.Outcome{Retry: []authn.Mistake{*mistake}}, nil
	}
	c, err := s.set(ctx, a, password, v.Now)
	if err != nil {
		return login.Outcome{}, err
	}
	return login.Outcome{
		Known:  a, // of a sign-up, who is stored only now
		Proof:  proof(c, v.Now),
		Done:   authn.NeedNewPassword,
		Change: s.change(v, a, c),
	}, nil
}

// Repeats reports whether a form brings the new password again, which the account has by now.
func (s newStep) Repeats(ctx context.Context, v *login.Visit) (bool, authn.Change, error) {
	return step(s).again(ctx, v)
}

// mistake is what is wrong with a new password; nil: nothing. The old one is compared last, because that costs a hash.
func (s newStep) mistake(ctx context.Context, v *login.Visit, password string) (*authn.Mistake, error) {
	rule := v.Platform.Policy.Password
	var m Mistake
	var ruleErr error
	// The first password to be judged waits for the lists of words, about as long as a hash takes: that counts as a hash
	// does.
	if err := s.Pool.run(ctx, func(*argon2.Memory) { m, ruleErr = s.Rule.Check(rule, password, Words(v.Platform, v.Facts.Account)) }); err != nil {
		return nil, err
	}
	if m != None || ruleErr != nil {
		return mistakeText(m, rule), ruleErr
	}
	old, ok := v.Facts.Account.Credential(Method)
	if !ok {
		return nil, nil
	}
	if same, err := Matches(ctx, s.Options, old, password); !same || err != nil {
		return nil, err
	}
	return &authn.Mistake{Key: "password.error_same"}, nil
}

// change is what a new password changes beside itself. Whoever knew the old one is out: every other session ends, and
// with it what parties were given; no browser is remembered, other journeys of the account end, and links that were
// mailed for its password have nothing left to do (authn.ActPassword). The owner is told, always.
func (s newStep) change(v *login.Visit, a *account.Account, c account.Credential) authn.Change {
	set := v.Event(audit.PasswordSet, audit.Success, a.ID)
	set.Reason = string(v.Journey.Ask.Purpose)
	change := authn.Change{
		Put:      []account.Credential{c},
		Events:   []audit.Event{set},
		Messages: []outbox.Message{v.NoticeOf(changed, s.Sealer, nil)},
		Fresh:    []string{s.own(v, a.Email.Key)},
	}
	for _, other := range a.Credentials {
		switch {
		case other.Method == Method && other.ID != c.ID:
			change.Retire = append(change.Retire, other.ID) // an account has one password
		case other.External != "" && a.EmailVerifiedAt.IsZero() && v.Journey.Link != nil:
			// Who has the mails shows for the first time to be the owner: whoever came by another sign-in before may not be.
			change.Retire = append(change.Retire, other.ID)
		}
	}
	if use, _, ok := v.TicketOf(); ok {
		change.Spend = []authn.TicketUse{use}
	}
	switch v.Journey.Ask.Purpose {
	case authn.SignUp:
		change.Add = a
		change.Events = slices.Insert(change.Events, 0, v.Event(audit.AccountAdded, audit.Success, a.ID))
		return change
	case authn.Welcome: // the mail came through
		change.Account = &authn.AccountChange{ID: a.ID, Activate: true, Verified: true}
	case authn.ResetPassword:
		change.Account = &authn.AccountChange{ID: a.ID, Verified: true}
	}
	change.Cut = &authn.Cut{Account: a.ID, By: authn.ActPassword}
	change.End = &authn.End{Account: a.ID, Devices: true, Reason: endReason}
	if session := v.Facts.Session; session != nil && session.Account == a.ID {
		change.End.Except = session.ID
	}
	return change
}

// endReason is kept with the grants that a new password ends.
const endReason = "new password"
