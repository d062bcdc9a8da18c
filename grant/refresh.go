package grant

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"github.com/minddistrict/idp/internal/secret"
)

// lookBack is how many rotations ago a refresh token may have been replaced and still be recognised as a replay that
// ends the family. Older ones are unknown, and unknown is refused as well.
const lookBack = 32

// NewToken draws a code or refresh token of a grant: its identifier and 256 random bits (RFC 6749 section 10.10). The
// grant is found by its key and holds only the hash of the whole, so that using a token changes no index.
func NewToken(id ID) string { return string(id) + "." + secret.Token() }

// IDOf is the grant that a code or refresh token names, which is no proof that it is one.
func IDOf(token string) (ID, bool) {
	id, random, _ := strings.Cut(token, ".")
	return ID(id), secret.IsID(id) && secret.IsToken(random)
}

// Successor is the refresh token after this one: HMAC-SHA-256 under a key of the server. Being computed and not
// drawn, every repeat of a refresh gets the same one, on every node, without keeping it anywhere in the clear.
func Successor(key []byte, token string) string {
	id, _, _ := strings.Cut(token, ".")
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("refresh successor\x00" + token))
	return id + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// Outdated reports whether a token was replaced by one that was replaced itself, before the one whose hash is current:
// somebody kept a copy.
func Outdated(key []byte, token string, current []byte) bool {
	next := Successor(key, token)
	for range lookBack {
		next = Successor(key, next)
		if secret.Equal(secret.Hash(next), current) {
			return true
		}
	}
	return false
}
