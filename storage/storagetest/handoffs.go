package storagetest

import (
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/storage"
)

// handoff is one that somebody made, with what only its code says.
type handoff struct {
	grant.Handoff
	reference string
	visit     visit
}

func (w *world) makeOf(v visit) (grant.Make, string) {
	h, reference := grant.NewHandoff(&v.Session, v.Proofs, "", w.now)
	h.Reference = []byte("sealed reference")
	return grant.Make{
		Handoff: h, Hash: secret.Hash(reference),
		Follows: authn.Change{Platform: v.Platform, Events: []audit.Event{w.event(audit.HandoffMade, account.Account{Platform: v.Platform, ID: v.Account})}},
	}, reference
}

// showsCode makes a handoff in a session.
func (w *world) showsCode(v visit) handoff {
	w.Helper()
	m, reference := w.makeOf(v)
	w.ok(w.db.MakeHandoff(w.Context(), m, w.now))
	return handoff{m.Handoff, reference, v}
}

func (w *world) claiming(h handoff, key string) grant.Claiming {
	return grant.Claiming{
		Claim:    grant.Claim{Party: web, JKT: key, Challenge: "challenge", Name: "Annas telefoon", Network: "192.0.2.0/24", Nearby: "192.0.2.0/24"},
		Platform: h.Platform, Hash: secret.Hash(h.reference), Seal: func(id grant.HandoffID) []byte { return []byte("sealed 42 of " + id) },
		Event: audit.Event{At: w.now, Platform: h.Platform, Kind: audit.HandoffClaimed, Actor: "system"}, Now: w.now,
	}
}

func (w *world) scans(h handoff) {
	w.Helper()
	_, err := w.db.ClaimHandoff(w.Context(), w.claiming(h, jkt))
	w.ok(err)
}

func (w *world) confirming(h handoff, number string) grant.Confirming {
	return grant.Confirming{
		Platform: h.Platform, ID: h.ID, Account: h.Account, Session: h.Session, Now: w.now,
		Right: func(sealed []byte) (bool, error) { return strings.HasPrefix(string(sealed), "sealed "+number+" "), nil },
		Events: func(right bool, _ grant.HandoffEnd) []audit.Event {
			kind := audit.HandoffConfirmed
			if !right {
				kind = audit.HandoffRefused
			}
			return []audit.Event{w.event(kind, account.Account{Platform: h.Platform, ID: h.Account})}
		},
	}
}

func (w *world) types(h handoff, number string) (bool, grant.HandoffEnd) {
	w.Helper()
	right, end, err := w.db.ConfirmHandoff(w.Context(), w.confirming(h, number))
	w.ok(err)
	return right, end
}

func (w *world) poll(h handoff) grant.Poll {
	return grant.Poll{Platform: h.Platform, Party: web, ID: h.ID, JKT: jkt, Challenge: "challenge", Now: w.now}
}

func (w *world) redeems(h handoff, change ...func(*grant.Poll)) (*grant.Device, error) {
	p := w.poll(h)
	for _, c := range change {
		c(&p)
	}
	a, _ := w.makes(account.Account{ID: h.Account, Platform: h.Platform}, "", jkt)
	return w.db.RedeemHandoff(w.Context(), p, a)
}

func (w *world) handoffNow(h handoff) *grant.Handoff {
	w.Helper()
	found, err := w.db.Handoff(w.Context(), h.Platform, h.ID, h.Account, h.Session)
	w.ok(err)
	return found
}

// handoffSteps are the steps of a handoff until something else happens, each of which must not go on then.
var handoffSteps = map[string]struct {
	begin func(*world, handoff)
	next  func(*world, handoff) error
	fails error
}{
	"claiming": {func(*world, handoff) {}, func(w *world, h handoff) error {
		_, err := w.db.ClaimHandoff(w.Context(), w.claiming(h, jkt))
		return err
	}, fault.NotFound},
	"confirming": {(*world).scans, func(w *world, h handoff) error {
		_, _, err := w.db.ConfirmHandoff(w.Context(), w.confirming(h, "42"))
		return err
	}, fault.Stale},
	"redeeming": {func(w *world, h handoff) { w.scans(h); w.types(h, "42") }, func(w *world, h handoff) error {
		_, err := w.redeems(h)
		return err
	}, fault.Stale},
}

