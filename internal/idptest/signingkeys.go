package idptest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"strings"
	"sync"
)

// signingKeys are the RSA keys that tests of this process share, in the order in which each test asks: a top-level test,
// or a subtest of one with what is below it.
var signingKeys = keyPool{next: map[string]int{}}

type keyPool struct {
	mu   sync.Mutex
	all  []*rsa.PrivateKey
	next map[string]int // by test
}

// draw is a private key that the test did not have before. Keys that are cheap are drawn anew.
func (p *keyPool) draw(test, alg string) (crypto.Signer, error) {
	switch alg {
	case "ES256":
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "EdDSA":
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	case "RS256", "PS256":
	default:
		return nil, fmt.Errorf("no tests with algorithm %q", alg)
	}
	if parts := strings.SplitN(test, "/", 3); len(parts) > 2 {
		test = parts[0] + "/" + parts[1]
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	i := p.next[test]
	p.next[test]++
	if i == len(p.all) {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			return nil, err
		}
		p.all = append(p.all, key)
	}
	return p.all[i], nil
}
