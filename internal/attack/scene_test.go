package attack

import (
	"encoding/json"
	"html"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/wire"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/storage"
)

const (
	hostIssuer  = "https://login.linde.test"
	pathIssuer  = "https://id.test/p/wilg"
	redirect    = "https://rp.test/cb"
	partySecret = "s7Q2vJ9xN4kTzW1mB8cRfL0yHdE5uGaPq3iXoV6tCjM"
	verifier    = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	challenge   = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

// house declares one platform with a host of its own and one with a path, with the same parties and people: what is
// good at one must be worth nothing at the other.
const house = `
platforms:
  - name: linde
    issuer: https://login.linde.test
    organisation: GGZ De Linde
    home_url: https://linde.test/home
    parties: &parties
      - &web { client_id: web, secret: s7Q2vJ9xN4kTzW1mB8cRfL0yHdE5uGaPq3iXoV6tCjM, redirect_uris: ["https://rp.test/cb", "https://app.example/cb"], post_logout_redirect_uris: ["https://rp.test/bye"], initiate_login_uri: "https://rp.test/start", origins: ["https://rp.test"] }
      - { <<: *web, client_id: other }
      - { <<: *web, client_id: post, auth: post }
      - { <<: *web, client_id: lax, pkce: optional }
      - { <<: *web, client_id: jwt, access_token: jwt, rotate_refresh_tokens: true }
      - { <<: *web, client_id: guest, name: Guest, third_party: true }
      - { client_id: spa, type: spa, redirect_uris: ["https://rp.test/cb"] }
      - { client_id: app, type: native, redirect_uris: ["net.example.app:/callback", "http://localhost:9999/cb"] }
      - { client_id: jobs, type: service, secret: s7Q2vJ9xN4kTzW1mB8cRfL0yHdE5uGaPq3iXoV6tCjM, scopes: [jobs.read] }
    accounts: &accounts
      - { email: anna@example.org, password: "zeven paarse regenjassen drogen!", name: { given: Anna, family: Bakker } }
      - { email: bram@example.org, password: "zeven paarse regenjassen drogen!" }
  - name: wilg
    issuer: https://id.test/p/wilg
    organisation: Praktijk De Wilg
    home_url: https://wilg.test/home
    parties: *parties
    accounts: *accounts
`

// scene is one house under attack, seen at one of its issuers.
type scene struct {
	testing.TB
	*idptest.Server
	issuer string
	hashes uint64 // asked before
}

func newScene(t testing.TB, issuer string, db *storage.DB) *scene {
	t.Helper()
	return &scene{TB: t, Server: idptest.NewServer(t, db), issuer: issuer}
}

// node is another node on the same database, at the same time.
func (s *scene) node() *scene {
	s.Helper()
	n := newScene(s.TB, s.issuer, s.DB)
	n.Clock.Later(s.Clock.Now().Sub(n.Clock.Now()))
	return n
}

// at is the same house at another issuer.
func (s *scene) at(issuer string) *scene { return &scene{TB: s.TB, Server: s.Server, issuer: issuer} }

// foreign is the same house at the issuer of the other platform.
func (s *scene) foreign() *scene {
	if s.issuer == hostIssuer {
		return s.at(pathIssuer)
	}
	return s.at(hostIssuer)
}

// platform is the name of the platform at the issuer.
func (s *scene) platform() platform.ID {
	if s.issuer == hostIssuer {
		return "linde"
	}
	return "wilg"
}

// rebuild builds the house again, on the same database, with other options.
func (s *scene) rebuild(change func(*wire.Options)) {
	s.Helper()
	o := s.House.Options
	change(&o)
	built, err := wire.Build(s.Context(), o)
	if err != nil {
		s.Fatal(err)
	}
	s.House = built
}

// run runs statements on the database.
func (s *scene) run(statements ...string) {
	s.Helper()
	for _, text := range statements {
		if _, err := s.DB.SQL().ExecContext(s.Context(), text); err != nil {
			s.Fatalf("%s: %v", text, err)
		}
	}
}

// count counts rows.
func (s *scene) count(from string) (n int) {
	s.Helper()
	if err := s.DB.SQL().QueryRowContext(s.Context(), "SELECT COUNT(*) FROM "+from).Scan(&n); err != nil {
		s.Fatal(err)
	}
	return n
}

// sqlite is a database with the house in it. Making it takes signing keys, so it is made once and copied.
func sqlite(t testing.TB) *storage.DB {
	t.Helper()
	furnished.Do(func() {
		db := idptest.SQLite(t)
		idptest.NewServer(t, db).Apply(house)
		path := filepath.Join(t.TempDir(), "house.db")
		if _, err := db.SQL().ExecContext(t.Context(), "VACUUM INTO '"+path+"'"); err != nil {
			t.Fatal(err)
		}
		var err error
		if furnished.file, err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	})
	path := filepath.Join(t.TempDir(), "idp.db")
	if err := os.WriteFile(path, furnished.file, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := storage.Open(t.Context(), "sqlite:"+path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("closing database: %v", err)
		}
	})
	return db
}

