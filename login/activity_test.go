package login_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/idptest"
)

// A page of a sibling host gets our cookies along with whatever it asks for. It keeps no session from idling, neither
// through the settings nor through a request of a party; whoever goes to a page does.
func TestPagesOfOtherHostsKeepNoSessionAlive(t *testing.T) {
	v := newVisit(t)
	fetch := func(site, mode, dest string) map[string]string {
		return map[string]string{"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": dest}
	}
	for says, row := range map[string]struct {
		header map[string]string
		alive  bool
	}{
		"fetch of a sibling":       {fetch("same-site", "cors", "empty"), false},
		"a picture of a sibling":   {fetch("same-site", "no-cors", "image"), false},
		"a frame of a sibling":     {fetch("same-site", "navigate", "iframe"), false},
		"fetch, an old browser":    {map[string]string{"Origin": "https://x.id.test"}, false},
		"an old browser of people": {map[string]string{"Upgrade-Insecure-Requests": "1"}, true},
		"the platform's link":      {fetch("cross-site", "navigate", "document"), true},
		"a bookmark":               {fetch("none", "navigate", "document"), true},
		"a page of ours":           {fetch("same-origin", "navigate", "document"), true},
	} {
		for where, address := range map[string]func(*idptest.Browser) string{
			"settings": func(*idptest.Browser) string { return settings }, "devices": func(*idptest.Browser) string { return settings + "/devices" },
			"a party": func(*idptest.Browser) string { return authorizeAddress(t, v) },
		} {
			b := idptest.NewBrowser(v.Server, "en")
			idptest.LogIn(t, b, v.linde.Start(nil), "anna@example.org")
			for range 4 { // 80 minutes, of which none is idle for long
				v.Clock.Later(20 * time.Minute)
				idptest.RequestAs(t, v, b, http.MethodGet, address(b), "", row.header)
			}
			got := silent(t, b, v.linde)
			if alive := got != "login_required"; alive != row.alive {
				t.Errorf("%s at %s: silently answered %q after 80 minutes, want alive %t", says, where, got, row.alive)
			}
		}
	}
}

// authorizeAddress is a fresh request of the platform's party.
func authorizeAddress(t *testing.T, v visit) string {
	t.Helper()
	res := idptest.RequestAs(t, v, idptest.NewBrowser(v.Server, "en"), http.MethodGet, v.linde.Start(nil), "", nil)
	return res.Header.Get("Location")
}

// Whoever helped is named to the person, by the name and role of today; an address is not told, nor an operator's name.
func TestHelpersAreNamed(t *testing.T) {
	v := newVisit(t)
	demo := lindeOf()
	demo.Invited = []string{
		"email: sam@example.org, role: professional, name: { given: Sam, family: Bakker }",
		"email: henk@example.org, role: helpdesk, name: { given: Henk, family: Vries }",
		"email: mo@example.org, role: manager, name: { given: Mo, family: Jansen }",
		"email: nameless@example.org, role: professional", "email: unnamed@example.org, role: helpdesk",
	}
	v.Declare(demo)
	anna := idptest.Account(t, v.DB, "anna@example.org")
	actors := []string{"cli ria", "gone", string(anna.ID)}
	for _, address := range []string{"sam@example.org", "henk@example.org", "mo@example.org", "nameless@example.org", "unnamed@example.org"} {
		a := idptest.Account(t, v.DB, address)
		actors = append(actors, string(a.ID))
	}
	var events []audit.Event
	for _, actor := range actors {
		events = append(events, audit.Event{
			At: v.Clock.Now(), Platform: "linde", Kind: audit.TwoStepReset, Actor: actor, Account: anna.ID, Outcome: audit.Success, Reason: "lost phone",
		})
	}
	if err := v.DB.SaveChange(t.Context(), authn.Change{Platform: "linde", Events: events}, v.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	b := idptest.NewBrowser(v.Server, "en")
	openSettings(t, b, settings+"/activity", "anna@example.org")
	seen := idptest.Visible(b.Doc)
	for _, who := range []string{"Your therapist Sam Bakker", "Henk Vries of the helpdesk", "Application manager Mo Jansen", "A technical operator", "Somebody at GGZ De Linde", "Your therapist", "The helpdesk"} {
		if !strings.Contains(seen, who+" turned off your two-step authentication on ") {
			t.Errorf("%q is not seen in %s", who, seen)
		}
	}
	for _, never := range []string{"ria", "nameless", "unnamed", "@example.org turned", "lost phone"} {
		if strings.Contains(seen, never) {
			t.Errorf("%q is seen in %s", never, seen)
		}
	}
	if n := strings.Count(seen, "turned off your two-step authentication"); n != len(actors)-1 {
		t.Errorf("%d acts, want %d: what she did herself is none of others", n, len(actors)-1)
	}
}
