package nodes_test

import (
	"errors"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/keys"
)

// beside is somebody with a browser, in which a QR code is shown, and a phone.
type beside struct {
	*pair
	*handset
	t       *testing.T
	email   string
	web     *person
	handoff string // its identifier
	ref     string // what the code says of it
	number  int
}

// other is the way to the node that did not meet what happened, where there are two.
func (b *beside) other() door { return b.twice(1)[0] }

// shows shows a QR code in the browser.
func (b *beside) shows() {
	b.t.Helper()
	if b.web == nil {
		b.web = inSettings(b.t, b.at(0), b.email, "/settings/app")
	} else {
		must(b.t, "opening the page", b.web.open(http.MethodGet, b.web.issuer+"/settings/app", nil))
	}
	must(b.t, "showing a code", b.web.submit(url.Values{"do": {"show"}}))
	h := grant.Handoff{ID: grant.HandoffID(path.Base(b.web.page.Path))}
	err := b.sql.QueryRowContext(b.t.Context(), `SELECT reference FROM handoffs WHERE id = $1`, string(h.ID)).Scan(&h.Reference)
	must(b.t, "finding the code", err)
	master, err := keys.ParseMaster(b.Master)
	must(b.t, "reading the master key", err)
	sealer, err := keys.NewSealer(master)
	must(b.t, "making a sealer", err)
	ref, err := sealer.Open(h.Reference, h.ReferenceBinding())
	must(b.t, "opening the code", err)
	b.handoff, b.ref = string(h.ID), string(ref)
}

// claim scans the code.
func (b *beside) claim(d door) (told, error) {
	return b.ask(d, http.MethodPost, "/app/handoff", "", fields("reference", b.ref, "code_challenge", challenge,
		"code_challenge_method", "S256", "device_name", "Telefoon"))
}

// claims scans the code, and has its number.
func (b *beside) claims() {
	b.t.Helper()
	a, err := b.claim(b.other())
	if err != nil || a.Handoff != b.handoff || a.Number < 10 {
		b.t.Fatalf("scanning: %d %s %v", a.status, a.body, err)
	}
	b.number = a.Number
}

// types types the number in the browser.
func (b *beside) types() {
	b.t.Helper()
	must(b.t, "opening the page", b.web.open(http.MethodGet, b.web.issuer+"/settings/app/"+b.handoff, nil))
	must(b.t, "typing the number", b.web.submit(url.Values{"match": {strconv.Itoa(b.number)}, "do": {"continue"}}))
	if n := b.row(b.t, `SELECT COUNT(*) FROM handoffs WHERE id = $1 AND confirmed_at IS NOT NULL`, b.handoff); n != 1 {
		b.t.Fatal("the number was not taken")
	}
}

// scanned is a code that the phone has.
func (b *beside) scanned() {
	b.t.Helper()
	b.shows()
	b.claims()
}

// typed is one whose number was typed.
func (b *beside) typed() {
	b.t.Helper()
	b.scanned()
	b.types()
}

// poll asks for the answer.
func (b *beside) poll(d door) (told, error) {
	return b.ask(d, http.MethodPost, "/token", "",
		fields("grant_type", grant.HandoffGrant, "handoff_id", b.handoff, "code_verifier", verifier))
}

// answered polls until there is another answer than that it is not yet time, and has it.
func (b *beside) answered(want string) {
	b.t.Helper()
	a, err := b.poll(b.other())
	must(b.t, "polling", err)
	if got := a.Error + a.Scope; got != want {
		b.t.Fatalf("polling: %d %s, want %s", a.status, a.body, want)
	}
	b.setup = a.Access
}

// again scans another code, to the end, and chooses a PIN: the device is the one that it was, if it was one.
func (b *beside) again() {
	b.t.Helper()
	b.typed()
	b.answered(grant.AppPIN)
	b.choose(b.t, b.other())
	if n := b.row(b.t, `SELECT COUNT(*) FROM app_devices WHERE jkt = $1`, b.jkt); n != 1 {
		b.t.Errorf("%d devices were made", n)
	}
}

// signedIn makes a device without a PIN.
func (b *beside) signedIn() {
	b.t.Helper()
	must(b.t, "signing in on a phone", b.signIn(b.other(), b.email, idptest.Password))
}

// entered makes one with a PIN.
func (b *beside) entered() {
	b.t.Helper()
	b.signedIn()
	b.choose(b.t, b.other())
}

// held checks that nobody compares anything while a try may be in work, and lets that pass.
func (b *beside) held() {
	b.t.Helper()
	if a, err := b.pin(b.other(), idptest.PhonePIN); err != nil || !a.is("slow_down") {
		b.t.Errorf("while a try may be in work: %d %s %v", a.status, a.body, err)
	}
	b.waited(b.t, b.handset)
}

func rightPIN(b *beside, d door) (told, error) { return b.pin(d, idptest.PhonePIN) }
func badPIN(b *beside, d door) (told, error)   { return b.pin(d, wrongPIN) }
func putPIN(b *beside, d door) (told, error)   { return b.put(d, idptest.PhonePIN) }

