package setup_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/setup"
	"github.com/minddistrict/idp/internal/wire"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/storage"
)

// A file that only adds a party, or only names an account, changes nothing else.
func TestFileThatOnlyAddsAPartyChangesNothingElse(t *testing.T) {
	onBoth(t, func(t *testing.T, db *storage.DB) {
		tools := tools(t, db)
		mustApply(t, tools, strict)
		mustApply(t, tools, "platforms:\n  - { name: linde, title: Online, locale: en, help: { phone: 010 123 45 67 }, "+
			"accounts: [ { email: carla@example.org, name: { given: Carla }, email_verified: false } ] }\n")
		before := dump(t, db)
		report := mustApply(t, tools, `platforms:
  - name: linde
    parties:
      - { client_id: new-app, type: native, redirect_uris: ["net.example.linde:/cb"] }
      - client_id: linde-web
    accounts:
      - email: carla@example.org
`)
		if want := "[party linde/new-app]"; fmt.Sprint(report.Changed) != want {
			t.Errorf("changed %v, want %s", report.Changed, want)
		}
		after := dump(t, db)
		for row := range strings.SplitSeq(before, "\n") {
			if !strings.Contains(after, row) && !strings.HasPrefix(row, "counters ") {
				t.Errorf("is gone: %s", row)
			}
		}
	})
}

// merges are files over one another: what is applied after strict, and the differences that it makes.
var merges = []struct{ name, says, want string }{
	{"one key of a mapping", "policy: { password: { min_length: 20 } }", "policy.password.min_length: 16 → 20"},
	{"one half", "policy: { session_ends: { staff: 30m } }", "policy.session_ends.staff: 1h → 30m"},
	{"one key of a factor", "policy: { second_factor: { staff: { offer_every: 24h } } }", "policy.second_factor.staff.offer_every: 24h"},
	{"a list whole", "parties: [ { client_id: linde-web, redirect_uris: [https://a.example/cb] } ]", "redirect_uris: [https://linde.example.net/callback] → [https://a.example/cb]"},
	{"an empty list", "policy: { sms_countries: [] }", "policy.sms_countries: [NL, BE, DE, GB] → none"},
	{"a list reset", "policy: { sms_countries: null }", "policy.sms_countries: [NL, BE, DE, GB]"},
	{"a name of one's own is taken away", `policy: { acr_aliases: { low: null, "https://refeds.org/profile/mfa": null } }`,
		"policy.acr_aliases.https://refeds.org/profile/mfa: urn:minddistrict:acr:2fa → none, policy.acr_aliases.low: urn:minddistrict:acr:1fa → none"},
	{"a mapping reset", "policy: { acr_aliases: null }", "policy.acr_aliases.https://refeds.org/profile/mfa: urn:minddistrict:acr:2fa (weaker)"},
	{"an empty value", "title:", ""},
	{"what follows goes on following", "organisation: GGZ De Eik", "organisation: GGZ De Linde → GGZ De Eik, title: GGZ De Linde → GGZ De Eik"},
	{"help, and help of staff with it", "help: { phone: 010 123 45 67 }", "help.phone: 010 123 45 67, help_staff.phone: 010 123 45 67"},
	{"staff's own", "help_staff: { email: ict@example.org }", "help_staff.email: ict@example.org, help_staff.phone: 010 123 45 67 → none"},
	{"staff's own stays", "help: { email: help@example.org }", "help.email: help@example.org"},
	{"and is reset", "help_staff: null", "help_staff.email: ict@example.org → help@example.org, help_staff.phone: 010 123 45 67"},
	{"choices in place of a fixed time", "policy: { remember: { staff: { choices: [] } } }", "policy.remember.staff.fixed: 12h → none"},
	{"and back", "policy: { remember: { staff: { fixed: 0s } } }", "policy.remember.staff.fixed: 0s"},
	{"short form of a factor", "policy: { second_factor: { staff: required } }", "policy.second_factor.staff.offer_every: 24h → none"},
	{"a title", "title: Online", "title: GGZ De Eik → Online"},
	{"a title stays", "organisation: GGZ De Es", "organisation: GGZ De Eik → GGZ De Es"},
	{"a title reset", "title: null", "title: Online → GGZ De Es"},
	{"a party of another type", "parties: [ { client_id: linde-web, type: spa, secret: null, rotate_refresh_tokens: null } ]",
		"type: web → spa, auth: basic → none (weaker), origins: [https://a.example], secret: [hidden] → none (weaker)"},
	{"an account's name", "accounts: [ { email: carla@example.org, name: { given: Carla } } ]", "name.given: Carla"},
	{"another part of it", "accounts: [ { email: carla@example.org, name: { family: Bos }, phone: '+31612345678' } ]", "name.family: Bos, phone: +31612345678"},
	{"a part reset", "accounts: [ { email: carla@example.org, name: { given: null }, email_verified: false } ]", "name.given: Carla → none, email_verified: true → false"},
	{"verified again", "accounts: [ { email: carla@example.org, email_verified: null } ]", "email_verified: false → true"},
	{"a secret of an account", "accounts: [ { email: carla@example.org, password: zeven paarse regenjassen } ]", "password: set [hidden], state: invited → active"},
	{"another one", "accounts: [ { email: carla@example.org, password: zeven groene regenjassen } ]", "password: changed [hidden]"},
	{"new keys", "parties: [ { client_id: linde-web, id_token_alg: ES256 } ]", "id_token_alg: RS256 → ES256, ES256: made"},
}

