package storagetest

import (
	"slices"
	"strings"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/staff"
	"github.com/minddistrict/idp/storage"
)

// sortedCredentials is the account with its credentials in the order in which they are loaded.
func sortedCredentials(a account.Account) account.Account {
	a.Credentials = slices.Clone(a.Credentials)
	slices.SortFunc(a.Credentials, func(x, y account.Credential) int {
		return 2*x.AddedAt.Compare(y.AddedAt) + strings.Compare(string(x.ID), string(y.ID))
	})
	return a
}

var accounts = []promise{
	{"accounts come back whole, by address and by identifier, on their own platform", func(w *world) {
		for _, want := range []account.Account{w.anna, w.far} {
			byEmail, err := w.db.AccountByEmail(w.Context(), want.Platform, "anna@example.org")
			w.ok(err)
			w.same("by address", *byEmail, sortedCredentials(want))
			byID, err := w.db.Account(w.Context(), want.Platform, want.ID)
			w.ok(err)
			w.same("by identifier", *byID, sortedCredentials(want))
		}
		_, err := w.db.AccountByEmail(w.Context(), linde, "nobody@example.org")
		w.fails(err, fault.NotFound)
	}},
	{"an account may have no credentials, and no times", func(w *world) {
		a := w.person(linde, "bare@example.org")
		a.Credentials, a.EmailVerifiedAt, a.UpdatedAt, a.State = nil, time.Time{}, time.Time{}, account.Invited
		w.ok(w.db.Declare(w.Context(), storage.Setup{Accounts: []account.Account{a}}, w.now))
		got, err := w.db.Account(w.Context(), linde, a.ID)
		w.ok(err)
		w.same("account", *got, a)
	}},
	{"accounts are listed page by page, each once", func(w *world) {
		people := []account.Account{w.anna}
		for _, address := range []string{"b@example.org", "c@example.org", "d@example.org", "e@example.org"} {
			people = append(people, w.person(linde, address))
		}
		w.ok(w.db.Declare(w.Context(), storage.Setup{Accounts: people}, w.now))
		var got []account.Account
		for {
			var last account.ID
			if len(got) > 0 {
				last = got[len(got)-1].ID
			}
			page, err := w.db.Accounts(w.Context(), linde, last, 2)
			w.ok(err)
			if len(page) == 0 {
				break
			}
			got = append(got, page...)
		}
		slices.SortFunc(people, func(a, b account.Account) int { return strings.Compare(string(a.ID), string(b.ID)) })
		for i := range people {
			people[i] = sortedCredentials(people[i])
		}
		w.same("accounts", got, people)
	}},
	{"what is told with a state, or with the end of a session, is queued with it, and only where something changed", func(w *world) {
		told := func() int { return len(w.rows("SELECT id FROM letters")) }
		v := w.visit(w.anna)
		tells := func() []outbox.Message {
			return []outbox.Message{{
				ID: secret.ID(), Platform: linde, Account: w.anna.ID, Kind: outbox.DeviceOutByStaff, Recipient: outbox.Mail, Locale: "nl",
				Sealed: []byte("sealed"), QueuedAt: w.now, ExpiresAt: w.now.Add(time.Hour),
			}}
		}
		for range 2 {
			w.ok(w.db.EndSessionBy(w.Context(), linde, v.ID, w.event(audit.SessionEnded, w.anna), tells(), w.now))
			w.same("told of the session", told(), 1)
		}
		stopped := staff.StateChange{State: account.Deactivated, Event: w.event(audit.AccountDeactivated, w.anna)}
		stopped.Event.At = w.now.Add(time.Millisecond) // so that the record has an order
		for range 2 {
			stopped.Tells = tells()
			w.ok(w.db.ApplyStateChange(w.Context(), linde, w.anna.ID, stopped, w.now))
			w.same("told of the state", told(), 2)
		}
		w.same("events", w.kinds(), []audit.Kind{audit.AccountDeactivated, audit.SessionEnded})
	}},
	{"an account that is deactivated loses session, code, grant and refresh token, for good", func(w *world) {
		v := w.visit(w.anna)
		online, refresh := w.tokens(v, "openid")
		offline, offlineRefresh := w.tokens(v, "openid", "offline_access")
		_, code := w.code(v, "openid")
		stopped := w.event(audit.AccountDeactivated, w.anna)
		w.ok(w.db.SetState(w.Context(), linde, w.anna.ID, account.Deactivated, stopped, w.now))
		w.ok(w.db.SetState(w.Context(), linde, w.anna.ID, account.Deactivated, stopped, w.now)) // no change, no event
		w.same("events", w.kinds(), []audit.Kind{audit.AccountDeactivated})

		refused := func() {
			w.is("session lives", w.alive(v), false)
			w.is("grant gives", w.given(online) || w.given(offline), false)
			_, err := w.db.Redeem(w.Context(), w.redemption(linde, code, secret.Token()))
			w.fails(err, fault.NotFound)
			for _, token := range []string{refresh, offlineRefresh} {
				_, err := w.db.Rotate(w.Context(), w.rotation(token))
				w.fails(err, fault.NotFound)
			}
			g, _ := w.newGrant(v, "openid")
			w.fails(w.db.Answer(w.Context(), grant.Answered{}, g), fault.Refused)
		}
		refused()
		again := w.newVisit(w.anna)
		w.fails(w.db.SaveChange(w.Context(), authn.Change{Start: &authn.SessionStart{Session: again.Session, Cookie: secret.Hash(again.cookie)}}, w.now), fault.Refused)
		w.fails(w.db.SaveChange(w.Context(), authn.Change{Raise: &authn.SessionRaise{
			Session: v.Session, From: secret.Hash(v.cookie), To: secret.Hash(secret.Token()),
		}}, w.now), fault.Refused)

		w.ok(w.db.SetState(w.Context(), linde, w.anna.ID, account.Active, w.event(audit.AccountReactivated, w.anna), w.now))
		refused()
		w.is("a new session lives", w.alive(w.visit(w.anna)), true)
		w.fails(w.db.SetState(w.Context(), linde, "nobody", account.Active, audit.Event{}, w.now), fault.NotFound)
	}},
	{"signing in while being deactivated leaves nothing that comes back to life", func(w *world) {
		visits := make([]visit, crowd)
		for i := range visits {
			visits[i] = w.newVisit(w.anna)
		}
		for i, err := range race(func(i int) error {
			if i == crowd/2 {
				return w.db.SetState(w.Context(), linde, w.anna.ID, account.Deactivated, w.event(audit.AccountDeactivated, w.anna), w.now)
			}
			return w.db.SaveChange(w.Context(), authn.Change{Start: &authn.SessionStart{Session: visits[i].Session, Cookie: secret.Hash(visits[i].cookie)}}, w.now)
		}) {
			if err != nil {
				w.fails(err, fault.Refused)
			}
			w.is("deactivation refused", i == crowd/2 && err != nil, false)
		}
		w.ok(w.db.SetState(w.Context(), linde, w.anna.ID, account.Active, w.event(audit.AccountReactivated, w.anna), w.now))
		for _, v := range visits {
			w.is("session lives", w.alive(v), false)
		}
	}},
	{"a counter only rises, and one value of it counts once", func(w *world) {
		totp := w.anna.Credentials[1]
		totp.Counter, totp.UsedAt = 42, w.now
		w.onlyOne(race(func(int) error {
			return w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Put: []account.Credential{totp}}, w.now)
		}), fault.Stale)
		totp.Counter = 41
		w.fails(w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Put: []account.Credential{totp}}, w.now), fault.Stale)
		got, err := w.db.Account(w.Context(), linde, w.anna.ID)
		w.ok(err)
		stored, _ := got.Credential("totp")
		w.same("counter", stored.Counter, int64(42))
	}},
	{"a credential is added, replaced and retired by a change, and stays retired", func(w *world) {
		put := func(c account.Credential) error {
			return w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Put: []account.Credential{c}}, w.now)
		}
		added := w.credential(w.anna, "sms", account.Recovery, 0)
		w.ok(put(added))
		added.Label, added.Sealed, added.UsedAt = "SMS, eindigt op 16", secret.Bytes(50), w.now
		w.ok(put(added))
		got, err := w.db.Account(w.Context(), linde, w.anna.ID)
		w.ok(err)
		stored, _ := got.Credential("sms")
		w.same("credential", stored, added)

		retired := added
		retired.RetiredAt = w.now
		w.ok(put(retired))
		w.fails(put(added), fault.Stale)
		got, err = w.db.Account(w.Context(), linde, w.anna.ID)
		w.ok(err)
		_, usable := got.Credential("sms")
		w.is("usable", usable, false)

		stolen := w.anna.Credentials[0]
		stolen.Account = w.person(linde, "other@example.org").ID
		w.fails(put(stolen), fault.Stale) // a credential never changes hands
	}},
	{"of a hundred second factors that are set up at once one is saved, and a new one takes the place of the old", func(w *world) {
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Retire: []account.CredentialID{w.anna.Credentials[1].ID}}, w.now))
		var made [crowd]account.Credential
		for i := range made {
			made[i] = w.credential(w.anna, "sms", account.Second, 0)
		}
		w.onlyOne(race(func(i int) error {
			return w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Put: []account.Credential{made[i]}}, w.now)
		}), fault.Taken)
		got, err := w.db.Account(w.Context(), linde, w.anna.ID)
		w.ok(err)
		old, _ := got.Credential("sms")
		w.ok(w.db.SaveChange(w.Context(), authn.Change{
			Platform: linde, Retire: []account.CredentialID{old.ID}, Put: []account.Credential{w.credential(w.anna, "totp", account.Second, 1)},
		}, w.now))
		got, err = w.db.Account(w.Context(), linde, w.anna.ID)
		w.ok(err)
		w.same("second factors", got.SecondMethods(), []string{"totp"})
	}},
}
