// Package storagetest is the contract of storage: what every database behind it must promise.
//
// Run gives each promise a database of its own. The promises are read as sentences ("a code is redeemed once"); the
// ones that matter most are races, in which a hundred callers want the same thing at the same time. What is tested
// is the exported API of package storage; the tables are looked at only where that is the promise, such as that no
// secret is stored in the clear.
package storagetest

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/storage"
)

// crowd is how many callers want the same thing at the same time.
const crowd = 100

// promise is one sentence of the contract and what shows that it is kept.
type promise struct {
	name string
	keep func(*world)
}

// Run checks every promise, each on a migrated database that open makes for it.
func Run(t *testing.T, open func(t *testing.T) *storage.DB) {
	for _, p := range slices.Concat(
		settings, deletedParties, accounts, sessions, endings, logouts, access, journeys, requests, pushes, codes, refreshes, consents, subjects, attempts,
		tickets, actPromises, actRaces, marks, actings, pendings, messages, devices, appDevices, handoffs, uses, connections, connectionUses, intakes, upkeep, record, people, safety,
	) {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			db := open(t)
			heard := listen(db)
			w := newWorld(t, db)
			w.heard = heard
			p.keep(w)
			w.toldOfAll()
		})
	}
}

const (
	linde platform.ID   = "linde"
	wilg  platform.ID   = "wilg"
	web   grant.PartyID = "linde-web"
	other grant.PartyID = "linde-other"

	callback = "https://linde.example.net/callback"
)

// world is two platforms; on each anna has an account with the same address, and the same parties are registered.
type world struct {
	*testing.T
	db    *storage.DB
	now   time.Time
	anna  account.Account // on linde
	far   account.Account // on wilg
	heard *told           // of the record
}

func newWorld(t *testing.T, db *storage.DB) *world {
	w := &world{T: t, db: db, now: time.Date(2026, 3, 29, 0, 59, 59, int(123*time.Millisecond), time.UTC)}
	w.anna, w.far = w.person(linde, "anna@example.org"), w.person(wilg, "anna@example.org")
	w.ok(db.Declare(t.Context(), storage.Setup{
		Platforms: []platform.Platform{organisation(linde), organisation(wilg)},
		Parties:   []grant.Party{party(linde, web), party(linde, other), party(wilg, web)},
		Accounts:  []account.Account{w.anna, w.far},
	}, w.now))
	return w
}

func organisation(id platform.ID) platform.Platform {
	p := platform.Platform{
		ID: id, Issuer: platform.Issuer("https://" + string(id) + ".example.org"), Organisation: "GGZ " + string(id),
		HomeURL: "https://" + string(id) + ".example.net", Policy: platform.DefaultPolicy(),
	}
	p.Defaults()
	return p
}

func party(p platform.ID, id grant.PartyID) grant.Party {
	party := grant.Party{ID: id, Platform: p, Secrets: [][]byte{secret.Hash(secret.Token())}, Redirects: []string{callback}}
	party.Defaults()
	return party
}

// person is an active account with a password and an authenticator app.
func (w *world) person(p platform.ID, address string) account.Account {
	email, err := account.ParseEmail(address)
	w.ok(err)
	a := account.Account{
		ID: account.ID(secret.ID()), Platform: p, Email: email, EmailVerifiedAt: w.now, Role: platform.Client, State: account.Active,
		Locale: "nl", Profile: account.Profile{GivenName: "Anna", FamilyName: "Bakker", Address: account.Address{Country: "NL"}},
		CreatedAt: w.now, UpdatedAt: w.now,
	}
	a.Credentials = []account.Credential{
		w.credential(a, "password", account.Primary, 0), w.credential(a, "totp", account.Second, 41),
	}
	return a
}

func (w *world) credential(a account.Account, method string, use account.Use, counter int64) account.Credential {
	return account.Credential{
		ID: account.CredentialID(secret.ID()), Account: a.ID, Method: method, Use: use, Label: "app " + method,
		Sealed: secret.Bytes(40), Counter: counter, AddedAt: w.now, ConfirmedAt: w.now,
	}
}

// visit is a session with the cookie it was started with.
type visit struct {
	authn.Session
	cookie string
}

func (w *world) visit(a account.Account) visit {
	w.Helper()
	v := w.newVisit(a)
	w.ok(w.db.SaveChange(w.Context(), authn.Change{Start: &authn.SessionStart{Session: v.Session, Cookie: secret.Hash(v.cookie)}}, w.now))
	return v
}

// newVisit is not saved yet.
func (w *world) newVisit(a account.Account) visit {
	proofs := []authn.Proof{{
		Method: "password", Use: account.Primary, Kinds: authn.Knows, AMR: []string{"pwd"}, Credential: a.Credentials[0].ID, At: w.now,
	}}
	s := authn.NewSession(secret.ID(), &a, authn.Browser, proofs, platform.DefaultPolicy(), w.now)
	s.Agent, s.Network = "Firefox", "192.0.2.0/24"
	return visit{s, secret.Token()}
}

func (w *world) alive(v visit) bool {
	w.Helper()
	_, _, err := w.db.Session(w.Context(), v.Platform, secret.Hash(v.cookie), w.now)
	return w.found(err)
}

