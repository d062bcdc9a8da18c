package storagetest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/storage"
)

// phone is a device and the token with which its PIN is chosen.
type phone struct {
	grant.Device
	setup string
}

// makes is what a device of an account would come of, in the session of a code.
func (w *world) makes(a account.Account, ends, jkt string) (grant.Admission, string) {
	setup := secret.Token()
	d := grant.Device{
		ID: grant.DeviceID(secret.ID()), Platform: a.Platform, Account: a.ID, Party: web, JKT: jkt, Name: "Annas telefoon",
		Entry: grant.Entry{Way: grant.ByQR, Level: authn.OneFactor, SetupHash: secret.Hash(setup)}, Scopes: []string{"openid", "email"}, AddedAt: w.now, SeenAt: w.now,
	}
	return grant.Admission{
		Device: d, Most: 5, Ends: ends, SetupEnds: w.now.Add(grant.SetupLife),
		Follows: authn.Queued{Events: []audit.Event{w.event(audit.DeviceAdded, a)}},
	}, setup
}

// enters signs somebody in on a phone with a code.
func (w *world) enters(a account.Account, jkt string, displaces grant.DeviceID) (phone, error) {
	w.Helper()
	v := w.visit(a)
	g, code := w.newGrant(v, "openid", "email")
	g.JKT = jkt
	req := w.request()
	req.ID, req.Platform = secret.ID(), a.Platform
	w.ok(w.db.SaveRequest(w.Context(), req))
	w.ok(w.db.Answer(w.Context(), grant.Answered{Request: req.ID, Displaces: displaces}, g))
	r := w.redemption(a.Platform, code, "")
	r.RefreshHash, r.Key = nil, grant.Key{JKT: jkt, Binds: true}
	admission, setup := w.makes(a, v.ID, jkt)
	d, err := w.db.RedeemForDevice(w.Context(), r, admission)
	if err != nil {
		w.same("session of a code that made no device", w.alive(v), true)
		return phone{}, err
	}
	w.same("session of a code that made a device", w.alive(v), false)
	return phone{*d, setup}, nil
}

func (w *world) entered(a account.Account, jkt string) phone {
	w.Helper()
	p, err := w.enters(a, jkt, "")
	w.ok(err)
	return p
}

var pinSealed = []byte("sealed key of the PIN")

func (w *world) pinChange(p phone) grant.PINChange {
	return grant.PINChange{
		Platform: p.Platform, Device: p.ID, JKT: p.JKT, Allowed: func(party grant.PartyID) bool { return party == p.Party }, SetupHash: secret.Hash(p.setup),
		Seal: func(account.ID) []byte { return pinSealed }, Event: w.event(audit.PINSet, account.Account{Platform: p.Platform, ID: p.Account}), Now: w.now,
	}
}

// ready is a phone with a PIN.
func (w *world) ready(a account.Account, jkt string) phone {
	w.Helper()
	p := w.entered(a, jkt)
	_, err := w.db.SetPIN(w.Context(), w.pinChange(p))
	w.ok(err)
	return p
}

func (w *world) device(p phone) *grant.Device {
	w.Helper()
	d, _, err := w.db.DeviceByKey(w.Context(), p.Platform, p.Party, p.JKT)
	if !w.found(err) {
		return nil
	}
	return d
}

func (w *world) counts(p phone) (*grant.Try, error) {
	d, _, err := w.db.DeviceByKey(w.Context(), p.Platform, p.Party, p.JKT)
	if err != nil {
		return nil, err
	}
	return w.db.CountTry(w.Context(), d, grant.NewTry(), w.now)
}

func (w *world) pinSignIn(a account.Account, p phone) grant.PINSignIn {
	s := authn.NewSession(secret.ID(), &a, authn.App, []authn.Proof{p.Proof(w.now)}, organisation(a.Platform).Policy, w.now)
	id := grant.ID(secret.ID())
	return grant.PINSignIn{
		Start: authn.SessionStart{Session: s, Cookie: secret.Bytes(32)},
		Grant: grant.Grant{
			ID: id, Platform: a.Platform, Party: p.Party, Account: a.ID, Session: s.ID, Scopes: p.Scopes, JKT: p.JKT, Proofs: s.Proofs,
			StartedAt: w.now, EndsAt: s.EndsAt,
		},
		RefreshHash: secret.Hash(grant.NewToken(id)), RefreshEnds: w.now.Add(time.Hour),
		Events: []audit.Event{w.event(audit.SessionStarted, a)}, Now: w.now,
	}
}

