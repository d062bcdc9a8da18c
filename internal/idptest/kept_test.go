package idptest

import (
	"bufio"
	"bytes"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pressly/goose/v3"
	"golang.org/x/oauth2"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/notify"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
	"github.com/minddistrict/idp/storage/migrations"
)

func init() {
	verbs = append(verbs, verb{name: "unblock", run: func(s *script, address string) error { // as idp account unblock
		return s.server.Tools().Acts().Unblock(s.t.Context(), platform.ID("linde"), staff.ByAddress(address))
	}})
}

// What an earlier program left works after idp migrate: whoever was in the middle of something goes on from the page
// that is open, and what was given out counts. A name that is stored, a label that a key is derived for, or what a
// sealed value is bound to cannot change without this test.
func TestKeptDatabasesGoOn(t *testing.T) {
	folders, err := filepath.Glob(filepath.Join(keptFolder, "*", "world.json"))
	if err != nil || len(folders) == 0 {
		t.Fatalf("kept databases: %v, %v", folders, err)
	}
	for _, path := range folders {
		folder := filepath.Dir(path)
		t.Run(filepath.Base(folder), func(t *testing.T) {
			t.Run("sqlite", func(t *testing.T) {
				t.Parallel()
				goOn(t, folder, "sqlite:"+filepath.Join(t.TempDir(), "idp.db"), goose.DialectSQLite3)
			})
			t.Run("postgres", func(t *testing.T) {
				t.Parallel()
				goOn(t, folder, EmptyPostgres(t), goose.DialectPostgres)
			})
		})
	}
}

func goOn(t *testing.T, folder, dsn string, dialect goose.Dialect) {
	var w world
	content, err := os.ReadFile(filepath.Join(folder, "world.json"))
	if err == nil {
		err = json.Unmarshal(content, &w)
	}
	if err != nil {
		t.Fatal(err)
	}
	db := open(t, dsn)
	provider, err := goose.NewProvider(dialect, db.SQL(), migrations.Files,
		goose.WithTableName("schema_versions"), goose.WithDisableGlobalRegistry(true))
	if err == nil {
		_, err = provider.UpTo(t.Context(), w.Schema)
	}
	if err != nil {
		t.Fatal(err)
	}
	load(t, db.SQL(), filepath.Join(folder, "rows.jsonl"))
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := db.SchemaError(t.Context()); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(folder, "after.txt"))
	if err != nil {
		t.Fatal(err)
	}
	s := newScript(t, db, w.Lang)
	if err := s.openKept(w); err != nil {
		t.Fatal(err)
	}
	s.opensAll()
	s.play(filepath.Join(folder, "after.txt"), string(text))
}

// load puts the kept rows in the place of what the migrations left.
func load(t *testing.T, db *sql.DB, path string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var insert string
	lines := bufio.NewScanner(bytes.NewReader(content))
	lines.Buffer(nil, len(content)+1)
	for lines.Scan() {
		if bytes.HasPrefix(lines.Bytes(), []byte("{")) {
			insert = begins(t, db, lines.Bytes())
			continue
		}
		if _, err := db.ExecContext(t.Context(), insert, values(t, lines.Bytes())...); err != nil {
			t.Fatalf("%s: %v", insert, err)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
}

// begins empties a table and returns the statement that inserts a row.
func begins(t *testing.T, db *sql.DB, line []byte) string {
	t.Helper()
	var table keptTable
	if err := json.Unmarshal(line, &table); err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), "DELETE FROM "+table.Table); err != nil {
		t.Fatal(err)
	}
	places := make([]string, len(table.Columns))
	for i := range places {
		places[i] = fmt.Sprintf("$%d", i+1)
	}
	return fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", table.Table, strings.Join(table.Columns, ", "), strings.Join(places, ", "))
}

