package keys

import (
	"bytes"
	"crypto"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/platform"
)

var joseAlgs = []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256, jose.EdDSA}

// signedBy signs, verifies with what is published at that moment, and returns the kid.
func signedBy(t *testing.T, r *Ring, alg, typ string, now time.Time) string {
	t.Helper()
	signer, err := r.Signer("linde", alg, typ, now)
	if err != nil {
		t.Fatal(err)
	}
	compact, err := signer.Sign([]byte(`{"sub":"anna"}`))
	if err != nil {
		t.Fatal(err)
	}
	jws, err := jose.ParseSignedCompact(compact, joseAlgs)
	if err != nil {
		t.Fatal(err)
	}
	header := jws.Signatures[0].Protected
	if header.Algorithm != alg || header.ExtraHeaders[jose.HeaderType] != typ || header.JSONWebKey != nil {
		t.Errorf("header: got %+v, want alg %s, typ %s and no jwk", header, alg, typ)
	}
	var published jose.JSONWebKeySet
	if err := json.Unmarshal(r.JWKS("linde", now), &published); err != nil {
		t.Fatal(err)
	}
	found := published.Key(header.KeyID)
	if len(found) != 1 {
		t.Fatalf("%d published keys have kid %s, want 1", len(found), header.KeyID)
	}
	if _, err := jws.Verify(found[0]); err != nil {
		t.Errorf("verifying %s with the published key: %v", alg, err)
	}
	return header.KeyID
}

func newRing(t *testing.T, s *Sealer) (*Ring, []Key) {
	t.Helper()
	made := must(t)(Ensure(nil, "linde", algs, s, start))
	ring, err := NewRing(made, s)
	if err != nil {
		t.Fatal(err)
	}
	return ring, made
}

func TestThumbprintOfRFC7638(t *testing.T) {
	data, err := os.ReadFile("testdata/rfc7638.json")
	if err != nil {
		t.Fatal(err)
	}
	var vector struct {
		Key        jose.JSONWebKey
		Thumbprint string
	}
	if err := json.Unmarshal(data, &vector); err != nil {
		t.Fatal(err)
	}
	if got, err := thumbprint(vector.Key); err != nil || got != vector.Thumbprint {
		t.Errorf("got %q, %v, want %q", got, err, vector.Thumbprint)
	}
}

func TestEveryAlgorithmSigns(t *testing.T) {
	ring, made := newRing(t, newSealer(t, masterA))
	for _, k := range made {
		for _, typ := range []string{"JWT", "at+jwt", "logout+jwt"} {
			if got := signedBy(t, ring, k.Alg, typ, start); got != k.KID {
				t.Errorf("%s %s: got kid %s, want %s", k.Alg, typ, got, k.KID)
			}
		}
	}
	for name, c := range map[string]struct {
		platform platform.ID
		alg, typ string
	}{
		"another platform": {"wilg", "ES256", "JWT"},
		"no algorithm":     {"linde", "none", "JWT"},
		"symmetric":        {"linde", "HS256", "JWT"},
		"unknown typ":      {"linde", "ES256", "secevent+jwt"},
	} {
		if _, err := ring.Signer(c.platform, c.alg, c.typ, start); !errors.Is(err, fault.NotFound) {
			t.Errorf("%s: got %v, want fault.NotFound", name, err)
		}
	}
}

func TestJWKSShowsPublicHalvesOnly(t *testing.T) {
	ring, made := newRing(t, newSealer(t, masterA))
	document := ring.JWKS("linde", start)
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal(document, &set); err != nil {
		t.Fatal(err)
	}
	members := map[string][]string{"RSA": {"n", "e"}, "EC": {"crv", "x", "y"}, "OKP": {"crv", "x"}}
	var order []string
	for _, k := range set.Keys {
		order = append(order, k["alg"])
		if k["use"] != "sig" || k["kid"] == "" {
			t.Errorf("%s: got use %q and kid %q", k["alg"], k["use"], k["kid"])
		}
		for member := range k {
			if !slices.Contains(append(members[k["kty"]], "kty", "use", "alg", "kid"), member) {
				t.Errorf("%s key has a member %q", k["kty"], member)
			}
		}
	}
	if !slices.Equal(order, algs) {
		t.Errorf("got %v, want %v", order, algs)
	}
	if !bytes.Equal(document, ring.JWKS("linde", start.Add(time.Hour))) {
		t.Error("the document changes though the keys do not: its ETag would, too")
	}
	if got := string(ring.JWKS("wilg", start)); got != `{"keys":[]}` {
		t.Errorf("a platform without keys: got %s", got)
	}
	for _, k := range made {
		sum := thumbprintOf(t, k.Public)
		if k.KID != sum {
			t.Errorf("%s: kid %s is not the thumbprint %s", k.Alg, k.KID, sum)
		}
	}
}

