package setup_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/setup"
	"github.com/minddistrict/idp/storage"
)

// strict is a platform on which each key can be weakened.
const strict = `platforms:
  - name: linde
    issuer: https://linde.example.org
    organisation: GGZ De Linde
    home_url: https://linde.example.net
    policy:
      second_factor: { client: required, staff: required }
      code_methods: [totp]
      app_code: true
      remember: { client: { choices: [12h] }, staff: { fixed: 12h } }
      password: { min_length: 16, special: 2, min_score: 4 }
      login_form: false
      self_sign_up: false
      app_password: false
      idle_after: 30m
      session_ends: { client: 2h, staff: 1h }
      minimum_acr: urn:minddistrict:acr:2fa
      acr_aliases: { low: "urn:minddistrict:acr:1fa" }
    parties:
      - client_id: linde-web
        secret: ` + idptest.PartySecret + `
        name: De Linde
        redirect_uris: [https://linde.example.net/callback]
        auth: basic
        pkce: required
        rotate_refresh_tokens: true
        third_party: true
        minimum_acr: urn:minddistrict:acr:2fa
    accounts:
      - { email: carla@example.org, role: professional }
`

// weakenings are files that protect less than strict, and the differences that are refused.
var weakenings = []struct{ name, says, want string }{
	{"factor of clients", "policy: { second_factor: { client: optional } }", "policy.second_factor.client.demand: required → optional"},
	{"factor of staff", "policy: { second_factor: { staff: off } }", "policy.second_factor.staff.demand: required → off"},
	{"factor reset", "policy: { second_factor: { staff: null } }", "policy.second_factor.staff.demand: required → off"},
	{"factor later, clients", "policy: { second_factor: { client: { from: 2027-01-31 } } }", "policy.second_factor.client.from: 2027-01-31T00:00:00Z"},
	{"factor later, staff", "policy: { second_factor: { staff: { from: 2027-01-31 } } }", "policy.second_factor.staff.from: 2027-01-31T00:00:00Z"},
	{"minimum lower", "policy: { minimum_acr: urn:minddistrict:acr:1fa }", "policy.minimum_acr: urn:minddistrict:acr:2fa → urn:minddistrict:acr:1fa"},
	{"minimum gone", "policy: { minimum_acr: null }", "policy.minimum_acr: urn:minddistrict:acr:2fa → none"},
	{"minimum by another name", "policy: { minimum_acr: low }", "policy.minimum_acr: urn:minddistrict:acr:2fa → low"},
	{"length", "policy: { password: { min_length: 15 } }", "policy.password.min_length: 16 → 15"},
	{"special", "policy: { password: { special: 0 } }", "policy.password.special: 2 → 0"},
	{"score", "policy: { password: { min_score: 3 } }", "policy.password.min_score: 4 → 3"},
	{"whole rule", "policy: { password: null }", "policy.password.min_length: 16 → 12, policy.password.special: 2 → 1, policy.password.min_score: 4 → 3"},
	{"remember more", "policy: { remember: { client: { choices: [12h, 72h] } } }", "policy.remember.client.choices: [12h] → [12h, 72h]"},
	{"remember longer", "policy: { remember: { staff: { fixed: 72h } } }", "policy.remember.staff.fixed: 12h → 72h"},
	{"remember by choice", "policy: { remember: { staff: { fixed: null } } }", "policy.remember.staff.choices: [12h, 72h, 168h], policy.remember.staff.fixed: 12h → none"},
	{"idle later", "policy: { idle_after: 1h }", "policy.idle_after: 30m → 1h"},
	{"never idle", "policy: { idle_after: 0s }", "policy.idle_after: 30m → 0s"},
	{"session of clients", "policy: { session_ends: { client: 3h } }", "policy.session_ends.client: 2h → 3h"},
	{"session of staff", "policy: { session_ends: { staff: null } }", "policy.session_ends.staff: 1h → 12h"},
	{"code of the app", "policy: { app_code: false }", "policy.app_code: true → false"},
	{"password in the app", "policy: { app_password: true }", "policy.app_password: false → true"},
	{"sign-up", "policy: { self_sign_up: true }", "policy.self_sign_up: false → true"},
	{"form", "policy: { login_form: true }", "policy.login_form: false → true"},
	{"text messages", "policy: { code_methods: [totp, sms] }", "policy.code_methods: [totp] → [totp, sms]"},
	{"alias more", `policy: { acr_aliases: { more: "urn:minddistrict:acr:1fa" } }`, "policy.acr_aliases.more: urn:minddistrict:acr:1fa"},
	{"alias means another value", `policy: { acr_aliases: { low: "urn:minddistrict:acr:2fa" } }`, "policy.acr_aliases.low: urn:minddistrict:acr:1fa → urn:minddistrict:acr:2fa"},
	{"pkce", "parties: [ { client_id: linde-web, pkce: optional } ]", "pkce: required → optional"},
	{"rotation", "parties: [ { client_id: linde-web, rotate_refresh_tokens: false } ]", "rotate_refresh_tokens: true → false"},
	{"third party", "parties: [ { client_id: linde-web, third_party: null } ]", "third_party: true → false"},
	{"minimum of a party", "parties: [ { client_id: linde-web, minimum_acr: '' } ]", "minimum_acr: urn:minddistrict:acr:2fa → none"},
	{"no secret", "parties: [ { client_id: linde-web, auth: none, secret: null } ]", "auth: basic → none, secret: [hidden] → none"},
	{"role", "accounts: [ { email: carla@example.org, role: client } ]", "role: professional → client"},
}

