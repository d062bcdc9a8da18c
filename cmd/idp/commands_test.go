package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/internal/setup"
	"github.com/minddistrict/idp/keys"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/storage"
)

type report struct {
	Changed, Warnings []string
	Differences       []setup.Difference
}

type addedJSON struct {
	report
	State, Mail string
}

type accountJSON struct {
	Sub, Platform, Email, Name, Role, State string
	Factors                                 []string
}

// openedJSON is what account show says.
type openedJSON struct {
	accountJSON
	CreatedAt               time.Time `json:"created_at"`
	SignedInAt              time.Time `json:"signed_in_at"`
	Invitation              string
	Sessions, Devices, Apps int
	RecoveryCodes           int `json:"recovery_codes"`
	Waits                   []struct {
		For   string
		Until time.Time
	}
	Mails []struct {
		Kind, Medium, State, Said string
		Tries                     int
		QueuedAt                  time.Time `json:"queued_at"`
		SettledAt                 time.Time `json:"settled_at"`
	}
}

func TestOperatorSetsUpAPlatform(t *testing.T) {
	onBoth(t, func(t *testing.T, i *install) {
		i.refused(1, "run idp migrate", "platform", "list")
		if out := i.OK("migrate"); out != "The database has the schema of this version.\n" {
			t.Errorf("migrate: %q", out)
		}
		i.OK("migrate") // again

		sample := i.sample()
		items := regexp.MustCompile(`(?m)^    .*\n`)
		if out := i.OK("apply", sample); items.ReplaceAllString(out, "") != "set platform linde\nset party linde/linde-web\nset keys linde\nset account linde/anna@example.org\n" ||
			!strings.Contains(out, "\n    organisation: GGZ De Linde\n") || !strings.Contains(out, "\n    secret: set [hidden]\n") || strings.Contains(out, clientSecret) || strings.Contains(out, annasWords) {
			t.Errorf("apply: %q", out)
		}
		if out := i.OK("apply", sample); out != "Nothing to change.\n" {
			t.Errorf("apply again: %q", out)
		}
		var r report
		if i.read(&r, "apply", sample); r.Changed == nil || r.Differences == nil || len(r.Changed)+len(r.Warnings)+len(r.Differences) != 0 {
			t.Errorf("apply as JSON: %+v", r)
		}
		i.refused(1, "broken.yaml: line 1: platform: invalid: unknown", "apply", i.File("broken.yaml", "platform: x\n"))
		i.refused(1, "no such file", "apply", "nowhere.yaml")

		i.platforms()
		i.parties()
		i.accounts()
		i.signingKeys()
	})
}

func (i *install) platforms() {
	i.t.Helper()
	var r report
	if i.read(&r, "platform", "add", "wilg", "--issuer", i.issuer+"/p/wilg", "--organisation", "De Wilg", "--home-url", "https://wilg.example.net"); fmt.Sprint(r.Changed) != "[platform wilg keys wilg]" {
		i.t.Errorf("platform add: %+v", r)
	}
	i.refused(1, "platform wilg exists", "platform", "add", "wilg", "--issuer", "https://wilg.example.org", "--organisation", "x", "--home-url", "https://x.example")
	i.refused(1, `platform els: taken: issuer "`+i.issuer+`": it belongs to platform linde`, "platform", "add", "els", "--issuer", i.issuer, "--organisation", "x", "--home-url", "https://x.example")
	i.refused(1, `idp: platform els: invalid: issuer "els"`, "platform", "add", "els", "--issuer", "els", "--organisation", "x", "--home-url", "https://x.example")
	type platformJSON struct {
		Name, Issuer, Organisation, Title, Country, Locale string
		HomeURL                                            string                         `json:"home_url"`
		SecondFactor                                       struct{ Client, Staff string } `json:"second_factor"`
		Colour, Logo                                       string
		LogoDark                                           string `json:"logo_dark"`
		Settings                                           map[string]string
	}
	var all []platformJSON
	if i.read(&all, "platform", "list"); len(all) != 2 || all[0].Name != "linde" || all[1].Issuer != i.issuer+"/p/wilg" {
		i.t.Errorf("platform list: %+v", all)
	}
	var one platformJSON
	if i.read(&one, "platform", "show", "linde"); one.Organisation != "GGZ De Linde" || one.SecondFactor.Client != "off" || one.HomeURL != "https://linde.example.net" || one.Colour != "#1b6a7a" || one.Logo+one.LogoDark != "" {
		i.t.Errorf("platform show: %+v", one)
	}
	if one.Settings["policy.password.min_length"] != "12" || one.Settings["policy.idle_after"] != "1h" || one.Settings["title"] != "GGZ De Linde" {
		i.t.Errorf("platform show: %v", one.Settings)
	}
	for _, want := range []string{"\npolicy.idle_after: 1h\n", "\npolicy.password.special: 1\n", "\npolicy.remember.staff.choices: [12h, 72h, 168h]\n", "\nlocale: nl\n"} {
		if out := i.OK("platform", "show", "linde"); !strings.Contains(out, want) || strings.Count(out, "GGZ De Linde") != 2 {
			i.t.Errorf("platform show does not say %q:\n%s", want, out)
		}
	}
	if out := i.OK("platform", "show", "linde"); !strings.Contains(out, "organisation  GGZ De Linde\n") || !strings.Contains(out, "colour        #1b6a7a\nlogo          none\n") {
		i.t.Errorf("platform show: %q", out)
	}
	i.refused(1, "platform els: not found", "platform", "show", "els")
}