func thumbprintOf(t *testing.T, document []byte) string {
	t.Helper()
	var k jose.JSONWebKey
	if err := json.Unmarshal(document, &k); err != nil {
		t.Fatal(err)
	}
	sum, err := k.Thumbprint(crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(sum)
}

func TestRingRefusesRowsThatWereChanged(t *testing.T) {
	s := newSealer(t, masterA)
	made := must(t)(Ensure(nil, "linde", []string{"ES256", "EdDSA"}, s, start))
	foreign := must(t)(Ensure(nil, "linde", []string{"ES256"}, s, start))[0]
	for name, change := range map[string]func(*Key){
		"moved to another platform":     func(k *Key) { k.Platform = "wilg" },
		"another kid":                   func(k *Key) { k.KID = foreign.KID },
		"another public key":            func(k *Key) { k.Public = foreign.Public },
		"another private key":           func(k *Key) { k.Sealed = foreign.Sealed },
		"another algorithm":             func(k *Key) { k.Alg = "EdDSA" },
		"an algorithm we have not":      func(k *Key) { k.Alg = "none" },
		"no public key":                 func(k *Key) { k.Public = nil },
		"no private key":                func(k *Key) { k.Sealed = nil },
		"public key for something else": func(k *Key) { k.Public = bytes.Replace(k.Public, []byte("ES256"), []byte("ES384"), 1) },
		"sealed, but no key":            func(k *Key) { k.Sealed = s.Seal([]byte("no key"), k.Binding()) },
	} {
		changed := slices.Clone(made)
		change(&changed[0])
		if _, err := NewRing(changed, s); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), changed[0].KID) {
			t.Errorf("%s: got %v, want fault.Invalid that names the key", name, err)
		}
	}
	if _, err := NewRing(made, newSealer(t, masterB)); !errors.Is(err, fault.Invalid) {
		t.Errorf("another master key: got %v, want fault.Invalid", err)
	}
}

func TestRingIsSharedByGoroutines(t *testing.T) {
	ring, _ := newRing(t, newSealer(t, masterA))
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			signer, err := ring.Signer("linde", algs[i%len(algs)], "JWT", start)
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := signer.Sign([]byte("{}")); err != nil {
				t.Error(err)
			}
			ring.JWKS("linde", start)
		})
	}
	wg.Wait()
}

func BenchmarkNewRing(b *testing.B) {
	s := newSealer(b, masterA)
	made, err := Ensure(nil, "linde", algs, s, start)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := NewRing(made, s); err != nil {
			b.Fatal(err)
		}
	}
}

// A node that runs meets a key that it cannot open, because it was sealed under another master key: that key does not
// sign, nor does another one in its place, and everything else goes on.
func TestKeyThatCannotBeOpenedStopsSigningForItsPlatformOnly(t *testing.T) {
	s, foreign := newSealer(t, masterA), newSealer(t, masterB)
	now := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	var all []Key
	for _, p := range []platform.ID{"linde", "wilg"} {
		made, err := Ensure(nil, p, []string{"RS256", "ES256"}, s, now)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, made...)
	}
	before, err := NewRing(all, s)
	if err != nil {
		t.Fatal(err)
	}
	next := slices.Clone(all)
	var shut []string
	for i := range next {
		if k := &next[i]; k.Platform == "linde" {
			plain, err := s.Open(k.Sealed, k.Binding())
			if err != nil {
				t.Fatal(err)
			}
			k.Sealed = foreign.Seal(plain, k.Binding())
			shut = append(shut, k.KID)
		}
	}
	if _, err := NewRing(next, s); !errors.Is(err, fault.Invalid) {
		t.Errorf("a node that starts: %v, want %v", err, fault.Invalid)
	}
	ring := NextRing(next, s, before)
	for _, alg := range []string{"RS256", "ES256"} {
		if _, err := ring.Signer("linde", alg, "JWT", now); !errors.Is(err, fault.Unavailable) || !errors.Is(ring.Signs("linde", alg, now), fault.Told) {
			t.Errorf("%s of linde: %v, want %v", alg, err, fault.Told)
		}
		if _, err := ring.Signer("wilg", alg, "JWT", now); err != nil {
			t.Errorf("%s of wilg: %v", alg, err)
		}
	}
	var told []string
	for _, k := range ring.Unopened() {
		if k.Platform != "linde" || k.Err == nil {
			t.Errorf("unopened: %+v", k)
		}
		told = append(told, k.KID)
	}
	if !slices.Equal(told, shut) {
		t.Errorf("unopened: %q, want %q", told, shut)
	}
	if !bytes.Equal(ring.JWKS("linde", now), before.JWKS("linde", now)) || !bytes.Equal(ring.JWKS("wilg", now), before.JWKS("wilg", now)) {
		t.Error("what was published before is not published any more")
	}
	if again := NextRing(next, s, ring); !bytes.Equal(again.JWKS("linde", now), before.JWKS("linde", now)) {
		t.Error("… at the reading after that")
	}
}

// Whoever can write to the database cannot have a key of their own published, nor let a key of one platform stand for
// another: what no ring has opened is not listed.
func TestKeyThatNobodyVouchesForIsNotPublished(t *testing.T) {
	s, foreign := newSealer(t, masterA), newSealer(t, masterB)
	now := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	own, err := Ensure(nil, "linde", []string{"ES256"}, s, now)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := Ensure(nil, "linde", []string{"ES256"}, foreign, now.Add(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	moved := own[0]
	moved.Platform = "wilg"
	swapped := own[0]
	swapped.Public = theirs[0].Public
	before, err := NewRing(own, s)
	if err != nil {
		t.Fatal(err)
	}
	ring := NextRing(append(theirs, moved), s, before)
	for _, p := range []platform.ID{"linde", "wilg"} {
		if listed := ring.Verification(p, now).Keys; len(listed) > 0 {
			t.Errorf("%s publishes %v", p, listed)
		}
		if _, err := ring.Signer(p, "ES256", "JWT", now.Add(time.Minute)); !errors.Is(err, fault.Unavailable) {
			t.Errorf("%s: %v, want %v", p, err, fault.Unavailable)
		}
	}
	if listed := NextRing([]Key{swapped}, s, before).Verification("linde", now).Keys; len(listed) > 0 {
		t.Errorf("a public half that was changed is published: %v", listed)
	}
}
