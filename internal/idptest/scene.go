package idptest

import (
	"bytes"
	"fmt"
	"html"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/minddistrict/idp/internal/wire"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/storage"
)

const (
	HostIssuer  = "https://login.linde.test"
	PathIssuer  = "https://id.test/p/wilg"
	RedirectURI = "https://rp.test/cb"
	PartySecret = "s7Q2vJ9xN4kTzW1mB8cRfL0yHdE5uGaPq3iXoV6tCjM"
	Verifier    = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	Challenge   = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

// twoPlatforms are one with a host of its own and one with a path, with the same parties and people: what is good at
// one must be worth nothing at the other.
func twoPlatforms() []Demo {
	const web = `redirect_uris: ["https://rp.test/cb", "https://app.example/cb"], origins: ["https://rp.test"], ` +
		`post_logout_redirect_uris: ["https://rp.test/bye"], initiate_login_uri: "https://rp.test/start"`
	linde := Demo{
		Parties: []string{
			"client_id: web, " + web, "client_id: other, " + web, "client_id: post, auth: post, " + web,
			"client_id: lax, pkce: optional, " + web, "client_id: jwt, access_token: jwt, rotate_refresh_tokens: true, " + web,
			"client_id: guest, name: Guest, third_party: true, " + web,
			`client_id: spa, type: spa, redirect_uris: ["https://rp.test/cb"]`,
			`client_id: app, type: native, redirect_uris: ["net.example.app:/callback", "http://localhost:9999/cb"]`,
			"client_id: jobs, type: service, scopes: [jobs.read]",
		},
		Accounts: []string{"email: anna@example.org, name: { given: Anna, family: Bakker }", "email: bram@example.org"},
	}
	wilg := linde
	wilg.Name = "wilg"
	return []Demo{linde, wilg}
}

// Scene is one house under attack, seen at one of its issuers.
type Scene struct {
	testing.TB
	*Server
	Issuer string
	hashes uint64 // asked before
}

func NewScene(t testing.TB, issuer string, db *storage.DB) *Scene {
	t.Helper()
	return &Scene{TB: t, Server: NewServer(t, db), Issuer: issuer}
}

// Node is another node on the same database, at the same time.
func (s *Scene) Node() *Scene {
	s.Helper()
	n := NewScene(s.TB, s.Issuer, s.DB)
	n.Clock.Later(s.Clock.Now().Sub(n.Clock.Now()))
	return n
}

// AtIssuer is the same house at another issuer.
func (s *Scene) AtIssuer(issuer string) *Scene {
	return &Scene{TB: s.TB, Server: s.Server, Issuer: issuer}
}

// Foreign is the same house at the issuer of the other platform.
func (s *Scene) Foreign() *Scene {
	if s.Issuer == HostIssuer {
		return s.AtIssuer(PathIssuer)
	}
	return s.AtIssuer(HostIssuer)
}

// Platform is the name of the platform at the issuer.
func (s *Scene) Platform() platform.ID {
	if s.Issuer == HostIssuer {
		return "linde"
	}
	return "wilg"
}

// Rebuild builds the house again, on the same database, with other options.
func (s *Scene) Rebuild(change func(*wire.Options)) {
	s.Helper()
	s.House = s.Another(change)
}

// Exec runs statements on the database.
func (s *Scene) Exec(statements ...string) {
	s.Helper()
	for _, text := range statements {
		if _, err := s.DB.SQL().ExecContext(s.Context(), text); err != nil {
			s.Fatalf("%s: %v", text, err)
		}
	}
}

// Count counts rows.
func (s *Scene) Count(from string) (n int) {
	s.Helper()
	if err := s.DB.SQL().QueryRowContext(s.Context(), "SELECT COUNT(*) FROM "+from).Scan(&n); err != nil {
		s.Fatal(err)
	}
	return n
}

// SceneSQLite is a database with the house in it. Making it takes signing keys, so it is made once and copied.
func SceneSQLite(t testing.TB) *storage.DB {
	t.Helper()
	furnished.Do(func() {
		db := SQLite(t)
		NewServer(t, db).Declare(twoPlatforms()...)
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

func ScenePostgres(t testing.TB) *storage.DB {
	t.Helper()
	db := Postgres(t)
	NewServer(t, db).Declare(twoPlatforms()...)
	return db
}

// Answer is what came back.
type Answer struct {
	Status  int
	Header  http.Header
	Body    string
	Cookies []*http.Cookie
	To      *url.URL // the Location; empty when there is none
}

// Param is a parameter of the address that the answer leads to.
func (a Answer) Param(name string) string { return a.To.Query().Get(name) }

// Send sends one request as it is. A body is a form unless a header says otherwise.
func (s *Scene) Send(method, address, body string, header http.Header) Answer {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), method, address, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	maps.Copy(r.Header, header)
	if body != "" && r.Header.Get("Content-Type") == "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return s.SendRequest(r)
}

func (s *Scene) SendRequest(r *http.Request) Answer {
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
	return Answer{res.StatusCode, res.Header, string(text), res.Cookies(), to}
}

func (s *Scene) Get(address string) Answer { return s.Send(http.MethodGet, address, "", nil) }

func (s *Scene) Post(path string, form url.Values, header http.Header) Answer {
	s.Helper()
	return s.Send(http.MethodPost, s.Issuer+path, form.Encode(), header)
}

// Refused says that an answer is a refusal on a page of ours: no way out to anywhere else, no cookie.
func (s *Scene) Refused(what string, a Answer) {
	s.Helper()
	if a.Status < 400 || a.Status > 499 || a.To.String() != "" || len(a.Cookies) != 0 {
		s.Errorf("%s: %d, Location %q, %d cookies; want a refusal", what, a.Status, a.To, len(a.Cookies))
	}
}

// Links are the addresses that a page leads to, sends forms to, or loads. Browsers see the same: a page of ours is a
// template, and what is put into it has its quotes escaped.
func Links(page string) (all []string) {
	for _, attribute := range []string{` href="`, ` action="`, ` src="`} {
		for _, rest := range strings.Split(page, attribute)[1:] {
			link, _, _ := strings.Cut(rest, `"`)
			all = append(all, html.UnescapeString(link))
		}
	}
	return all
}

// LinksStay says that a page leads only to our own addresses and to those that were declared.
func (s *Scene) LinksStay(what, page string) {
	s.Helper()
	for _, link := range Links(page) {
		if !OurAddress(link) && !Declared(link) {
			s.Errorf("%s: the page leads to %q", what, link)
		}
	}
}

// OurAddress reports whether an address is on the page's own host, in one of the forms that our templates write.
func OurAddress(address string) bool {
	for _, base := range []string{"?", "#", "/assets/", "/p/wilg/assets/", "mailto:", "tel:"} {
		if strings.HasPrefix(address, base) {
			return true
		}
	}
	return BelowIssuer(address) || address == "https://www.113.nl/" // the help line on some pages
}

// BelowIssuer reports whether an address is that of an issuer, or below one.
func BelowIssuer(address string) bool {
	for _, issuer := range []string{HostIssuer, PathIssuer} {
		if rest, ok := strings.CutPrefix(address, issuer); ok && (rest == "" || rest[0] == '/' || rest[0] == '?') {
			return true
		}
	}
	return false
}

// Declared reports whether an address is one that the house declares, with what we add to it.
func Declared(address string) bool {
	for _, base := range []string{
		RedirectURI, "https://app.example/cb", "https://rp.test/bye", "https://rp.test/start", "net.example.app:/callback",
		"https://linde.test/home", "https://wilg.test/home",
	} {
		if rest, ok := strings.CutPrefix(address, base); ok && (rest == "" || rest[0] == '?') {
			return true
		}
	}
	return strings.HasPrefix(address, "http:") && loopbackCallback.MatchString(address)
}

var loopbackCallback = regexp.MustCompile(`^http://localhost(?::[0-9]{1,5})?/cb(?:\?[^#]*)?$`)

func (s *Scene) Visitor() *Visitor { return &Visitor{s, map[string]string{}} }

// Hashed is how many passwords were hashed since it was asked last.
func (s *Scene) Hashed() int {
	total := s.Pool.Hashed()
	n := total - s.hashes
	s.hashes = total
	return int(n)
}

// Heap is the memory in use after a collection.
func Heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// MiB is a mebibyte.
const MiB = 1 << 20

// Issuers runs an attack on a platform with a host of its own, and on one with a path.
func Issuers(t *testing.T, attack func(*Scene)) {
	t.Parallel()
	for name, issuer := range map[string]string{"host issuer": HostIssuer, "path issuer": PathIssuer} {
		t.Run(name, func(t *testing.T) { attack(NewScene(t, issuer, SceneSQLite(t))) })
	}
}

// SceneDatabases runs an attack on both databases, where what storage does decides.
func SceneDatabases(t *testing.T, attack func(*Scene)) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) { attack(NewScene(t, PathIssuer, SceneSQLite(t))) })
	t.Run("postgres", func(t *testing.T) { attack(NewScene(t, HostIssuer, ScenePostgres(t))) })
}

