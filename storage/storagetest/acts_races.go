package storagetest

import (
	"errors"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/outbox"
)

// rounds of a race between a few: each begins anew, because it is lost in a moment only.
const rounds = 40

var actRaces = []promise{
	{"of links issued at once one works, and nobody fails", func(w *world) {
		for _, purpose := range links[:7] {
			if !purpose.OneWorks() {
				continue
			}
			w.become(account.Active)
			if purpose == authn.TicketWelcome {
				w.become(account.Invited)
			}
			for range rounds / 4 {
				resend := func() error {
					return w.db.SaveChange(w.Context(), authn.Change{Issue: []authn.Ticket{w.newTicket(purpose)}}, w.now)
				}
				request := w.message()
				answer := func() error {
					return w.db.SettleMessage(w.Context(), request, outbox.Answered, "", authn.Change{Issue: []authn.Ticket{w.newTicket(purpose)}}, w.now)
				}
				for _, err := range w.some(resend, answer, resend, resend) {
					w.ok(err)
				}
				w.same("working "+string(purpose), w.working(purpose), 1)
			}
		}
	}},
	{"two links of a kind issued at once: one works", func(w *world) {
		w.become(account.Invited)
		for range rounds {
			resend := func() error {
				return w.db.SaveChange(w.Context(), authn.Change{Issue: []authn.Ticket{w.newTicket(authn.TicketWelcome)}}, w.now)
			}
			for _, err := range w.some(resend, resend) {
				w.ok(err)
			}
			w.same("working", w.working(authn.TicketWelcome), 1)
		}
	}},
	{"beside a node of the release before, which holds no account, one link works, and nobody fails", func(w *world) {
		for range 5 {
			tx, err := w.db.SQL().BeginTx(w.Context(), nil)
			w.ok(err)
			old := w.newTicket(authn.TicketReset)
			_, err = tx.ExecContext(w.Context(), `UPDATE tickets SET voided_at = 1 WHERE account = $1 AND voided_at IS NULL`, string(w.anna.ID))
			w.ok(err)
			_, err = tx.ExecContext(w.Context(), `INSERT INTO tickets (platform, hash, purpose, account, party, issued_at, expires_at) VALUES ($1, $2, 'reset', $3, '', $4, $5)`,
				string(linde), old.Hash, string(w.anna.ID), old.IssuedAt.UnixMilli(), old.ExpiresAt.UnixMilli())
			w.ok(err)
			done := make(chan error, 1)
			go func() {
				done <- w.db.SaveChange(w.Context(), authn.Change{Issue: []authn.Ticket{w.newTicket(authn.TicketReset)}}, w.now)
			}()
			time.Sleep(50 * time.Millisecond) // it waits at the index by now; otherwise there is nothing to see
			w.ok(tx.Commit())
			w.ok(<-done)
			w.same("working", w.working(authn.TicketReset), 1)
			w.same("of the other node", w.ticketState(old), authn.TicketReplaced)
		}
	}},
	{"a link issued while its account is deactivated works for nobody", func(w *world) {
		for range rounds {
			t := w.newTicket(authn.TicketReset)
			ended := w.some(
				func() error { return w.db.SaveChange(w.Context(), authn.Change{Issue: []authn.Ticket{t}}, w.now) },
				func() error { return acts[9].do(w) },
			)
			w.ok(ended[1])
			if ended[0] != nil {
				w.fails(ended[0], fault.Refused)
			}
			w.same("working", w.working(authn.TicketReset), 0)
			w.become(account.Active)
		}
	}},
	{"new passwords by two journeys at once: one is set, the other journey is over, and nobody waits for the other", func(w *world) {
		for range rounds {
			one, two := w.begun(), w.begun()
			put := func(j authn.Journey) func() error {
				c := w.saves(j)["a new password"]
				c.Put[0].Method = "password"
				return func() error { return w.db.SaveChange(w.Context(), c, w.now) }
			}
			ended := w.some(put(one), put(two))
			w.exactly(ended, 1, fault.Stale)
			if w.Failed() {
				return
			}
		}
	}},
	{"what is saved while an account is deactivated is saved before or not at all", func(w *world) {
		for range rounds {
			var calls []func() error
			var visits []visit
			for range 3 {
				j, v := w.begun(), w.newVisit(w.anna)
				visits = append(visits, v)
				calls = append(calls, func() error {
					return w.db.SaveChange(w.Context(), authn.Change{
						Journey: &j, Start: &authn.SessionStart{Session: v.Session, Cookie: secret.Hash(v.cookie)},
						Consent: &authn.Consent{Account: w.anna.ID, Party: string(web), Scopes: []string{"openid"}, Journey: j.ID, At: w.now},
						Put:     []account.Credential{w.credential(w.anna, "sms", account.Recovery, 0)},
					}, w.now)
				})
			}
			ended := w.some(append(calls, func() error { return acts[9].do(w) })...)
			w.ok(ended[3])
			for i, err := range ended[:3] {
				if err != nil && !errors.Is(err, fault.Refused) {
					w.fails(err, fault.Stale)
				}
				w.is("session lives", w.alive(visits[i]), false)
			}
			w.become(account.Active)
			for _, v := range visits {
				w.is("session lives when it is active again", w.alive(v), false)
			}
		}
	}},
	{"a journey that comes to know an account while that is cut is over", func(w *world) {
		for _, act := range []int{6, 9, 11} {
			for round := range rounds / 2 {
				j, _ := w.journey()
				if j.Account = ""; round%2 == 0 {
					j, _ = w.first()
				} else {
					w.start(j)
				}
				a, err := w.db.Account(w.Context(), linde, w.anna.ID)
				w.ok(err)
				j.SetAccount(a)
				ended := w.some(
					func() error { return w.db.SaveChange(w.Context(), authn.Change{Journey: &j}, w.now) },
					func() error { return acts[act].do(w) },
				)
				w.ok(errors.Join(ended...))
				stored, err := w.db.Journey(w.Context(), linde, j.ID)
				w.ok(err)
				a, err = w.db.Account(w.Context(), linde, w.anna.ID)
				w.ok(err)
				w.is("over", stored.EndedByAct(a), true)
				w.reset()
			}
		}
	}},
	{"a grant given while its account is deactivated gives nothing, then or later", func(w *world) {
		for range rounds {
			v := w.visit(w.anna)
			g, code := w.newGrant(v, "openid", "offline_access")
			refresh := grant.NewToken(g.ID)
			ended := w.some(
				func() error {
					err := w.db.Answer(w.Context(), grant.Answered{}, g)
					if err == nil {
						_, err = w.db.Redeem(w.Context(), w.redemption(linde, code, refresh))
					}
					return err
				},
				func() error { return acts[9].do(w) },
			)
			w.ok(ended[1])
			if err := ended[0]; err != nil && !errors.Is(err, fault.Refused) {
				w.fails(err, fault.NotFound)
			}
			w.become(account.Active)
			if ended[0] == nil { // there are tokens
				w.is("given", w.given(g), false)
			}
			_, err := w.db.Redeem(w.Context(), w.redemption(linde, code, refresh))
			w.is("redeemed", err == nil, false)
			_, err = w.db.Rotate(w.Context(), w.rotation(refresh))
			w.fails(err, fault.NotFound)
		}
	}},
	{"an account that is deactivated waits for a grant that is just being given, and ends it", func(w *world) {
		v := w.visit(w.anna)
		g, _ := w.newGrant(v, "openid", "offline_access")
		tx, err := w.db.SQL().BeginTx(w.Context(), nil)
		w.ok(err)
		_, err = tx.ExecContext(w.Context(), `INSERT INTO grants (platform, id, party, account, session, scopes, offline, nonce, redirect_uri, challenge, proofs,
			started_at, code_hash, code_ends_at, ends_at, claims) VALUES ($1, $2, $3, $4, $5, 'openid', 1, '', '', '', '[]', 1, NULL, 1, $6, '{}')`,
			string(linde), string(g.ID), string(web), string(w.anna.ID), v.ID, g.EndsAt.UnixMilli())
		w.ok(err)
		done := make(chan error, 1)
		go func() { done <- acts[9].do(w) }()
		select {
		case err := <-done:
			w.Fatal("it did not wait", err)
		case <-time.After(100 * time.Millisecond):
		}
		w.ok(tx.Commit())
		w.ok(<-done)
		w.become(account.Active)
		w.is("given", w.given(g), false)
	}},
}
