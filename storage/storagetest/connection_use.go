package storagetest

import (
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
	"github.com/minddistrict/idp/storage"
)

// byWhich is an event of a connection, so long before now.
func (w *world) byWhich(kind audit.Kind, a account.Account, c federation.ID, reason string, ago time.Duration) audit.Event {
	e := w.event(kind, a)
	e.Connection, e.Reason, e.At = string(c), reason, w.now.Add(-ago)
	return e
}

var connectionUses = []promise{
	{"how each connection of a platform does is counted, and nothing of another platform or connection", func(w *world) {
		eva := w.person(linde, "eva@example.org")
		w.ok(w.db.Declare(w.Context(), storage.Setup{
			Accounts:    []account.Account{eva},
			Connections: []federation.Connection{connection(linde, entra), connection(linde, "entra-2"), connection(linde, "new"), connection(wilg, entra)},
		}, w.now))
		gone := w.link(eva, entra, "t/0")
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Put: []account.Credential{gone}}, w.now))
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Retire: []account.CredentialID{gone.ID}}, w.now))
		for _, l := range []account.Credential{w.link(w.anna, entra, "t/1"), w.link(eva, entra, "t/2"), w.link(eva, "entra-2", "t/1")} {
			w.ok(w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Put: []account.Credential{l}}, w.now))
		}
		nobody := account.Account{Platform: linde}
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Events: []audit.Event{
			w.byWhich(audit.SessionStarted, eva, entra, "", time.Hour), w.byWhich(audit.SessionRaised, eva, entra, "", time.Minute),
			w.byWhich(audit.SessionStarted, eva, "", "", time.Second),
			w.byWhich(audit.FederatedRefused, nobody, entra, "old", 2*time.Hour), w.byWhich(audit.FederatedRefused, nobody, entra, "denied", time.Hour),
			w.byWhich(audit.FederatedRefused, eva, "entra-2", "drift", time.Hour),
		}}, w.now))
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Events: []audit.Event{
			w.byWhich(audit.SessionStarted, w.far, entra, "", time.Second), w.byWhich(audit.FederatedRefused, w.far, entra, "key", time.Second),
		}}, w.now))
		got, err := w.db.ConnectionUses(w.Context(), linde)
		w.ok(err)
		w.same("uses", got, map[federation.ID]staff.ConnectionUse{
			entra:     {ID: entra, Linked: 2, UsedAt: millis(w.now.Add(-time.Minute)), RefusedAt: millis(w.now.Add(-time.Hour)), Refused: federation.Denied},
			"entra-2": {ID: "entra-2", Linked: 1, RefusedAt: millis(w.now.Add(-time.Hour)), Refused: federation.Drifted},
		})
		got, err = w.db.ConnectionUses(w.Context(), "nowhere")
		w.ok(err)
		w.same("of no platform", len(got), 0)
	}},
	{"the newest refusals of a connection are read, which is on record", func(w *world) {
		nobody, by := account.Account{Platform: linde}, audit.Reader{Name: string(w.anna.ID)}
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Events: []audit.Event{
			w.byWhich(audit.FederatedRefused, nobody, entra, "old", 3*time.Hour), w.byWhich(audit.FederatedRefused, nobody, entra, "denied", time.Hour),
			w.byWhich(audit.FederatedRefused, nobody, entra, "key", 2*time.Hour), w.byWhich(audit.FederatedRefused, nobody, "other", "form", time.Minute),
			w.byWhich(audit.SessionStarted, w.anna, entra, "password", time.Minute),
		}}, w.now))
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Events: []audit.Event{w.byWhich(audit.FederatedRefused, w.far, entra, "drift", time.Minute)}}, w.now))
		got, err := w.db.Refusals(w.Context(), linde, entra, 2, by, w.now)
		w.ok(err)
		var reasons []string
		for _, e := range got {
			reasons = append(reasons, e.Reason)
		}
		w.same("reasons", reasons, []string{"denied", "key"})
		read := w.events()[0]
		w.same("reading", []string{string(read.Kind), read.Actor, read.Reason}, []string{string(audit.RecordRead), by.Name, "2 kind connection"})
	}},
	{"who confirmed a connection is found by when that was", func(w *world) {
		e := w.byWhich(audit.ConnectionConfirmed, account.Account{Platform: linde}, "", string(entra), 0)
		e.Actor = "cli ria"
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Events: []audit.Event{e}}, w.now))
		by, err := w.db.ConfirmedBy(w.Context(), linde, entra, w.now)
		w.ok(err)
		w.same("by", by, "cli ria")
		for _, other := range []struct {
			p  platform.ID
			c  federation.ID
			at time.Time
		}{{wilg, entra, w.now}, {linde, "other", w.now}, {linde, entra, w.now.Add(time.Second)}} {
			_, err := w.db.ConfirmedBy(w.Context(), other.p, other.c, other.at)
			w.fails(err, fault.NotFound)
		}
	}},
	{"a card says of each link who made it, and when its person last came by it since", func(w *world) {
		mine, other := w.link(w.anna, entra, "t/1"), w.link(w.anna, "entra-2", "t/1")
		mine.AddedAt, other.AddedAt = w.now.Add(-time.Hour), w.now.Add(-time.Minute)
		made := w.byWhich(audit.CredentialAdded, w.anna, "", federation.Method, time.Hour)
		made.Actor = "cli ria"
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Put: []account.Credential{mine, other}, Events: []audit.Event{
			made, w.byWhich(audit.CredentialAdded, w.anna, "", "totp", time.Minute), w.byWhich(audit.SessionStarted, w.anna, entra, "", 2*time.Hour),
			w.byWhich(audit.SessionStarted, w.anna, entra, "", 30*time.Minute), w.byWhich(audit.SessionRaised, w.anna, entra, "", 20*time.Minute),
			w.byWhich(audit.SessionStarted, w.anna, "entra-2", "", 10*time.Minute), w.byWhich(audit.FederatedRefused, w.anna, entra, "old", time.Minute),
		}}, w.now))
		card, err := w.db.Card(w.Context(), linde, w.anna.ID, namer{}, audit.Reader{Name: "test"}, w.now)
		w.ok(err)
		w.same("links", card.Links, []staff.CardLink{
			{Credential: mine.ID, MadeBy: "cli ria", UsedAt: millis(w.now.Add(-20 * time.Minute))}, {Credential: other.ID},
		})
	}},
}
