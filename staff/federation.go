package staff

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
)

// FederationStore is what acts on connections read and where they are saved.
type FederationStore interface {
	Connections(context.Context) ([]federation.Connection, error)
	SaveConnection(ctx context.Context, seen int64, c federation.Connection, events []audit.Event) error
	SetBaseline(ctx context.Context, p platform.ID, c federation.ID, b federation.Baseline, seen int64, e audit.Event) error
	AccountByLink(ctx context.Context, p platform.ID, method, external string) (*account.Account, error)
}

// SwitchConnection disables or enables a connection. Links stay, and sessions go on.
func SwitchConnection(f Facts, c federation.Connection, disabled bool) (Settings, error) {
	to := "enabled"
	if disabled {
		to = "disabled"
	}
	if c.Disabled == disabled {
		_, err := f.guard(audit.ConnectionSet)
		return Settings{}, err
	}
	c.Disabled = disabled
	return SetConnection(f, c, to)
}

// SetConnection saves what somebody made of a connection that there is; what that is stands in the record.
func SetConnection(f Facts, c federation.Connection, what string) (Settings, error) {
	e, err := f.guard(audit.ConnectionSet)
	if err != nil {
		return Settings{}, err
	}
	e.Reason = string(c.ID) + ": " + what
	return Settings{Connections: []federation.Connection{c}, Events: []audit.Event{e}}, nil
}

// ConfirmConnection is the baseline that a test sign-in makes, and its event. A Refusal: it names nobody for ever.
func ConfirmConnection(f Facts, c *federation.Connection, a federation.Answer) (federation.Baseline, audit.Event, error) {
	e, err := f.guard(audit.ConnectionConfirmed)
	if err != nil {
		return federation.Baseline{}, e, err
	}
	if _, err := c.Key.Of(a); err != nil {
		return federation.Baseline{}, e, err
	}
	e.Reason = string(c.ID)
	return c.NewBaseline(a, f.Now), e, nil
}

// DisableConnection reports whether the connection was enabled until now.
func (s *Acts) DisableConnection(ctx context.Context, id platform.ID, c federation.ID) (changed bool, err error) {
	return s.ofConnection(ctx, id, c, func(f Facts, c federation.Connection) (Settings, error) { return SwitchConnection(f, c, true) })
}

// EnableConnection reports whether the connection was disabled until now.
func (s *Acts) EnableConnection(ctx context.Context, id platform.ID, c federation.ID) (changed bool, err error) {
	return s.ofConnection(ctx, id, c, func(f Facts, c federation.Connection) (Settings, error) { return SwitchConnection(f, c, false) })
}

// ChangeConnection saves what change makes of a connection, which is called again where somebody else changed the
// settings meanwhile. The record has what it was.
func (s *Acts) ChangeConnection(ctx context.Context, id platform.ID, c federation.ID, what string, change func(*federation.Connection) error) error {
	_, err := s.ofConnection(ctx, id, c, func(f Facts, c federation.Connection) (Settings, error) {
		if err := change(&c); err != nil {
			return Settings{}, err
		}
		return SetConnection(f, c, what)
	})
	return err
}

// ProveDomains marks domains of a connection as proven by DNS. fault.NotFound: it does not have one of them any more.
func (s *Acts) ProveDomains(ctx context.Context, id platform.ID, c federation.ID, domains []string) error {
	what := "domains proven by DNS: " + fmt.Sprint(domains)
	return s.ChangeConnection(ctx, id, c, what, func(c *federation.Connection) error {
		c.Domains = slices.Clone(c.Domains)
		for _, name := range domains {
			i := slices.IndexFunc(c.Domains, func(d federation.Domain) bool { return d.Name == name })
			if i < 0 {
				return fmt.Errorf("domain %s of connection %s: %w", name, c.ID, fault.NotFound)
			}
			c.Domains[i].Proven, c.Domains[i].Vouched = true, false
		}
		return nil
	})
}

// ConfirmConnection makes what a test sign-in brought the baseline of a connection.
func (s *Acts) ConfirmConnection(ctx context.Context, id platform.ID, c federation.ID, a federation.Answer) (b federation.Baseline, err error) {
	err = s.Store.Revise(ctx, func(seen int64) error {
		have, err := s.connection(ctx, id, c)
		if err != nil {
			return err
		}
		f, err := s.factsOn(ctx, id)
		if err != nil {
			return err
		}
		var e audit.Event
		if b, e, err = ConfirmConnection(f, &have, a); err != nil {
			return err
		}
		return s.Federation.SetBaseline(ctx, id, c, b, seen, e)
	})
	return b, err
}

