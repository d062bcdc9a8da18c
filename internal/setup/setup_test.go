package setup_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/setup"
	"github.com/minddistrict/idp/internal/wire"
	"github.com/minddistrict/idp/keys"
	"github.com/minddistrict/idp/login/password"
	"github.com/minddistrict/idp/storage"
)

var start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func tools(t testing.TB, db *storage.DB) setup.Tools {
	t.Helper()
	sealer, err := keys.NewSealer([]byte(strings.Repeat("k", 32)))
	if err != nil {
		t.Fatal(err)
	}
	return setup.Tools{DB: db, Sealer: sealer, Pool: password.NewPool(1, 1, idptest.Cheap), Policy: wire.DefaultPolicy(), Now: start}
}

func apply(t testing.TB, tools setup.Tools, text string) (setup.Report, error) {
	t.Helper()
	file, lines, err := setup.Parse([]byte(text))
	if err != nil {
		return setup.Report{}, err
	}
	return setup.Apply(t.Context(), tools, file, lines)
}

func mustApply(t testing.TB, tools setup.Tools, text string) setup.Report {
	t.Helper()
	report, err := apply(t, tools, text)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func sample(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("testdata/sample.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A secret that everybody on the machine may read is no secret: nothing is applied.
func TestSecretFileOfEverybodyIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(idptest.PartySecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tools := tools(t, idptest.SQLite(t))
	text := strings.Replace(sample(t), "secret: "+idptest.PartySecret, "secret_file: "+path, 1)
	for _, mode := range []os.FileMode{0o644, 0o666, 0o604, 0o602} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		_, err := apply(t, tools, text)
		if want := fmt.Sprintf("line 9: party linde-web: invalid: secret_file: refused: %s may be used by everybody (mode %04o): chmod 0600", path, mode); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%04o: %v, want %s", mode, err, want)
		}
	}
	if parties, err := tools.DB.Parties(t.Context()); err != nil || len(parties) > 0 {
		t.Errorf("%d parties, %v", len(parties), err)
	}
	for _, mode := range []os.FileMode{0o640, 0o600} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		mustApply(t, tools, text)
	}
}