// says is a file that names a platform and says one thing more.
func says(what string) string {
	return "platforms:\n  - name: linde\n    " + what + "\n"
}

func TestWhatProtectsLessIsRefusedUnlessItIsMeant(t *testing.T) {
	onBoth(t, func(t *testing.T, db *storage.DB) {
		tools := tools(t, db)
		tools.Methods = []string{"totp"}
		mustApply(t, tools, strict)
		if _, err := setup.AddAccount(t.Context(), tools, "linde", setup.Account{Email: "anna@example.org"}); err != nil {
			t.Fatal(err)
		}
		before := dump(t, db)
		meant := tools
		meant.Weaken = true
		for i, w := range weakenings {
			meant.Now = start.Add(time.Duration(1+i) * time.Minute)
			refusedOnce(t, db, tools, w.name, says(w.says), w.want, before)
			report := mustApply(t, meant, says(w.says))
			if got := weakened(report.Differences); got != w.want {
				t.Errorf("%s: done %s, want %s", w.name, got, w.want)
			}
			if got := recorded(t, db, meant.Now, report); got != w.want {
				t.Errorf("%s: on record %s, want %s", w.name, got, w.want)
			}
			// The way back protects more, or the same; an alias that means something else is suspicious in both.
			if _, err := apply(t, tools, strict); err != nil && !strings.HasPrefix(w.name, "alias") {
				t.Errorf("%s: and back: %v", w.name, err)
			}
			mustApply(t, meant, strict)
			mustApply(t, meant, says("policy: { acr_aliases: { more: null } }"))
		}
	})
}

// refusedOnce applies a file that protects less, dry and in earnest.
func refusedOnce(t *testing.T, db *storage.DB, tools setup.Tools, name, text, want, before string) {
	t.Helper()
	before = settings(before)
	_, err := apply(t, tools, text)
	var refused setup.Weakening
	if !errors.As(err, &refused) || !errors.Is(err, fault.Refused) {
		t.Errorf("%s: got %v, want a refusal", name, err)
	}
	for _, d := range refused {
		if says := fmt.Sprintf("line 3: %s: %s\n", d.Item, d); !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "--weaken") {
			t.Errorf("%s: no %q in %v", name, says, err)
		}
	}
	if got := weakened(refused); got != want {
		t.Errorf("%s: refused %s, want %s", name, got, want)
	}
	dry := tools
	dry.DryRun = true
	report := mustApply(t, dry, text)
	if got := weakened(report.Differences); got != want || !strings.Contains(strings.Join(report.Warnings, "\n"), "refused without --weaken") {
		t.Errorf("%s: a dry run says %s and warns of %s, want %s", name, got, report.Warnings, want)
	}
	if after := settings(dump(t, db)); after != before {
		t.Errorf("%s: was written:\n%s\nwas\n%s", name, after, before)
	}
}

// settings are the rows of platforms and parties and the accounts of a dump.
func settings(dump string) string {
	return strings.Join(slices.DeleteFunc(strings.Split(dump, "\n"), func(row string) bool {
		return !strings.HasPrefix(row, "platforms ") && !strings.HasPrefix(row, "parties ")
	}), "\n")
}

// weakened are the differences that protect less.
func weakened(all []setup.Difference) string {
	var texts []string
	for _, d := range all {
		if d.Weaker {
			texts = append(texts, d.String())
		}
	}
	return strings.Join(texts, ", ")
}

