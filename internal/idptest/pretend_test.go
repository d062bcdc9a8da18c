package idptest_test

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/idptest/pretend"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/storage"
)

func pretendHouse(demand, methods string) idptest.Demo {
	return idptest.Demo{
		Policy:   fmt.Sprintf("second_factor: { client: %s }, code_methods: [%s], idle_after: 1h", demand, methods),
		Parties:  []string{"client_id: web"},
		Accounts: []string{"email: anna@example.org, locale: en"},
	}
}

// TestAddingAFactorTakesOneFolderAndOneLine: the folder is internal/idptest/pretend, the line is marked below.
func TestAddingAFactorTakesOneFolderAndOneLine(t *testing.T) {
	idptest.EachDatabase(t, func(t *testing.T, db *storage.DB) {
		s := idptest.NewServer(t, db, pretend.Factor(idptest.Sealer(t))) // the one line
		demo := pretendHouse("required", "pretend")
		s.Declare(demo)
		party := demo.Party(s, "web")
		b := idptest.NewBrowser(s, "en")
		idptest.LogIn(t, b, party.Start(nil), "anna@example.org")
		// required: the set-up comes right after the login, and nothing is given before it
		b.MustBeAt(t, "/set-up")
		if err := b.Open(party.Start(map[string][]string{"prompt": {"none"}})); err != nil || party.Last.Error != "login_required" {
			t.Fatalf("before the set-up: %v, %q", err, party.Last.Error)
		}
		idptest.LogIn(t, b, party.Start(nil), "anna@example.org")
		b.MustPress(t, "Set up two-step authentication")
		b.MustFill(t, "The code that everybody knows", "000000")
		b.MustPress(t, "Continue")
		b.MustBeAt(t, "/pretend-setup")
		b.MustFill(t, "The code that everybody knows", pretend.Code)
		b.MustPress(t, "Continue")
		// recovery codes come with any second factor
		keepCodes(b)
		b.MustPress(t, "Done")
		wantAMR(t, party, "mfa otp pwd")
		mustHear(t, s, "mail_pretend", "You pretend from now on")

		// next time it is asked after the password, and again after an idle hour
		other := idptest.NewBrowser(s, "en")
		idptest.LogIn(t, other, party.Start(nil), "anna@example.org")
		other.MustBeAt(t, "/pretend")
		other.MustFill(t, "The code that everybody knows", pretend.Code)
		other.MustPress(t, "Continue")
		wantAMR(t, party, "mfa otp pwd")
		if acr := party.Last.Claims["acr"]; acr != "urn:minddistrict:acr:2fa" {
			t.Errorf("acr %v", acr)
		}
		s.Clock.Later(3600e9)
		other.MustOpen(t, party.Start(nil))
		other.MustBeAt(t, "/pretend")
	})
}

// TestFactorIsOfferedAndShown: the pages that loop over factors show what one says of itself, and its mail is sent.
func TestFactorIsOfferedAndShown(t *testing.T) {
	s := idptest.NewServer(t, idptest.SQLite(t), pretend.Factor(idptest.Sealer(t)))
	s.Declare(pretendHouse("optional", "totp, pretend"))
	b := idptest.NewBrowser(s, "en")
	idptest.LogIn(t, b, "https://login.linde.test/settings/two-step", "anna@example.org")
	b.MustPress(t, "Set up two-step authentication")
	mustSay(t, b, "Code from an authenticator app", "Pretending", "You need nothing for it.")
	choose(b, "totp")
	b.MustPress(t, "Continue")
	b.MustBeAt(t, "/app-setup")
	b.MustPress(t, "Prefer to pretend?") // the other one, in its own words
	choose(b, pretend.Method)
	b.MustPress(t, "Continue")
	b.MustBeAt(t, "/pretend-setup")
	b.MustFill(t, "The code that everybody knows", pretend.Code)
	b.MustPress(t, "Continue")
	keepCodes(b)
	b.MustPress(t, "Done")
	b.MustBeAt(t, "/settings/two-step")
	mustSay(t, b, "You have pretended since 1 March 2027.", "You have 6 recovery codes left.")
	mustHear(t, s, "mail_pretend", "You pretend from now on")
}

