package storagetest

import (
	"fmt"
	"strings"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/storage"
)

// links are all tickets of an account, in the order in which tables name them.
var links = []authn.TicketPurpose{
	authn.TicketWelcome, authn.TicketReset, authn.TicketUnblock, authn.TicketEmail, authn.TicketFreeze, authn.TicketDevice,
	authn.TicketStop, authn.TicketReferral, authn.TicketAfterReset,
	authn.TicketSMS, authn.TicketRecoveryCode,
}

// allLinks gives anna one ticket of each kind, although no account could have all of them.
func (w *world) allLinks() map[authn.TicketPurpose]authn.Ticket {
	w.Helper()
	all := map[authn.TicketPurpose]authn.Ticket{}
	w.become(account.Invited)
	all[authn.TicketWelcome] = w.ticket(authn.TicketWelcome)
	w.become(account.Active)
	for _, purpose := range links[1:] {
		all[purpose] = w.ticket(purpose)
	}
	return all
}

// linkStates are those of all tickets, as a row of a table: w works, u used, r replaced.
func (w *world) linkStates(all map[authn.TicketPurpose]authn.Ticket) string {
	w.Helper()
	var row []string
	for _, purpose := range links {
		state := "w"
		if s := w.ticketState(all[purpose]); s != authn.TicketWorks {
			state = string(s[:1])
		}
		row = append(row, state)
	}
	return strings.Join(row, " ")
}

// declare saves anna as an operator declares her.
func (w *world) declare(change func(*account.Account)) error {
	a := w.anna
	a.Credentials = a.Credentials[:0:0]
	change(&a)
	return w.db.Declare(w.Context(), storage.Setup{Accounts: []account.Account{a}}, w.now)
}

// acts are all ways in which something happens to an account, and what they leave of its links and journeys. Those that
// begin with an invited account say so.
var acts = []struct {
	name     string
	invited  bool
	links    string // of links
	journeys bool   // they go on
	do       func(*world) error
}{
	//                                                W R U E F D T P A S C
	{"a first password by the welcome mail", true, "u u u w w w w w w w w", false, func(w *world) error {
		return w.db.SaveChange(w.Context(), authn.Change{
			Platform: linde, Put: []account.Credential{w.credential(w.anna, "words", account.Primary, 1)},
			Account: &authn.AccountChange{ID: w.anna.ID, Activate: true, Verified: true}, Cut: &authn.Cut{Account: w.anna.ID, By: authn.ActPassword},
		}, w.now)
	}},
	{"becoming active", true, "u w w w w w w w w w w", true, func(w *world) error {
		return w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Account: &authn.AccountChange{ID: w.anna.ID, Activate: true}}, w.now)
	}},
	{"a first password by a file", true, "u u u w w w w w w w w", false, func(w *world) error {
		return w.declare(func(a *account.Account) {
			a.Credentials = []account.Credential{w.credential(*a, "password", account.Primary, 1)}
		})
	}},
	{"another password by a file", false, "u u u w w w w w w w w", false, func(w *world) error {
		return w.declare(func(a *account.Account) {
			a.Credentials = []account.Credential{w.credential(*a, "password", account.Primary, 1)}
		})
	}},
	{"another name by a file", false, "w w w w w w w w w w w", true, func(w *world) error {
		return w.declare(func(a *account.Account) { a.Profile.GivenName = "Anneke" })
	}},
	{"deactivation by a file", false, "r r r r r r r r r r w", false, func(w *world) error {
		return w.declare(func(a *account.Account) { a.State = account.Deactivated })
	}},
	{"a new password", false, "u u u w w w w w w w w", false, func(w *world) error {
		return w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Cut: &authn.Cut{Account: w.anna.ID, By: authn.ActPassword}}, w.now)
	}},
	{"a new address by staff", false, "w w w r w w r w w w w", true, func(w *world) error {
		return w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Cut: &authn.Cut{Account: w.anna.ID, By: authn.ActAddressAsked}}, w.now)
	}},
	{"a new address, confirmed", false, "r r r r r r r w r w w", true, func(w *world) error {
		email, err := account.ParseEmail("anna.bakker@example.org")
		w.ok(err)
		return w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Account: &authn.AccountChange{ID: w.anna.ID, Email: &email}}, w.now)
	}},
	{"deactivation by staff", false, "r r r r r r r r r r w", false, func(w *world) error {
		return w.db.SetState(w.Context(), linde, w.anna.ID, account.Deactivated, w.event(audit.AccountDeactivated, w.anna), w.now)
	}},
	{"deactivation by the button", false, "r r r r r r r r r r w", false, func(w *world) error {
		return w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Account: &authn.AccountChange{ID: w.anna.ID, Stop: true}}, w.now)
	}},
	{"a reset by staff", false, "r r r r r r r r r r r", false, func(w *world) error {
		return w.db.SaveChange(w.Context(), authn.Change{
			Platform: linde, Cut: &authn.Cut{Account: w.anna.ID, By: authn.ActTwoStepReset}, Retire: []account.CredentialID{w.anna.Credentials[1].ID},
			End: &authn.End{Account: w.anna.ID, Reason: "two-step reset"},
		}, w.now)
	}},
	{"the owner shown after a reset", false, "w w w w w w w w u w w", false, func(w *world) error {
		w.mark()
		return w.db.SaveChange(w.Context(), w.shows(w.begun()), w.now)
	}},
	{"the owner stops it", false, "w w w w w w u w w w w", true, func(w *world) error {
		return w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Cut: &authn.Cut{Account: w.anna.ID, By: authn.ActStopped}}, w.now)
	}},
}

