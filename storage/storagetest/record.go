package storagetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/storage"
)

// written adds events to the record, each change with those of one moment, and returns all of linde, newest first.
func (w *world) written(changes ...[]audit.Event) (all []audit.Event) {
	w.Helper()
	for _, events := range changes {
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Events: events}, w.now))
		for _, e := range events {
			if e.Platform == linde {
				all = append(all, e)
			}
		}
	}
	slices.Reverse(all)
	return all
}

// history is a record of two platforms: of anna and bram, and of her namesake at the other.
func (w *world) history() (bram account.Account, all []audit.Event) {
	bram = w.person(linde, "bram@example.org")
	at := func(seconds int, kind audit.Kind, a account.Account, change func(*audit.Event)) audit.Event {
		e := w.event(kind, a)
		e.At, e.Reference = w.now.Add(time.Duration(seconds)*time.Second), fmt.Sprintf("2222-%04d", seconds)
		if change != nil {
			change(&e)
		}
		return e
	}
	failed := func(e *audit.Event) { e.Outcome, e.Reason = audit.Failure, "wrong" }
	byRia := func(e *audit.Event) { e.Actor, e.Reference = "cli ria", "" }
	return bram, w.written(
		[]audit.Event{at(1, audit.PasswordRefused, w.anna, failed)},
		[]audit.Event{at(2, audit.SessionStarted, w.anna, nil), at(2, audit.GrantStarted, w.anna, nil), at(2, audit.DeviceRemembered, w.anna, nil)},
		[]audit.Event{at(2, audit.SessionStarted, w.far, nil)},
		[]audit.Event{at(3, audit.SecondFactorRefused, bram, failed)},
		[]audit.Event{at(4, audit.AccountUnblocked, bram, byRia)},
		[]audit.Event{at(5, audit.PartySet, account.Account{Platform: linde}, byRia)},
		[]audit.Event{at(6, audit.SessionEnded, w.anna, nil), at(6, audit.AllSessionsEnded, w.anna, nil)},
	)
}

// reads are the events that a query selects, without those of reading.
func (w *world) reads(q audit.Query) (all []audit.Event) {
	w.Helper()
	found, err := w.db.Record(w.Context(), q, audit.Reader{Name: "cli ria"}, w.now.Add(time.Hour))
	w.ok(err)
	for _, r := range found {
		all = append(all, r.Event)
	}
	return withoutReadings(all)
}

func withoutReadings(all []audit.Event) []audit.Event {
	return slices.DeleteFunc(all, func(e audit.Event) bool { return e.Kind == audit.RecordRead })
}

