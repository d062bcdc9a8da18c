package idptest_test

import (
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/idptest/doors"
)

// TestWaysOfSigningIn: of several that the policy allows the first is the page and the others are ways on it, without
// script. Either's proof counts, and a mistake stays where it was made.
func TestWaysOfSigningIn(t *testing.T) {
	for name, row := range map[string]struct {
		policy string
		first  string   // the page that comes by itself
		path   []string // the ways that are taken from there
		amr    string
	}{
		"the page":                {"login_form: false", "/front-door", nil, "user"},
		"the way":                 {"login_form: false", "/front-door", []string{"Back door"}, "user"},
		"there and back":          {"login_form: false", "/front-door", []string{"Back door", "Front door"}, "user"},
		"a way of the password":   {"login_form: true", "/password", []string{"Back door"}, "user"},
		"another of the password": {"login_form: true", "/password", []string{"Front door"}, "user"},
		"by way of a lost one":    {"login_form: true", "/password", []string{"Forgot your password?", "Back", "Back door"}, "user"},
	} {
		t.Run(name, func(t *testing.T) {
			b, party := behindDoors(t, row.policy)
			b.MustBeAt(t, row.first)
			for _, way := range row.path {
				b.MustPress(t, way)
			}
			at := b.URL.Path
			b.MustFill(t, "Email address", "nobody@example.org")
			b.MustPress(t, "Knock")
			if b.URL.Path != at || !strings.Contains(b.Body, "Nobody lives here.") {
				t.Fatalf("a mistake at %s leads to %s", at, b.URL)
			}
			if err := b.Reload(); err != nil || !strings.Contains(b.Body, "Nobody lives here.") {
				t.Fatalf("the mistake is not shown again: %v", err)
			}
			b.MustFill(t, "Email address", "anna@example.org")
			b.MustPress(t, "Knock")
			wantAMR(t, party, row.amr)
		})
	}
}

// A way that the policy closes is neither offered nor taken.
func TestClosedWayIsNotTaken(t *testing.T) {
	b, _ := behindDoors(t, "login_form: false")
	page := b.URL.String()
	for _, step := range []string{"password", "forgot", "closed"} {
		form := map[string][]string{"email": {"anna@example.org"}, "password": {idptest.Password}}
		if err := b.Twice(form, strings.Replace(page, "front-door", step, 1)); err != nil || b.URL.String() != page {
			t.Errorf("a form to %s leads to %s: %v", step, b.URL, err)
		}
		if b.MustOpen(t, strings.Replace(page, "front-door", step, 1)); b.URL.String() != page {
			t.Errorf("the page %s is shown: %s", step, b.URL)
		}
	}
}

// behindDoors is a browser with the page of a party in front of it.
func behindDoors(t *testing.T, policy string) (*idptest.Browser, *idptest.Party) {
	t.Helper()
	db := idptest.SQLite(t)
	s := idptest.NewServer(t, db, doors.Factors(db)...)
	demo := idptest.Demo{
		Policy: policy, Parties: []string{"client_id: web"}, Accounts: []string{"email: anna@example.org, locale: en"},
	}
	s.Declare(demo)
	party := demo.Party(s, "web")
	b := idptest.NewBrowser(s, "en")
	b.MustOpen(t, party.Start(nil))
	return b, party
}
