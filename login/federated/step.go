package federated

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/ui"
)

// step is the page from which people go to their organisation, and which says what came of it.
type step struct{ Options }

func (step) Name() string { return stepName }

// Handles reports whether the step is wanted for a first factor: where passwords are closed, where somebody came from an
// organisation and has still to say whose account it is, and for whoever has no password.
func (step) Handles(r authn.Requirement, f authn.Facts) bool {
	switch {
	case r.Need == authn.NeedConnect:
		return true
	case !f.Connected:
		return false
	case r.Need == authn.NeedNewPassword:
		return authn.PasswordClosed(f) && (f.Account == nil || !linked(f.Account))
	case r.Need != authn.NeedPrimary:
		return false
	}
	return !authn.AsksPassword(r, f) && !proves(f)
}

func linked(a *account.Account) bool { _, ok := a.Credential(federation.Method); return ok }

// Way is the page with the organisations, or the way to the only one, beside e-mail address and password, and beside
// the first password of who was invited. Who is known elsewhere and says to have an account here shows that one.
func (s step) Way(v *login.Visit) string {
	invited := v.Journey.Ask.Purpose == authn.Welcome && !v.Facts.MobileApp
	switch v.Requirement.Need {
	case authn.NeedPrimary:
		if v.Journey.Pending() || v.Requirement.Why == authn.ForLink {
			return ""
		}
	case authn.NeedNewPassword:
		if !invited {
			return ""
		}
	default:
		return ""
	}
	if len(s.choices(v)) == 0 {
		return ""
	}
	return "sso.way"
}

// choices are the connections that the person may take: of somebody known those that the account is linked to;
// otherwise those that are on the page. Who is known, has no link and may not use a password either is as everybody is.
func (s step) choices(v *login.Visit) (all []*federation.Connection) {
	a := v.Facts.Account
	for _, c := range s.open(v.Platform.ID) {
		if a != nil && a.HasLink(string(c.ID)) && c.For(a.Role) {
			all = append(all, c)
		}
	}
	primary := v.Requirement.Need == authn.NeedPrimary
	if a != nil && primary && (len(all) > 0 || !authn.PasswordClosed(v.Facts)) {
		return all
	}
	all = nil
	for _, c := range s.open(v.Platform.ID) {
		switch {
		case a != nil && !primary:
			if !a.HasLink(string(c.ID)) && c.For(a.Role) && c.Admits(a) {
				all = append(all, c)
			}
		case c.Place != federation.NoPlace || names(v, c):
			all = append(all, c)
		}
	}
	return all
}

// Immediate: where there is nothing else to choose nobody is asked whether to go there. Whoever came back without
// success is.
func (s step) Immediate(v *login.Visit) string {
	if v.Requirement.Need == authn.NeedNewPassword || v.Journey.Pending() || v.Journey.Federation != nil && v.Journey.Federation.LastError != nil {
		return ""
	}
	if c := s.home(v); c != nil {
		return string(c.ID)
	}
	return ""
}

// home is the connection where the person is led at once: the one that was asked for, the only one there is, or the one
// of the domain of the address that was hinted at; nil: there is a choice.
func (s step) home(v *login.Visit) *federation.Connection {
	all := s.choices(v)
	if c := s.asked(v, all); c != nil {
		return c
	}
	if len(all) == 1 {
		return all[0]
	}
	return nil
}