func TestFilesMergeKeyByKey(t *testing.T) {
	onBoth(t, func(t *testing.T, db *storage.DB) {
		tools := tools(t, db)
		tools.Weaken = true
		mustApply(t, tools, strict)
		for _, m := range merges {
			dry := tools
			dry.DryRun = true
			before := dump(t, db)
			foretold := mustApply(t, dry, says(m.says))
			if dump(t, db) != before {
				t.Errorf("%s: the dry run wrote", m.name)
			}
			report := mustApply(t, tools, says(m.says))
			if got := inWords(report.Differences); got != m.want {
				t.Errorf("%s:\ngot  %s\nwant %s", m.name, got, m.want)
			}
			if !reflect.DeepEqual(foretold.Differences, report.Differences) || !slices.Equal(foretold.Changed, report.Changed) {
				t.Errorf("%s: foretold %v, done %v", m.name, foretold, report)
			}
			before = dump(t, db)
			if again := mustApply(t, tools, says(m.says)); len(again.Changed)+len(again.Differences) > 0 || dump(t, db) != before {
				t.Errorf("%s: again changes %v", m.name, again.Differences)
			}
		}
	})
}

func inWords(all []setup.Difference) string {
	var texts []string
	for _, d := range all {
		text := d.String()
		if d.Weaker {
			text += " (weaker)"
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, ", ")
}

func TestWhatCannotBeResetIsRefusedOnItsLine(t *testing.T) {
	db := idptest.SQLite(t)
	tools := tools(t, db)
	mustApply(t, tools, strict)
	before := dump(t, db)
	for _, key := range []string{"name", "issuer", "organisation", "home_url"} {
		wantRefused(t, tools, "platforms:\n  - title: x\n    "+key+": null\n", "line 3: "+key+": invalid: cannot be reset: it is required")
	}
	wantRefused(t, tools, says("parties:\n      - name: x\n        client_id:\n"), "line 5: client_id: invalid: cannot be reset")
	for _, key := range []string{"email", "password", "password_hash", "totp_secret", "phone_for_codes", "recovery_codes", "deactivated"} {
		wantRefused(t, tools, says("accounts:\n      - role: manager\n        "+key+": ~\n"), "line 5: "+key+": invalid: cannot be reset")
	}
	wantRefused(t, tools, says("parties:\n      - client_id: linde-web\n        redirect_uris: null"), "line 5: party linde-web: invalid: redirect_uris is missing")
	wantRefused(t, tools, "platforms:\n  - name: wilg\n", "line 2: platform wilg: invalid: issuer is missing: a new platform needs one")
	wantRefused(t, tools, "platforms:\n  - name: wilg\n    issuer: https://w.example\n", "line 2: platform wilg: invalid: home_url is missing")
	wantRefused(t, tools, says("parties: [ { client_id: new } ]"), "line 3: party new: invalid: secret is missing")
	wantRefused(t, tools, says("policy:\n      minimum: 2"), "line 4: minimum: invalid: unknown; policy has second_factor")
	if dump(t, db) != before {
		t.Error("something was written")
	}
}

func wantRefused(t *testing.T, tools setup.Tools, text, want string) {
	t.Helper()
	if _, err := apply(t, tools, text); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), want) {
		t.Errorf("got  %v\nwant %s\nof\n%s", err, want, text)
	}
}