// putAgain sends the same PIN again, as a phone does that has no answer, and has it.
func putAgain(b *beside) {
	b.t.Helper()
	b.choose(b.t, b.other())
	if a, err := b.put(b.at(0), "73914"); err != nil || a.status != http.StatusUnauthorized {
		b.t.Errorf("another PIN with the same token: %d %s %v", a.status, a.body, err)
	}
	b.works(b.t, b.at(0))
}

// The statements at which the database goes away.
const (
	setsPIN    = "SET pin = $1, pin_set_at"
	countsTry  = "SET tries = tries + 1"
	takesTry   = "SET comparing = '', tries = 0"
	refusesTry = "SET comparing = '', tried = $1"
	removes    = "pin = NULL"
	claimsCode = "number = $8, claimed_at = $1"
	pollsCode  = "SET hurried ="
	redeems    = "ending = 'done'"
)

// awayInTheMiddle is what the app asks while the database goes away, at which statement, and how it goes on afterwards. done
// says that the database had done it all the same, and the node does not know.
var awayInTheMiddle = []struct {
	name    string
	at      stop
	prepare func(*beside)
	ask     func(*beside, door) (told, error)
	goesOn  func(*beside)
}{
	{"choosing a PIN", stop{statement: setsPIN, commit: true}, (*beside).signedIn, putPIN, putAgain},
	{"choosing a PIN, which is chosen", stop{statement: setsPIN, commit: true, done: true}, (*beside).signedIn, putPIN, putAgain},
	{"a PIN before it is counted", stop{statement: countsTry}, (*beside).entered, rightPIN, func(b *beside) {
		b.knows(b.t, b.other(), 0)
	}},
	{"a PIN, which is counted", stop{statement: countsTry, done: true}, (*beside).entered, rightPIN, func(b *beside) {
		b.held()
		b.knows(b.t, b.other(), 1)
	}},
	{"a right PIN before it is taken", stop{statement: takesTry, commit: true}, (*beside).entered, rightPIN, func(b *beside) {
		b.works(b.t, b.other()) // by the PIN before
		b.held()
		b.knows(b.t, b.other(), 1)
	}},
	{"a right PIN, which is taken", stop{statement: takesTry, commit: true, done: true}, (*beside).entered, rightPIN, func(b *beside) {
		b.knows(b.t, b.other(), 0)
		const live = `SELECT COUNT(*) FROM grants WHERE dpop_jkt = $1 AND ended_at IS NULL`
		if n := b.row(b.t, live, b.jkt); n != 1 {
			b.t.Errorf("the device has %d grants", n)
		}
	}},
	{"a wrong PIN before it is refused", stop{statement: refusesTry, commit: true}, (*beside).entered, badPIN, func(b *beside) {
		b.held()
		b.knows(b.t, b.other(), 1)
	}},
	{"a wrong PIN, which is refused", stop{statement: refusesTry, commit: true, done: true}, (*beside).entered, badPIN, func(b *beside) {
		b.mistypes(b.t, b.other(), 3)
		b.knows(b.t, b.other(), 2)
	}},
	{"the fifth wrong PIN before the device is removed", stop{statement: removes, commit: true}, func(b *beside) {
		b.entered()
		b.mistypes(b.t, b.at(0), 4, 3, 2, 1)
	}, badPIN, func(b *beside) {
		b.works(b.t, b.other()) // by the PIN before
		b.held()
		if a, err := b.pin(b.other(), idptest.PhonePIN); err != nil || !a.gone() {
			b.t.Errorf("the PIN: %d %s %v", a.status, a.body, err)
		}
	}},
	{"the fifth wrong PIN, by which the device is removed", stop{statement: removes, commit: true, done: true}, func(b *beside) {
		b.entered()
		b.mistypes(b.t, b.at(0), 4, 3, 2, 1)
	}, badPIN, func(b *beside) {
		if a, err := b.pin(b.other(), idptest.PhonePIN); err != nil || !a.gone() {
			b.t.Errorf("the PIN: %d %s %v", a.status, a.body, err)
		}
	}},
	{"scanning", stop{statement: claimsCode, commit: true}, (*beside).shows, (*beside).claim, func(b *beside) {
		b.claims()
		b.types()
		b.answered(grant.AppPIN)
	}},
	{"scanning, and the code is used", stop{statement: claimsCode, commit: true, done: true}, (*beside).shows, (*beside).claim, func(b *beside) {
		if a, err := b.claim(b.other()); err != nil || !a.is("invalid_grant") {
			b.t.Errorf("scanning again: %d %s %v", a.status, a.body, err)
		}
		b.again()
	}},
	{"asking before the number is typed", stop{statement: pollsCode, done: true}, (*beside).scanned, (*beside).poll, func(b *beside) {
		b.types()
		b.answered(grant.AppPIN)
		b.choose(b.t, b.other())
	}},
	{"asking for the answer", stop{statement: redeems, commit: true}, (*beside).typed, (*beside).poll, func(b *beside) {
		b.answered(grant.AppPIN)
		b.choose(b.t, b.other())
	}},
	{"asking for the answer, which was given", stop{statement: redeems, commit: true, done: true}, (*beside).typed, (*beside).poll, func(b *beside) {
		b.answered("invalid_grant")
		b.again()
	}},
}

