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
	"github.com/minddistrict/idp/storage"
)

// helper is somebody of linde who acts on others.
func (w *world) helper(address string, role platform.Role) account.Account {
	w.Helper()
	a := w.person(linde, address)
	a.Role = role
	w.ok(w.db.Declare(w.Context(), storage.Setup{Accounts: []account.Account{a}}, w.now))
	return a
}

// by is an event of what a helper does to somebody.
func (w *world) by(h, whom account.Account) audit.Event {
	e := w.event(audit.AccountUnblocked, whom)
	e.Actor, e.As = string(h.ID), audit.Acting{Account: h.ID, Role: h.Role}
	return e
}

// becomes gives a helper another role and state, as another node does in between.
func (w *world) becomes(h account.Account, role platform.Role, state account.State) {
	w.Helper()
	w.run(fmt.Sprintf("UPDATE accounts SET role = '%s', state = '%s' WHERE id = '%s'", role, state, h.ID))
}

// everyAct is each transaction by which somebody acts on somebody else, with what it needs to succeed.
func (w *world) everyAct(e audit.Event) map[string]func() error {
	ctx, whom := w.Context(), w.anna
	all := map[string]func() error{}
	all["a change"] = func() error {
		return w.db.SaveChange(ctx, authn.Change{Platform: linde, Cut: &authn.Cut{Account: whom.ID, By: authn.ActAddressAsked}, Events: []audit.Event{e}}, w.now)
	}
	all["a change of nobody"] = func() error {
		return w.db.SaveChange(ctx, authn.Change{Platform: linde, Forgive: []string{"owner"}, Events: []audit.Event{e}}, w.now)
	}
	all["somebody new"] = func() error {
		a := w.person(linde, "new@example.org")
		return w.db.SaveChange(ctx, authn.Change{Add: &a, Events: []audit.Event{e}}, w.now)
	}
	all["a state"] = func() error {
		return w.db.ApplyStateChange(ctx, linde, whom.ID, staff.StateChange{State: account.Deactivated, Event: e}, w.now)
	}
	v := w.visit(whom)
	all["a session's end"] = func() error { return w.db.EndSessionBy(ctx, linde, v.ID, e, nil, w.now) }
	d := account.Device{ID: secret.ID(), Platform: linde, Account: whom.ID, AddedAt: w.now, SeenAt: w.now, EndsAt: w.now.Add(time.Hour)}
	w.ok(w.db.SaveChange(ctx, authn.Change{Platform: linde, Remember: &authn.DeviceStart{Device: d, Cookie: secret.Hash(secret.Token())}}, w.now))
	all["a browser forgotten"] = func() error {
		return w.db.ForgetDevice(ctx, d, authn.Change{Platform: linde, Events: []audit.Event{e}}, w.now)
	}
	p := w.entered(whom, jkt)
	all["a device removed"] = func() error {
		return w.db.RemoveDevice(ctx, p.Device, "test", authn.Change{Platform: linde, Events: []audit.Event{e}}, w.now)
	}
	asked := w.pendingAct(staff.ActReset, whom)
	all["an act that waits"] = func() error {
		c := w.asking(asked, whom)
		c.Events = []audit.Event{e}
		return w.db.AskPending(ctx, asked, c, w.now)
	}
	open := w.ask(staff.ActSetRole, whom)
	all["the end of one"] = func() error {
		return w.db.EndPending(ctx, open, staff.PendingEnd{At: w.now, How: staff.Confirmed}, authn.Change{Platform: linde, Events: []audit.Event{e}}, w.now)
	}
	file := w.intake("one")
	w.keeps(file)
	all["a file"] = func() error {
		return w.db.SaveIntake(ctx, w.intake("two"), nil, []audit.Event{e}, w.now)
	}
	admission := w.admission(file, addresses(0, 2)...)
	for i := range admission.Events {
		admission.Events[i].As = e.As
	}
	all["the people of a file"] = func() error { return w.db.Admit(ctx, admission, w.now) }
	return all
}

