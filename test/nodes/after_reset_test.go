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

// After a reset by staff the last form of the mail's journey is sent many times at once, to two nodes, and by several
// browsers that opened the same button: the mark goes once, and one session starts. Whoever gave the password meanwhile
// and has no mail has nothing.
func TestOwnerIsShownOnce(t *testing.T) {
	p := newPair(t, 0, nil)
	file := house(p.issuer, 0)
	file.Policy = "second_factor: { client: optional, staff: optional }, code_methods: [totp]"
	file.Accounts = append(file.Accounts, "email: totp@example.org, totp_secret: "+idptest.TOTPSecret)
	p.OK("apply", p.File("optional.yaml", file.File()))
	p.OK("account", "reset-2fa", "totp@example.org", "--platform", "linde", "--reason", "lost-phone", "--identified", "in-person")
	p.settled()

	thief := newPerson(p.at(1), "totp@example.org")
	_, err := thief.ask(steady, nil)
	must(t, "opening the login page", err)
	must(t, "giving the password", thief.password())
	if !strings.HasSuffix(thief.page.Path, "/check-mail") {
		t.Fatalf("whoever has the password is at %s", thief.page)
	}
	p.nodes[0].Soon(10*time.Second, "through with the request for a mail", func() bool {
		return p.row(t, `SELECT COUNT(*) FROM tickets WHERE purpose = 'after-reset'`) > 0
	})
	token := secret.Token() // in place of that of the mail, which nobody reads here
	p.change(t, `UPDATE tickets SET voided_at = 1 WHERE purpose = 'after-reset' AND used_at IS NULL AND voided_at IS NULL`)
	p.change(t, `INSERT INTO tickets (platform, hash, purpose, account, party, issued_at, expires_at)
		SELECT platform, $1, 'after-reset', id, '', $2, $3 FROM accounts WHERE email = 'totp@example.org'`,
		hash(token), time.Now().UnixMilli(), time.Now().Add(time.Hour).UnixMilli())

	var owners []*person // the same button, in three browsers
	for i := range 3 {
		owner := newPerson(p.at(i%2), "totp@example.org")
		must(t, "opening the button", owner.open(http.MethodGet, p.issuer+"/link/"+token, nil))
		must(t, "giving the password", owner.password())
		if !strings.HasSuffix(owner.page.Path, "/set-up") {
			t.Fatalf("the owner is at %s", owner.page)
		}
		owners = append(owners, owner)
	}
	tabs := make(chan *person, atOnce)
	for i := range atOnce {
		tabs <- owners[i%len(owners)]
	}
	signedIn := map[string]bool{}
	for _, tab := range together(t, &p.site, atOnce, func(d door) (*person, error) {
		one := <-tabs
		tab := one.copied(d)
		action := formAction.FindStringSubmatch(one.shown.body)
		to, err := one.page.Parse(action[1])
		if err != nil {
			return nil, err
		}
		a, _, err := tab.step(http.MethodPost, to.String(), url.Values{"do": {"later"}})
		tab.shown = a
		return tab, err
	}) {
		if tab.shown.status != http.StatusSeeOther && tab.shown.status != http.StatusOK {
			t.Errorf("a submit was answered %d", tab.shown.status)
		}
		if cookie := tab.cookies[sessionCookie]; cookie != "" {
			signedIn[cookie] = true
		}
	}
	if len(signedIn) != 1 {
		t.Errorf("%d browsers are signed in, want 1", len(signedIn))
	}
	for says, n := range map[string]int{
		`SELECT COUNT(*) FROM sessions WHERE ended_at IS NULL AND account = (SELECT id FROM accounts WHERE email = 'totp@example.org')`: 1,
		`SELECT COUNT(*) FROM accounts WHERE marked_at IS NOT NULL`:                                                                     0,
		`SELECT COUNT(*) FROM events WHERE kind = 'two_step.confirm'`:                                                                   1,
		`SELECT COUNT(*) FROM tickets WHERE purpose = 'after-reset' AND used_at IS NOT NULL`:                                            1,
	} {
		if got := p.row(t, says); got != n {
			t.Errorf("%s: %d, want %d", says, got, n)
		}
	}
	must(t, "sending the form again", thief.submit(url.Values{"do": {"again"}}))
	if got, err := thief.silently(steady); err != nil || got != "login_required" {
		t.Errorf("whoever has the password has %q %v", got, err)
	}
}
