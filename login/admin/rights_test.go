package admin_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/login/admin"
	"github.com/minddistrict/idp/op"
	"github.com/minddistrict/idp/staff"
	"github.com/minddistrict/idp/storage"
)

// Every page of staff has a right of the table, and is in the model.
func TestEveryPageOfStaffHasARight(t *testing.T) {
	if err := pagesHaveRights(admin.Pages()); err != nil {
		t.Error(err)
	}
	for _, bad := range []admin.Page{
		{Path: "/staff", Name: "no right"}, {Path: "/staff", Name: "another right", Right: "do anything"},
		{Path: "/staff/unheard-of", Name: "no row in the model", Right: staff.ActFind},
	} {
		if pagesHaveRights([]admin.Page{bad}) == nil {
			t.Errorf("%s: not found out", bad.Name)
		}
	}
	for _, e := range op.Endpoints() {
		name := strings.Join(e.Methods, " ") + " " + e.Path
		if strings.HasPrefix(e.Path, "/api/") && !slices.Contains(modelAPI, name) {
			t.Errorf("the model knows no %s", name)
		}
	}
}

func pagesHaveRights(pages []admin.Page) error {
	for _, p := range pages {
		if !slices.ContainsFunc(staff.Rights(), func(r staff.Right) bool { return p.Right != "" && r.Act == p.Right }) {
			return fmt.Errorf("page %s %s: right %q is none", p.Name, p.Path, p.Right)
		}
		if _, known := modelPages[p.Path]; !known {
			return fmt.Errorf("page %s: the model has no row for %s", p.Name, p.Path)
		}
	}
	return nil
}

// Random helpers and others do random things to random people, and the platforms' servers refer random people to each
// other: what comes back is what a model says that was written apart, and whatever is refused changes nothing.
func TestStaffMayWhatTheModelSaysAndNothingElse(t *testing.T) {
	seed := uint64(idptest.Number(t, "IDP_RIGHTS_SEED", 20261129))
	t.Run("sqlite", func(t *testing.T) { triples(t, idptest.SQLite(t), seed, idptest.Number(t, "IDP_RIGHTS", rightsSQLite)) })
	t.Run("postgres", func(t *testing.T) { triples(t, idptest.Postgres(t), seed+1, idptest.Number(t, "IDP_RIGHTS", 1_000)) })
}

// together is how many requests are looked at together, where none may change anything.
const together = 40

func triples(t *testing.T, db *storage.DB, seed uint64, n int) {
	o := newOffice(t, db)
	counts := map[outcome]int{}
	var batch []string
	for i := range n {
		c := o.draw(idptest.NewDice(seed, uint64(i)))
		want := c.expect()
		changes := want == done || want == waits || want == mixed
		if changes || len(batch) == together {
			o.unchanged(batch)
			batch = nil
		}
		a := o.send(c)
		counts[want]++
		if got := o.judge(c, want, a); got != "" {
			t.Errorf("%d: %s: want %s, %s", i, c, want, got)
		}
		if changes {
			o.restore()
		} else {
			batch = append(batch, fmt.Sprintf("%d: %s", i, c))
		}
		if t.Failed() {
			break
		}
	}
	o.unchanged(batch)
	t.Logf("%d triples: %v", n, counts)
	for _, of := range []outcome{proves, missing, crossed, wrong, odd, shown, led, done, waits, unknown, barred} {
		if counts[of] == 0 && n >= 5_000 {
			t.Errorf("none was to be %s", of)
		}
	}
}

// person is somebody whom something is done to; the zero value is nobody.
type person struct {
	id, email, platform, role, state string
	second                           bool
}

// clerk is who does it, in one browser.
type clerk struct {
	person
	name     string
	at       string // issuer
	cookie   string
	signedIn bool // as the rules of every page have it
	proven   bool // password and code, and no pause since
	fresh    bool // within five minutes
}

// server is a platform's server.
type server struct {
	name, platform, at, token string
	scope                     bool
}

// triple is one request: who, whom, where.
type triple struct {
	page, method string // empty: of the API
	who          clerk
	whom         person
	path         string
	form         url.Values
	file         string // an upload
	ownFile      bool
	foreign      bool // sent by the page of another site

	machine     server
	asks        person
	act, reason string
}

