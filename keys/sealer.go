package keys

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
)

const (
	masterSize = 32 // bytes of a master key, and of every key derived from one
	idSize     = 4  // bytes of a master's name inside a sealed value
	headerSize = 1 + idSize
	version    = 1 // of the format: version, master's name, nonce of 12 bytes, ciphertext with a tag of 16 bytes
)

// Sealer encrypts and authenticates what is stored (AES-256-GCM with random nonces), and derives keys for others.
//
// The first master key seals and derives; all of them open. To replace one, add the new one as the second on every
// node, then make it the first, reseal what is stored, and remove the old one. MAC follows the first master at once:
// what it made before compares with one of MACs only.
type Sealer struct {
	masters []master
	draw    Draw
}

type master struct {
	id     []byte // names the key inside a sealed value: the first bytes of its SHA-256
	secret []byte
	aead   cipher.AEAD // under a key derived for sealing; draws and prepends the nonce
}

// Draw draws a private key for an algorithm.
type Draw func(alg string) (crypto.Signer, error)

// DrawingFrom is the same sealer, but the keys that it seals are chosen by a function, which gets the one that draws them
// at random. It is for internal/idptest, where drawing RSA keys was a fifth of what tests cost; nobody else may call it
// (arch_test.go).
func (s *Sealer) DrawingFrom(choose func(alg string, anew Draw) (crypto.Signer, error)) *Sealer {
	return &Sealer{masters: s.masters, draw: func(alg string) (crypto.Signer, error) { return choose(alg, generate) }}
}

// NewSealer takes master keys of 32 random bytes each.
func NewSealer(masters ...[]byte) (*Sealer, error) {
	if len(masters) == 0 {
		return nil, fmt.Errorf("%w: no master key", fault.Invalid)
	}
	s := &Sealer{draw: generate}
	for i, m := range masters {
		if len(m) != masterSize {
			return nil, fmt.Errorf("%w: master key %d: %d bytes instead of %d", fault.Invalid, i+1, len(m), masterSize)
		}
		id := sha256.Sum256(m)
		if _, ok := s.byID(id[:idSize]); ok {
			return nil, fmt.Errorf("%w: master key %d is there twice", fault.Invalid, i+1)
		}
		aead, err := newAEAD(derive(m, "seal"))
		if err != nil {
			return nil, fmt.Errorf("master key %d: %w", i+1, err)
		}
		s.masters = append(s.masters, master{id: id[:idSize], secret: slices.Clone(m), aead: aead})
	}
	return s, nil
}

// Seal encrypts plain under the first master key. Only who names the same binding opens it.
func (s *Sealer) Seal(plain []byte, binding string) []byte {
	m := s.masters[0]
	header := append([]byte{version}, m.id...)
	return m.aead.Seal(header, nil, plain, additional(header, binding))
}

// Open decrypts what Seal made under any of the master keys. Everything else is fault.Invalid.
func (s *Sealer) Open(sealed []byte, binding string) ([]byte, error) {
	if len(sealed) < headerSize || sealed[0] != version {
		return nil, fmt.Errorf("opening %s: %w: not a sealed value", binding, fault.Invalid)
	}
	header, rest := sealed[:headerSize], sealed[headerSize:]
	m, ok := s.byID(header[1:])
	if !ok {
		return nil, fmt.Errorf("opening %s: %w: sealed under a master key that is not configured", binding, fault.Invalid)
	}
	plain, err := m.aead.Open(nil, nil, rest, additional(header, binding))
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w: changed, or sealed for something else", binding, fault.Invalid)
	}
	return plain, nil
}

// MAC is HMAC-SHA-256 of data under a key of its own for the purpose, derived from the first master key.
func (s *Sealer) MAC(purpose, data string) []byte { return s.masters[0].mac(purpose, data) }

// MACs are what MAC is with each master key as the first, in their order: one of them is what it was before a rotation.
func (s *Sealer) MACs(purpose, data string) [][]byte {
	all := make([][]byte, len(s.masters))
	for i, m := range s.masters {
		all[i] = m.mac(purpose, data)
	}
	return all
}

func (m master) mac(purpose, data string) []byte {
	h := hmac.New(sha256.New, derive(m.secret, "mac/"+purpose))
	h.Write([]byte(data))
	return h.Sum(nil)
}

// Derive returns keys of 32 bytes for a purpose, one per master key and in their order: the first is for new values.
func (s *Sealer) Derive(purpose string) [][]byte {
	derived := make([][]byte, len(s.masters))
	for i, m := range s.masters {
		derived[i] = derive(m.secret, "key/"+purpose)
	}
	return derived
}

func (s *Sealer) byID(id []byte) (master, bool) {
	i := slices.IndexFunc(s.masters, func(m master) bool { return string(m.id) == string(id) })
	if i < 0 {
		return master{}, false
	}
	return s.masters[i], true
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// derive separates purposes by HKDF (RFC 5869): a key leaked or worn out in one tells nothing of the others.
func derive(master []byte, purpose string) []byte {
	key, err := hkdf.Key(sha256.New, master, nil, "minddistrict idp/"+purpose, masterSize)
	if err != nil {
		panic(fmt.Sprintf("keys: deriving %d bytes: %v", masterSize, err)) // sizes are constants: a programming mistake
	}
	return key
}

// additional is what a sealed value vouches for besides its content. The header has a fixed length, so no two pairs
// give the same bytes.
func additional(header []byte, binding string) []byte {
	return append(slices.Clone(header), binding...)
}

// NewMaster makes a master key in the form that ParseMaster reads: 43 characters.
func NewMaster() string { return base64.RawURLEncoding.EncodeToString(secret.Bytes(masterSize)) }

// ParseMaster reads a master key of 32 bytes, written in hexadecimal or in base64 of either alphabet, padded or not.
// Its error never shows the text.
func ParseMaster(text string) ([]byte, error) {
	text = strings.TrimSpace(text)
	if key, err := hex.DecodeString(text); err == nil && len(key) == masterSize {
		return key, nil
	}
	unpadded := strings.TrimRight(text, "=")
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding.Strict(), base64.RawURLEncoding.Strict()} {
		if key, err := encoding.DecodeString(unpadded); err == nil && len(key) == masterSize {
			return key, nil
		}
	}
	return nil, fmt.Errorf("%w: master key of %d characters: 32 random bytes in base64 or hexadecimal, as openssl rand -base64 32 prints them",
		fault.Invalid, len(text))
}