// recorded is what the audit record has of weakenings at a time, and checks who and what.
func recorded(t *testing.T, db *storage.DB, at time.Time, report setup.Report) string {
	t.Helper()
	events, err := db.Events(t.Context(), "linde", 1000)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, e := range slices.Backward(events) {
		if e.Kind != audit.SettingWeakened || !e.At.Equal(at) {
			continue
		}
		texts = append(texts, e.Reason)
		item := report.Changed[0]
		if e.Actor != setup.Operator() || (e.Party != "") != strings.HasPrefix(item, "party ") || (e.Account != "") != strings.HasPrefix(item, "account ") {
			t.Errorf("event %+v of %s", e, item)
		}
	}
	return strings.Join(texts, ", ")
}

// besidesClosed are the warnings but for those that say, at each file, that the strict platform has closed every way
// in.
func besidesClosed(report setup.Report) []string {
	return slices.DeleteFunc(slices.Clone(report.Warnings), func(w string) bool { return strings.Contains(w, ": nobody can sign in") })
}

// While a platform is being set up nobody else is there to be protected less.
func TestWhereNobodyElseHasAnAccountItIsAWarning(t *testing.T) {
	onBoth(t, func(t *testing.T, db *storage.DB) {
		tools := tools(t, db)
		tools.Methods = []string{"totp"}
		mustApply(t, tools, strict)
		weaker := says("policy: { self_sign_up: true }")
		if _, err := apply(t, tools, weaker); !errors.Is(err, fault.Refused) {
			t.Errorf("a file without Carla: %v", err)
		}
		report := mustApply(t, tools, weaker+"    accounts: [ { email: carla@example.org }, { email: new@example.org } ]\n")
		if want := "[platform linde: policy.self_sign_up: false → true: this protects less than before]"; fmt.Sprint(besidesClosed(report)) != want {
			t.Errorf("warns %s, want %s", report.Warnings, want)
		}
		if got := recorded(t, db, tools.Now, report); got != "policy.self_sign_up: false → true" {
			t.Errorf("on record: %s", got)
		}
		if again := mustApply(t, tools, weaker+"    accounts: [ { email: carla@example.org } ]\n"); len(again.Changed)+len(besidesClosed(again)) > 0 {
			t.Errorf("again: %+v", again)
		}
		mustApply(t, tools, strings.ReplaceAll(strings.ReplaceAll(strict, "linde", "wilg"), "carla@example.org", "dirk@example.org"))
		if report := mustApply(t, tools, strings.Replace(weaker, "linde", "wilg", 1)+"    accounts: [ { email: dirk@example.org } ]\n"); len(besidesClosed(report)) != 1 {
			t.Errorf("accounts of another platform count: %v", report.Warnings)
		}
	})
}

// What is new protects nobody less, whatever it says.
func TestNewPartiesAndPlatformsAreNoWeakening(t *testing.T) {
	onBoth(t, func(t *testing.T, db *storage.DB) {
		tools := tools(t, db)
		tools.Methods = []string{"totp"}
		mustApply(t, tools, strict)
		lax := says("parties: [ { client_id: lax, secret: "+idptest.PartySecret+", pkce: optional, redirect_uris: [https://lax.example/cb] } ]") +
			"  - { name: wilg, issuer: https://wilg.example.org, organisation: Wilg, home_url: https://wilg.example, policy: { idle_after: 0s, self_sign_up: true } }\n"
		if report := mustApply(t, tools, lax); weakened(report.Differences) != "" || len(besidesClosed(report)) > 0 {
			t.Errorf("weaker: %s, warned of %v", weakened(report.Differences), report.Warnings)
		}
	})
}

// Two operators: what is weaker is decided by what is there when it is saved.
func TestWeakerIsDecidedByWhatIsThereWhenItIsSaved(t *testing.T) {
	var meanwhile func()
	db, held := idptest.SQLiteHeld(t, func(text string) {
		if text == "BEGIN" && meanwhile != nil {
			do := meanwhile
			meanwhile = nil
			do()
		}
	})
	mustApply(t, tools(t, db), strict)
	lowered := tools(t, db)
	lowered.Weaken = true
	mustApply(t, lowered, says("policy: { password: { min_length: 10 } }"))
	meanwhile = func() { mustApply(t, tools(t, db), says("policy: { password: { min_length: 20 } }")) }
	_, err := apply(t, tools(t, held), says("policy: { password: { min_length: 16 } }"))
	if meanwhile != nil || !errors.Is(err, fault.Refused) || !strings.Contains(err.Error(), "policy.password.min_length: 20 → 16") {
		t.Errorf("10 becomes 16 while it becomes 20: %v", err)
	}
}