// TestDatabaseGoesAwayInTheMiddleOfTheApp: whoever asks is told to come back, as docs/app.md says, by both nodes; and after it
// is back the phone goes on, with what was done as done, and what was not done as not.
func TestDatabaseGoesAwayInTheMiddleOfTheApp(t *testing.T) {
	var way *line
	p := newPair(t, 0, func(dsn string) (via string) {
		way, via = newTap(t, dsn)
		return via
	}).withPhones(len(awayInTheMiddle))
	for i, row := range awayInTheMiddle {
		t.Run(row.name, func(t *testing.T) {
			b := &beside{pair: p, handset: newHandset(t, p.issuer), t: t, email: email(i)}
			row.prepare(b)
			at := way.tap.at(row.at)
			answers := make(chan error, 1)
			go func() {
				a, err := row.ask(b, p.at(0))
				answers <- errors.Join(err, a.later())
			}()
			at.wait(t)
			way.cut()
			if err := <-answers; err != nil {
				t.Errorf("in the middle: %v", err)
			}
			for node := range p.nodes {
				if a, err := row.ask(b, p.at(node)); err != nil || a.later() != nil {
					t.Errorf("node %d without a database: %d %s %v", node, a.status, a.body, err)
				}
			}
			way.mend()
			p.back(t)
			row.goesOn(b)
		})
	}
}

// back waits until both nodes have done with the connections that are dead.
func (p *pair) back(t *testing.T) {
	t.Helper()
	begun := time.Now()
	p.become(http.StatusOK)
	for i := range p.nodes {
		for {
			errs := make(chan error, atOnce)
			for range atOnce {
				go func() {
					_, err := newPerson(p.at(i), "").ask(steady, nil)
					errs <- err
				}()
			}
			var all error
			for range atOnce {
				all = errors.Join(all, <-errs)
			}
			if all == nil {
				break
			}
			if time.Since(begun) > backAfter {
				t.Fatalf("node %d, %s after the database is back: %v", i, backAfter, all)
			}
		}
	}
}

// TestFileIsBusyInTheMiddleOfTheApp: another process writes to the file for longer than anybody waits. Who is answered is told
// to come back; nothing is counted or used by that, and the phones go on.
func TestFileIsBusyInTheMiddleOfTheApp(t *testing.T) {
	p := newAlone(t, 0).withPhones(4)
	all := make([]*beside, 4)
	for i := range all {
		all[i] = &beside{pair: p, handset: newHandset(t, p.issuer), t: t, email: email(i)}
	}
	// the order of busyAsks
	all[0].signedIn()
	all[1].entered()
	all[2].shows()
	all[3].typed()
	other, err := p.sql.Conn(t.Context())
	must(t, "connecting", err)
	defer func() { _ = other.Close() }() // the test is over
	_, err = other.ExecContext(t.Context(), "BEGIN IMMEDIATE")
	must(t, "locking the file", err)
	var asking sync.WaitGroup
	told, errs := make([]told, len(all)), make([]error, len(all))
	first := make(chan struct{}, len(all))
	for i, ask := range busyAsks {
		asking.Go(func() {
			told[i], errs[i] = ask(all[i], p.at(0).patiently())
			first <- struct{}{}
		})
	}
	<-first
	_, err = other.ExecContext(t.Context(), "ROLLBACK")
	must(t, "letting the file go", err)
	asking.Wait()
	refused := 0
	for i, a := range told {
		if errs[i] != nil {
			t.Fatalf("request %d: %v", i, errs[i])
		}
		if a.status < http.StatusBadRequest { // it waited for less than the others
			continue
		}
		if refused++; a.later() != nil {
			t.Errorf("request %d: %v", i, a.later())
		}
	}
	if refused == 0 {
		t.Error("nobody met a busy file")
	}
	t.Logf("%d of %d were told to come back", refused, len(told))
	all[0].choose(t, p.at(0))
	all[1].knows(t, p.at(0), 0)
	if told[2].Handoff != "" {
		all[2].number = told[2].Number
	} else {
		all[2].claims()
	}
	all[2].types()
	all[2].answered(grant.AppPIN)
	if told[3].Access == "" {
		all[3].answered(grant.AppPIN)
	}
}

var busyAsks = []func(*beside, door) (told, error){putPIN, rightPIN, (*beside).claim, (*beside).poll}

// patiently is the same way for who waits as long as a request hangs at most.
func (d door) patiently() door {
	client := *d.client
	client.Timeout = hungAfter
	return door{d.issuer, &client, false}
}
