package storage

import (
	"context"
	"fmt"

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