func (i *install) parties() {
	i.t.Helper()
	add := []string{"party", "add", "wilg-web", "--platform", "wilg", "--redirect-uri", "https://wilg.example.net/callback", "--id-token-alg", "EdDSA"}
	i.refused(1, "secret is missing", add...)
	i.refused(1, "secret: 4 characters: at least 32", append(add, "--secret-file", i.File("short", "kort\n"))...)
	add = append(add, "--secret-file", i.File("secret", clientSecret+"\n"))
	var r report
	if i.read(&r, add...); fmt.Sprint(r.Changed) != "[party wilg/wilg-web keys wilg]" {
		i.t.Errorf("party add: %+v", r)
	}
	i.refused(1, "party wilg-web exists on wilg", add...)
	i.refused(1, `platform "els": not found`, "party", "add", "x", "--platform", "els", "--type", "native", "--redirect-uri", "net.example:/x")
	var all []map[string]any
	if i.read(&all, "party", "list"); len(all) != 2 {
		i.t.Errorf("party list: %v", all)
	}
	if i.read(&all, "party", "list", "--platform", "wilg"); len(all) != 1 || all[0]["client_id"] != "wilg-web" || all[0]["secrets"] != nil {
		i.t.Errorf("party list of wilg: %v", all)
	}
	var one map[string]any
	if i.read(&one, "party", "show", "wilg-web", "--platform", "wilg"); one["platform"] != "wilg" || one["id_token_alg"] != "EdDSA" || one["secrets"] != nil {
		i.t.Errorf("party show: %v", one)
	}
	i.refused(1, "not found", "party", "show", "wilg-web", "--platform", "linde") // of another platform
	told := []string{"party", "add", "wilg-told", "--platform", "wilg", "--redirect-uri", "https://told.example/cb", "--secret-file", i.File("told", clientSecret), "--logout-on-idle"}
	i.refused(1, "logout_on_idle: there is no backchannel_logout_uri", told...)
	told = append(told, "--backchannel-logout-session-required", "--backchannel-logout-uri", "https://told.example/out")
	i.OK(told...)
	i.read(&one, "party", "show", "wilg-told", "--platform", "wilg")
	if one["backchannel_logout_uri"] != "https://told.example/out" || one["backchannel_logout_session_required"] != true || one["logout_on_idle"] != true {
		i.t.Errorf("party show of one that is told: %v", one)
	}
	out := i.OK("party", "show", "wilg-told", "--platform", "wilg")
	if !strings.Contains(out, "\ntold at    https://told.example/out, when a session ends or is idle\n") || !strings.Contains(out, "\npkce: required\n") ||
		!strings.Contains(out, "\nbackchannel_logout_session_required: true\n") || strings.Contains(out, clientSecret) {
		i.t.Errorf("party show of one that is told:\n%s", out)
	}

	on := []string{"wilg-web", "--platform", "wilg"}
	for _, step := range []struct{ verb, want string }{
		{"disable", "[party wilg/wilg-web disabled]"}, {"disable", "[]"}, {"enable", "[party wilg/wilg-web enabled]"}, {"enable", "[]"},
	} {
		i.read(&r, append([]string{"party", step.verb}, on...)...)
		one = nil
		i.read(&one, append([]string{"party", "show"}, on...)...)
		if _, disabled := one["disabled_at"]; fmt.Sprint(r.Changed) != step.want || disabled != (step.verb == "disable") {
			i.t.Errorf("party %s: %+v, %v", step.verb, r, one)
		}
	}
	i.refused(1, "party x on platform \"wilg\": not found", "party", "disable", "x", "--platform", "wilg")
	i.refused(1, `platform "els": not found`, "party", "disable", "wilg-web", "--platform", "els")
	i.OK(append([]string{"party", "disable"}, on...)...)
	if out := i.OK("party", "list"); strings.Count(out, " disabled\n") != 1 {
		i.t.Errorf("party list: %q", out)
	}
	i.OK(append([]string{"party", "enable"}, on...)...)

	app := []string{"party", "add", "wilg-app", "--platform", "wilg", "--mobile-app", "--redirect-uri", "https://app.wilg.example/callback"}
	i.refused(1, "mobile_app: a party of type native, not web", app...)
	i.OK(append(app, "--type", "native")...)
	one = nil
	if i.read(&one, "party", "show", "wilg-app", "--platform", "wilg"); one["mobile_app"] != true || one["type"] != "native" {
		i.t.Errorf("party show of the app: %v", one)
	}
	// The first one lets people in by their password alone: where somebody has an account that must be meant.
	i.OK("party", "disable", "wilg-app", "--platform", "wilg")
	i.OK("account", "add", "els@example.org", "--platform", "wilg")
	first := []string{"party", "add", "wilg-app2", "--platform", "wilg", "--mobile-app", "--type", "native", "--redirect-uri", "https://app.wilg.example/callback"}
	if r := i.Run(first...); r.Code != 3 || !strings.Contains(r.Err, "party wilg/wilg-app2: mobile_app: true") || r.Out != "" {
		i.t.Errorf("a first mobile app: exit %d, %s%s", r.Code, r.Err, r.Out)
	}
	i.OK(append(first, "--weaken")...)
	i.deletedParty()
}

