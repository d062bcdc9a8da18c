package sms_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/login/sms"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/storage"
)

// demo has anna and cees with one number, and a budget of messages in a day.
func demo(perDay int) idptest.Demo {
	return idptest.Demo{
		Policy:  fmt.Sprintf("second_factor: { client: optional }, sms_per_day: %d", perDay),
		Parties: []string{"client_id: web"},
		Accounts: []string{
			`email: anna@example.org, locale: en, phone_for_codes: "+31612345678"`,
			`email: bram@example.org, locale: en, phone_for_codes: "+31687654321"`,
			`email: cees@example.org, locale: en, phone_for_codes: "+31612345678"`,
		},
	}
}

// node is one house on a database that others use too.
type node struct {
	*idptest.Server
	party *idptest.Party
}

func newNode(t *testing.T, db *storage.DB, perDay int) node {
	s := idptest.NewServer(t, db)
	s.Declare(demo(perDay))
	return node{s, demo(perDay).Party(s, "web")}
}

// login is a browser that has sent its password.
func (n node) login(t *testing.T, email string) *idptest.Browser {
	t.Helper()
	b := idptest.NewBrowser(n.Server, "en")
	idptest.LogIn(t, b, n.party.Start(nil), email)
	return b
}

// texts are the messages that were sent so far.
func (n node) texts(t *testing.T) (codes []string) {
	t.Helper()
	idptest.Deliver(t, n)
	for _, m := range n.Mails.Texts() {
		codes = append(codes, m.Code)
	}
	return codes
}

// TestACodeIsAcceptedOnce: one code, in many tabs at once, ends in one session.
func TestACodeIsAcceptedOnce(t *testing.T) {
	idptest.EachDatabase(t, func(t *testing.T, db *storage.DB) {
		n := newNode(t, db, 100)
		for round := range 8 {
			b := n.login(t, "anna@example.org")
			codes := n.texts(t)
			code := codes[len(codes)-1]
			tabs := idptest.Tabs(t, b, 5) // as many as one login may try
			for i, tab := range tabs {
				tab.MustFill(t, "Code", code[:3]+strings.Repeat(" ", i)+code[3:])
			}
			idptest.Together(t, tabs, "Continue")
			anna := idptest.Account(t, db, "anna@example.org")
			sessions, err := db.Sessions(t.Context(), "linde", anna.ID, n.Clock.Now())
			if err != nil || len(sessions) != 1 {
				t.Fatalf("round %d: %d sessions, %v", round, len(sessions), err)
			}
			late := n.login(t, "anna@example.org")
			idptest.SendCode(t, late, code)
			if idptest.SignedIn(late) || late.Button("Continue") == nil {
				t.Fatalf("round %d: a code of another login leads to %s", round, late.URL)
			}
			n.Clock.Later(25 * time.Hour) // those that lost were counted as wrong
		}
	})
}

// TestManyFormsAtOnceSendOneMessage: however often a button is pressed at once, and in however many logins, as many are
// sent as are allowed: by login one in 30 seconds, by account three in a quarter of an hour.
func TestManyFormsAtOnceSendOneMessage(t *testing.T) {
	const presses = 200
	idptest.EachDatabase(t, func(t *testing.T, db *storage.DB) {
		nodes := []node{newNode(t, db, 100), newNode(t, db, 100)}
		b := nodes[0].login(t, "anna@example.org")
		sent := func() int { return len(nodes[0].texts(t)) + len(nodes[1].texts(t)) }
		if got := sent(); got != 1 {
			t.Fatalf("%d messages at the login", got)
		}
		nodes[0].Clock.Later(31 * time.Second)
		nodes[1].Clock.Later(31 * time.Second)
		idptest.Together(t, idptest.Tabs(t, b, presses), "Send the text message again")
		if got := sent(); got != 2 {
			t.Fatalf("%d presses of one button: %d messages, want 1 more than 1", presses, got)
		}
		// one left in this quarter of an hour, for eight logins that come to their code at once
		var logins []*idptest.Browser
		for i := range 8 {
			b := idptest.NewBrowser(nodes[i%2].Server, "en")
			b.MustOpen(t, nodes[i%2].party.Start(nil))
			b.MustFill(t, "Email address", "anna@example.org")
			b.MustFill(t, "Password", idptest.Password)
			logins = append(logins, b)
		}
		idptest.Together(t, logins, "Log in")
		if got := sent(); got != 3 {
			t.Fatalf("%d logins at once: %d messages, want 3 in all", len(logins), got)
		}
		for _, b := range logins { // whoever lost the race goes on without a message
			if b.Button("Log in") != nil {
				idptest.SendPassword(t, b, "anna@example.org")
			}
			if !strings.HasSuffix(b.URL.Path, "/sms") {
				t.Errorf("a login leads to %s", b.URL)
			}
		}
		if got := sent(); got != 3 {
			t.Errorf("afterwards: %d messages, want 3", got)
		}
	})
}

