package staff

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/platform"
)

// ReferredAct is an act that a platform refers professionals to, as its system names it.
type ReferredAct string

// ReferredReset is the only one: resetting two-step authentication.
const ReferredReset ReferredAct = "reset_two_step"

// Referral lets one professional do one act to one person, once, within authn.TicketReferral.Life(): the platform
// vouches that he treats her, which we do not know. It is a ticket of that person: spending once, its end, what else
// voids it and how long it is kept are the same as of any other.
type Referral struct {
	Actor  account.ID  `json:"actor"`
	Act    ReferredAct `json:"act"`
	Reason Reason      `json:"reason"`
}

// Referring is what a system asks for.
type Referring struct {
	By    grant.PartyID    // whose system it is
	To    grant.PartyID    // where the professional goes on afterwards
	Actor *account.Account // the professional
	Act   ReferredAct
}

// Refer makes a referral to the account of the facts, and the token of its address. The actor of the facts is the
// system. fault.Invalid: the act or the reason is no word of ours. fault.Refused: the system may not, the person is
// not active or ranks too high, or the professional could not do that act.
func Refer(f Facts, r Referring) (change authn.Change, token string, err error) {
	if r.Act != ReferredReset {
		return authn.Change{}, "", fmt.Errorf("%w: act %q", fault.Invalid, r.Act)
	}
	e, err := f.guard(audit.ReferralMade)
	if err != nil {
		return authn.Change{}, "", err
	}
	// Whether he is fresh, and how he identified her, is asked of him where he does it.
	by := personOf(r.Actor)
	by.FreshAt, by.Referred = f.Now, f.Account.ID
	if err := by.May(ActReset, f.subject(), Justification{f.Justification.Reason, Known}, f.Now); err != nil {
		return authn.Change{}, "", fmt.Errorf("the professional: %w", err)
	}
	token = secret.Token()
	t := authn.NewTicket(secret.Hash(token), f.Platform, authn.TicketReferral, f.Account.ID, f.Now)
	t.Party = string(r.To)
	plain, err := json.Marshal(Referral{Actor: r.Actor.ID, Act: r.Act, Reason: f.Justification.Reason})
	if err != nil {
		return authn.Change{}, "", err
	}
	t.Sealed = f.Sealer.Seal(plain, t.Binding())
	e.Party, e.Reason = string(r.By), "for "+string(r.Actor.ID)
	return authn.Change{Platform: f.Platform, Issue: []authn.Ticket{t}, Events: []audit.Event{e}}, token, nil
}

// personOf is a person as the row of the account has it.
func personOf(a *account.Account) Actor {
	return Actor{Name: string(a.ID), Platform: a.Platform, Account: a.ID, Role: a.Role, Active: a.State == account.Active}
}

// Referred is a referral as the professional finds it.
type Referred struct {
	Referral
	Party   grant.PartyID    // where he goes on afterwards
	Subject *account.Account // whom it is done to
	UsedAt  time.Time        // zero: not yet
	ticket  *authn.Ticket
}

// Why a referral does not work, on record.
const (
	refusedPerson   = "other person"
	refusedAct      = "other act"
	refusedUsed     = "used"
	refusedReplaced = "replaced" // what it was for was done without it
	refusedLate     = "late"
	refusedTooMany  = "too many"
	refusedAnyhow   = "not allowed" // to him, or of her, any more
)

// Referral finds the referral of a token, for the page of an act, and uses nothing up. Every refusal is on record
// but that of a token that nobody made. fault.NotFound: that, or it is another person's; fault.Spent, fault.Expired:
// it was used or replaced, or its time is over; fault.Refused: it is for another act, or the act would be refused to
// him whatever he says and shows.
func (s *Acts) Referral(ctx context.Context, id platform.ID, token string, act ReferredAct) (*Referred, error) {
	r, err := s.referral(ctx, id, token, act)
	if err == nil {
		err = s.mayFollow(ctx, id, r, token)
	}
	if err != nil {
		return nil, fmt.Errorf("opening referral: %w", err)
	}
	return r, nil
}

// mayFollow refuses what would be refused to the actor of a referral though he were fresh and said what is asked.
func (s *Acts) mayFollow(ctx context.Context, id platform.ID, r *Referred, token string) error {
	f, err := s.factsOn(ctx, id)
	if err != nil {
		return err
	}
	f.Actor.FreshAt = f.Now
	if _, err := r.reset(f, Known); err != nil {
		return s.recordedRefusal(ctx, r, token, err)
	}
	return nil
}

// UsedReferral finds a referral that the actor used himself, so that a page can say what he did, and puts nothing on
// record. fault.NotFound: it is none of those.
func (s *Acts) UsedReferral(ctx context.Context, id platform.ID, token string) (*Referred, error) {
	r, err := s.opened(ctx, id, token)
	if err == nil && (!s.referredTo(id, r) || r.ticket.State(s.Now) != authn.TicketUsed) {
		err = fault.NotFound
	}
	if err == nil {
		r.UsedAt = r.ticket.UsedAt
		r.Subject, err = s.People.Account(ctx, id, r.ticket.Account)
	}
	if err != nil {
		return nil, fmt.Errorf("finding used referral: %w", err)
	}
	return r, nil
}

