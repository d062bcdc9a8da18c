package staff_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
	"github.com/minddistrict/idp/storage"
)

// practice is a clinic whose helper is a professional, with a client of another platform.
func practice() []idptest.Demo {
	linde := clinic("professional")[0]
	linde.Accounts = append(linde.Accounts, "email: collega@example.org, role: professional")
	return []idptest.Demo{linde, {
		Name: "wilg",
		Accounts: []string{
			"email: client0@example.org, totp_secret: " + idptest.TOTPSecret, "email: hulp@example.org, role: professional",
		},
	}}
}

func find(t *testing.T, node *idptest.Server, p platform.ID, email string) *account.Account {
	t.Helper()
	a, err := node.DB.AccountByEmail(t.Context(), p, email)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// system is the facts of a platform's server that refers somebody to a person.
func system(node *idptest.Server, whom *account.Account) staff.Facts {
	return staff.Facts{
		Platform: "linde", Account: whom, Sealer: node.Sealer, Justification: staff.Justification{Reason: staff.LostPhone}, Now: node.Clock.Now(),
		Actor: staff.Actor{Name: "system", Platform: "linde", Scopes: []string{"accounts:refer"}},
	}
}

// referred is the token of a referral of somebody to a client.
func referred(t *testing.T, node *idptest.Server, professional, client string) string {
	t.Helper()
	node.Clock.Later(time.Millisecond) // so that the record has an order
	change, token, err := staff.Refer(system(node, find(t, node, "linde", client)), staff.Referring{
		By: "linde-server", To: "linde-web", Actor: find(t, node, "linde", professional), Act: staff.ReferredReset,
	})
	if err == nil {
		err = node.DB.SaveChange(t.Context(), change, node.Clock.Now())
	}
	node.Clock.Later(time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// follower is a person who comes by the address of a referral.
func follower(t *testing.T, node *idptest.Server, email string) *staff.Acts {
	t.Helper()
	acts := person(t, node, email)
	acts.Tickets = node.DB
	return acts
}

// onRecord are the events of referrals and resets, oldest first: kind, whose, by which party, why.
func onRecord(t *testing.T, node *idptest.Server) (lines []string) {
	t.Helper()
	all, err := node.DB.Events(t.Context(), "linde", 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range slices.Backward(all) {
		switch e.Kind {
		case audit.ReferralMade, audit.ReferralRefused, audit.TwoStepReset:
			lines = append(lines, strings.Join(strings.Fields(fmt.Sprintf("%s %s %s %s", e.Kind, e.Party, e.StatedReason, e.Reason)), " "))
		}
	}
	return lines
}

// What is referred, by whom and to whom: the right of the system, the ranks of both, and what they are at that
// moment.
func TestWhoMayBeReferredToWhom(t *testing.T) {
	node := idptest.NewServer(t, idptest.SQLite(t))
	node.Declare(practice()...)
	account := func(role platform.Role, state account.State, p platform.ID, id account.ID) *account.Account {
		return &account.Account{ID: id, Platform: p, Role: role, State: state}
	}
	for says, row := range map[string]struct {
		spoil func(f *staff.Facts, r *staff.Referring)
		want  error
	}{
		"a professional to a client": {func(*staff.Facts, *staff.Referring) {}, nil},
		"a helper to a client":       {func(_ *staff.Facts, r *staff.Referring) { r.Actor.Role = platform.Helpdesk }, nil},
		"a manager to a relative": {func(f *staff.Facts, r *staff.Referring) {
			r.Actor.Role, f.Account.Role = platform.Manager, platform.Relative
		}, nil},
		"a client":                     {func(_ *staff.Facts, r *staff.Referring) { r.Actor.Role = platform.Client }, fault.Refused},
		"a relative":                   {func(_ *staff.Facts, r *staff.Referring) { r.Actor.Role = platform.Relative }, fault.Refused},
		"a role that nobody knows":     {func(_ *staff.Facts, r *staff.Referring) { r.Actor.Role = "boss" }, fault.Refused},
		"somebody who is invited":      {func(_ *staff.Facts, r *staff.Referring) { r.Actor.State = "invited" }, fault.Refused},
		"somebody who is deactivated":  {func(_ *staff.Facts, r *staff.Referring) { r.Actor.State = "deactivated" }, fault.Refused},
		"somebody of another platform": {func(_ *staff.Facts, r *staff.Referring) { r.Actor.Platform = "wilg" }, fault.NotFound},
		"to himself":                   {func(f *staff.Facts, r *staff.Referring) { f.Account.ID = r.Actor.ID }, fault.Refused},
		"to a professional":            {func(f *staff.Facts, _ *staff.Referring) { f.Account.Role = platform.Professional }, fault.Refused},
		"a manager to a helper": {func(f *staff.Facts, r *staff.Referring) {
			r.Actor.Role, f.Account.Role = platform.Manager, platform.Helpdesk
		}, fault.Refused},
		"to one who is invited":      {func(f *staff.Facts, _ *staff.Referring) { f.Account.State = "invited" }, fault.Refused},
		"to one who is deactivated":  {func(f *staff.Facts, _ *staff.Referring) { f.Account.State = "deactivated" }, fault.Refused},
		"to one of another platform": {func(f *staff.Facts, _ *staff.Referring) { f.Account.Platform = "wilg" }, fault.NotFound},
		"by a system of another":     {func(f *staff.Facts, _ *staff.Referring) { f.Actor.Platform = "wilg" }, fault.NotFound},
		"by a system without scope":  {func(f *staff.Facts, _ *staff.Referring) { f.Actor.Scopes = []string{"accounts:write", "accounts:read"} }, fault.Refused},
		"by a person":                {func(f *staff.Facts, _ *staff.Referring) { f.Actor.Account = "baas"; f.Actor.Role = platform.Manager }, fault.Refused},
		"by nobody":                  {func(f *staff.Facts, _ *staff.Referring) { f.Actor = staff.Actor{Name: "x"} }, fault.Refused},
		"for another act":            {func(_ *staff.Facts, r *staff.Referring) { r.Act = "deactivate" }, fault.Invalid},
		"for no act":                 {func(_ *staff.Facts, r *staff.Referring) { r.Act = "" }, fault.Invalid},
		"for no reason":              {func(f *staff.Facts, _ *staff.Referring) { f.Justification.Reason = "" }, fault.Invalid},
		"for a reason of his own":    {func(f *staff.Facts, _ *staff.Referring) { f.Justification.Reason = "Anna is nice" }, fault.Invalid},
	} {
		f := system(node, account(platform.Client, "active", "linde", "anna"))
		r := staff.Referring{By: "a", To: "b", Actor: account(platform.Professional, "active", "linde", "sam"), Act: staff.ReferredReset}
		row.spoil(&f, &r)
		change, token, err := staff.Refer(f, r)
		if !errors.Is(err, row.want) || (err == nil) != (token != "") || (err == nil) != (len(change.Issue) == 1) {
			t.Errorf("%s: %v, want %v; token %q, %d tickets", says, err, row.want, token, len(change.Issue))
		}
		if err == nil && (len(token) < 43 || strings.Contains(fmt.Sprint(change), token) || strings.Contains(string(change.Issue[0].Sealed), "sam")) {
			t.Errorf("%s: the token is short, or stands with what is saved", says)
		}
	}
}

// A referral works once, for one professional, one act and five minutes; who tries otherwise is on record. Issued at
// one node, which is gone then, and used at another, on both databases.
func TestReferralWorksOnceForOne(t *testing.T) {
	idptest.EachNodes(t, 2, func(t *testing.T, databases []*storage.DB) {
		gone, node := idptest.NewServer(t, databases[0]), idptest.NewServer(t, databases[1])
		gone.Declare(practice()...)
		var tokens []string
		for i := range 7 {
			tokens = append(tokens, referred(t, gone, "hulp@example.org", fmt.Sprintf("client%d@example.org", i)))
		}
		again := referred(t, gone, "hulp@example.org", "client0@example.org")
		if err := gone.DB.Close(); err != nil {
			t.Fatal(err)
		}
		node.Clock.Later(time.Second)
		by := func(email string) *staff.Acts {
			a := follower(t, node, email)
			a.Origin = audit.Origin{Reference: "7KQ4-MXDA", Address: "192.0.2.9"}
			return a
		}
		reset := func(acts *staff.Acts, token string) error {
			return acts.ResetByReferral(t.Context(), "linde", token, staff.InPerson)
		}
		want := slices.Repeat([]string{"referral.make linde-server lost-phone for " + string(find(t, node, "linde", "hulp@example.org").ID)}, 8)
		try := func(says string, got, wanted error, recorded string) {
			t.Helper()
			if !errors.Is(got, wanted) || wanted == nil && got != nil {
				t.Errorf("%s: %v, want %v", says, got, wanted)
			}
			if recorded != "" {
				want = append(want, recorded)
			}
			node.Clock.Later(time.Millisecond)
			if lines := onRecord(t, node); !slices.Equal(lines, want) {
				t.Fatalf("%s: on record\n%s\nwant\n%s", says, strings.Join(lines, "\n"), strings.Join(want, "\n"))
			}
		}
		// What can be mended uses nothing up and is no refusal.
		stale := by("hulp@example.org")
		stale.Actor.FreshAt = node.Clock.Now().Add(-time.Hour)
		try("not fresh", reset(stale, tokens[0]), staff.NotFresh, "")
		try("not identified", by("hulp@example.org").ResetByReferral(t.Context(), "linde", tokens[0], ""), staff.NotIdentified, "")
		for range 3 { // opening uses nothing up
			r, err := by("hulp@example.org").Referral(t.Context(), "linde", tokens[0], staff.ReferredReset)
			if err != nil || r.Party != "linde-web" || r.Reason != "lost-phone" || r.Subject.Email.Address != "client0@example.org" {
				t.Fatalf("opened: %+v, %v", r, err)
			}
		}
		try("a colleague", reset(by("collega@example.org"), tokens[0]), fault.NotFound, "referral.refuse linde-web other person")
		_, err := by("baas@example.org").Referral(t.Context(), "linde", tokens[0], staff.ReferredReset)
		try("a manager opens it", err, fault.NotFound, "referral.refuse linde-web other person")
		_, err = by("hulp@example.org").Referral(t.Context(), "linde", tokens[0], "deactivate")
		try("for another act", err, fault.Refused, "referral.refuse linde-web other act")
		try("a token that nobody made", reset(by("hulp@example.org"), secret.Token()), fault.NotFound, "")
		elsewhere := by("hulp@example.org")
		try("at another platform", elsewhere.ResetByReferral(t.Context(), "wilg", tokens[0], staff.InPerson), fault.NotFound, "")
		try("done", reset(by("hulp@example.org"), tokens[0]), nil, "two_step.reset linde-web lost-phone")
		if a := find(t, node, "linde", "client0@example.org"); len(a.SecondCredentials()) > 0 {
			t.Error("the factor stands")
		}
		used, err := by("hulp@example.org").UsedReferral(t.Context(), "linde", tokens[0])
		if err != nil || used.Subject.Email.Address != "client0@example.org" || node.Clock.Now().Sub(used.UsedAt) > time.Second {
			t.Errorf("used: %+v, %v", used, err)
		}
		_, err = by("hulp@example.org").UsedReferral(t.Context(), "linde", tokens[1])
		try("what was done with one that works", err, fault.NotFound, "")
		_, err = by("collega@example.org").UsedReferral(t.Context(), "linde", tokens[0])
		try("what was done with a colleague's", err, fault.NotFound, "")
		try("twice", reset(by("hulp@example.org"), tokens[0]), fault.Spent, "referral.refuse linde-web used")
		try("another one, to her who has none any more", reset(by("hulp@example.org"), again), fault.Spent, "referral.refuse linde-web replaced")
		if err := node.Tools().Acts().Deactivate(t.Context(), "linde", staff.ByAddress("client1@example.org"), staff.Justification{Reason: staff.Left}); err != nil {
			t.Fatal(err)
		}
		try("of one who was deactivated", reset(by("hulp@example.org"), tokens[1]), fault.Spent, "referral.refuse linde-web replaced")
		for i := 2; i < 6; i++ {
			try("of another", reset(by("hulp@example.org"), tokens[i]), nil, "two_step.reset linde-web lost-phone")
		}
		try("a sixth in an hour", reset(by("hulp@example.org"), tokens[6]), fault.Throttled, "referral.refuse linde-web too many")
		last := referred(t, node, "collega@example.org", "client7@example.org")
		want = append(want, "referral.make linde-server lost-phone for "+string(find(t, node, "linde", "collega@example.org").ID))
		node.Declare(idptest.Demo{Accounts: []string{"email: collega@example.org, role: client"}})
		try("demoted since", reset(by("collega@example.org"), last), fault.Refused, "referral.refuse linde-web not allowed")
		_, err = by("collega@example.org").Referral(t.Context(), "linde", last, staff.ReferredReset)
		try("demoted since, and opens it", err, fault.Refused, "referral.refuse linde-web not allowed")
		node.Declare(practice()...)
		node.Clock.Later(5 * time.Minute)
		try("late", reset(by("collega@example.org"), last), fault.Expired, "referral.refuse linde-web late")
		events, err := node.DB.Events(t.Context(), "linde", 1)
		if err != nil || events[0].Reference != "7KQ4-MXDA" || events[0].Actor != "helper" || events[0].Account != find(t, node, "linde", "client7@example.org").ID {
			t.Errorf("%+v, %v", events, err)
		}
	})
}

// Of 32 who press at once at two nodes one resets.
func TestOneOfManyPressesResets(t *testing.T) {
	nodes(t, practice(), func(t *testing.T, nodes []*idptest.Server) {
		token := referred(t, nodes[0], "hulp@example.org", "client0@example.org")
		var ended [32]error
		var all sync.WaitGroup
		for i := range ended {
			acts := follower(t, nodes[i%2], "hulp@example.org")
			all.Go(func() { ended[i] = acts.ResetByReferral(t.Context(), "linde", token, staff.InPerson) })
		}
		all.Wait()
		done := 0
		for _, err := range ended {
			switch {
			case err == nil:
				done++
			case !errors.Is(err, fault.Spent):
				t.Errorf("one of many: %v", err)
			}
		}
		counts := map[string]int{}
		for _, line := range onRecord(t, nodes[0]) {
			kind, _, _ := strings.Cut(line, " ")
			counts[kind]++
		}
		if want := map[string]int{"referral.make": 1, "two_step.reset": 1, "referral.refuse": 31}; done != 1 || fmt.Sprint(counts) != fmt.Sprint(want) {
			t.Errorf("%d reset; on record %v, want %v", done, counts, want)
		}
	})
}

// A node that dies at whatever statement leaves all of it done or nothing: the press at another node does it, or
// finds it done.
func TestReferralAndResetAreOne(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			var ctx context.Context
			var die context.CancelFunc
			left := -1
			held := idptest.SQLiteHeld
			if engine == "postgres" {
				held = idptest.PostgresHeld
			}
			others, dying := held(t, func(string) {
				if left--; left == 0 {
					die()
				}
			})
			node, dies := idptest.NewServer(t, others), idptest.NewServer(t, dying)
			node.Declare(practice()...)
			finished := false
			for at := 1; !finished; at++ {
				node.Declare(practice()...) // the factor is back
				node.Clock.Later(25 * time.Hour)
				token := referred(t, node, "hulp@example.org", "client0@example.org")
				acts := follower(t, dies, "hulp@example.org")
				acts.Now, acts.Actor.FreshAt = node.Clock.Now(), node.Clock.Now()
				ctx, die = context.WithCancel(t.Context())
				left = at
				err := acts.ResetByReferral(ctx, "linde", token, staff.InPerson)
				finished = left > 0
				left = -1
				stands := len(find(t, node, "linde", "client0@example.org").SecondCredentials()) > 0
				again := follower(t, node, "hulp@example.org").ResetByReferral(t.Context(), "linde", token, staff.InPerson)
				if err == nil && stands || stands != (again == nil) || !stands && !errors.Is(again, fault.Spent) {
					t.Errorf("died at statement %d: %v, the factor stands: %t, then %v", at, err, stands, again)
				}
				if at > 100 {
					t.Fatal("it never ends")
				}
			}
			die()
		})
	}
}

// What is sealed is what is checked: a ticket that says another act is not one for this.
func TestReferralForAnActOfAnotherRelease(t *testing.T) {
	node := idptest.NewServer(t, idptest.SQLite(t))
	node.Declare(practice()...)
	whom, token := find(t, node, "linde", "client0@example.org"), secret.Token()
	ticket := authn.NewTicket(secret.Hash(token), "linde", authn.TicketReferral, whom.ID, node.Clock.Now())
	plain, err := json.Marshal(staff.Referral{Actor: find(t, node, "linde", "hulp@example.org").ID, Act: "erase", Reason: "lost-phone"})
	if err != nil {
		t.Fatal(err)
	}
	ticket.Sealed = node.Sealer.Seal(plain, ticket.Binding())
	if err := node.DB.SaveChange(t.Context(), authn.Change{Issue: []authn.Ticket{ticket}}, node.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	if err := follower(t, node, "hulp@example.org").ResetByReferral(t.Context(), "linde", token, staff.InPerson); !errors.Is(err, fault.Refused) {
		t.Errorf("%v", err)
	}
	if lines := onRecord(t, node); len(lines) != 1 || !strings.HasSuffix(lines[0], "other act") {
		t.Errorf("on record: %q", lines)
	}
}
