package grant

import (
	"crypto/sha256"
	"encoding/base64"
	"regexp"
)

var (
	challengePattern = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)       // SHA-256 in base64url, RFC 7636 section 4.2
	verifierPattern  = regexp.MustCompile(`^[A-Za-z0-9._~-]{43,128}$`) // RFC 7636 section 4.1
)

// ChallengeValid reports whether an S256 code challenge has the only form it can have.
func ChallengeValid(challenge string) bool { return challengePattern.MatchString(challenge) }

// ChallengeOf is the S256 challenge of a verifier (RFC 7636 section 4.2); false when the verifier has a wrong form.
func ChallengeOf(verifier string) (string, bool) {
	if !verifierPattern.MatchString(verifier) {
		return "", false
	}
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:]), true
}
