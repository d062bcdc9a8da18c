package nodes_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/secret"
)

// endsOfADevice are the causes for which a device is no more (docs/app.md). Each happens at the node that d leads to, or by a
// command beside both. It returns when that was answered.
var endsOfADevice = []struct {
	name, email string
	end         func(t *testing.T, p *pair, d door, h *handset)
	refusal     string // of the PIN that is then entered, where it may be another one than that the device is no more
}{
	{"removed in the settings", "p0@example.org", func(t *testing.T, p *pair, d door, h *handset) {
		v := inSettings(t, d, "p0@example.org", "/settings/devices/app/"+p.device(t, h))
		must(t, "removing the device", v.submit(url.Values{"do": {"continue"}}))
	}, ""},
	{"removed by staff", "p1@example.org", func(t *testing.T, p *pair, d door, h *handset) {
		var account string
		const of = `SELECT account FROM app_devices WHERE jkt = $1`
		must(t, "finding the account", p.sql.QueryRowContext(t.Context(), of, h.jkt).Scan(&account))
		v := inSettings(t, d, "henk@example.org", "/staff/people/"+account+"/remove-device/"+p.device(t, h))
		must(t, "removing the device", v.submit(url.Values{"reason": {"lost-device"}, "do": {"continue"}}))
	}, ""},
	{"logged out everywhere", "p2@example.org", func(t *testing.T, _ *pair, d door, _ *handset) {
		v := inSettings(t, d, "p2@example.org", "/settings/devices")
		must(t, "logging out everywhere", v.open(http.MethodPost, v.issuer+"/settings/devices", url.Values{"do": {"logout"}}))
	}, ""},
	{"password replaced", "p3@example.org", func(t *testing.T, _ *pair, d door, _ *handset) {
		v := inSettings(t, d, "p3@example.org", "/settings/password")
		next := "acht groene regenjassen, " + secret.ID()
		must(t, "choosing a password", v.submit(url.Values{"password": {next}, "do": {"continue"}}))
	}, ""},
	{"two-step authentication reset by staff", "totp@example.org", func(_ *testing.T, p *pair, _ door, _ *handset) {
		p.OK("account", "reset-2fa", "totp@example.org", "--platform", "linde", "--reason", "lost-phone",
			"--identified", "in-person")
	}, ""},
	{"this was not me", "p4@example.org", func(t *testing.T, p *pair, d door, _ *handset) {
		token := secret.Token() // in place of that of the mail, which nobody reads here
		p.change(t, `UPDATE tickets SET hash = $1
			WHERE purpose = 'device' AND account = (SELECT id FROM accounts WHERE email = 'p4@example.org')`, hash(token))
		v := newPerson(d, "p4@example.org")
		must(t, "opening the button", v.open(http.MethodGet, p.issuer+"/link/"+token, nil))
		must(t, "blocking the account", v.submit(url.Values{"do": {"freeze"}}))
	}, ""},
	{"account deactivated", "p5@example.org", func(_ *testing.T, p *pair, _ door, _ *handset) {
		p.OK("account", "deactivate", "p5@example.org", "--platform", "linde", "--reason", "left")
	}, ""},
	{"the fifth wrong PIN", "p6@example.org", func(t *testing.T, _ *pair, d door, h *handset) {
		for left := 4; left >= 0; left-- {
			if a, err := h.pin(d, wrongPIN); err != nil || !a.wrong(left) {
				t.Fatalf("a wrong PIN: %d %s %v, want %d left", a.status, a.body, err, left)
			}
		}
	}, ""},
	{"another account with the same key", "p7@example.org", func(t *testing.T, _ *pair, d door, h *handset) {
		other := &handset{issuer: h.issuer, key: h.key, jkt: h.jkt}
		must(t, "signing in as somebody else", other.signIn(d, "p8@example.org", idptest.Password))
	}, "interaction_required"}, // the key has a device, which is the other one's and has no PIN
	{"no mobile app any more", "anna@example.org", func(_ *testing.T, p *pair, _ door, _ *handset) {
		const file = "platforms: [ { name: linde, parties: [ { client_id: app, mobile_app: false } ] } ]"
		p.OK("apply", p.File("no-app.yaml", file))
	}, "unauthorized_client"}, // the last row: nobody has the app then
}

// inSettings signs somebody in and is at a page for people who are.
func inSettings(t *testing.T, d door, email, path string) *person {
	t.Helper()
	v := newPerson(d, email)
	must(t, "opening "+path, v.open(http.MethodGet, v.issuer+path, nil))
	must(t, "giving the password", v.password())
	if strings.HasSuffix(v.page.Path, "/totp") {
		code := idptest.Code(t, idptest.TOTPSecret, time.Now())
		must(t, "giving the code", v.submit(url.Values{"code": {code}, "do": {"continue"}}))
	}
	if strings.HasPrefix(path, v.page.Path+"/") { // below the page that the address had before somebody signed in
		must(t, "opening "+path, v.open(http.MethodGet, v.issuer+path, nil))
	}
	if v.page.Path != path && !strings.HasSuffix(v.page.Path, "/new-password") {
		t.Fatalf("at %s, want %s", v.page, path)
	}
	return v
}

