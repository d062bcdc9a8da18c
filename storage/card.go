package storage

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
)

const (
	selectCard = `
SELECT ` + accountColumns + `,
    a.signed_in_at, i.stage, i.at, i.ends_at,
    (SELECT COUNT(*)
    FROM tickets AS t
    WHERE t.account = a.id AND t.purpose = $1 AND t.used_at IS NULL AND t.voided_at IS NULL)
FROM accounts AS a
LEFT JOIN invitations AS i ON i.account = a.id
LEFT JOIN credentials AS c ON c.platform = a.platform AND c.account = a.id AND c.retired_at IS NULL
WHERE a.platform = $2 AND a.id = $3
ORDER BY c.added_at, c.id`

	selectMailsOf = `
SELECT ` + messageColumns + `
FROM letters
WHERE account = $1 AND platform || '' = $2 AND queued_at >= $3 AND medium <> 'url'
ORDER BY queued_at DESC, id
LIMIT $4`

	selectTicketsOf = `
SELECT purpose, issued_at, expires_at, used_at, voided_at, begun_at
FROM tickets
WHERE account = $1 AND platform || '' = $2 AND issued_at >= $3 AND purpose NOT IN ($4, $5)
ORDER BY issued_at DESC`

	// As selectRecordOfAccount, of some kinds.
	selectAttempts = selectRecorded + `
WHERE account = $1 AND platform || '' = $2
AND replace($3, ',' || kind || ',', '') <> $3
ORDER BY at DESC, place DESC, id
LIMIT $4`
)

// cardRow is the account with one of its credentials, and what there is once.
type cardRow struct {
	accountRow
	signedInAt time.Time
	invitation account.Invitation
	codes      int
}

func (r *cardRow) columns() []any {
	return append(r.accountRow.columns(), instant{&r.signedInAt}, orZero[account.InviteState]{&r.invitation.State},
		instant{&r.invitation.At}, instant{&r.invitation.EndsAt}, &r.codes)
}

// cardTicket is a ticket, and when the first form behind its button was sent.
type cardTicket struct {
	authn.Ticket
	begunAt time.Time
}

// Card is what a helper sees of a person, once it is on record who opened it (audit.PersonOpened). fault.NotFound: the
// platform has no such account, and nothing is recorded. m names the counters of wrong attempts.
func (db *DB) Card(ctx context.Context, p platform.ID, id account.ID, m authn.Namer, by audit.Reader, now time.Time) (*staff.Card, error) {
	c, err := db.card(ctx, p, id, m, now)
	if err == nil {
		err = addEvents(ctx, db.write, []audit.Event{by.Reads(p, audit.PersonOpened, id, 0, now)})
	}
	if err != nil {
		return nil, fail("opening card", err)
	}
	return c, nil
}

func (db *DB) card(ctx context.Context, p platform.ID, id account.ID, m authn.Namer, now time.Time) (*staff.Card, error) {
	rows, err := list(ctx, db.read, (*cardRow).columns, selectCard, string(authn.TicketRecoveryCode), string(p), string(id))
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, sql.ErrNoRows
	}
	accounts := make([]accountRow, len(rows))
	for i, r := range rows {
		accounts[i] = r.accountRow
	}
	r := rows[0]
	c := &staff.Card{
		Account: fold(accounts)[0], SignedInAt: r.signedInAt, Invitation: r.invitation.As(now), RecoveryCodes: r.codes,
	}
	if c.Devices, err = db.Devices(ctx, p, id, now); err != nil {
		return nil, err
	}
	if c.Apps, err = db.AppDevices(ctx, p, id); err != nil {
		return nil, err
	}
	if c.Sessions, err = db.Sessions(ctx, p, id, now); err != nil {
		return nil, err
	}
	if c.Waits, err = db.waits(ctx, p, &c.Account, m, now); err != nil {
		return nil, err
	}
	if c.Mails, err = db.mails(ctx, p, id, now); err != nil {
		return nil, err
	}
	if c.Attempts, err = db.ofKinds(ctx, p, id, staff.Attempts, staff.CardAttempts); err != nil {
		return nil, err
	}
	if c.Links, err = db.cardLinks(ctx, &c.Account); err != nil {
		return nil, err
	}
	if c.Account.State == account.Deactivated {
		c.Ended, err = db.ofKinds(ctx, p, id, staff.Endings, 1)
	}
	return c, err
}

// ofKinds are the newest events about somebody of some kinds.
func (db *DB) ofKinds(
	ctx context.Context, p platform.ID, id account.ID, kinds []audit.Kind, most int,
) ([]audit.Recorded, error) {
	return list(ctx, db.read, columnsOfRecorded, selectAttempts, string(id), string(p), wordsOf(kinds), most)
}

// waits are what somebody waits for now.
func (db *DB) waits(ctx context.Context, p platform.ID, a *account.Account, m authn.Namer, now time.Time) ([]authn.Wait, error) {
	counters := authn.CountersOf(m, p, a.ID, a.Email.Key).WithMails(m, p, a.Email.Key)
	var keys []string
	for _, l := range counters.Limits {
		if l.Owner == "" {
			keys = append(keys, l.Key)
		}
	}
	all, err := standings(ctx, db.read, p, []string{counters.Passwords, authn.CodeOwner(m, p, a.ID)}, keys)
	return counters.Waits(all, now), err
}

// mails are the mails and text messages of somebody with what became of their buttons. A mail and its ticket are made
// at one moment.
func (db *DB) mails(ctx context.Context, p platform.ID, id account.ID, now time.Time) ([]staff.CardMail, error) {
	since := millis(now.Add(-staff.MailsFor))
	messages, err := list(ctx, db.read, columnsOfMessage, selectMailsOf, string(id), string(p), since, staff.CardMails)
	if err != nil || len(messages) == 0 {
		return nil, err
	}
	tickets, err := list(ctx, db.read, func(t *cardTicket) []any {
		return []any{
			&t.Purpose, instant{&t.IssuedAt}, instant{&t.ExpiresAt}, instant{&t.UsedAt}, instant{&t.VoidedAt}, instant{&t.begunAt},
		}
	}, selectTicketsOf, string(id), string(p), since, string(authn.TicketSMS), string(authn.TicketRecoveryCode))
	if err != nil {
		return nil, err
	}
	mails := make([]staff.CardMail, len(messages))
	for i := range messages {
		m := &messages[i]
		mail := staff.CardMail{
			ID: m.ID, Kind: m.Kind, Recipient: m.Recipient, QueuedAt: m.QueuedAt, SettledAt: m.SettledAt, Tries: m.Tries,
		}
		var ticket *authn.Ticket
		for j := range tickets {
			if t := &tickets[j]; string(t.Purpose) == outbox.Kinds[m.Kind].Ticket && t.IssuedAt.Equal(m.QueuedAt) {
				ticket, mail.BegunAt, mail.EndsAt = &t.Ticket, t.begunAt, t.ExpiresAt
				break
			}
		}
		mail.State = staff.StateOfMail(m, ticket, mail.BegunAt, now)
		if m.Outcome != outbox.Sent || m.Recipient == outbox.SMS {
			mail.Said = strings.TrimSpace(m.Reason)
		}
		mails[i] = mail
	}
	return mails, nil
}