// ofConnection is the way of acts on a connection.
func (s *Acts) ofConnection(
	ctx context.Context, id platform.ID, c federation.ID, act func(Facts, federation.Connection) (Settings, error),
) (changed bool, err error) {
	err = s.revise(ctx, func() (Settings, error) {
		have, err := s.connection(ctx, id, c)
		if err != nil {
			return Settings{}, err
		}
		f, err := s.factsOn(ctx, id)
		if err != nil {
			return Settings{}, err
		}
		to, err := act(f, have)
		changed = len(to.Connections) > 0
		return to, err
	})
	return changed, err
}

func (s *Acts) connection(ctx context.Context, id platform.ID, c federation.ID) (federation.Connection, error) {
	all, err := s.Federation.Connections(ctx)
	if err != nil {
		return federation.Connection{}, err
	}
	i := slices.IndexFunc(all, func(o federation.Connection) bool { return o.Platform == id && o.ID == c })
	if i < 0 {
		if err := s.hasPlatform(ctx, id); err != nil {
			return federation.Connection{}, fmt.Errorf("platform %q: %w", id, err)
		}
		return federation.Connection{}, fmt.Errorf("connection %s on platform %q: %w", c, id, fault.NotFound)
	}
	return all[i], nil
}

// LinkRow is a person whom a file names: by whom he is at an organisation, and by his address here.
type LinkRow struct {
	Connection federation.ID
	Key        string
	Address    string
}

// LinkOutcome is what came of a row.
type LinkOutcome string

const (
	LinkMade    LinkOutcome = "linked"
	LinkThere   LinkOutcome = "there already"
	LinkRefused LinkOutcome = "refused"
)

// ImportOptions say how rows are taken.
type ImportOptions struct {
	DryRun  bool // nothing is saved
	Helpers bool // helpdesk and managers are linked, too
	Mail    bool // who is active is told by a mail; by themselves many mails at once would be taken for an attack
}

// ImportLinks links people from a file, row by row: each is saved by itself, so that the same file goes on where it
// stopped. A row that is refused says why; an error is that nobody can go on. The record has how many there were, and
// each account that it was linked.
func (s *Acts) ImportLinks(ctx context.Context, id platform.ID, rows []LinkRow, o ImportOptions, each func(i int, out LinkOutcome, why error)) error {
	f, err := s.factsOn(ctx, id)
	if err != nil {
		return err
	}
	e, err := f.guard(audit.LinksImported)
	if err != nil {
		return err
	}
	if err := s.hasPlatform(ctx, id); err != nil {
		return fmt.Errorf("platform %q: %w", id, err)
	}
	count, seen := map[LinkOutcome]int{}, map[string]bool{}
	for i, row := range rows {
		out, why, err := s.importLink(ctx, f, row, o, seen)
		if err != nil {
			return err
		}
		count[out]++
		each(i, out, why)
	}
	if o.DryRun || count[LinkMade] == 0 {
		return nil
	}
	e.Reason = fmt.Sprintf("%d linked, %d there already, %d refused", count[LinkMade], count[LinkThere], count[LinkRefused])
	return s.Store.SaveChange(ctx, authn.Change{Platform: id, Events: []audit.Event{e}}, s.Now)
}

// importLink links one person. Seen are the keys and accounts of rows before.
func (s *Acts) importLink(ctx context.Context, f Facts, row LinkRow, o ImportOptions, seen map[string]bool) (LinkOutcome, error, error) {
	c, a, external, err := s.whomToLink(ctx, f.Platform, row)
	if err != nil {
		return refusedOr(err)
	}
	for _, once := range []string{external, string(c.ID) + "/of/" + string(a.ID)} {
		if seen[once] {
			return LinkRefused, fmt.Errorf("%w: the file has the key or the account twice", fault.Refused), nil
		}
	}
	seen[external], seen[string(c.ID)+"/of/"+string(a.ID)] = true, true
	there, err := s.Federation.AccountByLink(ctx, f.Platform, federation.Method, external)
	if err != nil && !errors.Is(err, fault.NotFound) {
		return "", nil, err
	}
	why := ""
	switch {
	case err == nil && there.ID == a.ID:
		return LinkThere, nil, nil
	case err == nil:
		why = "the key is another account's"
	case a.HasLink(string(c.ID)):
		why = "the account is linked to somebody else there"
	case a.State == account.Deactivated:
		why = "the account is deactivated"
	case !c.For(a.Role):
		why = "the connection is not for a " + string(a.Role)
	case ranks[a.Role] >= ranks[platform.Helpdesk] && !o.Helpers:
		why = "the account is a " + string(a.Role) + "'s: --include-helpers links those, too"
	}
	if why != "" {
		return LinkRefused, fmt.Errorf("%w: %s", fault.Refused, why), nil
	}
	if o.DryRun {
		return LinkMade, nil, nil
	}
	err = s.Store.SaveChange(ctx, linked(f, c, a, external, o.Mail), s.Now)
	if err != nil {
		return refusedOr(err)
	}
	return LinkMade, nil, nil
}