// AtOnce runs work n times at once.
func AtOnce(n int, work func(int)) {
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

// LogBook keeps what a house logs.
type LogBook struct {
	sync.Mutex
	bytes.Buffer
}

func (b *LogBook) Write(p []byte) (int, error) {
	b.Lock()
	defer b.Unlock()
	return b.Buffer.Write(p)
}

func (b *LogBook) String() string {
	b.Lock()
	defer b.Unlock()
	return b.Buffer.String()
}

// Dump is everything that a platform has, in order.
func (s *Scene) Dump(p platform.ID) string {
	s.Helper()
	var all []string
	for _, table := range []string{"accounts", "attempts", "consents", "credentials", "events", "grants", "journeys", "parties", "platforms", "requests", "sessions", "signing_keys"} {
		column := "platform"
		if table == "platforms" {
			column = "id"
		}
		for _, row := range s.Rows("SELECT * FROM " + table + " WHERE " + column + " = '" + string(p) + "'") {
			all = append(all, table+": "+row)
		}
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}

// Rows are the rows of a query, each as one text.
func (s *Scene) Rows(query string) (all []string) {
	s.Helper()
	rows, err := s.DB.SQL().QueryContext(s.Context(), query)
	if err != nil {
		s.Fatal(err)
	}
	defer func() {
		if err := rows.Close(); err != nil {
			s.Error(err)
		}
	}()
	columns, err := rows.Columns()
	if err != nil {
		s.Fatal(err)
	}
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			s.Fatal(err)
		}
		var b strings.Builder
		for _, value := range values {
			fmt.Fprintf(&b, "%s ", value)
		}
		all = append(all, b.String())
	}
	if err := rows.Err(); err != nil {
		s.Fatal(err)
	}
	return all
}