func (t triple) String() string {
	if t.page == "" {
		return fmt.Sprintf("%s refers %s %s to %s %s %s (%s, %s)", t.machine.name, t.asks.state, t.asks.email, t.whom.state, t.whom.role,
			t.whom.email, t.act, t.reason)
	}
	return fmt.Sprintf("%s %s %s by %s, on %s %s %s of %s, %v", t.method, t.page, t.path, t.who.name, t.whom.state, t.whom.role,
		t.whom.email, t.whom.platform, t.form)
}

// officeHouse has people of every role and state, as another platform has under other names. What is of wilg must never
// be seen at linde.
func officeHouse(platform, connection, called string) idptest.Demo {
	demo := idptest.Demo{
		Name: platform,
		More: fmt.Sprintf(`connections: [{ name: %[1]s, kind: oidc, names: { nl: %[2]s }, key: { by: sub },
      access: { jit: create, role: professional },
      oidc: { issuer: "https://sso.%[1]s.test", client_id: c, secret: kT9q2-as-they-gave-it } }]`, connection, called),
		Parties: []string{
			"client_id: web, grant_types: [authorization_code, client_credentials], scopes: [openid, report.read, accounts:refer]",
		},
	}
	const bothSteps = ", totp_secret: " + idptest.TOTPSecret + ", recovery_codes: [K7QM-2XHP-9TRD]"
	for role := range order {
		who := func(name string) string {
			return fmt.Sprintf("email: %[1]s.%[2]s@%[3]s.example.org, role: %[2]s, name: { given: Naam, family: Van %[3]s }",
				name, role, platform)
		}
		for _, name := range []string{"two", "also", "marked", "demoted", "left"} {
			demo.Accounts = append(demo.Accounts, who(name)+bothSteps)
		}
		demo.Accounts = append(demo.Accounts, who("one"), who("off")+bothSteps+", deactivated: true")
		demo.Invited = append(demo.Invited, who("invited"))
	}
	return demo
}

// office is the house, with browsers that are signed in.
type office struct {
	*idptest.Scene
	people   []person
	helpers  []clerk
	machines []server
	files    map[string]string // identifiers of uploads, by the cookie of whose they are
	tables   []string
}

const (
	noID    = "0123456789abcdefghjkmnpqrs" // nobody's
	keeping = "kept_"
)

func newOffice(t *testing.T, db *storage.DB) *office {
	t.Helper()
	o := &office{Scene: idptest.NewScene(t, idptest.HostIssuer, db), files: map[string]string{}}
	o.Declare(officeHouse("linde", "lindehof", "Lindehof"), officeHouse("wilg", "wilgenhof", "Wilgenhof"))
	at := o.Clock.Now().UnixMilli()
	o.Exec(fmt.Sprintf(`UPDATE accounts SET marked_at = %d WHERE email LIKE 'marked.%%'`, at),
		`UPDATE accounts SET state = 'active' WHERE email LIKE 'marked.%'`)
	o.readPeople()
	for _, p := range o.people {
		o.enter(p)
	}
	o.Exec(`UPDATE accounts SET role = 'client' WHERE email LIKE 'demoted.%'`, `UPDATE accounts SET state = 'deactivated' WHERE email LIKE 'left.%'`)
	o.readPeople()
	o.helpers = append(o.helpers, clerk{name: "nobody", at: idptest.HostIssuer, person: person{platform: "linde", role: "client"}},
		clerk{name: "a made up session", at: idptest.HostIssuer, cookie: secret.Token(), person: person{platform: "linde", role: "client"}})
	for _, i := range []string{idptest.HostIssuer, idptest.PathIssuer} {
		s := o.AtIssuer(i)
		for _, scope := range []string{"accounts:refer", "report.read"} {
			tok := s.Token("web", url.Values{"grant_type": {"client_credentials"}, "scope": {scope}})
			if tok.Access == "" {
				t.Fatalf("token of %s for %s: %d %s", i, scope, tok.Status, tok.Body)
			}
			o.machines = append(o.machines, server{"server for " + scope, string(s.Platform()), i, tok.Access, scope == "accounts:refer"})
		}
		o.machines = append(o.machines, server{"nobody's server", string(s.Platform()), i, "", false})
	}
	o.keepFiles()
	o.keep()
	return o
}

