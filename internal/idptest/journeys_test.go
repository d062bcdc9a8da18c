package idptest_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/storage"
)

var databases = map[string]func(testing.TB) *storage.DB{"sqlite": idptest.SQLite, "postgres": idptest.Postgres}

const journeysPage = "../../docs/journeys.md"

// TestJourneys runs every script of testdata/journeys on both databases in both languages. What each comes by is what
// docs/journeys.md says of it.
func TestJourneys(t *testing.T) {
	scripts, err := filepath.Glob("../../testdata/journeys/*.txt")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	rules, page, update := sections(t), textOf(t, journeysPage), os.Getenv("UPDATE_DOCS") != ""
	var lock sync.Mutex
	came := map[string]string{} // of those that ran
	if update {
		t.Cleanup(func() { // all have run
			if err := os.WriteFile(journeysPage, []byte(withRules(page, came)), 0o644); err != nil {
				t.Error(err)
			}
		})
	}
	for _, script := range scripts {
		name := strings.TrimSuffix(filepath.Base(script), ".txt")
		for db, open := range databases {
			for _, lang := range languages {
				t.Run(name+"/"+db+"/"+lang, func(t *testing.T) {
					t.Parallel()
					shown := rulesAndPages(t, rules, idptest.RunScript(t, script, open(t), lang))
					lock.Lock()
					defer lock.Unlock()
					came[name] = shown
					if !update && withRules(page, map[string]string{name: shown}) != page {
						t.Errorf("docs/journeys.md does not say that it comes by %s", shown)
					}
				})
			}
		}
	}
}

// needs are what the pages of journeys are for: of a page for several, the one that the journey wants.
var needs = map[string][]authn.Need{
	"password":       {authn.NeedPrimary},
	"forgot":         {authn.NeedPrimary},
	"sign-up":        {authn.NeedPrimary},
	"sso-mail":       {authn.NeedPrimary},
	"sso":            {authn.NeedPrimary, authn.NeedConnect, authn.NeedNewPassword},
	"closed":         {authn.NeedPrimary, authn.NeedNewPassword},
	"totp":           {authn.NeedSecond},
	"sms":            {authn.NeedSecond},
	"recovery-code":  {authn.NeedSecond},
	"no-code":        {authn.NeedSecond},
	"set-up":         {authn.NeedEnrol},
	"app-setup":      {authn.NeedEnrol},
	"sms-setup":      {authn.NeedEnrol},
	"recovery-codes": {authn.NeedSaveCodes},
	"recovery-low":   {authn.NeedLowCodes},
	"new-password":   {authn.NeedNewPassword},
	"check-mail":     {authn.NeedLink},
	"two-step-off":   {authn.NeedTurnOff},
	"switch":         {authn.NeedSwitch},
	"consent":        {authn.NeedConsent},
	"room":           {authn.NeedDeviceRemoval},
	"go-on":          {authn.NeedContinueAs},
}

var (
	oidcSection = regexp.MustCompile("(?m)^#### (.+ \\(`([a-z-]+)`, `([a-z]+)`\\))$")
	notInAnchor = regexp.MustCompile(`[^a-z -]`)
)

// sections are the addresses of the rules in docs/oidc.md, by purpose and channel.
func sections(t *testing.T) map[[2]string]string {
	t.Helper()
	all := map[[2]string]string{}
	for _, m := range oidcSection.FindAllStringSubmatch(textOf(t, "../../docs/oidc.md"), -1) {
		anchor := strings.ReplaceAll(notInAnchor.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-")
		all[[2]string{m[2], m[3]}] = "oidc.md#" + anchor
	}
	return all
}

func textOf(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var rowOfJourney = regexp.MustCompile("(?m)^(\\| `([a-z0-9_]+)` \\| .* \\| ).*( \\| .* \\|)$")

// withRules is the page with other rules and pages of journeys.
func withRules(page string, of map[string]string) string {
	return rowOfJourney.ReplaceAllStringFunc(page, func(row string) string {
		m := rowOfJourney.FindStringSubmatch(row)
		if came, ran := of[m[2]]; ran {
			return m[1] + came + m[3]
		}
		return row
	})
}

// rulesAndPages is what docs/journeys.md says of what a journey came by.
func rulesAndPages(t *testing.T, rules map[[2]string]string, shown []idptest.Shown) string {
	t.Helper()
	asked, other := map[string][]string{}, []string{}
	for _, s := range shown {
		if s.Purpose == "" {
			other = append(other, "`"+s.Page+"`")
			continue
		}
		address := rules[[2]string{string(s.Purpose), string(s.Channel)}]
		if address == "" {
			t.Errorf("docs/oidc.md says nothing of %s in the %s", s.Purpose, s.Channel)
		}
		var named []string
		for _, need := range needs[s.Page] {
			named = append(named, string(need))
		}
		if named == nil {
			t.Errorf("needs lacks the page %q of a journey", s.Page)
		}
		purpose := fmt.Sprintf("[%s, %s](%s): ", s.Purpose, s.Channel, address)
		asked[purpose] = append(asked[purpose], fmt.Sprintf("%s (`%s`)", strings.Join(named, " or "), s.Page))
	}
	var cell []string
	for _, purpose := range slices.Sorted(maps.Keys(asked)) {
		slices.Sort(asked[purpose])
		cell = append(cell, purpose+strings.Join(asked[purpose], ", "))
	}
	if slices.Sort(other); len(other) > 0 {
		cell = append(cell, strings.Join(other, ", "))
	}
	return strings.Join(cell, "<br>")
}
