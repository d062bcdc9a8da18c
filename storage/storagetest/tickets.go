package storagetest

import (
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
)

// ticket issues one to anna.
func (w *world) ticket(purpose authn.TicketPurpose) authn.Ticket {
	t := authn.NewTicket(secret.Hash(secret.Token()), linde, purpose, w.anna.ID, w.now)
	t.Party, t.Sealed = string(web), []byte("sealed")
	w.ok(w.db.SaveChange(w.Context(), authn.Change{Issue: []authn.Ticket{t}}, w.now))
	return t
}

// become gives anna a state without anything that an act brings.
func (w *world) become(s account.State) {
	w.run("UPDATE accounts SET state = '" + string(s) + "' WHERE id = '" + string(w.anna.ID) + "'")
}

func (w *world) spend(t authn.Ticket, opened time.Time) error {
	return w.db.SaveChange(w.Context(), authn.Change{
		Platform: linde, Spend: []authn.TicketUse{{Hash: t.Hash, Purpose: t.Purpose, Opened: opened}},
	}, w.now)
}

func (w *world) ticketState(t authn.Ticket) authn.TicketState {
	stored, err := w.db.Ticket(w.Context(), t.Platform, t.Hash)
	w.ok(err)
	return stored.State(w.now)
}

var tickets = []promise{
	{"a ticket comes back whole, on its own platform only", func(w *world) {
		t := w.ticket(authn.TicketReset)
		got, err := w.db.Ticket(w.Context(), linde, t.Hash)
		w.ok(err)
		w.same("ticket", *got, t)
		_, err = w.db.Ticket(w.Context(), wilg, t.Hash)
		w.fails(err, fault.NotFound)
	}},
	{"of a hundred who use one ticket at once one succeeds", func(w *world) {
		t := w.ticket(authn.TicketReset)
		w.onlyOne(race(func(int) error { return w.spend(t, w.now) }), fault.Spent)
		w.same("state", w.ticketState(t), authn.TicketUsed)
	}},
	// CVE-2026-52809
	{"a ticket that was opened in time is spent later; one that was not, or for another purpose, or elsewhere, never", func(w *world) {
		t := w.ticket(authn.TicketReset)
		w.fails(w.spend(t, t.ExpiresAt), fault.Spent)
		other := t
		other.Purpose = authn.TicketWelcome
		w.fails(w.spend(other, w.now), fault.Spent)
		w.fails(w.db.SaveChange(w.Context(), authn.Change{
			Platform: wilg, Spend: []authn.TicketUse{{Hash: t.Hash, Purpose: t.Purpose, Opened: w.now}},
		}, w.now), fault.Spent)
		w.ok(w.spend(t, t.ExpiresAt.Add(-time.Millisecond)))
	}},
	{"a newer ticket voids the older ones of its account and purpose, and no others", func(w *world) {
		w.become(account.Invited)
		old, kept := w.ticket(authn.TicketWelcome), w.ticket(authn.TicketEmail)
		fresh := authn.NewTicket(secret.Hash(secret.Token()), linde, authn.TicketWelcome, w.anna.ID, w.now)
		w.ok(w.db.SaveChange(w.Context(), authn.Change{
			Void: []authn.TicketVoid{{Account: w.anna.ID, Purpose: authn.TicketWelcome}}, Issue: []authn.Ticket{fresh},
		}, w.now))
		w.fails(w.spend(old, w.now), fault.Spent)
		w.same("older", w.ticketState(old), authn.TicketReplaced)
		w.ok(w.spend(kept, w.now))
		w.ok(w.spend(fresh, w.now))
	}},
	{"tickets for what was done without them count as used", func(w *world) {
		reset, kept := w.ticket(authn.TicketReset), w.ticket(authn.TicketUnblock)
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Void: []authn.TicketVoid{{Account: w.anna.ID, Purpose: authn.TicketReset, Done: true}}, Platform: linde}, w.now))
		w.fails(w.spend(reset, w.now), fault.Spent)
		w.same("state", w.ticketState(reset), authn.TicketUsed)
		w.ok(w.spend(kept, w.now))
	}},
	{"a spent ticket undoes everything that came with it", func(w *world) {
		t := w.ticket(authn.TicketReset)
		w.ok(w.spend(t, w.now))
		before := w.dump()
		w.fails(w.db.SaveChange(w.Context(), authn.Change{
			Spend: []authn.TicketUse{{Hash: t.Hash, Purpose: t.Purpose, Opened: w.now}},
			Put:   []account.Credential{w.credential(w.anna, "password", account.Primary, 0)},
			End:   &authn.End{Account: w.anna.ID, Reason: "password"}, Events: []audit.Event{w.event(audit.PasswordSet, w.anna)},
		}, w.now), fault.Spent)
		w.is("unchanged", w.dump() == before, true)
	}},
	{"deactivating voids the links of an account, not its recovery codes", func(w *world) {
		reset, code := w.ticket(authn.TicketReset), w.ticket(authn.TicketRecoveryCode)
		w.ok(w.db.SetState(w.Context(), linde, w.anna.ID, account.Deactivated, w.event(audit.AccountDeactivated, w.anna), w.now))
		w.same("link", w.ticketState(reset), authn.TicketReplaced)
		w.same("code", w.ticketState(code), authn.TicketWorks)
	}},
	{"an invited account becomes active, a deactivated one is refused", func(w *world) {
		w.run("UPDATE accounts SET state = 'invited', email_verified_at = NULL WHERE id = '" + string(w.anna.ID) + "'")
		change := authn.Change{Platform: linde, Account: &authn.AccountChange{ID: w.anna.ID, Activate: true, Verified: true}}
		w.ok(w.db.SaveChange(w.Context(), change, w.now))
		a, err := w.db.Account(w.Context(), linde, w.anna.ID)
		w.ok(err)
		w.same("state", a.State, account.Active)
		w.same("confirmed", a.EmailVerifiedAt, w.now)
		w.ok(w.db.SetState(w.Context(), linde, w.anna.ID, account.Deactivated, w.event(audit.AccountDeactivated, w.anna), w.now))
		w.fails(w.db.SaveChange(w.Context(), change, w.now), fault.Refused)
	}},
	{"a new account is added once, with its credential and session", func(w *world) {
		newcomer := w.person(linde, "new@example.org")
		put := newcomer.Credentials[0]
		newcomer.Credentials = newcomer.Credentials[:1]
		add := func() error {
			v := w.newVisit(newcomer)
			return w.db.SaveChange(w.Context(), authn.Change{
				Add: &newcomer, Put: []account.Credential{put}, Start: &authn.SessionStart{Session: v.Session, Cookie: secret.Hash(v.cookie)},
			}, w.now)
		}
		w.onlyOne(race(func(int) error { return add() }), fault.Taken)
		a, err := w.db.AccountByEmail(w.Context(), linde, "new@example.org")
		w.ok(err)
		w.same("account", *a, newcomer)
	}},
	{"a new address is unique on its platform", func(w *world) {
		bram := w.person(linde, "bram@example.org")
		bram.Credentials = nil
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Add: &bram}, w.now))
		to := func(address string) error {
			email, err := account.ParseEmail(address)
			w.ok(err)
			return w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Account: &authn.AccountChange{ID: w.anna.ID, Email: &email}}, w.now)
		}
		w.fails(to("Bram@example.org"), fault.Taken)
		w.ok(to("anna@example.net"))
		a, err := w.db.Account(w.Context(), linde, w.anna.ID)
		w.ok(err)
		w.same("address", a.Email.Address, "anna@example.net")
		_, err = w.db.AccountByEmail(w.Context(), linde, "anna@example.org")
		w.fails(err, fault.NotFound)
		_, err = w.db.AccountByEmail(w.Context(), wilg, "anna@example.org")
		w.ok(err)
	}},
	{"everything else of an account ends, the session that stays keeps its grants", func(w *world) {
		stays, goes, far := w.visit(w.anna), w.visit(w.anna), w.visit(w.far)
		kept, _ := w.tokens(stays, "openid")
		gone, refresh := w.tokens(goes, "openid", "offline_access")
		w.ok(w.db.SaveChange(w.Context(), authn.Change{
			Platform: linde, End: &authn.End{Account: w.anna.ID, Except: stays.ID, Reason: "password"},
		}, w.now))
		w.is("the one that stays", w.alive(stays) && w.given(kept), true)
		w.is("the other", w.alive(goes) || w.given(gone), false)
		_, err := w.db.Rotate(w.Context(), w.rotation(refresh))
		w.fails(err, fault.NotFound)
		w.is("the other platform", w.alive(far), true)
	}},
	{"what an app has left of a session that ended by itself ends with everything else", func(w *world) {
		long, stays := w.visit(w.anna), w.newVisit(w.anna)
		offline, refresh := w.tokens(long, "openid", "offline_access")
		w.now = long.EndsAt.Add(time.Hour)
		stays.StartedAt, stays.SeenAt, stays.EndsAt = w.now, w.now, w.now.Add(time.Hour)
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Start: &authn.SessionStart{Session: stays.Session, Cookie: secret.Hash(stays.cookie)}}, w.now))
		w.is("the session that ended", w.alive(long), false)
		w.is("what it gave", w.given(offline), true)
		w.ok(w.db.SaveChange(w.Context(), authn.Change{
			Platform: linde, End: &authn.End{Account: w.anna.ID, Except: stays.ID, Reason: "second factor changed"},
		}, w.now))
		w.is("what it gave", w.given(offline), false)
		_, err := w.db.Rotate(w.Context(), w.rotation(refresh))
		w.fails(err, fault.NotFound)
		w.is("the one that stays", w.alive(stays), true)
	}},
	{"a credential is retired once", func(w *world) {
		id := w.anna.Credentials[0].ID
		w.onlyOne(race(func(int) error {
			return w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Retire: []account.CredentialID{id}}, w.now)
		}), fault.Stale)
	}},
}