// readPeople reads who there is; and those that there are not.
func (o *office) readPeople() {
	o.Helper()
	o.people = []person{{id: noID}, {id: "x"}, {id: "..%2F..%2Fstaff"}, {id: "%00"}, {id: "%27%3B%20DROP%20TABLE%20accounts"}, {id: strings.Repeat("9", 300)}}
	rows, err := o.DB.SQL().QueryContext(o.Context(), `
SELECT a.id, a.email, a.platform, a.role, a.state, COUNT(c.id)
FROM accounts a LEFT JOIN credentials c ON c.account = a.id AND c.used_as = 'second'
GROUP BY a.id, a.email, a.platform, a.role, a.state
ORDER BY a.email`)
	if err != nil {
		o.Fatal(err)
	}
	defer func() { _ = rows.Close() }() // Err says it
	for rows.Next() {
		var p person
		var seconds int
		if err := rows.Scan(&p.id, &p.email, &p.platform, &p.role, &p.state, &seconds); err != nil {
			o.Fatal(err)
		}
		p.second = seconds > 0
		o.people = append(o.people, p)
	}
	if err := rows.Err(); err != nil {
		o.Fatal(err)
	}
}

// enter signs somebody in, in as many ways as there are.
func (o *office) enter(p person) {
	o.Helper()
	name, _, _ := strings.Cut(p.email, ".")
	issuer := map[string]string{"linde": idptest.HostIssuer, "wilg": idptest.PathIssuer}[p.platform]
	add := func(how string, h clerk, ago, seen time.Duration, uses ...account.Use) {
		h.name, h.person, h.cookie = p.platform+"'s "+name+" "+p.role+" "+how, p, secret.Token()
		if h.at == "" {
			h.at = issuer
		}
		var proofs []authn.Proof
		for _, use := range uses {
			proofs = append(proofs, authn.Proof{Method: "x", Use: use, Kinds: authn.Knows, At: o.Clock.Now().Add(-ago)})
		}
		o.session(p, h.cookie, proofs, seen)
		o.helpers = append(o.helpers, h)
	}
	both := []account.Use{account.Primary, account.Second}
	switch name {
	case "two":
		add("", clerk{signedIn: true, proven: true, fresh: true}, 0, 0, both...)
		add("", clerk{signedIn: true, proven: true, fresh: true}, 0, 0, both...)
		add("not fresh", clerk{signedIn: true, proven: true}, 6*time.Minute, 0, both...)
		add("after a pause", clerk{signedIn: true}, 40*time.Minute, 35*time.Minute, both...)
		add("remembered", clerk{}, 0, 0, account.Primary, account.Waiver) // the cookie that remembers is another browser's
		add("at the other platform", clerk{at: map[string]string{idptest.HostIssuer: idptest.PathIssuer, idptest.PathIssuer: idptest.HostIssuer}[issuer]}, 0, 0, both...)
	case "one":
		add("without second factor", clerk{signedIn: true}, 0, 0, account.Primary)
	case "marked":
		add("", clerk{}, 0, 0, both...)
	case "left":
		add("", clerk{}, 0, 0, both...)
	case "invited":
		add("", clerk{}, 0, 0, both...)
	case "demoted":
		q := p
		q.role = "client"
		before := len(o.helpers)
		add("", clerk{signedIn: true, proven: true, fresh: true}, 0, 0, both...)
		o.helpers[before].person = q
	}
}

func (o *office) session(p person, cookie string, proofs []authn.Proof, seen time.Duration) {
	o.Helper()
	text, err := json.Marshal(proofs)
	if err == nil {
		now := o.Clock.Now()
		_, err = o.DB.SQL().ExecContext(o.Context(), `
INSERT INTO sessions (id, platform, account, channel, cookie_hash, proofs, started_at, seen_at, ends_at)
VALUES ($1, $2, $3, 'browser', $4, $5, $6, $7, $8)`, secret.ID(), p.platform, p.id, secret.Hash(cookie), string(text),
			now.Add(-time.Hour).UnixMilli(), now.Add(-seen).UnixMilli(), now.Add(time.Hour).UnixMilli())
	}
	if err != nil {
		o.Fatal(err)
	}
}

// keepFiles brings a file of people for some, so that others can ask for it.
func (o *office) keepFiles() {
	o.Helper()
	for _, h := range o.helpers {
		if h.proven && order[h.role] > 2 {
			a := o.send(triple{page: "/staff/invite/many", method: "POST", path: "/staff/invite/many", who: h, file: "geheim"})
			if id := a.To.Path[strings.LastIndex(a.To.Path, "/")+1:]; a.Status == http.StatusSeeOther && secret.IsID(id) {
				o.files[h.cookie] = id
				continue
			}
			o.Fatalf("file of %s: %d %s", h.name, a.Status, a.To)
		}
	}
}

