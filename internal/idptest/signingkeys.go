package idptest

import (
	"crypto"
	"strings"
	"sync"

	"github.com/minddistrict/idp/keys"
)

// signingKeys are the RSA keys that the tests of this process share.
var signingKeys = keyPool{next: map[string]int{}}

// keyPool gives each test its keys in one order: the first that it asks for is the first of the pool. A test is a
// top-level test, or a subtest of one with everything below it.
type keyPool struct {
	mu   sync.Mutex
	all  []crypto.Signer
	next map[string]int // by test
}

// choose is an RSA key that the test did not have before; keys of other algorithms cost little and are drawn anew.
func (p *keyPool) choose(test, alg string, anew keys.Draw) (crypto.Signer, error) {
	if alg != "RS256" && alg != "PS256" {
		return anew(alg)
	}
	if parts := strings.SplitN(test, "/", 3); len(parts) > 2 {
		test = parts[0] + "/" + parts[1]
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	i := p.next[test]
	p.next[test]++
	if i == len(p.all) {
		key, err := anew(alg)
		if err != nil {
			return nil, err
		}
		p.all = append(p.all, key)
	}
	return p.all[i], nil
}
