package storagetest

import (
	"errors"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
)

// mark makes anna somebody whose two-step authentication staff reset, without the rest of that act.
func (w *world) mark() {
	w.Helper()
	w.run("UPDATE accounts SET marked_at = 1 WHERE id = '" + string(w.anna.ID) + "'")
}

// marked reports whether anna is.
func (w *world) marked() bool {
	w.Helper()
	a, err := w.db.Account(w.Context(), linde, w.anna.ID)
	w.ok(err)
	return !a.MarkedAt.IsZero()
}

// shows is the end of a journey that was given the password and the button of a mail.
func (w *world) shows(j authn.Journey) authn.Change {
	v := w.newVisit(w.anna)
	proofs := v.Proofs
	proofs = append(proofs, authn.Proof{Method: "link", Use: account.Link, At: w.now})
	for i := range proofs {
		proofs[i].Journey = j.ID
	}
	j.Proofs, v.Proofs = proofs, proofs
	return authn.Change{
		Journey: &j, Start: &authn.SessionStart{Session: v.Session, Cookie: secret.Hash(v.cookie)}, Platform: linde,
		Account: &authn.AccountChange{ID: w.anna.ID, OwnerShown: true},
	}
}

// sessionsLeft counts the sessions of anna that live.
func (w *world) sessionsLeft() int {
	w.Helper()
	all, err := w.db.Sessions(w.Context(), linde, w.anna.ID, w.now)
	w.ok(err)
	return len(all)
}