// TestThePlatformHasABudget: of all accounts together, with their own limits not reached.
func TestThePlatformHasABudget(t *testing.T) {
	n := newNode(t, idptest.SQLite(t), 3)
	for i, email := range []string{"anna@example.org", "bram@example.org", "anna@example.org", "bram@example.org"} {
		b := n.login(t, email)
		if waits := b.Button("Send me a code") != nil; waits != (i == 3) {
			t.Errorf("login %d: waits %t at %s", i+1, waits, b.URL)
		}
	}
	if got := len(n.texts(t)); got != 3 {
		t.Errorf("%d messages", got)
	}
	p := &platform.Platform{Policy: platform.Policy{SMSPerDay: 3}}
	stand, err := n.DB.LimitCounts(t.Context(), "linde", []authn.Limit{sms.PerDay(p)}, n.Clock.Now())
	if err != nil || stand[0].N != 3 || !stand[0].Until.Equal(n.Clock.Now().Add(24*time.Hour)) {
		t.Errorf("%+v, %v", stand, err)
	}
	n.Clock.Later(24 * time.Hour)
	if b := n.login(t, "bram@example.org"); b.Button("Continue") == nil {
		t.Errorf("the day after: %s", b.URL)
	}
}

// TestNoBudgetAtAll: a platform that may send nothing asks nobody to try for ever.
func TestNoBudgetAtAll(t *testing.T) {
	n := newNode(t, idptest.SQLite(t), 0)
	b := n.login(t, "anna@example.org")
	if b.Button("Send me a code") == nil || len(n.texts(t)) != 0 {
		t.Errorf("at %s: %s", b.URL, idptest.Visible(b.Doc))
	}
	b.MustPress(t, "Send me a code")
	if b.Button("Send me a code") == nil || len(n.texts(t)) != 0 {
		t.Errorf("at %s: %s", b.URL, idptest.Visible(b.Doc))
	}
}

// TestANumberHasABudgetOfItsOwn: ten in a day, whoever's codes go there.
func TestANumberHasABudgetOfItsOwn(t *testing.T) {
	n := newNode(t, idptest.SQLite(t), 100)
	for i := range 12 {
		b := n.login(t, []string{"anna@example.org", "cees@example.org"}[i%2])
		if waits := b.Button("Send me a code") != nil; waits != (i >= 10) {
			t.Errorf("login %d: waits %t at %s", i+1, waits, b.URL)
		}
		n.texts(t) // before they expire
		if i%2 == 1 {
			n.Clock.Later(20 * time.Minute)
		}
	}
	if got := len(n.texts(t)); got != 10 {
		t.Errorf("%d messages", got)
	}
	if b := n.login(t, "bram@example.org"); b.Button("Continue") == nil {
		t.Errorf("another number: %s", b.URL)
	}
}

