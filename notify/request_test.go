package notify

import (
	"bytes"
	"testing"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
)

// linde is a platform whose neutral name hides what it is.
func linde() *platform.Platform {
	p := &platform.Platform{
		ID: "linde", Issuer: "https://login.linde.test", Organisation: "GGZ De Linde", Name: "De Linde Online",
		HomeURL: "https://linde.test/home", NeutralName: "Minddistrict", HelpPublic: platform.Contact{Email: "help@linde.test", Phone: "010 123 45 67"},
		HelpStaff: platform.Contact{Email: "ict@linde.test"}, Policy: platform.DefaultPolicy(),
	}
	p.Defaults()
	return p
}

func anna(state account.State) *account.Account {
	return &account.Account{
		ID: "anna", Platform: "linde", Email: account.Email{Address: "Anna@example.org", Key: "anna@example.org"},
		Role: platform.Client, State: state, Profile: account.Profile{GivenName: "Anna", MiddleName: "van der", FamilyName: "Bakker"},
	}
}

// marked is anna after staff reset her two-step authentication.
func marked() *account.Account {
	a := anna(account.Active)
	a.MarkedAt = time.Unix(1e9, 0)
	return a
}

// as is anna in another role.
func as(role platform.Role) *account.Account {
	a := anna(account.Active)
	a.Role = role
	return a
}

// clear is a sealer that shows what it is given.
type clear struct{}

func (clear) Seal(plain []byte, binding string) []byte { return append([]byte(binding+"|"), plain...) }

func (clear) Open(sealed []byte, binding string) ([]byte, error) {
	plain, ok := bytes.CutPrefix(sealed, []byte(binding+"|"))
	if !ok {
		return nil, because(errLater, "another binding")
	}
	return plain, nil
}

func TestWishBecomes(t *testing.T) {
	open, closed := linde(), linde()
	open.Policy.SelfSignUp, closed.Policy.SelfSignUp = true, false
	for _, row := range []struct {
		wish   outbox.Kind
		p      *platform.Platform
		a      *account.Account
		letter outbox.Kind
	}{
		{outbox.PasswordResetRequest, closed, anna(account.Active), outbox.PasswordReset},
		{outbox.PasswordResetRequest, closed, anna(account.Invited), outbox.Welcome},
		{outbox.PasswordResetRequest, closed, anna(account.Deactivated), outbox.AccountInactive},
		{outbox.PasswordResetRequest, open, nil, ""},
		{outbox.SignUpRequest, open, anna(account.Active), outbox.AccountExists},
		{outbox.SignUpRequest, open, anna(account.Invited), outbox.Welcome},
		{outbox.SignUpRequest, open, anna(account.Deactivated), outbox.AccountInactive},
		{outbox.SignUpRequest, open, nil, outbox.SignUpConfirm},
		{outbox.SignUpRequest, closed, nil, ""}, // switched off since the page was sent
		{outbox.UnblockRequest, closed, anna(account.Active), outbox.Unblock},
		{outbox.UnblockRequest, closed, anna(account.Invited), outbox.Welcome},
		{outbox.UnblockRequest, closed, anna(account.Deactivated), ""},
		{outbox.UnblockRequest, open, nil, ""},
		{outbox.AfterResetRequest, closed, marked(), outbox.AfterReset},
		{outbox.AfterResetRequest, closed, anna(account.Active), ""}, // the owner was shown meanwhile
		{outbox.AfterResetRequest, open, nil, ""},
		{outbox.LinkCodeRequest, open, nil, ""},
		{outbox.LinkCodeRequest, closed, anna(account.Active), outbox.LinkCode},
		{outbox.LinkCodeRequest, closed, anna(account.Invited), outbox.LinkCode},
		{outbox.LinkCodeRequest, closed, anna(account.Deactivated), ""},
		{outbox.LinkCodeRequest, closed, marked(), ""}, // the mail is half of what its owner shows
		{outbox.LinkCodeRequest, closed, as(platform.Helpdesk), ""},
		{outbox.LinkCodeRequest, closed, as(platform.Manager), ""},
	} {
		if got := letterFor(row.wish, row.p, row.a); got != row.letter {
			state := account.State("unknown")
			if row.a != nil {
				state = row.a.State
			}
			t.Errorf("%s of %s: got %q, want %q", row.wish, state, got, row.letter)
		}
	}
}

// Whoever has no password is told where to log in instead, and gets no link for one.
func TestAReplyNamesTheOrganisation(t *testing.T) {
	a := anna(account.Active)
	a.Locale = "en"
	r := reply{platform: linde(), account: a, now: time.Unix(1e9, 0), sealer: clear{}, to: a.Email, locale: "nl", organisation: "Lindehof"}
	change := r.change(outbox.OrganisationIn, nil)
	if len(change.Messages) != 1 || len(change.Issue) != 0 {
		t.Fatalf("%+v", change)
	}
	c, err := change.Messages[0].Open(clear{}.Open)
	if err != nil || c.Values["connection"] != "Lindehof" || c.Token != "" || change.Messages[0].Locale != "en" {
		t.Errorf("%+v, %v", c, err)
	}
}