var marks = []promise{
	{"a reset of two-step authentication marks the account, and nothing but the owner takes the mark away", func(w *world) {
		w.is("marked at first", w.marked(), false)
		reset := acts[11].do
		w.ok(reset(w))
		w.is("marked by a reset", w.marked(), true)
		for _, act := range acts[6:11] { // passwords, addresses, deactivation
			if act.do(w) == nil {
				w.become(account.Active)
			}
			w.is("marked after "+act.name, w.marked(), true)
		}
		w.ok(w.declare(func(a *account.Account) { a.Profile.GivenName = "Anneke" }))
		w.ok(w.declare(func(a *account.Account) {
			a.Credentials = []account.Credential{w.credential(*a, "password", account.Primary, 1)}
		}))
		w.is("marked after a file", w.marked(), true)
		w.ok(w.db.SetState(w.Context(), linde, w.anna.ID, account.Deactivated, w.event(audit.AccountDeactivated, w.anna), w.now))
		w.ok(w.db.SetState(w.Context(), linde, w.anna.ID, account.Active, w.event(audit.AccountReactivated, w.anna), w.now))
		w.is("marked after staff", w.marked(), true)
	}},
	{"no session of a marked account starts, is raised or answers a party", func(w *world) {
		j, old := w.begun(), w.visit(w.anna)
		w.mark()
		v := w.newVisit(w.anna)
		start := &authn.SessionStart{Session: v.Session, Cookie: secret.Hash(v.cookie)}
		raise := &authn.SessionRaise{Session: old.Session, From: secret.Hash(old.cookie), To: secret.Hash(secret.Token())}
		before := w.dump()
		for name, c := range map[string]authn.Change{
			"start":                   {Journey: &j, Start: start},
			"start without a journey": {Start: start},
			"raise":                   {Journey: &j, Raise: raise},
			"raise without a journey": {Raise: raise},
		} {
			w.fails(w.db.SaveChange(w.Context(), c, w.now), fault.Refused)
			w.is(name+": unchanged", w.dump() == before, true)
		}
		g, _ := w.newGrant(old, "openid")
		w.fails(w.db.Answer(w.Context(), grant.Answered{}, g), fault.Refused)
		w.is("answer: unchanged", w.dump() == before, true)
	}},
	{"the mark is taken away by password and mail in one journey, and by no less", func(w *world) {
		w.mark()
		j := w.begun()
		whole := w.shows(j)
		less := func(change func(*authn.Journey)) authn.Change {
			c, lesser := whole, *whole.Journey
			lesser.Proofs = append([]authn.Proof(nil), lesser.Proofs...)
			change(&lesser)
			c.Journey = &lesser
			return c
		}
		without := whole
		without.Journey = nil
		before := w.dump()
		for name, c := range map[string]authn.Change{
			"no journey":                     without,
			"the password":                   less(func(j *authn.Journey) { j.Proofs = j.Proofs[:1] }),
			"the mail":                       less(func(j *authn.Journey) { j.Proofs = j.Proofs[1:] }),
			"the password of another one":    less(func(j *authn.Journey) { j.Proofs[0].Journey = "another" }),
			"the mail of another one":        less(func(j *authn.Journey) { j.Proofs[1].Journey = "another" }),
			"the journey of somebody else":   less(func(j *authn.Journey) { j.Account = w.far.ID }),
			"the journey of nobody yet":      less(func(j *authn.Journey) { j.Account = "" }),
			"a code in place of a password":  less(func(j *authn.Journey) { j.Proofs[0].Use = account.Second }),
			"a waiver in place of a mail":    less(func(j *authn.Journey) { j.Proofs[1].Use = account.Waiver }),
			"a recovery code and a password": less(func(j *authn.Journey) { j.Proofs[1].Use = account.Recovery }),
		} {
			w.fails(w.db.SaveChange(w.Context(), c, w.now), fault.Invalid)
			w.is(name+": unchanged", w.dump() == before, true)
		}
		w.ok(w.db.SaveChange(w.Context(), whole, w.now))
		w.is("marked", w.marked(), false)
		w.same("sessions", w.sessionsLeft(), 1)
		w.visit(w.anna) // as anybody signs in
	}},
	{"of many ends of one journey, and of many journeys, one takes the mark away, and one session starts", func(w *world) {
		for range 3 {
			w.ok(w.db.SaveChange(w.Context(), authn.Change{Platform: linde, End: &authn.End{Account: w.anna.ID}}, w.now))
			w.mark()
			j := w.begun()
			w.onlyOne(race(func(int) error { return w.db.SaveChange(w.Context(), w.shows(j), w.now) }), fault.Stale)
			w.is("marked", w.marked(), false)
			w.same("sessions", w.sessionsLeft(), 1)

			w.ok(w.db.SaveChange(w.Context(), authn.Change{Platform: linde, End: &authn.End{Account: w.anna.ID}}, w.now))
			w.mark()
			all := make([]authn.Change, crowd)
			ticket := w.ticket(authn.TicketAfterReset)
			for i := range all {
				all[i] = w.shows(w.begun())
				all[i].Spend = []authn.TicketUse{{Hash: ticket.Hash, Purpose: ticket.Purpose, Opened: w.now}}
			}
			w.onlyOne(race(func(i int) error { return w.db.SaveChange(w.Context(), all[i], w.now) }), fault.Stale)
			w.is("marked", w.marked(), false)
			w.same("sessions", w.sessionsLeft(), 1)
			w.same("ticket", w.ticketState(ticket), authn.TicketUsed)
		}
	}},
	{"a journey that is at its end while staff reset once more ends before or not at all", func(w *world) {
		for range rounds {
			w.mark()
			c := w.shows(w.begun())
			ended := w.some(
				func() error { return w.db.SaveChange(w.Context(), c, w.now) },
				func() error { return acts[11].do(w) },
			)
			w.ok(ended[1])
			if ended[0] != nil && !errors.Is(ended[0], fault.Stale) {
				w.fails(ended[0], fault.Stale)
			}
			w.is("marked", w.marked(), true)
			w.same("sessions", w.sessionsLeft(), 0)
			w.reset()
			if w.Failed() {
				return
			}
		}
	}},
	{"the mark of an account that is not marked is not taken away", func(w *world) {
		w.fails(w.db.SaveChange(w.Context(), w.shows(w.begun()), w.now), fault.Spent)
		w.same("sessions", w.sessionsLeft(), 0)
	}},
}
