package storage

import (
	"context"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
)

// How far somebody is who was invited is a row of its own, written with what takes them further: counting tens of
// thousands of them from links, mails and journeys would take a second each time.

const (
	putInvitation = `
INSERT INTO invitations (account, platform, stage, at, ends_at)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (account) DO UPDATE
SET stage = excluded.stage, at = excluded.at, ends_at = excluded.ends_at
WHERE invitations.platform = excluded.platform`

	makeInvitation = `
INSERT INTO invitations (account, platform, stage, at)
SELECT a.id, a.platform, 'made', CAST($1 AS BIGINT)
FROM accounts AS a
WHERE a.platform = $2 AND a.id = $3 AND a.state = 'invited'
ON CONFLICT (account) DO NOTHING`

	// Each stage comes after some and never before others: a mail that is reported late takes nobody back.
	stageInvitation = `
UPDATE invitations
SET stage = $1, at = $2
WHERE platform || '' = $3 AND account = $4 AND ($5 = '' OR replace($5, ',' || stage || ',', '') <> $5)`

	deleteInvitation = `
DELETE FROM invitations
WHERE platform || '' = $1 AND account = $2 AND stage <> 'done' AND ($3 = 'deactivated' OR stage <> 'half-way')`
)

// stagesBefore are those that a stage may follow, each between commas; none: any.
var stagesBefore = map[account.InviteState]string{
	account.InviteSent:    ",made,",
	account.InviteRefused: ",made,,sent,",
	account.InviteBegun:   ",made,,sent,,refused,",
	account.InviteHalfWay: ",made,,sent,,refused,,begun,",
	account.InviteDone:    ",made,,sent,,refused,,begun,,half-way,",
}

func stage(ctx context.Context, q conn, p platform.ID, id account.ID, to account.InviteState, now time.Time) error {
	_, err := exec(ctx, q, stageInvitation, string(to), millis(now), string(p), string(id), stagesBefore[to])
	return err
}

// invited takes somebody as far as a change does.
func invited(ctx context.Context, q conn, p platform.ID, h lockedAccount, c authn.Change, now time.Time) error {
	if a := c.Add; a != nil && a.State == account.Invited {
		if _, err := exec(ctx, q, makeInvitation, millis(now), string(p), string(a.ID)); err != nil {
			return err
		}
	}
	for _, t := range c.Issue {
		if t.Purpose != authn.TicketWelcome || t.Account == "" {
			continue
		}
		to := account.InviteBegun // its owner goes on at once, from the button of another mail
		for _, m := range c.Messages {
			if m.Kind == outbox.Welcome && m.Account == t.Account {
				to = account.InviteMade
			}
		}
		if _, err := exec(ctx, q, putInvitation, string(t.Account), string(p), string(to), millis(now), millis(t.ExpiresAt)); err != nil {
			return err
		}
	}
	if to, id := furthestInvite(h, c); to != "" {
		return stage(ctx, q, p, id, to, now)
	}
	if c.Account != nil && c.Account.Stop {
		_, err := exec(ctx, q, deleteInvitation, string(p), string(c.Account.ID), string(account.Deactivated))
		return err
	}
	return nil
}

// furthestInvite is how far a change takes an account that exists; empty: nowhere.
func furthestInvite(h lockedAccount, c authn.Change) (account.InviteState, account.ID) {
	activated := c.Account != nil && c.Account.Activate
	switch {
	case c.Start != nil && (activated || h.halfWay):
		return account.InviteDone, h.id
	case activated:
		return account.InviteHalfWay, c.Account.ID
	case firstForm(c) && c.Journey.Link.Purpose == authn.TicketWelcome && c.Journey.Account != "":
		return account.InviteBegun, c.Journey.Account
	}
	return "", ""
}

// firstForm reports whether a change is that of the first form behind the button of a mail.
func firstForm(c authn.Change) bool {
	return c.Journey != nil && c.Journey.Link != nil && c.Journey.Version == 0
}

const beginTicket = `
UPDATE tickets
SET begun_at = $1
WHERE platform = $2 AND hash = $3 AND begun_at IS NULL`

// stood brings an invitation to a state that an operator or staff gave the account.
func stood(ctx context.Context, q conn, p platform.ID, id account.ID, to account.State, now time.Time) error {
	if to == account.Invited {
		_, err := exec(ctx, q, makeInvitation, millis(now), string(p), string(id))
		return err
	}
	_, err := exec(ctx, q, deleteInvitation, string(p), string(id), string(to))
	return err
}

// settledInvitation is what became of a mail that invites; empty: nothing that counts.
func settledInvitation(m outbox.Message, outcome outbox.Outcome) account.InviteState {
	switch {
	case m.Kind != outbox.Welcome || m.Account == "":
		return ""
	case outcome == outbox.Sent:
		return account.InviteSent
	}
	return account.InviteRefused
}

const countInvited = `
SELECT CASE WHEN stage IN ('made', 'sent', 'begun') AND ends_at <= $1 THEN 'expired' ELSE stage END, COUNT(*)
FROM invitations
WHERE platform = $2 AND stage IN ('made', 'sent', 'refused', 'begun', 'half-way')
GROUP BY 1
UNION ALL
SELECT 'done', COUNT(*)
FROM invitations
WHERE platform = $2 AND stage = 'done' AND at >= $3`

// Invited counts the people of a platform by how far they are who were invited; those who are done since
// account.InviteFor.
func (db *DB) Invited(ctx context.Context, p platform.ID, now time.Time) (account.InviteCounts, error) {
	type count struct {
		state account.InviteState
		n     int
	}
	all, err := list(ctx, db.read, func(c *count) []any { return []any{&c.state, &c.n} },
		countInvited, millis(now), string(p), millis(now.Add(-account.InviteFor)))
	counts := account.InviteCounts{}
	for _, c := range all {
		counts[c.state] += c.n
	}
	return counts, fail("counting invited people", err)
}
