package storagetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/storage"
)

// Endings are all ways in which sessions end, each with the condition of package storage that it goes by. A test there
// demands that each condition is here.
var Endings = []struct {
	Condition string
	Way       string
	end       func(*world, visit) error
}{
	{"endsOne", "signing out", func(w *world, v visit) error {
		return w.db.EndSession(w.Context(), linde, v.ID, w.event(audit.SessionEnded, w.anna), w.now)
	}},
	{"endsOthers", "a new password, another factor, signing out elsewhere", func(w *world, _ visit) error {
		return w.db.SaveChange(w.Context(), authn.Change{
			Platform: linde, Put: w.anna.Credentials[:1], End: &authn.End{Account: w.anna.ID, Except: w.visit(w.anna).ID, Reason: "password"},
		}, w.now)
	}},
	{"endsOthers", "a forgotten password, or staff", func(w *world, _ visit) error {
		return w.db.SaveChange(w.Context(), authn.Change{Platform: linde, End: &authn.End{Account: w.anna.ID, Reason: "reset"}}, w.now)
	}},
	{"endsOfAccount", "a deactivation", func(w *world, _ visit) error {
		return w.db.SetState(w.Context(), linde, w.anna.ID, account.Deactivated, w.event(audit.AccountDeactivated, w.anna), w.now)
	}},
	{"endsOfAccount", "a file that deactivates", func(w *world, _ visit) error {
		gone := w.anna
		gone.State = account.Deactivated
		return w.db.Declare(w.Context(), storage.Setup{Accounts: []account.Account{gone}}, w.now)
	}},
	{"endsReplaced", "signing in as somebody else in the same browser", func(w *world, v visit) error {
		next := w.newVisit(w.anna)
		return w.db.SaveChange(w.Context(), authn.Change{Start: &authn.SessionStart{
			Session: next.Session, Cookie: secret.Hash(next.cookie), Replaces: secret.Hash(v.cookie),
		}}, w.now)
	}},
	{"endsOfDevices", "a device that comes of its code", func(w *world, v visit) error {
		g, code := w.newGrant(v, "openid")
		g.JKT = jkt
		w.ok(w.db.Answer(w.Context(), grant.Answered{}, g))
		r := w.redemption(linde, code, "")
		r.RefreshHash, r.Key = nil, grant.Key{JKT: jkt, Binds: true}
		a, _ := w.makes(w.anna, v.ID, jkt)
		_, err := w.db.RedeemForDevice(w.Context(), r, a)
		return err
	}},
	{"endsOfParty", "a file by which the party of its device is no mobile app any more", func(w *world, v visit) error {
		w.run(`INSERT INTO app_devices (
			id, platform, account, party, jkt, name, network, way, level, scopes, claims,
				session, setup_hash, setup_ends_at, added_at, seen_at)
			VALUES ('phone', 'linde', '` + string(w.anna.ID) + `', '` + string(web) + `', 'key', '', '', 'qr', '', 'openid', '{}',
				'` + v.ID + `', '1', 1, 1, 1)`)
		one := party(linde, web)
		one.BackchannelLogoutURI = "https://one.example.net/out"
		return w.db.Declare(w.Context(), storage.Setup{Parties: []grant.Party{one}}, w.now)
	}},
	{"endsOverdue", "its time", func(w *world, v visit) error {
		w.now = v.EndsAt
		n, err := w.db.EndOverdue(w.Context(), w.now, 10)
		w.same("sessions", n, 1)
		return err
	}},
	{"endsAllSessions", "a restored backup", func(w *world, _ visit) error {
		_, err := w.db.EndEverything(w.Context(), w.event(audit.DatabaseRestored, w.anna), w.now)
		return err
	}},
}

// hearing registers two parties anew, so that they hear of sessions that end, and one that does not.
func (w *world) hearing() {
	w.Helper()
	one, two := party(linde, web), party(linde, other)
	one.BackchannelLogoutURI, two.BackchannelLogoutURI = "https://one.example.net/out", "https://two.example.net/out"
	w.ok(w.db.Declare(w.Context(), storage.Setup{Parties: []grant.Party{one, two, party(linde, "deaf"), party(wilg, web)}}, w.now))
}

// granted gives a party what it gets from a sign-in; not redeemed: a code only.
func (w *world) granted(v visit, to grant.PartyID, redeemed bool, scopes ...string) grant.Grant {
	w.Helper()
	challenge, _ := grant.ChallengeOf(verifier)
	p := party(v.Platform, to)
	g, code := grant.New(&grant.AuthRequest{
		Platform: v.Platform, Party: to, RedirectURI: callback, Scopes: scopes, Challenge: challenge,
	}, &v.Session, &p, w.now)
	w.ok(w.db.Answer(w.Context(), grant.Answered{}, g))
	if redeemed {
		r := w.redemption(v.Platform, code, grant.NewToken(g.ID))
		r.Party = to
		_, err := w.db.Redeem(w.Context(), r)
		w.ok(err)
	}
	return g
}