var furnished struct {
	sync.Once
	file []byte
}

func postgres(t testing.TB) *storage.DB {
	t.Helper()
	db := idptest.Postgres(t)
	idptest.NewServer(t, db).Apply(house)
	return db
}

// answer is what came back.
type answer struct {
	Status  int
	Header  http.Header
	Body    string
	Cookies []*http.Cookie
	To      *url.URL // the Location; empty when there is none
}

// param is a parameter of the address that the answer leads to.
func (a answer) param(name string) string { return a.To.Query().Get(name) }

// send sends one request as it is. A body is a form unless a header says otherwise.
func (s *scene) send(method, address, body string, header http.Header) answer {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), method, address, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	maps.Copy(r.Header, header)
	if body != "" && r.Header.Get("Content-Type") == "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return s.deliver(r)
}

func (s *scene) deliver(r *http.Request) answer {
	s.Helper()
	res, err := s.RoundTrip(r)
	if err != nil {
		s.Fatal(err)
	}
	text, err := io.ReadAll(res.Body)
	if err != nil {
		s.Fatal(err)
	}
	to, err := url.Parse(res.Header.Get("Location"))
	if err != nil {
		s.Fatalf("%s %s leads to %q: %v", r.Method, r.URL, res.Header.Get("Location"), err)
	}
	return answer{res.StatusCode, res.Header, string(text), res.Cookies(), to}
}

func (s *scene) get(address string) answer { return s.send(http.MethodGet, address, "", nil) }

func (s *scene) post(path string, form url.Values, header http.Header) answer {
	s.Helper()
	return s.send(http.MethodPost, s.issuer+path, form.Encode(), header)
}

// refused says that an answer is a refusal on a page of ours: no way out to anywhere else, no cookie.
func (s *scene) refused(what string, a answer) {
	s.Helper()
	if a.Status < 400 || a.Status > 499 || a.To.String() != "" || len(a.Cookies) != 0 {
		s.Errorf("%s: %d, Location %q, %d cookies; want a refusal", what, a.Status, a.To, len(a.Cookies))
	}
}

// links are the addresses that a page leads to, sends forms to, or loads. Browsers see the same: a page of ours is a
// template, and what is put into it has its quotes escaped.
func links(page string) (all []string) {
	for _, attribute := range []string{` href="`, ` action="`, ` src="`} {
		for _, rest := range strings.Split(page, attribute)[1:] {
			link, _, _ := strings.Cut(rest, `"`)
			all = append(all, html.UnescapeString(link))
		}
	}
	return all
}

// linksStay says that a page leads only to our own addresses and to those that were declared.
func (s *scene) linksStay(what, page string) {
	s.Helper()
	for _, link := range links(page) {
		if !ours(link) && !declared(link) {
			s.Errorf("%s: the page leads to %q", what, link)
		}
	}
}

// ours reports whether an address is on the page's own host, in one of the forms that our templates write.
func ours(address string) bool {
	for _, base := range []string{"?", "#", "/assets/", "/p/wilg/assets/", "mailto:", "tel:"} {
		if strings.HasPrefix(address, base) {
			return true
		}
	}
	return absolute(address) || address == "https://www.113.nl/" // the help line on some pages
}

// absolute reports whether an address is that of an issuer, or below one.
func absolute(address string) bool {
	for _, issuer := range []string{hostIssuer, pathIssuer} {
		if rest, ok := strings.CutPrefix(address, issuer); ok && (rest == "" || rest[0] == '/' || rest[0] == '?') {
			return true
		}
	}
	return false
}

// declared reports whether an address is one that the house declares, with what we add to it.
func declared(address string) bool {
	for _, base := range []string{
		redirect, "https://app.example/cb", "https://rp.test/bye", "https://rp.test/start", "net.example.app:/callback",
		"https://linde.test/home", "https://wilg.test/home",
	} {
		if rest, ok := strings.CutPrefix(address, base); ok && (rest == "" || rest[0] == '?') {
			return true
		}
	}
	return strings.HasPrefix(address, "http:") && loopbackCallback.MatchString(address)
}