// linked is the change that links an account, on its record, and with a mail to who is active where that is said.
func linked(f Facts, c federation.Connection, a *account.Account, external string, mail bool) authn.Change {
	l := account.Credential{
		ID: account.CredentialID(secret.ID()), Account: a.ID, Method: federation.Method, Use: account.Primary, Label: a.Email.Address,
		External: external, AddedAt: f.Now, ConfirmedAt: f.Now,
	}
	e := f.Actor.does(audit.Event{
		At: f.Now, Platform: f.Platform, Kind: audit.CredentialAdded, Account: a.ID, Outcome: audit.Success, Reason: federation.Method, Origin: f.Origin,
	})
	change := authn.Change{Put: []account.Credential{l}, Events: []audit.Event{e}}
	if mail {
		f.Account = a
		change.Messages = f.saysOf(outbox.LinkedByStaff, c.Name(a.Locale))
	}
	return change
}

// saysOf is says with what an organisation is called.
func (f Facts) saysOf(kind outbox.Kind, organisation string) []outbox.Message {
	if f.Account.State != account.Active {
		return nil
	}
	mail := f.mail(kind)
	mail.Contents.Values = map[string]string{"connection": organisation}
	return []outbox.Message{mail.Seal(f.Sealer.Seal)}
}

// whomToLink are the connection and the account of a row, and how the link is kept.
func (s *Acts) whomToLink(ctx context.Context, id platform.ID, row LinkRow) (federation.Connection, *account.Account, string, error) {
	c, err := s.connection(ctx, id, row.Connection)
	if err != nil {
		return c, nil, "", err
	}
	key, err := c.Key.Written(row.Key)
	if err != nil {
		return c, nil, "", err
	}
	a, err := s.find(ctx, id, ByAddress(row.Address))
	if errors.Is(err, fault.NotFound) {
		err = fmt.Errorf("account %w", err)
	}
	return c, a, federation.External(c.ID, key), err
}

// refusedOr is the outcome of a row that is refused, or an error that stops all.
func refusedOr(err error) (LinkOutcome, error, error) {
	for _, row := range []error{fault.NotFound, fault.Invalid, fault.Refused, fault.Taken, fault.Stale} {
		if errors.Is(err, row) {
			return LinkRefused, err, nil
		}
	}
	return "", nil, err
}

// RemoveLink takes the link of an account away. Whoever came by it is out: all sessions end, with the tokens that
// derive from them, and the devices of the app; the owner is told, with what the organisation is called. The same
// person there is not linked again by an address alone. fault.NotFound: link is the zero value. Storage adds
// fault.Throttled, as of EndSessions, and fault.Stale: it is removed.
func RemoveLink(f Facts, link account.Credential, organisation string) (authn.Change, error) {
	e, err := f.guard(audit.CredentialRetired)
	if err == nil && link.ID == "" {
		err = fmt.Errorf("link: %w", fault.NotFound)
	}
	if err != nil {
		return authn.Change{}, err
	}
	e.Reason = federation.Method
	return authn.Change{
		Platform: f.Platform, Retire: []account.CredentialID{link.ID}, Events: []audit.Event{e}, Count: f.logOuts(),
		End:      &authn.End{Account: f.Account.ID, Devices: true, Reason: "link removed"},
		Messages: f.saysOf(outbox.LinkRemovedByStaff, organisation),
	}, nil
}

// RemoveLink also returns fault.NotFound where the account has no such link any more.
func (s *Acts) RemoveLink(ctx context.Context, id platform.ID, whom Whom, link account.CredentialID, said Justification) error {
	is := func(l account.Credential) bool { return l.ID == link }
	return s.removeLink(ctx, fmt.Sprintf("removing link %s of %s on %s", link, whom, id), id, whom, is, said)
}

// RemoveLinkTo is RemoveLink of the one to a connection.
func (s *Acts) RemoveLinkTo(ctx context.Context, id platform.ID, whom Whom, c federation.ID, said Justification) error {
	is := func(l account.Credential) bool { return federation.ConnectionOf(l.External) == c }
	return s.removeLink(ctx, fmt.Sprintf("removing the link of %s to %s on %s", whom, c, id), id, whom, is, said)
}

func (s *Acts) removeLink(ctx context.Context, attempted string, id platform.ID, whom Whom, is func(account.Credential) bool, said Justification) error {
	return s.save(ctx, attempted, id, whom, said, func(f Facts) (authn.Change, error) {
		var link account.Credential
		for _, l := range f.Account.Credentials {
			if l.Usable() && l.Method == federation.Method && is(l) {
				link = l
			}
		}
		all, err := s.Federation.Connections(ctx)
		if err != nil {
			return authn.Change{}, err
		}
		organisation := string(federation.ConnectionOf(link.External)) // of one that is gone
		for _, c := range all {
			if c.Platform == id && c.ID == federation.ConnectionOf(link.External) {
				organisation = c.Name(f.Account.Locale)
			}
		}
		return RemoveLink(f, link, organisation)
	})
}
