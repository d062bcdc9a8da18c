package federated

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/outbox"
)

// signsIn is that somebody is known: with the proof, and what the connection says of the role.
func (s step) signsIn(v *login.Visit, c *federation.Connection, id federation.Identity, a *account.Account) login.Outcome {
	proof := id.Proof
	for _, l := range a.Credentials {
		if l.External == federation.External(c.ID, id.Key) {
			proof.Credential, proof.Version = l.ID, l.Counter
		}
	}
	out := login.Outcome{Known: a, Proof: &proof}
	change := authn.AccountChange{ID: a.ID, Activate: a.State == account.Invited}
	if to, e := given(v, c, id, a); to != nil {
		change.Role = &authn.RoleChange{From: a.Role, To: to.Role}
		out.Known, out.Change.Events = to, append(out.Change.Events, e)
	}
	if change.Activate || change.Role != nil {
		out.Change.Account = &change
	}
	return out
}

// given is an account with the role that a connection gives it, and the event that says so; nil: it keeps its own.
func given(v *login.Visit, c *federation.Connection, id federation.Identity, a *account.Account) (*account.Account, audit.Event) {
	to, ok := c.RoleChange(id, a)
	if !ok || v.Platform.Policy.InEmergency(a.Email.Key) {
		return nil, audit.Event{}
	}
	e := v.Event(audit.RoleGiven, audit.Success, a.ID)
	e.Actor, e.Reason = system, fmt.Sprintf("from %s to %s", a.Role, to)
	changed := *a
	changed.Role = to
	return &changed, e
}

// system is the actor of what an organisation's sign-in changes.
const system = "system"

// unlessRemoved is the decision about an account that an address would link: somebody who had its link to the same
// person there removed, or staff who did, said no to that, so the account is proven as where nobody vouches for the
// address.
func (s step) unlessRemoved(
	ctx context.Context, c *federation.Connection, id federation.Identity, a *account.Account,
) (federation.Decision, error) {
	removed, err := s.Store.LinkRemoved(ctx, a.Platform, a.ID, federation.Method, federation.External(c.ID, id.Key))
	if err != nil || !removed {
		return federation.Links, err
	}
	id.Trusted = false
	return c.Who(id, nil, a)
}

// link adds to an outcome that an account is linked: the owner is told, always, and the mail names both.
func (s step) link(v *login.Visit, out *login.Outcome, c *federation.Connection, id federation.Identity, a *account.Account) {
	kind := linkedMail
	if out.Change.Add == a {
		kind = madeMail
	}
	change, l := s.linking(v, c, id, a, kind)
	out.Change.Put = append(out.Change.Put, change.Put...)
	out.Change.Events = append(out.Change.Events, change.Events...)
	out.Change.Messages = append(out.Change.Messages, change.Messages...)
	if out.Proof != nil {
		out.Proof.Credential, out.Proof.Version = l.ID, l.Counter
	}
}

func (s step) linking(
	v *login.Visit, c *federation.Connection, id federation.Identity, a *account.Account, kind outbox.KindSpec,
) (authn.Change, account.Credential) {
	l := account.Credential{
		ID: account.CredentialID(secret.ID()), Account: a.ID, Method: federation.Method, Use: account.Primary, Label: id.Label(),
		External: federation.External(c.ID, id.Key), AddedAt: v.Now, ConfirmedAt: v.Now,
	}
	e := v.Event(audit.CredentialAdded, audit.Success, a.ID)
	e.Reason = federation.Method
	known := v.Facts.Account
	v.Facts.Account = a // whom the mail is for
	mail := v.NoticeOf(kind, s.Sealer, map[string]string{"email_masked": id.Masked(), "connection": c.Name(a.Locale)})
	v.Facts.Account = known
	return authn.Change{Put: []account.Credential{l}, Events: []audit.Event{e}, Messages: []outbox.Message{mail}}, l
}

// connect links who is known here: in settings, or with the button of the welcome mail.
func (s step) connect(v *login.Visit, c *federation.Connection, id federation.Identity, linked *account.Account) (login.Outcome, error) {
	a := v.Facts.Account
	switch {
	case v.Journey.Ask.Purpose == authn.SignUp:
		return login.Outcome{}, federation.Refuse(federation.NoAccount, "somebody makes an account here, and is to choose a password")
	case linked != nil && linked.ID != a.ID:
		return login.Outcome{}, federation.Refuse(federation.OtherPerson, "linked to account %s", linked.ID)
	case linked == nil && a.HasLink(string(c.ID)):
		return login.Outcome{}, federation.Refuse(federation.AlreadyOther, "account %s is linked to somebody else there", a.ID)
	case !c.For(a.Role):
		return login.Outcome{}, federation.Refuse(federation.OtherRole, "account %s is a %s", a.ID, a.Role)
	case linked == nil && !c.Admits(a):
		return login.Outcome{}, federation.Refuse(federation.NoAccount, "account %s is %s", a.ID, a.State)
	}
	if linked == nil {
		// What keeps strangers out keeps out who brings another's account there.
		if _, err := c.Who(id, nil, nil); err != nil {
			return login.Outcome{}, err
		}
	}
	out := login.Outcome{Done: v.Requirement.Need}
	if v.Requirement.Need == authn.NeedNewPassword {
		out = s.signsIn(v, c, id, a)
		out.Done = authn.NeedNewPassword
		change := authn.AccountChange{ID: a.ID, Activate: true, Verified: true}
		if signs := out.Change.Account; signs != nil {
			change.Role = signs.Role
		}
		out.Change.Account = &change
		if use, _, ok := v.TicketOf(); ok {
			out.Change.Spend = []authn.TicketUse{use}
		}
		out.Change.Cut = &authn.Cut{Account: a.ID, By: authn.ActPassword}
	}
	if linked == nil {
		s.link(v, &out, c, id, a)
	}
	return out, nil
}

