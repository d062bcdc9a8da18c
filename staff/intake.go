package staff

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
)

// Bounds of files of people to invite.
const (
	MostRows      = 10_000    // of one file
	IntakeLife    = time.Hour // that a checked file is kept for its helper to look at
	ChecksPerHour = 30        // by one helper: a check says who has an account here
	// IntakesPerHour is how many files a helper has invited in an hour. Each can be MostRows mails in our name; an
	// organisation that has more people to invite waits an hour.
	IntakesPerHour = 5
)

// Flaws of a row of a file that is not read any further.
const (
	BrokenRow Flaw = "broken row" // quotes that do not match
	MoreCells Flaw = "more cells" // than the header has: a separator inside a name, perhaps
)

// Row is a row of a file of people to invite. What is the matter with it is one of Flaws, Twice and There; neither: it
// is somebody new.
type Row struct {
	Line int `json:"line"` // of the file, from 1
	Newcomer
	Unread Flaws      `json:"unread,omitempty"` // found when the file was read
	Flaws  Flaws      `json:"flaws,omitempty"`
	Twice  int        `json:"twice,omitempty"` // the line above that has the same address; 0: none
	There  account.ID `json:"there,omitempty"` // who has the address; empty: nobody
}

// New reports whether the row is somebody who would be invited.
func (r Row) New() bool { return len(r.Flaws) == 0 && r.Twice == 0 && r.There == "" }

// Wrong reports whether somebody has to mend the row.
func (r Row) Wrong() bool { return len(r.Flaws) > 0 }

// Checked is a file of people to invite and what became of each row when it was checked. It is kept as JSON.
type Checked struct {
	Encoding string   `json:"encoding,omitempty"`
	Unused   []string `json:"unused,omitempty"` // columns that mean nothing here
	Rows     []Row    `json:"rows"`
}

// Count is how many rows there are for which something holds.
func (c Checked) Count(holds func(Row) bool) (n int) {
	for _, r := range c.Rows {
		if holds(r) {
			n++
		}
	}
	return n
}

// keys are the addresses of the file, each once, in order.
func (c Checked) keys() []string {
	keys := map[string]bool{}
	for _, r := range c.Rows {
		if email, err := account.ParseEmail(r.Address); err == nil && len(r.Unread) == 0 {
			keys[email.Key] = true
		}
	}
	return slices.Sorted(maps.Keys(keys))
}

// check says of each row what is the matter with it, and makes the accounts of those who are new, in the order of their
// addresses: two files that have the same people wait for each other and never both. There is who has an address.
func (c Checked) check(by Actor, there map[string]account.ID, now time.Time) (Checked, []*account.Account) {
	var added []*account.Account
	lines := map[string]int{}
	rows := make([]Row, len(c.Rows))
	for i, r := range c.Rows {
		r.Flaws, r.Twice, r.There = slices.Clone(r.Unread), 0, ""
		if len(r.Flaws) == 0 {
			a, err := r.Account(by, now)
			flaws, _ := errors.AsType[Flaws](err)
			r.Flaws = flaws
			if err == nil {
				r.Twice, r.There = lines[a.Email.Key], there[a.Email.Key]
				if r.Twice == 0 {
					lines[a.Email.Key] = r.Line
				}
				if r.New() {
					added = append(added, a)
				}
			}
		}
		rows[i] = r
	}
	slices.SortFunc(added, func(a, b *account.Account) int { return strings.Compare(a.Email.Key, b.Email.Key) })
	c.Rows = rows
	return c, added
}

// same reports whether two checks of a file came to the same.
func (c Checked) same(other Checked) bool {
	return slices.EqualFunc(c.Rows, other.Rows, func(a, b Row) bool {
		return a.Line == b.Line && a.Newcomer == b.Newcomer && slices.Equal(a.Flaws, b.Flaws) && a.Twice == b.Twice && a.There == b.There
	})
}

