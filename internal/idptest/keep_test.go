package idptest

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/test/browser"
)

// A kept database is what an earlier program left, with people in the middle of everything: its rows, and what the
// world outside had in its hands at that moment. It is a folder of testdata/kept, named after the commit of that program:
//
//	before.txt   the script that the earlier program ran
//	rows.jsonl   what was then in its database: of every table its columns, then its rows
//	world.json   the time, and what browsers, parties, mailboxes and phones had
//	after.txt    how it all goes on with the program of today, and what is on record
//
// To keep another one, of a release, in a worktree of its commit:
//
//	mkdir internal/idptest/testdata/kept/COMMIT
//	cp internal/idptest/testdata/kept/{LAST}/{before,after}.txt internal/idptest/testdata/kept/COMMIT/
//	IDP_KEEP=COMMIT go test ./internal/idptest/ -run TestKeepDatabase
//
// and commit the folder. Add to both scripts what is new since the last one. A kept database is never made again by a
// later program: that it was made by the earlier one is all its worth. The first one, 69507b9, is older than this file,
// which was put beside it there.
const keptFolder = "testdata/kept"

// world is what is outside the database, as much as the scripts need of it.
type world struct {
	MadeAt   time.Time              `json:"made_at"`
	Schema   int64                  `json:"schema"` // version of it
	Lang     string                 `json:"lang"`
	Kept     string                 `json:"kept"`  // address that is kept
	Codes    []string               `json:"codes"` // recovery codes that are kept
	Browsers map[string]keptBrowser `json:"browsers"`
	Parties  map[string]keptParty   `json:"parties"`
	Mails    []keptMail             `json:"mails"` // that came, the oldest first
	Texts    []keptText             `json:"texts"`
}

type keptBrowser struct {
	Cookies map[string]map[string]string `json:"cookies"` // by the address that they go to, and by name
	URL     string                       `json:"url"`     // of the page that is open
	Key     string                       `json:"key"`     // of an app, on that page
}

type keptParty struct {
	Host    string                       `json:"host"`
	Issuer  string                       `json:"issuer"`
	ID      string                       `json:"client_id"`
	Secret  string                       `json:"client_secret"`
	Pending map[string]map[string]string `json:"pending"` // verifier and nonce, by state
	Access  string                       `json:"access_token"`
	Refresh string                       `json:"refresh_token"`
	Before  string                       `json:"refresh_token_before"`
	IDToken string                       `json:"id_token"`
	Claims  map[string]any               `json:"claims"`
}

type keptMail struct {
	Kind string    `json:"kind"`
	To   string    `json:"to"`
	At   time.Time `json:"at"`
	Link string    `json:"link"`
}

type keptText struct {
	To   string    `json:"to"`
	At   time.Time `json:"at"`
	Code string    `json:"code"`
}

// The verbs that scripts of kept databases have besides:
//
//	begin NAME/PARTY     a request is sent by a form; its way on is kept, and no browser opens it yet
//	closed NAME/PARTY    a party takes no codes from now on: who comes back to it stays there with the code
//	party NAME/PARTY     the party that token, userinfo, refresh, replay and revoke are about
//	replay same|CODE     the refresh token before the last one is used: the answer is the last one again, or an error
//	post down|up         the mail server is away, or back
//	deliver              what is due is sent, answered or tried
//	says KEY [VALUE]     the mail that was taken has this text, and this value among what was filled in
//	recorded KIND …      events of these kinds are on record
func init() {
	verbs = append(verbs, []verb{
		{name: "begin", run: (*script).begin},
		{name: "closed", run: (*script).closed},
		{name: "party", run: func(s *script, name string) (err error) { s.party, err = s.partyOf(name); return err }},
		{name: "replay", run: (*script).replay},
		{name: "post", run: (*script).post},
		{name: "deliver", run: func(s *script, _ string) error { return s.server.Deliver(s.t.Context()) }},
		{name: "says", run: (*script).says},
		{name: "recorded", run: (*script).recorded},
	}...)
}

