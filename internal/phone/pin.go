package phone

import (
	"encoding/base64"
	"errors"
	"strings"
)

const (
	pinDigits = 5
	pinLabel  = "minddistrict pin v1" // what pin_key is for, so that the same secret gives nothing else
)

var (
	// ErrNoPIN says that something is not five digits.
	ErrNoPIN = errors.New("a PIN is five digits")
	// ErrWeakPIN says that a PIN is among the first that somebody would try.
	ErrWeakPIN = errors.New("this PIN is easy to guess")
)

// CheckPIN says whether somebody may choose a PIN. The server cannot: it never sees one.
func CheckPIN(pin string) error {
	switch {
	case !isPIN(pin):
		return ErrNoPIN
	case weak(pin):
		return ErrWeakPIN
	}
	return nil
}

func isPIN(text string) bool {
	return len(text) == pinDigits && strings.Trim(text, "0123456789") == ""
}

// weak reports whether five digits are equal, one pair repeated (12121), or a row up or down, where 0 follows 9.
func weak(pin string) bool {
	up, down, pairs := true, true, true
	for i := 1; i < len(pin); i++ {
		step := (pin[i] + 10 - pin[i-1]) % 10 // from one digit to the next
		up, down = up && step == 1, down && step == 9
		pairs = pairs && (i < 2 || pin[i] == pin[i-2]) // equal digits are such pairs
	}
	return up || down || pairs
}

// PINMessage is what pin_key is the HMAC-SHA-256 of, under the PIN secret: label, issuer, thumbprint of the device key
// and the digits, with a zero byte between them. None of them can hold one.
func PINMessage(issuer, jkt, pin string) []byte {
	return []byte(pinLabel + "\x00" + issuer + "\x00" + jkt + "\x00" + pin)
}

// PINKey is pin_key: what is sent once, when a PIN is chosen. secret is pin_secret, 32 bytes.
func PINKey(secret []byte, issuer, jkt, pin string) []byte {
	return mac(secret, PINMessage(issuer, jkt, pin))
}

// PINProof is pin_proof: jti and nonce are those of the DPoP proof of the same request, so each is good for that one.
func PINProof(pinKey []byte, jti, nonce string) []byte {
	return mac(pinKey, []byte(jti+"\x00"+nonce))
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
