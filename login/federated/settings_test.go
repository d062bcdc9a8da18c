package federated_test

import (
	"strings"
	"testing"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/platform"
)

// linkOf is the account that somebody has at lindehof.
func (h house) linkOf(id account.ID) account.Credential {
	now := h.Clock.Now()
	return account.Credential{
		ID: account.CredentialID("ygr2m7nkc5vbz3hdtw6ysgjp8r"), Account: id, Method: federation.Method, Use: account.Primary, Label: "e.jansen@lindehof.example",
		External: federation.External("lindehof", "00u1"), AddedAt: now, ConfirmedAt: now,
	}
}

func (h house) signIn() {
	h.Helper()
	idptest.LogIn(h.T, h.Browser, "https://id.test/p/linde/settings", "anna@lindehof.example")
}

func (h house) anna() *account.Account {
	h.Helper()
	return idptest.Account(h.T, h.DB, "anna@lindehof.example")
}

// forAll makes a connection one for people in care too.
func forAll(c federation.Connection) federation.Connection {
	c.Roles = platform.Roles
	return c
}

func linked(t *testing.T) house {
	t.Helper()
	h := newHouse(t, forAll(at("lindehof", federation.AboveForm)), forAll(at("iep", federation.BelowForm)))
	change := authn.Change{Platform: "linde", Put: []account.Credential{h.linkOf(h.anna().ID)}}
	if err := h.DB.SaveChange(t.Context(), change, h.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	h.signIn()
	return h
}

// The page shows what somebody is linked to, and what else there is. Removing wants the password, and the owner is told.
func TestALinkIsRemovedByItsOwner(t *testing.T) {
	h := linked(t)
	other := idptest.NewBrowser(h.Server, "en")
	house{t, h.Server, other, h.party}.signIn()
	h.Clock.Later(authn.FreshFor * 2)
	h.MustOpen(t, "https://id.test/p/linde/settings")
	h.MustPress(t, "Account of your organisation")
	said := idptest.Visible(h.Doc)
	for _, want := range []string{"Organisatie lindehof", "e.jansen@lindehof.example", "Connect your Organisatie iep account"} {
		if !strings.Contains(said, want) {
			t.Errorf("the page does not say %q: %s", want, said)
		}
	}
	h.MustPress(t, "Remove connection")
	idptest.Reauthenticate(t, h.Browser)
	if len(h.anna().Credentials) != 2 || !strings.Contains(idptest.Visible(h.Doc), "Do you want to remove this connection?") {
		t.Fatalf("after the password: %s", idptest.Visible(h.Doc))
	}
	h.MustPress(t, "Remove connection")
	if said := idptest.Visible(h.Doc); !strings.Contains(said, "The connection has been removed.") || h.anna().HasLink("lindehof") {
		t.Errorf("after removing: %s", said)
	}
	idptest.Deliver(t, h)
	mails := h.Mails.Sent()
	if last := mails[len(mails)-1]; !strings.Contains(last.Text, "no longer connected to your Organisatie lindehof account") {
		t.Errorf("mail: %s", last.Text)
	}
	other.MustOpen(t, "https://id.test/p/linde/settings")
	if other.Button("Log in") == nil {
		t.Error("another browser is still logged in")
	}
}

// Nothing is said of it where there is no connection for somebody.
func TestNobodyElseSeesThePage(t *testing.T) {
	h := newHouse(t, at("lindehof", federation.AboveForm)) // for staff
	h.signIn()
	if h.Button("Account of your organisation") != nil {
		t.Error("a line of somebody for whom there is none")
	}
}
