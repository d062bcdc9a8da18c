package nodes_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/idptest"
)

// withApp signs somebody in with password and app, whose clock is so many steps off, and redeems the code.
func withApp(t *testing.T, d door, steps time.Duration) (*person, tokens) {
	t.Helper()
	bram := newPerson(d, "bram@example.org")
	_, err := bram.ask(steady, nil)
	must(t, "opening the login page", err)
	must(t, "giving the password", bram.password())
	code := idptest.Code(t, idptest.TOTPSecret, time.Now().Add(steps*30*time.Second))
	must(t, "giving the code", bram.submit(url.Values{"code": {code}}))
	answer, err := bram.code()
	must(t, "coming back", err)
	given, err := d.redeem(steady, answer)
	must(t, "redeeming", err)
	if given.Refresh == "" {
		t.Fatalf("not signed in: %s, %+v", bram.page, given)
	}
	return bram, given
}

// Turning the second factor off on one node ends the other sessions, and what parties were given there, on both.
func TestTurnedOffFactorEndsTheOtherSessionsOnBothNodesWithinASecond(t *testing.T) {
	p := newPair(t, 0, nil)
	file := house(p.issuer, 0)
	file.Accounts = append(file.Accounts, "email: bram@example.org, totp_secret: "+idptest.TOTPSecret)
	p.OK("apply", p.File("bram.yaml", file.File()))
	beside, kept := withApp(t, p.at(1), -1)
	owner, own := withApp(t, p.at(0), 0)
	must(t, "opening the settings", owner.open(http.MethodPost, p.issuer+"/settings/two-step", url.Values{"do": {"off"}}))
	must(t, "turning it off", owner.submit(url.Values{"do": {"continue"}}))
	since := time.Now()
	p.everywhere(t, since, "turning off", func(d door) bool {
		got, err := beside.copied(d).silently(steady)
		must(t, "asking silently", err)
		return got == "login_required" && dead(t, d, steady, kept)
	})
	for i := range p.nodes {
		if got, err := owner.copied(p.at(i)).silently(steady); err != nil || got != "code" {
			t.Errorf("node %d: the session that turned it off: %q %v", i, got, err)
		}
		if got := p.at(i).userinfo(own.Access); got != http.StatusOK {
			t.Errorf("node %d: what it was given: userinfo %d", i, got)
		}
	}
}
