package login_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/storage"
)

var changing = regexp.MustCompile(`[a-z0-9]{26}|value="[^"]*"`)

// The emergency login tells nobody who is named there, nor that a password was right: the same page, after the same delay,
// and each try counts. Only the record knows.
func TestTheEmergencyDoorTellsNothing(t *testing.T) {
	db := idptest.SQLite(t)
	s := idptest.NewServer(t, db)
	s.Declare(idptest.Demo{
		Policy: "login_form: false, second_factor: { staff: { demand: optional } }, code_methods: [totp]",
		Accounts: []string{
			"email: mia@example.org, role: manager, locale: en", "email: tom@example.org, role: manager, locale: en",
			"email: paul@example.org, role: professional, locale: en",
		},
	})
	all, err := db.Platforms(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all[0].Policy.BreakGlass = []string{"mia@example.org", "paul@example.org"} // Mia has no second factor, Paul is no manager
	if err := db.Declare(t.Context(), storage.Setup{Platforms: all[:1]}, s.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	if err := s.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	var pages [5]string // of each try: the delay grows with it
	whom := map[string]struct{ password, why string }{
		"mia@example.org":    {idptest.Password, "no code"},
		"tom@example.org":    {idptest.Password, "closed"},
		"paul@example.org":   {idptest.Password, "closed"},
		"nobody@example.org": {idptest.Password, "wrong"},
	}
	for address, row := range whom {
		b := idptest.NewBrowser(s, "en")
		b.MustOpen(t, "https://login.linde.test/login/form")
		for i := range pages {
			b.MustFill(t, "Email address", address)
			b.MustFill(t, "Password", row.password)
			before := s.Clock.Now()
			b.MustPress(t, "Log in")
			seen := s.Clock.Now().Sub(before).String() + changing.ReplaceAllString(strings.ReplaceAll(b.Body, address, "ADDRESS"), "")
			if pages[i] == "" {
				pages[i] = seen
			}
			if seen != pages[i] {
				t.Errorf("%s, try %d: another page\n%s\n%s", address, i+1, seen, pages[i])
			}
		}
		var id account.ID
		if a, err := db.AccountByEmail(t.Context(), "linde", address); err == nil {
			id = a.ID
		}
		events, err := db.Events(t.Context(), "linde", 100)
		if err != nil {
			t.Fatal(err)
		}
		why := 0
		for _, e := range events {
			if e.Kind == audit.PasswordRefused && e.Reason == row.why && e.Account == id {
				why++
			}
		}
		if why != len(pages) {
			t.Errorf("%s: %d refusals %q on the record", address, why, row.why)
		}
	}
}

// Each use is on the record: once for a session, and each time at the door.
func TestEachUseOfTheEmergencyDoorIsOnTheRecord(t *testing.T) {
	db := idptest.SQLite(t)
	const (
		platform = "platform linde second-factor=optional methods=totp login-form=false\naccount mia@example.org role=manager totp\nemergency mia@example.org\n"
		comes    = "open https://login.linde.test/login/form\nfill login.email = mia@example.org ; fill login.password = password ; press login.submit\n"
		code     = "fill code.label = totp ; press code.submit ; at /staff\n"
		settings = "later 10m\nopen https://login.linde.test/settings/password\nfill login.password = password ; press common.continue\nfill code.label = totp ; press code.submit\n"
	)
	idptest.RunText(t, "uses", platform+comes+code+settings+"browser gives up\n"+comes+"browser first\nlater 1m\n"+comes+code, db, "en")
	a := idptest.Account(t, db, "mia@example.org")
	events, err := db.EventsOf(t.Context(), "linde", a.ID, 100)
	if err != nil {
		t.Fatal(err)
	}
	uses := 0
	for _, e := range events {
		if e.Kind == audit.BreakGlassUsed && e.Actor == string(a.ID) && e.Outcome == audit.Success {
			uses++
		}
	}
	if uses != 2 {
		t.Errorf("%d uses on the record, want 2", uses)
	}
}