// signsIn gives the right PIN.
func (w *world) signsIn(a account.Account, p phone) grant.PINSignIn {
	w.Helper()
	t, err := w.counts(p)
	w.ok(err)
	in := w.pinSignIn(a, p)
	w.ok(w.db.AcceptTry(w.Context(), t, in))
	return in
}

// wrong gives a wrong one.
func (w *world) wrong(p phone) *grant.Try {
	w.Helper()
	t, err := w.counts(p)
	w.ok(err)
	w.ok(w.db.RefuseTry(w.Context(), t, w.event(audit.PINRefused, w.anna)))
	return t
}

const jkt = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" // RFC 9449 section 6.1

var appDevices = []promise{
	{"a code makes a device once, and ends the session that it was given in", func(w *world) {
		v := w.visit(w.anna)
		g, code := w.newGrant(v, "openid")
		g.JKT = jkt
		w.ok(w.db.Answer(w.Context(), grant.Answered{}, g))
		r := w.redemption(linde, code, "")
		r.RefreshHash, r.Key = nil, grant.Key{JKT: jkt, Binds: true}
		w.exactly(race(func(int) error {
			a, _ := w.makes(w.anna, v.ID, jkt)
			_, err := w.db.RedeemForDevice(w.Context(), r, a)
			return err
		}), 1, fault.Spent)
		w.same("session", w.alive(v), false)
		all, err := w.db.AppDevices(w.Context(), linde, w.anna.ID)
		w.ok(err)
		w.same("devices", len(all), 1)
		w.same("grant", w.given(g), false)
	}},
	{"a code makes no device with another key, verifier or address, nor in a session that has ended", func(w *world) {
		for name, spoil := range map[string]func(*grant.Redemption){
			"key":      func(r *grant.Redemption) { r.Key.JKT = "another" },
			"verifier": func(r *grant.Redemption) { r.Challenge = "another" },
			"redirect": func(r *grant.Redemption) { r.RedirectURI += "x" },
			"time":     func(r *grant.Redemption) { r.Now = r.Now.Add(grant.CodeLife) },
			"session": func(r *grant.Redemption) {
				w.ok(w.db.SaveChange(w.Context(), authn.Change{Platform: linde, End: &authn.End{Account: w.anna.ID, Reason: "test"}}, w.now))
			},
		} {
			v := w.visit(w.anna)
			g, code := w.newGrant(v, "openid")
			g.JKT = jkt
			w.ok(w.db.Answer(w.Context(), grant.Answered{}, g))
			r := w.redemption(linde, code, "")
			r.RefreshHash, r.Key = nil, grant.Key{JKT: jkt, Binds: true}
			spoil(&r)
			a, _ := w.makes(w.anna, v.ID, jkt)
			if _, err := w.db.RedeemForDevice(w.Context(), r, a); !errors.Is(err, fault.NotFound) && !errors.Is(err, fault.Expired) {
				w.Errorf("%s: %v", name, err)
			}
			w.same("device with another "+name, w.device(phone{Device: a.Device}) == nil, true)
		}
	}},
	{"a device is renewed by the same account and key, and removed by another account with that key", func(w *world) {
		first := w.ready(w.anna, jkt)
		in := w.signsIn(w.anna, first)
		w.now = w.now.Add(time.Minute)
		again := w.entered(w.anna, jkt)
		w.same("device", again.ID, first.ID)
		w.same("tokens until the PIN is chosen", w.given(in.Grant), true)
		w.signsIn(w.anna, first) // the old PIN still counts
		w.fails(w.pinError(first), fault.NotFound)
		bram := w.person(linde, "bram@example.org")
		w.declared(bram)
		other := w.entered(bram, jkt)
		w.same("account of the key", w.device(other).Account, bram.ID)
		all, err := w.db.AppDevices(w.Context(), linde, w.anna.ID)
		w.ok(err)
		w.same("devices of anna", len(all), 0)
	}},
	{"all that is queued with a device is saved with it, and nothing of it without", func(w *world) {
		seal := func([]byte, string) []byte { return []byte("sealed") }
		queued := func() authn.Queued {
			q := authn.NewQueued(outbox.To(&w.anna, outbox.AppDevice, w.now), nil, seal)
			q.Events = []audit.Event{w.event(audit.DeviceAdded, w.anna)}
			return q
		}
		for i := range reflect.TypeFor[authn.Queued]().NumField() {
			w.same("parts of a field", reflect.ValueOf(queued()).Field(i).Len(), 1)
		}
		saved := func() []int {
			return []int{len(w.rows("SELECT purpose FROM tickets")), len(w.rows("SELECT id FROM letters")), len(w.kinds())}
		}
		for _, row := range []struct {
			most int
			want []int
		}{{0, []int{0, 0, 0}}, {1, []int{1, 1, 1}}} {
			h := w.showsCode(w.visit(w.anna))
			w.scans(h)
			w.types(h, "42")
			w.clearRecord()
			a, _ := w.makes(w.anna, "", jkt)
			a.Most, a.Follows = row.most, queued()
			_, err := w.db.RedeemHandoff(w.Context(), w.poll(h), a)
			w.same("made", err == nil, row.most > 0)
			w.same("tickets, messages, events", saved(), row.want)
		}
	}},
	{"an account has as many devices as it may, and one makes room for the next only if its owner says so", func(w *world) {
		var all []phone
		for i := range 5 {
			w.now = w.now.Add(time.Second)
			all = append(all, w.entered(w.anna, fmt.Sprintf("key %d", i)))
		}
		_, err := w.enters(w.anna, "sixth", "")
		w.fails(err, fault.Throttled)
		far := w.person(linde, "bram@example.org")
		w.declared(far)
		theirs := w.entered(far, "bram")
		_, err = w.enters(w.anna, "sixth", theirs.ID)
		w.fails(err, fault.Throttled)
		w.same("device of another", w.device(theirs) != nil, true)
		sixth, err := w.enters(w.anna, "sixth", all[2].ID)
		w.ok(err)
		w.same("displaced", w.device(all[2]) == nil, true)
		w.same("sixth", w.device(sixth) != nil, true)
		w.entered(w.anna, "key 1") // one that is there needs no room
	}},
	{"a PIN is chosen once with one token, and the same one again is told apart from another", func(w *world) {
		p := w.entered(w.anna, jkt)
		w.exactly(race(func(int) error {
			_, err := w.db.SetPIN(w.Context(), w.pinChange(p))
			return err
		}), 1, fault.Spent)
		kept, err := w.db.SetPIN(w.Context(), w.pinChange(p))
		w.fails(err, fault.Spent)
		w.same("kept", string(kept), string(pinSealed))
		for name, spoil := range map[string]func(*grant.PINChange){
			"token":    func(c *grant.PINChange) { c.SetupHash = secret.Hash("another") },
			"key":      func(c *grant.PINChange) { c.JKT = "another" },
			"party":    func(c *grant.PINChange) { c.Allowed = func(grant.PartyID) bool { return false } },
			"platform": func(c *grant.PINChange) { c.Platform = wilg },
			"time":     func(c *grant.PINChange) { c.Now = c.Now.Add(grant.SetupLife) },
		} {
			c := w.pinChange(p)
			spoil(&c)
			if _, err := w.db.SetPIN(w.Context(), c); !errors.Is(err, fault.NotFound) {
				w.Errorf("another %s: %v", name, err)
			}
		}
	}},
	{"a new PIN ends what the device had, and its tries start again", func(w *world) {
		p := w.ready(w.anna, jkt)
		in := w.signsIn(w.anna, p)
		for range 4 {
			w.wrong(p)
		}
		next := w.ready(w.anna, jkt)
		w.same("tokens", w.given(in.Grant), false)
		t, err := w.counts(next)
		w.ok(err)
		w.same("before", t.Before, 0)
		w.same("wrong", len(t.Wrong), 1)
	}},
	{"a right PIN starts a session and ends the one before", func(w *world) {
		p := w.ready(w.anna, jkt)
		first := w.signsIn(w.anna, p)
		w.wrong(p)
		second := w.signsIn(w.anna, p)
		w.same("first", w.given(first.Grant), false)
		w.same("second", w.given(second.Grant), true)
		t, err := w.counts(p)
		w.ok(err)
		w.same("before", t.Before, 0)
		w.same("wrong within the month", len(t.Wrong), 2) // the wrong one and this
	}},
	{"of many tries at once one is compared, and the others are not counted", func(w *world) {
		p := w.ready(w.anna, jkt)
		var won *grant.Try
		w.exactly(race(func(int) error {
			t, err := w.counts(p)
			if err == nil {
				won = t
			}
			return err
		}), 1, fault.Throttled)
		w.same("before", won.Before, 0)
		w.now = w.now.Add(grant.ComparingLife)
		t, err := w.counts(p) // its node is gone
		w.ok(err)
		w.same("before", t.Before, 1)
		w.fails(w.db.AcceptTry(w.Context(), won, w.pinSignIn(w.anna, p)), fault.Stale)
		w.ok(w.db.AcceptTry(w.Context(), t, w.pinSignIn(w.anna, p)))
	}},
	{"a right PIN ends the session of the one before, also one that began after the device was read", func(w *world) {
		p := w.ready(w.anna, jkt)
		read := w.device(p)
		first := w.signsIn(w.anna, p)
		t, err := w.db.CountTry(w.Context(), read, grant.NewTry(), w.now)
		w.ok(err)
		second := w.pinSignIn(w.anna, p)
		w.ok(w.db.AcceptTry(w.Context(), t, second))
		for in, lives := range map[*grant.PINSignIn]bool{&first: false, &second: true} {
			_, _, err := w.db.Grant(w.Context(), p.Platform, in.Grant.ID, w.now)
			w.same("grant of a PIN", w.found(err), lives)
		}
	}},
	{"a try is counted only for the device as it was read: its level, its scopes and its PIN", func(w *world) {
		renewed := func(change func(*grant.Admission)) func(phone) {
			return func(p phone) {
				h := w.showsCode(w.visit(w.anna))
				w.scans(h)
				w.types(h, "42")
				a, _ := w.makes(w.anna, "", jkt)
				change(&a)
				_, err := w.db.RedeemHandoff(w.Context(), w.poll(h), a)
				w.ok(err)
			}
		}
		for name, change := range map[string]func(phone){
			"a higher level": renewed(func(a *grant.Admission) { a.Level = authn.TwoFactor }),
			"fewer scopes":   renewed(func(a *grant.Admission) { a.Scopes = []string{"openid"} }),
			"the same again": renewed(func(*grant.Admission) {}),
			"another PIN":    func(phone) { w.now = w.now.Add(time.Second); w.ready(w.anna, jkt) },
		} {
			p := w.ready(w.anna, jkt)
			w.run("UPDATE app_devices SET tries = 0, tried = '', comparing = ''")
			read := w.device(p)
			change(p)
			if _, err := w.db.CountTry(w.Context(), read, grant.NewTry(), w.now); !errors.Is(err, fault.Stale) {
				w.Errorf("%s: %v", name, err)
			}
			w.same(name+": counted", len(w.rows("SELECT id FROM app_devices WHERE tries > 0 OR tried <> '' OR comparing <> ''")), 0)
			t, err := w.counts(p)
			w.ok(err)
			w.same(name+": before", t.Before, 0)
			change(p)
			if err := w.db.AcceptTry(w.Context(), t, w.pinSignIn(w.anna, p)); !errors.Is(err, fault.Stale) {
				w.Errorf("%s, while it is compared: %v", name, err)
			}
			w.same(name+": session", w.device(p).Session, "")
		}
	}},
	{"as many tries are compared as a device stands, also where each node dies with its own", func(w *world) {
		for _, lost := range []bool{false, true} {
			p := w.ready(w.anna, jkt)
			for i := range grant.MaxTries {
				if !lost {
					t := w.wrong(p)
					w.same("left", t.Left(), grant.MaxTries-1-i)
					continue
				}
				_, err := w.counts(p)
				w.ok(err)
				w.now = w.now.Add(grant.ComparingLife)
			}
			_, err := w.counts(p)
			w.fails(err, fault.Refused)
			w.ok(w.db.RemoveTried(w.Context(), w.device(p), "", authn.Change{Platform: linde}, w.now))
			_, err = w.counts(p)
			w.fails(err, fault.NotFound)
		}
	}},
	{"a device is removed for its PINs by nobody but the last try, and not once another PIN was chosen", func(w *world) {
		p := w.ready(w.anna, jkt)
		remove := func(token string) error {
			return w.db.RemoveTried(w.Context(), &p.Device, token, authn.Change{Platform: linde}, w.now)
		}
		for range grant.MaxTries - 1 {
			w.wrong(p)
			w.fails(remove(""), fault.Stale)
		}
		last, err := w.counts(p)
		w.ok(err)
		w.fails(remove(""), fault.Stale) // it is being compared
		w.fails(remove(grant.NewTry()), fault.Stale)
		w.ready(w.anna, jkt)
		w.fails(remove(last.Token), fault.Stale)
		w.fails(w.db.RefuseTry(w.Context(), last, w.event(audit.PINRefused, w.anna)), fault.Stale)
		last, err = w.counts(p)
		w.ok(err)
		w.exactly(race(func(int) error { return remove(last.Token) }), 1, fault.Stale)
		w.same("device", w.device(p) == nil, true)
	}},
	{"wrong PINs of a month add up, whatever is right in between", func(w *world) {
		p := w.ready(w.anna, jkt)
		for i := range grant.MaxWrong {
			w.now = w.now.Add(time.Hour)
			t := w.wrong(p)
			w.same("wrong", len(t.Wrong), i+1)
			if i < grant.MaxWrong-1 {
				w.signsIn(w.anna, p)
			}
		}
		t, err := w.counts(p)
		w.ok(err)
		w.same("comparable", t.Comparable(), false)
		w.now = w.now.Add(grant.WrongWithin)
		t, err = w.counts(p)
		w.ok(err)
		w.same("comparable after a month", t.Comparable(), true)
	}},
	{"a try is settled by nobody else, and not after the device, its PIN or its account changed", func(w *world) {
		for name, change := range map[string]func(phone){
			"another PIN": func(p phone) { w.ready(w.anna, jkt) },
			"removed": func(p phone) {
				w.ok(w.db.RemoveDevice(w.Context(), p.Device, "test", authn.Change{Platform: linde}, w.now))
			},
			"late": func(phone) { w.now = w.now.Add(grant.ComparingLife) },
			"logged out everywhere": func(phone) {
				w.ok(w.db.SaveChange(w.Context(), authn.Change{Platform: linde, End: &authn.End{Account: w.anna.ID, Devices: true}}, w.now))
			},
		} {
			p := w.ready(w.anna, jkt)
			t, err := w.counts(p)
			w.ok(err)
			change(p)
			if err := w.db.AcceptTry(w.Context(), t, w.pinSignIn(w.anna, p)); !errors.Is(err, fault.Stale) {
				w.Errorf("%s: %v", name, err)
			}
			forged := *t
			forged.Token = grant.NewTry()
			w.fails(w.db.AcceptTry(w.Context(), &forged, w.pinSignIn(w.anna, p)), fault.Stale)
		}
	}},
	{"what ends everything of an account removes its devices, and what ends sessions alone leaves them", func(w *world) {
		for name, c := range map[string]struct {
			end   authn.Change
			stays bool
		}{
			"everywhere":  {authn.Change{Platform: linde, End: &authn.End{Account: w.anna.ID, Devices: true}}, false},
			"sessions":    {authn.Change{Platform: linde, End: &authn.End{Account: w.anna.ID}}, true},
			"deactivated": {authn.Change{Platform: linde, Account: &authn.AccountChange{ID: w.anna.ID, Stop: true}}, false},
		} {
			p := w.ready(w.anna, jkt)
			in := w.signsIn(w.anna, p)
			w.ok(w.db.SaveChange(w.Context(), c.end, w.now))
			w.same(name+": tokens", w.given(in.Grant), false)
			if name != "deactivated" {
				w.same(name+": device", w.device(p) != nil, c.stays)
			}
			all, err := w.db.AppDevices(w.Context(), linde, w.anna.ID)
			w.ok(err)
			w.same(name+": listed", len(all) == 1, c.stays)
			if name == "deactivated" {
				w.run("UPDATE accounts SET state = 'active'")
			}
		}
	}},
	{"a device is removed once, by its owner only, and with what it has", func(w *world) {
		p := w.ready(w.anna, jkt)
		in := w.signsIn(w.anna, p)
		for name, spoil := range map[string]func(*grant.Device){
			"owner": func(d *grant.Device) { d.Account = w.far.ID }, "platform": func(d *grant.Device) { d.Platform = wilg },
		} {
			d := p.Device
			spoil(&d)
			if err := w.db.RemoveDevice(w.Context(), d, "test", authn.Change{Platform: linde}, w.now); !errors.Is(err, fault.NotFound) {
				w.Errorf("another %s: %v", name, err)
			}
		}
		w.exactly(race(func(int) error {
			return w.db.RemoveDevice(w.Context(), p.Device, "test", authn.Change{Platform: linde}, w.now)
		}), 1, fault.NotFound)
		w.same("tokens", w.given(in.Grant), false)
		for _, of := range []struct {
			account account.Account
			id      grant.DeviceID
			want    bool
		}{{w.anna, p.ID, true}, {w.far, p.ID, false}, {w.anna, grant.DeviceID(secret.ID()), false}} {
			was, err := w.db.OwnsDevice(w.Context(), of.account.Platform, of.account.ID, of.id)
			w.ok(err)
			w.same("was that of "+string(of.account.ID), was, of.want)
		}
		elsewhere, err := w.db.OwnsDevice(w.Context(), wilg, w.anna.ID, p.ID)
		w.ok(err)
		w.same("was that of the other platform", elsewhere, false)
	}},
	{"no device is made for somebody whose account is not active or is marked", func(w *world) {
		v := w.visit(w.anna)
		g, code := w.newGrant(v, "openid")
		g.JKT = jkt
		w.ok(w.db.Answer(w.Context(), grant.Answered{}, g))
		r := w.redemption(linde, code, "")
		r.RefreshHash, r.Key = nil, grant.Key{JKT: jkt, Binds: true}
		w.mark()
		a, _ := w.makes(w.anna, v.ID, jkt)
		_, err := w.db.RedeemForDevice(w.Context(), r, a)
		w.fails(err, fault.Refused)
	}},
	{"devices of a party that is no mobile app any more are removed for good, and no others", func(w *world) {
		declare := func(p platform.ID, is bool) {
			app := party(p, web)
			app.MobileApp = is
			w.ok(w.db.Declare(w.Context(), storage.Setup{Parties: []grant.Party{app}}, w.now))
		}
		declare(linde, true)
		declare(wilg, true)
		p, fresh, far := w.ready(w.anna, jkt), w.entered(w.anna, "fresh"), w.ready(w.far, jkt)
		in, theirs, v := w.signsIn(w.anna, p), w.signsIn(w.far, far), w.visit(w.anna)
		browser, _ := w.tokens(v, "openid")
		declare(linde, true)
		w.same("an app that stays one", w.given(in.Grant), true)
		declare(linde, false)
		declare(linde, true)
		w.same("with a PIN", w.device(p) == nil, true)
		w.same("without a PIN", w.device(fresh) == nil, true)
		w.same("its tokens", w.given(in.Grant), false)
		w.same("PINs", len(w.rows("SELECT id FROM app_devices WHERE platform = 'linde' AND pin IS NOT NULL")), 0)
		w.same("of another platform", w.device(far) != nil && w.given(theirs.Grant), true)
		w.same("in a browser", w.alive(v) && w.given(browser), true)
		w.signsIn(w.anna, w.ready(w.anna, jkt)) // the same key begins anew
	}},
	{"an unused device is removed after ninety days, and forgotten a month later", func(w *world) {
		p, used := w.ready(w.anna, jkt), w.ready(w.anna, "used")
		w.now = w.now.Add(grant.DeviceUnused - time.Hour)
		w.signsIn(w.anna, used)
		w.now = w.now.Add(time.Hour)
		n, err := w.db.RemoveUnusedDevices(w.Context(), w.now, 10)
		w.ok(err)
		w.same("removed", n, 1)
		w.same("unused", w.device(p) == nil, true)
		w.same("used", w.device(used) != nil, true)
		w.same("rows", len(w.rows("SELECT id FROM app_devices")), 2)
		for _, at := range []time.Duration{0, 31 * 24 * time.Hour} {
			_, err = w.db.CleanUp(w.Context(), w.now.Add(at), 100)
			w.ok(err)
		}
		w.same("rows after a month", len(w.rows("SELECT id FROM app_devices")), 1)
	}},
	{"PINs are sealed anew with everything else", func(w *world) {
		p := w.ready(w.anna, jkt)
		var bindings []string
		_, err := w.db.Reseal(w.Context(), w.event(audit.MasterKeyRotated, w.anna), func(binding string, sealed []byte) ([]byte, error) {
			bindings = append(bindings, binding)
			return append([]byte("new "), sealed...), nil
		})
		w.ok(err)
		w.same("bound to its device", slices.Contains(bindings, p.PINBinding()), true)
		t, err := w.counts(p)
		w.ok(err)
		w.same("sealed", string(t.Sealed), "new "+string(pinSealed))
	}},
	{"after a restore no device is left", func(w *world) {
		p := w.ready(w.anna, jkt)
		ended, err := w.db.EndEverything(w.Context(), w.event(audit.DatabaseRestored, w.anna), w.now)
		w.ok(err)
		w.same("ended", ended.Apps, int64(1))
		w.same("device", w.device(p) == nil, true)
	}},
}

// pinError chooses a PIN with an old token.
func (w *world) pinError(p phone) error {
	_, err := w.db.SetPIN(w.Context(), w.pinChange(p))
	return err
}