// A code goes out as the request has it, with the organisation's name in the language of the mail.
func TestAReplyHasTheCode(t *testing.T) {
	a := anna(account.Active)
	a.Locale = "en"
	asked := map[string]string{"code": "014874", "nl": "Stichting Lindehof", "en": "Lindehof Trust"}
	r := reply{platform: linde(), account: a, now: time.Unix(1e9, 0), sealer: clear{}, to: a.Email, locale: "nl", asked: asked}
	change := r.change(outbox.LinkCode, nil)
	if len(change.Messages) != 1 || len(change.Issue) != 0 {
		t.Fatalf("%+v", change)
	}
	c, err := change.Messages[0].Open(clear{}.Open)
	if err != nil || c.Values["connection"] != "Lindehof Trust" || c.Values["code"] != "014874" || c.To != a.Email.Address {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestLetterWithButtonHasItsTicket(t *testing.T) {
	now := time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC)
	for kind, life := range map[outbox.Kind]time.Duration{
		outbox.Welcome: 7 * 24 * time.Hour, outbox.PasswordReset: time.Hour, outbox.Unblock: time.Hour,
		outbox.AfterReset: time.Hour,
	} {
		a := anna(account.Active)
		r := reply{platform: linde(), account: a, now: now, sealer: clear{}, to: account.Email{Address: "ANNA@example.org", Key: a.Email.Key}, locale: "en", party: "linde-web"}
		change := r.change(kind, []byte(`{"a":1}`))
		if len(change.Messages) != 1 || len(change.Issue) != 1 || !change.Issue[0].Purpose.OneWorks() {
			t.Fatalf("%s: %+v", kind, change)
		}
		m, ticket := change.Messages[0], change.Issue[0]
		c, err := m.Open(clear{}.Open)
		if err != nil || c.To != "Anna@example.org" || c.Name != "Anna van der Bakker" || c.Party != "linde-web" {
			t.Errorf("%s: contents %+v, %v: want the address that the account has", kind, c, err)
		}
		if !bytes.Equal(ticket.Hash, secret.Hash(c.Token)) || !secret.IsToken(c.Token) || ticket.Account != a.ID || ticket.Party != "linde-web" || ticket.Sealed != nil {
			t.Errorf("%s: ticket %+v", kind, ticket)
		}
		if ticket.ExpiresAt.Sub(now) != life || m.ExpiresAt.Sub(now) != life/2 {
			t.Errorf("%s: ticket for %s, letter for %s", kind, ticket.ExpiresAt.Sub(now), m.ExpiresAt.Sub(now))
		}
	}
}

func TestNewcomerIsNotAddressedAndVoidsNobody(t *testing.T) {
	r := reply{platform: linde(), now: time.Unix(1e9, 0), sealer: clear{}, to: account.Email{Address: "new@example.org", Key: "new@example.org"}, party: "linde-web"}
	form := []byte(`{"given_name":"Win 1000 euro on win.example"}`)
	change := r.change(outbox.SignUpConfirm, form)
	m, ticket := change.Messages[0], change.Issue[0]
	c, err := m.Open(clear{}.Open)
	if err != nil || c.Name != "" || c.To != "new@example.org" || m.Account != "" {
		t.Errorf("letter %+v with %+v, %v", m, c, err)
	}
	if len(change.Void) != 0 {
		t.Errorf("voids %+v: tickets of no account are those of everybody who signs up", change.Void)
	}
	if got, err := (clear{}).Open(ticket.Sealed, ticket.Binding()); err != nil || !bytes.Equal(got, form) || ticket.Purpose != authn.TicketSignUp {
		t.Errorf("ticket %+v with %s, %v", ticket, got, err)
	}
}

func TestLettersSpeakThePersonsLanguage(t *testing.T) {
	for _, row := range []struct{ own, page, platform, want string }{
		{"en", "nl", "nl", "en"},
		{"", "en", "nl", "en"},
		{"", "", "nl", "nl"},
		{"fr", "en", "nl", "en"},
		{"en-GB", "nl", "nl", "en"},
	} {
		a, p := anna(account.Active), linde()
		a.Locale, p.Locale = row.own, row.platform
		r := reply{platform: p, account: a, now: time.Unix(1e9, 0), sealer: clear{}, to: a.Email, locale: row.page}
		if got := r.change(outbox.PasswordReset, nil).Messages[0].Locale; got != row.want {
			t.Errorf("%+v: got %s", row, got)
		}
	}
}
