package storagetest

import (
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/storage"
)

// consent is saved, of an account of its platform.
func (w *world) consent(a account.Account, party grant.PartyID, at time.Time) authn.Consent {
	w.Helper()
	given := authn.Consent{Account: a.ID, Party: string(party), Scopes: []string{"openid", "email"}, Journey: "one", At: at}
	w.ok(w.db.SaveChange(w.Context(), authn.Change{Platform: a.Platform, Consent: &given}, w.now))
	return given
}

var consents = []promise{
	{"a consent is remembered, and the next one takes its place", func(w *world) {
		_, err := w.db.Consent(w.Context(), linde, w.anna.ID, string(web))
		w.fails(err, fault.NotFound)
		given := authn.Consent{Account: w.anna.ID, Party: string(web), Scopes: []string{"openid", "email"}, Journey: "one", At: w.now}
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Consent: &given}, w.now))
		got, err := w.db.Consent(w.Context(), linde, w.anna.ID, string(web))
		w.ok(err)
		w.same("consent", *got, given)
		given.Scopes, given.Journey = []string{"openid"}, "two"
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Consent: &given}, w.now))
		got, err = w.db.Consent(w.Context(), linde, w.anna.ID, string(web))
		w.ok(err)
		w.same("consent", *got, given)
	}},
	{"a consent is nobody else's", func(w *world) {
		given := authn.Consent{Account: w.anna.ID, Party: string(web), Scopes: []string{"openid"}, Journey: "one", At: w.now}
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Consent: &given}, w.now))
		for _, look := range []func() (*authn.Consent, error){
			func() (*authn.Consent, error) { return w.db.Consent(w.Context(), wilg, w.anna.ID, string(web)) },
			func() (*authn.Consent, error) { return w.db.Consent(w.Context(), linde, w.far.ID, string(web)) },
			func() (*authn.Consent, error) { return w.db.Consent(w.Context(), linde, w.anna.ID, string(other)) },
		} {
			_, err := look()
			w.fails(err, fault.NotFound)
		}
	}},
	{"all that a person allowed is listed, the newest first, and nobody else's", func(w *world) {
		list := func(of account.Account) []authn.Consent {
			all, err := w.db.Consents(w.Context(), of.Platform, of.ID)
			w.ok(err)
			return all
		}
		w.same("nothing", list(w.anna), []authn.Consent(nil))
		first, second := w.consent(w.anna, web, w.now), w.consent(w.anna, other, w.now.Add(time.Hour))
		w.consent(w.far, web, w.now)
		w.same("both", list(w.anna), []authn.Consent{second, first})
		foreign := w.anna
		foreign.Platform = wilg
		w.same("of another platform", list(foreign), []authn.Consent(nil))
	}},
	{"a consent that is taken back ends all that its party has of that person, once, and nothing else", func(w *world) {
		bram := w.person(linde, "bram@example.org")
		w.ok(w.db.Declare(w.Context(), storage.Setup{Accounts: []account.Account{bram}}, w.now))
		v := w.visit(w.anna)
		g, inSession := w.tokens(v, "openid")
		_, offline := w.tokens(w.visit(w.anna), "openid", "offline_access")
		_, code := w.code(v, "openid")
		_, brams := w.tokens(w.visit(bram), "openid", "offline_access")
		w.consent(w.anna, web, w.now)
		w.consent(bram, web, w.now)
		w.consent(w.anna, other, w.now)
		withdraw := func(of account.Account, party grant.PartyID) error {
			return w.db.WithdrawConsent(w.Context(), of.Platform, of.ID, party, w.event(audit.ConsentWithdrawn, of), w.now)
		}
		foreign := w.anna
		foreign.Platform = wilg
		for what, err := range map[string]error{
			"of another platform": withdraw(foreign, web), "of an unknown party": withdraw(w.anna, "unknown"), "of another account": withdraw(w.far, web),
		} {
			w.ok(err)
			w.is(what+": both work, and nothing is on record", w.given(g) && w.lives(offline, w.now) && len(w.events()) == 0, true)
		}
		for _, err := range race(func(int) error { return withdraw(w.anna, web) }) {
			w.ok(err)
		}
		w.same("events", w.kinds(), []audit.Kind{audit.ConsentWithdrawn})
		w.is("still given", w.given(g), false)
		w.is("refreshed", w.lives(inSession, w.now) || w.lives(offline, w.now), false)
		_, err := w.db.Redeem(w.Context(), w.redemption(linde, code, "x"))
		w.fails(err, fault.NotFound)
		_, err = w.db.Consent(w.Context(), linde, w.anna.ID, string(web))
		w.fails(err, fault.NotFound)
		w.is("the session lives", w.alive(v), true)
		w.is("somebody else's refreshed", w.lives(brams, w.now), true)
		for id, party := range map[account.ID]grant.PartyID{bram.ID: web, w.anna.ID: other} {
			_, err = w.db.Consent(w.Context(), linde, id, string(party))
			w.ok(err)
		}
	}},
	{"a consent is not taken back when its event is not saved", func(w *world) {
		g, _ := w.tokens(w.visit(w.anna), "openid")
		w.consent(w.anna, web, w.now)
		w.failEvents()
		w.is("taken back", w.db.WithdrawConsent(w.Context(), linde, w.anna.ID, web, w.event(audit.ConsentWithdrawn, w.anna), w.now) == nil, false)
		_, err := w.db.Consent(w.Context(), linde, w.anna.ID, string(web))
		w.ok(err)
		w.is("still given", w.given(g), true)
	}},
	{"of a party that people are asked about, a code is redeemed only while the consent stands", func(w *world) {
		v := w.visit(w.anna)
		_, code := w.code(v, "openid") // added when the consent was just being taken back
		r := w.redemption(linde, code, "x")
		r.Consented = true
		_, err := w.db.Redeem(w.Context(), r)
		w.fails(err, fault.NotFound)
		w.consent(w.anna, other, w.now)
		_, err = w.db.Redeem(w.Context(), r)
		w.fails(err, fault.NotFound)
		w.same("events", w.kinds(), []audit.Kind{})
		w.consent(w.anna, web, w.now)
		_, err = w.db.Redeem(w.Context(), r)
		w.ok(err)
	}},
	{"a grant that stands on a consent is added only while that very consent does", func(w *world) {
		v := w.visit(w.anna)
		answer := func(c authn.Consent) error {
			g, _ := w.newGrant(v, "openid")
			return w.db.Answer(w.Context(), grant.Answered{StandsOn: &c}, g)
		}
		first := w.consent(w.anna, web, w.now)
		w.ok(answer(first))
		w.fails(answer(authn.Consent{Account: "somebody else", Party: string(web), Journey: "one", At: w.now}), fault.Spent)
		w.fails(answer(authn.Consent{Account: w.anna.ID, Party: string(other), Journey: "one", At: w.now}), fault.Spent)
		second := w.consent(w.anna, web, w.now.Add(time.Second))
		w.fails(answer(first), fault.Spent)
		w.ok(answer(second))
		w.ok(w.db.WithdrawConsent(w.Context(), linde, w.anna.ID, web, w.event(audit.ConsentWithdrawn, w.anna), w.now))
		w.fails(answer(second), fault.Spent)
	}},
	{"a grant is not added between the end of the others and that of its consent", func(w *world) {
		if !w.postgres() {
			return // one writer at a time
		}
		v := w.visit(w.anna)
		c := w.consent(w.anna, web, w.now)
		w.run(`CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(1); RETURN NEW; END $$`,
			`CREATE TRIGGER slow BEFORE INSERT ON events FOR EACH ROW WHEN (NEW.kind = 'consent.withdraw') EXECUTE FUNCTION slow()`)
		done := make(chan error, 1)
		go func() {
			done <- w.db.WithdrawConsent(w.Context(), linde, w.anna.ID, web, w.event(audit.ConsentWithdrawn, w.anna), w.now)
		}()
		time.Sleep(300 * time.Millisecond)
		g, code := w.newGrant(v, "openid", "offline_access")
		added := w.db.Answer(w.Context(), grant.Answered{StandsOn: &c}, g)
		r := w.redemption(linde, code, grant.NewToken(g.ID))
		r.Consented = true
		_, _ = w.db.Redeem(w.Context(), r) // of no grant, or of one that ended
		w.ok(<-done)
		w.fails(added, fault.Spent)
		w.is("gives", w.given(g), false)
	}},
	{"taking a consent back while a code of it is redeemed and refreshed leaves nothing that works", func(w *world) {
		v := w.visit(w.anna)
		w.consent(w.anna, web, w.now)
		g, code := w.code(v, "openid", "offline_access")
		_, refresh := w.tokens(v, "openid", "offline_access")
		first := grant.NewToken(g.ID)
		for _, err := range race(func(i int) error {
			var err error
			switch r := w.redemption(linde, code, first); {
			case i == crowd/2:
				err = w.db.WithdrawConsent(w.Context(), linde, w.anna.ID, web, w.event(audit.ConsentWithdrawn, w.anna), w.now)
			case i == 0:
				r.Consented = true
				_, err = w.db.Redeem(w.Context(), r)
			default:
				_, err = w.db.Rotate(w.Context(), w.rotation(refresh))
			}
			return err
		}) {
			w.notUnavailable(err)
		}
		w.is("refreshed", w.lives(first, w.now) || w.lives(refresh, w.now) || w.lives(next(refresh), w.now), false)
		w.is("grant gives", w.given(g), false)
	}},
	{"a grant keeps the claims that were asked by name, and is found by its current refresh token only", func(w *world) {
		_, code := w.code(w.visit(w.anna), "openid", "offline_access")
		id, _ := grant.IDOf(code)
		token := grant.NewToken(id)
		look := func(p platform.ID, at time.Time) (*grant.Grant, error) {
			return w.db.GrantByRefresh(w.Context(), p, presented(token), time.Hour, at)
		}
		got, err := w.db.Redeem(w.Context(), w.redemption(linde, code, token))
		w.ok(err)
		found, err := look(linde, w.now)
		w.ok(err)
		w.same("grant", found.ID, got.ID)
		w.same("account", found.Account, w.anna.ID)
		w.same("claims", found.Claims, grant.Requested{UserInfo: []string{"name"}})
		_, err = look(wilg, w.now)
		w.fails(err, fault.NotFound)
		_, err = w.db.Rotate(w.Context(), w.rotation(token))
		w.ok(err)
		_, err = look(linde, w.now)
		w.fails(err, fault.NotFound)
	}}, {"a refresh token is found as long as it would work", func(w *world) {
		v := w.visit(w.anna)
		_, online := w.tokens(v, "openid")
		_, offline := w.tokens(v, "openid", "offline_access")
		look := func(token string, at time.Time) (*grant.Grant, error) {
			return w.db.GrantByRefresh(w.Context(), linde, presented(token), time.Hour, at)
		}
		g, err := look(online, w.now.Add(time.Hour-time.Millisecond))
		w.ok(err)
		w.same("end of the token", g.RefreshEnds, w.rotation(online).RefreshEnds)
		_, err = look(online, w.now.Add(time.Hour)) // idle
		w.fails(err, fault.NotFound)
		_, err = look(offline, w.now.Add(time.Hour))
		w.ok(err)
		_, err = look(offline, g.RefreshEnds.Add(-time.Millisecond))
		w.ok(err)
		_, err = look(offline, g.RefreshEnds)
		w.fails(err, fault.NotFound)
	}},
}
