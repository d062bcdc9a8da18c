package storagetest

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/storage"
)

var safety = []promise{
	// CVE-2025-64431, CVE-2025-27507
	{"another platform sees and changes nothing", func(w *world) {
		v := w.visit(w.anna)
		g, code := w.code(v, "openid")
		given, refresh := w.tokens(v, "openid")
		j, r := w.journey()
		r.Browser = nil
		w.ok(w.db.SaveRequest(w.Context(), r))
		w.start(j)
		ctx := w.Context()
		foreign := j
		foreign.Platform = wilg
		unstored, _ := w.first()
		unstored.Platform = wilg
		farRequest := r
		farRequest.Platform, farRequest.Browser = wilg, secret.Hash("x")
		before := w.dump()
		session := v.Session
		session.Platform = wilg
		rotation := w.rotation(refresh)
		rotation.Platform = wilg
		e := w.event(audit.SessionEnded, w.far)
		for name, call := range map[string]func() error{
			"Account":       func() error { _, err := w.db.Account(ctx, wilg, w.anna.ID); return err },
			"SetState":      func() error { return w.db.SetState(ctx, wilg, w.anna.ID, account.Deactivated, e, w.now) },
			"Journey":       func() error { _, err := w.db.Journey(ctx, wilg, j.ID); return err },
			"Session":       func() error { _, _, err := w.db.Session(ctx, wilg, secret.Hash(v.cookie), w.now); return err },
			"Request":       func() error { _, err := w.db.Request(ctx, wilg, r.ID); return err },
			"BindRequest":   func() error { return w.db.BindRequest(ctx, farRequest) },
			"Redeem":        func() error { _, err := w.db.Redeem(ctx, w.redemption(wilg, code, secret.Token())); return err },
			"Rotate":        func() error { _, err := w.db.Rotate(ctx, rotation); return err },
			"Grant":         func() error { _, _, err := w.db.Grant(ctx, wilg, given.ID, w.now); return err },
			"LiveGrant":     func() error { _, err := w.db.LiveGrant(ctx, wilg, given.ID, w.now); return err },
			"EndGrant":      func() error { return w.db.EndGrant(ctx, given.ID, w.ending(wilg, web)) },
			"RevokeRefresh": func() error { return w.db.RevokeRefresh(ctx, presented(refresh), w.ending(wilg, web)) },
			"Answered":      func() error { return w.db.SaveChange(ctx, authn.Change{Platform: wilg, Answered: r.ID}, w.now) },
		} {
			if w.fails(call(), fault.NotFound); w.Failed() {
				w.Fatal(name)
			}
		}
		w.fails(w.db.SaveChange(ctx, authn.Change{Journey: &foreign}, w.now), fault.Stale)
		w.fails(w.db.SaveChange(ctx, authn.Change{Journey: &unstored}, w.now), fault.Stale)
		w.fails(w.db.SaveChange(ctx, authn.Change{Raise: &authn.SessionRaise{
			Session: session, From: secret.Hash(v.cookie), To: secret.Hash("x"),
		}}, w.now), fault.Refused)
		fresh := w.newVisit(w.anna)
		fresh.Platform = wilg
		w.fails(w.db.SaveChange(ctx, authn.Change{Start: &authn.SessionStart{Session: fresh.Session, Cookie: secret.Hash("y")}}, w.now), fault.Refused)
		g.Platform = wilg
		w.fails(w.db.Answer(ctx, grant.Answered{}, g), fault.Refused)
		w.ok(w.db.TouchSession(ctx, wilg, v.ID, w.now.Add(time.Hour)))
		w.ok(w.db.EndSession(ctx, wilg, v.ID, e, w.now))
		w.ok(w.db.EndAccess(ctx, wilg, w.anna.ID, v.ID, web, e, w.now))
		w.ok(w.db.WithdrawConsent(ctx, wilg, w.anna.ID, web, e, w.now))
		seen, err := w.db.Access(ctx, wilg, w.anna.ID, w.now)
		w.ok(err)
		w.same("access", seen, []grant.Access(nil))
		accounts, err := w.db.Accounts(ctx, wilg, "", 10)
		w.ok(err)
		w.same("accounts", accounts, []account.Account{sortedCredentials(w.far)})
		events, err := w.db.Events(ctx, wilg, 10)
		w.ok(err)
		w.same("events", events, []audit.Event(nil))
		w.is("unchanged", w.dump() == before, true)
	}},
	{"a session of another platform is not replaced", func(w *world) {
		v, fresh := w.visit(w.anna), w.newVisit(w.far)
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Start: &authn.SessionStart{
			Session: fresh.Session, Cookie: secret.Hash(fresh.cookie), Replaces: secret.Hash(v.cookie),
		}}, w.now))
		w.is("session lives", w.alive(v), true)
	}},
	{"identifiers from outside may be anything", func(w *world) {
		for _, id := range []string{"", "'", "%", "\x00", "a\x00b", "\xff\xfe", strings.Repeat("x", 1<<16)} {
			_, err := w.db.Journey(w.Context(), linde, id)
			w.fails(err, fault.NotFound)
			_, err = w.db.Request(w.Context(), linde, id)
			w.fails(err, fault.NotFound)
			_, err = w.db.AccountByEmail(w.Context(), linde, id)
			w.fails(err, fault.NotFound)
		}
	}},
	{"no cookie, code or token is stored in the clear", func(w *world) {
		v := w.visit(w.anna)
		g, code := w.newGrant(v, "openid", "offline_access")
		r := w.request()
		w.ok(w.db.Answer(w.Context(), grant.Answered{Request: r.ID}, g))
		refresh := grant.NewToken(g.ID)
		_, err := w.db.Redeem(w.Context(), w.redemption(linde, code, refresh))
		w.ok(err)
		_, err = w.db.Rotate(w.Context(), w.rotation(refresh))
		w.ok(err)
		all := w.dump()
		for name, token := range map[string]string{
			"cookie": v.cookie, "code": code, "refresh token": refresh, "its successor": next(refresh), "verifier": verifier,
		} {
			if _, random, ok := strings.Cut(token, "."); ok {
				token = random
			}
			raw, err := base64.RawURLEncoding.DecodeString(token)
			w.ok(err)
			w.is(name+" stored", strings.Contains(all, token) || strings.Contains(all, string(raw)), false)
		}
		// The same look finds what is stored.
		for name, text := range map[string]string{
			"hash of the cookie": string(secret.Hash(v.cookie)), "hash of the code": string(secret.Hash(code)),
			"hash of the token": string(secret.Hash(next(refresh))), "address": "anna@example.org",
		} {
			w.is(name+" stored", strings.Contains(all, text), true)
		}
	}},
	{"a change that fails half-way leaves nothing behind", func(w *world) {
		v := w.visit(w.anna)
		given, refresh := w.tokens(v, "openid")
		_, code := w.code(v, "openid")
		_, err := w.db.Redeem(w.Context(), w.redemption(linde, code, secret.Token()))
		w.ok(err)
		j, r := w.journey()
		w.ok(w.db.SaveRequest(w.Context(), r))
		w.start(j)
		_, err = w.db.CountAttempt(w.Context(), linde, guess, w.now)
		w.ok(err)
		w.failEvents()
		before := w.dump()
		fresh := w.newVisit(w.anna)
		e := w.event(audit.SessionStarted, w.anna)
		j.Failures = 7
		stopped := w.person(linde, "new@example.org")
		stopped.State = account.Deactivated
		for name, call := range map[string]func() error{
			"SaveChange, start": func() error {
				return w.db.SaveChange(w.Context(), authn.Change{
					Journey: &j, Answered: r.ID, Forgive: []string{guess.Owner}, Put: []account.Credential{w.credential(w.anna, "sms", account.Recovery, 0)},
					Start:  &authn.SessionStart{Session: fresh.Session, Cookie: secret.Hash(fresh.cookie), Replaces: secret.Hash(v.cookie)},
					Events: []audit.Event{e},
				}, w.now)
			},
			"SaveChange, raise": func() error {
				return w.db.SaveChange(w.Context(), authn.Change{
					Journey: &j, Raise: &authn.SessionRaise{Session: v.Session, From: secret.Hash(v.cookie), To: secret.Hash("x")}, Events: []audit.Event{e},
				}, w.now)
			},
			"EndSession": func() error { return w.db.EndSession(w.Context(), linde, v.ID, e, w.now) },
			"SetState":   func() error { return w.db.SetState(w.Context(), linde, w.anna.ID, account.Deactivated, e, w.now) },
			"Declare": func() error {
				return w.db.Declare(w.Context(), storage.Setup{Accounts: []account.Account{stopped, w.anna}, Events: []audit.Event{e}}, w.now)
			},
			"EndGrant":       func() error { return w.db.EndGrant(w.Context(), given.ID, w.ending(linde, web)) },
			"RevokeRefresh":  func() error { return w.db.RevokeRefresh(w.Context(), presented(refresh), w.ending(linde, web)) },
			"Redeem, replay": func() error { _, err := w.db.Redeem(w.Context(), w.redemption(linde, code, "x")); return err },
		} {
			if err := call(); err == nil || !strings.Contains(err.Error(), "no events today") {
				w.Errorf("%s: got error %v, want that of the trigger", name, err)
			}
			if after := w.dump(); after != before {
				w.Fatalf("%s left something behind: got\n%s\nwant\n%s", name, after, before)
			}
		}
	}},
	{"an answer in time or none: a context that is over is unavailable", func(w *world) {
		ctx, cancel := context.WithCancel(w.Context())
		cancel()
		_, err := w.db.Account(ctx, linde, w.anna.ID)
		w.fails(err, fault.Unavailable)
		w.fails(w.db.SaveChange(ctx, authn.Change{Forgive: []string{"key"}, Platform: linde}, w.now), fault.Unavailable)
		_, err = w.db.Version(w.Context())
		w.ok(err)
	}},
}

// failEvents makes every new event fail, inside the database, so that no code of ours has to be made to fail.
func (w *world) failEvents() {
	w.Helper()
	const message = "no events today"
	if w.postgres() {
		w.run(fmt.Sprintf(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '%s'; END $$`, message),
			`CREATE TRIGGER refuse BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION refuse()`)
		return
	}
	w.run(fmt.Sprintf(`CREATE TRIGGER refuse BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, '%s'); END`, message))
}