// TestEndedDeviceIsRefusedOnTheOtherNodeWithinASecond: whatever ends a device, its key, its PIN and its tokens are refused a
// second later by the node that had nothing to do with it.
func TestEndedDeviceIsRefusedOnTheOtherNodeWithinASecond(t *testing.T) {
	for name, serve := range onBoth {
		t.Run(name, func(t *testing.T) {
			p := serve(t).withPhones(9)
			for turn, row := range endsOfADevice {
				t.Run(row.name, func(t *testing.T) {
					doors := p.twice(turn)
					h := p.phone(t, doors[0], row.email)
					h.works(t, doors[1])
					row.end(t, p, doors[0], h)
					p.refusedWithin(t, doors[1], h, time.Now(), row.refusal)
				})
			}
		})
	}
}

// onBoth are installations on both databases. Where the database is a file there is one node, and the other one is that.
var onBoth = map[string]func(*testing.T) *pair{
	"PostgreSQL": func(t *testing.T) *pair { return newPair(t, 0, nil) },
	"SQLite":     func(t *testing.T) *pair { return newAlone(t, 0) },
}

// refusedWithin fails if anything of a phone is taken at a node that is asked later than atMost after the change. A right PIN
// would begin another session, so it is entered when all else is refused.
func (p *pair) refusedWithin(t *testing.T, d door, h *handset, since time.Time, refusal string) {
	t.Helper()
	for what, refused := range map[string]func() (bool, error){
		"refresh":       func() (bool, error) { a, err := h.renew(d, h.refresh); return a.is("invalid_grant"), err },
		"userinfo":      func() (bool, error) { got, err := h.userinfo(d, h.access); return got == http.StatusUnauthorized, err },
		"introspection": func() (bool, error) { is, err := active(d, h.access); return !is, err },
	} {
		soonRefused(t, what, since, refused)
	}
	a, err := h.pin(d, idptest.PhonePIN)
	if err != nil || !a.gone() && (refusal == "" || !a.is(refusal)) {
		t.Errorf("the PIN is answered %d %s %v", a.status, a.body, err)
	}
	if n := p.row(t, `SELECT COUNT(*) FROM app_devices WHERE jkt = $1 AND pin IS NOT NULL`, h.jkt); n != 0 {
		t.Error("its PIN is still there")
	}
	if n := p.row(t, `SELECT COUNT(*) FROM grants WHERE dpop_jkt = $1 AND ended_at IS NULL`, h.jkt); n != 0 {
		t.Errorf("%d grants of the device live", n)
	}
}

// soonRefused asks until it is refused, and fails if something is taken that was asked for too late.
func soonRefused(t *testing.T, what string, since time.Time, refused func() (bool, error)) {
	t.Helper()
	for {
		asked := time.Since(since)
		no, err := refused()
		must(t, what, err)
		if no {
			return
		}
		if asked > atMost {
			t.Errorf("%s: still taken %s after the change", what, asked)
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// TestDisabledAppIsRefusedUntilItIsEnabled: nothing is taken of a phone while its party is disabled, and afterwards it goes on.
func TestDisabledAppIsRefusedUntilItIsEnabled(t *testing.T) {
	p := newPair(t, 0, nil).withPhones(0)
	h := p.phone(t, p.at(0), "anna@example.org")
	p.OK("party", "disable", appID, "--platform", "linde")
	since := time.Now()
	for node := range p.nodes {
		d := p.at(node)
		soonRefused(t, "introspection", since, func() (bool, error) { is, err := active(d, h.access); return !is, err })
		for what, ask := range map[string]func() (told, error){ // the node knows: nothing is rotated or counted
			"refresh": func() (told, error) { return h.renew(d, h.refresh) },
			"PIN":     func() (told, error) { return h.pin(d, wrongPIN) },
		} {
			if a, err := ask(); err != nil || !a.is("invalid_client") {
				t.Errorf("node %d: %s: %d %s %v", node, what, a.status, a.body, err)
			}
		}
		if got, err := h.userinfo(d, h.access); err != nil || got != http.StatusUnauthorized {
			t.Errorf("node %d: userinfo: %d %v", node, got, err)
		}
	}
	p.OK("party", "enable", appID, "--platform", "linde")
	p.settled()
	for node := range p.nodes {
		h.works(t, p.at(node))
		h.knows(t, p.at(node), 0)
	}
}
