package storagetest

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/storage"
)

const entra federation.ID = "entra"

func connection(p platform.ID, id federation.ID) federation.Connection {
	return federation.Connection{
		Platform: p, ID: id, Kind: federation.OIDC, Names: map[string]string{"nl": "De Linde"}, Key: federation.KeyRule{By: federation.ByEntra},
		OIDC: federation.OIDCSettings{Issuer: "https://login.example.com/t", ClientID: "c"}, Secret: []byte("sealed"), Keys: []byte("sealed keys"),
	}
}

// millis is a time as it comes back.
func millis(t time.Time) time.Time { return t.Truncate(time.Millisecond) }

// link is who an account is elsewhere.
func (w *world) link(a account.Account, c federation.ID, key string) account.Credential {
	link := w.credential(a, federation.Method, account.Primary, 0)
	link.External = federation.External(c, key)
	return link
}

// answer keeps one, for a minute, of a visit that may take an hour, and is the handle that it is taken with.
func (w *world) answer(state string) []byte {
	kept := federation.StoredAnswer{State: secret.Hash(state), Handle: secret.Hash(secret.Token()), Sealed: []byte("answer")}
	w.ok(w.db.KeepAnswer(w.Context(), linde, kept, w.now.Add(time.Minute), w.now.Add(time.Hour)))
	return kept.Handle
}