var handoffs = []promise{
	{"a handoff goes from browser to phone and makes a device, once", func(w *world) {
		h := w.showsCode(w.visit(w.anna))
		w.exactly(race(func(i int) error {
			_, err := w.db.ClaimHandoff(w.Context(), w.claiming(h, jkt))
			return err
		}), 1, fault.NotFound)
		w.same("reference", w.handoffNow(h).Reference == nil, true)
		_, err := w.redeems(h)
		w.fails(err, fault.Stale)
		right, end := w.types(h, "42")
		w.same("right", right, true)
		w.same("end", end, grant.HandoffEnd(""))
		w.same("number", w.handoffNow(h).Number == nil, true)
		w.exactly(race(func(int) error {
			_, err := w.redeems(h)
			return err
		}), 1, fault.Stale)
		all, err := w.db.AppDevices(w.Context(), linde, w.anna.ID)
		w.ok(err)
		w.same("devices", len(all), 1)
		w.same("session", w.alive(h.visit), true)
		w.same("end", w.handoffNow(h).Ended(w.now), grant.HandoffDone)
		got := w.handoffNow(h)
		w.same("source", got.Proofs[0].Source, "qr")
		w.same("events", slices.Sorted(slices.Values(w.kinds())), []audit.Kind{audit.DeviceAdded, audit.HandoffClaimed, audit.HandoffConfirmed, audit.HandoffMade})
	}},
	{"a reference is one platform's, and works for a minute", func(w *world) {
		h := w.showsCode(w.visit(w.anna))
		c := w.claiming(h, jkt)
		c.Platform = wilg
		_, err := w.db.ClaimHandoff(w.Context(), c)
		w.fails(err, fault.NotFound)
		w.now = w.now.Add(grant.ReferenceLife)
		_, err = w.db.ClaimHandoff(w.Context(), w.claiming(h, jkt))
		w.fails(err, fault.NotFound)
	}},
	{"a newer handoff of the account ends the older one", func(w *world) {
		first := w.showsCode(w.visit(w.anna))
		w.scans(first)
		second := w.showsCode(w.visit(w.anna))
		w.same("end", w.handoffNow(first).Ended(w.now), grant.HandoffReplaced)
		_, _, err := w.db.ConfirmHandoff(w.Context(), w.confirming(first, "42"))
		w.fails(err, fault.Stale)
		w.scans(second)
	}},
	{"as many handoffs are made as may be, and one too many ends none", func(w *world) {
		v := w.visit(w.anna)
		var last handoff
		make := func() error {
			m, reference := w.makeOf(v)
			m.Follows.Count = []authn.Limit{{Key: "handoffs", Max: grant.HandoffsAnHour, Window: time.Hour}}
			err := w.db.MakeHandoff(w.Context(), m, w.now)
			if err == nil {
				last = handoff{m.Handoff, reference, v}
			}
			return err
		}
		for range grant.HandoffsAnHour {
			w.ok(make())
		}
		w.fails(make(), fault.Throttled)
		w.scans(last)
	}},
	{"a handoff is made, claimed, confirmed and answered in a live session of an active account only", func(w *world) {
		for what, happens := range map[string]func(handoff){
			"logged out": func(h handoff) {
				w.ok(w.db.EndSession(w.Context(), linde, h.Session, w.event(audit.SessionEnded, w.anna), w.now))
			},
			"logged out everywhere": func(h handoff) {
				w.ok(w.db.SaveChange(w.Context(), authn.Change{
					Platform: linde, End: &authn.End{Account: h.Account, Except: h.Session, Devices: true, Reason: "test"},
				}, w.now))
			},
			"blocked": func(h handoff) {
				w.ok(w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Account: &authn.AccountChange{ID: h.Account, Stop: true}}, w.now))
			},
			"marked": func(h handoff) { w.run("UPDATE accounts SET marked_at = 1 WHERE id = '" + string(h.Account) + "'") },
			"no codes any more": func(handoff) {
				p := organisation(linde)
				p.Policy.AppQR = false
				w.ok(w.db.Declare(w.Context(), storage.Setup{Platforms: []platform.Platform{p}}, w.now))
			},
			"a minute on, and two": func(handoff) { w.now = w.now.Add(grant.ClaimLife) },
		} {
			for step, s := range handoffSteps {
				bram := w.person(linde, secret.ID()+"@example.org")
				w.declared(bram)
				w.ok(w.db.Declare(w.Context(), storage.Setup{Platforms: []platform.Platform{organisation(linde)}}, w.now))
				h := w.showsCode(w.visit(bram))
				s.begin(w, h)
				happens(h)
				err := s.next(w, h)
				if !errors.Is(err, s.fails) && !errors.Is(err, fault.Refused) {
					w.Errorf("%s %s: %v", what, step, err)
				}
				all, err := w.db.AppDevices(w.Context(), linde, bram.ID)
				w.ok(err)
				w.same(what+" "+step+": devices", len(all), 0)
			}
		}
		v := w.visit(w.anna)
		w.mark()
		m, _ := w.makeOf(v)
		w.fails(w.db.MakeHandoff(w.Context(), m, w.now), fault.Refused)
	}},
	{"no handoff is made where there are no codes any more, and the one that there is stays as it was", func(w *world) {
		v := w.visit(w.anna)
		h := w.showsCode(v)
		qr := func(on bool) {
			p := organisation(linde)
			p.Policy.AppQR = on
			w.ok(w.db.Declare(w.Context(), storage.Setup{Platforms: []platform.Platform{p}}, w.now))
		}
		qr(false)
		m, _ := w.makeOf(v)
		w.fails(w.db.MakeHandoff(w.Context(), m, w.now), fault.Refused)
		w.same("end", w.handoffNow(h).Ended(w.now), grant.HandoffEnd(""))
		w.same("events", w.kinds(), []audit.Kind{audit.HandoffMade})
		qr(true)
		w.ok(w.db.MakeHandoff(w.Context(), m, w.now))
	}},
	{"a number is compared twice, whoever types at once", func(w *world) {
		h := w.showsCode(w.visit(w.anna))
		w.scans(h)
		var compared atomic.Int64
		all := race(func(int) error {
			c := w.confirming(h, "17")
			right := c.Right
			c.Right = func(sealed []byte) (bool, error) {
				compared.Add(1)
				return right(sealed)
			}
			_, _, err := w.db.ConfirmHandoff(w.Context(), c)
			return err
		})
		w.exactly(all, grant.MaxNumbers, fault.Stale)
		w.same("compared", compared.Load(), int64(grant.MaxNumbers))
		w.same("end", w.handoffNow(h).Ended(w.now), grant.HandoffWrong)
		_, _, err := w.db.ConfirmHandoff(w.Context(), w.confirming(h, "42"))
		w.fails(err, fault.Stale)
	}},
	{"one wrong number leaves one more", func(w *world) {
		h := w.showsCode(w.visit(w.anna))
		w.scans(h)
		right, end := w.types(h, "17")
		w.same("right", right, false)
		w.same("end", end, grant.HandoffEnd(""))
		right, _ = w.types(h, "42")
		w.same("right", right, true)
	}},
	{"a number is typed in the session of the code, by its owner", func(w *world) {
		h := w.showsCode(w.visit(w.anna))
		w.scans(h)
		for name, spoil := range map[string]func(*grant.Confirming){
			"session":  func(c *grant.Confirming) { c.Session = w.visit(w.anna).ID },
			"account":  func(c *grant.Confirming) { c.Account = w.far.ID },
			"platform": func(c *grant.Confirming) { c.Platform = wilg },
		} {
			c := w.confirming(h, "42")
			spoil(&c)
			if _, _, err := w.db.ConfirmHandoff(w.Context(), c); !errors.Is(err, fault.Stale) {
				w.Errorf("another %s: %v", name, err)
			}
		}
		_, err := w.db.Handoff(w.Context(), linde, h.ID, w.anna.ID, w.visit(w.anna).ID)
		w.fails(err, fault.NotFound)
	}},
	{"a handoff is stopped in the browser or on its phone", func(w *world) {
		for name, row := range map[string]struct {
			stop func(handoff) error
			want grant.HandoffEnd
		}{
			"browser": {func(h handoff) error {
				return w.db.StopHandoff(w.Context(), &h.Handoff, w.event(audit.HandoffRefused, w.anna), w.now)
			}, grant.HandoffStopped},
			"phone": {func(h handoff) error {
				return w.db.LeaveHandoff(w.Context(), w.poll(h), audit.Event{At: w.now, Platform: linde, Kind: audit.HandoffRefused, Actor: "system"})
			}, grant.HandoffLeft},
			"another phone": {func(h handoff) error {
				p := w.poll(h)
				p.JKT = "another"
				return w.db.LeaveHandoff(w.Context(), p, audit.Event{At: w.now, Platform: linde, Kind: audit.HandoffRefused, Actor: "system"})
			}, ""},
		} {
			h := w.showsCode(w.visit(w.anna))
			w.scans(h)
			w.ok(row.stop(h))
			w.ok(row.stop(h))
			w.same(name, w.handoffNow(h).Ended(w.now), row.want)
			refused := slices.DeleteFunc(w.kinds(), func(k audit.Kind) bool { return k != audit.HandoffRefused })
			w.same(name+": events", len(refused) > 0, row.want != "")
			w.clearRecord()
		}
	}},
	{"only the phone that scanned polls and gets the answer", func(w *world) {
		h := w.showsCode(w.visit(w.anna))
		w.scans(h)
		w.types(h, "42")
		for name, spoil := range map[string]func(*grant.Poll){
			"key": func(p *grant.Poll) { p.JKT = "another" }, "verifier": func(p *grant.Poll) { p.Challenge = "another" },
			"party": func(p *grant.Poll) { p.Party = other }, "platform": func(p *grant.Poll) { p.Platform = wilg },
		} {
			p := w.poll(h)
			spoil(&p)
			if _, _, err := w.db.PollHandoff(w.Context(), p); !errors.Is(err, fault.NotFound) {
				w.Errorf("another %s: %v", name, err)
			}
			if name == "platform" {
				continue
			}
			if _, err := w.redeems(h, spoil); !errors.Is(err, fault.Stale) {
				w.Errorf("redeemed with another %s: %v", name, err)
			}
		}
		_, err := w.redeems(h)
		w.ok(err)
	}},
	{"a poll that comes too soon is told so, and the time between two grows", func(w *world) {
		h := w.showsCode(w.visit(w.anna))
		w.scans(h)
		for i, row := range []struct {
			after   time.Duration
			hurried bool
		}{
			{0, false}, {2 * time.Second, false}, {1500 * time.Millisecond, false}, {500 * time.Millisecond, true},
			{5 * time.Second, true}, {12 * time.Second, false},
		} {
			w.now = w.now.Add(row.after)
			_, hurried, err := w.db.PollHandoff(w.Context(), w.poll(h))
			w.ok(err)
			if hurried != row.hurried {
				w.Errorf("poll %d: hurried %t", i, hurried)
			}
		}
		w.ok(w.db.EndSession(w.Context(), linde, h.Session, w.event(audit.SessionEnded, w.anna), w.now))
		_, _, err := w.db.PollHandoff(w.Context(), w.poll(h))
		w.fails(err, fault.Refused)
	}},
	{"a handoff renews the device that has the key: its PIN and tokens stay until another PIN is chosen, and there is no second", func(w *world) {
		first := w.ready(w.anna, jkt)
		in := w.signsIn(w.anna, first)
		w.wrong(first)
		w.now = w.now.Add(time.Minute)
		h := w.showsCode(w.visit(w.anna))
		w.scans(h)
		w.types(h, "42")
		a, setup := w.makes(w.anna, "", jkt)
		a.Level, a.Proofs, a.Name = authn.TwoFactor, h.Proofs, "Annas nieuwe telefoon"
		renewed, err := w.db.RedeemHandoff(w.Context(), w.poll(h), a)
		w.ok(err)
		w.same("device", renewed.ID, first.ID)
		w.same("rows", len(w.rows("SELECT id FROM app_devices")), 1)
		w.same("tokens", w.given(in.Grant), true)
		now := w.device(first)
		w.same("level", now.Level, authn.TwoFactor)
		w.same("proofs", now.Proofs, h.Proofs)
		w.same("name", now.Name, "Annas nieuwe telefoon")
		w.same("PIN", now.PINSetAt, first.AddedAt)
		t, err := w.counts(first)
		w.ok(err)
		w.same("wrong before", t.Before, 1)
		next := w.pinSignIn(w.anna, phone{Device: *now})
		w.ok(w.db.AcceptTry(w.Context(), t, next)) // the old PIN still counts
		w.fails(w.pinError(first), fault.NotFound) // … and the token of it does not
		w.wrong(first)
		_, err = w.db.SetPIN(w.Context(), w.pinChange(phone{*renewed, setup}))
		w.ok(err)
		w.same("tokens of the old PIN", w.given(next.Grant), false)
		t, err = w.counts(first)
		w.ok(err)
		w.same("wrong before, of the new PIN", t.Before, 0)
		w.same("level of the new PIN", t.Device.Level, authn.TwoFactor)
	}},
	{"a handoff makes room on a full list as its owner chose, or is not spent", func(w *world) {
		for i := range 5 {
			w.entered(w.anna, "key "+string(rune('a'+i)))
		}
		all, err := w.db.AppDevices(w.Context(), linde, w.anna.ID)
		w.ok(err)
		h := w.showsCode(w.visit(w.anna))
		w.scans(h)
		w.types(h, "42")
		_, err = w.redeems(h)
		w.fails(err, fault.Throttled)
		a, _ := w.makes(w.anna, "", jkt)
		a.Displaces = all[0].ID
		_, err = w.db.RedeemHandoff(w.Context(), w.poll(h), a)
		w.ok(err)
	}},
	{"handoffs whose time is over are noted once, and forgotten a day later", func(w *world) {
		h := w.showsCode(w.visit(w.anna))
		w.now = w.now.Add(grant.ReferenceLife)
		w.same("before it is noted", w.handoffNow(h).Ended(w.now), grant.HandoffExpired)
		for _, want := range []int{1, 0} {
			n, err := w.db.ExpireHandoffs(w.Context(), w.now, 10)
			w.ok(err)
			w.same("expired", n, want)
		}
		w.same("end", w.handoffNow(h).End, grant.HandoffExpired)
		w.same("events", slices.Sorted(slices.Values(w.kinds())), []audit.Kind{audit.HandoffExpired, audit.HandoffMade})
		for i, at := range []time.Duration{0, 25 * time.Hour} {
			_, err := w.db.CleanUp(w.Context(), w.now.Add(at), 100)
			w.ok(err)
			w.same("rows", len(w.rows("SELECT id FROM handoffs")), 1-i)
		}
	}},
	{"what handoffs keep is sealed anew, and goes with their end", func(w *world) {
		first := w.showsCode(w.visit(w.anna))
		bram := w.person(linde, "bram@example.org")
		w.declared(bram)
		second := w.showsCode(w.visit(bram))
		w.scans(second)
		var bindings []string
		_, err := w.db.Reseal(w.Context(), w.event(audit.MasterKeyRotated, w.anna), func(binding string, sealed []byte) ([]byte, error) {
			bindings = append(bindings, binding)
			return append([]byte("new "), sealed...), nil
		})
		w.ok(err)
		for _, binding := range []string{first.ReferenceBinding(), second.ID.NumberBinding()} {
			if !slices.Contains(bindings, binding) {
				w.Errorf("%s is not sealed anew", binding)
			}
		}
		w.same("reference", string(w.handoffNow(first).Reference), "new sealed reference")
		_, err = w.db.EndEverything(w.Context(), w.event(audit.DatabaseRestored, w.anna), w.now)
		w.ok(err)
		w.same("kept", len(w.rows("SELECT id FROM handoffs WHERE reference IS NOT NULL OR number IS NOT NULL OR ended_at IS NULL")), 0)
	}},
}