var record = []promise{
	{"the record is read by each filter, and by all at once", func(w *world) {
		bram, all := w.history()
		for says, row := range map[string]struct {
			q    audit.Query
			want func(audit.Event) bool
		}{
			"all":          {audit.Query{}, func(audit.Event) bool { return true }},
			"an account":   {audit.Query{Account: w.anna.ID}, func(e audit.Event) bool { return e.Account == w.anna.ID }},
			"nobody":       {audit.Query{Account: "nobody"}, func(audit.Event) bool { return false }},
			"its namesake": {audit.Query{Account: w.far.ID}, func(audit.Event) bool { return false }},
			"an actor":     {audit.Query{Actor: "cli ria"}, func(e audit.Event) bool { return e.Actor == "cli ria" }},
			"an operator":  {audit.Query{Actor: "cli"}, func(e audit.Event) bool { return e.Actor == "cli ria" }},
			"a kind":       {audit.Query{Kinds: []audit.Kind{audit.SessionEnded}}, func(e audit.Event) bool { return e.Kind == audit.SessionEnded }},
			"two kinds": {audit.Query{Kinds: []audit.Kind{audit.SessionEnded, audit.PartySet}}, func(e audit.Event) bool {
				return e.Kind == audit.SessionEnded || e.Kind == audit.PartySet
			}},
			"an outcome":       {audit.Query{Outcome: audit.Failure}, func(e audit.Event) bool { return e.Outcome == audit.Failure }},
			"a reference":      {audit.Query{Reference: "2222-0002"}, func(e audit.Event) bool { return e.Reference == "2222-0002" }},
			"no such number":   {audit.Query{Reference: "2222-0009"}, func(audit.Event) bool { return false }},
			"since a moment":   {audit.Query{Since: w.now.Add(2 * time.Second)}, func(e audit.Event) bool { return !e.At.Before(w.now.Add(2 * time.Second)) }},
			"just after it":    {audit.Query{Since: w.now.Add(2*time.Second + 1)}, func(e audit.Event) bool { return e.At.After(w.now.Add(2 * time.Second)) }},
			"before a moment":  {audit.Query{Until: w.now.Add(2 * time.Second)}, func(e audit.Event) bool { return e.At.Before(w.now.Add(2 * time.Second)) }},
			"until after it":   {audit.Query{Until: w.now.Add(2*time.Second + 1)}, func(e audit.Event) bool { return !e.At.After(w.now.Add(2 * time.Second)) }},
			"a number of hers": {audit.Query{Account: w.anna.ID, Reference: "2222-0002"}, func(e audit.Event) bool { return e.Reference == "2222-0002" }},
			"not of his":       {audit.Query{Account: bram.ID, Reference: "2222-0002"}, func(audit.Event) bool { return false }},
			"all filters": {audit.Query{
				Account: bram.ID, Actor: string(bram.ID), Kinds: []audit.Kind{audit.SecondFactorRefused}, Outcome: audit.Failure, Reference: "2222-0003",
				Since: w.now, Until: w.now.Add(time.Hour),
			}, func(e audit.Event) bool { return e.Kind == audit.SecondFactorRefused }},
		} {
			row.q.Platform, row.q.Limit = linde, 100
			var want []audit.Event
			for _, e := range all {
				if row.want(e) {
					want = append(want, e)
				}
			}
			w.same(says, w.reads(row.q), want)
		}
	}},
	{"pages of the record go on after the last event, each event once, whatever is added meanwhile", func(w *world) {
		_, all := w.history()
		for _, q := range []audit.Query{{}, {Account: w.anna.ID}, {Reference: "2222-0002"}, {Until: w.now.Add(5 * time.Second)}} {
			q.Platform, q.Limit = linde, 100
			want := w.reads(q)
			var got []audit.Event
			q.Limit = 2
			for i := range 2 * len(all) {
				page, err := w.db.Record(w.Context(), q, audit.Reader{Name: "cli ria"}, w.now.Add(time.Duration(i+2)*time.Hour)) // newer than what is read
				w.ok(err)
				if len(page) == 0 {
					break
				}
				for _, r := range page {
					got = append(got, r.Event)
				}
				next, err := audit.ParseCursor(page[len(page)-1].Cursor().String())
				w.ok(err)
				q.After = next
			}
			w.same("pages", withoutReadings(got), want)
		}
	}},
	{"the record is not read without a trace, and a refused query leaves none", func(w *world) {
		_, all := w.history()
		q := audit.Query{Platform: linde, Account: w.anna.ID, Kinds: []audit.Kind{audit.SessionStarted}, Limit: 7}
		w.same("hits", len(w.reads(q)), 1)
		later := w.now.Add(2 * time.Hour)
		_, err := w.db.Record(w.Context(), audit.Query{Platform: linde, Limit: 1}, audit.Reader{Name: "cli mo", Origin: caller}, later)
		w.ok(err)
		w.same("traces", w.events()[:2], []audit.Event{
			{At: later, Platform: linde, Kind: audit.RecordRead, Actor: "cli mo", Outcome: audit.Success, Reason: "1", Origin: audit.Origin{Address: caller.Address, Agent: caller.Agent, Reference: caller.Reference}},
			{At: w.now.Add(time.Hour), Platform: linde, Kind: audit.RecordRead, Actor: "cli ria", Account: w.anna.ID, Outcome: audit.Success, Reason: "1 account kind"},
		})
		for _, wrong := range []audit.Query{{}, {Platform: linde}, {Limit: 1}, {Platform: linde, Limit: audit.MaxPage + 1}} {
			_, err := w.db.Record(w.Context(), wrong, audit.Reader{Name: "cli ria"}, w.now)
			w.fails(err, fault.Invalid)
		}
		w.same("events", len(w.events()), len(all)+2)
		w.run(`DROP INDEX events_reference`, `ALTER TABLE events RENAME COLUMN reason TO other`)
		if _, err := w.db.Record(w.Context(), q, audit.Reader{Name: "cli ria"}, w.now); err == nil || !strings.Contains(err.Error(), "reading record") {
			w.Errorf("a record that takes nothing: %v", err)
		}
	}}, {"names are those of one platform, as many as a page has, and nobody's of who is not there", func(w *world) {
		bram := w.person(linde, "bram@example.org")
		bram.Profile, bram.Role = account.Profile{}, platform.Helpdesk
		w.ok(w.db.Declare(w.Context(), storage.Setup{Accounts: []account.Account{bram}}, w.now))
		ids := []account.ID{w.anna.ID, "nobody", bram.ID, w.far.ID, "", w.anna.ID, "'; DROP TABLE accounts --"}
		for len(ids) < storage.MaxPersons {
			ids = append(ids, account.ID(secret.ID()))
		}
		got, err := w.db.Persons(w.Context(), linde, ids)
		w.ok(err)
		slices.SortFunc(got, func(a, b account.Person) int { return strings.Compare(a.Email.Key, b.Email.Key) })
		w.same("persons", got, []account.Person{
			{ID: w.anna.ID, Name: "Anna Bakker", Email: w.anna.Email, Role: platform.Client},
			{ID: bram.ID, Email: bram.Email, Role: platform.Helpdesk},
		})
		_, err = w.db.Persons(w.Context(), linde, append(ids, "one more"))
		w.fails(err, fault.Invalid)
		none, err := w.db.Persons(w.Context(), linde, nil)
		w.ok(err)
		w.same("nobody asked", len(none), 0)
	}},
	{"somebody reads what others did to the account, by kind and reason, and that leaves no event", func(w *world) {
		_, all := w.history()
		by := func(seconds int, kind audit.Kind, actor, reason string, of account.ID) audit.Event {
			e := w.event(kind, w.anna)
			e.At, e.Actor, e.Reason, e.Account = w.now.Add(time.Duration(seconds)*time.Second), actor, reason, of
			return e
		}
		failed := by(9, audit.MessageSettled, "system", "mail_off sent", w.anna.ID)
		failed.Outcome = audit.Failure
		far := by(9, audit.AccountUnblocked, "cli ria", "", w.far.ID)
		far.Platform = wilg
		added := w.written([]audit.Event{
			by(7, audit.AccountUnblocked, "cli ria", "", w.anna.ID), by(8, audit.AccountDeactivated, "henk", "", w.anna.ID),
			by(9, audit.MessageSettled, "system", "mail_off sent", w.anna.ID), by(9, audit.MessageSettled, "system", "url_logout sent", w.anna.ID),
			by(9, audit.AccountUnblocked, string(w.anna.ID), "", w.anna.ID), by(9, audit.AccountUnblocked, "cli ria", "", "bram"), failed,
		}, []audit.Event{far})
		reads := func(limit int, reasons []string, kinds ...audit.Kind) []audit.Event {
			got, err := w.db.DoneTo(w.Context(), linde, w.anna.ID, kinds, reasons, limit)
			w.ok(err)
			return got
		}
		mail, reset, unblocked := added[len(added)-3], added[len(added)-2], added[len(added)-1]
		w.same("acts", reads(9, nil, audit.AccountUnblocked, audit.AccountDeactivated), []audit.Event{reset, unblocked})
		w.same("the newest act", reads(1, nil, audit.AccountUnblocked, audit.AccountDeactivated), []audit.Event{reset})
		w.same("mails", reads(9, []string{"mail_on sent", "mail_off sent"}, audit.MessageSettled), []audit.Event{mail})
		w.same("events", len(w.events()), len(all)+len(added))
	}},
	{"somebody reads what happened with her devices of the app, and not what others did to them", func(w *world) {
		by := func(after int, k audit.Kind, who string, of account.Account) audit.Event {
			return audit.Event{At: w.now.Add(time.Duration(after) * time.Second), Platform: of.Platform, Kind: k, Actor: who, Account: of.ID, Outcome: audit.Success}
		}
		anna := string(w.anna.ID)
		added, wrong, removed := by(1, audit.DeviceAdded, anna, w.anna), by(2, audit.PINRefused, anna, w.anna), by(3, audit.DeviceRemoved, "system", w.anna)
		wrong.Outcome, removed.Reason = audit.Failure, "wrong pins"
		for _, e := range []audit.Event{
			added, wrong, removed, by(4, audit.DeviceRemoved, "helper", w.anna), by(5, audit.SessionStarted, anna, w.anna), by(6, audit.DeviceAdded, string(w.far.ID), w.far),
		} {
			w.ok(w.db.SaveChange(w.Context(), authn.Change{Platform: e.Platform, Events: []audit.Event{e}}, w.now))
		}
		for limit, want := range map[int]string{9: "app.remove wrong pins, pin.refuse , app.add ", 1: "app.remove wrong pins"} {
			got, err := w.db.DoneWithApp(w.Context(), linde, w.anna.ID, limit)
			w.ok(err)
			said := make([]string, len(got))
			for i, e := range got {
				said[i] = string(e.Kind) + " " + e.Reason
			}
			w.same("what happened", strings.Join(said, ", "), want)
		}
	}},
}
