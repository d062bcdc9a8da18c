package wire_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/setup"
	"github.com/minddistrict/idp/internal/wire"
	"github.com/minddistrict/idp/keys"
	"github.com/minddistrict/idp/storage"
)

var oneHouse = idptest.Demo{Issuer: "http://localhost", Parties: []string{"client_id: linde-web, id_token_alg: ES256"}}

// pause holds one statement until it is told to go on.
type pause struct {
	mu      sync.Mutex
	text    string // how it begins; empty: none is held
	skip    int    // so many of these go on
	reached chan struct{}
	goOn    chan struct{}
}

func newPause() *pause { return &pause{reached: make(chan struct{}), goOn: make(chan struct{})} }

func (p *pause) at(text string, skip int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text, p.skip = text, skip
}

func (p *pause) before(text string) {
	if p.holds(strings.TrimSpace(text)) {
		close(p.reached)
		<-p.goOn
	}
}

func (p *pause) holds(text string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.text == "" || !strings.HasPrefix(text, p.text) {
		return false
	}
	if p.skip--; p.skip >= 0 {
		return false
	}
	p.text = ""
	return true
}

func applyHouse(t *testing.T, db *storage.DB, now time.Time, demo idptest.Demo) {
	t.Helper()
	file, lines, err := setup.Parse([]byte(demo.File()))
	if err != nil {
		t.Fatal(err)
	}
	tools := setup.Tools{DB: db, Sealer: idptest.Sealer(t), Policy: wire.DefaultPolicy(), Now: now}
	if _, err := setup.Apply(t.Context(), tools, file, lines); err != nil {
		t.Fatal(err)
	}
}

// build is a house with one place for a password and one to wait, other options being as somebody changes them.
func build(
	t *testing.T, db *storage.DB, now func() time.Time, log slog.Handler, change ...func(*wire.Options),
) *wire.House {
	t.Helper()
	o := wire.Options{DB: db, Sealer: idptest.Sealer(t), Hash: idptest.Cheap, Workers: 1, Queue: 1, Now: now, Log: slog.New(log)}
	for _, c := range change {
		c(&o)
	}
	house, err := wire.Build(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return house
}

func fixedClock(o *wire.Options) { o.FixedClock = true }

// answered is the body of an answer on linde's host.
func answered(house http.Handler, path string) string {
	rec := httptest.NewRecorder()
	house.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "http://localhost"+path, nil))
	return rec.Body.String()
}

// One node reads the settings twice at once, and the older reading ends last.
func TestOlderSettingsDoNotComeBack(t *testing.T) {
	slow := newPause()
	db, held := idptest.SQLiteHeld(t, slow.before)
	applyHouse(t, db, time.Now(), oneHouse)
	house := build(t, held, time.Now, slog.DiscardHandler)
	applyHouse(t, db, time.Now(), idptest.Demo{Issuer: oneHouse.Issuer, More: "title: De Linde"})
	slow.at("SELECT platform, kid", 0) // read last
	ended := make(chan error)
	go func() { ended <- house.Follow(t.Context()) }()
	<-slow.reached
	applyHouse(t, db, time.Now(), idptest.Demo{Name: "wilg", Issuer: "http://localhost/wilg"})
	known := func() bool {
		return strings.Contains(answered(house, "/wilg/.well-known/openid-configuration"), "http://localhost/wilg")
	}
	if err := house.Follow(t.Context()); err != nil || !known() {
		t.Fatalf("the new platform is not there: %v", err)
	}
	close(slow.goOn)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if !known() {
		t.Error("the new platform is gone again")
	}
}

// A node decides that it is time for the next key; before it saves that, an operator ends the key that was stolen.
func TestStolenKeyDoesNotComeBackByRotation(t *testing.T) {
	now := time.Now().UTC().Truncate(time.Millisecond)
	slow := newPause()
	db, held := idptest.SQLiteHeld(t, slow.before)
	applyHouse(t, db, now, oneHouse)
	house := build(t, held, func() time.Time { return now }, slog.DiscardHandler)
	now = now.Add(89*24*time.Hour + time.Minute) // keys sign for 90 days, and the next one is published for one
	slow.at("BEGIN", 1)                          // after that of cleaning up
	ended := make(chan error)
	go func() { ended <- house.KeepUp(t.Context()) }()
	<-slow.reached
	var stolen string
	err := db.Revise(t.Context(), func(seen int64) error {
		all, err := db.Keys(t.Context())
		if err != nil {
			return err
		}
		changed, err := keys.Replace(all, "linde", "ES256", idptest.Sealer(t), now)
		if err != nil {
			return err
		}
		stolen = changed[0].KID
		return db.SaveSettings(t.Context(), seen, nil, changed, nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	close(slow.goOn)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	all, err := db.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range all {
		if k.KID == stolen && (!k.RetireAt.Equal(now) || !k.DropAt.Equal(now)) {
			t.Errorf("the stolen key signs until %s and is published until %s, want neither after %s", k.RetireAt, k.DropAt, now)
		}
	}
	if jwks := answered(house, "/keys"); strings.Contains(jwks, stolen) || !strings.Contains(jwks, "ES256") {
		t.Errorf("stolen: %s; published: %s", stolen, jwks)
	}
}
