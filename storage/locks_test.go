package storage_test

import (
	"flag"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/idptest/filled"
	"github.com/minddistrict/idp/storage"
	"github.com/minddistrict/idp/storage/storagetest"
)

// keepsContract holds a database to the contract, and every transaction of it to the order of locks that the package
// declares.
func keepsContract(t *testing.T, open func(testing.TB) *storage.DB) {
	var written tables
	t.Run("contract", func(t *testing.T) {
		storagetest.Run(t, func(t *testing.T) *storage.DB {
			db := open(t)
			stop := db.WatchEach(func() func(string) { return (&locks{t: t, written: &written}).note })
			t.Cleanup(func() {
				if err := stop(); err != nil {
					t.Error(err)
				}
			})
			return db
		})
	})
	if only := flag.Lookup("test.run").Value.String(); strings.Contains(only, "/") {
		return // some promises only
	}
	for _, table := range storage.LockOrder {
		if !written.has(table) {
			t.Errorf("no transaction of the contract writes %s", table)
		}
	}
}

// locks follows one connection.
type locks struct {
	t       *testing.T
	written *tables
	in      bool   // a transaction
	held    bool   // it has written an account
	last    string // the statement that took the last lock
	rank    int    // its table's
	named   string // the statement that wrote a name, until the account is made findable again
}

var writes = regexp.MustCompile(`\b(INSERT INTO|UPDATE|DELETE FROM)\s+([a-z_]+)`)

func (l *locks) note(text string) {
	switch text {
	case "BEGIN":
		l.in, l.held, l.last, l.rank, l.named = true, false, "", -1, ""
		return
	case "END":
		if l.in && l.named != "" {
			l.t.Errorf("nobody is found by what this wrote:%s", l.named)
		}
		l.in = false
		return
	case "ROLLBACK":
		l.in = false
		return
	}
	all := writes.FindAllStringIndex(text, -1)
	if !l.in && len(all) > 1 { // it is a transaction by itself
		l.note("BEGIN")
		defer l.note("END")
	}
	for i, at := range all {
		end := len(text)
		if i+1 < len(all) {
			end = all[i+1][0]
		}
		l.noteOne(text[at[0]:end])
	}
}

// noteOne follows one of the statements that may be sent as one.
func (l *locks) noteOne(text string) {
	switch {
	case writesName(text):
		l.named = text
	case strings.Contains(text, "SET sort_key = $1"), strings.Contains(text, "INSERT INTO account_words"):
		l.named = ""
	}
	found := writes.FindStringSubmatch(text)
	if !l.in || found == nil {
		return
	}
	adds, table := found[1] == "INSERT INTO" && !strings.Contains(text, "ON CONFLICT"), found[2]
	l.written.add(table)
	if adds && slices.Contains([]string{"events", "letters", "sessions"}, table) || l.held && !adds && table == "accounts" {
		return
	}
	l.held = l.held || table == "accounts"
	rank := slices.Index(storage.LockOrder, table)
	switch {
	case rank < 0:
		l.t.Errorf("%s has no place in the order: %s", table, text)
	case rank < l.rank:
		l.t.Errorf("%s is written after %s: %s\nafter%s", table, storage.LockOrder[l.rank], text, l.last)
	}
	l.rank, l.last = rank, text
}

// tables are those that any transaction wrote.
type tables struct {
	lock sync.Mutex // guards all
	all  map[string]bool
}

func (w *tables) add(table string) {
	w.lock.Lock()
	defer w.lock.Unlock()
	if w.all == nil {
		w.all = map[string]bool{}
	}
	w.all[table] = true
}

func (w *tables) has(table string) bool {
	w.lock.Lock()
	defer w.lock.Unlock()
	return w.all[table]
}

// A change with any field has a platform or is refused: nothing that it holds is silently not saved.
func TestNoFieldOfAChangeIsSavedAsNothing(t *testing.T) {
	for _, f := range reflect.VisibleFields(reflect.TypeFor[authn.Change]()) {
		var c authn.Change
		filled.Fill(reflect.ValueOf(&c).Elem().FieldByIndex(f.Index))
		if p, err := storage.PlatformOf(c); p == "" && err == nil {
			t.Errorf("%s alone is nothing", f.Name)
		}
	}
	if p, err := storage.PlatformOf(authn.Change{}); p != "" || err != nil {
		t.Errorf("no field: got %q, %v, want nothing", p, err)
	}
}