// deletedParty deletes one, which says what it ends, wants to be meant, and is once.
func (i *install) deletedParty() {
	i.t.Helper()
	added := []string{"party", "add", "wilg-old", "--platform", "wilg", "--redirect-uri", "https://old.wilg.example/cb", "--secret-file", i.File("old", clientSecret)}
	i.OK(added...)
	i.OK("apply", i.File("names.yaml", "platforms:\n  - name: wilg\n    parties:\n      - { client_id: wilg-told, audience: [wilg-old] }\n"))
	remove := []string{"party", "delete", "wilg-old", "--platform", "wilg"}
	for _, flag := range []string{"--yes", "--dry-run"} {
		i.refused(1, "audience of wilg-told names it", append(remove, flag)...)
	}
	i.OK("apply", i.File("free.yaml", "platforms:\n  - name: wilg\n    parties:\n      - { client_id: wilg-told, audience: null }\n"))
	var dry, done struct {
		Deleted bool
		Ended   map[string]int
	}
	i.read(&dry, append(remove, "--dry-run")...)
	if r := i.Run(remove...); r.Code != 3 || !strings.Contains(r.Err, "nothing is deleted: deleting party wilg/wilg-old ends nothing: it holds nothing; there is no way back. --yes does it") {
		i.t.Errorf("not meant: exit %d, %s%s", r.Code, r.Err, r.Out)
	}
	i.OK("party", "show", "wilg-old", "--platform", "wilg")
	i.read(&done, append(remove, "--yes")...)
	if grants, there := done.Ended["grants"]; dry.Deleted || !done.Deleted || len(done.Ended) != 5 || grants != 0 || !there {
		i.t.Errorf("dry run %+v, then %+v", dry, done)
	}
	i.refused(1, `party wilg-old on platform "wilg": not found`, append(remove, "--yes")...)
	i.refused(1, `party wilg-old on platform "wilg": not found`, "party", "show", "wilg-old", "--platform", "wilg")
	if out := i.OK("audit", "list", "--platform", "wilg", "--kind", "party.delete"); strings.Count(out, "wilg-old") != 1 {
		i.t.Errorf("on record: %s", out)
	}
	i.OK(added...) // anew
	out := i.OK(append(remove, "--yes")...)
	if out != "deleted party wilg/wilg-old, and ended nothing: it holds nothing\nA file of `idp apply` that still has the party makes it anew: take it out there, too.\n" {
		i.t.Errorf("deleted: %s", out)
	}
}

