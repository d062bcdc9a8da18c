package storagetest

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
)

// intake is a checked file of anna, who helps.
func (w *world) intake(session string) staff.Intake {
	return staff.Intake{
		Platform: linde, Session: session, ID: secret.ID(), Account: w.anna.ID, Sealed: secret.Bytes(100), MadeAt: w.now, ExpiresAt: w.now.Add(time.Hour),
	}
}

func (w *world) keeps(i staff.Intake) {
	w.Helper()
	w.ok(w.db.SaveIntake(w.Context(), i, nil, nil, w.now))
}

// admission invites people by a file of anna, with all that belongs to it.
func (w *world) admission(i staff.Intake, addresses ...string) staff.Admission {
	w.Helper()
	a := staff.Admission{Platform: linde, Session: i.Session, Intake: i.ID, By: w.anna.ID}
	for _, address := range addresses {
		email, err := account.ParseEmail(address)
		w.ok(err)
		b := account.Account{
			ID: account.ID(secret.ID()), Platform: linde, Email: email, Role: platform.Client, State: account.Invited,
			Profile: account.Profile{GivenName: "Bram"}, CreatedAt: w.now, UpdatedAt: w.now,
		}
		a.Keys, a.Accounts = append(a.Keys, email.Key), append(a.Accounts, &b)
		a.Issue = append(a.Issue, authn.NewTicket(secret.Hash(secret.Token()), linde, authn.TicketWelcome, b.ID, w.now))
		a.Messages = append(a.Messages, outbox.Message{
			ID: secret.ID(), Platform: linde, Account: b.ID, Kind: outbox.Welcome, Recipient: outbox.Mail, Sealed: []byte("x"), QueuedAt: w.now, ExpiresAt: w.now.Add(time.Hour),
		})
		for _, kind := range []audit.Kind{audit.AccountAdded, audit.AccountInvited} {
			e := w.event(kind, b)
			e.As = audit.Acting{Account: w.anna.ID, Role: w.anna.Role}
			a.Events = append(a.Events, e)
		}
	}
	return a
}

func (w *world) there(address string) bool {
	w.Helper()
	_, err := w.db.AccountByEmail(w.Context(), linde, address)
	return w.found(err)
}

func addresses(from, to int) (all []string) {
	for i := from; i < to; i++ {
		all = append(all, fmt.Sprintf("bram%05d@example.org", i))
	}
	return all
}

