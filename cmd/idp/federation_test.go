package main_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/keys"
	"github.com/minddistrict/idp/storage"
)

const connected = `platforms:
  - name: linde
    connections:
      - { name: hof, kind: oidc, names: { nl: Lindehof }, key: { by: entra }, domains: [hof.invalid], roles: [client, professional, manager],
          contract: { preset: entra, counts: true }, access: { jit: create, role: client }, oidc: { issuer: "https://login.example/t/v2.0", client_id: c, auth: private_key_jwt } }
      - { name: eik, kind: saml, names: { nl: De Eik }, key: { by: nameid }, saml: { entity_id: "https://eik.example", metadata_url: "https://eik.example/m" } }
    accounts:
      - { email: mia@example.org, role: manager, password: "zeven groene regenjassen!" }
      - { email: ria@example.org }
`

// floor opens the database of an installation, and what seals in it.
func (i *install) floor() (*storage.DB, *keys.Sealer) {
	i.t.Helper()
	db, err := storage.Open(i.t.Context(), i.dsn())
	if err != nil {
		i.t.Fatal(err)
	}
	i.t.Cleanup(func() { _ = db.Close() })
	return db, i.sealer()
}

func TestOperatorConnectsAnOrganisation(t *testing.T) {
	onBoth(t, func(t *testing.T, i *install) {
		i.setUp()
		i.OK("apply", i.File("connected.yaml", connected))
		if out := i.OK("federation", "list"); !strings.Contains(out, "linde        eik                      saml  De Eik\n") || !strings.Contains(out, "Lindehof\n") {
			t.Errorf("list: %q", out)
		}
		i.refused(1, `connection x on platform "linde": not found`, "federation", "show", "x", "--platform", "linde")
		i.refused(1, `platform els: not found`, "federation", "show", "hof", "--platform", "els")
		out := i.OK("federation", "show", "hof", "--platform", "linde")
		for _, want := range []string{
			"redirect URI  " + i.issuer + "/federation/hof/callback\n", "JWKS URI      " + i.issuer + "/federation/hof/jwks\n", "logout URI    " + i.issuer + "/federation/hof/backchannel\n",
			"key           signs; its certificate ends ", "domain        hof.invalid, not proven\n", "links         0\n", "baseline      none",
		} {
			if !strings.Contains(out, want) {
				t.Errorf("show: no %q in\n%s", want, out)
			}
		}
		if out := i.OK("federation", "show", "eik", "--platform", "linde"); !strings.Contains(out, "ACS URL       "+i.issuer+"/federation/eik/acs\n") ||
			!strings.Contains(out, "entity ID     "+i.issuer+"/federation/eik/metadata\n") {
			t.Errorf("show: %s", out)
		}
		i.saysWhenCertificatesEnd()
		i.saysWhatWasRead()
		typo := strings.Replace(connected, `entity_id: "https://eik.example"`, `entity_id: "https://eik.example/saml"`, 1)
		i.OK("apply", i.File("typo.yaml", typo)) // nobody came by it yet: a typo is mended
		i.OK("apply", i.File("mended.yaml", connected))
		i.testsAndConfirms()
		i.rotatesOwnKeys()
		for _, step := range []struct{ verb, want string }{
			{"disable", "[connection linde/hof disabled]"}, {"disable", "[]"}, {"enable", "[connection linde/hof enabled]"}, {"enable", "[]"},
		} {
			var r report
			if i.read(&r, "federation", step.verb, "hof", "--platform", "linde"); fmt.Sprint(r.Changed) != step.want {
				t.Errorf("%s: %+v", step.verb, r)
			}
		}
		var proofs []struct {
			Domain, Record, Value, Detail string
			Proven                        bool
		}
		if i.read(&proofs, "federation", "domains", "hof", "--platform", "linde"); len(proofs) != 1 || proofs[0].Record != "_minddistrict-idp.hof.invalid" ||
			!regexp.MustCompile(`^p=[\w-]{22}$`).MatchString(proofs[0].Value) || proofs[0].Proven {
			t.Errorf("domains: %+v", proofs)
		}
		if r := i.Run("federation", "prove", "hof", "--platform", "linde"); r.Code != 1 || !strings.Contains(r.Err, "not proven: hof.invalid") || !strings.Contains(r.Out, "not proven: ") {
			t.Errorf("prove: %+v", r)
		}
		i.importsLinks()
	})
}