func (i *install) accounts() {
	i.t.Helper()
	var r addedJSON
	words := i.File("words", "negen groene fietsen lachen!\n")
	if i.read(&r, "account", "add", "Samira@Example.org", "--platform", "linde", "--role", "professional", "--given-name", "Samira", "--middle-name", "el", "--family-name", "Idrissi", "--password-file", words); fmt.Sprint(r.Changed) != "[account linde/samira@example.org]" {
		i.t.Errorf("account add: %+v", r)
	}
	i.refused(1, "account SAMIRA@example.org exists on linde", "account", "add", "SAMIRA@example.org", "--platform", "linde")
	i.refused(1, `role "boss"`, "account", "add", "x@example.org", "--platform", "linde", "--role", "boss")
	i.refused(1, "e-mail address", "account", "add", "x", "--platform", "linde")
	i.read(&r, "account", "add", "ria@example.org", "--platform", "linde")
	var one openedJSON
	i.read(&one, "account", "show", "samira@example.org", "--platform", "linde")
	if got, want := fmt.Sprint(one.accountJSON), "{"+one.Sub+" linde Samira@Example.org Samira el Idrissi professional active [password]}"; got != want || len(one.Sub) != 26 {
		i.t.Errorf("account show: %s, want %s", got, want)
	}
	var all []accountJSON
	i.read(&all, "account", "list", "--platform", "linde")
	states := []string{}
	for _, a := range all {
		states = append(states, a.Email+" "+a.State)
	}
	slices.Sort(states)
	if fmt.Sprint(states) != "[Samira@Example.org active anna@example.org active ria@example.org invited]" {
		i.t.Errorf("account list: %v", states)
	}
	if i.read(&all, "account", "list", "--platform", "linde", "--limit", "1", "--after", all[0].Sub); len(all) != 1 {
		i.t.Errorf("account list from the second: %v", all)
	}
	for _, step := range []struct{ command, reason, state string }{
		{"deactivate", "suspicion", "deactivated"}, {"deactivate", "left", "deactivated"}, {"reactivate", "mistake", "active"},
	} {
		if i.read(&one, "account", step.command, "samira@example.org", "--platform", "linde", "--reason", step.reason); one.State != step.state {
			i.t.Errorf("account %s: %+v", step.command, one)
		}
		if i.read(&one, "account", "show", "samira@example.org", "--platform", "linde"); one.State != step.state {
			i.t.Errorf("after %s: %+v", step.command, one)
		}
	}
	i.refused(1, "not found", "account", "deactivate", "samira@example.org", "--platform", "wilg", "--reason", "left")
	i.refused(1, `platform els: not found`, "account", "list", "--platform", "els")
	// Somebody who was invited has nothing to sign in with: reactivating gives no access, and does not look like it.
	i.OK("account", "deactivate", "ria@example.org", "--platform", "linde", "--reason", "left")
	if i.read(&one, "account", "reactivate", "ria@example.org", "--platform", "linde", "--reason", "returned"); one.State != "invited" {
		i.t.Errorf("reactivated without a password: %+v", one)
	}
}

