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
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
)

// Store is what acts read and where they are saved.
type Store interface {
	Platforms(context.Context) ([]platform.Platform, error)
	AccountByEmail(ctx context.Context, p platform.ID, key string) (*account.Account, error)
	SaveChange(ctx context.Context, c authn.Change, now time.Time) error
	ApplyStateChange(ctx context.Context, p platform.ID, id account.ID, to StateChange, now time.Time) error

	Parties(context.Context) ([]grant.Party, error)
	Keys(context.Context) ([]keys.Key, error)
	// Revise lets a change see one version of the settings, again where another came in between; SaveSettings is such a
	// change.
	Revise(ctx context.Context, change func(seen int64) error) error
	SaveSettings(ctx context.Context, seen int64, parties []grant.Party, all []keys.Key, events []audit.Event) error
}

// Acts reads what an act decides with, and saves what it decided. Every method returns fault.NotFound where there is no
// such platform, account or party, and what its act refuses.
type Acts struct {
	Store  Store
	Sealer Sealer       // under the master key that the servers have: they open what is sealed here
	Actor  Actor        // of a person the role and the state are read with each act, whatever is said here
	People People       // finds that person, and whom ByID names; nil where neither is done
	Origin audit.Origin // of the request, if it came by one
	Now    time.Time

	Tickets    Tickets         // finds a referral; nil where none is followed
	Waiting    WaitingStore    // acts that wait; nil where nobody but operators and systems acts
	Federation FederationStore // nil where nobody acts on connections and links
	Devices    DeviceStore     // nil where no page offers to end one
	Parties    PartyStore      // nil where no party is deleted
}

// PartyStore deletes a party with what it was given, or counts that. seen is as of Store.SaveSettings.
type PartyStore interface {
	HeldByParty(ctx context.Context, p platform.ID, party grant.PartyID, now time.Time) (grant.Deletion, error)
	DeleteParty(
		ctx context.Context, seen int64, p platform.ID, party grant.PartyID, events []audit.Event, now time.Time,
	) (grant.Deletion, error)
}

// DeviceStore ends one session, one remembered browser or one device with the mobile app.
type DeviceStore interface {
	OwnsSession(ctx context.Context, p platform.ID, of account.ID, sid string) (bool, error)
	EndSessionBy(ctx context.Context, p platform.ID, sid string, e audit.Event, tells []outbox.Message, now time.Time) error
	ForgetDevice(ctx context.Context, d account.Device, follows authn.Change, now time.Time) error
	RemoveDevice(ctx context.Context, d grant.Device, reason string, follows authn.Change, now time.Time) error
}

// People finds accounts by who they are.
type People interface {
	Account(ctx context.Context, p platform.ID, id account.ID) (*account.Account, error)
}

// Tickets finds what is given once.
type Tickets interface {
	Ticket(ctx context.Context, p platform.ID, hash []byte) (*authn.Ticket, error)
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
	by.Role, by.Active, by.Second = a.Role, a.State == account.Active, Second{} // who agrees is known where it is done
	return by, nil
}

// Whom an act is done to: one account of a platform, by its address or by its identifier.
type Whom struct {
	address string
	id      account.ID
}

// ByAddress names an account as people do.
func ByAddress(address string) Whom { return Whom{address: address} }

// ByID names an account whatever its address is by now.
func ByID(id account.ID) Whom { return Whom{id: id} }

// String is for errors.
func (w Whom) String() string {
	if w.id != "" {
		return fmt.Sprintf("account %s", w.id)
	}
	return fmt.Sprintf("%q", w.address)
}

// Invite is the act of that name, and so is every method below.
func (s *Acts) Invite(ctx context.Context, id platform.ID, whom Whom) error {
	return s.save(ctx, fmt.Sprintf("inviting %s to %s", whom, id), id, whom, Justification{}, Invite)
}

// InviteAgain is Invite of one of many whom somebody invites again at once. fault.Throttled: as of Invite, or he did
// AgainPerHour.
func (s *Acts) InviteAgain(ctx context.Context, id platform.ID, whom Whom) error {
	return s.save(ctx, fmt.Sprintf("inviting %s to %s again", whom, id), id, whom, Justification{}, func(f Facts) (authn.Change, error) {
		change, err := Invite(f)
		if err == nil {
			change.Count = append(change.Count, f.perHour("invitations again of many", AgainPerHour)...)
		}
		return change, err
	})
}

// SetEmail also returns fault.Taken.
func (s *Acts) SetEmail(ctx context.Context, id platform.ID, whom Whom, to string, said Justification) error {
	attempted := fmt.Sprintf("changing address %s on %s", whom, id)
	_, errOld := account.ParseEmail(whom.address)
	if whom.id != "" {
		errOld = nil // and what fails goes to a log, which has no addresses
	} else {
		attempted += fmt.Sprintf(" to %q", to)
	}
	email, errNew := account.ParseEmail(to)
	if err := errors.Join(errOld, errNew); err != nil {
		return fmt.Errorf("%s: %w", attempted, err)
	}
	return s.save(ctx, attempted, id, whom, said, func(f Facts) (authn.Change, error) {
		other, err := s.Store.AccountByEmail(ctx, id, email.Key)
		if err != nil && !errors.Is(err, fault.NotFound) {
			return authn.Change{}, err
		}
		return SetEmail(f, email, other)
	})
}

func (s *Acts) ResetTwoStep(ctx context.Context, id platform.ID, whom Whom, said Justification) error {
	attempted := fmt.Sprintf("resetting two-step authentication of %s on %s", whom, id)
	return s.save(ctx, attempted, id, whom, said, ResetTwoStep)
}

func (s *Acts) Unblock(ctx context.Context, id platform.ID, whom Whom) error {
	return s.save(ctx, fmt.Sprintf("unblocking %s on %s", whom, id), id, whom, Justification{}, Unblock)
}

