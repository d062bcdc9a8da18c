package grant

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"

	"github.com/minddistrict/idp/internal/secret"
)

// lookBack is how many rotations ago a refresh token may have been replaced and still be recognised as a replay that
// ends the family. Older ones are unknown, and unknown is refused as well.
const lookBack = 32

// Successor is the refresh token after this one: HMAC-SHA-256 under a key of the server. Being computed and not
// drawn, every repeat of a refresh gets the same one, on every node, without keeping it anywhere in the clear.
func Successor(key []byte, token string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("refresh successor\x00" + token))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// Descendants are the hashes of the tokens that come after the successor of this one. If one of them is current, the
// presented token is an old one of that family, so somebody kept a copy.
func Descendants(key []byte, token string) [][]byte {
	hashes := make([][]byte, 0, lookBack)
	next := Successor(key, token)
	for range lookBack {
		next = Successor(key, next)
		hashes = append(hashes, secret.Hash(next))
	}
	return hashes
}