// Intake is a checked file as it is kept: one of a session, whose helper alone sees it.
type Intake struct {
	Platform  platform.ID
	Session   string // identifier of the session in which it was checked
	ID        string // 130 random bits
	Account   account.ID
	Sealed    []byte // Checked, bound to Binding; nil once it was applied
	MadeAt    time.Time
	ExpiresAt time.Time
	AppliedAt time.Time // zero: it was not
	Invited   int       // people, once it was applied
}

// Binding is the additional data that ties Sealed to its row.
func (i *Intake) Binding() string {
	return "intake/" + string(i.Platform) + "/" + i.Session + "/" + i.ID
}

// Admission is all that applying an intake changes, saved in one transaction, if what it was decided by still holds.
type Admission struct {
	Platform platform.ID
	Session  string
	Intake   string
	By       account.ID // whose file it is
	Keys     []string   // addresses of the file
	There    map[string]account.ID
	Accounts []*account.Account
	Issue    []authn.Ticket
	Messages []outbox.Message
	Events   []audit.Event
	Count    []authn.Limit
}

// Intakes keeps checked files, and saves what becomes of them. Each method is one transaction.
type Intakes interface {
	// AccountsOf finds who has addresses, in whatever state, by their keys.
	AccountsOf(ctx context.Context, p platform.ID, keys []string) (map[string]account.ID, error)
	// SaveIntake keeps a file in the place of the one before of its session. fault.Throttled: nothing was kept.
	SaveIntake(ctx context.Context, i Intake, limits []authn.Limit, events []audit.Event, now time.Time) error
	// RenewIntake keeps what a new check of a file came to in its place. fault.Spent: it was applied meanwhile;
	// fault.NotFound: there is none any more.
	RenewIntake(ctx context.Context, old string, i Intake, now time.Time) error
	// Intake finds a file of a session. fault.NotFound: there is none, or its time is over.
	Intake(ctx context.Context, p platform.ID, session, id string, now time.Time) (*Intake, error)
	// Admit applies a file, once. fault.Spent: it was applied; fault.NotFound: there is none; fault.Stale and fault.Taken:
	// somebody of it has got an account meanwhile, or has it no more; fault.Refused: the helper is none any more;
	// fault.Throttled.
	Admit(ctx context.Context, a Admission, now time.Time) error
}

// Files are acts on files of people to invite.
type Files struct {
	*Acts
	Intakes Intakes
	Open    func(sealed []byte, binding string) ([]byte, error) // what Acts.Sealer sealed
}

// Check checks a file and keeps it for IntakeLife, for the session alone in which it was brought. It returns its
// identifier. fault.Throttled: a helper did ChecksPerHour.
func (s *Files) Check(ctx context.Context, id platform.ID, session string, c Checked) (string, error) {
	f, err := s.may(ctx, id)
	if err != nil {
		return "", fmt.Errorf("checking a file: %w", err)
	}
	there, err := s.Intakes.AccountsOf(ctx, id, c.keys())
	if err != nil {
		return "", fmt.Errorf("checking a file: %w", err)
	}
	c, _ = c.check(f.Actor, there, s.Now)
	e := f.Actor.does(audit.Event{
		At: s.Now, Platform: id, Kind: audit.FileChecked, Outcome: audit.Success,
		Reason: fmt.Sprintf("%d rows, %d with an account", len(c.Rows), c.Count(func(r Row) bool { return r.There != "" })),
	})
	i, err := s.sealed(f, session, c)
	if err == nil {
		err = s.Intakes.SaveIntake(ctx, i, f.perHour("files checked", ChecksPerHour), []audit.Event{e}, s.Now)
	}
	if err != nil {
		return "", fmt.Errorf("checking a file: %w", err)
	}
	return i.ID, nil
}

// may is the facts of an act of somebody who may invite.
func (s *Files) may(ctx context.Context, id platform.ID) (Facts, error) {
	f, err := s.factsOn(ctx, id)
	if err == nil && (f.Actor.Account == "" || f.Actor.Platform != id || !f.Actor.HasRight(ActInvite)) {
		err = fault.Refused
	}
	return f, err
}

