package totp_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/storage"
)

const bramsKey = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

var demo = idptest.Demo{
	Policy:  "second_factor: { client: required }, code_methods: [totp]",
	Parties: []string{"client_id: web"},
	Accounts: []string{
		"email: anna@example.org, locale: en, totp_secret: " + idptest.TOTPSecret + ", recovery_codes: [K7QM-2XHP-9TRD]",
		"email: bram@example.org, locale: en, totp_secret: " + bramsKey + ", recovery_codes: [B4WN-8CVF-3JGY]",
		"email: cees@example.org, locale: en",
	},
}

// node is one house on a database that others use too.
type node struct {
	*idptest.Server
	party *idptest.Party
}

func newNode(t *testing.T, db *storage.DB) node {
	s := idptest.NewServer(t, db)
	s.Declare(demo)
	return node{s, demo.Party(s, "web")}
}

// atCode is a browser that waits for the code of somebody.
func (n node) atCode(t *testing.T, email string) *idptest.Browser {
	t.Helper()
	b := idptest.NewBrowser(n.Server, "en")
	idptest.LogIn(t, b, n.party.Start(nil), email)
	return b
}

func (n node) code(t *testing.T, off time.Duration) string {
	t.Helper()
	return idptest.Code(t, idptest.TOTPSecret, n.Clock.Now().Add(off))
}

// together sends the codes at once, each from its browser; some browsers may appear more than once.
func together(t *testing.T, browsers []*idptest.Browser, codes []string) (through int) {
	t.Helper()
	var tabs []*idptest.Browser
	for i, b := range browsers {
		tab := idptest.Tabs(t, b, 1)[0]
		tab.MustFill(t, "Code", codes[i])
		tabs = append(tabs, tab)
	}
	idptest.Together(t, tabs, "Continue")
	for _, tab := range tabs {
		if idptest.SignedIn(tab) {
			through++
		}
	}
	return through
}

// A code signs in once, in however many logins of however many nodes it is sent at once, and however it is written
// (CVE-2026-20779, CVE-2025-6014, CVE-2025-55000).
func TestACodeIsAcceptedOnce(t *testing.T) {
	idptest.EachDatabase(t, func(t *testing.T, db *storage.DB) {
		nodes := []node{newNode(t, db), newNode(t, db)}
		for round := range 4 {
			code := nodes[0].code(t, 0)
			var browsers []*idptest.Browser
			var codes []string
			for i := range 8 {
				browsers = append(browsers, nodes[i%2].atCode(t, "anna@example.org"))
				codes = append(codes, code[:3]+strings.Repeat(" ", i)+code[3:])
			}
			if through := together(t, browsers, codes); through != 1 {
				t.Fatalf("round %d: %d logins with one code", round, through)
			}
			late := nodes[1].atCode(t, "anna@example.org")
			for _, off := range []time.Duration{0, -30 * time.Second} {
				idptest.SendCode(t, late, " "+nodes[0].code(t, off)+" ")
				if idptest.SignedIn(late) || late.Button("Continue") == nil {
					t.Fatalf("round %d: the code of %s was accepted after the present one", round, off)
				}
			}
			for _, n := range nodes {
				n.Clock.Later(25 * time.Hour) // those that lost were counted as wrong
			}
		}
	})
}

// However many guesses are sent at once, over however many logins and nodes, ten are looked at in a day; then the right
// one is refused too, and it is the same page (CVE-2024-32868, CVE-2025-64102, CVE-2025-6015).
func TestManyGuessesAtOnceDoNotHelp(t *testing.T) {
	const guesses = 200
	idptest.EachDatabase(t, func(t *testing.T, db *storage.DB) {
		nodes := []node{newNode(t, db), newNode(t, db)}
		var logins []*idptest.Browser
		for i := range 20 {
			logins = append(logins, nodes[i%2].atCode(t, "anna@example.org"))
		}
		var browsers []*idptest.Browser
		var codes []string
		for i := range guesses {
			browsers = append(browsers, logins[i%len(logins)])
			codes = append(codes, nodes[0].code(t, time.Duration(i+10)*30*time.Second))
		}
		right := nodes[0].code(t, 0)
		codes = slices.DeleteFunc(codes, func(c string) bool { return c == right })
		if through := together(t, browsers[:len(codes)], codes); through != 0 {
			t.Fatalf("%d guesses signed in", through)
		}
		for i, b := range append(logins, nodes[0].atCode(t, "anna@example.org")) {
			b.MustOpen(t, b.URL.String())
			if b.Button("Continue") != nil {
				idptest.SendCode(t, b, right)
			}
			if idptest.SignedIn(b) || !strings.HasSuffix(b.URL.Path, "/stop") {
				t.Fatalf("login %d: the right code after %d wrong ones leads to %s", i, guesses, b.URL)
			}
		}
		idptest.Deliver(t, nodes[0])
		if mails := nodes[0].Mails.Sent(); len(mails) != 1 || mails[0].Kind != outbox.WrongCodes || mails[0].To != "anna@example.org" {
			t.Errorf("mails: %v", mails)
		}
		// it is her budget, nobody else's
		other := nodes[1].atCode(t, "bram@example.org")
		idptest.SendCode(t, other, idptest.Code(t, bramsKey, nodes[1].Clock.Now()))
		if !idptest.SignedIn(other) {
			t.Errorf("somebody else's right code leads to %s", other.URL)
		}
	})
}

