package demo

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/minddistrict/idp/grant"
)

// newestCode is the code that was shown last and that no phone has claimed.
const newestCode = `
SELECT h.id, h.reference, p.issuer
FROM handoffs AS h
JOIN platforms AS p ON p.id = h.platform
WHERE h.platform = $1 AND h.reference IS NOT NULL AND h.ended_at IS NULL
ORDER BY h.made_at DESC
LIMIT 1`

// Camera is the camera of a phone that sees every screen of this machine: it reads the newest QR code that a page of an
// organisation shows. The code is a drawing to the browser, so it is opened as it is stored. For development only.
func Camera(db *sql.DB, open func(sealed []byte, binding string) ([]byte, error)) func(context.Context, string) (string, error) {
	return func(ctx context.Context, on string) (string, error) {
		var h grant.Handoff
		var issuer string
		err := db.QueryRowContext(ctx, newestCode, on).Scan(&h.ID, &h.Reference, &issuer)
		if errors.Is(err, sql.ErrNoRows) {
			return "", errors.New("there is no QR code on a page: show one in the settings of the website, and scan again")
		}
		if err != nil {
			return "", fmt.Errorf("looking for a QR code: %w", err)
		}
		reference, err := open(h.Reference, h.ReferenceBinding())
		return issuer + "/app#" + string(reference), err
	}
}