// sealed is a file as it is kept.
func (s *Files) sealed(f Facts, session string, c Checked) (Intake, error) {
	i := Intake{
		Platform: f.Platform, Session: session, ID: secret.ID(), Account: f.Actor.Account, MadeAt: s.Now, ExpiresAt: s.Now.Add(IntakeLife),
	}
	plain, err := json.Marshal(c)
	if err != nil {
		return Intake{}, err
	}
	i.Sealed = s.Sealer.Seal(plain, i.Binding())
	return i, nil
}

// Read is a file that was checked in this session, and what became of it; Checked is empty once it was applied.
func (s *Files) Read(ctx context.Context, id platform.ID, session, file string) (*Intake, Checked, error) {
	i, err := s.Intakes.Intake(ctx, id, session, file, s.Now)
	if err != nil || !i.AppliedAt.IsZero() {
		return i, Checked{}, err
	}
	var c Checked
	plain, err := s.Open(i.Sealed, i.Binding())
	if err == nil {
		err = json.Unmarshal(plain, &c)
	}
	if err != nil {
		return nil, Checked{}, fmt.Errorf("intake %s: %w", i.ID, err)
	}
	return i, c, nil
}

// Admit invites everybody of a file who is new, as it was checked. Where a new check comes to something else, nobody is
// invited, and the file is kept anew: next is its identifier, and the error fault.Stale. fault.Spent: it was applied;
// fault.NotFound: it is not kept any more; fault.Refused: nobody of it is new; fault.Throttled: a helper did
// IntakesPerHour.
func (s *Files) Admit(ctx context.Context, id platform.ID, session, file string) (next string, err error) {
	const attempted = "inviting the people of a file"
	f, err := s.may(ctx, id)
	if err != nil {
		return "", fmt.Errorf("%s: %w", attempted, err)
	}
	i, before, err := s.Read(ctx, id, session, file)
	if err == nil && !i.AppliedAt.IsZero() {
		err = fault.Spent
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", attempted, err)
	}
	a := Admission{Platform: id, Session: session, Intake: file, By: f.Actor.Account, Keys: before.keys()}
	if a.There, err = s.Intakes.AccountsOf(ctx, id, a.Keys); err != nil {
		return "", fmt.Errorf("%s: %w", attempted, err)
	}
	now, added := before.check(f.Actor, a.There, s.Now)
	if now.same(before) {
		if len(added) == 0 {
			return "", fmt.Errorf("%s: %w", attempted, fault.Refused)
		}
		if err := a.admit(f, added); err != nil {
			return "", fmt.Errorf("%s: %w", attempted, err)
		}
		err := s.Intakes.Admit(ctx, a, s.Now)
		if !errors.Is(err, fault.Stale) && !errors.Is(err, fault.Taken) {
			return "", err
		}
		if a.There, err = s.Intakes.AccountsOf(ctx, id, a.Keys); err != nil {
			return "", fmt.Errorf("%s: %w", attempted, err)
		}
		now, _ = before.check(f.Actor, a.There, s.Now)
	}
	renewed, err := s.sealed(f, session, now)
	if err == nil {
		err = s.Intakes.RenewIntake(ctx, file, renewed, s.Now)
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", attempted, err)
	}
	return renewed.ID, fmt.Errorf("%s: it differs from what was checked: %w", attempted, fault.Stale)
}

// admit adds what Add makes of each.
func (a *Admission) admit(f Facts, added []*account.Account) error {
	for _, f.Account = range added {
		change, err := Add(f, nil)
		if err != nil {
			return err
		}
		a.Accounts = append(a.Accounts, change.Add)
		a.Issue = append(a.Issue, change.Issue...)
		a.Messages = append(a.Messages, change.Messages...)
		a.Events = append(a.Events, change.Events...)
	}
	a.Count = f.perHour("files applied", IntakesPerHour)
	return nil
}