// apart are tables that change with everything, or that hold what was just done.
var apart = regexp.MustCompile(`^(events|attempts|counters|journeys|requests|pushed_requests|uses|goose.*|sqlite.*|kept_.*)$`)

// keep keeps a copy of every table beside those.
func (o *office) keep() {
	o.Helper()
	list := `SELECT name FROM sqlite_master WHERE type = 'table'`
	if o.postgres() {
		list = `SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()`
	}
	rows, err := o.DB.SQL().QueryContext(o.Context(), list)
	if err != nil {
		o.Fatal(err)
	}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			o.Fatal(err)
		}
		if !apart.MatchString(name) {
			o.tables = append(o.tables, name)
		}
	}
	if err := rows.Close(); err != nil {
		o.Fatal(err)
	}
	slices.Sort(o.tables)
	for _, name := range []string{"accounts", "credentials", "sessions", "tickets", "letters", "intakes"} {
		if !slices.Contains(o.tables, name) {
			o.Fatalf("no table %s among %v", name, o.tables)
		}
	}
	for _, name := range o.tables {
		o.Exec(`CREATE TABLE ` + keeping + name + ` AS SELECT * FROM ` + name)
	}
	o.Exec(`DELETE FROM events`)
}

func (o *office) postgres() bool {
	return strings.Contains(fmt.Sprintf("%T", o.DB.SQL().Driver()), "stdlib")
}

// changed are the tables that are not as they were kept.
func (o *office) changed() (names []string) {
	o.Helper()
	var parts []string
	for _, name := range o.tables {
		parts = append(parts, fmt.Sprintf(`
SELECT '%[1]s' WHERE EXISTS (SELECT * FROM %[1]s EXCEPT SELECT * FROM kept_%[1]s) OR EXISTS (SELECT * FROM kept_%[1]s EXCEPT SELECT * FROM %[1]s)`, name))
	}
	return o.texts(strings.Join(parts, " UNION ALL "))
}

func (o *office) texts(query string, args ...any) (all []string) {
	o.Helper()
	rows, err := o.DB.SQL().QueryContext(o.Context(), query, args...)
	if err != nil {
		o.Fatal(err)
	}
	defer func() { _ = rows.Close() }() // Err says it
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			o.Fatal(err)
		}
		all = append(all, text)
	}
	if err := rows.Err(); err != nil {
		o.Fatal(err)
	}
	return all
}

// harmless are kinds of events of what is only read, or refused.
var harmless = regexp.MustCompile(`^(people\.(search|open)|audit\.(read|export)|.*\.refuse)$`)

// unchanged says that nothing was changed by requests that were refused or only read.
func (o *office) unchanged(batch []string) {
	o.Helper()
	names := o.changed()
	kinds := slices.DeleteFunc(o.texts(`SELECT DISTINCT kind FROM events`), harmless.MatchString)
	if len(names)+len(kinds) > 0 {
		o.Errorf("tables %v were changed, and the record has %v, after\n%s", names, kinds, strings.Join(batch, "\n"))
	}
	o.Exec(`DELETE FROM events`, `DELETE FROM attempts`)
}

// restore makes all as it was.
func (o *office) restore() {
	o.Helper()
	names := o.changed()
	c, err := o.DB.SQL().Conn(o.Context())
	if err != nil {
		o.Fatal(err)
	}
	defer func() { _ = c.Close() }() // it goes back to the pool
	off, on := `PRAGMA foreign_keys = OFF`, `PRAGMA foreign_keys = ON`
	if o.postgres() {
		off, on = `SET session_replication_role = replica`, `SET session_replication_role = DEFAULT`
	}
	statements := []string{off}
	for _, name := range names {
		statements = append(statements, `DELETE FROM `+name, `INSERT INTO `+name+` SELECT * FROM `+keeping+name)
	}
	for _, text := range append(statements, on, `DELETE FROM events`, `DELETE FROM attempts`) {
		if _, err := c.ExecContext(context.Background(), text); err != nil {
			o.Fatalf("%s: %v", text, err)
		}
	}
}