// A program that declares something says what is not zero, and no more.
func TestWhatAProgramLeavesOutIsNotSaid(t *testing.T) {
	text, err := yaml.Marshal(setup.File{Platforms: []setup.Platform{{
		Policy:  setup.Policy{SecondFactor: platform.ByGroup[setup.SecondFactor]{Staff: setup.SecondFactor{Demand: platform.Off}}},
		Parties: []setup.Party{{}}, Accounts: []setup.Account{{Address: account.Address{Locality: "Gent"}}},
	}}})
	want := `platforms:
    - policy:
        second_factor:
            staff:
                demand: "off"
      parties:
        - {}
      accounts:
        - address:
            locality: Gent
`
	if err != nil || string(text) != want {
		t.Errorf("got\n%s\nwant\n%s%v", text, want, err)
	}
	db := idptest.SQLite(t)
	tools := tools(t, db)
	mustApply(t, tools, strict)
	before := dump(t, db)
	if report, err := setup.AddParty(t.Context(), tools, "linde", setup.Party{ClientID: "linde-web"}); err != nil || len(report.Changed) > 0 || dump(t, db) != before {
		t.Errorf("a party by its client_id alone: %v, %v", report.Differences, err)
	}
	report, err := setup.Apply(t.Context(), tools, &setup.File{Platforms: []setup.Platform{{Name: "linde", Accounts: []setup.Account{{Email: "carla@example.org", Nickname: "C"}}}}}, nil)
	if err != nil || inWords(report.Differences) != "nickname: C" {
		t.Errorf("an account's nickname: %v, %v", report.Differences, err)
	}
}

// Each row has fields that a file cannot set; all others show when they change.
func TestEveryFieldShowsInTheDifference(t *testing.T) {
	for _, c := range []struct {
		row    any
		unseen string
	}{
		{platform.Platform{Policy: platform.DefaultPolicy()}, "Branding.Logo Branding.LogoDark Salt Policy.Remember.Client.Fixed Policy.Remember.Staff.Fixed Policy.Password.MaxLength"}, // Fixed counts with Decides,
		{grant.Party{}, "Platform Secrets OlderEndsAt DisabledAt"},
		{federation.Connection{Kind: federation.OIDC}, "Platform SAML.Metadata SAML.MetadataKey Secret Keys Baseline"}, // files and secrets show on lines of their own
		{account.Account{}, "ID Platform Email.Key Profile.PhoneOK Credentials TwoStep.OfferedAt TwoStep.ResetAt TwoStep.MarkedAt TwoStep.RememberFor CreatedAt UpdatedAt CutAt"},
	} {
		var unseen []string
		for _, changed := range changes(reflect.ValueOf(c.row)) {
			if !setup.Shows(c.row, changed.row.Interface()) {
				unseen = append(unseen, changed.field)
			}
		}
		if got := strings.Join(unseen, " "); got != c.unseen {
			t.Errorf("%T: does not show %q, want %q", c.row, got, c.unseen)
		}
	}
}

type change struct {
	field string
	row   reflect.Value
}

// changes are a struct with each of its fields changed, one at a time.
func changes(v reflect.Value) (all []change) {
	for i := range v.NumField() {
		name, field := v.Type().Field(i).Name, v.Field(i)
		put := func(part string, to reflect.Value) {
			row := reflect.New(v.Type()).Elem()
			row.Set(v)
			row.Field(i).Set(to)
			all = append(all, change{name + part, row})
		}
		if field.Kind() == reflect.Struct && field.Type() != reflect.TypeFor[time.Time]() {
			for _, inner := range changes(field) {
				put("."+inner.field, inner.row)
			}
			continue
		}
		put("", another(field))
	}
	return all
}