// TestOpeningAPageSendsNothing: a scanner of mails, a reload, a HEAD.
func TestOpeningAPageSendsNothing(t *testing.T) {
	n := newNode(t, idptest.SQLite(t), 100)
	b := n.login(t, "anna@example.org")
	here := b.URL.String()
	n.texts(t)
	for range 3 {
		n.Clock.Later(time.Minute)
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			res := idptest.RequestAs(t, n, b, method, here+"?do=resend", "", nil)
			if res.StatusCode != http.StatusOK {
				t.Errorf("%s: %d", method, res.StatusCode)
			}
		}
	}
	if got := len(n.texts(t)); got != 1 {
		t.Errorf("%d messages, want that of the login", got)
	}
}

// TestASealedNumberIsBoundToItsRow: whoever can write to the database cannot have one account's codes sent to another's
// phone.
func TestASealedNumberIsBoundToItsRow(t *testing.T) {
	db := idptest.SQLite(t)
	n := newNode(t, db, 100)
	anna, bram := idptest.Account(t, db, "anna@example.org"), idptest.Account(t, db, "bram@example.org")
	own, _ := anna.Credential("sms")
	others, _ := bram.Credential("sms")
	if strings.Contains(string(own.Sealed), "612345678") || own.Label != "78" {
		t.Errorf("label %q, sealed %q", own.Label, own.Sealed)
	}
	own.Sealed = others.Sealed
	if err := db.SaveChange(t.Context(), authn.Change{Platform: "linde", Put: []account.Credential{own}}, n.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	if b := n.login(t, "anna@example.org"); b.Status != 500 || len(n.texts(t)) != 0 {
		t.Errorf("%d at %s", b.Status, b.URL)
	}
}

// TestNothingStoredTellsCodeOrNumber looks at all that is kept while a code is on its way, and after it was used.
func TestNothingStoredTellsCodeOrNumber(t *testing.T) {
	db := idptest.SQLite(t)
	n := newNode(t, db, 100)
	b := n.login(t, "anna@example.org")
	look := func(code string) {
		t.Helper()
		for _, table := range []string{"tickets", "letters", "journeys", "credentials", "events", "attempts", "sessions"} {
			rows, err := db.SQL().QueryContext(t.Context(), "SELECT * FROM "+table)
			if err != nil {
				t.Fatal(err)
			}
			columns, err := rows.Columns()
			if err != nil {
				t.Fatal(err)
			}
			for rows.Next() {
				values := make([]any, len(columns))
				for i := range values {
					values[i] = new(any)
				}
				if err := rows.Scan(values...); err != nil {
					t.Fatal(err)
				}
				for i, v := range values {
					stored := fmt.Sprintf("%s", *v.(*any))
					if strings.Contains(stored, "612345678") || code != "" && stored == code {
						t.Errorf("%s.%s: %s", table, columns[i], stored)
					}
				}
			}
			if err := rows.Err(); err != nil {
				t.Fatal(err)
			}
			_ = rows.Close() // read to the end
		}
	}
	look("")
	code := n.texts(t)[0]
	look(code)
	idptest.SendCode(t, b, code)
	if !idptest.SignedIn(b) {
		t.Fatalf("at %s", b.URL)
	}
	look(code)
}

// TestReportsAreKept: a message that a gateway took and could not deliver is told on the page.
func TestReportsAreKept(t *testing.T) {
	n := newNode(t, idptest.SQLite(t), 100)
	b := n.login(t, "anna@example.org")
	n.texts(t)
	id := n.Mails.Texts()[0].ID
	const failed = "The text message could not be sent."
	says := func(want bool) {
		t.Helper()
		b.MustOpen(t, b.URL.String())
		if strings.Contains(idptest.Visible(b.Doc), failed) != want {
			t.Errorf("want %t: %s", want, idptest.Visible(b.Doc))
		}
	}
	says(false)
	for reason, want := range map[string]bool{outbox.Undelivered: true, outbox.Delivered: false} {
		if err := n.DB.ReportMessage(t.Context(), id, reason); err != nil {
			t.Fatal(err)
		}
		says(want)
	}
	if err := n.DB.ReportMessage(t.Context(), secret.ID(), outbox.Undelivered); err == nil {
		t.Error("a letter that nobody knows")
	}
}
