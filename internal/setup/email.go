package setup

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
)

// noticeLife is how long the outbox tries to tell the old address.
const noticeLife = 3 * 24 * time.Hour

// SetEmail asks somebody to confirm a new address, by a button in a mail to it, and tells the old one. Until the button
// is pressed the old address counts. Of somebody who has no password yet the old address may be a stranger's: it is told
// nothing, and the button that went to it stops working at once.
//
// fault.NotFound: there is no such account; fault.Taken: another one has the new address; fault.Refused: the account is
// deactivated, or has the address already, or two-step authentication was reset less than authn.ApartFor ago.
func SetEmail(ctx context.Context, t Tools, id platform.ID, from, to string) error {
	attempted := fmt.Sprintf("changing address %q on %s to %q", from, id, to)
	old, errOld := account.ParseEmail(from)
	email, errNew := account.ParseEmail(to)
	if err := errors.Join(errOld, errNew); err != nil {
		return fmt.Errorf("%s: %w", attempted, err)
	}
	a, err := t.DB.AccountByEmail(ctx, id, old.Key)
	if err != nil {
		return fmt.Errorf("%s: %w", attempted, err)
	}
	if a.State == account.Deactivated || email == a.Email {
		return fmt.Errorf("%s: %w: account is deactivated, or has this address", attempted, fault.Refused)
	}
	other, err := t.DB.AccountByEmail(ctx, id, email.Key)
	if err != nil && !errors.Is(err, fault.NotFound) {
		return fmt.Errorf("%s: %w", attempted, err)
	}
	if other != nil && other.ID != a.ID {
		return fmt.Errorf("%s: %w", attempted, fault.Taken)
	}
	return t.DB.SaveChange(ctx, readdress(t, a, email), t.Now)
}

// readdress is what SetEmail saves: the ticket and the two mails.
func readdress(t Tools, a *account.Account, email account.Email) authn.Change {
	token := secret.Token()
	ticket := authn.NewTicket(secret.Hash(token), a.Platform, authn.TicketEmail, a.ID, t.Now)
	ticket.Sealed = t.Sealer.Seal([]byte(email.Address), ticket.Binding())
	e := audit.Event{
		At: t.Now, Platform: a.Platform, Kind: audit.EmailChangeRequested, Actor: Operator(), Account: a.ID, Outcome: audit.Success,
	}
	change := authn.Change{
		Platform: a.Platform, Issue: []authn.Ticket{ticket}, Events: []audit.Event{e},
		Cut: &authn.Cut{Account: a.ID, By: authn.ActAddressAsked},
	}
	letter := func(kind outbox.Kind, life time.Duration, c outbox.Contents) {
		l := outbox.Message{
			ID: secret.ID(), Platform: a.Platform, Account: a.ID, Kind: kind, Recipient: outbox.Mail, Locale: a.Locale,
			QueuedAt: t.Now, ExpiresAt: t.Now.Add(life),
		}
		l.Seal(c, t.Sealer.Seal)
		change.Messages = append(change.Messages, l)
	}
	// No name: the new address may be mistyped. It is not sent any more when half of the button's time is over, because
	// it says how long that works.
	letter(outbox.EmailConfirm, authn.TicketEmail.Life()/2, outbox.Contents{To: email.Address, Token: token})
	if a.State == account.Invited {
		change.Void = append(change.Void, authn.TicketVoid{Account: a.ID, Purpose: authn.TicketWelcome})
		return change
	}
	letter(outbox.EmailChanged, noticeLife, outbox.Contents{
		To: a.Email.Address, Name: a.Profile.Name(), Values: map[string]string{"email_masked": email.Masked()},
	})
	return change
}
