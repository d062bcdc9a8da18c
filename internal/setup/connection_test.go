package setup_test

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/setup"
	"github.com/minddistrict/idp/staff"
	"github.com/minddistrict/idp/storage"
)

const entra = `{ name: lindehof, kind: oidc, names: { nl: Lindehof }, contact: ict@lindehof.example, domains: [lindehof.example],
        key: { by: entra }, contract: { preset: entra, counts: true }, oidc: { issuer: https://login.example/t1/v2.0, client_id: c1, secret: s3cret } }`

const adfs = `{ name: eik, kind: saml, names: { nl: De Eik }, key: { by: attribute, attribute: objectGUID, never_reused: true },
        contract: { preset: adfs }, saml: { entity_id: "https://adfs.eik.example/trust", metadata_url: "https://adfs.eik.example/m.xml" } }`

// open is a platform where nothing is closed.
const open = `platforms:
  - name: linde
    issuer: https://linde.example.org
    organisation: GGZ De Linde
    home_url: https://linde.example.net
`

func connecting(all ...string) string {
	return says("connections:\n      - " + strings.Join(all, "\n      - "))
}

func connections(t *testing.T, db *storage.DB) []federation.Connection {
	t.Helper()
	all, err := db.Connections(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestConnectionIsDeclared(t *testing.T) {
	onBoth(t, func(t *testing.T, db *storage.DB) {
		tools := tools(t, db)
		mustApply(t, tools, open)
		dry := tools
		dry.DryRun = true
		foretold := mustApply(t, dry, connecting(entra, adfs))
		if len(connections(t, db)) > 0 {
			t.Fatal("the dry run wrote")
		}
		report := mustApply(t, tools, connecting(entra, adfs))
		if inWords(report.Differences) != inWords(foretold.Differences) || fmt.Sprint(report.Changed) != "[connection linde/lindehof connection linde/eik]" {
			t.Errorf("foretold %s, done %s, changed %v", inWords(foretold.Differences), inWords(report.Differences), report.Changed)
		}
		if got := inWords(report.Differences); strings.Contains(got, "s3cret") || !strings.Contains(got, "oidc.secret: set [hidden]") ||
			!strings.Contains(got, "contract.counts: true") || !strings.Contains(got, "domains: [lindehof.example]") || !strings.Contains(got, "keys: made") {
			t.Errorf("differences: %s", got)
		}
		all := connections(t, db)
		eik, hof := all[0], all[1]
		if hof.Kind != federation.OIDC || hof.Place != federation.AboveForm || hof.Idle != federation.IdleFresh || hof.OIDC.Scopes != nil ||
			hof.OIDC.Auth != federation.SecretBasic || hof.Access.JIT != federation.JITOff || hof.Keys != nil || hof.Domains[0].Proven {
			t.Errorf("%+v", hof)
		}
		opened, err := tools.Sealer.Open(hof.Secret, hof.Binding("secret"))
		if err != nil || string(opened) != "s3cret" {
			t.Errorf("secret: %q, %v", opened, err)
		}
		var own federation.OwnKeys
		text, err := tools.Sealer.Open(eik.Keys, eik.Binding("keys"))
		if err := errors.Join(err, json.Unmarshal(text, &own)); err != nil || len(own.Keys) != 1 {
			t.Fatalf("%d keys, %v", len(own.Keys), err)
		}
		if c, err := x509.ParseCertificate(own.Keys[0].Certificate); err != nil || c.Subject.CommonName != "linde.example.org" {
			t.Errorf("certificate: %v", err)
		}
		before := dump(t, db)
		if again := mustApply(t, tools, connecting(entra, adfs)); len(again.Changed)+len(again.Differences) > 0 || dump(t, db) != before {
			t.Errorf("again changes %v", again.Differences)
		}
		events, err := db.Events(t.Context(), "linde", 100)
		if err != nil {
			t.Fatal(err)
		}
		var reasons []string
		for _, e := range events {
			if e.Kind == audit.ConnectionSet {
				reasons = append(reasons, e.Reason)
			}
		}
		if slices.Sort(reasons); fmt.Sprint(reasons) != "[eik lindehof]" {
			t.Errorf("events %v", reasons)
		}
	})
}

// connectionMerges are files over one another, applied after entra and adfs.
var connectionMerges = []struct{ name, says, want string }{
	{"a name alone", "{ name: lindehof }", ""},
	{"one language", "{ name: lindehof, names: { en: Linden Court } }", "names.en: Linden Court"},
	{"a place", "{ name: lindehof, place: below }", "place: above → below"},
	{"and back", "{ name: lindehof, place: null }", "place: below → above"},
	{"idle", "{ name: lindehof, idle: bounce }", "idle: fresh → bounce (weaker)"},
	{"scopes", "{ name: lindehof, oidc: { scopes: [profile] } }", "oidc.scopes: [profile, email] → [profile]"},
	{"the usual scopes", "{ name: lindehof, oidc: { scopes: null } }", "oidc.scopes: [profile] → [profile, email]"},
	{"the same secret", "{ name: lindehof, oidc: { secret: s3cret } }", ""},
	{"another secret", "{ name: lindehof, oidc: { secret: 0ther } }", "oidc.secret: changed [hidden]"},
	{"a key in its place", "{ name: lindehof, oidc: { auth: private_key_jwt } }", "oidc.auth: client_secret_basic → private_key_jwt, oidc.secret: [hidden] → none, keys: made"},
	{"a secret again", "{ name: lindehof, oidc: { auth: client_secret_post, secret: s3cret } }",
		"oidc.auth: private_key_jwt → client_secret_post (weaker), oidc.secret: set [hidden]"},
	{"and the key is still there", "{ name: lindehof, oidc: { auth: private_key_jwt } }",
		"oidc.auth: client_secret_post → private_key_jwt, oidc.secret: [hidden] → none"},
	{"accounts are made", "{ name: lindehof, access: { jit: create, role: client }, roles: [client, professional] }",
		"roles: [client, professional] (weaker), access.jit: off → create (weaker), access.role: client (weaker)"},
	{"roles by table", "{ name: lindehof, access: { table: [ { value: zorg, role: professional } ] } }",
		"access.table: [{value: zorg, role: professional}] (weaker)"},
	{"what counts", "{ name: lindehof, contract: { rows: [ { claim: amr, value: hwk, acr: \"urn:minddistrict:acr:2fa\" } ], max_age: 12h } }",
		"contract.rows: [{claim: amr, value: hwk, acr: urn:minddistrict:acr:2fa}] (weaker), contract.max_age: 12h (weaker)"},
	{"a domain more", "{ name: lindehof, domains: [lindehof.example, hof.example] }", "domains: [lindehof.example] → [lindehof.example, hof.example]"},
	{"one that the operator vouches for", "{ name: lindehof, domains: [lindehof.example, { name: hof.example, proven: operator }] }",
		"domains: [lindehof.example, hof.example] → [lindehof.example, {name: hof.example, proven: operator}] (weaker)"},
	{"and does not any more", "{ name: lindehof, domains: [hof.example] }",
		"domains: [lindehof.example, {name: hof.example, proven: operator}] → [hof.example]"},
	{"switched off", "{ name: lindehof, disabled: true }", "disabled: false → true"},
	{"what a claim is called", "{ name: eik, mapping: { family_name: [sn] } }", "mapping.family_name: [sn]"},
	{"others vouch, and nobody came by them yet", `{ name: eik, saml: { entity_id: "https://b.example" } }`,
		"saml.entity_id: https://adfs.eik.example/trust → https://b.example"},
}

func TestConnectionsMergeKeyByKey(t *testing.T) {
	onBoth(t, func(t *testing.T, db *storage.DB) {
		tools := tools(t, db)
		tools.Weaken = true
		mustApply(t, tools, open)
		mustApply(t, tools, connecting(entra, adfs))
		for _, m := range connectionMerges {
			if got := inWords(mustApply(t, tools, connecting(m.says)).Differences); got != m.want {
				t.Errorf("%s:\ngot  %s\nwant %s", m.name, got, m.want)
			}
			before := dump(t, db)
			if again := mustApply(t, tools, connecting(m.says)); len(again.Changed) > 0 || dump(t, db) != before {
				t.Errorf("%s: again changes %v", m.name, again.Differences)
			}
		}
		events, err := db.Events(t.Context(), "linde", 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []audit.Event{
			{Kind: audit.ConnectionSet, Reason: "lindehof: the operator vouches for domain hof.example"},
			{Kind: audit.SettingWeakened, Reason: "lindehof: idle: fresh → bounce"},
		} {
			if !slices.ContainsFunc(events, func(e audit.Event) bool { return e.Kind == want.Kind && e.Reason == want.Reason }) {
				t.Errorf("no event %s %q", want.Kind, want.Reason)
			}
		}
	})
}

func TestConnectionThatCannotWorkIsRefusedOnItsLine(t *testing.T) {
	db := idptest.SQLite(t)
	tools := tools(t, db)
	mustApply(t, tools, open)
	mustApply(t, tools, connecting(entra, adfs))
	big, other := filepath.Join(t.TempDir(), "big.xml"), filepath.Join(t.TempDir(), "m.xml")
	if err := errors.Join(os.WriteFile(big, make([]byte, 10<<20), 0o600), os.WriteFile(other, []byte("<x entityID='https://c.example'/>"), 0o600)); err != nil {
		t.Fatal(err)
	}
	before := dump(t, db)
	for says, want := range map[string]string{
		"{ name: x, kind: oidc, names: { nl: X }, key: { by: sub }, oidc: { issuer: https://x.example, client_id: c } }": "line 4: connection x: invalid: oidc.secret is missing",
		"{ name: X }":                                                                              "line 4: connection X: invalid: name \"X\": a lower-case letter",
		"{ name: lindehof, name: lindehof }":                                                       "name: invalid: there already",
		"{ name: lindehof, kind: null }":                                                           "kind: invalid: cannot be reset",
		"{ name: lindehof, key: null }":                                                            "key: invalid: cannot be reset",
		"{ name: lindehof, tenant: t }":                                                            "tenant: invalid: unknown; connections has name, kind",
		"{ name: lindehof, names: { de: L } }":                                                     "names: \"de\": nl and en",
		"{ name: lindehof, saml: { artifact: true } }":                                             "saml.artifact: the connection is of kind oidc",
		"{ name: eik, oidc: { secret: x } }":                                                       "oidc.secret: the connection is of kind saml",
		"{ name: lindehof, oidc: { secret: null } }":                                               "oidc.secret is missing",
		"{ name: lindehof, oidc: { auth: private_key_jwt, secret: x } }":                           "oidc.secret: auth is private_key_jwt",
		"{ name: lindehof, oidc: { secret_file: nowhere } }":                                       "oidc.secret_file: ",
		"{ name: lindehof, oidc: { issuer: 'https://login.microsoftonline.com/common/v2.0' } }":    "oidc.issuer",
		"{ name: lindehof, domains: [ { name: lindehof.example, proven: dns } ] }":                 "domains: lindehof.example: proven \"dns\": operator, or left out",
		"{ name: lindehof, domains: [ { name: lindehof.example, proven: yes } ] }":                 "proven \"yes\": operator",
		"{ name: lindehof, access: { jit: always } }":                                              "access.jit \"always\": off, invited or create",
		"{ name: lindehof, access: { jit: create } }":                                              "access.jit create",
		"{ name: lindehof, place: left }":                                                          "place \"left\"",
		"{ name: lindehof, key: { by: attribute, attribute: mail } }":                              "key.attribute mail",
		"{ name: eik, saml: { metadata_file: nowhere } }":                                          "saml.metadata_file: open nowhere",
		"{ name: eik, saml: { metadata_file: " + big + " } }":                                      "10485760 bytes, at most 1048576: of one provider, not of a whole federation",
		"{ name: eik, saml: { metadata_file: " + other + " } }":                                    "the metadata does not have it",
		"{ name: eik, saml: { metadata_url: 'https://a.example', metadata_file: " + other + " } }": "one of them",
		"{ name: lindehof }\n      - { name: lindehof }":                                           "declared on line 4 already",
	} {
		wantRefused(t, tools, connecting(says), want)
	}
	if dump(t, db) != before {
		t.Error("something was written")
	}
}

// Metadata is by address or from a file: one takes the place of the other.
func TestMetadataIsByAddressOrFromAFile(t *testing.T) {
	db := idptest.SQLite(t)
	tools := tools(t, db)
	tools.Weaken = true
	mustApply(t, tools, open)
	mustApply(t, tools, connecting(adfs))
	path := filepath.Join(t.TempDir(), "m.xml")
	if err := os.WriteFile(path, []byte("<EntityDescriptor entityID='https://adfs.eik.example/trust'/>"), 0o600); err != nil {
		t.Fatal(err)
	}
	seen, err := db.Version(t.Context())
	if err == nil { // something rests on who is there
		e := audit.Event{At: tools.Now, Platform: "linde", Kind: audit.ConnectionConfirmed, Actor: "cli test", Outcome: audit.Success}
		err = db.SetBaseline(t.Context(), "linde", "eik", federation.Baseline{At: tools.Now}, seen, e)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct{ says, want string }{
		{"{ metadata_file: " + path + " }", "saml.metadata_url: https://adfs.eik.example/m.xml → none (weaker), saml.metadata_file: set [hidden]"},
		{"{ metadata_file: " + path + " }", ""},
		{"{ metadata_key_file: " + path + " }", "saml.metadata_key_file: set [hidden]"},
		{"{ metadata_url: 'https://adfs.eik.example/m.xml' }", "saml.metadata_url: https://adfs.eik.example/m.xml, saml.metadata_file: [hidden] → none"},
		{"{ metadata_key_file: null }", "saml.metadata_key_file: [hidden] → none (weaker)"},
	} {
		if got := inWords(mustApply(t, tools, connecting("{ name: eik, saml: "+step.says+" }")).Differences); got != step.want {
			t.Errorf("%s:\ngot  %s\nwant %s", step.says, got, step.want)
		}
	}
}

// Nodes read another address of metadata later, and nobody signs in until then: apply says so.
func TestAnotherAddressOfMetadataIsSaid(t *testing.T) {
	tools := tools(t, idptest.SQLite(t))
	tools.Weaken = true
	mustApply(t, tools, open)
	for _, step := range []struct {
		says string
		want bool
	}{
		{adfs, false}, {adfs, false},
		{"{ name: eik, contact: ict@eik.example }", false},
		{"{ name: eik, saml: { metadata_url: 'https://adfs.eik.example/other.xml' } }", true},
		{"{ name: eik, saml: { metadata_url: 'https://adfs.eik.example/other.xml' } }", false},
	} {
		got := strings.Join(mustApply(t, tools, connecting(step.says)).Warnings, "\n")
		if strings.Contains(got, "does not count any more; the new one is read at the next sign-in") != step.want {
			t.Errorf("%s: warned %q", step.says, got)
		}
	}
}

// Who people are there is fixed once somebody is linked: by another key nobody would be known, or somebody else.
func TestKeyIsFixedOnceSomebodyIsLinked(t *testing.T) {
	onBoth(t, func(t *testing.T, db *storage.DB) {
		tools := tools(t, db)
		tools.Weaken = true
		mustApply(t, tools, open+"    accounts: [ { email: m@example.org, role: manager } ]\n")
		mustApply(t, tools, connecting(entra))
		if got := inWords(mustApply(t, tools, connecting("{ name: lindehof, key: { by: sub } }")).Differences); got != "key.by: entra → sub (weaker)" {
			t.Fatalf("before anybody is linked: %s", got)
		}
		link(t, db, "m@example.org", "lindehof", "x")
		before := dump(t, db)
		wantRefused(t, tools, connecting("{ name: lindehof, key: { by: entra } }"), "line 4: connection lindehof: invalid: key: 1 accounts are linked by it")
		wantRefused(t, tools, connecting("{ name: lindehof, oidc: { issuer: https://other.example } }"), "oidc.issuer: 1 accounts are linked by it")
		if dump(t, db) != before {
			t.Error("something was written")
		}
		// Another organisation's employee numbers are other people's, too.
		mustApply(t, tools, connecting(adfs))
		other := "{ name: eik, saml: { entity_id: \"https://b.example\" } }"
		mustApply(t, tools, connecting(other))
		mustApply(t, tools, connecting(adfs))
		link(t, db, "m@example.org", "eik", "y")
		wantRefused(t, tools, connecting(other), "saml.entity_id: 1 accounts are linked by it")
		wantRefused(t, tools, connecting(other), "`idp federation link remove eik EMAIL`")
		// Who goes from one tenant, or protocol, of Entra to another keeps the keys: they name the tenant.
		mustApply(t, tools, connecting("{ name: zilver, "+strings.TrimPrefix(entra, "{ name: lindehof, ")))
		link(t, db, "m@example.org", "zilver", "z")
		mustApply(t, tools, connecting("{ name: zilver, oidc: { issuer: https://other.example } }"))
	})
}

func link(t *testing.T, db *storage.DB, address string, c federation.ID, key string) {
	t.Helper()
	a, err := db.AccountByEmail(t.Context(), "linde", address)
	if err != nil {
		t.Fatal(err)
	}
	a.Credentials = append(a.Credentials, account.Credential{
		ID: account.CredentialID("link-" + key), Account: a.ID, Method: federation.Method, Use: account.Primary,
		External: federation.External(c, key), AddedAt: start, ConfirmedAt: start,
	})
	if err := db.Declare(t.Context(), storage.Setup{Accounts: []account.Account{*a}}, start); err != nil {
		t.Fatal(err)
	}
}

const (
	els  = "{ email: els@example.org, role: manager, password: zeven paarse regenjassen, totp_secret: JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP }"
	bram = "{ email: bram@example.org, role: manager, password: zeven groene regenjassen, totp_secret: JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP }"
)

// Passwords are closed in favour of an organisation's sign-in only where two managers can get in when that fails.
func TestPasswordsCloseOnlyWithTwoManagersForAnEmergency(t *testing.T) {
	closed := "policy: { login_form: false }\n    connections: [ " + entra + " ]\n    accounts: [ " + els + ", " + bram + " ]\n    break_glass: "
	refused := func(t *testing.T, tools setup.Tools, says, want string) {
		t.Helper()
		before := dump(t, tools.DB)
		_, err := apply(t, tools, says)
		if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "break_glass: passwords are closed") || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
		if dump(t, tools.DB) != before {
			t.Error("something was written")
		}
	}
	onBoth(t, func(t *testing.T, db *storage.DB) {
		tools := tools(t, db)
		mustApply(t, tools, open)
		refused(t, tools, says(strings.Replace(closed, "    break_glass: ", "", 1)), "two managers")
		refused(t, tools, says(closed+"[els@example.org]"), "")
		refused(t, tools, says(closed+"[els@example.org, ELS@example.org]"), "")
		refused(t, tools, says(closed+"[els@example.org, nobody@example.org]"), "nobody@example.org has no account")
		for other, why := range map[string]string{
			"role: professional, password: zeven groene regenjassen": "is a professional",
			"role: manager, password: zeven groene regenjassen":      "has no second factor",
			"role: manager": "is invited",
			"role: manager, password: zeven groene regenjassen, deactivated: true": "is deactivated",
		} {
			refused(t, tools, says(strings.Replace(closed, bram, "{ email: bram@example.org, "+other+" }", 1)+"[els@example.org, bram@example.org]"), "bram@example.org "+why)
		}
		report := mustApply(t, tools, says(closed+"[els@example.org, Bram@Example.org]"))
		if got := inWords(report.Differences); !strings.Contains(got, "break_glass: [els@example.org, bram@example.org]") || strings.Contains(got, "weaker") {
			t.Errorf("set %s", got)
		}
		platforms, err := db.Platforms(t.Context())
		if err != nil || fmt.Sprint(platforms[0].Policy.BreakGlass) != "[els@example.org bram@example.org]" || len(report.Warnings) > 0 {
			t.Errorf("named %v, warned %v, %v", platforms[0].Policy.BreakGlass, report.Warnings, err)
		}
		// Somebody has left since: no reason to refuse what has nothing to do with it, and it is said.
		if err := tools.Acts().SetRole(t.Context(), "linde", staff.ByAddress("bram@example.org"), "professional", staff.Justification{Reason: "left-task"}); err != nil {
			t.Fatal(err)
		}
		if report := mustApply(t, tools, says("title: Online")); len(report.Warnings) != 1 || !strings.Contains(report.Warnings[0], "bram@example.org is a professional") {
			t.Errorf("warned %v", report.Warnings)
		}
		refused(t, tools, says("break_glass: [els@example.org]"), "")
	})
}

// Whoever is named beside those that are signs in by password from now on, where others do not.
func TestAnotherManagerForAnEmergencyIsAWeakening(t *testing.T) {
	db := idptest.SQLite(t)
	tools := tools(t, db)
	mustApply(t, tools, strict)
	if _, err := setup.AddAccount(t.Context(), tools, "linde", setup.Account{Email: "anna@example.org"}); err != nil {
		t.Fatal(err)
	}
	_, err := apply(t, tools, says("break_glass: [els@example.org]"))
	var refused setup.Weakening
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), "break_glass: els@example.org") && !strings.Contains(err.Error(), "break_glass: [els@example.org]") {
		t.Errorf("got %v", err)
	}
}

// Without a connection nobody could sign in, as it was before there were any: a warning only.
func TestPasswordsClosedWithoutAConnectionIsAWarning(t *testing.T) {
	tools := tools(t, idptest.SQLite(t))
	report := mustApply(t, tools, open+"    policy: { login_form: false }\n")
	if !slices.ContainsFunc(report.Warnings, func(w string) bool { return strings.Contains(w, "login_form is false: nobody can sign in") }) {
		t.Errorf("warned %v", report.Warnings)
	}
}
