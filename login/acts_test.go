package login_test

import (
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/staff"
)

// acting is linde with some accounts, and people who are invited.
func acting(accounts, invited []string) idptest.Demo {
	return idptest.Demo{
		More:    "locale: en",
		Policy:  "second_factor: { client: { demand: optional }, staff: { demand: optional } }, code_methods: [totp]",
		Parties: []string{"client_id: web"}, Accounts: accounts, Invited: invited,
	}
}

// withAnna is linde with Anna, who has two-step authentication, and more said of her.
func withAnna(more string) idptest.Demo {
	return acting([]string{"email: anna@example.org, totp_secret: " + idptest.TOTPSecret + more}, nil)
}

// mailbox is a house, and the links of the mails that somebody got.
type mailbox struct {
	*idptest.Server
	t     *testing.T
	links map[outbox.Kind]string
}

// linksOf are the kinds of links, in the order of the table.
var linksOf = []outbox.Kind{
	outbox.Welcome, outbox.PasswordReset, outbox.Unblock, outbox.EmailConfirm, outbox.TwoStepReset, outbox.AfterReset,
}

func (m *mailbox) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

// keep delivers, and keeps the newest link of a kind.
func (m *mailbox) keep(kind outbox.Kind) {
	m.t.Helper()
	m.must(m.Deliver(m.t.Context()))
	for _, mail := range m.Mails.Sent() {
		if mail.Kind == kind {
			m.links[kind] = mail.Link
		}
	}
	if m.links[kind] == "" {
		m.t.Fatalf("no %s", kind)
	}
}

// request asks for a mail, as a page does.
func (m *mailbox) request(asked, kind outbox.Kind, to string) {
	m.t.Helper()
	l := outbox.Message{
		ID: secret.ID(), Platform: "linde", Kind: asked, Recipient: outbox.Mail, Locale: "en", QueuedAt: m.Clock.Now(), ExpiresAt: m.Clock.Now().Add(time.Hour),
	}
	l.Seal(outbox.Contents{To: to}, m.Sealer.Seal)
	m.must(m.DB.RequestMail(m.t.Context(), l, nil, audit.Event{At: m.Clock.Now(), Platform: "linde", Kind: audit.MessageRequested}, m.Clock.Now()))
	m.keep(kind)
}

func (m *mailbox) reset() {
	m.t.Helper()
	m.must(m.Tools().Acts().ResetTwoStep(m.t.Context(), "linde", staff.ByAddress("anna@example.org"), staff.Justification{Reason: staff.LostPhone, Identified: staff.InPerson}))
	m.keep(outbox.TwoStepReset)
}

func (m *mailbox) setEmail(from string) {
	m.t.Helper()
	m.must(m.Tools().Acts().SetEmail(m.t.Context(), "linde", staff.ByAddress(from), "new@example.org", staff.Justification{Reason: staff.NewAddress}))
	m.keep(outbox.EmailConfirm)
}

// anna gets every link that she can have at one time; with a new address, or ready for a reset by staff.
func (m *mailbox) anna(address bool) {
	m.Declare(withAnna(""))
	m.reset()
	m.Clock.Later(25 * time.Hour)
	m.Declare(withAnna(""))
	m.request(outbox.PasswordResetRequest, outbox.PasswordReset, "anna@example.org")
	m.request(outbox.UnblockRequest, outbox.Unblock, "anna@example.org")
	m.request(outbox.AfterResetRequest, outbox.AfterReset, "anna@example.org")
	if address {
		m.setEmail("anna@example.org")
	}
}

func (m *mailbox) bram() {
	m.Declare(acting(nil, []string{"email: bram@example.org, email_verified: false"}))
	m.must(m.Tools().Acts().Invite(m.t.Context(), "linde", staff.ByAddress("bram@example.org")))
	m.keep(outbox.Welcome)
}

func (m *mailbox) state(s account.State) {
	m.t.Helper()
	a := idptest.Account(m.t, m.DB, "anna@example.org")
	m.must(m.DB.SetState(m.t.Context(), "linde", a.ID, s, audit.Event{At: m.Clock.Now(), Platform: "linde", Kind: audit.AccountDeactivated}, m.Clock.Now()))
}

// follow opens a link in a browser of its own.
func (m *mailbox) follow(kind outbox.Kind) *idptest.Browser {
	m.t.Helper()
	b := idptest.NewBrowser(m.Server, "en")
	b.MustOpen(m.t, m.links[kind])
	return b
}

// press follows a link and presses its button.
func (m *mailbox) press(kind outbox.Kind, button string) {
	m.t.Helper()
	m.follow(kind).MustPress(m.t, idptest.Text("en", button))
}

// words follows a link and sets a password.
func (m *mailbox) words(kind outbox.Kind, words string) {
	m.t.Helper()
	b := m.follow(kind)
	if b.Button(idptest.Text("en", "code.submit")) != nil {
		idptest.SendCode(m.t, b, idptest.Code(m.t, idptest.TOTPSecret, m.Clock.Now()))
	}
	b.MustFill(m.t, idptest.Text("en", "password.new"), words)
	b.MustPress(m.t, idptest.Text("en", "password.submit"))
}

