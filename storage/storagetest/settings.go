package storagetest

import (
	"fmt"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/keys"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/storage"
)

// key is one whose identifier says which.
func (w *world) key(kid string) keys.Key {
	return keys.Key{KID: kid, Platform: linde, Public: []byte("{}"), Sealed: []byte("x"), MadeAt: w.now, UseAt: w.now}
}

// saveKeys saves keys whatever the settings are.
func (w *world) saveKeys(all []keys.Key, events []audit.Event) error {
	seen, err := w.db.Version(w.Context())
	w.ok(err)
	return w.db.SaveSettings(w.Context(), seen, nil, all, events)
}

var settings = []promise{
	{"platforms come back whole", func(w *world) {
		p := organisation("populier")
		p.Branding.Logo = secret.Bytes(100)
		p.HelpPublic = platform.Contact{Email: "help@example.org", Phone: "+31201234567"}
		p.Policy.SecondFactor.Staff = platform.SecondFactor{Demand: platform.Required, RequiredFrom: w.now, OfferEvery: time.Hour}
		p.Policy.MinimumACR = "urn:minddistrict:acr:2fa"
		w.ok(w.db.Declare(w.Context(), storage.Setup{Platforms: []platform.Platform{p}}, w.now))
		got, err := w.db.Platforms(w.Context())
		w.ok(err)
		w.same("platforms", got, []platform.Platform{organisation(linde), p, organisation(wilg)})
	}},
	{"parties come back whole, replaced whole, disabled ones too", func(w *world) {
		p := party("populier", "populier-app")
		p.Type, p.Auth, p.Secrets, p.Rotate = grant.Native, grant.AuthNone, nil, true
		p.Lifetimes, p.DisabledAt = grant.Lifetimes{Access: time.Minute}, w.now
		old := p
		old.Name = "what it was called"
		setup := storage.Setup{Platforms: []platform.Platform{organisation("populier")}, Parties: []grant.Party{old}}
		w.ok(w.db.Declare(w.Context(), setup, w.now))
		w.ok(w.db.Declare(w.Context(), storage.Setup{Parties: []grant.Party{p}}, w.now))
		got, err := w.db.Parties(w.Context())
		w.ok(err)
		if len(got) != 4 {
			w.Fatalf("got %d parties, want 4", len(got))
		}
		w.same("party", got[2], p)
	}},
	{"keys come back whole, oldest first, replaced whole", func(w *world) {
		older := keys.Key{
			KID: "b", Platform: linde, Alg: "ES256", Public: []byte(`{"kty":"EC"}`), Sealed: secret.Bytes(60), MadeAt: w.now, UseAt: w.now,
		}
		newer := older
		newer.KID, newer.MadeAt, newer.UseAt = "a", w.now.Add(time.Hour), w.now.Add(25*time.Hour)
		w.ok(w.saveKeys([]keys.Key{newer, older}, nil))
		older.RetireAt, older.DropAt = newer.UseAt, newer.UseAt.Add(time.Hour)
		made := audit.Event{At: w.now, Platform: linde, Kind: audit.SigningKeyMade, Actor: "system", Outcome: audit.Success, Reason: "ES256"}
		w.ok(w.saveKeys([]keys.Key{older}, []audit.Event{made}))
		got, err := w.db.Keys(w.Context())
		w.ok(err)
		w.same("keys", got, []keys.Key{older, newer})
		events, err := w.db.Events(w.Context(), linde, 1)
		w.ok(err)
		w.same("event", events, []audit.Event{made})
		before := w.dump()
		lost := made
		lost.At = time.Time{}
		w.is("refused", w.saveKeys([]keys.Key{{KID: "c", Platform: linde, Public: []byte("{}"), Sealed: []byte("x"), MadeAt: w.now, UseAt: w.now}}, []audit.Event{lost}) != nil, true)
		w.is("unchanged", w.dump() == before, true)
	}},
	{"settings made from an older version are refused", func(w *world) {
		seen, err := w.db.Version(w.Context())
		w.ok(err)
		old := w.key("old")
		w.ok(w.db.SaveSettings(w.Context(), seen, nil, []keys.Key{old}, nil))
		before := w.dump()
		back := old
		back.RetireAt = w.now.Add(time.Hour)
		w.fails(w.db.SaveSettings(w.Context(), seen, nil, []keys.Key{back}, []audit.Event{{At: w.now, Platform: linde, Kind: audit.SigningKeyMade}}), fault.Stale)
		w.fails(w.db.Declare(w.Context(), storage.Setup{Parties: []grant.Party{party(linde, "third")}, Seen: &seen}, w.now), fault.Stale)
		w.is("unchanged", w.dump() == before, true)
		seen++
		w.ok(w.db.Declare(w.Context(), storage.Setup{Parties: []grant.Party{party(linde, "third")}, Seen: &seen}, w.now))
	}},
	{"revisions of settings that meet follow each other", func(w *world) {
		const nodes = 5
		w.exactly(race(func(i int) error {
			if i >= nodes {
				return nil
			}
			return w.db.Revise(w.Context(), func(seen int64) error {
				all, err := w.db.Keys(w.Context())
				if err != nil {
					return err
				}
				next := w.key(fmt.Sprint(len(all)))
				return w.db.SaveSettings(w.Context(), seen, nil, []keys.Key{next}, nil)
			})
		}), crowd, nil)
		all, err := w.db.Keys(w.Context())
		w.ok(err)
		w.same("keys", len(all), nodes)
	}},
	{"every change of settings raises the version once", func(w *world) {
		version := func() int64 {
			v, err := w.db.Version(w.Context())
			w.ok(err)
			return v
		}
		before := version()
		w.ok(w.db.Declare(w.Context(), storage.Setup{Parties: []grant.Party{party(linde, web), party(linde, "third")}}, w.now))
		w.ok(w.saveKeys([]keys.Key{{KID: "k", Platform: linde, Public: []byte("{}"), Sealed: []byte("x"), MadeAt: w.now, UseAt: w.now}}, nil))
		_, err := w.db.Reseal(w.Context(), audit.Event{At: w.now, Kind: audit.MasterKeyRotated}, func(_ string, sealed []byte) ([]byte, error) { return sealed, nil })
		w.ok(err)
		w.same("version", version(), before+3)
		w.fails(w.db.Declare(w.Context(), storage.Setup{Parties: []grant.Party{party("nowhere", "third")}}, w.now), fault.NotFound)
		w.same("version after a refusal", version(), before+3)
	}},
	{"an issuer belongs to one platform", func(w *world) {
		p := organisation("populier")
		p.Issuer = organisation(linde).Issuer
		w.fails(w.db.Declare(w.Context(), storage.Setup{Platforms: []platform.Platform{p}}, w.now), fault.Taken)
	}},
	{"an e-mail key belongs to one account of a platform, and a set-up is all or nothing", func(w *world) {
		second := w.person(linde, "ANNA@example.org")
		w.fails(w.db.Declare(w.Context(), storage.Setup{
			Platforms: []platform.Platform{organisation("populier")}, Accounts: []account.Account{second},
			Events: []audit.Event{w.event(audit.AccountAdded, second)},
		}, w.now), fault.Taken)
		all, err := w.db.Platforms(w.Context())
		w.ok(err)
		w.same("number of platforms", len(all), 2)
		w.same("events", w.kinds(), []audit.Kind(nil))
	}},
	{"an identifier belongs to one account of all platforms, a credential to one account", func(w *world) {
		stolen := w.person(wilg, "other@example.org")
		stolen.ID, stolen.Credentials = w.anna.ID, nil
		w.fails(w.db.Declare(w.Context(), storage.Setup{Accounts: []account.Account{stolen}}, w.now), fault.Taken)
		w.far.Credentials[0].ID = w.anna.Credentials[0].ID
		w.fails(w.db.Declare(w.Context(), storage.Setup{Accounts: []account.Account{w.far}}, w.now), fault.Stale)
		got, err := w.db.Account(w.Context(), linde, w.anna.ID)
		w.ok(err)
		w.same("account", *got, sortedCredentials(w.anna))
	}},
	{"accounts without an address do not stand in each other's way", func(w *world) {
		one, two := w.person(linde, "one@example.org"), w.person(linde, "two@example.org")
		one.Email, two.Email = account.Email{}, account.Email{}
		w.ok(w.db.Declare(w.Context(), storage.Setup{Accounts: []account.Account{one, two}}, w.now))
		_, err := w.db.AccountByEmail(w.Context(), linde, "")
		w.fails(err, fault.NotFound)
	}},
	{"declaring again changes nothing but what is declared", func(w *world) {
		w.anna.Email, w.anna.Role = account.Email{Address: "Anna@example.com", Key: "anna@example.com"}, platform.Professional
		w.ok(w.db.Declare(w.Context(), storage.Setup{Accounts: []account.Account{w.anna}}, w.now))
		got, err := w.db.Account(w.Context(), linde, w.anna.ID)
		w.ok(err)
		w.same("account", *got, sortedCredentials(w.anna))
		_, err = w.db.AccountByEmail(w.Context(), linde, "anna@example.org")
		w.fails(err, fault.NotFound)
	}},
	{"declared credentials replace those of the same method only", func(w *world) {
		fresh := w.credential(w.anna, "password", account.Primary, 0)
		totp := w.anna.Credentials[1]
		w.anna.Credentials = []account.Credential{fresh}
		w.ok(w.db.Declare(w.Context(), storage.Setup{Accounts: []account.Account{w.anna}}, w.now))
		got, err := w.db.Account(w.Context(), linde, w.anna.ID)
		w.ok(err)
		w.anna.Credentials = []account.Credential{fresh, totp}
		w.same("credentials", got.Credentials, sortedCredentials(w.anna).Credentials)
	}},
	{"declaring an account deactivated ends what it has", func(w *world) {
		v := w.visit(w.anna)
		g, _ := w.tokens(v, "openid", "offline_access")
		w.anna.State = account.Deactivated
		w.ok(w.db.Declare(w.Context(), storage.Setup{Accounts: []account.Account{w.anna}}, w.now))
		w.anna.State = account.Active
		w.ok(w.db.Declare(w.Context(), storage.Setup{Accounts: []account.Account{w.anna}}, w.now))
		w.is("session lives", w.alive(v), false)
		w.is("grant gives", w.given(g), false)
	}},
	{"many may declare at the same time", func(w *world) {
		w.exactly(race(func(i int) error {
			a := w.anna
			a.Locale = fmt.Sprint(i)
			setup := storage.Setup{
				Platforms: []platform.Platform{organisation(wilg), organisation(linde)},
				Parties:   []grant.Party{party(wilg, web), party(linde, web)},
				Accounts:  []account.Account{w.far, a},
			}
			if i%2 == 0 {
				setup.Accounts[0], setup.Accounts[1] = setup.Accounts[1], setup.Accounts[0]
			}
			return w.db.Declare(w.Context(), setup, w.now)
		}), crowd, nil)
	}},
}
