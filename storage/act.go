package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/platform"
)

// lockedAccount is an account whose row is locked until the transaction ends. Of two changes of one account the second
// sees what the first did: what a deactivation ends, and what is saved for an account that is active, come one after
// the other.
type lockedAccount struct {
	id       account.ID
	exists   bool
	state    account.State
	cutAt    time.Time
	lastAsk  time.Time // when staff gave a new address, or it was confirmed
	lastTwo  time.Time // when staff reset two-step authentication
	markedAt time.Time // … and the owner was not shown since; zero: not marked
	signedIn bool
	halfWay  bool // it has its first password and never signed in, and does now
}

const holdAccount = `
UPDATE accounts
SET signed_in_at = COALESCE(CAST($1 AS BIGINT), signed_in_at)
WHERE platform = $2 AND id = $3
RETURNING state, cut_at, address_at, two_step_reset_at, marked_at,
    CASE WHEN CAST($1 AS BIGINT) IS NOT NULL THEN (SELECT 1 FROM invitations AS i WHERE i.account = accounts.id AND i.stage = 'half-way') END`

// lockAccount locks the row of an account, and notes a sign-in if that is what it is for. An account that does not
// exist holds nothing.
func lockAccount(ctx context.Context, q conn, p platform.ID, id account.ID, signedIn bool, now time.Time) (lockedAccount, error) {
	if id == "" {
		return lockedAccount{}, nil
	}
	h := lockedAccount{id: id, signedIn: signedIn}
	var at time.Time
	if signedIn {
		at = now
	}
	row, err := one(ctx, q, func(h *lockedAccount) []any {
		return []any{
			&h.state, instant{&h.cutAt}, instant{&h.lastAsk}, instant{&h.lastTwo}, instant{&h.markedAt}, orZero[bool]{&h.halfWay},
		}
	}, holdAccount, millis(at), string(p), string(id))
	if errors.Is(err, sql.ErrNoRows) {
		return h, nil
	}
	if err != nil {
		return h, err
	}
	row.id, row.exists, row.signedIn = id, true, signedIn
	return *row, nil
}

// last is when the account had an act of staff last.
func (h lockedAccount) last(a authn.Act) time.Time {
	switch a {
	case authn.ActAddressAsked:
		return h.lastAsk
	case authn.ActTwoStepReset:
		return h.lastTwo
	}
	return time.Time{}
}

// cutBy is when what is under way ended last, once these acts are saved. It only rises, so that it tells two acts
// within one millisecond apart.
func (h lockedAccount) cutBy(acts []authn.Act, now time.Time) time.Time {
	for _, a := range acts {
		if a.EndsJourneys() {
			if now = now.Truncate(time.Millisecond); !now.After(h.cutAt) {
				now = h.cutAt.Add(time.Millisecond)
			}
			return now.UTC()
		}
	}
	return h.cutAt
}

// allows says whether the account may have acts now: fault.Refused when one of staff comes too soon after another.
func (h lockedAccount) allows(acts []authn.Act, now time.Time) error {
	for _, a := range acts {
		other := a.Apart()
		if other == "" || h.last(other).IsZero() {
			continue
		}
		if until := h.last(other).Add(authn.ApartFor); now.Before(until) {
			return fmt.Errorf("%w: %s less than %.0f hours ago; possible from %s", authn.ErrTooSoon, other.Happened(),
				authn.ApartFor.Hours(), until.UTC().Format(time.RFC3339))
		}
	}
	return nil
}

const (
	noteActs = `
UPDATE accounts
SET cut_at = $1, address_at = COALESCE($2, address_at), two_step_reset_at = COALESCE($3, two_step_reset_at),
    marked_at = COALESCE($3, marked_at)
WHERE platform = $4 AND id = $5`

	// Those whose time is over are left alone: nobody goes on with them, and CleanUp may have them in another order.
	endJourneysOfAccount = `
UPDATE journeys
SET ended_at = $1, version = version + 1
WHERE platform = $2 AND account = $3 AND account <> '' AND id <> $4 AND ended_at IS NULL AND expires_at > $1`
)

