package storagetest

import (
	"errors"
	"fmt"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
)

// pendingAct is one that waits for an account, not saved yet.
func (w *world) pendingAct(act staff.Act, a account.Account) staff.Pending {
	return staff.Pending{
		ID: secret.ID(), Platform: a.Platform, Act: act, Account: a.ID, Gives: platform.Manager, Address: "new@example.org", EmailKey: a.Email.Key,
		Asker: "helper", Said: staff.Justification{Reason: staff.LostPhone, Identified: staff.CalledBack}, AskedAt: w.now, DueAt: w.now.Add(staff.WaitsFor),
	}
}

// ask saves an act that waits, with the button that stops it.
func (w *world) ask(act staff.Act, a account.Account) staff.Pending {
	w.Helper()
	p := w.pendingAct(act, a)
	w.ok(w.db.AskPending(w.Context(), p, w.asking(p, a), w.now))
	return p
}

func (w *world) asking(p staff.Pending, a account.Account) authn.Change {
	return authn.Change{
		Platform: a.Platform, Issue: []authn.Ticket{authn.NewTicket(secret.Hash("stop"+p.ID), a.Platform, authn.TicketStop, a.ID, w.now)},
		Events: []audit.Event{w.event(audit.ActAsked, a)},
	}
}

// stops is the owner's button.
func (w *world) stops(p staff.Pending) error {
	return w.db.SaveChange(w.Context(), authn.Change{
		Platform: p.Platform, Cut: &authn.Cut{Account: p.Account, By: authn.ActStopped},
		Spend:  []authn.TicketUse{{Hash: secret.Hash("stop" + p.ID), Purpose: authn.TicketStop, Opened: w.now}},
		Events: []audit.Event{w.event(audit.ActStopped, w.anna)},
	}, w.now)
}

// ends ends an act in one of the ways that staff and nodes have.
func (w *world) ends(p staff.Pending, how staff.Ending) error {
	follows := authn.Change{Platform: p.Platform, Events: []audit.Event{w.event(audit.ActWithdrawn, w.anna)}}
	switch how {
	case staff.Done, staff.Confirmed:
		follows.Cut = &authn.Cut{Account: p.Account, By: authn.ActTwoStepReset}
		follows.Retire = []account.CredentialID{w.anna.Credentials[1].ID}
		follows.Events[0].Kind = audit.CredentialRetired
	case staff.Withdrawn, staff.Dropped, staff.Lapsed:
		follows.Void = []authn.TicketVoid{{Account: p.Account, Purpose: authn.TicketStop}}
	}
	return w.db.EndPending(w.Context(), p, staff.PendingEnd{At: w.now, How: how, By: "second"}, follows, w.now)
}

func (w *world) waits(p staff.Pending) staff.Pending {
	w.Helper()
	got, err := w.db.Pending(w.Context(), p.Platform, p.ID)
	w.ok(err)
	return got
}

func (w *world) listed(of account.ID) (acts []staff.Act) {
	w.Helper()
	all, err := w.db.PendingActs(w.Context(), linde, of, 10)
	w.ok(err)
	for _, p := range all {
		acts = append(acts, p.Act)
	}
	return acts
}

