package password

import (
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/minddistrict/idp/internal/argon2"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
)

// Params are the costs of Argon2id (RFC 9106); they are part of each hash, so they can rise later.
type Params struct {
	Memory  uint32 // KiB
	Passes  uint32
	Threads uint8
}

// DefaultParams are the OWASP minimum with one thread: 15 to 22 ms of a
// busy core with AVX2, 33 to 44 without, measured side by side.
var DefaultParams = Params{Memory: 19 * 1024, Passes: 2, Threads: 1}

const (
	saltLen   = 16
	hashLen   = 32
	maxMemory = 256 * 1024    // KiB; a hash that asks for more is refused instead of filling the machine
	maxWork   = 4 * maxMemory // KiB times passes: about 1 s of one core
)

// hash makes a PHC string of a password in NFC, so that the same letters typed on another device match.
func hash(in *argon2.Memory, password string, p Params) string {
	salt := secret.Bytes(saltLen)
	return phc(p, salt, in.IDKey([]byte(norm.NFC.String(password)), salt, p.Passes, p.Memory, p.Threads, hashLen))
}

// standIn is a hash of nothing: comparing with it costs the same and never matches. Making it costs nothing, so that a
// server starts at once.
func standIn(p Params) string { return phc(p, secret.Bytes(saltLen), secret.Bytes(hashLen)) }

func phc(p Params, salt, sum []byte) string {
	enc := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.Memory, p.Passes, p.Threads, enc.EncodeToString(salt), enc.EncodeToString(sum))
}

// verify compares in constant time. A string that is no hash of a kind we know, or that asks for more work than we do
// for anybody, is fault.Invalid.
func verify(in *argon2.Memory, password, stored string) (bool, error) {
	matches, err := read(stored)
	if err != nil {
		return false, err
	}
	return matches(in, norm.NFC.String(password)), nil
}

// matcher reports whether a password in NFC belongs to a hash. One of ours is made in the memory given.
type matcher func(in *argon2.Memory, password string) bool

// read parses a stored hash: ours, or one that was imported (foreign.go).
func read(stored string) (matcher, error) {
	for prefix, kind := range foreign {
		if strings.HasPrefix(stored, prefix) {
			return kind(stored)
		}
	}
	p, salt, want, err := parse(stored)
	if err != nil {
		return nil, err
	}
	return func(in *argon2.Memory, password string) bool {
		sum := in.IDKey([]byte(password), salt, p.Passes, p.Memory, p.Threads, uint32(len(want)))
		return subtle.ConstantTimeCompare(sum, want) == 1
	}, nil
}

// outdated reports whether a hash is weaker than what is made now, or of another kind.
func outdated(stored string, now Params) bool {
	p, _, _, err := parse(stored)
	return err != nil || p.Memory < now.Memory || p.Passes < now.Passes
}

// errNoHash says no more, because an error may reach a log.
var errNoHash = fmt.Errorf("%w: none of argon2id, bcrypt, scrypt and pbkdf2-sha256 within our bounds", fault.Invalid)

func parse(phc string) (p Params, salt, sum []byte, err error) {
	parts := strings.Split(phc, "$")
	refuse := errNoHash
	var version int
	if len(parts) != 6 || parts[1] != "argon2id" {
		return p, nil, nil, refuse
	}
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return p, nil, nil, refuse
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.Memory, &p.Passes, &p.Threads); err != nil ||
		parts[3] != fmt.Sprintf("m=%d,t=%d,p=%d", p.Memory, p.Passes, p.Threads) ||
		p.Memory > maxMemory || p.Passes == 0 || p.Passes > 16 || p.Threads == 0 || p.Memory*p.Passes > maxWork {
		return p, nil, nil, refuse
	}
	salt, errSalt := base64.RawStdEncoding.DecodeString(parts[4])
	sum, errSum := base64.RawStdEncoding.DecodeString(parts[5])
	if errSalt != nil || errSum != nil || len(salt) < 8 || len(sum) < 16 || len(sum) > 64 {
		return p, nil, nil, refuse
	}
	return p, salt, sum, nil
}