// act ends the journeys of an account that is held, but for one, its tickets, and what staff asked for it, as the table
// of authn says, and notes when.
func act(ctx context.Context, q conn, p platform.ID, h lockedAccount, acts []authn.Act, except string, now time.Time) error {
	if len(acts) == 0 || !h.exists {
		return nil
	}
	var address, reset time.Time
	journeys, waiting := false, authn.Act("")
	for _, a := range acts {
		switch a {
		case authn.ActAddressAsked, authn.ActAddress:
			address = now
		case authn.ActTwoStepReset:
			reset = now
		}
		journeys = journeys || a.EndsJourneys()
		if a.EndsWaiting() {
			waiting = a
		}
	}
	_, err := exec(ctx, q, noteActs, millis(h.cutBy(acts, now)), millis(address), millis(reset), string(p), string(h.id))
	if err == nil && waiting != "" {
		_, err = exec(ctx, q, endPendingOf, millis(now), string(waiting), string(p), string(h.id))
	}
	if err == nil && journeys {
		_, err = exec(ctx, q, endJourneysOfAccount, millis(now), string(p), string(h.id), except)
	}
	return err
}

// voidBy voids what acts void of an account that is held.
func voidBy(ctx context.Context, q conn, p platform.ID, h lockedAccount, acts []authn.Act, now time.Time) error {
	var voids []authn.TicketVoid
	for _, a := range acts {
		for _, purpose := range a.Voids() {
			voids = append(voids, authn.TicketVoid{Account: h.id, Purpose: purpose, Done: a.Done()})
		}
	}
	return void(ctx, q, p, voids, now)
}

// changedAccount is the account that a change is about; empty: none, or the one that it adds. A change is about one
// account.
func changedAccount(c authn.Change) (account.ID, error) {
	var all []account.ID
	for _, part := range c.Parts() {
		if part.Account != "" {
			all = append(all, part.Account)
		}
	}
	for _, id := range all {
		if id != all[0] {
			return "", fmt.Errorf("change of accounts %v: %w", all, fault.Invalid)
		}
	}
	if len(all) == 0 || c.Add != nil && c.Add.ID == all[0] {
		return "", nil
	}
	return all[0], nil
}

// onlyLinks reports whether all that a change saves for a person is links, and no journey of that person does it.
func onlyLinks(c authn.Change) bool {
	n := 0
	for _, part := range c.Parts() {
		if part.Given {
			n++
		}
	}
	other := func(l account.Credential) bool { return l.External == "" }
	return c.Journey == nil && n == len(c.Put) && n > 0 && !slices.ContainsFunc(c.Put, other)
}

// given reports whether a change saves something for a person: nobody gets it whose account is not active.
func given(c authn.Change) bool {
	return slices.ContainsFunc(c.Parts(), func(part authn.Part) bool { return part.Given })
}

// claim says whether a change may be saved for the account that is held. fault.Stale: what was under way for it ended
// since the journey came to know it. fault.Refused: it is not active, or the act comes too soon. fault.Spent: it has
// its first password.
func (h lockedAccount) claim(c authn.Change, now time.Time) error {
	if !h.exists {
		if h.signedIn {
			return errNotActive
		}
		return nil // what names it finds no row
	}
	if j := c.Journey; j != nil && j.Account == h.id && !j.CutAt.Equal(h.cutAt) {
		return fmt.Errorf("journey %s: its account was cut off: %w", j.ID, fault.Stale)
	}
	if err := h.checkResetMark(c); err != nil {
		return err
	}
	welcome := c.Account != nil && c.Account.Activate
	switch {
	case welcome && h.state == account.Active:
		return fmt.Errorf("account that is active: %w", fault.Spent)
	case welcome && h.state == account.Invited:
	case onlyLinks(c) && h.state == account.Invited: // from a file, so that the first sign-in there finds the account
	case (welcome || given(c)) && h.state != account.Active:
		return errNotActive
	}
	for _, t := range c.Issue {
		if !t.Purpose.Fits(h.state) {
			return fmt.Errorf("%s link of an account that is %s: %w", t.Purpose, h.state, fault.Refused)
		}
	}
	return h.allows(c.Acts(), now)
}

// checkResetMark refuses what the mark of an account does not allow, whatever a door thought: fault.Refused: a session
// starts or is raised and the mark stays; fault.Invalid: it is taken away by anything but a journey that was given
// password and mail.
func (h lockedAccount) checkResetMark(c authn.Change) error {
	shows := c.Account != nil && c.Account.OwnerShown
	switch {
	case shows && (c.Journey == nil || c.Journey.Account != h.id || !authn.OwnerShown(c.Journey.ID, c.Journey.Proofs)):
		return fmt.Errorf("mark taken away by less than password and mail: %w", fault.Invalid)
	case !shows && !h.markedAt.IsZero() && (c.Start != nil || c.Raise != nil):
		return fmt.Errorf("session of an account that is marked: %w", fault.Refused)
	}
	return nil
}

var errNotActive = fmt.Errorf("account that is not active: %w", fault.Refused)
