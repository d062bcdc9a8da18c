package storagetest

import (
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

// deletes deletes a party whatever the settings are.
func (w *world) deletes(p platform.ID, id grant.PartyID) (grant.Deletion, error) {
	w.Helper()
	seen, err := w.db.Version(w.Context())
	w.ok(err)
	return w.db.DeleteParty(w.Context(), seen, p, id, []audit.Event{w.deletion(p, id)}, w.now)
}

func (w *world) deletion(p platform.ID, id grant.PartyID) audit.Event {
	return audit.Event{At: w.now, Platform: p, Kind: audit.PartyDeleted, Actor: "cli test", Party: string(id), Outcome: audit.Success}
}

// app registers the party of tests as a mobile app that hears of logouts.
func (w *world) app() {
	w.Helper()
	one := party(linde, web)
	one.MobileApp, one.BackchannelLogoutURI = true, "https://one.example.net/out"
	w.ok(w.db.Declare(w.Context(), storage.Setup{Parties: []grant.Party{one}}, w.now))
}

var deletedParties = []promise{
	{"a deleted party is gone with all that it was given, and nothing else is", func(w *world) {
		w.hearing()
		w.app()
		told, sent := w.visit(w.anna), w.visit(w.anna)
		for _, v := range []visit{told, sent} {
			w.granted(v, web, true, "openid")
			w.granted(v, other, true, "openid")
			w.ok(w.db.EndSession(w.Context(), linde, v.ID, w.event(audit.SessionEnded, w.anna), w.now))
		}
		m, err := w.db.Message(w.Context(), linde, "logout."+sent.ID+"."+string(web))
		w.ok(err)
		w.ok(w.db.SettleMessage(w.Context(), *m, outbox.Sent, "", authn.Change{}, w.now))
		v := w.visit(w.anna)
		_, code := w.code(v, "openid")
		g, refresh := w.tokens(v, "openid")
		offline, late := w.tokens(w.visit(w.anna), "openid", "offline_access")
		others, far := w.granted(v, other, true, "openid"), w.granted(w.visit(w.far), web, true, "openid")
		for _, c := range []struct {
			of account.Account
			to grant.PartyID
		}{{w.anna, web}, {w.anna, other}, {w.far, web}} {
			w.consent(c.of, c.to, w.now)
		}
		pushed := w.pushed()
		theirs := pushed
		theirs.ID, theirs.Party = secret.ID(), other
		w.ok(w.db.Push(w.Context(), theirs, crowd))
		p := w.ready(w.anna, jkt)
		in := w.signsIn(w.anna, p)
		scanned, shown := w.showsCode(w.visit(w.anna)), w.showsCode(w.visit(w.far))
		w.scans(scanned)
		w.now = w.now.Add(time.Second)
		before, err := w.db.Version(w.Context())
		w.ok(err)
		events := w.events()

		held, err := w.db.HeldByParty(w.Context(), linde, web, w.now)
		w.ok(err)
		ended, err := w.deletes(linde, web)
		w.ok(err)
		w.same("held", held, grant.Deletion{Grants: 4, Devices: 1, Consents: 1, Pushed: 1, Logouts: 2}) // one is of the session that became a device
		w.same("ended", ended, held)
		held, err = w.db.HeldByParty(w.Context(), linde, web, w.now)
		w.ok(err)
		w.same("held afterwards", held, grant.Deletion{})
		version, err := w.db.Version(w.Context())
		w.ok(err)
		w.same("version", version, before+1)
		parties, err := w.db.Parties(w.Context())
		w.ok(err)
		var names []string
		for _, p := range parties {
			names = append(names, string(p.Platform)+"/"+string(p.ID))
		}
		w.same("parties", names, []string{"linde/deaf", "linde/linde-other", "wilg/linde-web"})
		w.same("events", w.events(), append([]audit.Event{w.deletion(linde, web)}, events...))

		w.is("gives", w.given(g) || w.given(offline) || w.given(in.Grant), false)
		w.is("refreshed", w.lives(refresh, w.now) || w.lives(late, w.now), false)
		_, err = w.db.Redeem(w.Context(), w.redemption(linde, code, "x"))
		w.fails(err, fault.NotFound)
		_, err = w.db.Pushed(w.Context(), linde, pushed.ID)
		w.fails(err, fault.NotFound)
		_, err = w.db.Consent(w.Context(), linde, w.anna.ID, string(web))
		w.fails(err, fault.NotFound)
		w.is("the device is there", w.device(p) != nil, false)
		w.same("its session", len(w.rows("SELECT id FROM sessions WHERE ended_at IS NULL AND id = '"+in.Start.Session.ID+"'")), 0)
		w.same("a sign-in by QR code", w.handoffNow(scanned).End, grant.HandoffStopped)
		w.same("one that nobody scanned", w.handoffNow(shown).EndedAt.IsZero(), true)

		w.is("the session of the browser lives", w.alive(v), true)
		w.is("what others were given", w.given(others) && w.given(far), true)
		_, err = w.db.Pushed(w.Context(), linde, theirs.ID)
		w.ok(err)
		_, err = w.db.Consent(w.Context(), linde, w.anna.ID, string(other))
		w.ok(err)
		_, err = w.db.Consent(w.Context(), wilg, w.far.ID, string(web))
		w.ok(err)
		want := []string{string(other) + " of " + told.ID, string(other) + " of " + sent.ID, string(web) + " of " + sent.ID}
		slices.Sort(want)
		w.same("messages", w.told(linde), want)
		w.ok(w.db.EndSession(w.Context(), linde, v.ID, w.event(audit.SessionEnded, w.anna), w.now))
		want = append(want, string(other)+" of "+v.ID)
		slices.Sort(want)
		w.same("messages of a session that ends afterwards", w.told(linde), want)
	}},
	{"a party is deleted once, as the settings are, and not another platform's", func(w *world) {
		seen, err := w.db.Version(w.Context())
		w.ok(err)
		w.ok(w.db.Declare(w.Context(), storage.Setup{Parties: []grant.Party{party(linde, "third")}}, w.now))
		before := w.dump()
		_, err = w.db.DeleteParty(w.Context(), seen, linde, web, nil, w.now)
		w.fails(err, fault.Stale)
		_, err = w.deletes(wilg, other)
		w.fails(err, fault.NotFound)
		w.is("unchanged", w.dump() == before, true)
		_, err = w.deletes(linde, web)
		w.ok(err)
		before = w.dump()
		_, err = w.deletes(linde, web)
		w.fails(err, fault.NotFound)
		w.is("unchanged by the second", w.dump() == before, true)
	}},
	{"a party is not deleted when its event is not saved", func(w *world) {
		g, _ := w.tokens(w.visit(w.anna), "openid")
		w.failEvents()
		_, err := w.deletes(linde, web)
		w.is("deleted", err == nil, false)
		parties, err := w.db.Parties(w.Context())
		w.ok(err)
		w.same("parties", len(parties), 3)
		w.is("gives", w.given(g), true)
	}},
	{"deleting a party while codes of it are redeemed and tokens refreshed leaves nothing that works", func(w *world) {
		for range 5 {
			v := w.visit(w.anna)
			g, code := w.code(v, "openid", "offline_access")
			held, refresh := w.tokens(v, "openid", "offline_access")
			first := grant.NewToken(g.ID)
			seen, err := w.db.Version(w.Context())
			w.ok(err)
			for i, err := range race(func(i int) (err error) {
				switch {
				case i == crowd/2:
					_, err = w.db.DeleteParty(w.Context(), seen, linde, web, []audit.Event{w.deletion(linde, web)}, w.now)
				case i%2 == 0:
					_, err = w.db.Redeem(w.Context(), w.redemption(linde, code, first))
				default:
					_, err = w.db.Rotate(w.Context(), w.rotation(refresh))
				}
				return err
			}) {
				if w.notUnavailable(err); i == crowd/2 {
					w.ok(err)
				}
			}
			w.is("refreshed", w.lives(first, w.now) || w.lives(refresh, w.now) || w.lives(next(refresh), w.now), false)
			w.is("gives", w.given(g) || w.given(held), false)
			w.ok(w.db.Declare(w.Context(), storage.Setup{Parties: []grant.Party{party(linde, web)}}, w.now))
		}
	}},
	{"what came too late for a deleted party ends where one of its name is made, and nothing else does", func(w *world) {
		w.app()
		_, err := w.deletes(linde, web)
		w.ok(err)
		v := w.visit(w.anna)
		g, refresh := w.tokens(v, "openid", "offline_access") // at a node that had not noticed
		p := w.ready(w.anna, jkt)
		w.consent(w.anna, web, w.now)
		others, far := w.granted(v, other, true, "openid"), w.granted(w.visit(w.far), web, true, "openid")
		w.consent(w.anna, other, w.now)
		w.now = w.now.Add(time.Second)
		w.ok(w.db.Declare(w.Context(), storage.Setup{Parties: []grant.Party{party(linde, "third"), party(linde, other)}}, w.now))
		w.is("gives, while there is none of its name", w.given(g), true)
		w.app()
		w.is("gives", w.given(g) || w.lives(refresh, w.now), false)
		w.is("the device is there", w.device(p) != nil, false)
		_, err = w.db.Consent(w.Context(), linde, w.anna.ID, string(web))
		w.fails(err, fault.NotFound)
		w.is("what others were given", w.given(others) && w.given(far) && w.alive(v), true)
		_, err = w.db.Consent(w.Context(), linde, w.anna.ID, string(other))
		w.ok(err)
		g, refresh = w.tokens(v, "openid", "offline_access")
		w.consent(w.anna, web, w.now)
		w.app()
		w.is("gives, after it was declared again", w.given(g) && w.lives(refresh, w.now), true)
		_, err = w.db.Consent(w.Context(), linde, w.anna.ID, string(web))
		w.ok(err)
	}},
}