// saysWhenCertificatesEnd shows when the last certificate of an organisation ends, and when that is soon.
func (i *install) saysWhenCertificatesEnd() {
	i.t.Helper()
	for name, days := range map[string]int{"berk": 31, "beuk": 10, "els": -10} {
		ends := time.Now().AddDate(0, 0, days)
		path := i.File(name+".xml", idptest.SAMLMetadata(i.t, "https://"+name+".example", ends))
		i.OK("apply", i.File(name+".yaml", `platforms:
  - name: linde
    connections:
      - { name: `+name+`, kind: saml, names: { nl: De `+name+` }, key: { by: nameid }, saml: { entity_id: "https://`+name+`.example", metadata_file: `+path+` } }
`))
		want := "certificate   the last one of theirs ends " + ends.UTC().Format(time.DateOnly)
		if days < 30 {
			want += ": SOON, OR IT DID"
		}
		print := regexp.MustCompile(`(?m)^certificate   SHA-256 ([0-9A-F]{2}:){31}[0-9A-F]{2} \(.*, ends ` + ends.UTC().Format(time.DateOnly) + `\)$`)
		if out := i.OK("federation", "show", name, "--platform", "linde"); !strings.Contains(out, want) || !print.MatchString(out) || days > 30 && strings.Contains(out, "SOON") {
			i.t.Errorf("show: no %q in\n%s", want, out)
		}
	}
}

// saysWhatWasRead shows when metadata was read at its address, and what came of the last try.
func (i *install) saysWhatWasRead() {
	i.t.Helper()
	db, _ := i.floor()
	read := time.Now().UTC().Truncate(time.Second)
	d := federation.Document{
		Address: "https://eik.example/m",
		Body:    []byte(idptest.SAMLMetadata(i.t, "https://eik.example", read.AddDate(1, 0, 0))), ReadAt: read, TriedAt: read.Add(time.Hour),
		LastError: "misset: metadata of https://eik.example at https://eik.example/m: status 404 came, wanted is 200",
	}
	if err := db.KeepDocument(i.t.Context(), "linde", "eik", d); err != nil {
		i.t.Fatal(err)
	}
	out := i.OK("federation", "show", "eik", "--platform", "linde")
	for _, want := range []string{"certificate   SHA-256 ", "metadata      read " + read.Format(time.RFC3339) + "\n", "metadata      the last try: " + d.LastError + "\n"} {
		if !strings.Contains(out, want) {
			i.t.Errorf("show: no %q in\n%s", want, out)
		}
	}
}

type shownJSON struct {
	ID      string
	URL     string
	Ends    time.Time `json:"ends_at"`
	Came    time.Time `json:"answered_at"`
	Refused string
	Detail  string
	Key     string
	Email   string
	Trusted bool `json:"email_trusted"`
	Name    string
	Roles   []string
	Role    string
	New     string `json:"new_account"`
	ACR     string
	Claims  map[string]any
	Drifts  []federation.Drift
	Why     string         `json:"email_not_trusted"`
	Said    map[string]any `json:"answer"`
}

