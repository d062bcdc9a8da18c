package staff

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/keys"
	"github.com/minddistrict/idp/platform"
)

// Store is what acts read and where they are saved.
type Store interface {
	Platforms(context.Context) ([]platform.Platform, error)
	AccountByEmail(ctx context.Context, p platform.ID, key string) (*account.Account, error)
	SaveChange(ctx context.Context, c authn.Change, now time.Time) error
	SetState(ctx context.Context, p platform.ID, id account.ID, state account.State, e audit.Event, now time.Time) error

	Parties(context.Context) ([]grant.Party, error)
	Keys(context.Context) ([]keys.Key, error)
	// Revise lets a change see one version of the settings, again where another came in between; SaveSettings is such a change.
	Revise(ctx context.Context, change func(seen int64) error) error
	SaveSettings(ctx context.Context, seen int64, parties []grant.Party, all []keys.Key, events []audit.Event) error
}

// Acts reads what an act decides with, and saves what it decided. Every method returns fault.NotFound where there is no
// such platform, account or party, and what its act refuses.
type Acts struct {
	Store  Store
	Sealer Sealer // under the master key that the servers have: they open what is sealed here
	Actor  Actor  // of a person the role and the state are read with each act, whatever is said here
	People People // finds that person; nil where nobody but operators and systems acts
	Now    time.Time

	Identified string // how a person says to have identified whom it is done to
}

// People finds the account of an actor.
type People interface {
	Account(ctx context.Context, p platform.ID, id account.ID) (*account.Account, error)
}

// actor is who acts, as he stands now: a role that was taken away a moment ago, at whichever node, counts no more.
// fault.Refused: there is no such person any more.
func (s *Acts) actor(ctx context.Context) (Actor, error) {
	by := s.Actor
	if by.operator || by.Account == "" {
		return by, nil
	}
	if s.People == nil {
		return Actor{}, fmt.Errorf("reading actor: %w", fault.Refused)
	}
	a, err := s.People.Account(ctx, by.Platform, by.Account)
	if errors.Is(err, fault.NotFound) {
		return Actor{}, fmt.Errorf("reading actor: %w", fault.Refused)
	}
	if err != nil {
		return Actor{}, fmt.Errorf("reading actor: %w", err)
	}
	by.Role, by.Active = a.Role, a.State == account.Active
	return by, nil
}

// Invite is the act of that name, and so is every method below.
func (s *Acts) Invite(ctx context.Context, id platform.ID, address string) error {
	return s.save(ctx, fmt.Sprintf("inviting %q to %s", address, id), id, address, "", Invite)
}

// SetEmail also returns fault.Taken.
func (s *Acts) SetEmail(ctx context.Context, id platform.ID, from, to string) error {
	attempted := fmt.Sprintf("changing address %q on %s to %q", from, id, to)
	_, errOld := account.ParseEmail(from)
	email, errNew := account.ParseEmail(to)
	if err := errors.Join(errOld, errNew); err != nil {
		return fmt.Errorf("%s: %w", attempted, err)
	}
	return s.save(ctx, attempted, id, from, "", func(f Facts) (authn.Change, error) {
		other, err := s.Store.AccountByEmail(ctx, id, email.Key)
		if err != nil && !errors.Is(err, fault.NotFound) {
			return authn.Change{}, err
		}
		return SetEmail(f, email, other)
	})
}

func (s *Acts) ResetTwoStep(ctx context.Context, id platform.ID, address, reason string) error {
	attempted := fmt.Sprintf("resetting two-step authentication of %q on %s", address, id)
	return s.save(ctx, attempted, id, address, reason, ResetTwoStep)
}

func (s *Acts) Unblock(ctx context.Context, id platform.ID, address string) error {
	return s.save(ctx, fmt.Sprintf("unblocking %q on %s", address, id), id, address, "", Unblock)
}

func (s *Acts) EndSessions(ctx context.Context, id platform.ID, address, reason string) error {
	return s.save(ctx, fmt.Sprintf("ending sessions of %q on %s", address, id), id, address, reason, EndSessions)
}

func (s *Acts) Deactivate(ctx context.Context, id platform.ID, address string) error {
	return s.stand(ctx, fmt.Sprintf("deactivating %q on %s", address, id), id, address, Deactivate)
}

func (s *Acts) Reactivate(ctx context.Context, id platform.ID, address string) error {
	return s.stand(ctx, fmt.Sprintf("reactivating %q on %s", address, id), id, address, Reactivate)
}

// save is the way of every act whose outcome is a Change.
func (s *Acts) save(
	ctx context.Context, attempted string, id platform.ID, address, reason string, act func(Facts) (authn.Change, error),
) error {
	f, err := s.facts(ctx, id, address, reason)
	if err != nil {
		return fmt.Errorf("%s: %w", attempted, err)
	}
	change, err := act(f)
	if err != nil {
		return fmt.Errorf("%s: %w", attempted, err)
	}
	return s.Store.SaveChange(ctx, change, s.Now)
}

// stand is the way of acts that give an account another state.
func (s *Acts) stand(
	ctx context.Context, attempted string, id platform.ID, address string, act func(Facts) (Standing, error),
) error {
	f, err := s.facts(ctx, id, address, "")
	if err != nil {
		return fmt.Errorf("%s: %w", attempted, err)
	}
	to, err := act(f)
	if err != nil {
		return fmt.Errorf("%s: %w", attempted, err)
	}
	return s.Store.SetState(ctx, id, f.Account.ID, to.State, to.Event, s.Now)
}

// facts finds an account by its address. Of one that there is not it says whether there is the platform.
func (s *Acts) facts(ctx context.Context, id platform.ID, address, reason string) (Facts, error) {
	email, err := account.ParseEmail(address)
	if err != nil {
		return Facts{}, err
	}
	a, err := s.Store.AccountByEmail(ctx, id, email.Key)
	if errors.Is(err, fault.NotFound) {
		if missing := s.hasPlatform(ctx, id); missing != nil {
			err = fmt.Errorf("platform %w", missing)
		}
	}
	if err != nil {
		return Facts{}, err
	}
	f, err := s.factsOn(ctx, id)
	f.Account, f.Reason, f.Identified = a, reason, s.Identified
	return f, err
}
