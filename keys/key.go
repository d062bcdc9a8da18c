package keys

import (
	"time"

	"github.com/minddistrict/idp/platform"
)

// Key is one signing key of one platform, as it is stored.
type Key struct {
	KID      string // RFC 7638 thumbprint, SHA-256 in base64url
	Platform platform.ID
	Alg      string    // RS256, PS256, ES256 or EdDSA; a key signs with this one only (RFC 8725 section 3.1)
	Public   []byte    // JWK in JSON, with alg, kid and use
	Sealed   []byte    // private key, PKCS #8, sealed and bound to platform and KID
	MadeAt   time.Time // published from here on
	UseAt    time.Time // signs from here on
	RetireAt time.Time // its successor signs from here on; zero: not planned
	DropAt   time.Time // out of the JWKS from here on; zero: not planned
}