// connectionsThere are those of both platforms, and some that there are not.
var connectionsThere = []string{"lindehof", "wilgenhof", "Lindehof", "x", "%00", noID}

// draw makes a request.
func (o *office) draw(d *idptest.Dice) triple {
	if d.In(6) {
		t := triple{machine: idptest.Pick(d, o.machines...), asks: idptest.Pick(d, o.people...), whom: idptest.Pick(d, o.people...), act: "reset_two_step", reason: "lost-phone"}
		if d.In(8) {
			t.act = idptest.Pick(d, "deactivate", "", "reset_two_step ")
		}
		if d.In(8) {
			t.reason = idptest.Pick(d, "left", "", "=1+1")
		}
		if !d.In(3) { // of one platform, mostly
			t.asks, t.whom = o.of(d, t.machine.platform), o.of(d, t.machine.platform)
		}
		return t
	}
	page := idptest.Pick(d, admin.Pages()...)
	t := triple{page: page.Path, who: idptest.Pick(d, o.helpers...), whom: idptest.Pick(d, o.people...), form: url.Values{}}
	if d.N(4) > 0 { // those who may something come more often
		for t.who.role != "helpdesk" && t.who.role != "manager" || d.N(4) > 0 && !t.who.proven {
			t.who = idptest.Pick(d, o.helpers...)
		}
	}
	if !d.In(4) {
		t.whom = o.of(d, t.who.platform)
	}
	t.method = "GET"
	if page.Submit != nil && (page.Show == nil || !d.In(3)) {
		t.method, t.foreign = "POST", d.In(20)
		o.fillIn(d, &t)
	}
	file := idptest.Pick(d, noID, "x", "%00", o.files[t.who.cookie], o.files[idptest.Pick(d, o.helpers...).cookie])
	if file == "" {
		file = noID
	}
	t.ownFile = file == o.files[t.who.cookie]
	t.path = strings.NewReplacer("{person}", t.whom.id, "{file}", file, "{act}", noID, "{of}", noID, "{token}", noID, "{connection}", idptest.Pick(d, connectionsThere...)).Replace(t.page)
	return t
}

// of is somebody of a platform.
func (o *office) of(d *idptest.Dice, platform string) person {
	for {
		if p := idptest.Pick(d, o.people...); p.platform == platform {
			return p
		}
	}
}

// fillIn fills a form in, mostly well.
func (o *office) fillIn(d *idptest.Dice, t *triple) {
	m := modelPages[t.page]
	fresh := fmt.Sprintf("new%d@example.org", d.N(1000))
	other := idptest.Pick(d, o.people...).email
	t.form.Set("do", "continue")
	t.form.Set("reason", idptest.Pick(d, append(strings.Fields(m.reason+" "+m.reason+" "+m.reason), "left", "lost-phone", "", "=1+1")...))
	t.form.Set("identified", idptest.Pick(d, "in-person", "video", "called-back", "known", "known", "", "<b>"))
	if !m.how && !d.In(10) {
		t.form.Del("identified")
	}
	t.form.Set("email", idptest.Pick(d, fresh, fresh, fresh, other, t.whom.email, "x", ""))
	if !strings.HasSuffix(t.form.Get("email"), "example.org") {
		t.form.Set("email", "x")
	}
	t.form.Set("typed", idptest.Pick(d, "linde", "van", "", "%"))
	t.form.Set("given_name", idptest.Pick(d, "Nieuw", "Nieuw", "Nieuw", "", "=cmd", "<script>"))
	t.form.Set("role", idptest.Pick(d, "client", "relative", "professional", "helpdesk", "manager", "operator"))
	t.form.Set("language", "nl")
	if t.page == "/staff/invite" && t.form.Get("email") == t.whom.email {
		t.form.Set("email", fresh)
	}
	if t.page == "/staff/invite/many" && d.In(2) {
		t.file = "nieuw"
	}
}

