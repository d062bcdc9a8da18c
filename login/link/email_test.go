package link_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/internal/setup"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/staff"
)

// newHouse is one platform with one account.
func newHouse(t *testing.T) *idptest.Server {
	s := idptest.NewServer(t, idptest.SQLite(t))
	s.Declare(idptest.Demo{Accounts: []string{"email: anna@example.org, name: { given: Anna }"}})
	return s
}

// changing is a mail to a new address of anna, and the ticket of its button.
func changing(t *testing.T, s *idptest.Server, to string) (link string, ticket func() authn.TicketState) {
	t.Helper()
	if err := s.Tools().Acts().SetEmail(t.Context(), "linde", staff.ByAddress("anna@example.org"), to, staff.Justification{Reason: staff.NewAddress}); err != nil {
		t.Fatal(err)
	}
	idptest.Deliver(t, s)
	for _, m := range s.Mails.Sent() {
		if m.Kind == outbox.EmailConfirm && m.To == to {
			link = m.Link
			if strings.Contains(m.Text, "Anna") {
				t.Error("the mail to an address that nobody confirmed names a person")
			}
		}
	}
	_, token, ok := strings.Cut(link, "/link/")
	if !ok {
		t.Fatalf("no mail to %s", to)
	}
	return link, func() authn.TicketState {
		found, err := s.DB.Ticket(t.Context(), "linde", secret.Hash(token))
		if err != nil {
			t.Fatal(err)
		}
		return found.State(s.Clock.Now())
	}
}

func TestNewAddressThatIsTakenSpendsNothing(t *testing.T) {
	s := newHouse(t)
	link, state := changing(t, s, "anna.bakker@example.org")
	b := idptest.NewBrowser(s, "en")
	b.MustOpen(t, link)
	if _, err := setup.AddAccount(t.Context(), s.Tools(), "linde", setup.Account{Email: "Anna.Bakker@example.org"}); err != nil {
		t.Fatal(err)
	}
	b.MustPress(t, "Confirm email address")
	if !strings.Contains(b.Body, "Your email address has not changed") || state() != authn.TicketWorks {
		t.Errorf("at %s, ticket %q", b.URL, state())
	}
	a, err := s.DB.AccountByEmail(t.Context(), "linde", "anna@example.org")
	if err != nil || a.Email.Address != "anna@example.org" {
		t.Errorf("account %+v, %v", a, err)
	}
}

func TestNewAddressCountsOnceConfirmed(t *testing.T) {
	s := newHouse(t)
	before := idptest.Account(t, s.DB, "anna@example.org")
	link, state := changing(t, s, "anna.bakker@example.org")
	b := idptest.NewBrowser(s, "en")
	b.MustOpen(t, link)
	b.MustOpen(t, link)
	if state() != authn.TicketWorks {
		t.Fatalf("opening the link leaves its ticket %q", state())
	}
	b.MustPress(t, "Confirm email address")
	after := idptest.Account(t, s.DB, "anna.bakker@example.org")
	if after.ID != before.ID || !after.EmailVerifiedAt.Equal(s.Clock.Now()) || state() != authn.TicketUsed {
		t.Errorf("account %+v, ticket %q", after, state())
	}
	if _, err := s.DB.AccountByEmail(t.Context(), "linde", "anna@example.org"); !errors.Is(err, fault.NotFound) {
		t.Errorf("the old address still finds an account: %v", err)
	}
	// the address moved on: the old mail does not say any more that it counts
	if err := s.Tools().Acts().SetEmail(t.Context(), "linde", staff.ByAddress("anna.bakker@example.org"), "anna.b@example.org", staff.Justification{Reason: staff.NewAddress}); err != nil {
		t.Fatal(err)
	}
	idptest.Deliver(t, s)
	sent := s.Mails.Sent()
	for _, m := range sent {
		if m.To == "anna.b@example.org" {
			b.MustOpen(t, m.Link)
			b.MustPress(t, "Confirm email address")
		}
	}
	b.MustOpen(t, link)
	if strings.Contains(b.Body, "anna.bakker@example.org") || !strings.Contains(b.Body, "This button has already been used") {
		t.Errorf("the link of an address that was replaced shows %s", idptest.Visible(b.Doc))
	}
}

func TestNewAddressOfDeactivatedAccountIsNotConfirmed(t *testing.T) {
	s := newHouse(t)
	link, state := changing(t, s, "anna.bakker@example.org")
	b := idptest.NewBrowser(s, "en")
	b.MustOpen(t, link)
	a := idptest.Account(t, s.DB, "anna@example.org")
	e := audit.Event{At: s.Clock.Now(), Platform: "linde", Kind: audit.AccountDeactivated, Actor: "cli test", Account: a.ID, Outcome: audit.Success}
	if err := s.DB.SetState(t.Context(), "linde", a.ID, account.Deactivated, e, s.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	b.MustPress(t, "Confirm email address")
	if state() == authn.TicketUsed || b.Status >= 500 {
		t.Errorf("at %s (%d), ticket %q", b.URL, b.Status, state())
	}
	if _, err := s.DB.AccountByEmail(t.Context(), "linde", "anna.bakker@example.org"); !errors.Is(err, fault.NotFound) {
		t.Errorf("the new address counts: %v", err)
	}
}
