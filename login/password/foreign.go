package password

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/bcrypt"
	"golang.org/x/crypto/scrypt"

	"github.com/minddistrict/idp/internal/argon2"
)

// foreign are the kinds of hashes that other systems made, by how they begin. They are verified only, and replaced by
// ours at the first sign-in. Each parser bounds the work that it accepts to about a second of one core and the memory
// to that of our own (maxMemory).
var foreign = map[string]func(stored string) (matcher, error){
	"$2a$":            readBcrypt,
	"$2b$":            readBcrypt,
	"$2y$":            readBcrypt, // PHP and htpasswd
	"$scrypt$":        readScrypt,
	"pbkdf2_sha256$":  readDjango,
	"$pbkdf2-sha256$": readPasslib,
}

const (
	maxBcryptCost = 14        // about 1 s
	maxIterations = 2_000_000 // of PBKDF2, about 0.5 s; Django 6 has 1,200,000
	maxScryptLog  = 18        // of N
	maxScryptWork = 1 << 21   // N·r·p: 256 MiB at p = 1 (RFC 7914 section 5)
)

// bcryptBytes is all that bcrypt looks at. What was compared there beyond is unknown, so a longer password never
// matches (Okta, October 2024): its owner makes a new one. Some implementations stop at a zero byte as well.
const bcryptBytes = 72

// readBcrypt reads the modular crypt format: $2b$12$ and 53 characters.
func readBcrypt(stored string) (matcher, error) {
	if cost, err := bcrypt.Cost([]byte(stored)); err != nil || cost > maxBcryptCost || len(stored) != 60 {
		return nil, errNoHash
	}
	return func(_ *argon2.Memory, password string) bool {
		return len(password) <= bcryptBytes && !strings.Contains(password, "\x00") &&
			bcrypt.CompareHashAndPassword([]byte(stored), []byte(password)) == nil
	}, nil
}

// readScrypt reads the form of passlib and the PHC string format: $scrypt$ln=16,r=8,p=1$salt$sum.
func readScrypt(stored string) (matcher, error) {
	parts := strings.Split(stored, "$")
	var log, r, p int
	if len(parts) != 5 {
		return nil, errNoHash
	}
	if n, err := fmt.Sscanf(parts[2], "ln=%d,r=%d,p=%d", &log, &r, &p); err != nil || n != 3 ||
		parts[2] != fmt.Sprintf("ln=%d,r=%d,p=%d", log, r, p) || log < 1 || log > maxScryptLog || r < 1 || r > maxScryptWork || p < 1 || p > maxScryptWork || r*p > maxScryptWork>>log {
		return nil, errNoHash
	}
	salt, want, err := saltAndSum(base64.RawStdEncoding, parts[3], parts[4])
	if err != nil {
		return nil, err
	}
	return func(_ *argon2.Memory, password string) bool {
		sum, err := scrypt.Key([]byte(password), salt, 1<<log, r, p, len(want))
		return err == nil && subtle.ConstantTimeCompare(sum, want) == 1
	}, nil
}

// readDjango reads pbkdf2_sha256$iterations$salt$sum, with the salt as it is.
func readDjango(stored string) (matcher, error) {
	parts := strings.Split(stored, "$")
	if len(parts) != 4 {
		return nil, errNoHash
	}
	sum, err := base64.StdEncoding.DecodeString(parts[3])
	if err != nil {
		return nil, errNoHash
	}
	return pbkdf2SHA256(parts[1], []byte(parts[2]), sum)
}

// readPasslib reads $pbkdf2-sha256$iterations$salt$sum, in a base64 with a dot for the plus sign.
func readPasslib(stored string) (matcher, error) {
	parts := strings.Split(stored, "$")
	if len(parts) != 5 {
		return nil, errNoHash
	}
	salt, sum, err := saltAndSum(base64.RawStdEncoding, strings.ReplaceAll(parts[3], ".", "+"), strings.ReplaceAll(parts[4], ".", "+"))
	if err != nil {
		return nil, err
	}
	return pbkdf2SHA256(parts[2], salt, sum)
}

func pbkdf2SHA256(iterations string, salt, want []byte) (matcher, error) {
	n, err := strconv.Atoi(iterations)
	if err != nil || n < 1 || n > maxIterations || len(salt) == 0 || len(want) != sha256.Size {
		return nil, errNoHash
	}
	return func(_ *argon2.Memory, password string) bool {
		sum, err := pbkdf2.Key(sha256.New, password, salt, n, len(want))
		return err == nil && subtle.ConstantTimeCompare(sum, want) == 1
	}, nil
}

// saltAndSum decodes both; a sum that is so short that others match it is refused.
func saltAndSum(enc *base64.Encoding, salt, sum string) (s, h []byte, err error) {
	s, errSalt := enc.DecodeString(salt)
	h, errSum := enc.DecodeString(sum)
	if errSalt != nil || errSum != nil || len(s) == 0 || len(h) < 16 || len(h) > 64 {
		return nil, nil, errNoHash
	}
	return s, h, nil
}