// opened is a referral as its ticket says it, whoever brings it.
func (s *Acts) opened(ctx context.Context, id platform.ID, token string) (*Referred, error) {
	if s.Tickets == nil || s.People == nil {
		return nil, fault.NotFound
	}
	t, err := s.Tickets.Ticket(ctx, id, secret.Hash(token))
	if err != nil {
		return nil, err
	}
	if t.Purpose != authn.TicketReferral {
		return nil, fault.NotFound
	}
	r := &Referred{Party: grant.PartyID(t.Party), ticket: t}
	plain, err := s.Sealer.Open(t.Sealed, t.Binding())
	if err == nil {
		err = json.Unmarshal(plain, &r.Referral)
	}
	return r, err
}

// referredTo reports whether it is the actor whom a referral is for.
func (s *Acts) referredTo(id platform.ID, r *Referred) bool {
	return s.Actor.Account != "" && r.Actor == s.Actor.Account && s.Actor.Platform == id
}

func (s *Acts) referral(ctx context.Context, id platform.ID, token string, act ReferredAct) (*Referred, error) {
	r, err := s.opened(ctx, id, token)
	if err != nil {
		return nil, err
	}
	state := r.ticket.State(s.Now)
	switch {
	case !s.referredTo(id, r):
		return nil, s.refuse(ctx, r, refusedPerson, fault.NotFound)
	case r.Act != act:
		return nil, s.refuse(ctx, r, refusedAct, fault.Refused)
	case state == authn.TicketUsed:
		return nil, s.refuse(ctx, r, refusedUsed, fault.Spent)
	case state == authn.TicketReplaced:
		return nil, s.refuse(ctx, r, refusedReplaced, fault.Spent)
	case state == authn.TicketExpired:
		return nil, s.refuse(ctx, r, refusedLate, fault.Expired)
	}
	r.Subject, err = s.People.Account(ctx, id, r.ticket.Account)
	return r, err
}

// refuse puts a refusal on record, and returns what is refused with.
func (s *Acts) refuse(ctx context.Context, r *Referred, why string, with error) error {
	t := r.ticket
	e := s.Origin.Of(audit.Event{
		At: s.Now, Platform: t.Platform, Kind: audit.ReferralRefused, Actor: s.Actor.Name, Account: t.Account, Party: t.Party,
		Outcome: audit.Failure, Reason: why,
	})
	if err := s.Store.SaveChange(ctx, authn.Change{Platform: t.Platform, Events: []audit.Event{e}}, s.Now); err != nil {
		return err
	}
	return with
}

// ResetByReferral is ResetTwoStep by a professional, of the person that his platform referred him to. The referral
// is spent with it: of any number at once one resets, and the others get fault.Spent. It refuses as Referral does,
// and as the act does; that he is not fresh, or did not say how she was identified, leaves the referral as it is.
func (s *Acts) ResetByReferral(ctx context.Context, id platform.ID, token string, how Identified) error {
	const attempted = "resetting two-step authentication by referral"
	r, err := s.referral(ctx, id, token, ReferredReset)
	if err != nil {
		return fmt.Errorf("%s: %w", attempted, err)
	}
	if err := s.resetReferred(ctx, id, r, how); err != nil {
		return fmt.Errorf("%s: %w", attempted, s.recordedRefusal(ctx, r, token, err))
	}
	return nil
}

func (s *Acts) resetReferred(ctx context.Context, id platform.ID, r *Referred, how Identified) error {
	f, err := s.factsOn(ctx, id)
	if err != nil {
		return err
	}
	change, err := r.reset(f, how)
	if err != nil {
		return err
	}
	change.Spend = append(change.Spend, authn.TicketUse{Hash: r.ticket.Hash, Purpose: authn.TicketReferral, Opened: s.Now})
	for i := range change.Events {
		change.Events[i].Party = string(r.Party)
	}
	return s.burst(ctx, f, change.Count, s.Store.SaveChange(ctx, change, s.Now))
}

// reset is the act, as the facts have the actor.
func (r *Referred) reset(f Facts, how Identified) (authn.Change, error) {
	f.Account, f.Justification = r.Subject, Justification{r.Reason, how}
	f.Actor.Referred = r.Subject.ID
	return ResetTwoStep(f)
}

// recordedRefusal puts on record that an act was refused for good, and why: of two presses at once the slower one may
// find the person without a second factor before it finds the referral used.
func (s *Acts) recordedRefusal(ctx context.Context, r *Referred, token string, err error) error {
	var mendable Denial
	switch {
	case errors.As(err, &mendable):
		return err
	case errors.Is(err, fault.Spent):
		return s.refuse(ctx, r, refusedUsed, err)
	case errors.Is(err, fault.Throttled):
		return s.refuse(ctx, r, refusedTooMany, err)
	case errors.Is(err, fault.Refused):
		if _, over := s.referral(ctx, r.ticket.Platform, token, r.Act); over != nil {
			return over
		}
		return s.refuse(ctx, r, refusedAnyhow, err)
	}
	return err
}
