package nodes_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/idptest"
)

// resends are how often a welcome mail is sent again by two commands at once.
const resends = 40

// TestResentAtOnceOneLinkWorks: two operators send a welcome mail again at the same time, each from a node of their
// own, and the person who waits for it asks for it as well. Neither command fails, and one link works.
func TestResentAtOnceOneLinkWorks(t *testing.T) {
	p := newPair(t, 0, nil)
	p.OK("account", "add", "bram@example.org", "--platform", "linde")
	bram := newPerson(p.through(), "bram@example.org")
	for round := range times(t, "IDP_RESENDS", resends) {
		if round%4 == 0 { // more would be too many
			must(t, "asking for a mail", bram.open(http.MethodGet, p.issuer+"/forgot", nil))
			must(t, "sending the form", bram.submit(url.Values{"email": {bram.email}, "do": {"continue"}}))
		}
		var both sync.WaitGroup
		for range 2 {
			both.Go(func() { p.OK("account", "resend", "bram@example.org", "--platform", "linde") })
		}
		both.Wait()
		n := p.row(t, `SELECT COUNT(*) FROM tickets WHERE purpose = 'welcome' AND used_at IS NULL AND voided_at IS NULL`)
		if n != 1 {
			t.Fatalf("round %d: %d links work", round, n)
		}
	}
}

// appSecret is what a page says to the app on the same phone.
var appSecret = regexp.MustCompile(`otpauth://totp/[^"]*secret=([A-Z2-7]+)`)

// TestWhatIsUnderWayEndsOnBothNodes: somebody gives the password on one node; the account is deactivated and active
// again; the code is given on the other node. The same with a reset by staff, and with a set-up instead of the code.
func TestWhatIsUnderWayEndsOnBothNodes(t *testing.T) {
	p := newPair(t, 0, nil)
	file := house(p.issuer, 0)
	file.Policy = "second_factor: { client: required, staff: required }, code_methods: [totp]"
	file.Accounts = append(file.Accounts, "email: totp@example.org, totp_secret: "+idptest.TOTPSecret)
	p.OK("apply", p.File("required.yaml", file.File()))
	p.settled()
	for _, row := range []struct {
		name, email, next string
		act               []string
	}{
		{"code after deactivation", "totp@example.org", "/totp", []string{"deactivate", "--reason", "left"}},
		{"set-up after deactivation", "anna@example.org", "/app-setup", []string{"deactivate", "--reason", "left"}},
		{"code after a reset", "totp@example.org", "/totp", []string{"reset-2fa", "--reason", "lost-phone", "--identified", "in-person"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			one := newPerson(p.at(0), row.email)
			_, err := one.ask(steady, nil)
			must(t, "opening the login page", err)
			must(t, "giving the password", one.password())
			if row.next == "/app-setup" {
				must(t, "starting the set-up", one.submit(url.Values{"do": {"start"}}))
			}
			if !strings.HasSuffix(one.page.Path, row.next) {
				t.Fatalf("at %s, want %s", one.page, row.next)
			}
			before := p.row(t, `SELECT COUNT(*) FROM credentials WHERE retired_at IS NULL`)
			args := append([]string{"account", row.act[0], row.email, "--platform", "linde"}, row.act[1:]...)
			p.OK(args...)
			if row.act[0] == "deactivate" {
				p.OK("account", "reactivate", row.email, "--platform", "linde", "--reason", "returned")
			}
			other := one.copied(p.at(1))
			other.page, other.shown = one.page, one.shown
			key := idptest.TOTPSecret
			if shown := appSecret.FindStringSubmatch(one.shown.body); shown != nil {
				key = shown[1]
			}
			code := idptest.Code(t, key, time.Now())
			must(t, "giving the code", other.submit(url.Values{"code": {code}, "do": {"continue"}}))
			if other.back.Has("code") || other.away != "https://linde.test/home" {
				t.Errorf("went on: %s, away at %q", other.page, other.away)
			}
			if got, err := other.silently(steady); err != nil || got != "login_required" {
				t.Errorf("signed in: %q %v", got, err)
			}
			after := p.row(t, `SELECT COUNT(*) FROM credentials WHERE retired_at IS NULL`)
			if after > before {
				t.Errorf("%d credentials became %d", before, after)
			}
		})
	}
}