// onBoth runs a test on both databases.
func onBoth(t *testing.T, run func(*testing.T, *storage.DB)) {
	t.Run("sqlite", func(t *testing.T) { run(t, idptest.SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { run(t, idptest.Postgres(t)) })
}

// dump is every row of every table.
func dump(t testing.TB, db *storage.DB) string {
	t.Helper()
	names := texts(t, db, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
	if names == nil {
		names = texts(t, db, "SELECT name FROM sqlite_master WHERE type = 'table'")
	}
	var all []string
	for _, name := range names {
		for _, row := range texts(t, db, "SELECT * FROM "+name) {
			all = append(all, name+" "+row)
		}
	}
	slices.Sort(all)
	if len(names) < 10 || len(all) < 2 {
		t.Fatalf("the dump has %d tables and %d rows", len(names), len(all))
	}
	return strings.Join(all, "\n")
}

// texts is each row of a query as a text; nil when the query does not exist in this database.
func texts(t testing.TB, db *storage.DB, query string) (all []string) {
	t.Helper()
	rows, err := db.SQL().QueryContext(t.Context(), query)
	if err != nil {
		return nil
	}
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		values, to := make([]any, len(columns)), make([]any, len(columns))
		for i := range to {
			to[i] = &values[i]
		}
		if err := rows.Scan(to...); err != nil {
			t.Fatal(err)
		}
		all = append(all, strings.Trim(fmt.Sprint(values...), "[]"))
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestSampleAppliesOnceAndThenChangesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, db *storage.DB) {
		tools := tools(t, db)
		first := mustApply(t, tools, sample(t))
		want := []string{"platform linde", "party linde/linde-web", "party linde/linde-app", "keys linde", "account linde/anna@example.org"}
		if !slices.Equal(first.Changed, want) {
			t.Errorf("changed %v, want %v", first.Changed, want)
		}
		a, err := db.AccountByEmail(t.Context(), "linde", "anna@example.org")
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(a.Profile.Name(), a.Role, a.State, a.SecondMethods(), a.EmailVerifiedAt.Equal(start)); got != "Anna Bakkerclientactive[totp] true" {
			t.Errorf("got %s", got)
		}
		parties, err := db.Parties(t.Context())
		if err != nil || len(parties) != 2 {
			t.Fatalf("%d parties, %v", len(parties), err)
		}
		app, web := parties[0], parties[1]
		if !app.Public() || app.Type != "native" || app.MobileApp || web.IDTokenAlg != "ES256" || !web.SecretMatches(idptest.PartySecret, time.Now()) {
			t.Errorf("got %+v and %+v", app, web)
		}

		before := dump(t, db)
		tools.Now = start.Add(time.Hour)
		if again := mustApply(t, tools, sample(t)); len(again.Changed) != 0 || again.Changed == nil {
			t.Errorf("applying again changed %#v, want an empty list", again.Changed)
		}
		if after := dump(t, db); after != before {
			t.Errorf("applying again changed the database:\n%s\nwas\n%s", after, before)
		}
	})
}

func TestOnlyWhatDiffersChanges(t *testing.T) {
	onBoth(t, func(t *testing.T, db *storage.DB) {
		tools := tools(t, db)
		mustApply(t, tools, sample(t))
		before, err := db.AccountByEmail(t.Context(), "linde", "anna@example.org")
		if err != nil {
			t.Fatal(err)
		}
		tools.Now = start.Add(time.Hour)
		for _, c := range []struct{ old, new, want string }{
			{"family: Bakker", "family: Visser", "[account linde/anna@example.org]"},
			{"regenjassen", "paraplu's", "[account linde/anna@example.org]"},
			{"organisation: GGZ De Linde", "organisation: De Linde", "[platform linde]"},
			{"id_token_alg: ES256", "id_token_alg: EdDSA", "[party linde/linde-web keys linde]"},
			{"net.example.linde:/callback", "net.example.linde:/back", "[party linde/linde-app]"},
		} {
			if got := fmt.Sprint(mustApply(t, tools, strings.Replace(sample(t), c.old, c.new, 1)).Changed); got != c.want {
				t.Errorf("%s: changed %s, want %s", c.new, got, c.want)
			}
			mustApply(t, tools, sample(t))
		}
		after, err := db.AccountByEmail(t.Context(), "linde", "anna@example.org")
		if err != nil {
			t.Fatal(err)
		}
		if after.ID != before.ID || !after.CreatedAt.Equal(before.CreatedAt) || !after.UpdatedAt.Equal(tools.Now) || len(after.Credentials) != len(before.Credentials) {
			t.Errorf("the account is another one: %+v, was %+v", after, before)
		}
	})
}

// A file that is applied every night must not let somebody in again whom staff deactivated.
func TestDeactivatedStaysDeactivatedUnlessTheFileSaysOtherwise(t *testing.T) {
	onBoth(t, func(t *testing.T, db *storage.DB) {
		tools := tools(t, db)
		state := func() account.State {
			a, err := db.AccountByEmail(t.Context(), "linde", "anna@example.org")
			if err != nil {
				t.Fatal(err)
			}
			return a.State
		}
		mustApply(t, tools, sample(t))
		a, err := db.AccountByEmail(t.Context(), "linde", "anna@example.org")
		if err != nil {
			t.Fatal(err)
		}
		e := audit.Event{At: start, Platform: "linde", Kind: audit.AccountDeactivated, Account: a.ID, Outcome: audit.Success}
		if err := db.SetState(t.Context(), "linde", a.ID, account.Deactivated, e, start); err != nil {
			t.Fatal(err)
		}
		if report := mustApply(t, tools, sample(t)); len(report.Changed) != 0 || state() != account.Deactivated {
			t.Errorf("not said: changed %v, state %s", report.Changed, state())
		}
		said := func(what string) string { return strings.Replace(sample(t), "role: client", what, 1) }
		if mustApply(t, tools, said("deactivated: false")); state() != account.Active {
			t.Errorf("deactivated: false: %s", state())
		}
		if mustApply(t, tools, said("deactivated: true")); state() != account.Deactivated {
			t.Errorf("deactivated: true: %s", state())
		}
		invited := strings.Replace(sample(t), "anna@", "ria@", 1)
		invited = invited[:strings.Index(invited, "        password")]
		mustApply(t, tools, invited)
		if ria, err := db.AccountByEmail(t.Context(), "linde", "ria@example.org"); err != nil || ria.State != account.Invited {
			t.Errorf("without password: %v, %v", ria, err)
		}
		// Who was linked beforehand is invited until the first sign-in; who came in by an organisation stays in.
		link(t, db, "ria@example.org", "lindehof", "r")
		if report := mustApply(t, tools, invited); len(report.Changed) != 0 {
			t.Errorf("linked and never here: changed %v", report.Changed)
		}
		ria, err := db.AccountByEmail(t.Context(), "linde", "ria@example.org")
		if err != nil {
			t.Fatal(err)
		}
		e.Account, e.Kind = ria.ID, audit.AccountReactivated
		if err := db.SetState(t.Context(), "linde", ria.ID, account.Active, e, start); err != nil {
			t.Fatal(err)
		}
		if report := mustApply(t, tools, invited); len(report.Changed) != 0 {
			t.Errorf("linked and active: changed %v", report.Changed)
		}
	})
}

// mistakes are changes to the sample that break it: what is replaced, by what, and what the error says.
var mistakes = []struct{ name, old, new, want string }{
	{"unknown key", "organisation: GGZ", "organization: GGZ", "line 4: organization: invalid: unknown; platforms has name, issuer, organisation"},
	{"unknown key at the top", "platforms:", "platform:", "line 1: platform: invalid: unknown; the file has platforms"},
	{"unknown key of a party", "redirect_uris: [https", "redirect_uri: [https", "line 10: redirect_uri: invalid: unknown; parties has client_id, name, type"},
	{"unknown key of a factor", "client: optional", "client: { demand: optional, form: 2026-01-01 }", "line 6: form: invalid: unknown; client has demand, from, offer_every"},
	{"key twice", "    organisation:", "    name: wilg\n    organisation:", "line 4: name: invalid: there already on line 2"},
	{"missing organisation", "    organisation: GGZ De Linde\n", "", "line 2: platform linde: invalid: organisation is missing"},
	{"bad name", "name: linde", "name: De_Linde", `line 2: platform De_Linde: invalid: name "De_Linde": a lower-case letter, then`},
	{"bad issuer", "issuer: https", "issuer: http", `line 3: platform linde: invalid: issuer "http://linde.example.org": https; plain http works on localhost only`},
	{"issuer over an endpoint", "linde.example.org\n", "linde.example.org/login\n", `line 3: platform linde: invalid: issuer "https://linde.example.org/login": a path without "login", which is a part of our own addresses`},
	{"issuer with slash", "linde.example.org\n", "linde.example.org/\n", "line 3: platform linde: invalid: issuer \"https://linde.example.org/\": without a slash at the end"},
	{"bad home", "home_url: https", "home_url: javascript", "line 5: platform linde: invalid: home_url"},
	{"login at nobody's", "    policy:", "    login_party: wilg-web\n    policy:", `line 6: platform linde: invalid: login_party "wilg-web": no party of the platform`},
	{"login where none begins", "    policy:", "    login_party: linde-web\n    policy:", `line 6: platform linde: invalid: login_party "linde-web": it has no initiate_login_uri, where a login begins`},
	{"login in an app", "    policy:", "    login_party: linde-app\n    policy:", `line 6: platform linde: invalid: login_party "linde-app": one of the platform's own, of type web or spa`},
	{"bad sender", "    policy:", "    mail: { from: De Linde <login@linde.example> }\n    policy:", `line 6: platform linde: invalid: mail.from "De Linde <login@linde.example>": an address without a name`},
	{"unknown key of mails", "    policy:", "    mail: { sender: login@linde.example }\n    policy:", "line 6: sender: invalid: unknown; mail has from, show_name"},
	{"bad demand", "staff: required", "staff: always", `line 6: platform linde: invalid: policy.second_factor.staff "always": off, optional or required`},
	{"bad span", "self_sign_up: true", "idle_after: 1s", "line 6: platform linde: invalid: policy.idle_after 1s: 5m to 24h"},
	{"span without unit", "self_sign_up: true", "idle_after: 3600", "line 6: idle_after: invalid: a number with its unit, such as 20s, 30m or 12h"},
	{"bad moment", "client: optional", "client: { demand: required, from: soon }", "line 6: from: invalid: a moment, such as 2027-01-31"},
	{"bad truth", "self_sign_up: true", "self_sign_up: maybe", "line 6: self_sign_up: invalid: true or false"},
	{"bad number", "self_sign_up: true", "sms_per_day: many", "line 6: sms_per_day: invalid: a whole number"},
	{"text for a list", "redirect_uris: [https://linde.example.net/callback]", "redirect_uris: https://linde.example.net/callback", "line 10: redirect_uris: invalid: a list"},
	{"list for a text", "client_id: linde-web", "client_id: [linde-web]", "line 8: client_id: invalid: a text"},
	{"text for keys", "name: { given: Anna, family: Bakker }", "name: Anna Bakker", "line 21: name: invalid: keys with values: given, middle, family"},
	{"short secret", "secret: " + idptest.PartySecret, "secret: hunter2", "line 9: party linde-web: invalid: secret: 7 characters: at least 32"},
	{"no secret", "secret: " + idptest.PartySecret, "name: Linde", "line 8: party linde-web: invalid: secret is missing: at least 32 characters, or secret_file"},
	{"secret file that is not there", "secret: " + idptest.PartySecret, "secret_file: /nowhere/x", "line 9: party linde-web: invalid: secret_file: open /nowhere/x"},
	{"bad type", "type: native", "type: desktop", `line 16: party linde-app: invalid: type "desktop": web, spa, native or service`},
	{"mobile app that is a website", "id_token_alg: ES256", "mobile_app: true", "line 13: party linde-web: invalid: mobile_app: a party of type native, not web"},
	{"mobile app of a third party", "type: native", "type: native\n        third_party: true\n        name: X\n        mobile_app: true", "line 19: party linde-app: invalid: mobile_app: the platform's own app, not a third party"},
	{"mobile app or not", "type: native", "type: native\n        mobile_app: perhaps", "line 17: mobile_app: invalid: true or false"},
	{"third party without a name", "type: native", "type: native\n        third_party: true", "line 15: party linde-app: invalid: name is missing: people are asked whether a third party may have their data"},
	{"text of a scope that is not registered", "type: native", "type: native\n        scope_texts: { journal.write: { nl: Schrijven, en: Writing } }", "line 17: party linde-app: invalid: scope_texts journal.write: not one of its scopes"},
	{"text of a scope in one language", "type: native", "type: native\n        scopes: [openid, journal.write]\n        scope_texts: { journal.write: { nl: Schrijven } }", "line 18: party linde-app: invalid: scope_texts journal.write: one line for nl and one for en"},
	{"text of a scope without its language", "type: native", "type: native\n        scope_texts: { journal.write: Schrijven }", "line 17: scope_texts: invalid: keys with values"},
	{"bad algorithm", "id_token_alg: ES256", "id_token_alg: HS256", `line 13: party linde-web: invalid: id_token_alg "HS256": RS256, ES256`},
	{"bad token", "access_token: opaque", "access_token: saml", `line 14: party linde-web: invalid: access_token "saml": opaque or jwt`},
	{"port of no redirect", "net.example.linde:/callback", "http://127.0.0.1:70000/callback", `line 17: party linde-app: invalid: redirect_uris "http://127.0.0.1:70000/callback": invalid: a port from 1 to 65535`},
	{"bad redirect", "net.example.linde:/callback", "javascript:alert(1)", `line 17: party linde-app: invalid: redirect_uris "javascript:alert(1)"`},
	{"bad e-mail", "email: anna@example.org", "email: anna", `line 19: account anna: email "anna": invalid: e-mail address, such as`},
	{"bad role", "role: client", "role: admin", `line 20: account anna@example.org: invalid: role "admin": client, relative, professional, helpdesk or manager`},
	{"bad TOTP secret", "totp_secret: JBSWY3DP", "totp_secret: 01890189", "line 23: account anna@example.org: invalid: totp_secret: base32 of at least 16 bytes"},
	{"password hash of no kind we know", `password: "zeven paarse regenjassen drogen!"`, `password_hash: "$1$hunter2"`, "line 22: account anna@example.org: password_hash: invalid: none of argon2id, bcrypt"},
	{"password hash that asks too much", `password: "zeven paarse regenjassen drogen!"`, `password_hash: "$2b$31$abcdefghijklmnopqrstuu3W8V6O8ovOllm2I86.2U.aRpYvPv95."`, "line 22: account anna@example.org: password_hash: invalid: none of"},
	{"password and its hash", "role: client", `password_hash: "$1$hunter2"`, "account anna@example.org: invalid: password and password_hash: one of them"},
	{"both code methods", "role: client", `phone_for_codes: "+31612345678"`, "line 23: account anna@example.org: invalid: totp_secret and phone_for_codes: one way"},
	{"bad phone", "role: client", `phone: "0612345678"`, `line 20: account anna@example.org: invalid: phone "0612345678": international notation`},
	{"bad recovery code", "role: client", "recovery_codes: [hunter2]", "line 20: account anna@example.org: invalid: recovery_codes: three groups of four"},
	{"token for nobody", "access_token: opaque", "audience: [linde-app, linde-aip]", `line 14: party linde-web: invalid: audience "linde-aip": no party of the platform, which has linde-app, linde-web`},
	{"token for nobody, in a list of lines", "access_token: opaque", "audience:\n          - linde-app\n          - linde-aip", `line 16: party linde-web: invalid: audience "linde-aip": no party`},
	{"bad redirect in a list of lines", "[net.example.linde:/callback]", "\n          - net.example.linde:/callback\n          - javascript:alert(1)", `line 19: party linde-app: invalid: redirect_uris "javascript:alert(1)"`},
	{"claim of nobody in a list of lines", "access_token: opaque", "id_token_claims:\n          - email\n          - bsn", `line 16: party linde-web: invalid: id_token_claims "bsn": one of`},
	{"profile against a default", "id_token_alg: ES256", "profile: fapi2", "line 13: party linde-web: invalid: auth: profile fapi2 wants otherwise"},
	{"keys against a default", "access_token: opaque", "request_object_signing_alg: ES256", "line 8: party linde-web: invalid: jwks is missing"},
	{"text for keys on the next line", "access_token: opaque", "lives:\n          5m", "line 14: lives: invalid: keys with values"},
	{"keys for a text on the next line", "access_token: opaque", "access_token:\n          kind: opaque", "line 14: access_token: invalid: a text"},
	{"keys for a list entry", "access_token: opaque", "audience:\n          - linde-app\n          - { client_id: linde-web }", "line 16: audience: invalid: a text"},
	{"client_id twice", "client_id: linde-app", "client_id: linde-web", `line 15: party linde-web: invalid: client_id "linde-web": declared on line 8 already`},
	{"e-mail twice", "    accounts:                          # for demonstrations and tests\n", "    accounts:\n      - email: ANNA@EXAMPLE.ORG\n", `line 20: account anna@example.org: invalid: email "anna@example.org": declared on line 19 already`},
	{"platform twice", "    parties:", "  - name: linde\n    issuer: https://other.example.org\n    organisation: x\n    home_url: https://x.example\n    parties:", `line 7: platform linde: invalid: name "linde": declared on line 2 already`},
	{"issuer twice", "    parties:", "  - name: wilg\n    issuer: https://linde.example.org\n    organisation: x\n    home_url: https://x.example\n    parties:", `line 8: platform wilg: invalid: issuer "https://linde.example.org": declared on line 3 already`},
	{"tab", "    issuer:", "\tissuer:", "line 2: found a tab character"},
	{"bracket left open", "[net.example.linde:/callback]", "[net.example.linde:/callback", "line "},
	{"second document", "    accounts:", "---\n    accounts:", "more than one document"},
	{"broken text", "GGZ De Linde", "GGZ \xff", "invalid: yaml:"},
}

func TestMistakesChangeNothingAndAreNamed(t *testing.T) {
	onBoth(t, func(t *testing.T, db *storage.DB) {
		tools := tools(t, db)
		before := dump(t, db)
		refused := func(name, text, want string) {
			_, err := apply(t, tools, text)
			if err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, fault.Invalid) {
				t.Errorf("%s:\ngot  %v\nwant %s", name, err, want)
			}
			for _, hidden := range []string{"hunter2", "s7Q2vJ9", "JBSWY3DP", "regenjassen", "setup."} {
				if err != nil && strings.Contains(err.Error(), hidden) {
					t.Errorf("%s: %q is shown in %v", name, hidden, err)
				}
			}
		}
		for _, m := range mistakes {
			text := strings.Replace(sample(t), m.old, m.new, 1)
			if text == sample(t) {
				t.Fatalf("%s: %q is not in the sample", m.name, m.old)
			}
			refused(m.name, text, m.want)
		}
		refused("empty", "", "the file is empty: it needs platforms")
		refused("only a comment", "# nothing\n", "the file is empty")
		refused("no platforms", "platforms: []\n", "the file declares no platforms")
		refused("a list", "- platforms\n", "line 1: the file: invalid: keys with values: platforms")
		refused("two mistakes", "platforms:\n  - nam: linde\n    isuer: x\n", "unknown; platforms has")
		refused("two mistakes", "platforms:\n  - nam: linde\n    isuer: x\n", "line 3: isuer: invalid: unknown")
		if after := dump(t, db); after != before {
			t.Errorf("a broken file changed the database:\n%s\nwas\n%s", after, before)
		}
	})
}

