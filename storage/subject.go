package storage

import (
	"context"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/platform"
)

const (
	selectSubject = `
SELECT account
FROM subjects
WHERE platform = $1 AND sector = $2 AND sub = $3`

	insertSubject = `
INSERT INTO subjects (platform, sector, sub, account)
VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING`

	// Of accounts that nobody ever signed in to no party has heard.
	selectUnlisted = `
SELECT a.id, a.platform, s.sector
FROM (
    SELECT id, platform
    FROM accounts
    WHERE id > $1 AND signed_in_at IS NOT NULL
    ORDER BY id
    LIMIT $2) AS a
LEFT JOIN subjects AS s ON s.account = a.id AND s.platform = a.platform
ORDER BY a.id`
)

// Subject finds the account that the parties of a sector know by a pairwise `sub`. fault.NotFound: none of them was
// given it.
func (db *DB) Subject(ctx context.Context, p platform.ID, s grant.Pairwise) (account.ID, error) {
	id, err := one(ctx, db.read, func(id *account.ID) []any { return []any{id} }, selectSubject, string(p), s.Sector, s.Subject)
	if err != nil {
		return "", fail("finding subject", err)
	}
	return *id, nil
}

// addSubject keeps whom a `sub` means, if nobody did before.
func addSubject(ctx context.Context, q conn, p platform.ID, s grant.Pairwise, id account.ID) error {
	_, err := exec(ctx, q, insertSubject, string(p), s.Sector, s.Subject, string(id))
	return err
}

// FillSubjects keeps the subjects of accounts that signed in before anybody kept them: with a node of the release
// before, in a backup, or at a party that had no sector then. It looks at the next limit accounts behind one, by
// identifier, and returns the last of them; empty: there is none behind it. Nodes that call it at once write the same
// rows.
func (db *DB) FillSubjects(ctx context.Context, sectors map[platform.ID][]grant.Sector, after account.ID, limit int) (account.ID, error) {
	type row struct {
		id       account.ID
		platform platform.ID
		sector   string
	}
	rows, err := list(ctx, db.batch, func(r *row) []any { return []any{&r.id, &r.platform, orZero[string]{&r.sector}} },
		selectUnlisted, string(after), limit)
	if err != nil || len(rows) == 0 {
		return "", fail("looking for subjects", err)
	}
	kept := map[row]bool{}
	for _, r := range rows {
		kept[r] = true
	}
	type subject struct {
		row
		grant.Pairwise
	}
	var missing []subject
	for _, r := range rows {
		for _, s := range sectors[r.platform] {
			if r.sector = s.Host; !kept[r] {
				kept[r], missing = true, append(missing, subject{r, s.Of(r.id)})
			}
		}
	}
	last := rows[len(rows)-1].id
	if len(missing) == 0 {
		return last, nil
	}
	missing = sorted(missing, func(s subject) string { return rowKey(s.platform, s.Sector+"/"+s.Subject) })
	return last, fail("keeping subjects", db.inLongTx(ctx, func(q conn) error {
		for _, s := range missing {
			if err := addSubject(ctx, q, s.platform, s.Pairwise, s.id); err != nil {
				return err
			}
		}
		return nil
	}))
}