// begun is a journey that knows who anna is, as she is now.
func (w *world) begun() authn.Journey {
	w.Helper()
	j, _ := w.journey()
	a, err := w.db.Account(w.Context(), linde, w.anna.ID)
	w.ok(err)
	j.CutAt = a.CutAt
	w.start(j)
	return j
}

// saves are what a journey may save for anna.
func (w *world) saves(j authn.Journey) map[string]authn.Change {
	v := w.newVisit(w.anna)
	device := account.Device{ID: secret.ID(), Platform: linde, Account: w.anna.ID, AddedAt: w.now, SeenAt: w.now, EndsAt: w.now.Add(time.Hour)}
	return map[string]authn.Change{
		"a proof":          {Journey: &j},
		"a session":        {Journey: &j, Start: &authn.SessionStart{Session: v.Session, Cookie: secret.Hash(v.cookie)}},
		"a credential":     {Journey: &j, Put: []account.Credential{w.credential(w.anna, "sms", account.Recovery, 0)}},
		"a factor's end":   {Journey: &j, Retire: []account.CredentialID{w.anna.Credentials[1].ID}},
		"a consent":        {Journey: &j, Consent: &authn.Consent{Account: w.anna.ID, Party: string(web), Scopes: []string{"openid"}, Journey: j.ID, At: w.now}},
		"a device":         {Journey: &j, Remember: &authn.DeviceStart{Device: device, Cookie: secret.Hash(secret.Token())}},
		"a new password":   {Journey: &j, Put: []account.Credential{w.credential(w.anna, "words", account.Primary, 1)}, Cut: &authn.Cut{Account: w.anna.ID, By: authn.ActPassword}},
		"recovery codes":   {Journey: &j, Issue: []authn.Ticket{authn.NewTicket(secret.Hash(secret.Token()), linde, authn.TicketRecoveryCode, w.anna.ID, w.now)}},
		"a sooner log-in":  {Journey: &j, Void: []authn.TicketVoid{{Account: w.anna.ID, Purpose: authn.TicketSMS}}},
		"another language": {Journey: &j, Account: &authn.AccountChange{ID: w.anna.ID, Locale: "en"}},
	}
}

