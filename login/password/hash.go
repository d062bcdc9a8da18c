package password

import (
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
)

// Params are the costs of Argon2id (RFC 9106); they are part of each hash, so they can rise later.
type Params struct {
	Memory  uint32 // KiB
	Passes  uint32
	Threads uint8
}

// DefaultParams are the OWASP minimum with one thread: 28 to 34 ms of one core, measured.
var DefaultParams = Params{Memory: 19 * 1024, Passes: 2, Threads: 1}

const (
	saltLen   = 16
	hashLen   = 32
	maxMemory = 256 * 1024 // KiB; a hash that asks for more is refused instead of filling the machine
)

// hash makes a PHC string of a password in NFC, so that the same letters typed on another device match.
func hash(password string, p Params) string {
	salt := secret.Bytes(saltLen)
	sum := argon2.IDKey([]byte(norm.NFC.String(password)), salt, p.Passes, p.Memory, p.Threads, hashLen)
	enc := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.Memory, p.Passes, p.Threads, enc.EncodeToString(salt), enc.EncodeToString(sum))
}

// verify compares in constant time. A string that is not a hash of ours is fault.Invalid.
func verify(password, phc string) (bool, error) {
	p, salt, want, err := parse(phc)
	if err != nil {
		return false, err
	}
	sum := argon2.IDKey([]byte(norm.NFC.String(password)), salt, p.Passes, p.Memory, p.Threads, uint32(len(want)))
	return subtle.ConstantTimeCompare(sum, want) == 1, nil
}

func parse(phc string) (p Params, salt, sum []byte, err error) {
	parts := strings.Split(phc, "$")
	refuse := fmt.Errorf("password hash: %w", fault.Invalid)
	var version int
	if len(parts) != 6 || parts[1] != "argon2id" {
		return p, nil, nil, refuse
	}
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return p, nil, nil, refuse
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.Memory, &p.Passes, &p.Threads); err != nil ||
		p.Memory > maxMemory || p.Passes == 0 || p.Passes > 16 || p.Threads == 0 {
		return p, nil, nil, refuse
	}
	salt, errSalt := base64.RawStdEncoding.DecodeString(parts[4])
	sum, errSum := base64.RawStdEncoding.DecodeString(parts[5])
	if errSalt != nil || errSum != nil || len(salt) < 8 || len(sum) < 16 || len(sum) > 64 {
		return p, nil, nil, refuse
	}
	return p, salt, sum, nil
}