// TestFilesThatAFactorTouches: a way of signing in is a folder, and a line where the house is joined. Those of the house
// are in further places only where a file or a command names what they keep.
func TestFilesThatAFactorTouches(t *testing.T) {
	var folder []string
	err := filepath.WalkDir("pretend", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			folder = append(folder, filepath.ToSlash(path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"pretend/pretend.go", "pretend/templates/pretend.html", "pretend/templates/pretend_card.html", "pretend/texts/en.yaml", "pretend/texts/nl.yaml",
	}
	if !slices.Equal(folder, want) {
		t.Errorf("the folder has %q, want %q", folder, want)
	}
	for dir, want := range map[string][]string{
		"internal/idptest/pretend": {"internal/idptest/pretend_test.go", "internal/wire/methods_test.go", "ui/page_test.go"}, // the one line of each
		"login/totp":               {"internal/setup/credentials.go", "internal/wire/house.go"},
		"login/sms":                {"cmd/idp/sms.go", "internal/setup/credentials.go", "internal/wire/house.go"},
		"login/recoverycode":       {"internal/setup/credentials.go", "internal/wire/house.go"},
	} {
		if got := importers(t, dir); !slices.Equal(got, want) {
			t.Errorf("%s is named in %q, want %q", dir, got, want)
		}
	}
}

// importers lists the files of the module outside a folder that import its package, without tests of others.
func importers(t *testing.T, dir string) (files []string) {
	t.Helper()
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(filepath.ToSlash(path), "../../")
		if d.IsDir() && (slices.Contains([]string{"var", "node_modules", "testdata"}, d.Name()) || strings.HasPrefix(d.Name(), ".") && path != "../..") {
			return filepath.SkipDir
		}
		pretended := strings.HasPrefix(dir, "internal/idptest")
		if filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") && !pretended || strings.HasPrefix(name, dir+"/") {
			return nil
		}
		for _, spec := range parsed(t, path).Imports {
			if spec.Path.Value == `"github.com/minddistrict/idp/`+dir+`"` {
				files = append(files, name)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// choose ticks a way of getting codes.
func choose(b *idptest.Browser, method string) {
	for n := range b.Doc.Descendants() {
		if is(n, "name", "method") && is(n, "value", method) {
			b.Tick(n, true)
		}
	}
}

// keepCodes says that recovery codes are kept.
func keepCodes(b *idptest.Browser) {
	for n := range b.Doc.Descendants() {
		if is(n, "id", "kept") {
			b.Tick(n, true)
		}
	}
}

func is(n *html.Node, key, value string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == key && a.Val == value })
}

func mustSay(t *testing.T, b *idptest.Browser, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if seen := idptest.Visible(b.Doc); !strings.Contains(seen, text) {
			t.Fatalf("%q is not on %s:\n%s", text, b.URL, seen)
		}
	}
}

// mustHear delivers messages and looks for one mail of a kind.
func mustHear(t *testing.T, s *idptest.Server, kind outbox.Kind, subject string) {
	t.Helper()
	if err := s.Deliver(t.Context()); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range s.Mails.Sent() {
		if m.Kind == kind {
			got = append(got, m.Subject)
		}
	}
	if !slices.Equal(got, []string{subject}) {
		t.Fatalf("mails of %s: %q, want one: %q", kind, got, subject)
	}
}

func wantAMR(t *testing.T, party *idptest.Party, want string) {
	t.Helper()
	var got []string
	list, _ := party.Last.Claims["amr"].([]any)
	for _, v := range list {
		got = append(got, fmt.Sprint(v))
	}
	slices.Sort(got)
	if strings.Join(got, " ") != want {
		t.Fatalf("amr %q, want %q (error %q)", got, want, party.Last.Error)
	}
}
