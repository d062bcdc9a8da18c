package setup_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/setup"
	"github.com/minddistrict/idp/storage"
)

// Whom somebody disabled stays disabled, whatever a file says of the rest.
func TestFileDoesNotEnableADisabledParty(t *testing.T) {
	onBoth(t, func(t *testing.T, db *storage.DB) {
		now := tools(t, db)
		mustApply(t, now, sample(t))
		disabledAt := func() time.Time {
			t.Helper()
			parties, err := db.Parties(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range parties {
				if p.ID == "linde-web" {
					return p.DisabledAt
				}
			}
			t.Fatal("no party linde-web")
			return time.Time{}
		}
		if _, err := now.Acts().DisableParty(t.Context(), "linde", "linde-web"); err != nil {
			t.Fatal(err)
		}
		later := now
		later.Now = start.Add(time.Hour)
		changed := strings.Replace(sample(t), "client_id: linde-web", "client_id: linde-web\n        name: Anders", 1)
		if report := mustApply(t, later, changed); len(report.Changed) != 1 || report.Changed[0] != "party linde/linde-web" {
			t.Errorf("changed %v", report.Changed)
		}
		if got := disabledAt(); !got.Equal(start) {
			t.Errorf("disabled at %s, want %s", got, start)
		}
		if _, err := later.Acts().EnableParty(t.Context(), "linde", "linde-web"); err != nil || !disabledAt().IsZero() {
			t.Errorf("enabled: %v, disabled at %s", err, disabledAt())
		}
		if _, err := later.Acts().DisableParty(t.Context(), "linde", "nobody"); !errors.Is(err, fault.NotFound) {
			t.Errorf("unknown party: %v", err)
		}
	})
}

// A party's tokens are for parties that there are once the file is applied, wherever they stand. What was there before is
// no reason to refuse a file that does not speak of it.
func TestAudienceNamesPartiesThatExist(t *testing.T) {
	onBoth(t, func(t *testing.T, db *storage.DB) {
		tools := tools(t, db)
		mustApply(t, tools, strings.Replace(sample(t), "access_token: opaque", "audience: [linde-app, linde-web]", 1)) // below it, and itself
		second := func(audience string) string {
			return "platforms:\n  - name: linde\n    parties:\n      - client_id: agenda\n        secret: aW4gdGhlIHdvb2RzIHRoZSB0cmVlcyBhcmUgdGFsbGVy\n" +
				"        redirect_uris: [https://agenda.linde.example.net/callback]\n" + audience
		}
		before := dump(t, db)
		_, err := apply(t, tools, second("        audience: [linde-web, linde-ap]\n"))
		want := `line 7: party agenda: invalid: audience "linde-ap": no party of the platform, which has agenda, linde-app, linde-web`
		if !errors.Is(err, fault.Invalid) || err.Error() != want {
			t.Errorf("unknown:\ngot  %v\nwant %s", err, want)
		}
		_, err = setup.AddParty(t.Context(), tools, "linde", setup.Party{ClientID: "agenda", Type: "service", Secret: strings.Repeat("s", 40), Audience: []string{"x"}})
		if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), `audience "x": no party of the platform`) {
			t.Errorf("unknown, of a party that is added: %v", err)
		}
		if after := dump(t, db); after != before {
			t.Errorf("a refused file changed the database:\n%s\nwas\n%s", after, before)
		}
		mustApply(t, tools, second("        audience: [linde-web, linde-app]\n")) // of the database
		// A release before took any name.
		parties, err := db.Parties(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(parties, func(p grant.Party) bool { return p.ID == "agenda" })
		parties[i].Audience = []string{"linde-web", "gone"}
		if err := db.Declare(t.Context(), storage.Setup{Parties: parties[i : i+1]}, start); err != nil {
			t.Fatal(err)
		}
		report := mustApply(t, tools, second("        name: Agenda\n"))
		if len(report.Changed) != 1 || !slices.ContainsFunc(report.Warnings, func(w string) bool {
			return strings.Contains(w, `party linde/agenda: audience "gone": no party of the platform, which has agenda`)
		}) {
			t.Errorf("not said: changed %v, warnings %q", report.Changed, report.Warnings)
		}
		if _, err := apply(t, tools, second("        audience: [linde-web, gone]\n")); !errors.Is(err, fault.Invalid) {
			t.Errorf("said again: %v", err)
		}
		many := &strings.Builder{}
		for i := range 12 {
			fmt.Fprintf(many, "      - { client_id: a%02d, type: service, secret: aW4gdGhlIHdvb2RzIHRoZSB0cmVlcyBhcmUgdGFsbGVy }\n", i)
		}
		_, err = apply(t, tools, second("        audience: [x]\n")+many.String())
		if err == nil || !strings.HasSuffix(err.Error(), "which has a00, a01, a02, a03, a04, a05, a06, a07, a08, a09 and 5 more") {
			t.Errorf("many parties: %v", err)
		}
	})
}