var connections = []promise{
	{"a connection comes back as it was declared, keeps its keys and its baseline, and raises the version of the settings", func(w *world) {
		first := connection(linde, entra)
		w.ok(w.db.Declare(w.Context(), storage.Setup{Connections: []federation.Connection{first, connection(wilg, entra)}}, w.now))
		before, err := w.db.Version(w.Context())
		w.ok(err)
		b := federation.Baseline{At: w.now, Claims: []string{"oid", "tid"}, ACR: authn.TwoFactor, Domain: "linde.example"}
		w.ok(w.db.SetBaseline(w.Context(), linde, entra, b, before, w.event(audit.ConnectionConfirmed, account.Account{Platform: linde})))
		second := first
		second.Names, second.Secret, second.Keys = map[string]string{"nl": "Linde"}, []byte("other"), nil
		w.ok(w.db.Declare(w.Context(), storage.Setup{Connections: []federation.Connection{second}}, w.now))
		all, err := w.db.Connections(w.Context())
		w.ok(err)
		want := second
		want.Keys, want.Baseline = first.Keys, &b
		w.same("connections", all, []federation.Connection{want, connection(wilg, entra)})
		after, err := w.db.Version(w.Context())
		w.ok(err)
		w.same("version", after, before+2)
		w.fails(w.db.SetBaseline(w.Context(), linde, entra, b, before, w.event(audit.ConnectionConfirmed, account.Account{Platform: linde})), fault.Stale)
		w.fails(w.db.SetBaseline(w.Context(), linde, "other", b, after, w.event(audit.ConnectionConfirmed, account.Account{Platform: linde})), fault.NotFound)
	}},
	{"who somebody is elsewhere leads to one account of a platform, until the link is removed", func(w *world) {
		eva := w.person(linde, "eva@example.org")
		mine := w.link(w.anna, entra, "t/1")
		w.ok(w.db.Declare(w.Context(), storage.Setup{Accounts: []account.Account{eva}}, w.now))
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Put: []account.Credential{mine}}, w.now))
		found, err := w.db.AccountByLink(w.Context(), linde, federation.Method, mine.External)
		w.ok(err)
		w.same("account", found.ID, w.anna.ID)
		w.same("link", found.HasLink(string(entra)), true)
		for _, other := range []struct {
			p                platform.ID
			method, external string
		}{{wilg, federation.Method, mine.External}, {linde, "password", mine.External}, {linde, federation.Method, "entra/t/2"}, {linde, federation.Method, ""}} {
			_, err := w.db.AccountByLink(w.Context(), other.p, other.method, other.external)
			w.fails(err, fault.NotFound)
		}
		hers := w.link(eva, entra, "t/1")
		w.fails(w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Put: []account.Credential{hers}}, w.now), fault.Taken)
		n, err := w.db.Links(w.Context(), linde, entra)
		w.ok(err)
		w.same("links", n, int64(1))
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Retire: []account.CredentialID{mine.ID}}, w.now))
		_, err = w.db.AccountByLink(w.Context(), linde, federation.Method, mine.External)
		w.fails(err, fault.NotFound)
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Put: []account.Credential{hers}}, w.now))
	}},
	{"a link that was removed is remembered, of that person there and that account only", func(w *world) {
		eva := w.person(linde, "eva@example.org")
		w.ok(w.db.Declare(w.Context(), storage.Setup{Accounts: []account.Account{eva}}, w.now))
		mine := w.link(w.anna, entra, "t/1")
		removed := func(p platform.ID, of account.Account, method, external string) bool {
			is, err := w.db.LinkRemoved(w.Context(), p, of.ID, method, external)
			w.ok(err)
			return is
		}
		w.same("never linked", removed(linde, w.anna, federation.Method, mine.External), false)
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Put: []account.Credential{mine}}, w.now))
		w.same("linked", removed(linde, w.anna, federation.Method, mine.External), false)
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Retire: []account.CredentialID{mine.ID}}, w.now))
		w.same("removed", removed(linde, w.anna, federation.Method, mine.External), true)
		w.same("of another platform", removed(wilg, w.anna, federation.Method, mine.External), false)
		w.same("of another account", removed(linde, eva, federation.Method, mine.External), false)
		w.same("of another method", removed(linde, w.anna, "password", mine.External), false)
		w.same("of somebody else there", removed(linde, w.anna, federation.Method, "entra/t/2"), false)
	}},
	{"links are listed by their keys, page by page, of one connection and platform, without those that are removed", func(w *world) {
		eva := w.person(linde, "eva@example.org")
		w.ok(w.db.Declare(w.Context(), storage.Setup{Accounts: []account.Account{eva}}, w.now))
		first, second, gone := w.link(eva, entra, "t/2"), w.link(w.anna, entra, "t/1"), w.link(eva, entra, "t/0")
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Put: []account.Credential{gone}}, w.now))
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Retire: []account.CredentialID{gone.ID}}, w.now))
		for _, l := range []account.Credential{first, second, w.link(eva, "entra-2", "t/1")} {
			w.ok(w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Put: []account.Credential{l}}, w.now))
		}
		page, err := w.db.LinksOf(w.Context(), linde, entra, "", 1)
		w.ok(err)
		w.same("first page", page, []storage.Linked{{External: "entra/t/1", Account: w.anna.ID, Email: w.anna.Email.Address, AddedAt: millis(second.AddedAt)}})
		page, err = w.db.LinksOf(w.Context(), linde, entra, "t/1", 10)
		w.ok(err)
		w.same("second page", page, []storage.Linked{{External: "entra/t/2", Account: eva.ID, Email: eva.Email.Address, AddedAt: millis(first.AddedAt)}})
		page, err = w.db.LinksOf(w.Context(), wilg, entra, "", 10)
		w.ok(err)
		w.same("of another platform", len(page), 0)
	}},
	{"a connection that was changed by somebody else meanwhile is not overwritten", func(w *world) {
		c := connection(linde, entra)
		w.ok(w.db.Declare(w.Context(), storage.Setup{Connections: []federation.Connection{c}}, w.now))
		seen, err := w.db.Version(w.Context())
		w.ok(err)
		c.Disabled = true
		w.ok(w.db.SaveConnection(w.Context(), seen, c, []audit.Event{w.event(audit.ConnectionSet, account.Account{Platform: linde})}))
		c.Disabled = false
		w.fails(w.db.SaveConnection(w.Context(), seen, c, nil), fault.Stale)
		all, err := w.db.Connections(w.Context())
		w.ok(err)
		w.same("disabled", all[0].Disabled, true)
	}},
	{"of a crowd that links one person elsewhere to two accounts exactly one does", func(w *world) {
		eva := w.person(linde, "eva@example.org")
		w.ok(w.db.Declare(w.Context(), storage.Setup{Accounts: []account.Account{eva}}, w.now))
		results := make([]error, crowd)
		var all sync.WaitGroup
		for i := range results {
			who := w.anna
			if i%2 == 1 {
				who = eva
			}
			c := authn.Change{Platform: linde, Put: []account.Credential{w.link(who, entra, "t/1")}}
			all.Go(func() { results[i] = w.db.SaveChange(w.Context(), c, w.now) })
		}
		all.Wait()
		w.onlyOne(results, fault.Taken)
	}},
	{"of a crowd that links one account to several people of a connection exactly one does, and other connections are apart", func(w *world) {
		results := make([]error, crowd)
		var all sync.WaitGroup
		for i := range results {
			c := authn.Change{Platform: linde, Put: []account.Credential{w.link(w.anna, entra, fmt.Sprint("t/", i))}}
			all.Go(func() { results[i] = w.db.SaveChange(w.Context(), c, w.now) })
		}
		all.Wait()
		w.onlyOne(results, fault.Taken)
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Put: []account.Credential{w.link(w.anna, "entra-2", "t/1")}}, w.now))
		page, err := w.db.LinksOf(w.Context(), linde, entra, "", 10)
		w.ok(err)
		w.same("links", len(page), 1)
		stored, err := w.db.Account(w.Context(), linde, w.anna.ID)
		w.ok(err)
		for _, l := range stored.Credentials {
			if federation.ConnectionOf(l.External) == entra {
				w.ok(w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Retire: []account.CredentialID{l.ID}}, w.now))
			}
		}
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Put: []account.Credential{w.link(w.anna, entra, "t/new")}}, w.now))
	}},
	{"who was invited is linked beforehand, by no journey and with nothing else; who is deactivated is not", func(w *world) {
		j := w.begun()
		saved, link := w.saves(j), w.link(w.anna, entra, "t/1")
		w.become(account.Deactivated)
		w.fails(w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Put: []account.Credential{link}}, w.now), fault.Refused)
		w.become(account.Invited)
		for name, c := range map[string]authn.Change{
			"in a journey":              {Platform: linde, Journey: &j, Put: []account.Credential{link}},
			"with a factor":             {Platform: linde, Put: []account.Credential{link, w.credential(w.anna, "totp", account.Second, 0)}},
			"with a session":            {Platform: linde, Put: []account.Credential{link}, Start: saved["a session"].Start},
			"a factor that is no link":  {Platform: linde, Put: []account.Credential{w.credential(w.anna, "totp", account.Second, 0)}},
			"with a remembered browser": {Platform: linde, Put: []account.Credential{link}, Remember: saved["a device"].Remember},
		} {
			if err := w.db.SaveChange(w.Context(), c, w.now); !errors.Is(err, fault.Refused) {
				w.Errorf("%s: %v", name, err)
			}
		}
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Put: []account.Credential{link}}, w.now))
		found, err := w.db.AccountByLink(w.Context(), linde, federation.Method, link.External)
		w.ok(err)
		w.same("state", found.State, account.Invited)
	}},
	{"a visit to an upstream is answered once, and the answer is taken once, by its handle and within its time", func(w *world) {
		handle := w.answer("visit")
		again := federation.StoredAnswer{State: secret.Hash("visit"), Handle: secret.Hash("other"), Sealed: []byte("replayed")}
		w.fails(w.db.KeepAnswer(w.Context(), linde, again, w.now.Add(time.Minute), w.now.Add(time.Hour)), fault.Spent)
		sealed, err := w.db.UpstreamAnswer(w.Context(), linde, handle, w.now)
		w.ok(err)
		w.same("answer", string(sealed), "answer")
		take := authn.Change{Platform: linde, Taken: handle}
		for name, refused := range map[string]error{
			"late":                 w.db.SaveChange(w.Context(), take, w.now.Add(time.Minute)),
			"at another platform":  w.db.SaveChange(w.Context(), authn.Change{Platform: wilg, Taken: handle}, w.now),
			"by an unknown handle": w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Taken: secret.Hash("other")}, w.now),
		} {
			if !errors.Is(refused, fault.Spent) {
				w.Errorf("%s: %v", name, refused)
			}
		}
		w.ok(w.db.SaveChange(w.Context(), take, w.now))
		w.fails(w.db.SaveChange(w.Context(), take, w.now), fault.Spent)
		_, err = w.db.UpstreamAnswer(w.Context(), linde, handle, w.now)
		w.fails(err, fault.NotFound)
		w.fails(w.db.KeepAnswer(w.Context(), linde, again, w.now.Add(time.Minute), w.now.Add(time.Hour)), fault.Spent)
		removed, err := w.db.CleanUp(w.Context(), w.now.Add(time.Hour+time.Millisecond), 10)
		w.ok(err)
		w.same("removed", removed, 1)
	}},
	{"a visit is claimed once, and answered by who claimed it", func(w *world) {
		over := w.now.Add(time.Hour)
		for _, way := range []string{"nothing came", "answered", "taken"} {
			handle := secret.Hash(secret.Token())
			mine := federation.StoredAnswer{State: secret.Hash(way), Handle: handle}
			other := federation.StoredAnswer{State: secret.Hash(way), Handle: secret.Hash(secret.Token()), Sealed: []byte("other")}
			w.ok(w.db.ClaimAnswer(w.Context(), linde, mine, over))
			w.fails(w.db.ClaimAnswer(w.Context(), linde, other, over), fault.Taken)
			w.fails(w.db.KeepAnswer(w.Context(), linde, other, w.now.Add(time.Minute), over), fault.Spent)
			_, err := w.db.UpstreamAnswer(w.Context(), linde, handle, w.now)
			w.fails(err, fault.NotFound)
			w.fails(w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Taken: handle}, w.now), fault.Spent)
			if way == "nothing came" {
				w.ok(w.db.ClaimAnswer(w.Context(), wilg, other, over))
				continue
			}
			mine.Sealed = []byte("answer")
			w.ok(w.db.KeepAnswer(w.Context(), linde, mine, w.now.Add(time.Minute), over))
			w.fails(w.db.KeepAnswer(w.Context(), linde, mine, w.now.Add(time.Minute), over), fault.Spent)
			if way == "taken" {
				w.ok(w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Taken: handle}, w.now))
			}
			w.fails(w.db.ClaimAnswer(w.Context(), linde, other, over), fault.Spent)
		}
	}},
	{"of a crowd that claims one visit exactly one does", func(w *world) {
		results := make([]error, crowd)
		var all sync.WaitGroup
		for i := range results {
			claim := federation.StoredAnswer{State: secret.Hash("visit"), Handle: secret.Hash(secret.Token())}
			all.Go(func() { results[i] = w.db.ClaimAnswer(w.Context(), linde, claim, w.now.Add(time.Hour)) })
		}
		all.Wait()
		w.onlyOne(results, fault.Taken)
	}},
	{"of a crowd that takes one answer exactly one does", func(w *world) {
		for range 5 {
			handle := w.answer(secret.Token())
			results := make([]error, crowd)
			var all sync.WaitGroup
			for i := range results {
				all.Go(func() {
					results[i] = w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Taken: handle}, w.now)
				})
			}
			all.Wait()
			w.onlyOne(results, fault.Spent)
		}
	}},
	{"the newest test sign-in counts, for its hour", func(w *world) {
		end := w.now.Add(time.Hour)
		w.ok(w.db.StartTest(w.Context(), linde, entra, storage.ConnectionTest{ID: "a", MadeAt: w.now, EndsAt: end}))
		w.ok(w.db.AnswerTest(w.Context(), linde, entra, "a", []byte("sealed"), w.now))
		got, err := w.db.Test(w.Context(), linde, entra, w.now)
		w.ok(err)
		w.same("test", got, storage.ConnectionTest{ID: "a", Result: []byte("sealed"), MadeAt: millis(w.now), EndsAt: millis(end), AnsweredAt: millis(w.now)})
		w.ok(w.db.StartTest(w.Context(), linde, entra, storage.ConnectionTest{ID: "b", MadeAt: w.now, EndsAt: end}))
		w.fails(w.db.AnswerTest(w.Context(), linde, entra, "a", []byte("sealed"), w.now), fault.NotFound)
		w.fails(w.db.AnswerTest(w.Context(), linde, entra, "b", []byte("sealed"), end), fault.NotFound)
		_, err = w.db.Test(w.Context(), linde, entra, end)
		w.fails(err, fault.NotFound)
		removed, err := w.db.CleanUp(w.Context(), end.Add(time.Millisecond), 10)
		w.ok(err)
		w.same("removed", removed, 1)
	}},
	{"the last good copy of a document stays when it cannot be read", func(w *world) {
		_, err := w.db.Document(w.Context(), linde, entra)
		w.fails(err, fault.NotFound)
		good := federation.Document{Body: []byte("<xml>"), ReadAt: millis(w.now), TriedAt: millis(w.now)}
		w.ok(w.db.KeepDocument(w.Context(), linde, entra, good))
		bad := federation.Document{TriedAt: millis(w.now.Add(time.Hour)), LastError: "no answer"}
		w.ok(w.db.KeepDocument(w.Context(), linde, entra, bad))
		got, err := w.db.Document(w.Context(), linde, entra)
		w.ok(err)
		w.same("document", got, federation.Document{Body: good.Body, ReadAt: good.ReadAt, TriedAt: bad.TriedAt, LastError: bad.LastError})
		w.ok(w.db.KeepDocument(w.Context(), linde, entra, good)) // a node that was slow
		got, err = w.db.Document(w.Context(), linde, entra)
		w.ok(err)
		w.same("trouble", got.LastError, bad.LastError)
	}},
	{"a document belongs to the address that the settings name", func(w *world) {
		c := connection(linde, entra)
		c.Kind = federation.SAML
		reads := func(address string) {
			c.SAML.MetadataURL = address
			w.ok(w.db.Declare(w.Context(), storage.Setup{Connections: []federation.Connection{c}}, w.now))
		}
		keeps := func(address, body string, at time.Time) {
			w.ok(w.db.KeepDocument(w.Context(), linde, entra, federation.Document{Address: address, Body: []byte(body), ReadAt: millis(at), TriedAt: millis(at)}))
		}
		is := func(body string, readAt time.Time) {
			got, err := w.db.Document(w.Context(), linde, entra)
			w.ok(err)
			w.same("body", string(got.Body), body)
			w.same("read at", got.ReadAt, readAt)
		}
		const old, other = "https://old.example/m", "https://other.example/m"
		reads(old)
		keeps(old, "old", w.now)
		reads(old) // nothing changed
		is("old", millis(w.now))
		reads(other)
		is("old", time.Time{}) // to tell what is new
		keeps(old, "old again", w.now.Add(time.Minute))
		is("old", time.Time{}) // a node that has the settings before
		w.ok(w.db.KeepDocument(w.Context(), linde, entra, federation.Document{Address: other, Body: []byte("old"), TriedAt: millis(w.now.Add(time.Minute)), LastError: "no answer"}))
		is("old", time.Time{}) // the other address does not answer
		keeps(other, "new", w.now.Add(2*time.Minute))
		is("new", millis(w.now.Add(2*time.Minute)))
		reads("")
		is("new", time.Time{})
	}},
	{"what is over at an upstream ends the sessions that came from it, and no other, once", func(w *world) {
		link := w.link(w.anna, entra, "key")
		w.ok(w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Put: []account.Credential{link}}, w.now))
		start := func(subject, session string) string {
			s := w.newVisit(w.anna).Session
			s.ID = secret.ID()
			s.Proofs = []authn.Proof{{
				Method: federation.Method, Use: account.Primary, Kinds: authn.Knows, Credential: link.ID, At: w.now,
				Upstream: &authn.OnUpstream{Connection: string(entra), Subject: subject, Session: session, Told: w.now},
			}}
			w.ok(w.db.SaveChange(w.Context(), authn.Change{Platform: linde, Start: &authn.SessionStart{Session: s, Cookie: secret.Hash(s.ID)}}, w.now))
			return s.ID
		}
		live := func(id string) bool {
			_, _, err := w.db.Session(w.Context(), linde, secret.Hash(id), w.now)
			if err != nil && !errors.Is(err, fault.NotFound) {
				w.Fatal(err)
			}
			return err == nil
		}
		one, two, three := start("jan", "1"), start("jan", "2"), start("piet", "1")
		over := federation.Logout{Subject: "jan", Sessions: []string{"1"}, ID: "a", Until: w.now.Add(time.Hour)}
		n, err := w.db.EndUpstream(w.Context(), linde, entra, over, w.event(audit.SessionEnded, account.Account{Platform: linde}), w.now)
		w.ok(err)
		w.same("ended", n, 1)
		w.same("live", []bool{live(one), live(two), live(three)}, []bool{false, true, true})
		_, err = w.db.EndUpstream(w.Context(), linde, entra, over, w.event(audit.SessionEnded, account.Account{Platform: linde}), w.now)
		w.fails(err, fault.Spent)
		for i, none := range []federation.Logout{{ID: "b"}, {Sessions: []string{""}, ID: "c"}, {Subject: "klaas", ID: "d"}, {Subject: "piet", Sessions: []string{"2"}, ID: "e"}} {
			none.Until = w.now.Add(time.Hour)
			n, err := w.db.EndUpstream(w.Context(), linde, entra, none, w.event(audit.SessionEnded, account.Account{Platform: linde}), w.now)
			w.ok(err)
			if n != 0 {
				w.Errorf("%d: ended %d", i, n)
			}
		}
		all := federation.Logout{Subject: "jan", ID: "f", Until: w.now.Add(time.Hour)}
		n, err = w.db.EndUpstream(w.Context(), linde, "other", all, w.event(audit.SessionEnded, account.Account{Platform: linde}), w.now)
		w.ok(err)
		w.same("of another connection", n, 0)
		n, err = w.db.EndUpstream(w.Context(), linde, entra, all, w.event(audit.SessionEnded, account.Account{Platform: linde}), w.now)
		w.ok(err)
		w.same("ended", n, 1)
		w.same("live", []bool{live(one), live(two), live(three)}, []bool{false, false, true})
	}},
	{"what was over at an upstream before somebody signed in there again ends nothing, unless all of that person's is over", func(w *world) {
		v := w.visit(w.anna)
		cookie := secret.Hash(v.cookie)
		signIn := func(c federation.ID, session string, after time.Duration) {
			v.Proofs = authn.Merge(v.Proofs, []authn.Proof{{
				Method: federation.Method, Use: account.Primary, Kinds: authn.Knows, At: w.now, Upstream: &authn.OnUpstream{
					Connection: string(c), Subject: "jan", Session: session, Told: w.now.Add(after),
				},
			}})
			next := secret.Hash(secret.Token())
			w.ok(w.db.SaveChange(w.Context(), authn.Change{Raise: &authn.SessionRaise{Session: v.Session, From: cookie, To: next}}, w.now))
			cookie = next
		}
		over := func(c federation.ID, subject string, sessions ...string) (n int) {
			e := federation.Logout{Subject: subject, Sessions: sessions, ID: secret.ID(), Until: w.now.Add(time.Hour)}
			n, err := w.db.EndUpstream(w.Context(), linde, c, e, w.event(audit.SessionEnded, account.Account{Platform: linde}), w.now)
			w.ok(err)
			return n
		}
		signIn(entra, "1", 0)
		signIn(entra, "2", time.Second)
		w.same("the session there before", over(entra, "", "1"), 0)
		w.same("… of that person", over(entra, "jan", "1"), 0)
		signIn("other", "3", 2*time.Second)
		w.same("all there, since somebody signed in elsewhere", over(entra, "jan"), 0)
		signIn(entra, "4", 3*time.Second)
		w.same("somebody else's", over(entra, "piet"), 0)
		w.same("all of that person's", over(entra, "jan"), 1)
	}},
}
