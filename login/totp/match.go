package totp

import (
	"crypto/subtle"
	"fmt"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"github.com/minddistrict/idp/login"
)

const (
	period = 30 // seconds, RFC 6238 section 5.2
	skew   = 1  // steps before and after that count
)

// stepAt is the number of the step of a moment (RFC 6238 section 4.2).
func stepAt(now time.Time) int64 { return now.Unix() / period }

// match finds the step that a code is of, among those near now that come after the last used one; ok is false when
// there is none. Every step is compared, so that it takes as long for each.
func match(secret, code string, after int64, now time.Time) (step int64, ok bool, err error) {
	current := stepAt(now)
	for s := current - skew; s <= current+skew; s++ {
		want, err := hotp.GenerateCodeCustom(secret, uint64(s), hotp.ValidateOpts{Digits: otp.Digits(login.CodeDigits), Algorithm: otp.AlgorithmSHA1})
		if err != nil {
			return 0, false, fmt.Errorf("code of step %d: %w", s, err)
		}
		if subtle.ConstantTimeCompare([]byte(code), []byte(want)) == 1 && s > after {
			step, ok = s, true
		}
	}
	return step, ok, nil
}
