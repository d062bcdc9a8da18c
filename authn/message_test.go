package authn_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/outbox"
)

// The table of kinds names purposes and lives of tickets that it does not know: here they meet.
func TestEveryLinkHasItsMessage(t *testing.T) {
	opened := map[authn.TicketPurpose]outbox.Kind{}
	for kind, spec := range outbox.Kinds {
		if spec.Ticket == "" {
			continue
		}
		purpose := authn.TicketPurpose(spec.Ticket)
		if other := opened[purpose]; other != "" {
			t.Errorf("%s and %s open tickets of %s", kind, other, purpose)
		}
		opened[purpose] = kind
		if spec.Life != purpose.Life()/2 {
			t.Errorf("%s is tried for %s; its ticket works for %s, and half of that is %s", kind, spec.Life, purpose.Life(), purpose.Life()/2)
		}
	}
	// A platform is told the address of a referral; the others are codes.
	unsent := []authn.TicketPurpose{authn.TicketReferral, authn.TicketSMS, authn.TicketMailCode, authn.TicketRecoveryCode}
	for _, purpose := range ticketPurposes {
		if link := !slices.Contains(unsent, purpose); link != (opened[purpose] != "") {
			t.Errorf("%s is opened by %q", purpose, opened[purpose])
		}
	}
	if len(opened) != len(ticketPurposes)-len(unsent) {
		t.Errorf("%v: a purpose that there is not", opened)
	}
}

func TestMessageWithButtonIsQueuedWithItsTicket(t *testing.T) {
	now := time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC)
	seal := func(plain []byte, binding string) []byte { return slices.Concat([]byte(binding+"|"), plain) }
	open := func(sealed []byte, binding string) ([]byte, error) {
		return bytes.TrimPrefix(sealed, []byte(binding+"|")), nil
	}
	change := authn.Queue(outbox.Draft{
		Kind: outbox.EmailConfirm, Platform: "linde", Account: "anna", Now: now, Contents: outbox.Contents{To: "new@example.org", Party: "web"},
	}, []byte("new@example.org"), seal)
	if len(change.Messages) != 1 || len(change.Issue) != 1 {
		t.Fatalf("got %+v", change)
	}
	m, ticket := change.Messages[0], change.Issue[0]
	c, err := m.Open(open)
	if err != nil || c.To != "new@example.org" || !bytes.Equal(secret.Hash(c.Token), ticket.Hash) {
		t.Errorf("contents %+v, %v: want the token of the ticket", c, err)
	}
	if ticket.Purpose != authn.TicketEmail || ticket.Account != "anna" || ticket.Party != "web" || string(ticket.Sealed) != ticket.Binding()+"|new@example.org" {
		t.Errorf("got ticket %+v", ticket)
	}
	if m.Recipient != outbox.Mail || !m.QueuedAt.Equal(now) || !m.ExpiresAt.Equal(now.Add(12*time.Hour)) {
		t.Errorf("got message %+v", m)
	}
	plain := authn.Queue(outbox.Draft{Kind: outbox.EmailChanged, Platform: "linde", Account: "anna", Now: now}, nil, seal)
	if len(plain.Messages) != 1 || len(plain.Issue) != 0 || !plain.Messages[0].ExpiresAt.Equal(now.Add(3*24*time.Hour)) {
		t.Errorf("without a ticket: %+v", plain)
	}
}
