package storage

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/platform"
)

const upsertCredential = `
INSERT INTO credentials (
    platform, id, account, method, used_as, label, sealed, counter, added_at, confirmed_at, used_at, retired_at, external,
    connection)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14
FROM accounts AS a
WHERE a.platform = $1 AND a.id = $3
ON CONFLICT (id) DO UPDATE
SET method = excluded.method, used_as = excluded.used_as, label = excluded.label, sealed = excluded.sealed,
    counter = CASE WHEN excluded.counter > credentials.counter THEN excluded.counter ELSE credentials.counter END,
    added_at = excluded.added_at, confirmed_at = excluded.confirmed_at, used_at = excluded.used_at,
    retired_at = excluded.retired_at, external = excluded.external, connection = excluded.connection
WHERE credentials.platform = excluded.platform AND credentials.account = excluded.account`

// risen is what makes using a counter and spending it one statement: of two submits with one TOTP step, the second
// changes no row. A retired credential stays retired.
const risen = `
  AND credentials.retired_at IS NULL
  AND (excluded.counter > credentials.counter
       OR excluded.counter = 0 AND credentials.counter = 0
       OR excluded.retired_at IS NOT NULL)`

// putCredentials adds credentials or replaces them whole. fault.Stale: one was retired meanwhile, belongs to another
// account, or has a counter that did not rise, because somebody was here before with the same code. A link to somebody who
// is another account's, and a second one of the account to the same connection, break an index: fault.Taken.
func putCredentials(ctx context.Context, q conn, p platform.ID, all []account.Credential) error {
	for _, c := range sorted(all, func(c account.Credential) string { return string(c.ID) }) {
		if err := putCredential(ctx, q, upsertCredential+risen, p, c); err != nil {
			return err
		}
	}
	return nil
}

func putCredential(ctx context.Context, q conn, text string, p platform.ID, c account.Credential) error {
	changed, err := exec(ctx, q, text, string(p), string(c.ID), string(c.Account), c.Method, string(c.Use), c.Label,
		orNull(c.Sealed), c.Counter, millis(c.AddedAt), millis(c.ConfirmedAt), millis(c.UsedAt), millis(c.RetiredAt), orNullText(c.External),
		orNullText(string(federation.ConnectionOf(c.External))))
	if err == nil && changed == 0 {
		err = fault.Stale
	}
	if err != nil {
		return fmt.Errorf("credential %s: %w", c.ID, err)
	}
	return nil
}

const retireCredential = `
UPDATE credentials
SET retired_at = $1
WHERE platform = $2 AND id = $3 AND retired_at IS NULL`

// retireCredentials is once per credential: fault.Stale when one was retired before.
func retireCredentials(ctx context.Context, q conn, p platform.ID, all []account.CredentialID, now time.Time) error {
	for _, id := range slices.Sorted(slices.Values(all)) {
		changed, err := exec(ctx, q, retireCredential, millis(now), string(p), string(id))
		if err == nil && changed == 0 {
			err = fault.Stale
		}
		if err != nil {
			return fmt.Errorf("retiring credential %s: %w", id, err)
		}
	}
	return nil
}

// declareCredentials puts what the accounts list and retires what they have beside it of the same methods. A
// counter never falls, and a listed credential that was retired counts again: the operator says so.
func declareCredentials(ctx context.Context, q conn, all []account.Account, now time.Time) error {
	type change struct {
		platform   platform.ID
		credential account.Credential
		retire     bool
	}
	var changes []change
	for _, a := range all {
		stored, err := oneAccount(ctx, q, selectAccount, string(a.Platform), string(a.ID))
		if err != nil {
			return err
		}
		for _, c := range a.Credentials {
			changes = append(changes, change{a.Platform, c, false})
		}
		for _, old := range stored.Credentials {
			same := func(c account.Credential) bool { return c.ID == old.ID }
			// One way of getting codes at a time: a second factor replaces every other one.
			replaced := func(c account.Credential) bool {
				return c.Method == old.Method || c.Use == account.Second && old.Use == account.Second
			}
			if slices.ContainsFunc(a.Credentials, replaced) && !slices.ContainsFunc(a.Credentials, same) {
				changes = append(changes, change{a.Platform, old, true})
			}
		}
	}
	changes = sorted(changes, func(c change) string { return rowKey(c.platform, c.credential.ID) })
	for _, c := range changes { // first, because an account has one second factor at a time
		if !c.retire {
			continue
		}
		if _, err := exec(ctx, q, retireCredential, millis(now), string(c.platform), string(c.credential.ID)); err != nil {
			return err
		}
	}
	for _, c := range changes {
		if c.retire {
			continue
		}
		if err := putCredential(ctx, q, upsertCredential, c.platform, c.credential); err != nil {
			return err
		}
	}
	return nil
}