func (i *install) signingKeys() {
	i.t.Helper()
	type keyJSON struct {
		Platform, KID, Alg string
		MadeAt             time.Time `json:"made_at"`
		UseAt              time.Time `json:"use_at"`
		RetireAt           time.Time `json:"retire_at"`
		DropAt             time.Time `json:"drop_at"`
	}
	var before, changed, after []keyJSON
	i.read(&before, "keys", "list")
	i.read(&changed, "keys", "rotate", "linde", "ES256")
	i.read(&after, "keys", "list")
	if len(changed) != 2 || len(after) != len(before)+1 || changed[0].RetireAt.IsZero() || !changed[1].UseAt.Equal(changed[0].RetireAt) || changed[1].UseAt.Sub(changed[1].MadeAt) != 24*time.Hour {
		i.t.Errorf("keys rotate: %+v of %d keys, now %d", changed, len(before), len(after))
	}
	i.refused(1, "is published already", "keys", "rotate", "linde", "ES256")
	var replaced, rest []keyJSON
	i.read(&replaced, "keys", "rotate", "linde", "ES256", "--compromised")
	i.read(&rest, "keys", "list")
	if len(replaced) != 3 || len(rest) != len(after)+1 || replaced[0].KID != changed[0].KID || replaced[1].KID != changed[1].KID {
		i.t.Errorf("keys rotate --compromised: %+v of %+v", replaced, after)
	}
	for _, k := range replaced[:2] {
		if made := replaced[2]; !k.DropAt.Equal(made.UseAt) || k.RetireAt.After(made.UseAt) || !made.UseAt.Equal(made.MadeAt) || !made.RetireAt.IsZero() {
			i.t.Errorf("keys rotate --compromised: %+v ends with %+v", k, made)
		}
	}
	i.recorded("linde", "key.make ES256", "key.make ES256", "key.retire compromised", "key.retire compromised")
	i.refused(1, "not found", "keys", "rotate", "linde", "HS256", "--compromised")
	i.refused(1, "not found", "keys", "rotate", "linde", "HS256")
	i.refused(1, "not found", "keys", "rotate", "els", "ES256")

	// A new master key: first in the list, everything sealed anew, the old one out.
	old, err := os.ReadFile(filepath.Join(i.Dir, "master-keys"))
	if err != nil {
		i.t.Fatal(err)
	}
	next := keys.NewMaster()
	alone := i.with("IDP_MASTER_KEYS_FILE=" + i.File("next", next))
	alone.refused(1, "sealed under a master key that is not configured", "keys", "rotate", "wilg", "RS256")
	alone.refused(1, "sealed under a master key that is not configured", "keys", "reseal")
	alone.refused(1, "sealed under a master key that is not configured", "apply", i.sample())
	both := i.with("IDP_MASTER_KEYS_FILE=" + i.File("both", next+"\n"+string(old)))
	var resealed struct{ Resealed int }
	if both.read(&resealed, "keys", "reseal"); resealed.Resealed < len(after) {
		i.t.Errorf("resealed %d of %d keys", resealed.Resealed, len(after))
	}
	i.recorded("linde", "master.rotate ")
	i.recorded("wilg", "master.rotate ")
	alone.OK("keys", "rotate", "wilg", "RS256")
	if out := alone.OK("apply", i.sample()); out != "Nothing to change.\n" {
		i.t.Errorf("apply under the new master key: %q", out)
	}
	i.refused(1, "sealed under a master key that is not configured", "keys", "reseal")
}

