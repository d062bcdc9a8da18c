package storagetest

import (
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
)

var sessions = []promise{
	{"a session comes back whole, with its account and credentials", func(w *world) {
		v := w.visit(w.anna)
		s, a, err := w.db.Session(w.Context(), linde, secret.Hash(v.cookie), w.now)
		w.ok(err)
		w.same("session", *s, v.Session)
		w.same("account", *a, sortedCredentials(w.anna))
	}},
	{"a session is found until its end, idle or not", func(w *world) {
		v := w.visit(w.anna)
		for at, want := range map[time.Time]bool{v.EndsAt.Add(-time.Millisecond): true, v.EndsAt: false} {
			_, _, err := w.db.Session(w.Context(), linde, secret.Hash(v.cookie), at)
			w.is("found at "+at.String(), w.found(err), want)
		}
	}},
	{"activity is noted at most once a minute, and never after the end", func(w *world) {
		v := w.visit(w.anna)
		seen := func(at time.Time) time.Time {
			w.ok(w.db.TouchSession(w.Context(), linde, v.ID, at))
			s, _, err := w.db.Session(w.Context(), linde, secret.Hash(v.cookie), w.now)
			w.ok(err)
			return s.SeenAt
		}
		w.same("within a minute", seen(w.now.Add(authn.SeenEvery-time.Millisecond)), w.now)
		w.same("after a minute", seen(w.now.Add(authn.SeenEvery)), w.now.Add(authn.SeenEvery))
		w.same("after the end", seen(v.EndsAt), w.now.Add(authn.SeenEvery))
	}},
	{"a pause of half an hour is remembered, whichever visit ends it", func(w *world) {
		v := w.visit(w.anna)
		read := func() authn.Session {
			s, _, err := w.db.Session(w.Context(), linde, secret.Hash(v.cookie), w.now)
			w.ok(err)
			return *s
		}
		w.ok(w.db.TouchSession(w.Context(), linde, v.ID, w.now.Add(authn.StaffPause-time.Millisecond)))
		w.same("no pause yet", read().LeftAt, time.Time{})
		left := read().SeenAt
		w.ok(w.db.TouchSession(w.Context(), linde, v.ID, left.Add(authn.StaffPause)))
		w.same("after a pause", read().LeftAt, left)
		w.ok(w.db.TouchSession(w.Context(), linde, v.ID, left.Add(authn.StaffPause+time.Minute)))
		w.same("a visit later", read().LeftAt, left)
		before := read()
		raised := before.Raised(nil, before.SeenAt.Add(authn.StaffPause))
		cookie := secret.Hash(v.cookie)
		w.ok(w.db.SaveChange(w.Context(), authn.Change{
			Raise: &authn.SessionRaise{Session: raised, From: cookie, To: cookie},
		}, raised.SeenAt))
		w.same("a sign-in after a pause", read().LeftAt, before.SeenAt)
		w.same("as it was said", raised.LeftAt, before.SeenAt)
	}},
	{"the newest sign-ins are found, whatever else happened since, PINs of apps included, and nobody else's", func(w *world) {
		visits := []visit{w.visit(w.anna), w.visit(w.anna), w.visit(w.anna)}
		far := w.event(audit.SessionStarted, w.far)
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Events: []audit.Event{far}}, w.now))
		var want []audit.Event
		for i, v := range visits {
			signedIn, refused := w.event(audit.SessionStarted, w.anna), w.event(audit.PasswordRefused, w.anna)
			signedIn.At, signedIn.Session, signedIn.Reason = w.now.Add(time.Duration(i)*time.Minute), v.ID, "password totp"
			refused.At = signedIn.At.Add(time.Second)
			pin := signedIn
			pin.At, pin.Session, pin.Reason = refused.At, "of a device", authn.PIN
			w.ok(w.db.SaveChange(w.Context(), authn.Change{Events: []audit.Event{signedIn, refused, refused, refused, pin}}, w.now))
			want = append([]audit.Event{signedIn}, want...)
		}
		got, err := w.db.SignIns(w.Context(), linde, w.anna.ID, 2)
		w.ok(err)
		w.same("the last two", got, want[:2])
		got, err = w.db.SignIns(w.Context(), linde, w.anna.ID, 20)
		w.ok(err)
		w.same("all", got, want)
		got, err = w.db.SignIns(w.Context(), wilg, w.anna.ID, 20)
		w.ok(err)
		w.same("on another platform", got, []audit.Event{})
	}},
	{"signing out ends the session and all its grants, once", func(w *world) {
		v, beside := w.visit(w.anna), w.visit(w.anna)
		online, _ := w.tokens(v, "openid")
		offline, refresh := w.tokens(v, "openid", "offline_access")
		kept, _ := w.tokens(beside, "openid")
		_, code := w.code(v, "openid")
		for _, err := range race(func(int) error {
			return w.db.EndSession(w.Context(), linde, v.ID, w.event(audit.SessionEnded, w.anna), w.now)
		}) {
			w.ok(err)
		}
		w.same("events", w.kinds(), []audit.Kind{audit.SessionEnded})
		w.is("session lives", w.alive(v), false)
		w.is("grant gives", w.given(online) || w.given(offline), false)
		_, err := w.db.Rotate(w.Context(), w.rotation(refresh))
		w.fails(err, fault.NotFound)
		_, err = w.db.Redeem(w.Context(), w.redemption(linde, code, secret.Token()))
		w.fails(err, fault.NotFound)
		w.is("the session beside lives", w.alive(beside) && w.given(kept), true)
		w.ok(w.db.EndSession(w.Context(), linde, "unknown", audit.Event{}, w.now))
	}},
	{"two factors that an organisation vouched for count as long as was agreed", func(w *world) {
		v := w.newVisit(w.anna)
		v.Proofs[0].Kinds |= authn.Has
		v.Proofs[0].Upstream = &authn.OnUpstream{Connection: "hof", TwoUntil: w.now.Add(time.Minute)}
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Start: &authn.SessionStart{Session: v.Session, Cookie: secret.Hash(v.cookie)}}, w.now))
		for after, want := range map[time.Duration]authn.ACR{time.Minute: authn.TwoFactor, time.Minute + time.Millisecond: authn.OneFactor} {
			s, _, err := w.db.Session(w.Context(), linde, secret.Hash(v.cookie), w.now.Add(after))
			w.ok(err)
			w.is("counts for "+string(want), authn.ACROf(s.Proofs) == want, true)
		}
	}},
	{"a session does not start from a password that was changed after it was shown", func(w *world) {
		password := w.anna.Credentials[0]
		start := func(version int64) error {
			v := w.newVisit(w.anna)
			v.Proofs = []authn.Proof{{Method: "password", Use: account.Primary, Kinds: authn.Knows, Credential: password.ID, Version: version, At: w.now}}
			return w.db.SaveChange(w.Context(), authn.Change{Start: &authn.SessionStart{Session: v.Session, Cookie: secret.Hash(v.cookie)}}, w.now)
		}
		w.ok(start(0))
		changed := password
		changed.Counter = 1
		w.ok(w.db.SaveChange(w.Context(), authn.Change{
			Platform: linde, Put: []account.Credential{changed}, End: &authn.End{Account: w.anna.ID, Reason: "password"},
		}, w.now))
		w.fails(start(0), fault.Stale)
		w.ok(start(1))
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Retire: []account.CredentialID{password.ID}}, w.now))
		w.fails(start(1), fault.Stale)
	}},
	{"of sign-ins and a change of the password at once no session with the old one is left", func(w *world) {
		password := w.anna.Credentials[0]
		var visits [crowd]visit
		for i := range visits {
			visits[i] = w.newVisit(w.anna)
			visits[i].Proofs = []authn.Proof{{Method: "password", Use: account.Primary, Kinds: authn.Knows, Credential: password.ID, At: w.now}}
		}
		changed := password
		changed.Counter = 1
		race(func(i int) error {
			if i == crowd/2 {
				return w.db.SaveChange(w.Context(), authn.Change{
					Platform: linde, Put: []account.Credential{changed}, End: &authn.End{Account: w.anna.ID, Reason: "password"},
				}, w.now)
			}
			return w.db.SaveChange(w.Context(), authn.Change{Start: &authn.SessionStart{Session: visits[i].Session, Cookie: secret.Hash(visits[i].cookie)}}, w.now)
		})
		for _, v := range visits {
			w.is("session lives", w.alive(v), false)
		}
	}},
	{"a session does not start from a second factor that was retired after it was shown", func(w *world) {
		phone := w.anna.Credentials[1]
		start := func(c authn.Change) error {
			v := w.newVisit(w.anna)
			v.Proofs = []authn.Proof{{Method: "totp", Use: account.Second, Kinds: authn.Has, Credential: phone.ID, At: w.now}}
			c.Start = &authn.SessionStart{Session: v.Session, Cookie: secret.Hash(v.cookie)}
			return w.db.SaveChange(w.Context(), c, w.now)
		}
		w.ok(start(authn.Change{}))
		next := w.credential(w.anna, "sms", account.Second, 0)
		// The journey that replaces it showed it before.
		w.ok(start(authn.Change{Retire: []account.CredentialID{phone.ID}, Put: []account.Credential{next}, End: &authn.End{Account: w.anna.ID, Reason: "changed"}}))
		w.fails(start(authn.Change{}), fault.Stale)
	}},
	{"of sign-ins and a change of the second factor at once no session with the old one is left", func(w *world) {
		phone := w.anna.Credentials[1]
		var visits [crowd]visit
		for i := range visits {
			visits[i] = w.newVisit(w.anna)
			visits[i].Proofs = append(visits[i].Proofs, authn.Proof{Method: "totp", Use: account.Second, Kinds: authn.Has, Credential: phone.ID, At: w.now})
		}
		next := w.credential(w.anna, "totp", account.Second, 1)
		race(func(i int) error {
			if i == crowd/2 {
				return w.db.SaveChange(w.Context(), authn.Change{
					Platform: linde, Retire: []account.CredentialID{phone.ID}, Put: []account.Credential{next},
					End: &authn.End{Account: w.anna.ID, Reason: "changed"},
				}, w.now)
			}
			return w.db.SaveChange(w.Context(), authn.Change{Start: &authn.SessionStart{Session: visits[i].Session, Cookie: secret.Hash(visits[i].cookie)}}, w.now)
		})
		for _, v := range visits {
			w.is("session lives", w.alive(v), false)
		}
	}},
	{"a new session ends the one it replaces, with its grants", func(w *world) {
		v, fresh := w.visit(w.anna), w.newVisit(w.anna)
		online, _ := w.tokens(v, "openid")
		offline, _ := w.tokens(v, "openid", "offline_access")
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Start: &authn.SessionStart{
			Session: fresh.Session, Cookie: secret.Hash(fresh.cookie), Replaces: secret.Hash(v.cookie),
		}}, w.now))
		w.is("old session lives", w.alive(v), false)
		w.is("old grant gives", w.given(online) || w.given(offline), false)
		w.is("new session lives", w.alive(fresh), true)
	}},
	{"a session is raised by one of a hundred, and its old cookie opens nothing", func(w *world) {
		v := w.visit(w.anna)
		raised := v.Raised([]authn.Proof{{Method: "totp", Use: account.Second, Kinds: authn.Has, AMR: []string{"otp"}, At: w.now}}, w.now.Add(time.Second))
		cookies := make([]string, crowd)
		ended := race(func(i int) error {
			cookies[i] = secret.Token()
			return w.db.SaveChange(w.Context(), authn.Change{Raise: &authn.SessionRaise{
				Session: raised, From: secret.Hash(v.cookie), To: secret.Hash(cookies[i]),
			}}, w.now)
		})
		w.onlyOne(ended, fault.Stale)
		w.is("old cookie opens", w.alive(v), false)
		for i, err := range ended {
			s, _, found := w.db.Session(w.Context(), linde, secret.Hash(cookies[i]), w.now)
			w.is("new cookie opens", w.found(found), err == nil)
			if err == nil {
				w.same("session", *s, raised)
			}
		}
	}},
	{"a session that has ended is not raised", func(w *world) {
		v := w.visit(w.anna)
		w.ok(w.db.EndSession(w.Context(), linde, v.ID, w.event(audit.SessionEnded, w.anna), w.now))
		raise := authn.Change{Raise: &authn.SessionRaise{Session: v.Session, From: secret.Hash(v.cookie), To: secret.Hash(secret.Token())}}
		w.fails(w.db.SaveChange(w.Context(), raise, w.now), fault.Stale)
	}},
	{"signing out while codes are given leaves no code that can be redeemed", func(w *world) {
		v := w.visit(w.anna)
		codes := make([]string, crowd)
		race(func(i int) error {
			if i == crowd/2 {
				return w.db.EndSession(w.Context(), linde, v.ID, w.event(audit.SessionEnded, w.anna), w.now)
			}
			g, code := w.newGrant(v, "openid", "offline_access")
			codes[i] = code
			return w.db.Answer(w.Context(), grant.Answered{}, g)
		})
		for _, code := range codes {
			_, err := w.db.Redeem(w.Context(), w.redemption(linde, code, secret.Token()))
			w.fails(err, fault.NotFound)
		}
	}},
	{"sign-in, sign-out, raising, refreshing and deactivation at once never wait for each other", func(w *world) {
		v, fresh := w.visit(w.anna), make([]visit, crowd)
		_, refresh := w.tokens(v, "openid")
		for i := range fresh {
			fresh[i] = w.newVisit(w.anna)
		}
		for _, err := range race(func(i int) error {
			switch i % 5 {
			case 0:
				return w.db.SaveChange(w.Context(), authn.Change{
					Start: &authn.SessionStart{Session: fresh[i].Session, Cookie: secret.Hash(fresh[i].cookie), Replaces: secret.Hash(v.cookie)},
					Put:   []account.Credential{w.anna.Credentials[0]},
				}, w.now)
			case 1:
				return w.db.EndSession(w.Context(), linde, v.ID, w.event(audit.SessionEnded, w.anna), w.now)
			case 2:
				return w.db.SaveChange(w.Context(), authn.Change{Raise: &authn.SessionRaise{
					Session: v.Session, From: secret.Hash(v.cookie), To: secret.Hash(v.cookie),
				}}, w.now)
			case 3:
				_, err := w.db.Rotate(w.Context(), w.rotation(refresh))
				return err
			}
			state := []account.State{account.Active, account.Deactivated}[i/5%2]
			return w.db.SetState(w.Context(), linde, w.anna.ID, state, w.event(audit.AccountChanged, w.anna), w.now)
		}) {
			w.notUnavailable(err)
		}
	}},
}