// told lists the parties that are to be told, each with the session.
func (w *world) told(p platform.ID) (all []string) {
	w.Helper()
	letters, err := w.db.Messages(w.Context(), p, 1000)
	w.ok(err)
	for _, m := range letters {
		if m.Kind == outbox.Logout {
			all = append(all, m.Party+" of "+m.Session)
		}
	}
	slices.Sort(all)
	return all
}

var endings = func() (all []promise) {
	for _, e := range Endings {
		all = append(all, promise{"each party that was given something and wants to hear of it is told of a session that ends by " + e.Way, func(w *world) {
			w.hearing()
			v := w.visit(w.anna)
			for _, g := range []struct {
				to     grant.PartyID
				scopes string
			}{{web, "openid"}, {web, "openid email"}, {other, "openid offline_access"}, {"deaf", "openid"}} {
				w.granted(v, g.to, true, strings.Fields(g.scopes)...)
			}
			w.same("told before", len(w.told(linde)), 0)
			w.ok(e.end(w, v))
			w.is("session lives", w.alive(v), false)
			want := []string{string(other) + " of " + v.ID, string(web) + " of " + v.ID}
			w.same("told", w.told(linde), want)
			w.same("told on another platform", len(w.told(wilg)), 0)
			m, err := w.db.Message(w.Context(), linde, "logout."+v.ID+"."+string(web))
			w.ok(err)
			w.same("message", *m, outbox.Message{
				ID: m.ID, Platform: linde, Account: w.anna.ID, Kind: outbox.Logout, Recipient: outbox.URL, Party: string(web), Session: v.ID,
				QueuedAt: w.now, ExpiresAt: w.now.Add(outbox.Kinds[outbox.Logout].Life),
			})
			// Whatever ends it once more, or ends all else: nobody is told twice.
			w.ok(w.db.EndSession(w.Context(), linde, v.ID, w.event(audit.SessionEnded, w.anna), w.now))
			w.ok(w.db.SaveChange(w.Context(), authn.Change{Platform: linde, End: &authn.End{Account: w.anna.ID, Reason: "reset"}}, w.now))
			w.same("told afterwards", w.told(linde), want)
		}})
	}
	return all
}()