// another is a value that differs.
func another(v reflect.Value) reflect.Value {
	to := reflect.New(v.Type()).Elem()
	switch v.Kind() {
	case reflect.Bool:
		to.SetBool(!v.Bool())
	case reflect.Int, reflect.Int64:
		to.SetInt(v.Int() + int64(time.Second))
	case reflect.String:
		if to.SetString(v.String() + "x"); v.Type() == reflect.TypeFor[account.State]() {
			to.SetString(string(account.Deactivated))
		}
	case reflect.Slice:
		to.Set(reflect.Append(v, another(reflect.New(v.Type().Elem()).Elem())))
	case reflect.Map:
		to.Set(reflect.MakeMap(v.Type()))
		value := another(reflect.New(v.Type().Elem()).Elem())
		to.SetMapIndex(reflect.ValueOf("x"), value)
	case reflect.Pointer:
		to.Set(reflect.New(v.Type().Elem()))
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			to.Set(reflect.ValueOf(start))
		}
	case reflect.Uint8:
		to.SetUint(v.Uint() + 1)
	}
	return to
}

// The example of docs/setup-file.md is taken block by block: each can be applied, again without a change, and each key
// of the format is in it.
func TestTheExampleOfTheGuide(t *testing.T) {
	text, err := os.ReadFile("../../docs/setup-file.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(text), "```yaml\n")[1:]
	if len(blocks) < 3 {
		t.Fatalf("%d blocks", len(blocks))
	}
	onBoth(t, func(t *testing.T, db *storage.DB) {
		tools := tools(t, db)
		logo, dark := picture(t, "linde.png", 320, 80), picture(t, "linde-dark.png", 320, 80)
		for i, block := range blocks {
			block, _, _ := strings.Cut(block, "```")
			block = strings.NewReplacer("linde.png", logo, "linde-dark.png", dark).Replace(block)
			report, err := apply(t, tools, block)
			if err != nil {
				t.Fatalf("block %d: %v", i, err)
			}
			if again := mustApply(t, tools, block); len(again.Changed) > 0 {
				t.Errorf("block %d: again changes %v", i, again.Differences)
			}
			if i == 1 && fmt.Sprint(report.Changed) != "[party linde/linde-agenda]" {
				t.Errorf("the block that only adds a party changes %v", report.Differences)
			}
			if i == 2 && len(report.Differences) < 3 {
				t.Error("the block that resets resets nothing")
			}
		}
	})
	// Every key of the format stands in the first block, as a key or in a comment.
	for key := range setup.Keys() {
		if !regexp.MustCompile(`\b` + key + `\b`).MatchString(blocks[0]) {
			t.Errorf("no word of the key %s", key)
		}
	}
}