var loopbackCallback = regexp.MustCompile(`^http://localhost(?::[0-9]{1,5})?/cb(?:\?[^#]*)?$`)

// query is a right authorization request of a party, changed.
func query(party string, change func(url.Values)) url.Values {
	q := url.Values{
		"client_id": {party}, "redirect_uri": {redirect}, "response_type": {"code"}, "scope": {"openid profile email offline_access"},
		"state": {"state of the party"}, "nonce": {"nonce of the party"}, "code_challenge": {challenge}, "code_challenge_method": {"S256"},
	}
	if party == "app" {
		q.Set("redirect_uri", "net.example.app:/callback")
	}
	if change != nil {
		change(q)
	}
	return q
}

func set(pairs ...string) func(url.Values) {
	return func(q url.Values) {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i+1] == "" {
				q.Del(pairs[i])
			} else {
				q.Set(pairs[i], pairs[i+1])
			}
		}
	}
}

func (s *scene) authorize(party string, change func(url.Values)) string {
	return s.issuer + "/authorize?" + query(party, change).Encode()
}

// visitor is a browser that does one request at a time, so that a test can stop anywhere.
type visitor struct {
	*scene
	jar map[string]string
}

func (s *scene) visitor() *visitor { return &visitor{s, map[string]string{}} }

// with is the same browser in front of another node, or at another issuer.
func (v *visitor) with(s *scene) *visitor { return &visitor{s, v.jar} }

func (v *visitor) cookies() string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(v.jar)) {
		all = append(all, name+"="+v.jar[name])
	}
	return strings.Join(all, "; ")
}

// visit sends a request with the cookies of the browser and keeps those that come back.
func (v *visitor) visit(method, address string, form url.Values) answer {
	v.Helper()
	header := http.Header{}
	if c := v.cookies(); c != "" {
		header.Set("Cookie", c)
	}
	if method == http.MethodPost {
		header.Set("Origin", string(platform.Issuer(v.issuer).Origin()))
		header.Set("Sec-Fetch-Site", "same-origin")
	}
	a := v.send(method, address, form.Encode(), header)
	for _, c := range a.Cookies {
		if c.MaxAge < 0 {
			delete(v.jar, c.Name)
		} else {
			v.jar[c.Name] = c.Value
		}
	}
	return a
}

func (v *visitor) open(address string) answer {
	v.Helper()
	return v.visit(http.MethodGet, address, nil)
}

// begin starts a login and returns the identifier of its request and journey.
func (v *visitor) begin(party string, change func(url.Values)) string {
	v.Helper()
	a := v.open(v.authorize(party, change))
	id, ok := strings.CutPrefix(a.To.String(), v.issuer+"/login/")
	if !ok {
		v.Fatalf("authorize leads to %q (%d), want a login", a.To, a.Status)
	}
	id, _, _ = strings.Cut(id, "/") // the page may be named
	return id
}

// prove sends the password for a journey; the answer leads to the callback.
func (v *visitor) prove(id, email string) answer {
	v.Helper()
	return v.visit(http.MethodPost, v.issuer+"/login/"+id+"/password", url.Values{"email": {email}, "password": {idptest.Password}, "do": {"continue"}})
}

// signIn signs somebody in for a party and returns the code.
func (v *visitor) signIn(party, email string) string {
	v.Helper()
	a := v.prove(v.begin(party, nil), email)
	if a.To.Path == platform.Issuer(v.issuer).Path()+"/authorize/callback" {
		a = v.open(a.To.String())
	}
	if a.param("code") == "" {
		v.Fatalf("signing in ends at %q (%d)", a.To, a.Status)
	}
	return a.param("code")
}

// goOn presses the button of the page that an app gets before it is answered; the answer is the callback's.
func (v *visitor) goOn(id string) answer {
	v.Helper()
	id, _, _ = strings.Cut(id, "/")
	page := v.issuer + "/login/" + id + "/go-on"
	as := namedOnPage.FindStringSubmatch(v.open(page).Body)
	if as == nil {
		v.Fatal("the page names nobody")
	}
	a := v.visit(http.MethodPost, page, url.Values{"as": {html.UnescapeString(as[1])}, "do": {"continue"}})
	return v.open(a.To.String())
}