func (s *script) begin(name string) error {
	party, err := s.partyOf(name)
	if err != nil {
		return err
	}
	start, err := http.NewRequest(http.MethodGet, party.Start(url.Values{}), nil)
	if err != nil {
		return err
	}
	res, err := s.server.RoundTrip(start)
	if err != nil {
		return err
	}
	address, query, _ := strings.Cut(res.Header.Get("Location"), "?")
	form, err := http.NewRequest(http.MethodPost, address, strings.NewReader(query))
	if err != nil {
		return err
	}
	form.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	form.Header.Set("Sec-Fetch-Site", "cross-site")
	if res, err = s.server.RoundTrip(form); err != nil {
		return err
	}
	to, err := form.URL.Parse(res.Header.Get("Location"))
	if err != nil || to.String() == address {
		return fmt.Errorf("status %d without a way on: %w", res.StatusCode, err)
	}
	s.kept.address = to.String()
	return nil
}

func (s *script) closed(name string) error {
	party, err := s.partyOf(name)
	if err != nil {
		return err
	}
	s.server.Site(party.Host, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/login" {
			party.ServeHTTP(w, r)
			return
		}
		_, _ = fmt.Fprint(w, "closed") // in memory
	}))
	return nil
}

func (s *script) replay(want string) error {
	res, err := s.party.post("/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {s.party.before}})
	if want != "same" {
		return expect(err, want)
	}
	var body struct {
		Refresh string `json:"refresh_token"`
	}
	if err == nil {
		err = json.Unmarshal(res, &body)
	}
	if err == nil && body.Refresh != s.party.Last.Token.RefreshToken {
		err = fmt.Errorf("another refresh token than the first time")
	}
	return err
}

func (s *script) post(state string) error {
	errs := map[string]error{"up": nil, "down": fault.Unavailable}
	err, ok := errs[state]
	if !ok {
		return fmt.Errorf("post down or up")
	}
	s.server.Mails.Fail(err)
	return nil
}

func (s *script) says(rest string) error {
	key, value, _ := strings.Cut(rest, " ")
	said := strings.Join(strings.Fields(s.letter.Subject+" "+s.letter.Text), " ")
	has := regexp.MustCompile(s.pattern(key)).MatchString(said) && strings.Contains(said, value)
	if !has || strings.ContainsAny(said, "{}") {
		return fmt.Errorf("want %q, it says:\n%s", s.text(key), said)
	}
	return nil
}

func (s *script) recorded(kinds string) error {
	got := map[string]bool{}
	for name := range s.parties {
		name, _, _ := strings.Cut(name, "/")
		events, err := s.server.DB.Events(s.t.Context(), platform.ID(name), 10_000)
		if err != nil {
			return err
		}
		for _, e := range events {
			got[string(e.Kind)] = true
		}
	}
	for kind := range strings.FieldsSeq(kinds) {
		if !got[kind] {
			return fmt.Errorf("no event %s among %v", kind, slices.Sorted(maps.Keys(got)))
		}
	}
	return nil
}

// TestKeepDatabase writes the database that IDP_KEEP names. It is no test of anything, and does nothing otherwise.
func TestKeepDatabase(t *testing.T) {
	name := os.Getenv("IDP_KEEP")
	if name == "" {
		return
	}
	folder := filepath.Join(keptFolder, filepath.Base(name))
	text, err := os.ReadFile(filepath.Join(folder, "before.txt"))
	if err != nil {
		t.Fatal(err)
	}
	s := newScript(t, SQLite(t), "nl")
	s.play("before.txt", string(text))
	w := s.world()
	db := s.server.DB.SQL()
	if err := db.QueryRowContext(t.Context(), `SELECT MAX(version_id) FROM schema_versions`).Scan(&w.Schema); err != nil {
		t.Fatal(err)
	}
	outside, err := json.MarshalIndent(w, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	for file, content := range map[string][]byte{"world.json": append(outside, '\n'), "rows.jsonl": rowsOf(t, db)} {
		if err := os.WriteFile(filepath.Join(folder, file), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func (s *script) world() world {
	w := world{
		MadeAt: s.server.Clock.Now(), Lang: s.lang, Kept: s.kept.address, Codes: s.codes,
		Browsers: map[string]keptBrowser{}, Parties: map[string]keptParty{},
	}
	for name, b := range s.browsers {
		k := keptBrowser{Cookies: map[string]map[string]string{}}
		if b.Doc != nil {
			k.URL, k.Key = b.URL.String(), keyOn(b)
		}
		for _, p := range s.parties {
			at, err := url.Parse(p.Issuer)
			if err != nil {
				s.t.Fatal(err)
			}
			for _, c := range b.Jar.Cookies(at) {
				if k.Cookies[p.Issuer] == nil {
					k.Cookies[p.Issuer] = map[string]string{}
				}
				k.Cookies[p.Issuer][c.Name] = c.Value
			}
		}
		w.Browsers[name] = k
	}
	for name, p := range s.parties {
		k := keptParty{
			Host: p.Host, Issuer: p.Issuer, ID: p.config.ClientID, Secret: p.config.ClientSecret, Before: p.before,
			Pending: map[string]map[string]string{},
		}
		for state, e := range p.pending {
			k.Pending[state] = map[string]string{"verifier": e.verifier, "nonce": e.nonce}
		}
		if p.Last.Token != nil {
			k.Access, k.Refresh, k.Claims = p.Last.Token.AccessToken, p.Last.Token.RefreshToken, p.Last.Claims
			k.IDToken, _ = p.Last.Token.Extra("id_token").(string)
		}
		w.Parties[name] = k
	}
	for _, m := range s.server.Mails.Sent() {
		w.Mails = append(w.Mails, keptMail{string(m.Kind), m.To, m.At, m.Link})
	}
	for _, m := range s.server.Mails.Texts() {
		w.Texts = append(w.Texts, keptText{m.To, m.At, m.Code})
	}
	return w
}

// keyOn is the secret of an app that a page of a set-up shows.
func keyOn(b *Browser) string {
	for n := range b.Doc.Descendants() {
		if browser.Attr(n, "id") == "key" {
			return browser.Text(n)
		}
	}
	return ""
}

// keptTable begins the rows of a table.
type keptTable struct {
	Table   string   `json:"table"`
	Columns []string `json:"columns"`
}

// keptBytes are a value that is no text.
type keptBytes struct {
	Hex string `json:"hex"`
}

// rowsOf writes all tables in the order of the migrations, so that what is referred to comes first.
func rowsOf(t *testing.T, db *sql.DB) []byte {
	t.Helper()
	out := &strings.Builder{}
	lines := json.NewEncoder(out)
	lines.SetEscapeHTML(false)
	put := func(v any) {
		if err := lines.Encode(v); err != nil {
			t.Fatal(err)
		}
	}
	for _, table := range column(t, db, `
SELECT name
FROM sqlite_master
WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'schema_versions'
ORDER BY rowid`) {
		rows, err := db.QueryContext(t.Context(), "SELECT * FROM "+table+" ORDER BY 1, 2")
		if err != nil {
			t.Fatal(err)
		}
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		put(keptTable{table, columns})
		for rows.Next() {
			values, pointers := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				pointers[i] = &values[i]
			}
			if err := rows.Scan(pointers...); err != nil {
				t.Fatal(err)
			}
			for i, v := range values {
				if b, ok := v.([]byte); ok {
					values[i] = keptBytes{fmt.Sprintf("%x", b)}
				}
			}
			put(values)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	return []byte(out.String())
}

func column(t *testing.T, db *sql.DB, query string) (all []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }() // read to its end
	for rows.Next() {
		var one string
		if err := rows.Scan(&one); err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}
