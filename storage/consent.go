package storage

import (
	"context"

	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/platform"
)

const upsertConsent = `
INSERT INTO consents (platform, account, party, scopes, journey, given_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (platform, account, party) DO UPDATE
SET scopes = excluded.scopes, journey = excluded.journey, given_at = excluded.given_at`

func saveConsent(ctx context.Context, q conn, p platform.ID, c *authn.Consent) error {
	_, err := exec(ctx, q, upsertConsent, string(p), string(c.Account), c.Party, words{&c.Scopes}, c.Journey, millis(c.At))
	return err
}

func consentRow(c *authn.Consent) []any {
	return []any{&c.Account, &c.Party, words{&c.Scopes}, &c.Journey, instant{&c.At}}
}

const selectConsent = `
SELECT account, party, scopes, journey, given_at
FROM consents
WHERE platform = $1 AND account = $2 AND party = $3`

// Consent finds what a person allowed a party; fault.NotFound when nothing.
func (db *DB) Consent(ctx context.Context, p platform.ID, id account.ID, party string) (*authn.Consent, error) {
	c, err := one(ctx, db.read, consentRow, selectConsent, string(p), string(id), party)
	return c, fail("finding consent", err)
}

const selectConsents = `
SELECT account, party, scopes, journey, given_at
FROM consents
WHERE platform = $1 AND account = $2
ORDER BY given_at DESC, party
LIMIT 1000`

// Consents lists what an account allowed, the newest first, at most 1000: one for each party that was ever asked about.
func (db *DB) Consents(ctx context.Context, p platform.ID, of account.ID) ([]authn.Consent, error) {
	all, err := list(ctx, db.read, consentRow, selectConsents, string(p), string(of))
	return all, fail("listing consents", err)
}

const (
	forgetConsent = `
DELETE FROM consents
WHERE platform = $1 AND account = $2 AND party = $3`

	endGrantsOfParty = `
UPDATE grants
SET ended_at = $1, end_reason = $2
WHERE platform = $3 AND party = $4 AND session IN (SELECT id FROM sessions WHERE platform = $3 AND account = $5) AND ended_at IS NULL`
)

// WithdrawConsent forgets what a person allowed a party, and ends all grants that the party has of that person, those
// that outlive their session too. When there is no such consent, or it is another account's, it does nothing and leaves no
// event. A grant that is being added at the same moment is ended too, or not added (Answer).
func (db *DB) WithdrawConsent(ctx context.Context, p platform.ID, of account.ID, party grant.PartyID, e audit.Event, now time.Time) error {
	return fail("taking consent back", db.inTx(ctx, func(q conn) error {
		forgotten, err := exec(ctx, q, forgetConsent, string(p), string(of), string(party))
		if err != nil || forgotten == 0 {
			return err
		}
		if _, err := exec(ctx, q, endGrantsOfParty, millis(now), endConsentWithdrawn, string(p), string(party), string(of)); err != nil {
			return err
		}
		return addEvents(ctx, q, []audit.Event{e})
	}))
}