// testsAndConfirms makes a test sign-in and its answer the baseline.
func (i *install) testsAndConfirms() {
	i.t.Helper()
	on := []string{"hof", "--platform", "linde"}
	run := func(verb string, more ...string) []string {
		return append(append([]string{"federation", verb}, on...), more...)
	}
	i.refused(1, "there is none, or its hour is over", run("test", "--result")...)
	i.refused(1, "there is none, or its hour is over", run("confirm", "0a1b2c3d")...)
	i.refused(2, "accepts 2 arg(s)", run("confirm")...)
	var first, again shownJSON
	if i.read(&first, run("test")...); !strings.HasPrefix(first.URL, i.issuer+"/federation/hof/test/") || time.Until(first.Ends).Round(time.Minute) != time.Hour {
		i.t.Fatalf("test: %+v", first)
	}
	if i.read(&again, run("test")...); again.URL != first.URL {
		i.t.Errorf("test again: %s, was %s", again.URL, first.URL)
	}
	i.refused(1, "nothing came back yet", run("test", "--result")...)
	i.refused(1, "nothing came back yet", run("confirm", "0a1b2c3d")...)

	db, sealer := i.floor()
	c := federation.Connection{Platform: "linde", ID: "hof"}
	comes := func(result map[string]any) {
		i.t.Helper()
		text, err := json.Marshal(result)
		if err != nil {
			i.t.Fatal(err)
		}
		id := first.URL[strings.LastIndex(first.URL, "/")+1:]
		if err := db.AnswerTest(i.t.Context(), "linde", "hof", id, sealer.Seal(text, c.Binding("test")), time.Now()); err != nil {
			i.t.Fatal(err)
		}
	}
	comes(map[string]any{"answer": federation.Answer{}, "refused": federation.Refusal{Reason: federation.BadAudience, Detail: "aud is x"}})
	if out := i.OK(run("test")...); !strings.Contains(out, "refused       audience: aud is x\n") {
		i.t.Errorf("test that was refused: %s", out)
	}
	shown := func() (t shownJSON) {
		i.t.Helper()
		i.read(&t, run("test", "--result")...)
		if !regexp.MustCompile(`^[0-9a-f]{8}$`).MatchString(t.ID) {
			i.t.Errorf("what came has the name %q", t.ID)
		}
		return t
	}
	refused := shown()
	i.refused(1, "was refused: audience: aud is x", run("confirm", refused.ID)...)
	comes(map[string]any{"answer": federation.Answer{Claims: map[string]any{"sub": "x"}}})
	i.refused(1, "was refused: key: ", run("confirm", shown().ID)...)
	comes(map[string]any{"old": true, "answer": federation.Answer{AuthTime: time.Date(2026, 11, 30, 8, 30, 0, 0, time.UTC), Claims: map[string]any{"tid": "T", "oid": "O"}}})
	if out := i.OK(run("test")...); !strings.Contains(out, "refused       old: signed in there at 2026-11-30T08:30:00Z, asked for was a new sign-in\n") ||
		!strings.Contains(out, "signed in     2026-11-30T08:30:00Z (auth_time, AuthnInstant): OLD, ") {
		i.t.Errorf("an answer that is no new sign-in: %s", out)
	}
	i.refused(1, "was refused: old: ", run("confirm", shown().ID)...)
	comes(map[string]any{"answer": federation.Answer{
		Issuer: "https://login.example/t/v2.0", Subject: "s", Format: "urn:x", Context: []string{"urn:two"}, AuthTime: time.Date(2026, 11, 30, 9, 30, 0, 0, time.UTC),
		Claims: map[string]any{"tid": "T", "oid": "O", "email": "j@hof.invalid", "acrs": []string{"c1"}, "name": "\x1b[31mJan"},
	}})
	var came shownJSON
	if i.read(&came, run("test", "--result")...); came.URL != "" || came.Key != "t/o" || came.Email != "j@hof.invalid" || came.Trusted ||
		came.ACR != string(authn.TwoFactor) || came.Claims["oid"] != "O" || came.Refused != "" {
		i.t.Errorf("result: %+v", came)
	}
	if out := i.OK(run("test")...); !strings.Contains(out, "claim         oid = O\n") || !strings.Contains(out, "new account   is made, as client\n") ||
		!strings.Contains(out, "(the address links no account: domain hof.invalid is not proven)\n") || !strings.Contains(out, "role          none of the table: ") ||
		!strings.Contains(out, "issuer        https://login.example/t/v2.0\n") || !strings.Contains(out, "format        urn:x\n") ||
		!strings.Contains(out, "authncontext  urn:two\n") || !strings.Contains(out, "signed in     2026-11-30T09:30:00Z (auth_time, AuthnInstant)\n") || !strings.Contains(out, "counts for    urn:minddistrict:acr:2fa\n") {
		i.t.Errorf("result: %q", out)
	} else if strings.Contains(out, "\x1b") {
		i.t.Errorf("a claim steers the terminal: %q", out)
	}
	i.refused(1, "the newest answer of hof is "+came.ID+", not "+refused.ID+": key t/o (j@hof.invalid), ", run("confirm", refused.ID)...)
	// The address is opened once more, by whoever has it: that is no answer that anybody looked at.
	another := map[string]any{"answer": federation.Answer{
		Issuer: "https://login.example/t/v2.0", Subject: "s", Claims: map[string]any{"tid": "T", "oid": "O2", "email": "eve@hof.invalid"},
	}}
	comes(another)
	i.refused(1, "key t/o2 (eve@hof.invalid)", run("confirm", came.ID)...)
	if out := i.OK(run("show")...); !strings.Contains(out, "baseline      none") {
		i.t.Errorf("confirmed what nobody saw: %s", out)
	}
	comes(map[string]any{"answer": federation.Answer{
		Issuer: "https://login.example/t/v2.0", Subject: "s", Claims: map[string]any{"tid": "T", "oid": "O", "email": "j@hof.invalid", "acrs": []string{"c1"}, "name": "Jan"},
	}})
	seen := shown()
	if out := i.OK(run("confirm", seen.ID)...); !strings.Contains(out, "test sign-in "+seen.ID+" brought: it is of key t/o (j@hof.invalid), ") ||
		!strings.Contains(out, "counts for urn:minddistrict:acr:2fa") {
		i.t.Errorf("confirm: %s", out)
	}
	if out := i.OK(run("show")...); !strings.Contains(out, "baseline      urn:minddistrict:acr:2fa, confirmed ") || !strings.Contains(out, "acrs, email, name, oid, tid\n") {
		i.t.Errorf("show: %s", out)
	}
	if out := i.OK("apply", i.File("again.yaml", connected)); out != "Nothing to change.\n" {
		i.t.Errorf("apply again: %s", out)
	}
	if i.read(&again, run("test", "--new")...); again.URL == first.URL || again.URL == "" {
		i.t.Errorf("another test: %+v", again)
	}
	i.refused(1, "nothing came back yet", run("confirm", seen.ID)...)
	events, err := db.Events(i.t.Context(), "linde", 100)
	if err != nil || len(events) == 0 || events[0].Kind != audit.ConnectionConfirmed || events[0].Reason != "hof" || events[0].Actor != "cli operator" && !strings.HasPrefix(events[0].Actor, "cli ") {
		i.t.Errorf("events %+v, %v", events[:min(2, len(events))], err)
	}
}