var actPromises = []promise{
	{"what an act voids, and nothing else", func(w *world) {
		for _, act := range acts {
			all := w.allLinks()
			if act.invited {
				w.become(account.Invited)
			}
			w.ok(act.do(w))
			w.same(act.name, w.linkStates(all), act.links)
			if strings.HasPrefix(act.name, "deactivation") {
				w.ok(w.db.SetState(w.Context(), linde, w.anna.ID, account.Active, w.event(audit.AccountReactivated, w.anna), w.now))
				w.same(act.name+", and active again", w.linkStates(all), act.links)
			}
			w.reset()
		}
	}},
	{"what an act ends of what is under way: nothing of it is saved, not even when the account is active again", func(w *world) {
		for _, act := range acts {
			for name := range w.saves(authn.Journey{}) {
				if act.invited && name != "a proof" {
					continue // saves nothing yet
				}
				j := w.begun()
				if act.invited {
					w.become(account.Invited)
				}
				w.ok(act.do(w))
				stored, err := w.db.Journey(w.Context(), linde, j.ID)
				w.ok(err)
				w.is(act.name+": journey goes on", stored.Open(w.now), act.journeys)
				if !act.journeys {
					before := w.dump()
					w.fails(w.db.SaveChange(w.Context(), w.saves(j)[name], w.now), fault.Stale)
					w.fails(w.db.SaveChange(w.Context(), w.saves(*stored)[name], w.now), fault.Stale)
					w.is(act.name+", then "+name+": unchanged", w.dump() == before, true)
				}
				w.run("UPDATE accounts SET state = 'active' WHERE id = '" + string(w.anna.ID) + "'")
				if !act.journeys && name != "a proof" { // of the present version, and open, as one that was just being saved
					w.run("UPDATE journeys SET ended_at = NULL WHERE id = '" + j.ID + "'")
					stored, err := w.db.Journey(w.Context(), linde, j.ID)
					w.ok(err)
					before := w.dump()
					w.fails(w.db.SaveChange(w.Context(), w.saves(*stored)[name], w.now), fault.Stale)
					w.is(act.name+", active again, then "+name+": unchanged", w.dump() == before, true)
				}
				if w.Failed() {
					w.Fatalf("%s, %s", act.name, name)
				}
				w.reset()
			}
		}
	}},
	{"the journey that does it goes on, and only that one", func(w *world) {
		j, other := w.begun(), w.begun()
		c := w.saves(j)["a new password"]
		c.Retire = []account.CredentialID{w.anna.Credentials[0].ID}
		w.ok(w.db.SaveChange(w.Context(), c, w.now))
		mine, err := w.db.Journey(w.Context(), linde, j.ID)
		w.ok(err)
		a, err := w.db.Account(w.Context(), linde, w.anna.ID)
		w.ok(err)
		w.is("open", mine.Open(w.now) && !mine.EndedByAct(a), true)
		w.ok(w.db.SaveChange(w.Context(), w.saves(*mine)["a credential"], w.now))
		theirs, err := w.db.Journey(w.Context(), linde, other.ID)
		w.ok(err)
		w.is("the other one", theirs.Open(w.now) || !theirs.EndedByAct(a), false)
	}},
	{"nothing is saved for an account that is not active", func(w *world) {
		j := w.begun()
		for _, state := range []account.State{account.Invited, account.Deactivated} {
			w.become(state)
			for name, c := range w.saves(j) {
				if name == "a proof" || name == "recovery codes" || name == "a sooner log-in" || name == "another language" {
					continue // nothing of a person, or with a credential only
				}
				for _, journey := range []*authn.Journey{&j, nil} {
					if c.Journey, c.Platform = journey, linde; journey == nil && name == "a factor's end" {
						continue // by staff
					}
					before := w.dump()
					w.fails(w.db.SaveChange(w.Context(), c, w.now), fault.Refused)
					w.is(name+" unchanged", w.dump() == before, true)
				}
			}
		}
	}},
	{"a journey that a node of the release before saved says so", func(w *world) {
		j := w.begun()
		w.run("UPDATE journeys SET account = '', account_cut_at = NULL WHERE id = '" + j.ID + "'")
		got, err := w.db.Journey(w.Context(), linde, j.ID)
		w.ok(err)
		w.is("unlinked", got.Unlinked && got.Account == w.anna.ID, true)
		got.Unlinked = false
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Journey: got}, w.now))
		got, err = w.db.Journey(w.Context(), linde, j.ID)
		w.ok(err)
		w.is("unlinked once saved", got.Unlinked, false)
	}},
	{"a first password is set once, and only of who is invited", func(w *world) {
		w.become(account.Invited)
		w.onlyOne(race(func(int) error { return acts[1].do(w) }), fault.Spent)
		w.become(account.Deactivated)
		w.fails(acts[1].do(w), fault.Refused)
	}},
	{"a link is issued to an account of its state only", func(w *world) {
		for _, state := range []account.State{account.Invited, account.Active, account.Deactivated} {
			w.become(state)
			for _, purpose := range links {
				err := w.db.SaveChange(w.Context(), authn.Change{Issue: []authn.Ticket{w.newTicket(purpose)}}, w.now)
				w.is(fmt.Sprintf("%s for %s", purpose, state), err == nil, purpose.Fits(state))
				if err != nil {
					w.fails(err, fault.Refused)
				}
			}
		}
	}},
	{"a new address and a reset by staff are a day apart", func(w *world) {
		ask, confirm, reset := acts[7].do, acts[8].do, func(w *world) error {
			return w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Cut: &authn.Cut{Account: w.anna.ID, By: authn.ActTwoStepReset}}, w.now)
		}
		later := func(d time.Duration) { w.now = w.now.Add(d) }
		w.ok(ask(w))
		w.ok(ask(w)) // mistyped
		w.fails(reset(w), authn.ErrTooSoon)
		later(authn.ApartFor - time.Millisecond)
		w.fails(reset(w), authn.ErrTooSoon)
		w.ok(confirm(w))
		later(authn.ApartFor - time.Millisecond)
		w.fails(reset(w), authn.ErrTooSoon)
		later(time.Millisecond)
		w.ok(reset(w))
		w.ok(reset(w))
		w.fails(ask(w), authn.ErrTooSoon)
		w.ok(acts[10].do(w)) // the owner stops it
		w.become(account.Active)
		later(authn.ApartFor)
		w.ok(ask(w))
	}},
}

