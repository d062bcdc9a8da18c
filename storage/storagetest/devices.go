package storagetest

import (
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
)

// remember remembers a browser of anna's under a cookie, for a day.
func (w *world) remember(cookie string) account.Device {
	d := account.Device{
		ID: secret.ID(), Platform: linde, Account: w.anna.ID, Agent: "Firefox", AddedAt: w.now, SeenAt: w.now, EndsAt: w.now.Add(24 * time.Hour),
	}
	w.ok(w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Remember: &authn.DeviceStart{Device: d, Cookie: secret.Hash(cookie)}}, w.now))
	return d
}

func (w *world) presented(d account.Device, cookie string, at time.Time) account.Presented {
	_, presented, err := w.db.Device(w.Context(), linde, w.anna.ID, d.ID, secret.Hash(cookie), at)
	w.ok(err)
	return presented
}

func (w *world) rotate(d account.Device, from, to string, at time.Time) {
	w.ok(w.db.SaveChange(w.Context(), authn.Change{
		Platform: linde, Rotate: &authn.DeviceRotation{Account: w.anna.ID, Device: d.ID, From: secret.Hash(from), To: secret.Hash(to)},
	}, at))
}

var devices = []promise{
	{"a remembered browser comes back whole until its time is over, to its own account", func(w *world) {
		d := w.remember("one")
		got, presented, err := w.db.Device(w.Context(), linde, w.anna.ID, d.ID, secret.Hash("one"), w.now)
		w.ok(err)
		w.same("browser", got, d)
		w.same("presented", presented, account.DeviceCurrent)
		w.same("another cookie", w.presented(d, "two", w.now), account.DeviceOld)
		w.same("another browser", w.presented(account.Device{ID: "x"}, "one", w.now), account.DeviceUnknown)
		w.same("when it is over", w.presented(d, "one", d.EndsAt), account.DeviceUnknown)
		_, presented, err = w.db.Device(w.Context(), wilg, w.far.ID, d.ID, secret.Hash("one"), w.now)
		w.ok(err)
		w.same("on another platform", presented, account.DeviceUnknown)
		all, err := w.db.Devices(w.Context(), linde, w.anna.ID, w.now)
		w.ok(err)
		w.same("list", all, []account.Device{d})
	}},
	{"each use replaces the cookie; the one before counts for ten seconds, and is told from then on", func(w *world) {
		d := w.remember("one")
		w.rotate(d, "one", "two", w.now)
		w.same("current", w.presented(d, "two", w.now), account.DeviceCurrent)
		w.same("side by side", w.presented(d, "one", w.now.Add(account.DeviceGrace)), account.DeviceRecent)
		w.same("later", w.presented(d, "one", w.now.Add(account.DeviceGrace+time.Millisecond)), account.DeviceOld)
		w.rotate(d, "one", "three", w.now) // lost the race: nothing happens
		w.same("loser", w.presented(d, "three", w.now), account.DeviceOld)
		w.rotate(d, "two", "four", w.now.Add(time.Hour))
		w.same("two before", w.presented(d, "one", w.now.Add(time.Hour)), account.DeviceOld)
		got, _, err := w.db.Device(w.Context(), linde, w.anna.ID, d.ID, secret.Hash("four"), w.now)
		w.ok(err)
		w.same("use does not extend it", got.EndsAt, d.EndsAt)
		w.same("use is noted", got.SeenAt, w.now.Add(time.Hour))
	}},
	{"of a hundred who find a copied cookie one forgets the browser and tells the owner", func(w *world) {
		d := w.remember("one")
		follows := authn.Change{Events: []audit.Event{w.event(audit.DeviceCookieReplayed, w.anna)}}
		w.onlyOne(race(func(int) error { return w.db.ForgetDevice(w.Context(), d, follows, w.now) }), fault.Spent)
		w.same("events", w.kinds(), []audit.Kind{audit.DeviceCookieReplayed})
		w.same("presented", w.presented(d, "one", w.now), account.DeviceUnknown)
	}},
	{"a new password, a deactivation and a wish forget all browsers of the account", func(w *world) {
		forget := w.anna.ID
		for name, change := range map[string]authn.Change{
			"password": {Platform: linde, End: &authn.End{Account: w.anna.ID, Reason: "password"}},
			"wish":     {Platform: linde, Forget: &forget},
			"freeze":   {Platform: linde, Account: &authn.AccountChange{ID: w.anna.ID, Stop: true}},
		} {
			w.ok(w.db.SetState(w.Context(), linde, w.anna.ID, account.Active, w.event(audit.AccountReactivated, w.anna), w.now))
			d := w.remember(name)
			w.ok(w.db.SaveChange(w.Context(), change, w.now))
			w.same(name, w.presented(d, name, w.now), account.DeviceUnknown)
		}
	}},
	{"no session of an account goes on without a code once all its browsers are forgotten", func(w *world) {
		mine, other, far := w.visit(w.anna), w.visit(w.anna), w.visit(w.far)
		waived := map[string]*visit{"mine": &mine, "the other": &other, "somebody else's": &far}
		for _, v := range waived {
			kept := v.Proofs
			v.Proofs = append(v.Proofs, authn.Proof{Method: "remembered", Use: account.Waiver, At: w.now, For: time.Hour})
			raise := &authn.SessionRaise{Session: v.Session, From: secret.Hash(v.cookie), To: secret.Hash(v.cookie)}
			w.ok(w.db.SaveChange(w.Context(), authn.Change{Raise: raise}, w.now))
			if v != &far {
				v.Proofs = kept
			}
		}
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Forget: &w.anna.ID}, w.now))
		for name, v := range waived {
			s, _, err := w.db.Session(w.Context(), v.Platform, secret.Hash(v.cookie), w.now)
			w.ok(err)
			w.same(name, s.Proofs, v.Proofs)
		}
	}},
	{"what a person chose about two-step authentication comes back", func(w *world) {
		week := 168 * time.Hour
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Account: &authn.AccountChange{ID: w.anna.ID, Remember: &week, Offered: true}}, w.now))
		a, err := w.db.Account(w.Context(), linde, w.anna.ID)
		w.ok(err)
		w.same("remembered for", a.RememberFor, week)
		w.same("put off", a.OfferedAt, w.now)
		w.same("reset", a.ResetAt, time.Time{})
	}},
	{"a reset of two-step authentication by staff comes back", func(w *world) {
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Cut: &authn.Cut{Account: w.anna.ID, By: authn.ActTwoStepReset}}, w.now))
		a, err := w.db.Account(w.Context(), linde, w.anna.ID)
		w.ok(err)
		w.same("reset", a.ResetAt, w.now)
		w.same("marked", a.MarkedAt, w.now)
	}},
}