func values(t *testing.T, line []byte) []any {
	t.Helper()
	var all []any
	numbers := json.NewDecoder(bytes.NewReader(line))
	numbers.UseNumber()
	if err := numbers.Decode(&all); err != nil {
		t.Fatal(err)
	}
	for i, v := range all {
		var err error
		switch v := v.(type) {
		case json.Number:
			all[i], err = v.Int64()
		case map[string]any:
			text, _ := v["hex"].(string)
			all[i], err = hex.DecodeString(text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// opensAll compares every sealed value with the row that it is bound to, as idp keys reseal does.
func (s *script) opensAll() {
	s.t.Helper()
	e := audit.Event{At: s.server.Clock.Now(), Kind: audit.MasterKeyRotated, Actor: "test", Outcome: audit.Success}
	n, err := s.server.DB.Reseal(s.t.Context(), e, func(binding string, sealed []byte) ([]byte, error) {
		plain, err := s.server.Sealer.Open(sealed, binding)
		return s.server.Sealer.Seal(plain, binding), err
	})
	if err != nil || n == 0 {
		s.t.Fatalf("%d sealed values opened: %v", n, err)
	}
}

// openKept makes the world as it was around a server on the kept database.
func (s *script) openKept(w world) error {
	s.server.Clock.Later(w.MadeAt.Add(time.Second).Sub(s.server.Clock.Now()))
	s.kept.address, s.codes = w.Kept, w.Codes
	for name, k := range w.Parties {
		p := NewParty(s.server, k.Host, k.Issuer, k.ID, k.Secret)
		if strings.Contains(k.Host, ":") { // a program that waits on a port
			p = NewTool(s.server, k.Host, k.Issuer, k.ID)
		}
		for state, e := range k.Pending {
			p.pending[state] = pending{e["verifier"], e["nonce"]}
		}
		p.before = k.Before
		if k.Access != "" {
			token := &oauth2.Token{AccessToken: k.Access, RefreshToken: k.Refresh}
			p.Last = Arrival{Token: token.WithExtra(map[string]any{"id_token": k.IDToken}), Claims: k.Claims}
		}
		s.parties[name] = p
	}
	for name, p := range s.parties {
		if name, is := strings.CutSuffix(name, "/web"); is {
			s.server.Site(name+".test", p)
		}
	}
	for _, m := range w.Mails {
		mail := notify.Mail{Kind: outbox.Kind(m.Kind), To: m.To, At: m.At, Link: m.Link}
		if err := s.server.Mails.Send(s.t.Context(), mail); err != nil {
			return err
		}
	}
	for _, m := range w.Texts {
		if err := s.server.Mails.SendText(s.t.Context(), notify.Text{To: m.To, At: m.At, Code: m.Code}); err != nil {
			return err
		}
	}
	s.looked.mails, s.looked.texts = len(w.Mails), len(w.Texts)
	for name, k := range w.Browsers {
		if err := s.reopenBrowser(name, k); err != nil {
			return err
		}
	}
	return nil
}

// reopenBrowser has the cookies and the address; a script loads the page again. One with a key shows the same.
func (s *script) reopenBrowser(name string, k keptBrowser) error {
	b := NewBrowser(s.server, s.lang)
	for address, cookies := range k.Cookies {
		at, err := url.Parse(address)
		if err != nil {
			return err
		}
		var set []*http.Cookie
		for name, value := range cookies {
			set = append(set, &http.Cookie{Name: name, Value: value, Path: "/", Secure: true})
		}
		b.Jar.SetCookies(at, set)
	}
	s.browsers[name] = b
	if k.URL == "" {
		return nil
	}
	at, err := url.Parse(k.URL)
	if b.URL = at; err != nil || k.Key == "" {
		return err
	}
	if err := b.Reload(); err != nil {
		return err
	}
	if key := keyOn(b); key != k.Key {
		return fmt.Errorf("browser %s: the page shows the key %q, it was %q", name, key, k.Key)
	}
	return nil
}