// The file of the archive can be applied as it is, but for its secret, and what it marks as required is: without it nothing
// new is made.
func TestTheExampleOfTheArchive(t *testing.T) {
	text, err := os.ReadFile("../../packaging/platforms.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(strings.Repeat("0123456789abcdef", 4)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	example := strings.Replace(string(text), "/etc/idp/linde-web.secret  #", path+"  #", 1)
	onBoth(t, func(t *testing.T, db *storage.DB) {
		tools := tools(t, db)
		tools.Methods = wire.Methods()
		report := mustApply(t, tools, example)
		if want := "[platform linde party linde/linde-web keys linde account linde/manager@linde.example]"; fmt.Sprint(report.Changed) != want || len(report.Warnings) > 0 {
			t.Errorf("changed %v, warned of %v", report.Changed, report.Warnings)
		}
		if again := mustApply(t, tools, example); len(again.Changed) > 0 {
			t.Errorf("again changes %v", again.Differences)
		}
	})
	required := regexp.MustCompile(`(?m)^( +)(- )?([a-z_]+): [^#\n]*# required.*\n`)
	lines := required.FindAllStringSubmatchIndex(example, -1)
	if len(lines) < 8 {
		t.Fatalf("%d keys are marked as required", len(lines))
	}
	for _, at := range lines {
		instead := ""
		if at[4] >= 0 { // the first key of an item: the item stays
			instead = example[at[2]:at[3]] + "-\n"
		}
		key := example[at[6]:at[7]]
		if _, err := apply(t, tools(t, idptest.SQLite(t)), example[:at[0]]+instead+example[at[1]:]); err == nil || !strings.Contains(err.Error(), strings.TrimSuffix(key, "_file")) {
			t.Errorf("without %s: %v", key, err)
		}
	}
}

// Files are applied over one another at random: what the second does not mention stays as the first set it.
func TestWhatAFileDoesNotMentionStays(t *testing.T) {
	onBoth(t, func(t *testing.T, db *storage.DB) {
		tools := tools(t, db)
		tools.Weaken = true
		dry := tools
		dry.DryRun = true
		d := dice(1)
		for round := range 60 {
			name := fmt.Sprintf("p%d", round/15) // over what there is, and over nothing
			first, second := d.document(2), d.document(5)
			whole, part := written(t, name, first, true), written(t, name, second, false)
			mustApply(t, tools, whole)
			was := stored(t, db, name)
			for key, value := range first {
				if was[key] != value {
					t.Fatalf("round %d: %s is %q after\n%s", round, key, was[key], whole)
				}
			}
			before := dump(t, db)
			if again := mustApply(t, tools, whole); len(again.Differences)+len(again.Changed) > 0 || dump(t, db) != before {
				t.Fatalf("round %d: again changes %v of\n%s", round, again.Differences, whole)
			}
			foretold := mustApply(t, dry, part)
			if dump(t, db) != before {
				t.Fatalf("round %d: the dry run wrote", round)
			}
			report := mustApply(t, tools, part)
			changed := dump(t, db) != before
			if changed != (len(foretold.Differences) > 0) || !reflect.DeepEqual(foretold.Differences, report.Differences) {
				t.Fatalf("round %d: changed: %t, foretold %v, done %v", round, changed, foretold, report)
			}
			is := stored(t, db, name)
			for key, value := range was {
				if said, ok := second[key]; ok {
					value = said
				}
				if is[key] != value {
					t.Fatalf("round %d: %s is %q, want %q, after\n%s\nand\n%s", round, key, is[key], value, whole, part)
				}
			}
		}
	})
}

// dice are numbers that look random and are the same every time.
type dice uint64

func (d *dice) roll(n int) int {
	*d = *d*6364136223846793005 + 1442695040888963407 // Knuth, MMIX
	return int(uint64(*d) >> 33 % uint64(n))
}

// values are what the keys of a document may have, as the difference shows them. None of them forbids another.
var values = map[string]string{
	"title": "Online|Portaal", "country": "NL|BE", "locale": "nl|en", "neutral_name": "Zorg|Minddistrict", "colour": "#1b6a7a|#aa0000",
	"help.email": "a@example.org|b@example.org", "help.phone": "1|2",
	"mail.from": "a@example.org|b@example.org", "mail.show_name": "true|false", "privacy_url": "https://a.example|https://b.example",
	"policy.second_factor.client.demand": "off|optional|required", "policy.second_factor.client.from": "2027-01-31T00:00:00Z|2028-01-31T00:00:00Z",
	"policy.second_factor.staff.demand": "off|optional|required", "policy.second_factor.staff.offer_every": "24h|1h30m",
	"policy.code_methods": "[totp]|[sms]|[totp, sms]", "policy.app_code": "true|false", "policy.login_form": "true|false",
	"policy.remember.client.choices": "[12h]|[12h, 72h]", "policy.remember.staff.fixed": "0s|12h|168h",
	"policy.password.min_length": "8|12|20", "policy.password.special": "0|2", "policy.password.min_score": "0|3|4",
	"policy.self_sign_up": "true|false", "policy.app_password": "true|false", "policy.app_qr": "true|false", "policy.app_devices": "3|5", "policy.idle_after": "0s|5m|1h",
	"policy.session_ends.client": "1h|24h", "policy.session_ends.staff": "30m|12h", "policy.minimum_acr": "a|urn:minddistrict:acr:1fa",
	"policy.acr_aliases.a": "urn:minddistrict:acr:1fa|urn:minddistrict:acr:2fa", "policy.acr_aliases.b": "urn:minddistrict:acr:2fa",
	"policy.sms_countries": "[NL]|[NL, BE]", "policy.sms_per_day": "0|7", "policy.sms_bound": "true|false",
	"party.name": "A|B", "party.auth": "basic|post", "party.pkce": "required|optional", "party.redirect_uris": "[https://a.example/cb]|[https://b.example/cb]",
	"party.origins": "[https://a.example]", "party.grant_types": "[authorization_code]|[authorization_code, refresh_token]",
	"party.scopes": "[openid, journal]|[openid, journal, email]", "party.access_token": "opaque|jwt", "party.rotate_refresh_tokens": "true|false",
	"party.subject_type": "public|pairwise", "party.id_token_claims": "[email]|[email, name]", "party.amr_details": "true|false",
	"party.audience": "[web]|[web, web]", "party.minimum_acr": "urn:minddistrict:acr:1fa|urn:minddistrict:acr:2fa",
	"party.lives.access_token": "1m|2m30s", "party.lives.refresh_end": "1h", "party.tos_uri": "https://a.example/t|https://b.example/t",
	"account.role": "client|professional|manager", "account.locale": "nl|en", "account.name.given": "Anna|Bert", "account.name.family": "Bakker",
	"account.nickname": "Ans|Bep", "account.phone": "+31612345678|+31687654321", "account.address.locality": "Utrecht|Gent",
	"account.address.country": "NL|BE", "account.email_verified": "true|false", "account.deactivated": "true|false",
}

// document is a choice of keys, one in so many, with a value each.
func (d *dice) document(oneIn int) map[string]string {
	doc := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if all := strings.Split(values[key], "|"); d.roll(oneIn) == 0 {
			doc[key] = all[d.roll(len(all))]
		}
	}
	return doc
}