// row is what each link shows now: works, used, newer, expired or inactive; - where there is none.
func (m *mailbox) row() string {
	var row []string
	for _, kind := range linksOf {
		if m.links[kind] == "" {
			row = append(row, "-")
			continue
		}
		shown, state := idptest.Visible(m.follow(kind).Doc), "works"
		for key, name := range map[string]string{
			"link.used_title": "used", "email_change.done": "used", "freeze.done_title": "used",
			"link.newer_title": "newer", "link.expired_title": "expired", "inactive.title": "inactive",
		} {
			if text, _, _ := strings.Cut(idptest.Text("en", key), "{"); strings.Contains(shown, text) {
				state = name
			}
		}
		row = append(row, state)
	}
	return strings.Join(row, " ")
}

// Every act on an account, and what each link of its mails shows afterwards.
func TestWhichLinkStillWorks(t *testing.T) {
	anna := func(m *mailbox) { m.anna(true) }
	for name, row := range map[string]struct {
		begin func(*mailbox)
		act   func(*mailbox)
		want  string // welcome, reset, unblock, e-mail, freeze, after a reset
	}{
		"anna has them all": {anna, func(*mailbox) {}, "- works works works works works"},
		"anna, log in sooner": {anna, func(m *mailbox) { m.press(outbox.Unblock, "unblock.submit") },
			"- works used works works works"},
		"anna, a new password by the mail": {anna, func(m *mailbox) { m.words(outbox.PasswordReset, idptest.NewPassword) },
			"- used used works works used"},
		"anna, a new password by a file": {anna, func(m *mailbox) {
			m.Declare(withAnna(", password: \"" + idptest.NewPassword + "\""))
		},
			"- used used works works works"},
		"anna, the same by a file": {anna, func(m *mailbox) { m.Declare(withAnna("")) }, "- works works works works works"},
		"anna, a new address": {anna, func(m *mailbox) { m.press(outbox.EmailConfirm, "email_change.submit") },
			"- newer newer used newer newer"},
		"anna, another address by staff": {anna, func(m *mailbox) {
			m.must(m.Tools().Acts().SetEmail(m.t.Context(), "linde", staff.ByAddress("anna@example.org"), "x@example.org", staff.Justification{Reason: staff.NewAddress}))
		}, "- works works newer works works"},
		"anna, deactivated": {anna, func(m *mailbox) { m.state(account.Deactivated) }, "- inactive inactive inactive inactive inactive"},
		"anna, deactivated and active again": {anna, func(m *mailbox) { m.state(account.Deactivated); m.state(account.Active) },
			"- newer newer newer newer newer"},
		"anna, deactivated by a file": {anna, func(m *mailbox) { m.Declare(withAnna(", deactivated: true")) },
			"- inactive inactive inactive inactive inactive"},
		"anna, blocked by herself": {anna, func(m *mailbox) { m.press(outbox.TwoStepReset, "freeze.submit") },
			"- inactive inactive inactive used inactive"},
		"anna, a reset by staff": {func(m *mailbox) { m.anna(false) }, func(m *mailbox) {
			m.must(m.Tools().Acts().ResetTwoStep(m.t.Context(), "linde", staff.ByAddress("anna@example.org"), staff.Justification{Reason: staff.LostCodes, Identified: staff.Video}))
		},
			"- newer newer - newer newer"},
		"bram, the welcome mail": {(*mailbox).bram, func(m *mailbox) { m.words(outbox.Welcome, idptest.NewPassword) }, "used - - - - -"},
		"bram, a password by a file": {(*mailbox).bram, func(m *mailbox) {
			m.Declare(acting([]string{"email: bram@example.org, totp_secret: " + idptest.TOTPSecret}, nil))
		},
			"used - - - - -"},
		"bram, invited again": {(*mailbox).bram, func(m *mailbox) {
			m.must(m.Tools().Acts().Invite(m.t.Context(), "linde", staff.ByAddress("bram@example.org")))
		},
			"newer - - - - -"},
		"bram, a new address by staff": {(*mailbox).bram, func(m *mailbox) { m.setEmail("bram@example.org") }, "newer - - works - -"},
		"bram, a new address": {(*mailbox).bram, func(m *mailbox) {
			m.setEmail("bram@example.org")
			m.press(outbox.EmailConfirm, "email_change.submit")
		},
			"newer - - used - -"},
		"bram, forgot what he never had": {(*mailbox).bram, func(m *mailbox) { m.request(outbox.PasswordResetRequest, outbox.Welcome, "bram@example.org") },
			"works - - - - -"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := &mailbox{idptest.NewServer(t, idptest.SQLite(t)), t, map[outbox.Kind]string{}}
			row.begin(m)
			row.act(m)
			if got := m.row(); got != row.want {
				t.Errorf("welcome, reset, unblock, e-mail, freeze, after a reset:\n%s, want\n%s", got, row.want)
			}
		})
	}
}