// TestASealedSecretIsBoundToItsRow: whoever can write to the database cannot give one account the app of another.
func TestASealedSecretIsBoundToItsRow(t *testing.T) {
	db := idptest.SQLite(t)
	n := newNode(t, db)
	anna, bram := idptest.Account(t, db, "anna@example.org"), idptest.Account(t, db, "bram@example.org")
	own, _ := anna.Credential("totp")
	others, _ := bram.Credential("totp")
	if strings.Contains(string(own.Sealed), "JBSWY3DP") {
		t.Error("the secret is not sealed")
	}
	own.Sealed = others.Sealed
	if err := db.SaveChange(t.Context(), authn.Change{Platform: "linde", Put: []account.Credential{own}}, n.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	b := n.atCode(t, "anna@example.org")
	idptest.SendCode(t, b, idptest.Code(t, bramsKey, n.Clock.Now()))
	if idptest.SignedIn(b) || b.Status != 500 {
		t.Errorf("bram's code on anna's account leads to %s (%d)", b.URL, b.Status)
	}
}

// TestAnAppThatIsNotOursMakesTheCodes: oathtool reads the key of the page, and its codes are accepted, at the set-up
// and at the next login.
func TestAnAppThatIsNotOursMakesTheCodes(t *testing.T) {
	n := newNode(t, idptest.SQLite(t))
	b := n.atCode(t, "cees@example.org")
	b.MustPress(t, "Set up two-step authentication")
	key, uri := "", ""
	for e := range b.Doc.Descendants() {
		for _, a := range e.Attr {
			switch {
			case a.Key == "data-copy":
				key = a.Val
			case a.Key == "href" && strings.HasPrefix(a.Val, "otpauth:"):
				uri = a.Val
			}
		}
		if e.Type == html.ElementNode && e.Data == "svg" && len(e.Attr) == 0 {
			t.Error("a drawing without a name")
		}
	}
	said, err := url.Parse(uri)
	if err != nil || said.Query().Get("secret") != key || said.Query().Get("issuer") != "Minddistrict" || said.Path != "/Minddistrict:cees@example.org" {
		t.Fatalf("the button opens %q, the key is %q: %v", uri, key, err)
	}
	shown := func() string {
		t.Helper()
		now := n.Clock.Now().UTC().Format("2006-01-02 15:04:05 UTC")
		out, err := exec.Command("oathtool", "--totp", "--base32", "--now", now, key).Output()
		if err != nil {
			t.Fatalf("oathtool (`make test` installs it): %v", err)
		}
		return strings.TrimSpace(string(out))
	}
	b.MustFill(t, "Code from the app", shown())
	b.MustPress(t, "Turn on two-step authentication")
	cees, err := n.DB.AccountByEmail(t.Context(), "linde", "cees@example.org")
	if err != nil || fmt.Sprint(cees.SecondMethods()) != "[totp]" {
		t.Fatalf("after the set-up at %s: %v, %v", b.URL, cees.SecondMethods(), err)
	}
	n.Clock.Later(time.Minute)
	next := n.atCode(t, "cees@example.org")
	idptest.SendCode(t, next, shown())
	if strings.HasSuffix(next.URL.Path, "/totp") {
		t.Errorf("the code was refused: %s", idptest.Visible(next.Doc))
	}
}

// The record tells what was verified from what was not, also after the owner was told of the fifth: each of ten wrong
// codes in a day is wrong, and those that nobody looked at any more are too many.
func TestRecordTellsWrongFromTooMany(t *testing.T) {
	idptest.EachDatabase(t, func(t *testing.T, db *storage.DB) {
		n := newNode(t, db)
		for range 3 {
			b := n.atCode(t, "anna@example.org")
			for range 5 {
				if b.Button("Continue") == nil {
					break
				}
				idptest.SendCode(t, b, "000000")
			}
		}
		for reason, want := range map[string]int{"wrong": 10, "too many": 1} {
			var got int
			err := n.DB.SQL().QueryRow("SELECT COUNT(*) FROM events WHERE kind = 'second.refuse' AND reason = $1", reason).Scan(&got)
			if err != nil || got != want {
				t.Errorf("%d recorded as %s, want %d: %v", got, reason, want, err)
			}
		}
		idptest.Deliver(t, n)
		if sent := n.Mails.Sent(); len(sent) != 1 || sent[0].Kind != outbox.WrongCodes {
			t.Errorf("mails %+v", sent)
		}
	})
}

// A code that could not be verified, because the database was away, is none of the few that may be wrong.
func TestUnverifiedRecoveryCodeDoesNotCount(t *testing.T) {
	var broken atomic.Bool
	n := newNode(t, idptest.SQLiteFailing(t, func(text string) error {
		if broken.Load() && strings.Contains(text, "FROM tickets") {
			return io.ErrUnexpectedEOF
		}
		return nil
	}))
	b := n.atCode(t, "anna@example.org")
	b.MustPress(t, "Use a recovery code")
	for range 12 {
		tab := b.Tab()
		tab.MustOpen(t, b.URL.String())
		tab.MustFill(t, "Recovery code", "K7QM-2XHP-9TRD")
		broken.Store(true)
		tab.MustPress(t, "Continue")
		broken.Store(false)
		if tab.Status != http.StatusServiceUnavailable {
			t.Fatalf("status %d", tab.Status)
		}
	}
	b.MustFill(t, "Recovery code", "K7QM-2XHP-9TRD")
	b.MustPress(t, "Continue")
	b.MustPress(t, "Do this later")
	if !idptest.SignedIn(b) {
		t.Errorf("the right one is refused: %d %s", b.Status, b.URL)
	}
}
