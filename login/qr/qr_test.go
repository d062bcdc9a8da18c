package qr_test

import (
	"bytes"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/secret"
)

const page = "https://id.test/p/linde/settings/app"

// desk is a house, and a browser in which anna is signed in.
type desk struct {
	*idptest.Server
	t *testing.T
	b *idptest.Browser
}

func newDesk(t *testing.T, policy string) *desk {
	t.Helper()
	s := idptest.NewServer(t, idptest.SQLite(t))
	s.Site("linde.test", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.Declare(idptest.Demo{
		Issuer: "https://id.test/p/linde", More: "locale: en", Policy: "app_devices: 2, " + policy,
		Parties:  []string{"client_id: app, type: native, mobile_app: true"},
		Accounts: []string{"email: anna@example.org", "email: bram@example.org"},
	})
	d := &desk{Server: s, t: t, b: idptest.NewBrowser(s, "en")}
	d.signIn("anna@example.org")
	return d
}

func (d *desk) signIn(who string) {
	d.t.Helper()
	idptest.LogIn(d.t, d.b, page, who)
}

func (d *desk) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) press(key string) {
	d.t.Helper()
	d.b.MustPress(d.t, idptest.Text("en", key))
}

func (d *desk) sees(key string) {
	d.t.Helper()
	if said, _, _ := strings.Cut(idptest.Text("en", key), "{"); !strings.Contains(idptest.Visible(d.b.Doc), said) {
		d.t.Errorf("%s is not said: %s", key, idptest.Visible(d.b.Doc))
	}
}

// shown makes a code, and is the handoff that the page is of.
func (d *desk) shown() grant.HandoffID {
	d.t.Helper()
	d.b.MustOpen(d.t, page)
	d.press("qr.show")
	d.sees("qr.code_title")
	return grant.HandoffID(d.b.URL.Path[strings.LastIndex(d.b.URL.Path, "/")+1:])
}

// handoff is a handoff as it is stored.
func (d *desk) handoff(id grant.HandoffID) *grant.Handoff {
	d.t.Helper()
	a, err := d.DB.AccountByEmail(d.t.Context(), "linde", "anna@example.org")
	d.must(err)
	all, err := d.DB.Sessions(d.t.Context(), "linde", a.ID, d.Clock.Now())
	d.must(err)
	h, err := d.DB.Handoff(d.t.Context(), "linde", id, a.ID, all[0].ID)
	d.must(err)
	return h
}

// scan is a phone that reads the code and shows a number.
func (d *desk) scan(id grant.HandoffID, number string) {
	d.t.Helper()
	h := d.handoff(id)
	reference, err := d.Sealer.Open(h.Reference, h.ReferenceBinding())
	d.must(err)
	_, err = d.DB.ClaimHandoff(d.t.Context(), grant.Claiming{
		Claim:    grant.Claim{Party: "app", JKT: "key", Challenge: "challenge", Name: "Anna's <phone>", Nearby: "192.0.2.0/24"},
		Platform: "linde", Hash: secret.Hash(string(reference)), Now: d.Clock.Now(),
		Seal:  func(id grant.HandoffID) []byte { return d.Sealer.Seal([]byte(number), id.NumberBinding()) },
		Event: audit.Event{At: d.Clock.Now(), Platform: "linde", Kind: audit.HandoffClaimed, Actor: "system"},
	})
	d.must(err)
}

func (d *desk) types(number string) {
	d.t.Helper()
	d.b.MustFill(d.t, idptest.Text("en", "qr.number"), number)
	d.press("qr.confirm")
}

func TestNumberOfThePhoneIsTypedInTheBrowser(t *testing.T) {
	d := newDesk(t, "app_qr: true")
	id := d.shown()
	d.must(d.b.Reload())
	d.sees("qr.code_title")
	d.must(d.b.Open(d.b.URL.String() + "?scanned=1"))
	d.sees("qr.not_yet")
	d.scan(id, "42")
	d.must(d.b.Reload())
	d.sees("qr.confirm_title")
	d.sees("qr.type_warning")
	d.types("4")
	d.sees("qr.error_number")
	d.types("17")
	d.sees("qr.error_wrong")
	d.types(" 42 ")
	d.sees("qr.done")
	h := d.handoff(id)
	if h.ConfirmedAt.IsZero() || len(h.Proofs) != 1 || h.Proofs[0].Source != "qr" {
		t.Errorf("got %+v", h)
	}
}