// The file says where people log in who come by a link. What becomes of that party afterwards stops no other change.
func TestFileNamesTheLoginParty(t *testing.T) {
	onBoth(t, func(t *testing.T, db *storage.DB) {
		tools := tools(t, db)
		named := strings.NewReplacer(
			"    policy:", "    login_party: linde-web\n    policy:",
			"id_token_alg: ES256", "id_token_alg: ES256\n        initiate_login_uri: https://linde.example.net/login",
		).Replace(sample(t))
		mustApply(t, tools, sample(t))
		if report := mustApply(t, tools, named); !strings.Contains(inWords(report.Differences), "login_party: linde-web") {
			t.Errorf("differences %s", inWords(report.Differences))
		}
		all, err := db.Platforms(t.Context())
		if err != nil || all[0].LoginParty != "linde-web" {
			t.Errorf("%v, %v", all, err)
		}
		_, err = apply(t, tools, strings.Replace(named, "client_id: linde-web", "client_id: linde-web\n        third_party: true\n        name: X", 1))
		if want := `login_party "linde-web": one of the platform's own, of type web or spa`; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("not its own any more: %v", err)
		}
		if _, err := tools.Acts().DisableParty(t.Context(), "linde", "linde-web"); err != nil {
			t.Fatal(err)
		}
		if report := mustApply(t, tools, strings.Replace(named, "GGZ De Linde", "De Linde", 1)); len(report.Changed) != 1 {
			t.Errorf("disabled since: changed %v", report.Changed)
		}
		mustApply(t, tools, "platforms:\n  - name: linde\n    login_party: null\n")
		_, err = apply(t, tools, named)
		if want := `line 6: platform linde: invalid: login_party "linde-web": it is disabled`; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("disabled before it is named: %v", err)
		}
	})
}

