package ui_test

import (
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/ui"
)

// sampled renders a sample of a page by its name, in English.
func sampled(t *testing.T, page, name string) *html.Node {
	t.Helper()
	for _, s := range whole.Samples()[page] {
		if s.Name == name {
			doc, _ := render(t, page, frame(s, "en"), s.Data)
			return doc
		}
	}
	t.Fatalf("%s has no sample %q", page, name)
	return nil
}

// A button of a mail that is of no use leads to who can help, and not to a login that refuses or that a thief has.
func TestADeadButtonLeadsToTheHelpdesk(t *testing.T) {
	for name, want := range map[string]bool{"not active": true, "expired freeze": true, "expired unblock": false, "used": false} {
		calls := all(sampled(t, "link", name), "a", has("class", "button"), has("href", "tel:+31101234567"))
		if got := len(calls) == 1; got != want {
			t.Errorf("%s: the button calls: %t", name, got)
		}
	}
	alone := linde()
	alone.HelpPublic = platform.Contact{}
	doc, _ := render(t, "link", ui.Frame{Platform: alone, Lang: "en"},
		ui.LinkPage{Title: "inactive.title", Body: "inactive.helper", LoginURL: "https://linde.example.net/"})
	if len(all(doc, "a", has("class", "button"), has("href", "https://linde.example.net/"))) != 1 {
		t.Error("where no helpdesk is known nothing leads on")
	}
}

// Who has no recovery codes is not told of them.
func TestNoRecoveryCodesAreNotNamed(t *testing.T) {
	for page, names := range map[string][2]string{
		"no_code": {"app", "no recovery codes"}, "codes_later": {"plain", "no recovery codes, staff"},
	} {
		for i, name := range names {
			main := text(all(sampled(t, page, name), "main")[0])
			if strings.Contains(main, "recovery codes either") != (i == 0) || !strings.Contains(main, "turn off two-step") {
				t.Errorf("%s, %s: %s", page, name, main)
			}
		}
	}
}

// From the third wrong password on, help is below the form, and a link above it leads there.
func TestHelpIsSeenAfterWrongPasswords(t *testing.T) {
	for name, want := range map[string]int{"wrong": 0, "wrong three times": 1} {
		if got := len(all(sampled(t, "login", name), "a", has("href", "#check"))); got != want {
			t.Errorf("%s: %d links to the help", name, got)
		}
	}
}

// The cards of every group of devices stand below a heading of the group.
func TestDevicesStandBelowTheirGroup(t *testing.T) {
	doc, level := sampled(t, "devices", "apps, browsers and web sites"), ""
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode || n.Data != "h2" && n.Data != "h3" {
			continue
		}
		if level == "" && n.Data != "h2" || n.Data == "h2" && attr(n, "id") != "" && attr(n, "id") != "help" {
			t.Errorf("%s %q", n.Data, text(n))
		}
		level = n.Data
	}
}