// reset makes anna as she was, as far as these promises change her.
func (w *world) reset() {
	w.Helper()
	id := "'" + string(w.anna.ID) + "'"
	w.run("DELETE FROM tickets", "DELETE FROM credentials WHERE account = "+id, "DELETE FROM journeys",
		"UPDATE accounts SET state = 'active', cut_at = NULL, address_at = NULL, two_step_reset_at = NULL, marked_at = NULL WHERE id = "+id)
	w.ok(w.db.Declare(w.Context(), storage.Setup{Accounts: []account.Account{w.anna}}, w.now))
	w.run("DELETE FROM journeys", "UPDATE accounts SET cut_at = NULL WHERE id = "+id)
}

// newTicket is not saved yet.
func (w *world) newTicket(purpose authn.TicketPurpose) authn.Ticket {
	return authn.NewTicket(secret.Hash(secret.Token()), linde, purpose, w.anna.ID, w.now)
}

// working counts the tickets of a purpose that work.
func (w *world) working(purpose authn.TicketPurpose) int {
	w.Helper()
	n, err := w.db.TicketsLeft(w.Context(), linde, w.anna.ID, purpose)
	w.ok(err)
	return n
}

// some do something different each, at the same time.
func (w *world) some(calls ...func() error) []error {
	return race(func(i int) error {
		if i >= len(calls) {
			return nil
		}
		return calls[i]()
	})[:len(calls)]
}
