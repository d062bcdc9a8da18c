package storagetest

import (
	"slices"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/storage"
)

// sector is one of linde.
var sector = grant.Sector{Host: "linde.example.net", Salt: []byte("salt")}

// answered is a grant for which somebody gets the subject that the sector has.
func (w *world) answered(v visit, s grant.Pairwise) error {
	g, _ := w.newGrant(v, "openid")
	return w.db.Answer(w.Context(), grant.Answered{Subject: s}, g)
}

// means checks whom a subject stands for; empty: nobody.
func (w *world) means(p platform.ID, s grant.Pairwise, want account.ID) {
	w.Helper()
	got, err := w.db.Subject(w.Context(), p, s)
	if want == "" {
		w.fails(err, fault.NotFound)
		return
	}
	w.ok(err)
	w.same("account", got, want)
}

// filled looks at all accounts, a few at a time.
func (w *world) filled(sectors map[platform.ID][]grant.Sector, limit int) error {
	for after := account.ID(""); ; {
		last, err := w.db.FillSubjects(w.Context(), sectors, after, limit)
		if err != nil || last == "" {
			return err
		}
		if last <= after {
			w.Fatalf("behind %s comes %s", after, last)
		}
		after = last
	}
}

var subjects = []promise{
	{"a pairwise subject is kept with the first grant that leads to it, by platform and sector", func(w *world) {
		v, s := w.visit(w.anna), sector.Of(w.anna.ID)
		w.means(linde, s, "")
		w.ok(w.answered(v, s))
		w.ok(w.answered(v, s))
		w.means(linde, s, w.anna.ID)
		w.means(wilg, s, "")
		w.means(linde, grant.Pairwise{Sector: "other.example.net", Subject: s.Subject}, "")
		w.means(linde, grant.Pairwise{Sector: s.Sector, Subject: string(w.anna.ID)}, "")
		w.same("rows", w.rows("SELECT account FROM subjects"), []string{string(w.anna.ID)})
	}},
	{"a subject is kept with a grant that answers a stored or pushed request, too, or neither is", func(w *world) {
		v, s := w.visit(w.anna), sector.Of(w.anna.ID)
		r := w.pushed()
		g, _ := w.newGrant(v, "openid")
		w.ok(w.db.Answer(w.Context(), grant.Answered{Pushed: r.ID, Subject: s}, g))
		w.means(linde, s, w.anna.ID)
		other := grant.Sector{Host: "other.example.net"}.Of(w.anna.ID)
		g, _ = w.newGrant(v, "openid")
		w.fails(w.db.Answer(w.Context(), grant.Answered{Pushed: r.ID, Subject: other}, g), fault.Spent)
		w.means(linde, other, "")
		g, _ = w.newGrant(w.newVisit(w.anna), "openid") // a session that nobody started
		w.fails(w.db.Answer(w.Context(), grant.Answered{Subject: other}, g), fault.Refused)
		w.means(linde, other, "")
	}},
	{"of a crowd that is given one subject each is, and it is kept once", func(w *world) {
		v, s := w.visit(w.anna), sector.Of(w.anna.ID)
		for _, err := range race(func(i int) error {
			if i%10 == 0 {
				return w.filled(map[platform.ID][]grant.Sector{linde: {sector}}, 1)
			}
			return w.answered(v, s)
		}) {
			w.ok(err)
		}
		w.same("rows", w.rows("SELECT account FROM subjects"), []string{string(w.anna.ID)})
	}},
	{"subjects that were given out before are kept later, of those who ever signed in", func(w *world) {
		people := []account.Account{w.anna}
		for _, address := range []string{"bram@example.org", "carla@example.org", "daan@example.org"} {
			a := w.person(linde, address)
			w.ok(w.db.Declare(w.Context(), storage.Setup{Accounts: []account.Account{a}}, w.now))
			people = append(people, a)
		}
		never := people[3]
		for _, a := range append(slices.Clone(people[:3]), w.far) {
			w.visit(a)
		}
		w.ok(w.answered(w.visit(people[1]), sector.Of(people[1].ID)))
		second := grant.Sector{Host: "second.example.net", Salt: []byte("salt")}
		sectors := map[platform.ID][]grant.Sector{linde: {sector}}
		for range 2 {
			w.ok(w.filled(sectors, 2))
			for _, a := range people[:3] {
				w.means(linde, sector.Of(a.ID), a.ID)
				w.means(linde, second.Of(a.ID), "")
			}
			w.means(linde, sector.Of(never.ID), "")
			w.means(wilg, sector.Of(w.far.ID), "")
		}
		sectors[linde] = append(sectors[linde], second)
		w.ok(w.filled(sectors, 100))
		w.means(linde, second.Of(w.anna.ID), w.anna.ID)
		w.same("rows", len(w.rows("SELECT sub FROM subjects")), 6)
	}},
}