func TestIssuerOfAnotherPlatformIsTaken(t *testing.T) {
	onBoth(t, func(t *testing.T, db *storage.DB) {
		tools := tools(t, db)
		mustApply(t, tools, sample(t))
		_, err := apply(t, tools, strings.Replace(sample(t), "name: linde", "name: wilg", 1))
		if want := `line 3: platform wilg: taken: issuer "https://linde.example.org": it belongs to platform linde`; !errors.Is(err, fault.Taken) || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	})
}

// With another master key the new keys could not be opened by the servers, which then read no settings any more.
func TestAnotherMasterKeyIsRefused(t *testing.T) {
	db := idptest.SQLite(t)
	tools := tools(t, db)
	mustApply(t, tools, sample(t))
	before := dump(t, db)
	other, err := keys.NewSealer([]byte(strings.Repeat("x", 32)))
	if err != nil {
		t.Fatal(err)
	}
	tools.Sealer = other
	if _, err := apply(t, tools, strings.Replace(sample(t), "ES256", "EdDSA", 1)); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "master key that is not configured") {
		t.Errorf("got %v", err)
	}
	if dump(t, db) != before {
		t.Error("the database changed")
	}
}

func TestSecondFactorThatCannotBeAskedIsAWarning(t *testing.T) {
	tools := tools(t, idptest.SQLite(t))
	got := strings.Join(mustApply(t, tools, sample(t)).Warnings, "\n")
	for _, want := range []string{
		"platform linde: policy.second_factor.client is optional, but none of totp, sms exists in this version: it acts as off",
		"platform linde: policy.second_factor.staff is required, but none of totp, sms exists in this version: it acts as off",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	tools.Methods, tools.Weaken = []string{"totp"}, true
	for name, text := range map[string]string{"a method exists": sample(t), "off": strings.Replace(sample(t), "{ client: optional, staff: required }", "{ client: off, staff: off }", 1)} {
		if got := mustApply(t, tools, text).Warnings; len(got) != 0 {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestFileNamesTheMobileApp(t *testing.T) {
	tools := tools(t, idptest.SQLite(t))
	mustApply(t, tools, strings.Replace(sample(t), "type: native", "type: native\n        mobile_app: true", 1))
	parties, err := tools.DB.Parties(t.Context())
	if err != nil || len(parties) != 2 || !parties[0].MobileApp || parties[1].MobileApp {
		t.Errorf("got %+v, %v", parties, err)
	}
}

func TestWayOfSigningInThatIsClosedIsAWarning(t *testing.T) {
	tools := tools(t, idptest.SQLite(t))
	tools.Methods = []string{"totp"}
	for policy, want := range map[string]string{
		"login_form: false":                  "platform linde: policy.login_form is false: nobody can sign in",
		"app_password: false, app_qr: false": "platform linde: policy.app_password and app_qr are false: nobody can sign in to the mobile app",
		"app_password: false":                "", "login_form: true": "", "app_qr: true": "", "app_password: true": "", "app_qr: false": "", "sms_per_day: 7": "",
	} {
		text := strings.Replace(sample(t), "self_sign_up: true", policy, 1)
		file, lines, err := setup.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		fresh := tools
		fresh.DB = idptest.SQLite(t)
		report, err := setup.Apply(t.Context(), fresh, file, lines)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(report.Warnings, "\n"); !strings.HasPrefix(got, want) || (got == "") != (want == "") {
			t.Errorf("%s: warnings %q, want %q", policy, got, want)
		}
	}
}

// Anchors and merge keys are YAML too, and somebody's file has them.
func TestAnchorsMayBeUsed(t *testing.T) {
	text := "platforms:\n" +
		"  - { name: linde, issuer: 'https://linde.example.org', organisation: L, home_url: 'https://l.example', policy: &p { self_sign_up: true } }\n" +
		"  - { name: wilg, issuer: 'https://wilg.example.org', organisation: W, home_url: 'https://w.example', policy: { <<: *p, sms_per_day: 7 } }\n" +
		"  - { name: els, issuer: 'https://els.example.org', organisation: E, home_url: 'https://e.example', policy: *p }\n"
	file, _, err := setup.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range file.Platforms {
		if p.Policy.SelfSignUp == nil || !*p.Policy.SelfSignUp {
			t.Errorf("%s: %+v", p.Name, p.Policy)
		}
	}
	// What is taken over counts like what is written, and what is written counts first.
	db := idptest.SQLite(t)
	mustApply(t, tools(t, db), strings.Replace(text, "sms_per_day: 7", "sms_per_day: 7, app_qr: false", 1)+
		"  - { name: fir, issuer: 'https://fir.example.org', organisation: F, home_url: 'https://f.example', policy: { self_sign_up: false, <<: [*p, { self_sign_up: true, idle_after: 5m }] } }\n")
	all, err := db.Platforms(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"els true 2000 true 1h0m0s", "fir false 2000 true 5m0s", "linde true 2000 true 1h0m0s", "wilg true 7 false 1h0m0s"} {
		p := all[i].Policy
		if got := fmt.Sprintln(all[i].ID, p.SelfSignUp, p.SMSPerDay, p.AppQR, p.IdleAfter); got != want+"\n" {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if _, _, err := setup.Parse([]byte(strings.Replace(text, "sms_per_day", "sms_a_day", 1))); err == nil || !strings.Contains(err.Error(), "line 3: sms_a_day: invalid: unknown") {
		t.Errorf("got %v", err)
	}
}

// A file comes from outside: whatever is in it, it is read or refused as invalid, with no panic and in bounded time.
func FuzzParse(f *testing.F) {
	text := sample(f)
	f.Add(text)
	for _, m := range mistakes {
		f.Add(strings.Replace(text, m.old, m.new, 1))
	}
	f.Add("platforms: &a [*a]")
	f.Add("platforms:\n- <<: [{name: a}, &b {title: c}]\n  <<: *b\n  policy: {second_factor: {client: {demand: off, from: 2026-01-01}}}")
	f.Fuzz(func(t *testing.T, text string) {
		file, lines, err := setup.Parse([]byte(text))
		if err != nil && !errors.Is(err, fault.Invalid) {
			t.Errorf("%q: %v is not fault.Invalid", text, err)
		}
		if err == nil && len(file.Platforms) == 0 {
			t.Errorf("%q: no platforms and no error", text)
		}
		if err == nil {
			if err := setup.Merge(file, lines); err != nil {
				t.Errorf("%q: read, and not merged: %v", text, err)
			}
		}
	})
}