// The number is on the phone alone: not on a page, in an answer to a script or on record.
func TestNumberOfThePhoneIsNowhereElse(t *testing.T) {
	for _, number := range []string{"42", "97"} {
		d := newDesk(t, "app_qr: true")
		id := d.shown()
		var seen bytes.Buffer
		keep := func() {
			seen.WriteString(d.b.Body)
		}
		keep()
		d.scan(id, number)
		d.must(d.b.Reload())
		keep()
		d.types("17")
		keep()
		d.must(d.b.Open(page + "/" + string(id) + "/state"))
		keep()
		d.b.MustOpen(t, page+"/"+string(id))
		d.types(number)
		keep()
		alone := regexp.MustCompile(`(^|[^0-9A-Za-z#.-])` + number + `($|[^0-9A-Za-z.%-])`)
		plain := regexp.MustCompile(`(?s)<svg.*?</svg>`).ReplaceAllString(seen.String(), "")
		if at := alone.FindStringIndex(plain); at != nil {
			t.Errorf("%s is on a page: %s", number, plain[max(0, at[0]-60):min(len(plain), at[1]+60)])
		}
		var recorded string
		err := d.DB.SQL().QueryRowContext(t.Context(), "SELECT group_concat(kind || ' ' || actor || ' ' || party || ' ' || reason, ' ') FROM events").Scan(&recorded)
		if d.must(err); alone.MatchString(recorded) || !strings.Contains(recorded, string(audit.HandoffConfirmed)) {
			t.Errorf("%s is on record, or nothing is: %s", number, recorded)
		}
	}
}

func TestTwoWrongNumbersEndIt(t *testing.T) {
	d := newDesk(t, "app_qr: true")
	id := d.shown()
	d.scan(id, "42")
	d.must(d.b.Reload())
	d.types("17")
	d.types("18")
	d.sees("qr.wrong")
	d.sees("qr.stopped_warning")
	if end := d.handoff(id).End; end != grant.HandoffWrong {
		t.Errorf("it ended %s", end)
	}
}

func TestStoppingInTheBrowser(t *testing.T) {
	d := newDesk(t, "app_qr: true")
	id := d.shown()
	d.scan(id, "42")
	d.must(d.b.Reload())
	d.press("qr.confirm_no")
	d.sees("qr.stopped")
	d.must(d.b.Reload())
	d.sees("qr.stopped")
}

func TestCodeIsOverAfterAMinute(t *testing.T) {
	d := newDesk(t, "app_qr: true")
	d.shown()
	d.Clock.Later(grant.ReferenceLife)
	d.must(d.b.Reload())
	d.sees("qr.expired_title")
	d.press("qr.renew")
	d.sees("qr.intro")
}

func TestNewerCodeEndsTheOlder(t *testing.T) {
	d := newDesk(t, "app_qr: true")
	d.shown()
	old := d.b.URL.String()
	d.shown()
	d.b.MustOpen(t, old)
	d.sees("qr.replaced")
}

// To another session there is no handoff, whoever it is.
func TestHandoffIsOfItsSession(t *testing.T) {
	d := newDesk(t, "app_qr: true")
	d.shown()
	address := d.b.URL.String()
	first := d.b
	for _, who := range []string{"", "anna@example.org", "bram@example.org"} {
		d.b = idptest.NewBrowser(d.Server, "en")
		if who != "" {
			d.signIn(who)
		}
		for _, path := range []string{"", "/state"} {
			d.must(d.b.Open(address + path))
			if d.b.Status != http.StatusNotFound {
				t.Errorf("%q %s: %d", who, path, d.b.Status)
			}
		}
	}
	d.b = first
	d.b.MustOpen(t, address)
	d.sees("qr.code_title")
}

func TestPasswordIsAskedAfterFiveMinutes(t *testing.T) {
	d := newDesk(t, "app_qr: true")
	d.b.MustOpen(t, page)
	d.sees("qr.intro")
	d.Clock.Later(6 * time.Minute)
	d.must(d.b.Reload())
	d.sees("confirm_password.reason_qr")
	d.b.MustFill(t, idptest.Text("en", "login.password"), idptest.Password)
	d.press("common.continue")
	d.sees("qr.intro")
}

func TestSixCodesAnHourAreTooMany(t *testing.T) {
	d := newDesk(t, "app_qr: true")
	for range grant.HandoffsAnHour {
		d.shown()
	}
	d.b.MustOpen(t, page)
	d.press("qr.show")
	d.sees("qr.later")
}

// A code is offered only where an app takes it.
func TestWhereNoCodesAre(t *testing.T) {
	d := newDesk(t, "app_qr: false")
	d.must(d.b.Open(page))
	if strings.Contains(idptest.Visible(d.b.Doc), idptest.Text("en", "qr.title")) {
		t.Error("the page is there")
	}
	d.must(d.b.Open("https://id.test/p/linde/app"))
	if d.b.Status != http.StatusNotFound {
		t.Errorf("the page for cameras: %d", d.b.Status)
	}
	d = newDesk(t, "app_qr: true")
	stranger := idptest.NewBrowser(d.Server, "nl")
	stranger.MustOpen(t, "https://id.test/p/linde/app")
	if !strings.Contains(idptest.Visible(stranger.Doc), idptest.Text("nl", "qr.camera_warning")) {
		t.Error(idptest.Visible(stranger.Doc))
	}
	d.b.MustOpen(t, "https://id.test/p/linde/settings")
	d.sees("qr.title")
}
