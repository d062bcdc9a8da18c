package recoverycode

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/platform"
)

const (
	setSize  = 6  // codes in a set, as the help page on recovery codes says
	codeSize = 12 // characters of a code: 58 bits

	// alphabet has no characters that are taken for each other: no I, O, 0, 1, L and U.
	alphabet = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
)

// never is the end of a code: it has none. Rows must have one.
var never = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// derive computes the codes of a set from a seed: uniform characters, the codes sorted, so that people find them.
func derive(seed []byte) []string {
	var codes []string
	for stream := (&stream{seed: seed}); len(codes) < setSize; {
		code := stream.code()
		if !slices.Contains(codes, code) {
			codes = append(codes, code)
		}
	}
	slices.Sort(codes)
	return codes
}

// stream is an endless sequence of bytes: HMAC-SHA-256 of the seed over a counter (NIST SP 800-108, counter mode).
type stream struct {
	seed    []byte
	counter uint32
	left    []byte
}

func (s *stream) next() byte {
	if len(s.left) == 0 {
		s.counter++
		mac := hmac.New(sha256.New, s.seed)
		mac.Write(binary.BigEndian.AppendUint32(nil, s.counter))
		s.left = mac.Sum(nil)
	}
	b := s.left[0]
	s.left = s.left[1:]
	return b
}

// code draws each character uniformly: bytes that would prefer some are left out.
func (s *stream) code() string {
	code := make([]byte, 0, codeSize)
	for len(code) < codeSize {
		if b := int(s.next()); b < 256/len(alphabet)*len(alphabet) {
			code = append(code, alphabet[b%len(alphabet)])
		}
	}
	return string(code)
}

// Written is a code as people see it: XXXX-XXXX-XXXX.
func Written(code string) string { return code[:4] + "-" + code[4:8] + "-" + code[8:] }

// Read is a code as somebody typed it: capitals, blanks and hyphens do not matter. Whatever else is in it stays, and
// matches nothing.
func Read(typed string) string {
	return strings.ToUpper(strings.Map(func(r rune) rune {
		if r == '-' || r == '.' || r == ' ' || r == '\u00a0' || r == '\t' || r == '\u2010' || r == '\u2011' || r == '\u2013' {
			return -1
		}
		return r
	}, typed))
}

// hash is how a code is stored: under the key of its set, which is bound to its account.
func hash(key []byte, code string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(code))
	return mac.Sum(nil)
}

// Sealer seals the key of a set.
type Sealer interface {
	Seal(plain []byte, binding string) []byte
	Open(sealed []byte, binding string) ([]byte, error)
	MAC(purpose, data string) []byte
}

// NewSet makes the credential and the tickets of a set that replaces all earlier ones; codes are in any spelling.
func NewSet(sealer Sealer, p platform.ID, id account.ID, codes []string, now time.Time) (account.Credential, []authn.Ticket) {
	c := account.Credential{
		ID: account.CredentialID(secret.ID()), Account: id, Method: Method, Use: account.Recovery, AddedAt: now, ConfirmedAt: now,
	}
	key := secret.Bytes(sha256.Size)
	c.Sealed = sealer.Seal(key, c.Binding())
	tickets := make([]authn.Ticket, len(codes))
	for i, code := range codes {
		tickets[i] = authn.Ticket{
			Hash: hash(key, Read(code)), Platform: p, Purpose: authn.TicketRecoveryCode, Account: id, IssuedAt: now, ExpiresAt: never,
		}
	}
	return c, tickets
}

// Hash is how a code of a set is stored.
func Hash(sealer Sealer, set account.Credential, typed string) ([]byte, error) {
	key, err := sealer.Open(set.Sealed, set.Binding())
	if err != nil {
		return nil, err
	}
	return hash(key, Read(typed)), nil
}