// rotatesOwnKeys goes through the three steps.
func (i *install) rotatesOwnKeys() {
	i.t.Helper()
	made := func() (ends []string) {
		var s struct {
			Keys []struct {
				Signs bool
				Made  time.Time `json:"made_at"`
			}
		}
		if err := json.Unmarshal([]byte(i.OK("federation", "show", "eik", "--platform", "linde", "--output", "json")), &s); err != nil {
			i.t.Fatal(err)
		}
		for n, k := range s.Keys {
			if k.Signs != (n == 0) {
				i.t.Errorf("keys %+v", s.Keys)
			}
			ends = append(ends, k.Made.String())
		}
		return ends
	}
	rotate := func(more ...string) []string {
		return append([]string{"federation", "rotate", "eik", "--platform", "linde"}, more...)
	}
	first := made()
	i.refused(1, "no key beside the one that signs", rotate("--promote")...)
	i.refused(1, "no key beside the one that signs", rotate("--remove")...)
	i.OK(rotate()...)
	both := made()
	if len(both) != 2 || both[0] != first[0] {
		i.t.Fatalf("keys %v, were %v", both, first)
	}
	i.refused(1, "two keys already", rotate()...)
	i.OK(rotate("--promote")...)
	if got := made(); len(got) != 2 || got[0] != both[1] || got[1] != both[0] {
		i.t.Errorf("promoted: %v, were %v", got, both)
	}
	i.OK(rotate("--remove")...)
	if got := made(); len(got) != 1 || got[0] != both[1] {
		i.t.Errorf("removed: %v, were %v", got, both)
	}
}