func (s step) Show(_ context.Context, v *login.Visit) (login.Page, error) {
	if v.Requirement.Need == authn.NeedNewPassword && len(s.choices(v)) == 0 {
		return login.Page{Template: "closed", Data: ui.ClosedPage{Action: v.Action, Party: v.AskedBy}}, nil // nobody is let in by an invitation
	}
	page := startPage{Action: v.Action, Party: v.PartyName, Cancel: true, Closed: authn.PasswordClosed(v.Facts)}
	for _, c := range usedFirst(s.choices(v), v.Used()) {
		page.Choices = append(page.Choices, choice{Names: c.Names, URL: login.RedirectPath(v, stepName, string(c.ID))})
	}
	if there := v.Journey.Federation; there != nil && there.LastError != nil {
		page.ErrorKey = said(federation.Reason(there.LastError.Reason)).key
		page.Reference = there.LastError.Reference
		c := s.any(v.Platform.ID, federation.ID(there.LastError.Connection))
		if c != nil {
			page.At = c.Names
		}
		if c != nil && !c.Disabled {
			page.Hopeless = page.ErrorKey == hopeless
			page.AgainURL = login.RedirectPath(v, stepName, string(c.ID))
		}
	}
	if v.Journey.Pending() {
		id, c, err := s.pending(v)
		if err != nil || c == nil {
			return login.Page{Template: "sso", Data: page}, err
		}
		page.New = page.ErrorKey == "" && c.SaysWhy(id) // with a trouble it was tried
		page.Question, page.At, page.Label = !v.Facts.Proving, c.Names, id.Label()
	}
	return login.Page{Template: "sso", Data: page}, nil
}

func (s step) Submit(ctx context.Context, v *login.Visit) (login.Outcome, error) {
	if !v.Journey.Pending() {
		return login.Outcome{}, nil
	}
	there := *v.Journey.Federation
	switch v.Button() {
	case "link":
		there.Proving, there.LastError = true, nil
	case "other":
		there = authn.Federation{BreakGlass: there.BreakGlass}
	case "new":
		return s.newHere(ctx, v)
	}
	v.Journey.Federation = &there
	return login.Outcome{}, nil
}

// newHere makes an account for somebody who says to have none. Where none is made the page says why, and asks again
// whether there is one: that is what is left.
func (s step) newHere(ctx context.Context, v *login.Visit) (login.Outcome, error) {
	id, c, err := s.pending(v)
	if err != nil {
		return login.Outcome{}, err
	}
	there := *v.Journey.Federation
	v.Journey.Federation = &there
	if c == nil {
		return s.refuse(ctx, v, id.Connection, "", gone()), nil
	}
	out, err := s.create(v, c, id)
	if federation.ReasonOf(err) != "" {
		return s.refuse(ctx, v, c.ID, "", err), nil
	}
	if err != nil {
		return login.Outcome{}, err
	}
	has, err := find(s.Store.AccountByEmail(ctx, v.Platform.ID, id.Email.Key))
	if err != nil {
		return login.Outcome{}, err
	}
	if has != nil {
		taken := federation.Refuse(federation.AddressTaken, "account %s has the address %s", has.ID, id.Email.Masked())
		return s.refuse(ctx, v, c.ID, has.ID, taken), nil
	}
	v.Journey.Federation = nil
	return out, nil
}

// gone is why nothing comes of a connection that is not open.
func gone() error { return federation.Refuse(federation.Closed, "the connection is disabled or gone") }

// Redirect is where the person signs in at a connection.
func (s step) Redirect(ctx context.Context, v *login.Visit, place string) (login.Redirect, error) {
	c := s.connection(v.Platform.ID, federation.ID(place))
	if c == nil || s.Protocols[c.Kind] == nil {
		return login.Redirect{}, fmt.Errorf("connection %q: %w", place, fault.NotFound)
	}
	r := v.Requirement
	bounces := r.Why == authn.ForIdle && c.Idle == federation.IdleBounce
	fresh := r.Need == authn.NeedConnect || r.Need == authn.NeedNewPassword || r.Need == authn.NeedPrimary && !r.After.IsZero() && !bounces
	request := federation.NewUpstreamRequest(s.Sealer.MAC, v.Platform.ID, c.ID, v.Journey.ID, fresh, false, v.Now)
	if c.Contract.Proves() && authn.WantsTwo(v.Journey.Ask, v.Facts) {
		request = request.WithTwoFactors(s.Sealer.MAC, v.Platform.ID, c.ID)
	}
	request.LoginHint, request.DomainHint, request.Locale = v.Journey.Hint, v.Journey.Ask.DomainHint, v.Journey.Locale
	if a := v.Facts.Account; a != nil && request.LoginHint == "" {
		request.LoginHint = a.Email.Address
	}
	away, err := s.Protocols[c.Kind].SignInRedirect(ctx, c, request, v.Platform.URL(callbackPath(c)))
	if why := federation.ReasonOf(err); why != "" {
		// Nobody is at home there. The page says so when the person comes to it; this address changes nothing.
		s.Log.WarnContext(ctx, "an organisation's sign-in cannot be reached", slog.String("platform", string(v.Platform.ID)),
			slog.String("connection", string(c.ID)), slog.Any("error", err))
		return s.failed(v, c, request, err)
	}
	return login.Redirect{URL: away.URL, Form: away.Form, Name: c.Name(v.Journey.Locale)}, err
}

