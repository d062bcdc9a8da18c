// Package secret makes random values, hashes them, keeps them out of logs and reads files that hold them.
//
// Everything that is handed out once and compared later (session cookies, authorization codes, refresh tokens, links)
// is Token: 256 random bits, of which only Hash is stored. Identifiers that people may see in a URL are ID:
// unguessable, but not a proof of anything. A file of secrets that others may read is refused (ReadFile). Nouns and
// doors get all randomness here, keys makes signing keys with crypto/rand; arch_test.go refuses math/rand everywhere.
package secret

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// Token returns 256 random bits as 43 characters of unpadded base64url.
func Token() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // crypto/rand never fails: it ends the process instead (Go 1.24)
	return base64.RawURLEncoding.EncodeToString(b)
}

// ID returns an identifier of 130 random bits: 26 lower-case letters and digits, safe in URLs, cookies and file names.
func ID() string { return strings.ToLower(rand.Text()) }

// DerivedID is the identifier that a text always has: of the form of an ID, from 130 bits of its SHA-256. It is as hard
// to guess as the text.
func DerivedID(text string) string {
	return strings.ToLower(base32.StdEncoding.EncodeToString(Hash(text))[:26])
}

// IsID reports whether a text has the form of an ID. What comes from outside is checked before it reaches a database.
func IsID(s string) bool {
	return len(s) == 26 && !strings.ContainsFunc(s, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '2' || r > '7') })
}

// IsToken reports whether a text has the form of a Token.
func IsToken(s string) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return err == nil && len(s) == 43 && len(b) == 32
}

// Hash is how a Token is stored: SHA-256. Without salt or stretching, because 256 random bits cannot be guessed.
func Hash(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// Equal reports whether two texts are the same, in constant time.
func Equal(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }

// referenceAlphabet has no characters that are mixed up when read aloud (0 O 1 I L U V).
const referenceAlphabet = "23456789ABCDEFGHJKMNPQRSTWXYZ"

// Reference returns a short number for the helpdesk, such as "7KQ4-MXDA". It names a request in the log and is
// not a secret: about 39 bits, enough that two requests of one day hardly ever share one.
func Reference() string {
	var out [9]byte
	drawn := out[:0]
	for len(drawn) < len(out) {
		for _, b := range Bytes(12) { // one call is enough nearly always: 1 byte in 11 is not used
			if len(drawn) == 4 {
				drawn = append(drawn, '-')
			}
			// 232 is the largest multiple of 29 below 256: without this bound some characters would come more often.
			if b < 232 && len(drawn) < len(out) {
				drawn = append(drawn, referenceAlphabet[int(b)%len(referenceAlphabet)])
			}
		}
	}
	return string(drawn)
}

// Text is a secret in configuration or memory. It prints as [hidden] wherever it is formatted, logged or marshalled.
type Text string

const hidden = "[hidden]"

func (Text) String() string                  { return hidden }
func (Text) Format(s fmt.State, _ rune)      { _, _ = io.WriteString(s, hidden) } // every verb: a mistyped one such as %d shows the value otherwise
func (Text) LogValue() slog.Value            { return slog.StringValue(hidden) }
func (Text) MarshalText() ([]byte, error)    { return []byte(hidden), nil }
func (Text) MarshalYAML() (any, error)       { return hidden, nil }
func (t *Text) UnmarshalText(b []byte) error { *t = Text(b); return nil }
func (t Text) Reveal() string                { return string(t) }

// Bytes returns n random bytes.
func Bytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // crypto/rand never fails: it ends the process instead (Go 1.24)
	return b
}

// Digits returns n random decimal digits, each value as likely as every other.
func Digits(n int) string {
	digits := make([]byte, 0, n)
	for len(digits) < n {
		if b := Bytes(1)[0]; b < 250 { // the rest would make the first six digits likelier
			digits = append(digits, '0'+b%10)
		}
	}
	return string(digits)
}