// recorded compares the newest events of the operator on a platform with "kind reason", in any order. What parties and
// people do between them is left out.
func (i *install) recorded(on platform.ID, want ...string) {
	i.t.Helper()
	var got []string
	for _, e := range i.events(on) {
		if !strings.HasPrefix(e.Actor, "cli ") || len(got) == len(want) {
			continue
		}
		got = append(got, string(e.Kind)+" "+e.Reason)
		if e.Outcome != audit.Success {
			i.t.Errorf("event %+v", e)
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		i.t.Errorf("events of %s: %q, want %q", on, got, want)
	}
}

// events are the newest on the record of a platform.
func (i *install) events(on platform.ID) (all []audit.Event) {
	i.t.Helper()
	i.inDatabase(func(db *storage.DB) (err error) {
		all, err = db.Events(i.t.Context(), on, 100)
		return err
	})
	return all
}

// counted is how many rows there are of what a visit leaves behind.
type counted struct{ requests, journeys, grants, sessions, events int }

func (i *install) rows() (n counted) {
	i.t.Helper()
	i.inDatabase(func(db *storage.DB) error {
		return db.SQL().QueryRow(`SELECT (SELECT COUNT(*) FROM requests), (SELECT COUNT(*) FROM journeys), (SELECT COUNT(*) FROM grants),
(SELECT COUNT(*) FROM sessions WHERE ended_at IS NULL), (SELECT COUNT(*) FROM events)`).Scan(&n.requests, &n.journeys, &n.grants, &n.sessions, &n.events)
	})
	return n
}

func TestWrongUseExitsWith2(t *testing.T) {
	i := newInstall(t, "")
	i.OK("migrate")
	for _, c := range []struct{ args, want string }{
		{"frobnicate", `idp has no command "frobnicate"`},
		{"account frobnicate", `idp account has no command "frobnicate"`},
		{"apply", "accepts 1 arg(s), received 0"},
		{"migrate now", `unknown command "now" for "idp migrate"`},
		{"serve --frob", "unknown flag: --frob"},
		{"account list", `required flag(s) "platform" not set`},
		{"party show x", `required flag(s) "platform" not set`},
		{"platform add x", `required flag(s) "home-url", "issuer", "organisation" not set`},
		{"account list --platform linde --limit many", `invalid argument "many"`},
		{"platform list --output xml", `--output "xml": text or json`},
		{"migrate -o yaml", `--output "yaml": text or json`},
	} {
		i.refused(2, c.want, strings.Fields(c.args)...)
	}
	for _, args := range []string{"", "--help", "account", "account --help", "apply --help", "--version"} {
		if out := i.OK(strings.Fields(args)...); !strings.Contains(out, "idp") {
			t.Errorf("idp %s: %q", args, out)
		}
	}
}

// A wrong --output is found before the command does anything.
func TestWrongOutputChangesNothing(t *testing.T) {
	i := newInstall(t, "")
	i.setUp()
	i.refused(2, "text or json", "account", "deactivate", "anna@example.org", "--platform", "linde", "--output", "xml")
	var a openedJSON
	if i.read(&a, "account", "show", "anna@example.org", "--platform", "linde"); a.State != "active" {
		t.Errorf("the account is %s", a.State)
	}
}

func TestConfigIsCheckedAndPrintedWithoutSecrets(t *testing.T) {
	i := newInstall(t, "postgres://idp:hunter2@db.example.org/idp")
	if out := i.OK("config", "check"); out != "The configuration is right.\n" {
		t.Errorf("config check: %q", out)
	}
	text := i.OK("config", "print")
	var c struct {
		Listen         string
		OperatorListen string `json:"operator_listen"`
		TLS            map[string]string
		TrustedProxies []string `json:"trusted_proxies"`
		Database       string
		MasterKeys     []string `json:"master_keys"`
		MasterKeysFile string   `json:"master_keys_file"`
		Hash           map[string]int
		Arrivals       map[string]int
		Log            map[string]string
		ShutdownGrace  string `json:"shutdown_grace"`
		SMTP           map[string]any
		SMS            map[string]map[string]string
		Passwords      map[string]string
		Outbound       map[string][]string
	}
	i.read(&c, "config", "print")
	if c.Listen != "127.0.0.1:"+i.port || c.Database != "[hidden]" || fmt.Sprint(c.MasterKeys) != "[[hidden]]" || c.ShutdownGrace != "20s" || c.Hash["queue"] != 64 || c.Arrivals["at_once"] != 600 || c.Arrivals["per_second"] != 10 ||
		c.SMTP["password"] != "[hidden]" || c.SMS["first"]["token"] != "[hidden]" || c.SMS["second"]["report_secret"] != "[hidden]" {
		t.Errorf("config print as JSON: %+v", c)
	}
	if !strings.Contains(text, "database: '[hidden]'") || strings.Contains(text, "hunter2") {
		t.Errorf("config print: %s", text)
	}
	i.refused(1, "c.yaml line 1: lissten: invalid: unknown", "config", "check", "--config", i.File("c.yaml", "lissten: :1\n"))
	i.with("IDP_LISTNE=:1").refused(1, "IDP_LISTNE: invalid: no key of that name", "config", "check")
	i.with("IDP_LISTEN=:8443").refused(1, "tls: invalid: missing: cert_file and key_file", "config", "print")
}