// newGrant is not saved yet. Its challenge is that of verifier.
func (w *world) newGrant(v visit, scopes ...string) (g grant.Grant, code string) {
	challenge, _ := grant.ChallengeOf(verifier)
	p := party(v.Platform, web)
	return grant.New(&grant.AuthRequest{
		Platform: v.Platform, Party: web, RedirectURI: callback, Scopes: scopes, Claims: grant.Requested{UserInfo: []string{"name"}}, Nonce: "n-0S6",
		Challenge: challenge,
	}, &v.Session, &p, w.now)
}

const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" // RFC 7636 appendix B

func (w *world) code(v visit, scopes ...string) (g grant.Grant, code string) {
	w.Helper()
	g, code = w.newGrant(v, scopes...)
	w.ok(w.db.Answer(w.Context(), grant.Answered{}, g))
	return g, code
}

// caller is where parties call from.
var caller = audit.Origin{Reference: "7KQ4-MXDA", Address: "192.0.2.7", Agent: "a library"}

// redemption is the right way to redeem a code, with the hash of the first refresh token.
func (w *world) redemption(p platform.ID, code, refresh string) grant.Redemption {
	challenge, _ := grant.ChallengeOf(verifier)
	id, _ := grant.IDOf(code)
	return grant.Redemption{
		Platform: p, Party: web, Grant: id, CodeHash: secret.Hash(code), RedirectURI: callback, Challenge: challenge,
		RefreshHash: secret.Hash(refresh), RefreshEnds: w.now.Add(30 * 24 * time.Hour), From: caller, Now: w.now,
	}
}

// tokens takes a grant as far as its first refresh token.
func (w *world) tokens(v visit, scopes ...string) (g grant.Grant, refresh string) {
	w.Helper()
	g, code := w.code(v, scopes...)
	refresh = grant.NewToken(g.ID)
	_, err := w.db.Redeem(w.Context(), w.redemption(v.Platform, code, refresh))
	w.ok(err)
	return g, refresh
}

var successorKey = []byte("0123456789abcdef0123456789abcdef")

// rotation is the right way to use a refresh token of linde.
func (w *world) rotation(refresh string) grant.Rotation {
	return grant.Rotation{
		Refresh: presented(refresh), Platform: linde, Party: web, Next: secret.Hash(next(refresh)), RefreshEnds: w.now.Add(30 * 24 * time.Hour),
		IdleAfter: time.Hour, From: caller, Now: w.now,
	}
}

// ending is a party giving a grant back.
func (w *world) ending(p platform.ID, party grant.PartyID) grant.Ending {
	return grant.Ending{Platform: p, Party: party, Reason: grant.Revoked, From: caller, Now: w.now}
}

// presented is a refresh token as a party that rotates sends it.
func presented(refresh string) grant.Refresh {
	id, _ := grant.IDOf(refresh)
	return grant.Refresh{Grant: id, Hash: secret.Hash(refresh), Outdated: func(current []byte) bool {
		return grant.Outdated(successorKey, refresh, current)
	}}
}

func next(refresh string) string { return grant.Successor(successorKey, refresh) }

func (w *world) given(g grant.Grant) bool {
	w.Helper()
	found, _, err := w.db.Grant(w.Context(), g.Platform, g.ID, w.now)
	alone, errAlone := w.db.LiveGrant(w.Context(), g.Platform, g.ID, w.now)
	w.same("grant without its account", alone, found)
	w.is("grant without its account", w.found(errAlone), w.found(err))
	return w.found(err)
}

func (w *world) event(kind audit.Kind, a account.Account) audit.Event {
	return audit.Event{
		At: w.now, Platform: a.Platform, Kind: kind, Actor: string(a.ID), Account: a.ID, Outcome: audit.Success,
		Origin: audit.Origin{Address: "192.0.2.1", Agent: "browser", Reference: "7KQ4-MXDA"},
	}
}

// events are the kinds of those of the events of linde, newest first.
func (w *world) events() []audit.Event {
	w.Helper()
	events, err := w.db.Events(w.Context(), linde, 1000)
	w.ok(err)
	return events
}

func (w *world) kinds() []audit.Kind {
	w.Helper()
	events := w.events()
	kinds := make([]audit.Kind, len(events))
	for i, e := range events {
		kinds[i] = e.Kind
	}
	return kinds
}

// race lets a crowd do the same at the same time and returns how each call ended.
func race(do func(i int) error) []error {
	ended := make([]error, crowd)
	var ready, done sync.WaitGroup
	ready.Add(crowd)
	start := make(chan struct{})
	for i := range crowd {
		done.Go(func() {
			ready.Done()
			<-start
			ended[i] = do(i)
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
	return ended
}

// onlyOne checks that one of a crowd won and all others were told why they lost.
func (w *world) onlyOne(ended []error, lost error) {
	w.Helper()
	w.exactly(ended, 1, lost)
}

func (w *world) exactly(ended []error, wins int, lost error) {
	w.Helper()
	won, told := 0, 0
	for _, err := range ended {
		switch {
		case err == nil:
			won++
		case errors.Is(err, lost):
			told++
		default:
			w.Errorf("unexpected: %v", err)
		}
	}
	if won != wins || told != len(ended)-wins {
		w.Errorf("got %d successes and %d × %q, want %d and %d", won, told, lost, wins, len(ended)-wins)
	}
}