// failed leads to where an answer would, with the reason for which there is none.
func (s step) failed(v *login.Visit, c *federation.Connection, t federation.UpstreamRequest, cause error) (login.Redirect, error) {
	path, err := s.refused(v.Platform, c, t, cause)
	return login.Redirect{URL: v.Platform.URL(path)}, err
}

// Return takes the answer of an upstream: it makes a proof, links, makes an account, asks whose it is, or says why not.
func (s step) Return(ctx context.Context, v *login.Visit, handle string) (login.Outcome, error) {
	came, hash, err := s.came(ctx, v, handle)
	if err != nil {
		return login.Outcome{}, err
	}
	v.Form.Set("answer", handle)
	there := authn.Federation{}
	if v.Journey.Federation != nil {
		there.BreakGlass = v.Journey.Federation.BreakGlass
	}
	v.Journey.Federation = &there
	out, whose, err := s.taken(ctx, v, came)
	if federation.ReasonOf(err) != "" {
		out, err = s.refuse(ctx, v, came.Connection, whose, err), nil
	}
	out.Change.Platform, out.Change.Taken = v.Platform.ID, hash
	return out, err
}

// refuse says why a sign-in came to nothing: on the page, on record, and in the log with what IT needs to mend it.
func (s step) refuse(ctx context.Context, v *login.Visit, c federation.ID, whose account.ID, cause error) login.Outcome {
	s.Log.InfoContext(ctx, "sign-in by an organisation refused", slog.String("platform", string(v.Platform.ID)),
		slog.String("connection", string(c)), slog.String("reference", v.Caller.Reference), slog.Any("error", cause))
	why := federation.ReasonOf(cause)
	v.Journey.Federation.LastError = &authn.FederationError{Connection: string(c), Reason: string(why), Reference: v.Caller.Reference}
	return login.Outcome{Change: authn.Change{Events: []audit.Event{refusal(v, c, whose, why)}}}
}

// came is what was kept under a handle for this journey, and what it is taken by; nil: there is nothing to take.
func (s step) came(ctx context.Context, v *login.Visit, handle string) (came arrived, hash []byte, err error) {
	none := fmt.Errorf("answer of an upstream: %w", fault.NotFound)
	if text, ok := strings.CutPrefix(handle, refusedPrefix); ok {
		sealed, err := base64.RawURLEncoding.DecodeString(text)
		if err == nil {
			err = s.unseal(sealed, refusedBinding(v.Platform.ID, v.Journey.ID), &came)
		}
		if err != nil || came.Refused == nil {
			return arrived{}, nil, none
		}
		return came, nil, nil
	}
	hash = secret.Hash(handle)
	sealed, err := s.Answers.UpstreamAnswer(ctx, v.Platform.ID, hash, v.Now)
	if err == nil {
		err = s.unseal(sealed, federation.StoredAnswer{Handle: hash}.Binding(v.Platform.ID), &came)
	}
	if err == nil && came.Journey != v.Journey.ID {
		err = none
	}
	return came, hash, err
}