// create makes an account for somebody who is new.
func (s step) create(v *login.Visit, c *federation.Connection, id federation.Identity) (login.Outcome, error) {
	role, err := c.MayCreate(id)
	if err != nil {
		return login.Outcome{}, err
	}
	a := &account.Account{
		ID: account.ID(secret.ID()), Platform: v.Platform.ID, Email: id.Email, Role: role, State: account.Active,
		Locale: v.Journey.Locale, Profile: id.Profile, CreatedAt: v.Now, UpdatedAt: v.Now,
	}
	if id.Trusted {
		a.EmailVerifiedAt = v.Now
	}
	if err := tooWeak(v, c, id, a); err != nil {
		return login.Outcome{}, err
	}
	proof := id.Proof
	out := login.Outcome{Known: a, Proof: &proof, Change: authn.Change{Add: a}}
	e := v.Event(audit.AccountAdded, audit.Success, a.ID)
	e.Reason = federation.Method
	out.Change.Events = append(out.Change.Events, e)
	s.link(v, &out, c, id, a)
	return out, nil
}

// pending is who somebody is elsewhere that is not known here, and the connection that says so; nil: it is gone.
func (s step) pending(v *login.Visit) (federation.Identity, *federation.Connection, error) {
	var id federation.Identity
	if err := s.unseal(v.Journey.Federation.PendingIdentity, pendingBinding(v), &id); err != nil {
		return id, nil, err
	}
	return id, s.connection(v.Platform.ID, id.Connection), nil
}

func pendingBinding(v *login.Visit) string {
	return "pending/" + string(v.Platform.ID) + "/" + v.Journey.ID
}

// unseal opens what was sealed as JSON.
func (o Options) unseal(sealed []byte, binding string, to any) error {
	text, err := o.Sealer.Open(sealed, binding)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, to)
}

// unlinkable is why an account that somebody proved cannot be linked to who they are elsewhere: what keeps people out
// at a sign-in keeps them out here, where it may have changed since the question was asked. there is the account that
// is linked already, or nil.
func unlinkable(c *federation.Connection, id federation.Identity, there, a *account.Account) error {
	switch {
	case there != nil || a.HasLink(string(c.ID)):
		return federation.Refuse(federation.AlreadyOther, "account %s, or who came, is linked to somebody else", a.ID)
	case !c.For(a.Role):
		return federation.Refuse(federation.OtherRole, "account %s is a %s", a.ID, a.Role)
	}
	_, err := c.Who(id, nil, nil)
	return err
}

// prove links the account that somebody proved in this journey to who they are elsewhere, with the role that the
// connection gives. Where it cannot be linked the person is signed in without. A new role may ask more: then the
// journey goes on.
func (s step) prove(ctx context.Context, v *login.Visit) (authn.Change, error) {
	a := v.Facts.Account
	if !v.Journey.Pending() || a == nil {
		return authn.Change{}, nil
	}
	id, c, err := s.pending(v)
	said := v.Facts.Proving
	v.Journey.Federation = nil
	if err != nil || !said || !authn.ProvenHere(v.Journey, v.Facts) {
		return authn.Change{}, err // nobody said that the two are one, and showed it
	}
	there, err := find(s.Store.AccountByLink(ctx, v.Platform.ID, federation.Method, federation.External(id.Connection, id.Key)))
	if err != nil {
		return authn.Change{}, err
	}
	if err = gone(); c != nil {
		err = unlinkable(c, id, there, a)
	}
	if err != nil {
		return authn.Change{Events: []audit.Event{refusal(v, id.Connection, a.ID, federation.ReasonOf(err))}}, err
	}
	change, l := s.linking(v, c, id, a, linkedMail)
	id.Proof.Credential, id.Proof.Version = l.ID, l.Counter
	v.Journey.AddProof(id.Proof)
	if to, e := given(v, c, id, a); to != nil {
		change.Account = &authn.AccountChange{ID: a.ID, Role: &authn.RoleChange{From: a.Role, To: to.Role}}
		change.Events = append(change.Events, e)
		return change, s.asRole(v, to)
	}
	return change, nil
}

// asRole is nil where nothing more is asked of an account that has just got another role.
func (s step) asRole(v *login.Visit, a *account.Account) error {
	v.Facts.Account = a
	v.Facts.FollowJourney(v.Journey)
	if len(authn.Missing(v.Journey.Ask, v.Facts, v.Journey.Proofs)) == 0 {
		return nil
	}
	v.Action = login.JourneyPath(v.Platform, v.Journey.ID)
	return login.ErrNotOver
}
