package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/platform"
)

const selectTicket = `
SELECT platform, hash, purpose, account, party, sealed, issued_at, expires_at, used_at, voided_at
FROM tickets
WHERE platform = $1 AND hash = $2`

// Ticket finds a ticket by its hash, in whatever state.
func (db *DB) Ticket(ctx context.Context, p platform.ID, hash []byte) (*authn.Ticket, error) {
	t, err := one(ctx, db.read, func(t *authn.Ticket) []any {
		return []any{
			&t.Platform, &t.Hash, &t.Purpose, &t.Account, &t.Party, &t.Sealed,
			instant{&t.IssuedAt}, instant{&t.ExpiresAt}, instant{&t.UsedAt}, instant{&t.VoidedAt},
		}
	}, selectTicket, string(p), hash)
	return t, fail("finding ticket", err)
}

const countTickets = `
SELECT COUNT(*)
FROM tickets
WHERE account = $1 AND platform = $2 AND purpose = $3 AND used_at IS NULL AND voided_at IS NULL`

// TicketsLeft counts the tickets of an account and purpose that were neither used nor replaced.
func (db *DB) TicketsLeft(ctx context.Context, p platform.ID, id account.ID, purpose authn.TicketPurpose) (int, error) {
	n, err := one(ctx, db.read, func(n *int) []any { return []any{n} }, countTickets, string(id), string(p), string(purpose))
	if err != nil {
		return 0, fail("counting tickets", err)
	}
	return *n, nil
}

const spendTicket = `
UPDATE tickets
SET used_at = $1
WHERE platform = $2 AND hash = $3 AND purpose = $4 AND used_at IS NULL AND voided_at IS NULL AND expires_at > $5`

// spendTickets uses each ticket in one statement: of any number at once, one succeeds and the others get fault.Spent.
func spendTickets(ctx context.Context, q conn, p platform.ID, all []authn.TicketUse, now time.Time) error {
	all = slices.SortedFunc(slices.Values(all), func(a, b authn.TicketUse) int { return bytes.Compare(a.Hash, b.Hash) })
	for _, use := range all {
		changed, err := exec(ctx, q, spendTicket, millis(now), string(p), use.Hash, string(use.Purpose), millis(use.Opened))
		if err == nil && changed == 0 {
			err = fault.Spent
		}
		if err != nil {
			return fmt.Errorf("ticket for %s: %w", use.Purpose, err)
		}
	}
	return nil
}

const voidTickets = `
UPDATE tickets
SET voided_at = $1
WHERE platform = $2 AND account = $3 AND purpose = $4 AND used_at IS NULL AND voided_at IS NULL`

const useTickets = `
UPDATE tickets
SET used_at = $1
WHERE platform = $2 AND account = $3 AND purpose = $4 AND used_at IS NULL AND voided_at IS NULL`

const insertTicket = `
INSERT INTO tickets (platform, hash, purpose, account, party, sealed, issued_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`

// ticketValues are those of insertTicket.
func ticketValues(_ int, t authn.Ticket) []any {
	return []any{
		string(t.Platform), t.Hash, string(t.Purpose), string(t.Account), t.Party, orNull(t.Sealed), millis(t.IssuedAt), millis(t.ExpiresAt),
	}
}

func void(ctx context.Context, q conn, p platform.ID, voids []authn.TicketVoid, now time.Time) error {
	for _, v := range voids {
		text := voidTickets
		if v.Done {
			text = useTickets
		}
		if _, err := exec(ctx, q, text, millis(now), string(p), string(v.Account), string(v.Purpose)); err != nil {
			return err
		}
	}
	return nil
}

// issueTickets voids and issues. Whose one ticket of a purpose works at a time, its account's row is locked: every
// older one is seen here, and the index that demands it is never met.
func issueTickets(ctx context.Context, q conn, p platform.ID, voids []authn.TicketVoid, all []authn.Ticket, now time.Time) error {
	for _, t := range all {
		if t.Account != "" && t.Purpose.OneWorks() {
			voids = append(voids, authn.TicketVoid{Account: t.Account, Purpose: t.Purpose})
		}
	}
	if err := void(ctx, q, p, voids, now); err != nil {
		return err
	}
	for _, t := range all {
		if _, err := exec(ctx, q, insertTicket, ticketValues(0, t)...); err != nil {
			return err
		}
	}
	return nil
}

// issueTries is how often a change is saved anew that met the index of working tickets.
const issueTries = 5

// issuing is inTx for what may issue tickets. A node of the release before does not lock the account first: where it
// was faster by a moment, all is done again, and its ticket is voided.
func (db *DB) issuing(ctx context.Context, work func(conn) error) error {
	for try := 1; ; try++ {
		err := db.inTx(ctx, work)
		if pg, ok := errors.AsType[*pgconn.PgError](err); try == issueTries || !ok || pg.ConstraintName != "tickets_working" {
			return err
		}
	}
}

// declareCodes replaces the recovery codes of the accounts that it lists.
func declareCodes(ctx context.Context, q conn, all []authn.Ticket, now time.Time) error {
	voided := map[account.ID]bool{}
	for _, t := range all {
		var void []authn.TicketVoid
		if !voided[t.Account] {
			void, voided[t.Account] = []authn.TicketVoid{{Account: t.Account, Purpose: t.Purpose}}, true
		}
		if err := issueTickets(ctx, q, t.Platform, void, []authn.Ticket{t}, now); err != nil {
			return err
		}
	}
	return nil
}