// namedOnPage is the field with whom a page names.
var namedOnPage = regexp.MustCompile(`name="as" value="([^"]*)"`)

// code is a fresh code for somebody who is signed in.
func (v *visitor) code(party string, change func(url.Values)) string {
	v.Helper()
	a := v.open(v.authorize(party, change))
	if id, page := strings.CutPrefix(a.To.String(), v.issuer+"/login/"); page && party == "app" {
		a = v.goOn(id)
	}
	if a.param("code") == "" {
		v.Fatalf("no code at %q (%d)", a.To, a.Status)
	}
	return a.param("code")
}

// signedIn tells who is signed in, by a silent request: the subject, or "".
func (v *visitor) signedIn() string {
	v.Helper()
	a := v.open(v.authorize("web", set("prompt", "none")))
	if a.param("code") == "" {
		return ""
	}
	_, claims := parts(v.TB, v.redeem("web", a.param("code")).ID)
	return claims["sub"].(string)
}

// tokens is an answer of the token endpoint.
type tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	ID      string `json:"id_token"`
	Scope   string `json:"scope"`
	Error   string `json:"error"`
	answer
}

// basic is how a party with a secret proves itself; public parties name themselves in the form.
func basic(party string) http.Header {
	if party == "spa" || party == "app" {
		return nil
	}
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth(party, partySecret)
	return r.Header
}

// token asks the token endpoint as a party.
func (s *scene) token(party string, form url.Values) tokens {
	s.Helper()
	if basic(party) == nil {
		form.Set("client_id", party)
	}
	t := tokens{answer: s.post("/token", form, basic(party))}
	if err := json.Unmarshal([]byte(t.Body), &t); err != nil {
		s.Fatalf("token answers %d %q: %v", t.Status, t.Body, err)
	}
	return t
}

func codeForm(party, code string) url.Values {
	return url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {query(party, nil).Get("redirect_uri")}, "code_verifier": {verifier}}
}

func (s *scene) redeem(party, code string) tokens {
	s.Helper()
	return s.token(party, codeForm(party, code))
}

func (s *scene) refresh(party, refresh string) tokens {
	s.Helper()
	return s.token(party, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}})
}

// given signs Anna in and redeems her code.
func (v *visitor) given(party string) tokens {
	v.Helper()
	t := v.redeem(party, v.signIn(party, "anna@example.org"))
	if t.Status != http.StatusOK || t.Access == "" || t.ID == "" || t.Refresh == "" {
		v.Fatalf("tokens: %d %s", t.Status, t.Body)
	}
	return t
}

// refusedGrant says that the token endpoint refused a grant and gave nothing.
func (s *scene) refusedGrant(what string, t tokens) {
	s.Helper()
	if t.Status != http.StatusBadRequest || t.Error != "invalid_grant" || t.Access != "" || t.Refresh != "" {
		s.Errorf("%s: %d %s, want invalid_grant", what, t.Status, t.Body)
	}
}

func bearer(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }

// userinfo is the status for an access token.
func (s *scene) userinfo(token string) int {
	s.Helper()
	return s.send(http.MethodGet, s.issuer+"/userinfo", "", bearer(token)).Status
}

// claims are what userinfo says.
func (s *scene) claims(token string) map[string]any {
	s.Helper()
	a := s.send(http.MethodGet, s.issuer+"/userinfo", "", bearer(token))
	var claims map[string]any
	if err := json.Unmarshal([]byte(a.Body), &claims); err != nil || a.Status != http.StatusOK {
		s.Fatalf("userinfo answers %d %q", a.Status, a.Body)
	}
	return claims
}

// active asks as a party whether a token counts.
func (s *scene) active(party, token string) bool {
	s.Helper()
	a := s.post("/introspect", url.Values{"token": {token}}, basic(party))
	var body struct {
		Active bool `json:"active"`
	}
	if err := json.Unmarshal([]byte(a.Body), &body); err != nil || a.Status != http.StatusOK {
		s.Fatalf("introspection answers %d %q", a.Status, a.Body)
	}
	if !body.Active && strings.TrimSpace(a.Body) != `{"active":false}` {
		s.Errorf("introspection tells more of a token that does not count: %s", a.Body)
	}
	return body.Active
}

// race runs work n times at once.
func race(n int, work func(int)) {
	var start, done sync.WaitGroup
	start.Add(1)
	for i := range n {
		done.Go(func() {
			start.Wait()
			work(i)
		})
	}
	start.Done()
	done.Wait()
}