var intakes = []promise{
	{"a checked file is found by its session and platform, for an hour, until the next one of the session", func(w *world) {
		i, other := w.intake("one"), w.intake("two")
		w.keeps(i)
		w.keeps(other)
		got, err := w.db.Intake(w.Context(), linde, "one", i.ID, w.now)
		w.ok(err)
		w.same("file", *got, i)
		for name, find := range map[string]func() error{
			"another session":  func() error { _, err := w.db.Intake(w.Context(), linde, "two", i.ID, w.now); return err },
			"another platform": func() error { _, err := w.db.Intake(w.Context(), wilg, "one", i.ID, w.now); return err },
			"another file":     func() error { _, err := w.db.Intake(w.Context(), linde, "one", other.ID, w.now); return err },
			"an hour later":    func() error { _, err := w.db.Intake(w.Context(), linde, "one", i.ID, w.now.Add(time.Hour)); return err },
		} {
			if err := find(); !errors.Is(err, fault.NotFound) {
				w.Errorf("%s: %v", name, err)
			}
		}
		next := w.intake("one")
		w.keeps(next)
		_, err = w.db.Intake(w.Context(), linde, "one", i.ID, w.now)
		w.fails(err, fault.NotFound)
		_, err = w.db.Intake(w.Context(), linde, "one", next.ID, w.now)
		w.ok(err)
		removed, err := w.db.CleanUp(w.Context(), w.now.Add(time.Hour+time.Millisecond), 10)
		w.ok(err)
		w.same("removed after an hour", removed, 2)
	}},
	{"a file that was checked anew takes the place of the one before, unless that was applied", func(w *world) {
		i, next := w.intake("one"), w.intake("one")
		w.keeps(i)
		w.ok(w.db.RenewIntake(w.Context(), i.ID, next, w.now))
		w.fails(w.db.RenewIntake(w.Context(), i.ID, w.intake("one"), w.now), fault.NotFound)
		got, err := w.db.Intake(w.Context(), linde, "one", next.ID, w.now)
		w.ok(err)
		w.same("file", *got, next)
		other := w.intake("one")
		other.Account = w.far.ID
		w.fails(w.db.RenewIntake(w.Context(), next.ID, other, w.now), fault.NotFound)
		w.fails(w.db.RenewIntake(w.Context(), next.ID, w.intake("one"), w.now.Add(time.Hour)), fault.NotFound)
		w.ok(w.db.Admit(w.Context(), w.admission(next, addresses(0, 1)...), w.now))
		w.fails(w.db.RenewIntake(w.Context(), next.ID, w.intake("one"), w.now), fault.Spent)
	}},
	{"one file too many is not kept, and the one before stays", func(w *world) {
		limits := []authn.Limit{{Key: "files", Max: 1, Window: time.Hour}}
		i, e := w.intake("one"), w.event(audit.FileChecked, w.anna)
		w.ok(w.db.SaveIntake(w.Context(), i, limits, []audit.Event{e}, w.now))
		w.fails(w.db.SaveIntake(w.Context(), w.intake("one"), limits, []audit.Event{e}, w.now), fault.Throttled)
		_, err := w.db.Intake(w.Context(), linde, "one", i.ID, w.now)
		w.ok(err)
		w.same("events", w.kinds(), []audit.Kind{audit.FileChecked})
	}},
	{"a file is applied whole, however many there are, and what was in it is gone", func(w *world) {
		const many = 1203 // more than two statements take, and a rest
		i := w.intake("one")
		w.keeps(i)
		a := w.admission(i, addresses(0, many)...)
		w.ok(w.db.Admit(w.Context(), a, w.now))
		got, err := w.db.Intake(w.Context(), linde, "one", i.ID, w.now)
		w.ok(err)
		i.Sealed, i.AppliedAt, i.Invited = nil, w.now, many
		w.same("file", *got, i)
		for _, n := range []int{0, 499, 500, 1202} {
			b, err := w.db.AccountByEmail(w.Context(), linde, a.Keys[n])
			w.ok(err)
			w.same("account", *b, *a.Accounts[n])
			ticket, err := w.db.Ticket(w.Context(), linde, a.Issue[n].Hash)
			w.ok(err)
			w.same("ticket", *ticket, a.Issue[n])
			events, err := w.db.EventsOf(w.Context(), linde, b.ID, 10)
			w.ok(err)
			want := []audit.Event{a.Events[2*n+1], a.Events[2*n]}
			want[0].As, want[1].As = audit.Acting{}, audit.Acting{} // which is not kept
			w.same("events", events, want)
		}
		there, err := w.db.AccountsOf(w.Context(), linde, append(a.Keys, "nobody@example.org", ""))
		w.ok(err)
		w.same("how many are there", len(there), many)
		w.same("who", there[a.Keys[700]], a.Accounts[700].ID)
		there, err = w.db.AccountsOf(w.Context(), wilg, a.Keys)
		w.ok(err)
		w.same("how many are on another platform", len(there), 0)
		// Mails to many are due one after the other: whoever asks for one meanwhile does not wait for them.
		w.message()
		due := map[time.Duration]int{}
		for _, after := range []time.Duration{0, 10 * time.Second, 2 * time.Minute} {
			taken, err := w.db.TakeMessages(w.Context(), outbox.Mail, time.Hour, 2000, w.now.Add(after))
			w.ok(err)
			due[after] = len(taken)
		}
		w.same("mails due", due, map[time.Duration]int{0: 101, 10 * time.Second: 100, 2 * time.Minute: 1003})
	}},
	{"mails to many that are not due yet do not wait", func(w *world) {
		i := w.intake("one")
		w.keeps(i)
		w.ok(w.db.Admit(w.Context(), w.admission(i, addresses(0, 101)...), w.now))
		oldest, err := w.db.OldestMessage(w.Context())
		w.ok(err)
		w.same("the oldest of all", oldest, w.now.Truncate(time.Millisecond))
		w.run("UPDATE letters SET next_at = NULL WHERE next_at = queued_at")
		oldest, err = w.db.OldestMessage(w.Context())
		w.ok(err)
		w.is("the later one waits", !oldest.IsZero(), false)
		_, err = w.db.TakeMessages(w.Context(), outbox.Mail, time.Minute, 10, w.now.Add(10*time.Second))
		w.ok(err)
		oldest, err = w.db.OldestMessage(w.Context())
		w.ok(err)
		w.is("it waits, after a try", !oldest.IsZero(), true)
	}},
	{"of a crowd that applies one file exactly one does, also while it is cleaned up", func(w *world) {
		i := w.intake("one")
		w.keeps(i)
		all := make([]staff.Admission, crowd)
		for n := range all {
			all[n] = w.admission(i, addresses(0, 3)...)
		}
		var cleaning sync.WaitGroup
		cleaning.Go(func() {
			if _, err := w.db.CleanUp(w.Context(), w.now, 10); err != nil {
				w.Errorf("cleaning up meanwhile: %v", err)
			}
		})
		w.onlyOne(race(func(n int) error { return w.db.Admit(w.Context(), all[n], w.now) }), fault.Spent)
		cleaning.Wait()
		w.same("events", len(w.events()), 6)
	}},
	{"of files that have the same people one invites each, and the others are told", func(w *world) {
		all := make([]staff.Admission, crowd)
		for n := range all {
			i := w.intake(fmt.Sprint(n))
			w.keeps(i)
			all[n] = w.admission(i, append(addresses(0, 3), fmt.Sprintf("own%d@example.org", n))...)
		}
		won := 0
		for n, err := range race(func(n int) error { return w.db.Admit(w.Context(), all[n], w.now) }) {
			switch own := w.there(fmt.Sprintf("own%d@example.org", n)); {
			case err == nil && own:
				won++
			case !errors.Is(err, fault.Stale) && !errors.Is(err, fault.Taken) || own:
				w.Errorf("file %d: %v, its own are there: %t", n, err, own)
			}
		}
		w.same("how many invited", won, 1)
		w.same("events", len(w.events()), 8)
	}},
	{"a file is applied as it was checked, or not at all", func(w *world) {
		i := w.intake("one")
		w.keeps(i)
		before := w.dump()
		for name, c := range map[string]struct {
			change func(*staff.Admission)
			want   error
		}{
			"somebody has got an account": {func(a *staff.Admission) { a.Keys = append(a.Keys, w.anna.Email.Key) }, fault.Stale},
			"somebody is there no more":   {func(a *staff.Admission) { a.There = map[string]account.ID{a.Keys[0]: w.anna.ID} }, fault.Stale},
			"an address that is taken":    {func(a *staff.Admission) { a.Accounts[1].Email = w.anna.Email }, fault.Taken},
			"another helper":              {func(a *staff.Admission) { a.By = w.far.ID }, fault.NotFound},
			"another session":             {func(a *staff.Admission) { a.Session = "two" }, fault.NotFound},
			"another platform":            {func(a *staff.Admission) { a.Platform = wilg }, fault.NotFound},
			"another file":                {func(a *staff.Admission) { a.Intake = secret.ID() }, fault.NotFound},
			"one too many":                {func(a *staff.Admission) { a.Count = []authn.Limit{{Key: "files", Max: 0, Window: time.Hour}} }, fault.Throttled},
		} {
			a := w.admission(i, addresses(0, 3)...)
			c.change(&a)
			if err := w.db.Admit(w.Context(), a, w.now); !errors.Is(err, c.want) {
				w.Errorf("%s: %v, want %v", name, err, c.want)
			}
			w.is(name+": unchanged", w.dump() == before, true)
		}
		w.fails(w.db.Admit(w.Context(), w.admission(i, addresses(0, 3)...), w.now.Add(time.Hour)), fault.NotFound)
		w.ok(w.db.SetState(w.Context(), linde, w.anna.ID, account.Deactivated, w.event(audit.AccountDeactivated, w.anna), w.now))
		w.fails(w.db.Admit(w.Context(), w.admission(i, addresses(0, 3)...), w.now), fault.Refused)
		w.is("anybody was invited", w.there("bram00000@example.org"), false)
	}},
}
