package storage

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/platform"
)

// SaveChange saves all that one submit changes, or nothing. The account that it is about comes first, then the journey:
// of two submits of one page the second waits there and then gets fault.Stale. fault.Stale also: the request of a
// journey that is not stored yet was answered, expired or is gone, what was under way for the account ended since the
// journey came to know it, the session's cookie is not the presented one any more, or a credential's counter did not
// rise. fault.Spent: the request was answered before, a ticket was used or replaced, or an invited account has become
// active. fault.Taken: an address has an account already. fault.Refused: the account is not active any more, or staff
// do two things too soon after each other. fault.Throttled: it would be one too many of what Count limits.
func (db *DB) SaveChange(ctx context.Context, c authn.Change, now time.Time) error {
	p, err := platformOf(c)
	if err != nil {
		return fail("saving change", err)
	}
	return fail("saving change", db.issuing(ctx, func(q conn) error {
		return db.dialect.gather(ctx, q, func(q conn) error { return saveChange(ctx, q, p, c, now) })
	}))
}

// saveChange is SaveChange inside a transaction.
func saveChange(ctx context.Context, q conn, p platform.ID, c authn.Change, now time.Time) error {
	id, err := changedAccount(c)
	if err != nil {
		return err
	}
	h, err := lockAccountFor(ctx, q, p, id, c.Start != nil, c.Events, now)
	if err != nil {
		return err
	}
	if err := saveProgress(ctx, q, p, h, c, now); err != nil {
		return err
	}
	if err := changeTickets(ctx, q, p, h, c, now); err != nil {
		return err
	}
	if err := changeAccounts(ctx, q, p, c, now); err != nil {
		return err
	}
	if err := changeCredentials(ctx, q, p, c, now); err != nil {
		return err
	}
	if c.End != nil {
		if err := endOthers(ctx, q, p, c.End, now); err != nil {
			return err
		}
	}
	if err := changeDevices(ctx, q, p, c, now); err != nil {
		return err
	}
	if c.Consent != nil {
		if err := saveConsent(ctx, q, p, c.Consent); err != nil {
			return err
		}
	}
	if err := saveSession(ctx, q, c, now); err != nil {
		return err
	}
	if err := changeCounters(ctx, q, p, c, now); err != nil {
		return err
	}
	if err := findableAfter(ctx, q, p, c, now); err != nil {
		return err
	}
	if err := invited(ctx, q, p, h, c, now); err != nil {
		return err
	}
	if err := addMessages(ctx, q, p, c.Messages); err != nil {
		return err
	}
	return addEvents(ctx, q, c.Events)
}

// saveProgress saves where the journey is, takes the answer of its request, and ends what else is under way for the
// account.
func saveProgress(ctx context.Context, q conn, p platform.ID, h lockedAccount, c authn.Change, now time.Time) error {
	acts, own := c.Acts(), ""
	if j := c.Journey; j != nil {
		cutAt := j.CutAt
		if j.Account == h.id && h.exists {
			cutAt = h.cutBy(acts, now)
		}
		if err := saveJourney(ctx, q, j, cutAt); err != nil {
			return err
		}
		own = j.ID
	}
	if err := h.claim(c, now); err != nil {
		return err
	}
	if err := takeAnswerOf(ctx, q, p, c.Taken, now); err != nil {
		return err
	}
	if err := act(ctx, q, p, h, acts, own, now); err != nil {
		return err
	}
	if j := c.Journey; j != nil && j.Version == authn.Unstored {
		if err := beginRequest(ctx, q, p, j.Request, now); err != nil {
			return err
		}
	}
	if c.Answered == "" {
		return nil
	}
	return answerRequest(ctx, q, p, c.Answered, now)
}

// changeTickets spends what is used, voids what comes to nothing, and issues.
func changeTickets(ctx context.Context, q conn, p platform.ID, h lockedAccount, c authn.Change, now time.Time) error {
	if err := spendTickets(ctx, q, p, c.Spend, now); err != nil {
		return err
	}
	if firstForm(c) {
		if _, err := exec(ctx, q, beginTicket, millis(now), string(p), c.Journey.Link.Hash); err != nil {
			return err
		}
	}
	if err := voidBy(ctx, q, p, h, c.Acts(), now); err != nil {
		return err
	}
	return issueTickets(ctx, q, p, c.Void, c.Issue, now)
}

// changeCredentials retires and adds factors. What a session that starts was proven with stands afterwards: its
// account's row is locked.
func changeCredentials(ctx context.Context, q conn, p platform.ID, c authn.Change, now time.Time) error {
	if c.Start != nil {
		if err := secondsStand(ctx, q, c.Start.Session, c.Put); err != nil {
			return err
		}
	}
	if err := retireCredentials(ctx, q, p, c.Retire, now); err != nil {
		return err
	}
	if err := putCredentials(ctx, q, p, c.Put); err != nil {
		return err
	}
	if c.Start == nil {
		return nil
	}
	return proofsStand(ctx, q, c.Start.Session)
}

// changeCounters lets counters start again, takes back what turned out right, and counts.
func changeCounters(ctx context.Context, q conn, p platform.ID, c authn.Change, now time.Time) error {
	if err := forgive(ctx, q, p, c.Forgive, c.Fresh); err != nil {
		return err
	}
	if err := uncount(ctx, q, p, c.Uncount); err != nil {
		return err
	}
	return countAll(ctx, q, p, c.Count, now)
}

// saveSession starts or raises the session of a change.
func saveSession(ctx context.Context, q conn, c authn.Change, now time.Time) error {
	if c.Start != nil {
		if err := startSession(ctx, q, c.Start, now); err != nil {
			return err
		}
	}
	if c.Raise != nil {
		if err := raiseSessionOf(ctx, q, c.Raise, now); err != nil {
			return err
		}
	}
	return nil
}

// platformOf is the one platform of all parts of a change; empty: there is nothing to save. Parts of two platforms or
// of none, or a session that is both started and raised, are a mistake of the caller, and fault.Invalid.
func platformOf(c authn.Change) (platform.ID, error) {
	parts := c.Parts()
	var all []platform.ID
	for _, part := range parts {
		if part.Platform != nil {
			all = append(all, *part.Platform)
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	switch {
	case len(all) > 1:
		return "", fmt.Errorf("change of platforms %v: %w", all, fault.Invalid)
	case c.Start != nil && c.Raise != nil:
		return "", fmt.Errorf("change that starts and raises a session: %w", fault.Invalid)
	case len(parts) == 0:
		return "", nil
	case len(all) == 0 || all[0] == "":
		return "", fmt.Errorf("change of no platform: %w", fault.Invalid)
	}
	return all[0], nil
}