var actings = []promise{
	{"an act is saved while who does it has the role that it was decided by, and otherwise nothing of it", func(w *world) {
		h := w.helper("hulp@example.org", platform.Helpdesk)
		acts := w.everyAct(w.by(h, w.anna))
		for says, change := range map[string]func(){
			"demoted":     func() { w.becomes(h, platform.Client, account.Active) },
			"promoted":    func() { w.becomes(h, platform.Manager, account.Active) },
			"deactivated": func() { w.becomes(h, platform.Helpdesk, account.Deactivated) },
			"invited":     func() { w.becomes(h, platform.Helpdesk, account.Invited) },
			"elsewhere":   func() { w.run("UPDATE accounts SET platform = 'wilg' WHERE id = '" + string(h.ID) + "'") },
		} {
			change()
			before := w.dump()
			for name, do := range acts {
				err := do()
				if gone, ok := errors.AsType[staff.ActorChanged](err); !ok || account.ID(gone) != h.ID || !errors.Is(err, fault.Refused) {
					w.Errorf("%s by somebody %s: %v", name, says, err)
				}
				w.is(name+" by somebody "+says+": unchanged", w.dump() == before, true)
			}
			w.run("UPDATE accounts SET platform = 'linde' WHERE id = '" + string(h.ID) + "'")
			w.becomes(h, platform.Helpdesk, account.Active)
		}
		for _, name := range []string{
			"a change of nobody", "somebody new", "a session's end", "a browser forgotten", "a device removed", "an act that waits", "the end of one", "a file",
			"the people of a file", "a change", "a state",
		} {
			if err := acts[name](); err != nil {
				w.Errorf("%s: %v", name, err)
			}
			delete(acts, name)
		}
		w.same("acts that nobody tried", len(acts), 0)
	}},
	{"all who act in one transaction are looked at, and somebody without a role is a mistake", func(w *world) {
		h, second := w.helper("hulp@example.org", platform.Helpdesk), w.helper("baas@example.org", platform.Manager)
		save := func(events ...audit.Event) error {
			return w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Events: events}, w.now)
		}
		w.ok(save(w.by(h, w.anna), w.by(second, w.anna), w.by(h, w.anna)))
		other := w.by(h, w.anna)
		other.As.Role = platform.Manager
		w.fails(save(w.by(h, w.anna), w.by(second, w.anna), other), fault.Refused)
		other.As.Role = ""
		w.fails(save(other), fault.Invalid)
		w.becomes(second, platform.Helpdesk, account.Active)
		w.fails(save(w.by(h, w.anna), w.by(second, w.anna)), fault.Refused)
	}},
	{"a state that is one too many is not given, and one that somebody has already is not counted", func(w *world) {
		limits := []authn.Limit{{Key: "many", Max: 1, Window: time.Hour}}
		stand := func(a account.Account, s account.State) error {
			to := staff.StateChange{State: s, Event: w.event(audit.AccountDeactivated, a), Count: limits}
			return w.db.ApplyStateChange(w.Context(), linde, a.ID, to, w.now)
		}
		w.ok(stand(w.anna, account.Active))
		w.ok(stand(w.anna, account.Deactivated))
		w.ok(stand(w.anna, account.Deactivated))
		h := w.helper("hulp@example.org", platform.Helpdesk)
		before := w.dump()
		w.fails(stand(h, account.Deactivated), fault.Throttled)
		w.is("unchanged", w.dump() == before, true)
	}},
	{"of two managers who demote each other at once one does, and neither waits for the other", func(w *world) {
		one, two := w.helper("een@example.org", platform.Manager), w.helper("twee@example.org", platform.Manager)
		demote := func(by, whom account.Account) func() error {
			return func() error {
				return w.db.SaveChange(w.Context(), authn.Change{
					Platform: linde, Events: []audit.Event{w.by(by, whom)},
					Account: &authn.AccountChange{ID: whom.ID, Role: &authn.RoleChange{From: platform.Manager, To: platform.Client}},
				}, w.now)
			}
		}
		for range rounds {
			w.exactly(w.some(demote(one, two), demote(two, one)), 1, fault.Refused)
			if w.Failed() {
				return
			}
			w.becomes(one, platform.Manager, account.Active)
			w.becomes(two, platform.Manager, account.Active)
		}
	}},
	{"a helper who is demoted while many act is refused from then on", func(w *world) {
		h := w.helper("hulp@example.org", platform.Helpdesk)
		for range rounds / 4 {
			before := len(w.events())
			ended := race(func(i int) error {
				if i == crowd/2 {
					return w.db.SaveChange(w.Context(), authn.Change{
						Platform: linde, Account: &authn.AccountChange{ID: h.ID, Role: &authn.RoleChange{From: h.Role, To: platform.Client}},
					}, w.now)
				}
				return w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Events: []audit.Event{w.by(h, w.anna)}}, w.now)
			})
			done := 0
			for i, err := range ended {
				switch {
				case err == nil && i != crowd/2:
					done++
				case err != nil && !errors.Is(err, fault.Refused):
					w.Errorf("%d: %v", i, err)
				}
			}
			w.ok(ended[crowd/2])
			w.same("events", len(w.events())-before, done)
			w.fails(w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Events: []audit.Event{w.by(h, w.anna)}}, w.now), fault.Refused)
			w.becomes(h, platform.Helpdesk, account.Active)
			w.clearRecord()
		}
	}},
}
