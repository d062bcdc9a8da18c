package storage

import (
	"context"
	"fmt"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/keys"
)

const selectKeys = `
SELECT platform, kid, alg, public, sealed, made_at, use_at, retire_at, drop_at
FROM signing_keys
ORDER BY platform, made_at, kid`

// Keys returns the signing keys of all platforms, dropped ones too, oldest first.
func (db *DB) Keys(ctx context.Context) ([]keys.Key, error) {
	all, err := list(ctx, db.read, keyColumns, selectKeys)
	return all, fail("reading signing keys", err)
}

func keyColumns(k *keys.Key) []any {
	return []any{
		&k.Platform, &k.KID, &k.Alg, &k.Public, &k.Sealed,
		instant{&k.MadeAt}, instant{&k.UseAt}, instant{&k.RetireAt}, instant{&k.DropAt},
	}
}

// SaveKeys adds keys or replaces them whole.
func (db *DB) SaveKeys(ctx context.Context, all []keys.Key) error {
	return fail("saving signing keys", db.settingsTx(ctx, func(q conn) error { return putKeys(ctx, q, all) }))
}

const upsertKey = `
INSERT INTO signing_keys (platform, kid, alg, public, sealed, made_at, use_at, retire_at, drop_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (platform, kid) DO UPDATE
SET alg = excluded.alg, public = excluded.public, sealed = excluded.sealed, made_at = excluded.made_at,
    use_at = excluded.use_at, retire_at = excluded.retire_at, drop_at = excluded.drop_at`

func putKeys(ctx context.Context, q conn, all []keys.Key) error {
	for _, k := range sorted(all, func(k keys.Key) string { return rowKey(k.Platform, k.KID) }) {
		_, err := exec(ctx, q, upsertKey, string(k.Platform), k.KID, k.Alg, k.Public, k.Sealed,
			millis(k.MadeAt), millis(k.UseAt), millis(k.RetireAt), millis(k.DropAt))
		if err != nil {
			return fmt.Errorf("key %s of platform %s: %w", k.KID, k.Platform, err)
		}
	}
	return nil
}

const resealKey = `
UPDATE signing_keys
SET sealed = $1
WHERE platform = $2 AND kid = $3 AND sealed = $4`

const selectSealedCredentials = `
SELECT platform, id, account, method, sealed
FROM credentials
WHERE sealed IS NOT NULL AND id > $1
ORDER BY id
LIMIT $2`

const resealCredential = `
UPDATE credentials
SET sealed = $1
WHERE platform = $2 AND id = $3 AND sealed = $4`

// resealBatch is how many sealed credentials are in memory at once.
const resealBatch = 1000

// Reseal replaces everything that is sealed by what seal makes of it, in one transaction, and tells how many there
// were. seal gets the binding and the sealed value. fault.Stale: somebody changed one meanwhile; nothing was done.
func (db *DB) Reseal(ctx context.Context, seal func(binding string, sealed []byte) ([]byte, error)) (int, error) {
	done := 0
	replace := func(q conn, text, binding string, platform, id string, old []byte) error {
		sealed, err := seal(binding, old)
		if err != nil {
			return fmt.Errorf("%s: %w", binding, err)
		}
		changed, err := exec(ctx, q, text, sealed, platform, id, old)
		if err == nil && changed == 0 {
			err = fmt.Errorf("%s: %w", binding, fault.Stale)
		}
		done++
		return err
	}
	err := db.settingsTx(ctx, func(q conn) error {
		all, err := list(ctx, q, keyColumns, selectKeys)
		if err != nil {
			return err
		}
		for _, k := range sorted(all, func(k keys.Key) string { return rowKey(k.Platform, k.KID) }) {
			if err := replace(q, resealKey, "key/"+string(k.Platform)+"/"+k.KID, string(k.Platform), k.KID, k.Sealed); err != nil {
				return err
			}
		}
		var last sealedCredential
		for {
			batch, err := list(ctx, q, func(c *sealedCredential) []any {
				return []any{&c.platform, &c.ID, &c.Account, &c.Method, &c.Sealed}
			}, selectSealedCredentials, string(last.ID), resealBatch)
			if err != nil || len(batch) == 0 {
				return err
			}
			for _, last = range batch {
				if err := replace(q, resealCredential, last.Binding(), last.platform, string(last.ID), last.Sealed); err != nil {
					return err
				}
			}
		}
	})
	if err != nil {
		return 0, fail("sealing anew", err)
	}
	return done, nil
}

// sealedCredential has the columns that Reseal needs.
type sealedCredential struct {
	account.Credential
	platform string
}