var logouts = []promise{
	{"a party whose code is on its way is told, one whose code came to nothing is not", func(w *world) {
		w.hearing()
		v := w.visit(w.anna)
		w.granted(v, other, false, "openid")
		w.now = w.now.Add(grant.CodeLife)
		w.granted(v, web, false, "openid")
		w.ok(w.db.EndSession(w.Context(), linde, v.ID, w.event(audit.SessionEnded, w.anna), w.now))
		w.same("told", w.told(linde), []string{string(web) + " of " + v.ID})
	}},
	{"a party that gave its tokens back is told: it may have a session of its own", func(w *world) {
		w.hearing()
		v := w.visit(w.anna)
		g := w.granted(v, web, true, "openid")
		w.ok(w.db.EndGrant(w.Context(), g.ID, w.ending(linde, web)))
		w.ok(w.db.EndSession(w.Context(), linde, v.ID, w.event(audit.SessionEnded, w.anna), w.now))
		w.same("told", w.told(linde), []string{string(web) + " of " + v.ID})
	}},
	{"a party is told of a session that it got tokens in at the moment of its end, or got none", func(w *world) {
		w.hearing()
		for i := range 20 {
			v := w.visit(w.anna)
			g, code := w.newGrant(v, "openid")
			g.CodeEndsAt = w.now.Add(grant.CodeLife)
			w.ok(w.db.Answer(w.Context(), grant.Answered{}, g))
			var redeemed error
			race(func(n int) error {
				if n != crowd/2 {
					return w.db.EndSession(w.Context(), linde, v.ID, w.event(audit.SessionEnded, w.anna), w.now)
				}
				_, redeemed = w.db.Redeem(w.Context(), w.redemption(linde, code, secret.Token()))
				return nil
			})
			w.is(fmt.Sprintf("told in round %d, redeemed: %v", i, redeemed), slices.Contains(w.told(linde), string(web)+" of "+v.ID), true)
		}
	}},
	{"a party that wants so hears once of an idle session, which lives on, and knows it by another name afterwards", func(w *world) {
		w.hearing()
		idle := party(linde, web)
		idle.BackchannelLogoutURI, idle.LogoutOnIdle = "https://one.example.net/out", true
		w.ok(w.db.Declare(w.Context(), storage.Setup{Parties: []grant.Party{idle}}, w.now))
		v, elsewhere := w.visit(w.anna), w.visit(w.anna)
		g, offline := w.granted(v, web, true, "openid"), w.granted(v, web, true, "openid", "offline_access")
		others, used := w.granted(v, other, true, "openid"), w.granted(elsewhere, web, true, "openid")
		visitOf := func(g grant.Grant) time.Time {
			w.Helper()
			got, _, err := w.db.Grant(w.Context(), linde, g.ID, w.now)
			w.ok(err)
			return got.IdledAt
		}
		sweep := func(want int) {
			w.Helper()
			n, err := w.db.EndIdle(w.Context(), w.now, 10)
			w.ok(err)
			w.same("idle", n, want)
		}
		w.now = w.now.Add(time.Hour - time.Millisecond)
		sweep(0)
		w.ok(w.db.TouchSession(w.Context(), linde, elsewhere.ID, w.now))
		w.now = w.now.Add(time.Millisecond)
		first := w.now
		total := 0
		for _, n := range race(func(int) error { _, err := w.db.EndIdle(w.Context(), w.now, 10); return err }) {
			w.ok(n)
			total++
		}
		w.same("sweeps", total, crowd)
		want := []string{string(web) + " of " + v.ID}
		w.same("told", w.told(linde), want)
		w.is("session lives", w.alive(v), true)
		w.is("its grant gives", w.given(g), false)
		w.is("offline grant gives", w.given(offline), true)
		w.is("grant of the other party gives", w.given(others), true)
		w.is("grant of the session in use gives", w.given(used), true)
		w.now = w.now.Add(time.Minute)
		sweep(0)
		// In use again: what the party is given now belongs to another visit, what others are given does not.
		w.ok(w.db.TouchSession(w.Context(), linde, v.ID, w.now))
		w.same("before", visitOf(offline), time.Time{})
		next, same := w.granted(v, web, true, "openid"), w.granted(v, other, true, "openid")
		w.same("visit of the party", visitOf(next), first)
		w.same("visit of the other party", visitOf(same), time.Time{})
		s, _, err := w.db.Session(w.Context(), linde, secret.Hash(v.cookie), w.now)
		w.ok(err)
		w.same("visit of the session", s.IdledAt, first)
		w.ok(w.db.EndSession(w.Context(), linde, v.ID, w.event(audit.SessionEnded, w.anna), w.now))
		w.same("told at the end", w.told(linde), []string{string(other) + " of " + v.ID, want[0], want[0]})
		m, err := w.db.Message(w.Context(), linde, fmt.Sprintf("logout.%s.%s.%d", v.ID, web, first.UnixMilli()))
		w.ok(err)
		w.same("of which visit", m.IdledAt, first)
		w.now = w.now.Add(2 * time.Hour)
		sweep(1) // the one elsewhere
		w.same("told of the other session", len(w.told(linde)), 4)
	}},
	{"nobody hears of an idle session where idling asks for nothing, or of one that ended or is over", func(w *world) {
		w.hearing()
		idle := party(linde, web)
		idle.BackchannelLogoutURI, idle.LogoutOnIdle = "https://one.example.net/out", true
		w.ok(w.db.Declare(w.Context(), storage.Setup{Parties: []grant.Party{idle}}, w.now))
		v := w.visit(w.anna)
		w.granted(v, web, true, "openid")
		ended := w.visit(w.anna)
		w.granted(ended, web, true, "openid")
		w.ok(w.db.EndSession(w.Context(), linde, ended.ID, w.event(audit.SessionEnded, w.anna), w.now))
		platforms, err := w.db.Platforms(w.Context())
		w.ok(err)
		for i := range platforms {
			platforms[i].Policy.IdleAfter = 0
		}
		w.ok(w.db.Declare(w.Context(), storage.Setup{Platforms: platforms}, w.now))
		for _, at := range []time.Time{w.now.Add(3 * time.Hour), v.EndsAt} {
			n, err := w.db.EndIdle(w.Context(), at, 10)
			w.ok(err)
			w.same("idle", n, 0)
			for i := range platforms {
				platforms[i].Policy.IdleAfter = time.Hour
			}
			w.ok(w.db.Declare(w.Context(), storage.Setup{Platforms: platforms}, w.now))
		}
		w.same("told", w.told(linde), []string{string(web) + " of " + ended.ID})
	}},
	{"receipts are read by account, or with the cookie of the session that ended, for a while", func(w *world) {
		w.hearing()
		v := w.visit(w.anna)
		w.granted(v, web, true, "openid")
		w.granted(v, other, true, "openid")
		of := func(v visit, after time.Time) []outbox.Receipt {
			w.Helper()
			all, err := w.db.ReceiptsOfCookie(w.Context(), v.Platform, secret.Hash(v.cookie), after)
			w.ok(err)
			return all
		}
		w.same("before the end", len(of(v, time.Time{})), 0)
		w.ok(w.db.EndSession(w.Context(), linde, v.ID, w.event(audit.SessionEnded, w.anna), w.now))
		want := []outbox.Receipt{{Party: string(other), Session: v.ID}, {Party: string(web), Session: v.ID}}
		w.same("at the end", of(v, w.now.Add(-time.Minute)), want)
		m, err := w.db.Message(w.Context(), linde, "logout."+v.ID+"."+string(web))
		w.ok(err)
		w.now = w.now.Add(time.Second)
		w.ok(w.db.SettleMessage(w.Context(), *m, outbox.Sent, "", authn.Change{}, w.now))
		want[1].Outcome, want[1].SettledAt = outbox.Sent, w.now
		w.same("after one answer", of(v, w.now.Add(-time.Minute)), want)
		w.same("later", len(of(v, w.now)), 0)
		w.same("by the cookie of another session", len(of(w.visit(w.anna), time.Time{})), 0)
		byName, err := w.db.ReceiptsOfCookie(w.Context(), linde, []byte(v.ID), time.Time{})
		w.ok(err)
		w.same("by the name of the session", len(byName), 0)
		all, err := w.db.Receipts(w.Context(), linde, w.anna.ID, 10)
		w.ok(err)
		slices.SortFunc(all, func(a, b outbox.Receipt) int { return strings.Compare(a.Party, b.Party) })
		w.same("of the account", all, want)
		for _, of := range []struct {
			platform platform.ID
			account  account.ID
			limit    int
			want     int
		}{{linde, w.anna.ID, 1, 1}, {wilg, w.anna.ID, 10, 0}, {linde, "nobody", 10, 0}} {
			all, err := w.db.Receipts(w.Context(), of.platform, of.account, of.limit)
			w.ok(err)
			w.same("receipts", len(all), of.want)
		}
	}},
	{"an idle session has not ended, and one is not over before its time", func(w *world) {
		w.hearing()
		v := w.visit(w.anna)
		w.granted(v, web, true, "openid")
		for _, at := range []time.Time{w.now.Add(2 * time.Hour), v.EndsAt.Add(-time.Millisecond)} {
			n, err := w.db.EndOverdue(w.Context(), at, 10)
			w.ok(err)
			w.same("ended", n, 0)
		}
		w.is("session lives", w.alive(v), true)
		w.same("told", len(w.told(linde)), 0)
	}},
	{"what outlives a session outlives the end of its time, and of a hundred sweeps at once each tells once", func(w *world) {
		w.hearing()
		var visits []visit
		var offline []grant.Grant
		for range 10 {
			v := w.visit(w.anna)
			visits, offline = append(visits, v), append(offline, w.granted(v, web, true, "openid", "offline_access"))
		}
		w.now = visits[0].EndsAt
		for _, err := range race(func(int) error { _, err := w.db.EndOverdue(w.Context(), w.now, 1000); return err }) {
			w.ok(err)
		}
		w.same("told", len(w.told(linde)), len(visits))
		for _, g := range offline {
			w.is("offline grant gives", w.given(g), true)
		}
		n, err := w.db.EndOverdue(w.Context(), w.now, 1000)
		w.ok(err)
		w.same("left", n, 0)
	}},
	{"each party's messages are a queue of their own", func(w *world) {
		w.hearing()
		v := w.visit(w.anna)
		w.granted(v, web, true, "openid")
		w.granted(v, other, true, "openid")
		w.ok(w.db.EndSession(w.Context(), linde, v.ID, w.event(audit.SessionEnded, w.anna), w.now))
		queue := func(p grant.PartyID) outbox.Queue {
			return outbox.Queue{Recipient: outbox.URL, Platform: linde, Party: string(p)}
		}
		queues := func(at time.Time) []outbox.Queue {
			all, err := w.db.MessageQueues(w.Context(), outbox.URL, at)
			w.ok(err)
			return all
		}
		w.same("queues", queues(w.now), []outbox.Queue{queue(other), queue(web)})
		got, err := w.db.TakeMessagesOf(w.Context(), queue(web), time.Minute, 10, w.now)
		w.ok(err)
		w.same("taken", len(got), 1)
		w.same("whose", got[0].Party, string(web))
		w.same("queues meanwhile", queues(w.now), []outbox.Queue{queue(other)})
		w.same("queues later", queues(w.now.Add(time.Minute)), []outbox.Queue{queue(other), queue(web)})
		mails, err := w.db.MessageQueues(w.Context(), outbox.Mail, w.now)
		w.ok(err)
		w.same("queues of mails", len(mails), 0)
	}},
}
