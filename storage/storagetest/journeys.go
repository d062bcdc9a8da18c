package storagetest

import (
	"errors"
	"time"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
)

// notUnavailable fails when the database gave up, as in a deadlock.
func (w *world) notUnavailable(err error) {
	w.Helper()
	if errors.Is(err, fault.Unavailable) {
		w.Errorf("got %v, want an answer", err)
	}
}

// journey is a full one, and the request it belongs to; neither is saved.
func (w *world) journey() (authn.Journey, grant.AuthRequest) {
	day := 24 * time.Hour
	ask := authn.Ask{Channel: authn.Browser, Journey: "j1", PromptLogin: true, MaxAge: &day, ACR: []string{"urn:minddistrict:acr:2fa"}}
	browser := secret.Hash(secret.Token())
	r := grant.AuthRequest{
		ID: secret.ID(), Platform: linde, Browser: browser, Party: web, RedirectURI: callback, State: "af0\x00ifjsldkj\xff", Nonce: "n",
		Scopes: []string{"openid"}, Mode: grant.ModeQuery, Ask: ask, Locales: []string{"nl"}, CreatedAt: w.now, Expiry: w.now.Add(grant.RequestLife),
	}
	return authn.Journey{
		ID: secret.ID(), Platform: linde, Browser: browser, Ask: ask,
		Progress: authn.Progress{
			Account: w.anna.ID, Proofs: w.newVisit(w.anna).Proofs, Done: []authn.Need{authn.NeedNewPassword},
			Mistakes: &authn.Mistakes{Step: "password", All: []authn.Mistake{{Field: "password", Key: "k", Args: []any{"a"}, Label: "l"}}},
			Stop:     &authn.Stop{Page: "wait", Until: w.now, Email: "anna@example.org", Sent: true, Of: "counter"},
			Remember: true, SetUpStarted: true, Method: "totp", LowCodes: true, OptIn: authn.NeedSaveCodes,
			StepData: map[string][]byte{"totp": secret.Bytes(60)},
		},
		Failures: 2, Switch: true, IgnoreSession: true, Denied: true, Party: string(web), Request: r.ID, ReturnTo: "/settings", Hint: "anna@example.org", Locale: "nl",
		OwnBinding: &authn.Binding{Began: secret.Bytes(32), Before: secret.Bytes(32), Session: secret.Bytes(32), Salt: secret.Bytes(16), Step: "totp", Spent: secret.Bytes(32)},
		Link:       &authn.Link{Hash: secret.Bytes(32), Purpose: authn.TicketWelcome, Sealed: secret.Bytes(60)},
		ForgotMail: &authn.MailRequest{To: "anna@example.org", Again: true}, SignUpMail: &authn.MailRequest{To: "bram@example.org"},
		SignUpForm: &authn.SignUpForm{Email: "anna@example.org", GivenName: "Anna", MiddleName: "van", FamilyName: "Dam", Locale: "nl", Terms: true},
		StartedAt:  w.now, ExpiresAt: w.now.Add(authn.JourneyLife),
	}, r
}

// start stores a journey.
func (w *world) start(j authn.Journey) {
	w.Helper()
	w.ok(w.db.StartJourney(w.Context(), j))
}

// first is a request that waits in a browser, and its journey as its first form finds it.
func (w *world) first() (authn.Journey, grant.AuthRequest) {
	w.Helper()
	r := w.request()
	j, err := w.db.Journey(w.Context(), linde, r.ID)
	w.ok(err)
	return *j, r
}

