package staff

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/platform"
)

// WaitingStore keeps acts that wait. Each method is one transaction.
type WaitingStore interface {
	// AskPending saves an act that waits, and what comes with it. fault.Taken: that act waits for that account already.
	AskPending(ctx context.Context, p Pending, follows authn.Change, now time.Time) error
	// EndPending ends an act that waits, once, and saves what follows from it. fault.Spent: it has ended.
	EndPending(ctx context.Context, p Pending, end PendingEnd, follows authn.Change, now time.Time) error
	Pending(ctx context.Context, p platform.ID, id string) (Pending, error)
	// PendingActs lists those that wait, the oldest first; of one account, or empty: of all.
	PendingActs(ctx context.Context, p platform.ID, of account.ID, limit int) ([]Pending, error)
	// DueActs lists those of all platforms whose time has come and that nobody took, the oldest first.
	DueActs(ctx context.Context, now time.Time, limit int) ([]Pending, error)
	// TakeDue gives one to one node until a moment, once. fault.Spent: another has it, or it has ended.
	TakeDue(ctx context.Context, p Pending, until, now time.Time) error
	// Managers lists those who are active.
	Managers(ctx context.Context, p platform.ID) ([]account.Account, error)
	LimitCounts(ctx context.Context, p platform.ID, limits []authn.Limit, now time.Time) ([]authn.Counted, error)
}

// mostPending is how many acts that wait are listed or done at once.
const mostPending = 200

// AskReset asks for a reset of two-step authentication that waits. fault.Taken: one is asked for already.
func (s *Acts) AskReset(ctx context.Context, id platform.ID, whom Whom, said Justification) (Pending, error) {
	return s.ask(ctx, id, whom, said, ActReset, "", "")
}

// AskAddress asks for another address of somebody who never signed in, that waits.
func (s *Acts) AskAddress(ctx context.Context, id platform.ID, whom Whom, to string, said Justification) (Pending, error) {
	return s.ask(ctx, id, whom, said, ActCorrectAddress, "", to)
}

// AskRole asks a second manager for a role that makes a manager, or for another one of a manager.
func (s *Acts) AskRole(ctx context.Context, id platform.ID, whom Whom, role platform.Role, said Justification) (Pending, error) {
	return s.ask(ctx, id, whom, said, ActSetRole, role, "")
}

// AskDeactivate asks a second manager to deactivate a manager.
func (s *Acts) AskDeactivate(ctx context.Context, id platform.ID, whom Whom, said Justification) (Pending, error) {
	return s.ask(ctx, id, whom, said, ActDeactivate, "", "")
}

func (s *Acts) ask(ctx context.Context, id platform.ID, whom Whom, said Justification, act Act, gives platform.Role, to string) (Pending, error) {
	failed := func(err error) (Pending, error) {
		return Pending{}, fmt.Errorf("asking for %s of %s on %s: %w", act, whom, id, err)
	}
	f, err := s.facts(ctx, id, whom, said)
	if err != nil {
		return failed(err)
	}
	w, err := s.actDetails(ctx, id, gives, to)
	if err != nil {
		return failed(err)
	}
	managers, err := s.Waiting.Managers(ctx, id)
	if err != nil {
		return failed(err)
	}
	p, change, err := Ask(f, act, w, managers)
	if err != nil {
		return failed(err)
	}
	if err := s.Waiting.AskPending(ctx, p, change, s.Now); err != nil {
		return failed(s.burst(ctx, f, change.Count, err))
	}
	return p, nil
}

// actDetails reads who has the address of a actDetails.
func (s *Acts) actDetails(ctx context.Context, id platform.ID, gives platform.Role, to string) (w ActDetails, err error) {
	w.Gives = gives
	if to == "" {
		return w, nil
	}
	if w.To, err = account.ParseEmail(to); err != nil {
		return w, err
	}
	w.Other, err = s.Store.AccountByEmail(ctx, id, w.To.Key)
	if errors.Is(err, fault.NotFound) {
		w.Other, err = nil, nil
	}
	return w, err
}

