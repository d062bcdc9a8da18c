package phone

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"sync"
)

// ErrNothingStored says that a Store has no key or no secret of an issuer.
var ErrNothingStored = errors.New("nothing is stored for this issuer")

// Store is the key store of the phone: Keychain and Secure Enclave, or Android Keystore. What it holds stays on this
// phone, is in no backup and is readable only while the phone is unlocked. It may be used concurrently.
type Store interface {
	// Key is the device key of an issuer, on P-256; ErrNothingStored if there is none.
	Key(issuer string) (crypto.Signer, error)
	// MakeKey makes another device key and takes the secret away that belonged to the one before it.
	MakeKey(issuer string) (crypto.Signer, error)
	// HasSecret reports whether there is a PIN secret: there is one as soon as a PIN was chosen.
	HasSecret(issuer string) bool
	// MakeSecret makes another PIN secret of 32 random bytes.
	MakeSecret(issuer string) error
	// MAC is HMAC-SHA-256 of a message under the PIN secret; ErrNothingStored if there is none.
	MAC(issuer string, message []byte) ([]byte, error)
	// Remove destroys key and secret.
	Remove(issuer string) error
}

// Memory is a Store that ends with the program. The zero value is ready.
type Memory struct {
	mu      sync.Mutex // guards all below
	keys    map[string]*ecdsa.PrivateKey
	secrets map[string][]byte
}

// Key is that of MakeKey or Put.
func (m *Memory) Key(issuer string) (crypto.Signer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if key, ok := m.keys[issuer]; ok {
		return key, nil
	}
	return nil, ErrNothingStored
}

// MakeKey makes a key that could be exported: it is memory, not a phone.
func (m *Memory) MakeKey(issuer string) (crypto.Signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	m.Put(issuer, key, nil)
	return key, nil
}

// HasSecret reports whether MakeSecret or Put gave a secret.
func (m *Memory) HasSecret(issuer string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.secrets[issuer] != nil
}

// MakeSecret draws 32 bytes.
func (m *Memory) MakeSecret(issuer string) error {
	secret := make([]byte, sha256.Size)
	if _, err := rand.Read(secret); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.put(issuer, m.keys[issuer], secret)
	return nil
}

// MAC computes with the secret, which nobody else sees.
func (m *Memory) MAC(issuer string, message []byte) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	secret, ok := m.secrets[issuer]
	if !ok {
		return nil, ErrNothingStored
	}
	return mac(secret, message), nil
}

// Remove forgets both.
func (m *Memory) Remove(issuer string) error {
	m.Put(issuer, nil, nil)
	return nil
}

// Put stores a key and a secret that somebody has: a copy of a phone (both), a backup that lost its key (nil and the
// secret), a known secret to look for. nil takes away.
func (m *Memory) Put(issuer string, key *ecdsa.PrivateKey, secret []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.put(issuer, key, secret)
}

// put needs the lock.
func (m *Memory) put(issuer string, key *ecdsa.PrivateKey, secret []byte) {
	if m.keys == nil {
		m.keys, m.secrets = map[string]*ecdsa.PrivateKey{}, map[string][]byte{}
	}
	delete(m.keys, issuer)
	delete(m.secrets, issuer)
	if key != nil {
		m.keys[issuer] = key
	}
	if secret != nil {
		m.secrets[issuer] = secret
	}
}

// Stolen is what a thief takes out of a phone that he opened, nil where there is nothing.
func (m *Memory) Stolen(issuer string) (key *ecdsa.PrivateKey, secret []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.keys[issuer], m.secrets[issuer]
}

func mac(key, message []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(message) // never fails
	return h.Sum(nil)
}