var pendings = []promise{
	{"an act that waits comes back whole, once for each account and act, and on its platform only", func(w *world) {
		p := w.ask(staff.ActReset, w.anna)
		w.same("asked", w.waits(p), p)
		again := w.pendingAct(staff.ActReset, w.anna)
		w.fails(w.db.AskPending(w.Context(), again, w.asking(again, w.anna), w.now), fault.Taken)
		_, err := w.db.Pending(w.Context(), wilg, p.ID)
		w.fails(err, fault.NotFound)
		w.fails(w.db.EndPending(w.Context(), staff.Pending{ID: p.ID, Platform: wilg, Account: w.far.ID}, staff.PendingEnd{At: w.now}, authn.Change{}, w.now), fault.Spent)
		w.same("events", w.kinds(), []audit.Kind{audit.ActAsked})
		bram := w.person(linde, "bram@example.org")
		w.now = w.now.Add(time.Second)
		other := w.ask(staff.ActSetRole, bram)
		w.same("all", w.listed(""), []staff.Act{staff.ActReset, staff.ActSetRole})
		w.same("of bram", w.listed(bram.ID), []staff.Act{staff.ActSetRole})
		w.ok(w.ends(p, staff.Withdrawn))
		p.End = staff.PendingEnd{At: w.now, How: staff.Withdrawn, By: "second"}
		p.Address, p.EmailKey = "", "" // of no use any more
		w.same("withdrawn", w.waits(p), p)
		w.same("left", w.listed(""), []staff.Act{staff.ActSetRole})
		w.fails(w.ends(p, staff.Withdrawn), fault.Spent)
		w.ask(staff.ActReset, w.anna) // which may be asked for again

		due := func(at time.Time) (ids []string) {
			all, err := w.db.DueActs(w.Context(), at, 10)
			w.ok(err)
			for _, p := range all {
				ids = append(ids, p.ID)
			}
			return ids
		}
		w.same("before its time", len(due(other.DueAt.Add(-time.Millisecond))), 0)
		w.same("at its time", len(due(other.DueAt)), 2)
	}},
	{"an act that is due is one node's until its time there is over, and lets later ones pass", func(w *world) {
		first := w.ask(staff.ActReset, w.anna)
		w.now = w.now.Add(time.Second)
		second := w.ask(staff.ActSetRole, w.anna)
		now := second.DueAt
		due := func(at time.Time, limit int) (ids []string) {
			all, err := w.db.DueActs(w.Context(), at, limit)
			w.ok(err)
			for _, p := range all {
				ids = append(ids, p.ID)
			}
			return ids
		}
		take := func(p staff.Pending, pause time.Duration, at time.Time) error {
			return w.db.TakeDue(w.Context(), p, at.Add(pause), at)
		}
		w.same("the oldest", due(now, 1), []string{first.ID})
		w.fails(take(first, time.Minute, first.DueAt.Add(-time.Millisecond)), fault.Spent)
		w.onlyOne(race(func(int) error { return take(first, time.Minute, now) }), fault.Spent)
		w.same("the next", due(now, 1), []string{second.ID})
		w.same("before its pause is over", due(now.Add(time.Minute-time.Millisecond), 10), []string{second.ID})
		w.same("after it: behind what nobody tried", due(now.Add(time.Minute), 10), []string{second.ID, first.ID})
		w.fails(take(staff.Pending{ID: first.ID, Platform: wilg}, time.Minute, now.Add(time.Hour)), fault.Spent)
		w.ok(take(first, time.Hour, now.Add(time.Minute)))
		w.ok(w.ends(first, staff.Done)) // whoever has it or not
		w.fails(take(first, time.Minute, now.Add(2*time.Hour)), fault.Spent)
	}},
	{"what an act was asked for with is gone when it ends, whatever ends it", func(w *world) {
		end := map[string]func(staff.Pending) error{
			"withdrawn":    func(p staff.Pending) error { return w.ends(p, staff.Withdrawn) },
			"done":         func(p staff.Pending) error { return w.ends(p, staff.Done) },
			"by the owner": w.stops,
			"restored": func(staff.Pending) error {
				_, err := w.db.EndEverything(w.Context(), w.event(audit.DatabaseRestored, w.anna), w.now)
				return err
			},
		}
		for says, ends := range end {
			p := w.ask(staff.ActReset, w.anna)
			w.ok(ends(p))
			got := w.waits(p)
			w.is(says+": it has ended", !got.End.At.IsZero(), true)
			w.same(says+": addresses", got.Address+got.EmailKey, "")
			w.reset()
			w.run("UPDATE accounts SET two_step_reset_at = NULL")
		}
	}},
	{"who asks for one act at once: one does, and nobody has two buttons", func(w *world) {
		for range rounds / 4 {
			w.onlyOne(race(func(int) error {
				p := w.pendingAct(staff.ActReset, w.anna)
				return w.db.AskPending(w.Context(), p, w.asking(p, w.anna), w.now)
			}), fault.Taken)
			w.same("working", w.working(authn.TicketStop), 1)
			w.run("UPDATE pending_acts SET ended_at = 1")
		}
	}},
	{"of those who agree, withdraw, stop it and find it due, one ends an act, and it is done at most once", func(w *world) {
		for round := range rounds {
			p := w.ask(staff.ActReset, w.anna)
			errs := w.some(
				func() error { return w.ends(p, staff.Confirmed) },
				func() error { return w.ends(p, staff.Withdrawn) },
				func() error { return w.stops(p) },
				func() error { return w.ends(p, staff.Done) },
				func() error { return w.ends(p, staff.Done) },
			)
			won := -1
			for i, err := range errs {
				switch {
				case err == nil && won >= 0:
					w.Fatalf("round %d: %d and %d both ended it", round, won, i)
				case err == nil:
					won = i
				case !errors.Is(err, fault.Spent):
					w.Fatalf("round %d: %d: %v", round, i, err)
				}
			}
			if won < 0 {
				w.Fatalf("round %d: nobody ended it", round)
			}
			how := []staff.Ending{staff.Confirmed, staff.Withdrawn, staff.Ending(authn.ActStopped), staff.Done, staff.Done}[won]
			w.same(fmt.Sprintf("round %d", round), w.waits(p).End.How, how)
			a, err := w.db.Account(w.Context(), linde, w.anna.ID)
			w.ok(err)
			done := how == staff.Confirmed || how == staff.Done
			w.is("factor is gone", len(a.SecondCredentials()) == 0, done)
			w.same("working buttons", w.working(authn.TicketStop), 0)
			w.reset()
			w.run("UPDATE accounts SET two_step_reset_at = NULL")
		}
	}},
	{"what waits for an account ends with what changes it as a whole", func(w *world) {
		for _, act := range acts {
			if act.invited {
				continue
			}
			p := w.ask(staff.ActSetRole, w.anna)
			w.ok(act.do(w))
			ends := act.name != "a new password" && act.name != "another password by a file" && act.name != "another name by a file" &&
				act.name != "the owner shown after a reset" // which has ended what waited
			w.is(act.name+": it waits no more", !w.waits(p).End.At.IsZero(), ends)
			w.run("DELETE FROM pending_acts")
			w.reset()
		}
	}},
	{"an act that waits and that ended 30 days ago is deleted, and one that waits is not", func(w *world) {
		p, other := w.ask(staff.ActReset, w.anna), w.ask(staff.ActSetRole, w.anna)
		w.ok(w.ends(p, staff.Lapsed))
		_, err := w.db.CleanUp(w.Context(), w.now.Add(30*24*time.Hour), 10)
		w.ok(err)
		w.same("within 30 days", w.waits(p).End.How, staff.Lapsed)
		_, err = w.db.CleanUp(w.Context(), w.now.Add(30*24*time.Hour+time.Millisecond), 10)
		w.ok(err)
		_, err = w.db.Pending(w.Context(), linde, p.ID)
		w.fails(err, fault.NotFound)
		w.is("waits", w.waits(other).End.At.IsZero(), true)
	}},
	{"after a restore nothing waits", func(w *world) {
		p := w.ask(staff.ActReset, w.anna)
		ended, err := w.db.EndEverything(w.Context(), w.event(audit.DatabaseRestored, w.anna), w.now)
		w.ok(err)
		w.same("ended", ended.Pending, int64(1))
		w.fails(w.ends(p, staff.Done), fault.Spent)
	}},
	{"managers are those who are active, on their platform", func(w *world) {
		for i, role := range []platform.Role{platform.Manager, platform.Helpdesk, platform.Manager} {
			a := w.person(linde, fmt.Sprintf("staff%d@example.org", i))
			a.Role = role
			if i == 2 {
				a.State = account.Deactivated
			}
			w.ok(w.db.SaveChange(w.Context(), authn.Change{Add: &a, Put: nil}, w.now))
		}
		all, err := w.db.Managers(w.Context(), linde)
		w.ok(err)
		if len(all) != 1 || all[0].Email.Address != "staff0@example.org" || all[0].Role != platform.Manager || all[0].Locale != "nl" || all[0].Profile.GivenName != "Anna" {
			w.Errorf("%+v", all)
		}
		all, err = w.db.Managers(w.Context(), wilg)
		w.ok(err)
		w.same("elsewhere", len(all), 0)
	}},
	{"a role is given to who has the one that was read", func(w *world) {
		give := func(from, to platform.Role) error {
			return w.db.SaveChange(w.Context(), authn.Change{
				Platform: linde, Account: &authn.AccountChange{ID: w.anna.ID, Role: &authn.RoleChange{From: from, To: to}},
			}, w.now)
		}
		w.onlyOne(race(func(int) error { return give(platform.Client, platform.Helpdesk) }), fault.Stale)
		w.fails(give(platform.Client, platform.Professional), fault.Stale)
		a, err := w.db.Account(w.Context(), linde, w.anna.ID)
		w.ok(err)
		w.same("role", a.Role, platform.Helpdesk)
		w.become(account.Deactivated)
		w.fails(give(platform.Helpdesk, platform.Client), fault.Stale)
	}},
}