// Confirm does an act that waits because the actor, who is another one, agrees. fault.Spent: it has ended. Where the
// asker may not any more, or the account is another by now, the act is dropped: fault.Refused.
func (s *Acts) Confirm(ctx context.Context, id platform.ID, pending string) error {
	failed := func(err error) error { return fmt.Errorf("agreeing to act %s on %s: %w", pending, id, err) }
	p, f, err := s.pending(ctx, id, pending)
	if err != nil {
		return failed(err)
	}
	if _, err := f.agrees(p); err != nil {
		return failed(err)
	}
	asker, w, err := s.again(ctx, p)
	if err == nil {
		var change authn.Change
		if change, err = Confirm(f, p, asker, w); err == nil {
			end := PendingEnd{At: s.Now, How: Confirmed, By: f.Actor.Account}
			err = s.Waiting.EndPending(ctx, p, end, change, s.Now)
		}
	}
	if gone, ok := errors.AsType[ActorChanged](err); ok && account.ID(gone) == f.Actor.Account {
		return failed(err) // who would agree may not any more: somebody else may
	}
	if err != nil {
		return failed(s.drop(ctx, p, err))
	}
	return nil
}

// Withdraw ends an act that waits. fault.Spent: it has ended.
func (s *Acts) Withdraw(ctx context.Context, id platform.ID, pending string) error {
	p, f, err := s.pending(ctx, id, pending)
	if err == nil {
		var change authn.Change
		if change, err = Withdraw(f, p); err == nil {
			end := PendingEnd{At: s.Now, How: Withdrawn, By: f.Actor.Account}
			err = s.Waiting.EndPending(ctx, p, end, change, s.Now)
		}
	}
	if err != nil {
		return fmt.Errorf("withdrawing act %s on %s: %w", pending, id, err)
	}
	return nil
}

// Pending lists the acts that wait on a platform, the oldest first, at most 200, for who may find people there. It says
// who they are, so it is on record, or it lists nobody.
func (s *Acts) Pending(ctx context.Context, id platform.ID) ([]Pending, error) {
	all, err := s.listPending(ctx, id, "")
	if err == nil {
		err = s.reads(ctx, id, audit.PeopleSearched, "", len(all))
	}
	if err != nil {
		return nil, err
	}
	return all, nil
}

// reads puts a reading on record.
func (s *Acts) reads(ctx context.Context, id platform.ID, kind audit.Kind, whose account.ID, hits int) error {
	e := audit.Reader{Name: s.Actor.Name, Origin: s.Origin}.Reads(id, kind, whose, hits, s.Now)
	return s.Store.SaveChange(ctx, authn.Change{Platform: id, Events: []audit.Event{e}}, s.Now)
}

// OpenPending is OnePending of whoever looks at it, which is on record as a look at the person is.
func (s *Acts) OpenPending(ctx context.Context, id platform.ID, pending string) (Pending, error) {
	p, err := s.OnePending(ctx, id, pending)
	if err == nil && p.End.At.IsZero() {
		err = s.reads(ctx, id, audit.PersonOpened, p.Account, 1)
	}
	if err != nil {
		return Pending{}, err
	}
	return p, nil
}

// OnePending is one act that waits, or waited, on a platform, for who may find people there.
func (s *Acts) OnePending(ctx context.Context, id platform.ID, pending string) (Pending, error) {
	by, err := s.actor(ctx)
	if err == nil {
		err = by.May(ActFind, Subject{Platform: id}, Justification{}, s.Now)
	}
	if err != nil {
		return Pending{}, fmt.Errorf("reading act that waits on %s: %w", id, err)
	}
	return s.Waiting.Pending(ctx, id, pending)
}

// PendingOf lists those of one account.
func (s *Acts) PendingOf(ctx context.Context, id platform.ID, of account.ID) ([]Pending, error) {
	return s.listPending(ctx, id, of)
}

func (s *Acts) listPending(ctx context.Context, id platform.ID, of account.ID) ([]Pending, error) {
	by, err := s.actor(ctx)
	if err == nil {
		err = by.May(ActFind, Subject{Platform: id}, Justification{}, s.Now)
	}
	if err != nil {
		return nil, fmt.Errorf("listing acts that wait on %s: %w", id, err)
	}
	return s.Waiting.PendingActs(ctx, id, of, mostPending)
}