// taken judges an answer. whose is the account that a refusal is about; empty: nobody's that is known.
func (s step) taken(ctx context.Context, v *login.Visit, came arrived) (out login.Outcome, whose account.ID, err error) {
	if a := v.Facts.Account; a != nil {
		whose = a.ID
	}
	if came.Refused != nil {
		return out, whose, came.Refused
	}
	c := s.connection(v.Platform.ID, came.Connection)
	if c == nil {
		return out, whose, gone()
	}
	if err := s.alarm(ctx, v, c, came.Answer); err != nil {
		return out, whose, err
	}
	id, err := c.Evaluate(came.Answer, v.Now)
	if err != nil {
		return out, whose, err
	}
	id.AskedTwo = came.Two
	if id.RolesLeft && len(c.Access.Table) > 0 {
		s.Log.WarnContext(ctx, "groups are left out of an organisation's answer, because there are too many: nobody's role is changed by it",
			slog.String("platform", string(v.Platform.ID)), slog.String("connection", string(c.ID)), slog.String("reference", v.Caller.Reference))
	}
	if came.Old {
		return out, whose, federation.RefuseOld(came.Answer)
	}
	here, err := find(s.Store.AccountByLink(ctx, v.Platform.ID, federation.Method, federation.External(c.ID, id.Key)))
	if err != nil {
		return out, whose, err
	}
	if v.Requirement.Need == authn.NeedConnect || v.Requirement.Need == authn.NeedNewPassword {
		out, err = s.connect(v, c, id, here)
		return out, whose, err
	}
	if here != nil {
		whose = here.ID
	}
	out, err = s.decided(ctx, v, c, id, here)
	return out, whose, err
}

// decided does what the connection decides of somebody who is not being connected.
func (s step) decided(
	ctx context.Context, v *login.Visit, c *federation.Connection, id federation.Identity, here *account.Account,
) (login.Outcome, error) {
	byAddress, err := find(s.Store.AccountByEmail(ctx, v.Platform.ID, id.Email.Key))
	if err != nil {
		return login.Outcome{}, err
	}
	decision, err := c.Who(id, here, byAddress)
	if err == nil && decision == federation.Links {
		decision, err = s.unlessRemoved(ctx, c, id, byAddress)
	}
	if err != nil {
		return login.Outcome{}, err
	}
	if decision != federation.SignsIn && v.Journey.Ask.Purpose != authn.SignIn {
		return login.Outcome{}, federation.Refuse(federation.NoAccount, "nobody is linked to it, and this is no sign-in")
	}
	if a := v.Facts.Account; a != nil && v.Journey.Ask.Purpose != authn.SignIn && (here == nil || here.ID != a.ID) {
		return login.Outcome{}, federation.Refuse(federation.OtherPerson, "another account than %s", a.ID)
	}
	if a := cmp.Or(here, byAddress); a != nil && decision != federation.Asks {
		if err := tooWeak(v, c, id, a); err != nil {
			return login.Outcome{}, err
		}
	}
	switch decision {
	case federation.SignsIn:
		return s.signsIn(v, c, id, here), nil
	case federation.Links:
		out := s.signsIn(v, c, id, byAddress)
		s.link(v, &out, c, id, byAddress)
		return out, nil
	case federation.Creates:
		return s.create(v, c, id)
	}
	text, err := json.Marshal(id)
	if err != nil {
		return login.Outcome{}, err
	}
	v.Journey.Federation.PendingIdentity = s.Sealer.Seal(text, pendingBinding(v))
	v.Journey.Federation.Label, v.Journey.Federation.Names = id.Label(), c.Names
	v.Journey.IgnoreSession = true // whoever is signed in here may be somebody else
	return login.Outcome{}, nil
}

// tooWeak refuses an answer that says less of how somebody signed in than was confirmed or asked
// (Connection.WhyTooWeak), of an account, or one that is about to be made, which has no second factor here that could
// be asked instead: who takes out of a request what asks for two gains nothing. Who comes is not known when it is
// asked, so it may have been asked of somebody of whom one factor is enough.
func tooWeak(v *login.Visit, c *federation.Connection, id federation.Identity, a *account.Account) error {
	f := v.Facts
	f.Account = a
	why := c.WhyTooWeak(id, authn.WantsTwo(v.Journey.Ask, f))
	if why == "" || len(authn.Enrolled(f)) > 0 {
		return nil
	}
	return federation.Refuse(federation.Drifted, "%s, and account %s has no second one here", why, a.ID)
}

// find is an account, or nil where there is none.
func find(a *account.Account, err error) (*account.Account, error) {
	if errors.Is(err, fault.NotFound) {
		return nil, nil
	}
	return a, err
}