func (s *Acts) EndSessions(ctx context.Context, id platform.ID, whom Whom, said Justification) error {
	return s.save(ctx, fmt.Sprintf("ending sessions of %s on %s", whom, id), id, whom, said, EndSessions)
}

func (s *Acts) Deactivate(ctx context.Context, id platform.ID, whom Whom, said Justification) error {
	return s.changeState(ctx, fmt.Sprintf("deactivating %s on %s", whom, id), id, whom, said, Deactivate)
}

func (s *Acts) Reactivate(ctx context.Context, id platform.ID, whom Whom, said Justification) error {
	return s.changeState(ctx, fmt.Sprintf("reactivating %s on %s", whom, id), id, whom, said, Reactivate)
}

// SetRole also returns fault.Stale where the role changed meanwhile.
func (s *Acts) SetRole(ctx context.Context, id platform.ID, whom Whom, role platform.Role, said Justification) error {
	return s.save(ctx, fmt.Sprintf("giving %s on %s role %q", whom, id, role), id, whom, said, func(f Facts) (authn.Change, error) {
		return SetRole(f, role)
	})
}

// EndSession ends one session, whose end changes nothing where it has ended. fault.NotFound: it is none of the
// account's.
func (s *Acts) EndSession(ctx context.Context, id platform.ID, whom Whom, sid string, said Justification) error {
	failed := func(err error) error { return fmt.Errorf("ending session %q of %s on %s: %w", sid, whom, id, err) }
	f, err := s.facts(ctx, id, whom, said)
	if err != nil {
		return failed(err)
	}
	e, tells, err := EndSession(f, sid)
	if err != nil {
		return failed(err)
	}
	theirs, err := s.Devices.OwnsSession(ctx, id, f.Account.ID, sid)
	if err == nil && !theirs {
		err = fault.NotFound
	}
	if err != nil {
		return failed(err)
	}
	return s.Devices.EndSessionBy(ctx, id, sid, e, tells, s.Now)
}

// ForgetDevice forgets one remembered browser. fault.Spent: it is forgotten, or none of the account's.
func (s *Acts) ForgetDevice(ctx context.Context, id platform.ID, whom Whom, device string, said Justification) error {
	failed := func(err error) error {
		return fmt.Errorf("forgetting browser %q of %s on %s: %w", device, whom, id, err)
	}
	f, err := s.facts(ctx, id, whom, said)
	if err != nil {
		return failed(err)
	}
	change, err := ForgetDevice(f)
	if err != nil {
		return failed(err)
	}
	if err := s.Devices.ForgetDevice(ctx, account.Device{Platform: id, Account: f.Account.ID, ID: device}, change, s.Now); err != nil {
		return failed(err)
	}
	return nil
}

// RemoveDevice removes one device with the mobile app. fault.NotFound: it is removed, or none of the account's.
func (s *Acts) RemoveDevice(ctx context.Context, id platform.ID, whom Whom, device grant.DeviceID, said Justification) error {
	failed := func(err error) error { return fmt.Errorf("removing device %q of %s on %s: %w", device, whom, id, err) }
	f, err := s.facts(ctx, id, whom, said)
	if err != nil {
		return failed(err)
	}
	change, err := RemoveDevice(f)
	if err != nil {
		return failed(err)
	}
	d := grant.Device{Platform: id, Account: f.Account.ID, ID: device}
	if err := s.Devices.RemoveDevice(ctx, d, "removed by staff", change, s.Now); err != nil {
		return failed(err)
	}
	return nil
}

// save is the way of every act whose outcome is a Change.
func (s *Acts) save(
	ctx context.Context, attempted string, id platform.ID, whom Whom, said Justification, act func(Facts) (authn.Change, error),
) error {
	f, err := s.facts(ctx, id, whom, said)
	if err != nil {
		return fmt.Errorf("%s: %w", attempted, err)
	}
	change, err := act(f)
	if err != nil {
		return fmt.Errorf("%s: %w", attempted, err)
	}
	return s.burst(ctx, f, change.Count, s.Store.SaveChange(ctx, change, s.Now))
}

// changeState is the way of acts that give an account another state.
func (s *Acts) changeState(
	ctx context.Context, attempted string, id platform.ID, whom Whom, said Justification, act func(Facts) (StateChange, error),
) error {
	f, err := s.facts(ctx, id, whom, said)
	if err != nil {
		return fmt.Errorf("%s: %w", attempted, err)
	}
	to, err := act(f)
	if err != nil {
		return fmt.Errorf("%s: %w", attempted, err)
	}
	return s.burst(ctx, f, to.Count, s.Store.ApplyStateChange(ctx, id, f.Account.ID, to, s.Now))
}

// facts finds whom an act is done to. Of an account that there is not it says whether there is the platform.
func (s *Acts) facts(ctx context.Context, id platform.ID, whom Whom, said Justification) (Facts, error) {
	a, err := s.find(ctx, id, whom)
	if errors.Is(err, fault.NotFound) {
		if missing := s.hasPlatform(ctx, id); missing != nil {
			err = fmt.Errorf("platform %w", missing)
		}
	}
	if err != nil {
		return Facts{}, err
	}
	f, err := s.factsOn(ctx, id)
	f.Account, f.Justification = a, said
	return f, err
}

func (s *Acts) find(ctx context.Context, id platform.ID, whom Whom) (*account.Account, error) {
	if whom.id != "" {
		if s.People == nil {
			return nil, fault.NotFound
		}
		return s.People.Account(ctx, id, whom.id)
	}
	email, err := account.ParseEmail(whom.address)
	if err != nil {
		return nil, err
	}
	return s.Store.AccountByEmail(ctx, id, email.Key)
}
