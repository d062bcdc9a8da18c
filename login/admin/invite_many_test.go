package admin_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/storage"
	"github.com/minddistrict/idp/test/browser"
)

// inviting is a house with henk, who helps, and anna.
var inviting = idptest.Demo{Accounts: []string{
	"email: henk@example.org, role: helpdesk, locale: en, totp_secret: " + idptest.TOTPSecret + ", recovery_codes: [K7QM-2XHP-9TRD]",
	"email: anna@example.org, locale: en",
}}

const inviteMany = idptest.HostIssuer + "/staff/invite/many"

// helper is a browser in which henk is at the page for files.
func helper(t *testing.T, s *idptest.Server) *idptest.Browser {
	t.Helper()
	b := idptest.NewBrowser(s, "en")
	idptest.LogIn(t, b, inviteMany, "henk@example.org")
	idptest.SendCode(t, b, idptest.Code(t, idptest.TOTPSecret, s.Clock.Now()))
	b.MustBeAt(t, "/staff/invite/many")
	return b
}

func check(t *testing.T, b *idptest.Browser, file string) string {
	t.Helper()
	b.MustOpen(t, inviteMany)
	b.MustFill(t, "The file", file)
	b.MustPress(t, "Check")
	return idptest.Visible(b.Doc)
}

// Whatever file somebody brings, there is an answer that says what is wrong, and what is right is kept as it was written.
func TestFilesThatPeopleBring(t *testing.T) {
	s := idptest.NewServer(t, idptest.SQLite(t))
	s.Declare(inviting)
	b := helper(t, s)
	rows := func(n int) string {
		var file strings.Builder
		file.WriteString("email;given name\n")
		for i := range n {
			fmt.Fprintf(&file, "new%d@example.org;Bram\n", i)
		}
		return file.String()
	}
	for name, row := range map[string]struct {
		file   string
		status int
		says   string
	}{
		"50 MB":            {"email\n" + strings.Repeat("x", 50<<20), http.StatusUnprocessableEntity, "This file is too large."},
		"a little too big": {"email\n" + strings.Repeat("x", 2<<20), http.StatusUnprocessableEntity, "This file is too large."},
		"almost as much":   {"email;given name\na@example.org;" + strings.Repeat("x", 2<<20-2000), http.StatusOK, "This name is too long"},
		"too many rows":    {rows(10_001), http.StatusUnprocessableEntity, "too many people"},
		"10,000 rows":      {rows(10_000), http.StatusOK, "10000 people will be invited."},
		"a workbook":       {"PK\x03\x04" + strings.Repeat("\x00", 100), http.StatusUnprocessableEntity, "This is a spreadsheet."},
		"Latin-1":          {"email;given name\nr@example.org;Ren\xe9", http.StatusOK, "We converted them."},
		"a picture":        {"\x89PNG\r\n\x1a\n\x00\x81", http.StatusUnprocessableEntity, "We cannot read the letters"},
		"a zero byte":      {"email;given name\nr@example.org;Re\x00ne", http.StatusOK, "not part of a name"},
		"markup":           {"email;given name;<script>\nr@example.org;<script>alert(1)</script>;x", http.StatusOK, "<script>alert(1)</script>"}, // as text
		"nobody":           {"email\n", http.StatusUnprocessableEntity, "There is nobody in this file."},
	} {
		if said := check(t, b, row.file); b.Status != row.status || !strings.Contains(said, row.says) {
			t.Errorf("%s: %d: %.1500s", name, b.Status, said)
		}
	}
	if said := check(t, b, "email;given name\nr@example.org;Ren\xe9"); !strings.Contains(said, "René") {
		t.Errorf("not converted: %s", said)
	}
	b.MustOpen(t, inviteMany)
	b.MustPress(t, "Download an example")
	if kind := b.Header.Get("Content-Disposition"); !strings.HasPrefix(kind, "attachment") {
		t.Errorf("the example is shown: %q", kind)
	}
	if said := check(t, b, strings.Replace(b.Body, "anna@", "new@", 1)); !strings.Contains(said, "1 person will be invited.") {
		t.Errorf("the example is refused: %s", said)
	}
}

// A file is applied once, whichever node is asked, and however often.
func TestAFileIsAppliedOnceByAllNodes(t *testing.T) {
	idptest.EachNodes(t, 2, func(t *testing.T, databases []*storage.DB) {
		nodes := []*idptest.Server{idptest.NewServer(t, databases[0]), idptest.NewServer(t, databases[1])}
		nodes[0].Declare(inviting)
		if err := nodes[1].Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		b := helper(t, nodes[0])
		check(t, b, "email;given name\nb@example.org;Bram\nc@example.org;Chris\nanna@example.org;Anna")
		report := b.URL.String()
		tabs := make([]*idptest.Browser, 32)
		for i := range tabs {
			tabs[i] = browser.New(nodes[i%2], "en")
			tabs[i].Jar = b.Jar
			tabs[i].MustOpen(t, report)
		}
		idptest.Together(t, tabs, "Invite 2 people")
		for i, tab := range tabs {
			if text := idptest.Visible(tab.Doc); !strings.Contains(text, "2 people have been invited.") {
				t.Errorf("press %d: %s", i, text)
			}
		}
		idptest.Deliver(t, nodes[1])
		if sent := nodes[1].Mails.Sent(); len(sent) != 2 {
			t.Errorf("%d mails, want 2", len(sent))
		}
	})
}

// Who helps nobody has none of these pages, and sends nothing to them; neither does who is not signed in.
func TestPagesOfInvitingAreForHelpers(t *testing.T) {
	s := idptest.NewServer(t, idptest.SQLite(t))
	s.Declare(inviting)
	b := helper(t, s)
	check(t, b, "email;given name\nb@example.org;Bram")
	report := b.URL.String()
	anna := idptest.NewBrowser(s, "en")
	idptest.LogIn(t, anna, idptest.HostIssuer+"/settings", "anna@example.org")
	for _, page := range []string{
		idptest.HostIssuer + "/staff/invite", inviteMany, inviteMany + "/example", report,
		inviteMany + "/4xq2m7nkc5vbz3hdtw6ysgjp4r", idptest.HostIssuer + "/staff/roles",
	} {
		if anna.MustOpen(t, page); anna.Status != http.StatusNotFound {
			t.Errorf("%s: %d", page, anna.Status)
		}
		for name, who := range map[string]*idptest.Browser{"anna": anna, "a stranger": idptest.NewBrowser(s, "en")} {
			who.MustOpen(t, idptest.HostIssuer+"/settings")
			if err := who.Twice(nil, page); err == nil && who.Status == http.StatusOK && strings.Contains(who.URL.Path, "/staff/") {
				t.Errorf("%s sends a form to %s: %d", name, page, who.Status)
			}
		}
	}
	if _, err := s.DB.AccountByEmail(t.Context(), "linde", "b@example.org"); err == nil {
		t.Error("somebody was invited")
	}
}
