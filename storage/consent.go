package storage

import (
	"context"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
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

const selectConsent = `
SELECT account, party, scopes, journey, given_at
FROM consents
WHERE platform = $1 AND account = $2 AND party = $3`

// Consent finds what a person allowed a party; fault.NotFound when nothing.
func (db *DB) Consent(ctx context.Context, p platform.ID, id account.ID, party string) (*authn.Consent, error) {
	c, err := one(ctx, db.read, func(c *authn.Consent) []any {
		return []any{&c.Account, &c.Party, words{&c.Scopes}, &c.Journey, instant{&c.At}}
	}, selectConsent, string(p), string(id), party)
	return c, fail("finding consent", err)
}