var journeys = []promise{
	{"a journey comes back whole and its version rises with each change", func(w *world) {
		j, _ := w.journey()
		w.start(j)
		load := func() authn.Journey {
			got, err := w.db.Journey(w.Context(), linde, j.ID)
			w.ok(err)
			return *got
		}
		w.same("journey", load(), j)
		j.StepData, j.Failures, j.EndedAt = nil, 3, w.now
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Journey: &j}, w.now))
		j.Version++
		w.same("changed journey", load(), j)
	}},
	{"a journey is saved by one of a hundred, with all of its change or nothing", func(w *world) {
		j, _ := w.journey()
		w.start(j)
		visits := make([]visit, crowd)
		for i := range visits {
			visits[i] = w.newVisit(w.anna)
		}
		ended := race(func(i int) error {
			mine := j
			mine.EndedAt = w.now
			return w.db.SaveChange(w.Context(), authn.Change{
				Journey: &mine, Start: &authn.SessionStart{Session: visits[i].Session, Cookie: secret.Hash(visits[i].cookie)},
				Events: []audit.Event{w.event(audit.SessionStarted, w.anna)},
			}, w.now)
		})
		w.onlyOne(ended, fault.Stale)
		for i, err := range ended {
			w.is("session lives", w.alive(visits[i]), err == nil)
		}
		w.same("events", w.kinds(), []audit.Kind{audit.SessionStarted})
	}},
	{"a journey that nobody sent a form of is what its request begins with", func(w *world) {
		j, r := w.first()
		w.same("journey", j, r.Journey())
		w.same("journeys stored", w.journeysStored(), 0)
		j.StepData, j.Failures = map[string][]byte{"totp": []byte("x")}, 1
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Journey: &j}, w.now))
		got, err := w.db.Journey(w.Context(), linde, r.ID)
		w.ok(err)
		j.Version++
		w.same("stored journey", *got, j)
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Journey: got}, w.now))
	}},
	{"a request that is in no browser has no journey", func(w *world) {
		_, r := w.journey()
		r.Browser = nil
		w.ok(w.db.SaveRequest(w.Context(), r))
		_, err := w.db.Journey(w.Context(), linde, r.ID)
		w.fails(err, fault.NotFound)
	}},
	{"of a hundred first forms one stores the journey, with all of its change or nothing", func(w *world) {
		j, _ := w.first()
		visits := make([]visit, crowd)
		for i := range visits {
			visits[i] = w.newVisit(w.anna)
		}
		ended := race(func(i int) error {
			mine, c := j, authn.Change{Events: []audit.Event{w.event(audit.SessionStarted, w.anna)}}
			if c.Journey = &mine; i%2 == 0 { // others know nobody, so no row of an account makes them wait
				c.Start = &authn.SessionStart{Session: visits[i].Session, Cookie: secret.Hash(visits[i].cookie)}
			}
			return w.db.SaveChange(w.Context(), c, w.now)
		})
		w.onlyOne(ended, fault.Stale)
		for i, err := range ended {
			w.is("session lives", w.alive(visits[i]), err == nil && i%2 == 0)
		}
		w.same("events", w.kinds(), []audit.Kind{audit.SessionStarted})
		got, err := w.db.Journey(w.Context(), linde, j.ID)
		w.ok(err)
		w.same("version", got.Version, j.Version+1)
	}},
	{"no journey is stored for a request that was answered, expired or is gone", func(w *world) {
		answered, _ := w.first()
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Answered: answered.Request}, w.now))
		late, r := w.first()
		gone, _ := w.first()
		w.run("DELETE FROM requests WHERE id = '" + gone.ID + "'")
		for _, row := range []struct {
			j  authn.Journey
			at time.Time
		}{{answered, w.now}, {late, r.Expiry}, {gone, w.now}} {
			w.fails(w.db.SaveChange(w.Context(), authn.Change{Journey: &row.j}, row.at), fault.Stale)
		}
		w.same("journeys stored", w.journeysStored(), 0)
		got, err := w.db.Journey(w.Context(), linde, answered.ID)
		w.ok(err)
		w.is("ended with its request", got.EndedAt.Equal(w.now), true)
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Journey: &late}, r.Expiry.Add(-time.Millisecond)))
	}},
	{"a request is answered while its first form is stored: both, or no journey", func(w *world) {
		for range rounds {
			j, r := w.first()
			ended := w.some(
				func() error { return w.db.SaveChange(w.Context(), authn.Change{Journey: &j}, w.now) },
				func() error {
					return w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Answered: r.ID}, w.now)
				},
			)
			w.ok(ended[1])
			if ended[0] != nil {
				w.fails(ended[0], fault.Stale)
			}
			got, err := w.db.Journey(w.Context(), linde, r.ID)
			w.ok(err)
			w.is("stored", got.Version != authn.Unstored, ended[0] == nil)
		}
	}},
	{"an unknown journey is stale", func(w *world) {
		j, _ := w.journey()
		w.fails(w.db.SaveChange(w.Context(), authn.Change{Journey: &j}, w.now), fault.Stale)
	}},
	{"a change belongs to one platform and starts or raises, not both", func(w *world) {
		j, _ := w.journey()
		w.start(j)
		v := w.newVisit(w.far)
		start := &authn.SessionStart{Session: v.Session, Cookie: secret.Hash(v.cookie)}
		w.fails(w.db.SaveChange(w.Context(), authn.Change{Journey: &j, Start: start}, w.now), fault.Invalid)
		w.fails(w.db.SaveChange(w.Context(), authn.Change{Journey: &j, Events: []audit.Event{w.event(audit.SessionStarted, w.far)}}, w.now), fault.Invalid)
		w.fails(w.db.SaveChange(w.Context(), authn.Change{Start: start, Raise: &authn.SessionRaise{Session: v.Session}}, w.now), fault.Invalid)
		w.fails(w.db.SaveChange(w.Context(), authn.Change{Forgive: []string{"x"}}, w.now), fault.Invalid)
		w.ok(w.db.SaveChange(w.Context(), authn.Change{}, w.now))
	}},
}