// CarryOut does what is due on all platforms, or lets it lapse, and tells how much there was. Any number of nodes may
// call it at once: each act is done once. An act is taken before it is tried, so that one which fails, takes too long
// or stops the node lets others pass: it is tried again when Pending.again says. The actor of the Acts has no part in
// it.
func (s *Acts) CarryOut(ctx context.Context) (int, error) {
	due, err := s.Waiting.DueActs(ctx, s.Now, mostPending)
	if err != nil {
		return 0, err
	}
	var failed error
	for _, p := range due {
		if err := s.carryOut(ctx, p); err != nil {
			failed = errors.Join(failed, fmt.Errorf("act %s on %s that is due: %w", p.ID, p.Platform, err))
		}
	}
	return len(due), failed
}

// Pauses between attempts at an act that is due. Each is as long as the act is late, so they grow as they follow.
const (
	shortestPause = time.Minute
	longestPause  = time.Hour
)

// again is when an act that is due is tried next, if it is not done now.
func (p Pending) again(now time.Time) time.Time {
	return now.Add(min(max(now.Sub(p.DueAt), shortestPause), longestPause))
}

func (s *Acts) carryOut(ctx context.Context, p Pending) error {
	if err := s.Waiting.TakeDue(ctx, p, p.again(s.Now), s.Now); err != nil {
		if errors.Is(err, fault.Spent) {
			return nil // another node has it, or did it
		}
		return err
	}
	asker, w, err := s.again(ctx, p)
	var a *account.Account
	if err == nil {
		a, err = s.People.Account(ctx, p.Platform, p.Account)
	}
	var change authn.Change
	end := PendingEnd{At: s.Now}
	if err == nil {
		f := Facts{Platform: p.Platform, Account: a, Sealer: s.Sealer, Now: s.Now}
		change, end.How, err = Due(f, p, asker, w)
	}
	if err == nil {
		err = s.Waiting.EndPending(ctx, p, end, change, s.Now)
	}
	if err = s.drop(ctx, p, err); errors.Is(err, fault.Spent) || refused(err) {
		return nil // another node was faster, or it was dropped
	}
	return err
}

// pending reads an act that waits, with the account and who acts now.
func (s *Acts) pending(ctx context.Context, id platform.ID, pending string) (p Pending, f Facts, err error) {
	by, err := s.actor(ctx)
	if err != nil {
		return p, f, err
	}
	if by.Platform != id { // the operator has other ways
		return p, f, fault.NotFound
	}
	if p, err = s.Waiting.Pending(ctx, id, pending); err != nil {
		return p, f, err
	}
	a, err := s.People.Account(ctx, id, p.Account)
	return p, Facts{Platform: id, Account: a, Sealer: s.Sealer, Actor: by, Origin: s.Origin, Now: s.Now}, err
}

// again is who asked for an act and what for, as they are now.
func (s *Acts) again(ctx context.Context, p Pending) (Actor, ActDetails, error) {
	asked := &Acts{Actor: Actor{Name: string(p.Asker), Platform: p.Platform, Account: p.Asker}, People: s.People}
	if isOperator(string(p.Asker)) {
		asked.Actor = Operator(string(p.Asker))
	}
	by, err := asked.actor(ctx)
	if err != nil {
		return by, ActDetails{}, err
	}
	w, err := s.actDetails(ctx, p.Platform, p.Gives, p.Address)
	return by, w, err
}

// drop ends an act that cannot be done any more, and returns why. Other errors are returned as they are.
func (s *Acts) drop(ctx context.Context, p Pending, why error) error {
	if !refused(why) {
		return why
	}
	change := p.ends(audit.ActDropped, systemActor, wordOf(why), s.Now)
	change.Events[0].Outcome = audit.Failure
	if err := s.Waiting.EndPending(ctx, p, PendingEnd{At: s.Now, How: Dropped}, change, s.Now); err != nil && !errors.Is(err, fault.Spent) {
		return err
	}
	return why
}

// refused reports whether an act cannot be done, today and later.
func refused(err error) bool {
	return errors.Is(err, fault.Refused) || errors.Is(err, fault.Taken) || errors.Is(err, fault.NotFound) || errors.Is(err, fault.Invalid)
}

// wordOf is what the record says of an act that was dropped.
func wordOf(why error) string {
	for word, kind := range map[string]error{"taken": fault.Taken, "not found": fault.NotFound, "invalid": fault.Invalid} {
		if errors.Is(why, kind) {
			return word
		}
	}
	return "refused"
}