// written is a document as a file: of a platform that may be new, or by its name alone.
func written(t *testing.T, name string, doc map[string]string, whole bool) string {
	t.Helper()
	item := map[string]any{"name": name}
	party, person := map[string]any{"client_id": "web"}, map[string]any{"email": "anna@example.org"}
	if whole {
		item["issuer"], item["organisation"], item["home_url"] = "https://"+name+".example.org", "O", "https://o.example"
		party["secret"], party["redirect_uris"] = strings.Repeat("s", 40), []string{"https://rp.example/cb"}
	}
	for key, value := range doc {
		var v any
		if text := value; !strings.HasPrefix(value, "#") && !strings.HasPrefix(value, "+") {
			if err := yaml.Unmarshal([]byte(text), &v); err != nil {
				t.Fatal(err)
			}
		} else {
			v = value
		}
		if n, number := v.(int); number && !strings.HasPrefix(key, "policy.") {
			v = fmt.Sprint(n)
		}
		into, path := item, strings.Split(key, ".")
		switch path[0] {
		case "party":
			into, path = party, path[1:]
		case "account":
			into, path = person, path[1:]
		}
		for _, step := range path[:len(path)-1] {
			if into[step] == nil {
				into[step] = map[string]any{}
			}
			into = into[step].(map[string]any)
		}
		into[path[len(path)-1]] = v
	}
	if whole || len(party) > 1 {
		item["parties"] = []any{party}
	}
	if whole || len(person) > 1 {
		item["accounts"] = []any{person}
	}
	text, err := yaml.Marshal(map[string]any{"platforms": []any{item}})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// stored is what the database has under the keys of values.
func stored(t *testing.T, db *storage.DB, name string) map[string]string {
	t.Helper()
	platforms, errPlatforms := db.Platforms(t.Context())
	parties, errParties := db.Parties(t.Context())
	anna, errAccount := db.AccountByEmail(t.Context(), platform.ID(name), "anna@example.org")
	if err := errors.Join(errPlatforms, errParties, errAccount); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	add := func(prefix string, row any) {
		for key, value := range setup.Declared(row) {
			if values[prefix+key] != "" {
				all[prefix+key] = value
			}
		}
	}
	add("account.", *anna)
	for _, p := range platforms {
		if string(p.ID) == name {
			add("", p)
		}
	}
	for _, p := range parties {
		if string(p.Platform) == name {
			add("party.", p)
		}
	}
	return all
}