// importsLinks goes over a file with a row of each kind, dry and wet and again.
func (i *install) importsLinks() {
	i.t.Helper()
	on := []string{"--platform", "linde"}
	file := i.File("links.csv", "address;connection;key\nanna@example.org;hof;T/1\nnobody@example.org;hof;t/2\nmia@example.org;hof;t/3\nria@example.org;hof;t/4\n"+
		"anna@example.org;hof;t/5\nanna@example.org;eik;!x\nanna@example.org;hof;nonsense\nanna@example.org;els;t/1\nmia@example.org;hof;t/1\n")
	type reportJSON struct {
		Rows []struct {
			Line                                   int
			Connection, Key, Address, Outcome, Why string
		}
		Linked  int
		There   int `json:"there_already"`
		Refused int
		DryRun  bool `json:"dry_run"`
	}
	imports := func(want string, more ...string) {
		i.t.Helper()
		r := i.Run(append(append([]string{"federation", "link", "import", file, "--output", "json"}, on...), more...)...)
		var got reportJSON
		if err := json.Unmarshal([]byte(r.Out), &got); err != nil || r.Code != 1 || !strings.Contains(r.Err, "of 9 rows refused") {
			i.t.Fatalf("import: %+v, %v", r, err)
		}
		var outcomes []string
		for _, row := range got.Rows {
			outcomes = append(outcomes, row.Outcome)
		}
		if fmt.Sprint(outcomes) != want {
			i.t.Errorf("import %v:\ngot  %v\nwant %s\n%s", more, outcomes, want, r.Out)
		}
	}
	links := func() (keys []string) {
		var all []struct {
			Key, Account, Address string
			AddedAt               time.Time `json:"added_at"`
		}
		i.read(&all, append([]string{"federation", "link", "list", "hof"}, on...)...)
		for _, l := range all {
			keys = append(keys, l.Key+" "+l.Address)
		}
		return keys
	}
	dry := i.Run(append([]string{"federation", "link", "import", file, "--dry-run"}, on...)...).Out
	if !strings.Contains(dry, "line 2: hof anna@example.org: would be linked\n") || strings.Contains(dry, "refused: refused") {
		i.t.Errorf("dry run:\n%s", dry)
	}
	imports("[linked refused refused linked refused refused refused refused refused]", "--dry-run")
	if got := links(); len(got) > 0 {
		i.t.Errorf("the dry run linked %v", got)
	}
	imports("[linked refused refused linked refused refused refused refused refused]")
	imports("[there already refused linked there already refused refused refused refused refused]", "--include-helpers")
	if got := links(); fmt.Sprint(got) != "[t/1 anna@example.org t/3 mia@example.org t/4 ria@example.org]" {
		i.t.Errorf("linked %v", got)
	}
	i.refused(1, "no column key", "federation", "link", "import", i.File("bad.csv", "a,connection,address\n1,2,3\n"), "--platform", "linde")
	i.refused(1, `platform "els": not found`, "federation", "link", "import", file, "--platform", "els")
	remove := append([]string{"federation", "link", "remove", "hof", "anna@example.org"}, on...)
	i.refused(2, "--reason", remove...)
	remove = append(remove, "--reason", "wrong-link", "--identified", "called-back")
	i.OK(remove...)
	i.refused(1, "link: not found", remove...)
	if got := links(); fmt.Sprint(got) != "[t/3 mia@example.org t/4 ria@example.org]" {
		i.t.Errorf("after one was removed: %v", got)
	}
	db, _ := i.floor()
	events, err := db.Events(i.t.Context(), "linde", 100)
	if err != nil {
		i.t.Fatal(err)
	}
	kinds := map[audit.Kind][]string{}
	for _, e := range events {
		kinds[e.Kind] = append(kinds[e.Kind], e.Reason)
	}
	if got := fmt.Sprint(kinds[audit.LinksImported]); got != "[1 linked, 2 there already, 6 refused 2 linked, 0 there already, 7 refused]" {
		i.t.Errorf("imports on record: %s", got)
	}
	if fmt.Sprint(kinds[audit.CredentialRetired]) != "[federated]" || len(kinds[audit.CredentialAdded]) != 3 {
		i.t.Errorf("links on record: %v, %v", kinds[audit.CredentialAdded], kinds[audit.CredentialRetired])
	}
	if n := i.told(db); n != 0 {
		i.t.Errorf("%d mails about links that nobody asked to be told of", n)
	}
	i.takesBack(on, db, links)
}

// told is how many mails tell that somebody was linked.
func (i *install) told(db *storage.DB) (n int) {
	i.t.Helper()
	if err := db.SQL().QueryRowContext(i.t.Context(), `SELECT COUNT(*) FROM letters WHERE kind = 'mail_link_in'`).Scan(&n); err != nil {
		i.t.Fatal(err)
	}
	return n
}

// takesBack goes the round: what is listed as a file is taken as one, and those who are active are told where that is
// said.
func (i *install) takesBack(on []string, db *storage.DB, links func() []string) {
	i.t.Helper()
	csv := i.Run(append([]string{"federation", "link", "list", "hof", "--csv"}, on...)...)
	want := "\ufeffconnection;key;address\r\nhof;t/3;mia@example.org\r\nhof;t/4;ria@example.org\r\n"
	if csv.Code != 0 || csv.Out != want {
		i.t.Fatalf("as a file: %+v, want %q", csv, want)
	}
	before := links()
	for _, address := range []string{"mia@example.org", "ria@example.org"} {
		i.OK(append([]string{"federation", "link", "remove", "hof", address, "--reason", "asked", "--identified", "known"}, on...)...)
	}
	file := i.File("back.csv", csv.Out)
	i.OK(append([]string{"federation", "link", "import", file, "--include-helpers", "--mail"}, on...)...)
	if got := links(); len(got) != 2 || fmt.Sprint(got) != fmt.Sprint(before) {
		i.t.Errorf("taken back: %v, were %v", got, before)
	}
	if n := i.told(db); n != 1 { // Mia; Ria was only invited
		i.t.Errorf("%d mails, want 1", n)
	}
}
