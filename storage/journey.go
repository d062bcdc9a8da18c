package storage

import (
	"context"
	"fmt"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/platform"
)

// journeyBody is what of a journey no statement asks for, as it is stored. Its names outlive a release: a node of
// the release before reads them too.
type journeyBody struct {
	Ask      authn.Ask     `json:"ask"`
	Account  account.ID    `json:"account,omitempty"`
	Proofs   []authn.Proof `json:"proofs,omitempty"`
	Done     []authn.Need  `json:"done,omitempty"`
	Failures int           `json:"failures,omitempty"`
	Switch   bool          `json:"switch,omitempty"`
	Anew     bool          `json:"anew,omitempty"`
	Denied   bool          `json:"denied,omitempty"`
	Party    string        `json:"party,omitempty"`
	Request  string        `json:"request,omitempty"`
	ReturnTo string        `json:"return_to,omitempty"`
	Hint     string        `json:"hint,omitempty"`
	Locale   string        `json:"locale,omitempty"`
	Scratch  scratch       `json:"scratch,omitzero"`
}

func bodyOf(j *authn.Journey) document {
	return document{&journeyBody{
		Ask: j.Ask, Account: j.Account, Proofs: j.Proofs, Done: j.Done, Failures: j.Failures, Switch: j.Switch, Anew: j.IgnoreSession, Denied: j.Denied, Party: j.Party,
		Request: j.Request, ReturnTo: j.ReturnTo, Hint: j.Hint, Locale: j.Locale, Scratch: scratch{j},
	}}
}

// The journey, or the request that it is derived from: one statement, because the first page is opened most. Its
// version is authn.Unstored.
const selectJourney = `
SELECT platform, id, browser, body, account, account_cut_at, version, started_at, expires_at, ended_at
FROM journeys
WHERE platform = $1 AND id = $2
UNION ALL
SELECT platform, id, browser, body, '', NULL, -1, created_at, expires_at, answered_at
FROM requests
WHERE platform = $1 AND id = $2 AND browser IS NOT NULL
  AND NOT EXISTS (
    SELECT 1
    FROM journeys
    WHERE platform = $1 AND id = $2)`

type journeyRow struct {
	authn.Journey
	body    string     // of a journeyBody, or of a grant.AuthRequest
	account account.ID // what a node of the release before leaves as it was
}

// Journey finds a journey, open or not. One that is not stored yet begins as its request says.
func (db *DB) Journey(ctx context.Context, p platform.ID, id string) (*authn.Journey, error) {
	row, err := one(ctx, db.read, func(r *journeyRow) []any {
		return []any{
			&r.Platform, &r.ID, &r.Browser, &r.body, &r.account, instant{&r.CutAt}, &r.Version,
			instant{&r.StartedAt}, instant{&r.ExpiresAt}, instant{&r.EndedAt},
		}
	}, selectJourney, string(p), id)
	if err != nil {
		return nil, fail("finding journey", err)
	}
	read := row.stored
	if row.Version == authn.Unstored {
		read = row.derived
	}
	j, err := read()
	return j, fail("finding journey", err)
}

// derived is a journey that is not stored yet.
func (row *journeyRow) derived() (*authn.Journey, error) {
	r := grant.AuthRequest{
		ID: row.ID, Platform: row.Platform, Browser: row.Browser, CreatedAt: row.StartedAt, Expiry: row.ExpiresAt, AnsweredAt: row.EndedAt,
	}
	err := document{&r}.Scan(row.body)
	j := r.Journey()
	return &j, err
}

func (row *journeyRow) stored() (*authn.Journey, error) {
	j := row.Journey
	b := journeyBody{Scratch: scratch{&j}}
	if err := (document{&b}).Scan(row.body); err != nil {
		return nil, err
	}
	j.Ask, j.Account, j.Proofs, j.Done, j.Failures, j.Switch, j.IgnoreSession, j.Denied, j.Party = b.Ask, b.Account, b.Proofs, b.Done, b.Failures, b.Switch, b.Anew, b.Denied, b.Party
	j.Request, j.ReturnTo, j.Hint, j.Locale = b.Request, b.ReturnTo, b.Hint, b.Locale
	if j.Unlinked = row.account != j.Account; j.Unlinked {
		j.CutAt = time.Time{}
	}
	return &j, nil
}

const insertJourney = `
INSERT INTO journeys (platform, id, browser, body, account, account_cut_at, version, started_at, expires_at, ended_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT DO NOTHING`

// addJourney stores a journey that is not stored yet; of several at once one does, the others are fault.Stale.
func addJourney(ctx context.Context, q conn, j *authn.Journey, cutAt time.Time, version int64) error {
	return do(ctx, q, step{insertJourney, []any{
		string(j.Platform), j.ID, orNull(j.Browser), bodyOf(j), string(j.Account), millis(cutAt), version,
		millis(j.StartedAt), millis(j.ExpiresAt), millis(j.EndedAt),
	}, orStale("journey " + j.ID)})
}

// orStale judges a step by which one of several at once wins: the others write nothing, and get fault.Stale.
func orStale(what string) func(int64) error {
	return func(rows int64) error {
		if rows == 0 {
			return fmt.Errorf("%s: %w", what, fault.Stale)
		}
		return nil
	}
}

// StartJourney adds a journey that answers no request: of a mail's button, or of our own settings.
func (db *DB) StartJourney(ctx context.Context, j authn.Journey) error {
	return fail("starting journey", addJourney(ctx, db.write, &j, j.CutAt, j.Version))
}

const updateJourney = `
UPDATE journeys
SET browser = $1, body = $2, account = $3, account_cut_at = $4, version = version + 1, expires_at = $5, ended_at = $6
WHERE platform = $7 AND id = $8 AND version = $9 AND ended_at IS NULL`

// saveJourney is compare and set on the version: of two tabs or a double click one is saved, the other fault.Stale, and
// so is what comes after the end. cutAt is that of its account once the change is saved.
func saveJourney(ctx context.Context, q conn, j *authn.Journey, cutAt time.Time) error {
	if j.Version == authn.Unstored {
		return addJourney(ctx, q, j, cutAt, j.Version+1)
	}
	return do(ctx, q, step{updateJourney, []any{
		orNull(j.Browser), bodyOf(j), string(j.Account), millis(cutAt), millis(j.ExpiresAt),
		millis(j.EndedAt), string(j.Platform), j.ID, j.Version,
	}, orStale("journey " + j.ID)})
}
