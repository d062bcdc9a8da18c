package oidc_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/minddistrict/idp/federation"
)

// A new key is found by its kid, at most every 30 seconds; what is no key of ours is as if it was not there.
func TestKeysAreReadSeldom(t *testing.T) {
	p := newProvider(t)
	p.jwks = map[string]any{"keys": []any{
		map[string]any{"kty": "oct", "kid": "one", "k": "c2VjcmV0"}, map[string]any{"kty": "later", "kid": "one"}, 5,
		jwk(small(), "one"), jwk(own(), "one"),
	}}
	c, u := p.connection(), p.upstream()
	ask := func(kid string, reads int) error {
		t.Helper()
		p.header["kid"] = kid
		p.claims["iat"] = p.now().Unix()
		_, err := p.answer(u, c, p.request(c, false))
		if got := p.count("/keys"); got != reads {
			t.Errorf("kid %s: read %d times, want %d", kid, got, reads)
		}
		return err
	}
	taken := func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	taken(ask("one", 1))
	taken(ask("one", 1))
	p.jwks = map[string]any{"keys": []any{jwk(foreign(), "two")}}
	p.sign = rs256(foreign())
	first := `jwks_uri, read ` + p.now().UTC().Format(time.RFC3339) + `, has kid "one"`
	refused(t, ask("two", 1), federation.BadSignature, `kid "two" and RS256, which is not known`, first)
	p.later(29 * time.Second)
	refused(t, ask("two", 1), federation.BadSignature)
	p.later(time.Second)
	taken(ask("two", 2))
	for range 5 {
		refused(t, ask("guessed", 2), federation.BadSignature, `jwks_uri, read `+p.now().UTC().Format(time.RFC3339)+`, has kid "two"`)
	}
	p.sign = rs256(own())
	refused(t, ask("two", 2), federation.BadSignature, `says kid "two" and RS256, and is not signed with that key`, `has kid "two"`)
	p.sign = rs256(own())
	refused(t, ask("one", 2), federation.BadSignature) // it is not there any more
	p.sign = rs256(foreign())
	p.later(10 * time.Minute)
	taken(ask("two", 3))
	// Without a kid, a new key shows by that the old one does not verify.
	p.later(30 * time.Second)
	p.jwks = map[string]any{"keys": []any{jwk(own(), "")}}
	p.sign = rs256(own())
	p.header = map[string]any{"alg": "RS256"}
	p.claims["iat"] = p.now().Unix()
	_, err := p.answer(u, c, p.request(c, false))
	taken(err)
	// While they cannot be read, those of before count.
	p.instead["/keys"] = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }
	p.later(time.Hour)
	p.claims["iat"], p.claims["exp"] = p.now().Unix(), p.now().Add(time.Hour).Unix()
	_, err = p.answer(u, c, p.request(c, false))
	taken(err)
}