// send sends a request as a browser, or a server, does.
func (o *office) send(t triple) idptest.Answer {
	o.Helper()
	if t.page == "" {
		sub := func(p person) string { return strings.ReplaceAll(p.id, "%", "") }
		body, err := json.Marshal(map[string]string{"actor": sub(t.asks), "subject": sub(t.whom), "act": t.act, "reason": t.reason})
		if err != nil {
			o.Fatal(err)
		}
		header := http.Header{"Content-Type": {"application/json"}}
		if t.machine.token != "" {
			header.Set("Authorization", "Bearer "+t.machine.token)
		}
		return o.Scene.Send(http.MethodPost, t.machine.at+"/api/v1/referrals", string(body), header)
	}
	header := http.Header{"Sec-Fetch-Site": {"same-origin"}}
	if t.who.cookie != "" {
		for _, p := range []string{"linde", "wilg"} {
			header.Add("Cookie", "__Host-"+p+"-session="+t.who.cookie)
		}
	}
	body := t.form.Encode()
	if t.file != "" {
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		part, err := w.CreateFormFile("file", "people.csv")
		if err == nil {
			_, err = fmt.Fprintf(part, "voornaam;achternaam;e-mailadres;rol\r\nNaam;Zeer%s;%s@example.org;client\r\n", t.file, t.file)
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			o.Fatal(err)
		}
		body = b.String()
		header.Set("Content-Type", w.FormDataContentType())
	}
	if t.method == http.MethodGet {
		body = ""
	}
	if t.foreign {
		header.Set("Sec-Fetch-Site", "cross-site")
		header.Set("Origin", "https://evil.test")
	}
	return o.Scene.Send(t.method, t.who.at+t.path, body, header)
}

// judge compares what came back; empty: that is what was expected.
func (o *office) judge(t triple, want outcome, a idptest.Answer) string {
	o.Helper()
	to := a.To.String()
	journey := strings.HasPrefix(to, t.who.at+"/login/") && t.who.at != ""
	fits := map[outcome]bool{
		proves: a.Status == http.StatusSeeOther && journey, missing: a.Status == http.StatusNotFound && to == "",
		crossed: a.Status == http.StatusForbidden, wrong: a.Status == http.StatusUnprocessableEntity, shown: a.Status == http.StatusOK,
		odd:   a.Status == http.StatusBadRequest,
		mixed: !journey && slices.Contains([]int{http.StatusSeeOther, http.StatusUnprocessableEntity}, a.Status),
		led:   a.Status == http.StatusSeeOther && !journey, unknown: a.Status == http.StatusUnauthorized, barred: a.Status == http.StatusForbidden,
		done:  !journey && (a.Status == http.StatusSeeOther || t.page == "" && a.Status/100 == 2),
		waits: !journey && slices.Contains([]int{http.StatusOK, http.StatusSeeOther, http.StatusNotFound, http.StatusBadRequest, http.StatusUnprocessableEntity}, a.Status),
	}
	if !fits[want] {
		return fmt.Sprintf("got %d to %q", a.Status, to)
	}
	if hidden := t.hides(want); hidden != "" && strings.Contains(a.Body+to, hidden) {
		return fmt.Sprintf("the answer has %q", hidden)
	}
	switch want {
	case done:
		return o.isDone(t)
	case waits:
		if names := o.changed(); slices.ContainsFunc(names, func(name string) bool {
			return slices.Contains([]string{"accounts", "credentials", "sessions", "grants", "devices"}, name)
		}) {
			return fmt.Sprintf("%v were changed", names)
		}
	}
	return ""
}

// hides is what an answer may not have: the name of people of another platform, or what is in a file of somebody else.
func (t triple) hides(want outcome) string {
	switch {
	case t.page == "/staff/invite/many/{file}" && !t.ownFile:
		return "geheim"
	case want == missing || want == proves, t.page == "":
		return t.whom.email
	}
	return map[string]string{"linde": "Van wilg", "wilg": "Van linde"}[t.who.platform]
}

// isDone says that the record has what was done, once, by whom and to whom.
func (o *office) isDone(t triple) string {
	o.Helper()
	kind, by, of := modelPages[t.page].deed, t.who.id, t.whom.id
	switch t.page {
	case "":
		kind, by = "referral.make", "system"
	case "/staff/invite", "/staff/invite/many/{file}":
		kind, of = "account.add", ""
	case "/staff/invite/many":
		kind, of = "invite.check", ""
	}
	got := o.texts(`SELECT account FROM events WHERE kind = $1 AND actor = $2 AND outcome = 'success'`, kind, by)
	if len(got) != 1 || of != "" && got[0] != of {
		return fmt.Sprintf("%s by %s is on record of %v, and all that is: %v", kind, by, got, o.texts(`SELECT kind FROM events`))
	}
	return ""
}
