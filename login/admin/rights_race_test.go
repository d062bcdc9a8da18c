package admin_test

import (
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/storage"
)

func onBoth(t *testing.T, work func(*testing.T, *storage.DB)) {
	t.Run("sqlite", func(t *testing.T) { work(t, idptest.SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { work(t, idptest.Postgres(t)) })
}

// named is somebody who is signed in, freshly.
func (o *office) named(name string) clerk {
	o.Helper()
	i := slices.IndexFunc(o.helpers, func(h clerk) bool { return h.name == name && h.fresh })
	if i < 0 {
		o.Fatalf("nobody is %q", name)
	}
	return o.helpers[i]
}

// someone is the person who has an address.
func (o *office) someone(email string) person {
	o.Helper()
	i := slices.IndexFunc(o.people, func(p person) bool { return p.email == email })
	if i < 0 {
		o.Fatalf("nobody is %q", email)
	}
	return o.people[i]
}

// deedOf is a form of a page that was opened before.
func deedOf(who clerk, whom person, deed, reason string) triple {
	page := "/staff/people/{person}/" + deed
	return triple{
		page: page, path: "/staff/people/" + whom.id + "/" + deed, method: http.MethodPost, who: who, whom: whom,
		form: url.Values{"do": {"continue"}, "reason": {reason}, "identified": {map[bool]string{true: "video"}[modelPages[page].how]}},
	}
}

// A helper who has a form open at one node, and loses role or account at the other one, does nothing with it: the next
// request counts, not one a second later.
func TestHelperWhoIsNoneAnyMoreDoesNothingAtAnotherNode(t *testing.T) {
	onBoth(t, func(t *testing.T, db *storage.DB) {
		o := newOffice(t, db)
		other := &office{Scene: o.Node(), helpers: o.helpers, people: o.people}
		hanna, boss, anna := o.named("linde's two helpdesk "), o.named("linde's two manager "), o.someone("two.client@linde.example.org")
		for _, c := range []struct {
			name  string
			takes func() int
			want  outcome
		}{
			{"demoted", func() int {
				o.Exec(`UPDATE accounts SET role = 'professional' WHERE id = '` + hanna.id + `'`)
				return http.StatusSeeOther
			}, missing},
			{"deactivated by a manager", func() int { return o.send(deedOf(boss, hanna.person, "deactivate", "left")).Status }, proves},
			{"her sessions ended by a manager", func() int { return o.send(deedOf(boss, hanna.person, "end-sessions", "asked")).Status }, proves},
		} {
			open := deedOf(hanna, anna, "deactivate", "left")
			open.method = http.MethodGet
			if a := other.send(open); a.Status != http.StatusOK {
				t.Fatalf("%s: the form before: %d", c.name, a.Status)
			}
			if got := c.takes(); got != http.StatusSeeOther {
				t.Fatalf("%s: %d", c.name, got)
			}
			for _, send := range []triple{
				deedOf(hanna, anna, "deactivate", "left"), deedOf(hanna, anna, "end-sessions", "asked"),
				{page: "/staff/invite/many/{file}", path: "/staff/invite/many/" + o.files[hanna.cookie], method: http.MethodPost, who: hanna},
			} {
				if got := other.judge(send, c.want, other.send(send)); got != "" {
					t.Errorf("%s: %s: %s", c.name, send, got)
				}
			}
			if n := o.Count("events WHERE actor = '" + hanna.id + "' AND outcome = 'success'"); n != 0 {
				t.Errorf("%s: %d acts are on record", c.name, n)
			}
			o.restore()
		}
	})
}

// Two helpers press the same button many times at two nodes: it is done once, and each of them is led to the person,
// where it is said.
func TestManyPressesOfTwoHelpersAreOneAct(t *testing.T) {
	onBoth(t, func(t *testing.T, db *storage.DB) {
		o := newOffice(t, db)
		nodes := []*office{o, {Scene: o.Node()}}
		by := []clerk{o.named("linde's two helpdesk "), o.named("linde's two manager ")}
		anna := o.someone("two.client@linde.example.org")
		for deed, c := range map[string]struct{ reason, kind, letters string }{
			"reset-two-step": {"lost-phone", "two_step.reset", "letters WHERE kind = 'mail_off_reset'"},
			"deactivate":     {"left", "account.deactivate", ""},
		} {
			answers := make([]idptest.Answer, 32)
			idptest.AtOnce(len(answers), func(i int) { answers[i] = nodes[i%2].send(deedOf(by[i/2%2], anna, deed, c.reason)) })
			for _, a := range answers {
				if a.To.Path != "/staff/people/"+anna.id {
					t.Errorf("%s: one is answered %d to %q", deed, a.Status, a.To)
				}
			}
			if n := o.Count("events WHERE kind = '" + c.kind + "' AND account = '" + anna.id + "'"); n != 1 {
				t.Errorf("%s: on record %d times", deed, n)
			}
			if c.letters != "" {
				if n := o.Count(c.letters); n != 1 {
					t.Errorf("%s: %d mails", deed, n)
				}
			}
			o.restore()
		}
	})
}
