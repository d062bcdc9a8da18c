package keys

import (
	"cmp"
	"crypto"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/platform"
)

// types are the values of the `typ` header we sign with: ID tokens, access tokens (RFC 9068 section 2.1), logout tokens
// (OpenID Connect Back-Channel Logout 1.0 section 2.4) and authorization responses (JARM, which names no type). Keeping
// them apart keeps one from passing for the other (RFC 8725 section 3.11).
var types = []string{"JWT", "at+jwt", "logout+jwt", "oauth-authz-resp+jwt"}

// Ring is all signing keys of all platforms, ready to use. It never changes and may be shared by any number of
// goroutines.
type Ring struct {
	keys     map[platform.ID][]Key // in the order of the JWKS
	opened   map[keyID]opened      // those that could be
	unopened []Unopened
}

type keyID struct {
	platform platform.ID
	kid      string
}

func (k Key) id() keyID { return keyID{k.Platform, k.KID} }

type opened struct {
	public  jose.JSONWebKey
	signers map[string]*Signer // by `typ`; none: it cannot be opened any more
}

// Unopened is a key that could not be opened, and why.
type Unopened struct {
	Platform platform.ID
	KID      string
	Err      error
}

// NewRing opens the keys. One that cannot be opened, or whose halves do not belong together, fails the whole ring: a
// node that signs for some platforms only is harder to notice than one that does not start.
func NewRing(all []Key, s *Sealer) (*Ring, error) {
	r := NextRing(all, s, nil)
	for _, k := range r.unopened {
		return nil, fmt.Errorf("opening key %s of platform %s: %w", k.KID, k.Platform, k.Err)
	}
	return r, nil
}

// NextRing opens the keys of a node that runs. One that cannot be opened does not sign, and no other takes its place:
// parties might not know that one yet. It is published if the ring before has opened it, because what it signed is
// true. Otherwise nobody vouches for its public half, which whoever can write to the database may have put there.
func NextRing(all []Key, s *Sealer, before *Ring) *Ring {
	r := &Ring{keys: map[platform.ID][]Key{}, opened: map[keyID]opened{}}
	for _, k := range all {
		o, err := k.open(s)
		if err != nil {
			r.unopened = append(r.unopened, Unopened{k.Platform, k.KID, err})
		}
		if err == nil || before != nil && before.vouches(k, &o) {
			r.opened[k.id()] = o
		}
		r.keys[k.Platform] = append(r.keys[k.Platform], k)
	}
	for _, own := range r.keys {
		slices.SortFunc(own, func(a, b Key) int {
			return cmp.Or(cmp.Compare(slices.Index(algs, a.Alg), slices.Index(algs, b.Alg)), byAge(a, b))
		})
	}
	return r
}

// vouches reports whether the ring opened this very key, and fills in its public half.
func (r *Ring) vouches(k Key, o *opened) bool {
	known, ok := r.opened[k.id()]
	o.public = known.public
	return ok && known.public.Algorithm == k.Alg && k.publishes(known.public)
}

// Unopened are the keys that could not be opened.
func (r *Ring) Unopened() []Unopened { return r.unopened }

// Signs reports whether a platform can sign now: fault.NotFound without a key of that algorithm, fault.Unavailable when
// it cannot be opened.
func (r *Ring) Signs(p platform.ID, alg string, now time.Time) error {
	_, err := r.signers(p, alg, now)
	return err
}

// signers are those of a platform's current key, by `typ`. The newest key whose time has come signs.
func (r *Ring) signers(p platform.ID, alg string, now time.Time) (map[string]*Signer, error) {
	k, ok := current(r.keys[p], p, alg, now)
	if !ok {
		return nil, fmt.Errorf("%s key of platform %s: %w", alg, p, fault.NotFound)
	}
	signers := r.opened[k.id()].signers
	if signers == nil {
		return nil, fmt.Errorf("key %s of platform %s cannot be opened: %w", k.KID, p, fault.Told)
	}
	return signers, nil
}

// InUse are the keys of all platforms that sign now, also those that this node cannot open.
func (r *Ring) InUse(now time.Time) (all []Key) {
	for p, own := range r.keys {
		for _, alg := range algs {
			if k, ok := current(own, p, alg, now); ok {
				all = append(all, k)
			}
		}
	}
	return all
}

// Signer returns the signer of a platform's current key: kid and typ are in the header. Errors are those of Signs, and
// fault.NotFound for a typ we do not sign.
func (r *Ring) Signer(p platform.ID, alg string, typ string, now time.Time) (*Signer, error) {
	signers, err := r.signers(p, alg, now)
	if err != nil {
		return nil, err
	}
	signer, ok := signers[typ]
	if !ok {
		return nil, fmt.Errorf("signer of typ %q: %w", typ, fault.NotFound)
	}
	return signer, nil
}

// Verification returns the public keys of a platform that are published and not dropped, and that are known to be ours.
func (r *Ring) Verification(p platform.ID, now time.Time) *jose.JSONWebKeySet {
	set := &jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}} // RFC 7517 section 5.1: an array, also when empty
	for _, k := range r.keys[p] {
		if o, ok := r.opened[k.id()]; ok && k.listed(now) {
			set.Keys = append(set.Keys, o.public)
		}
	}
	return set
}

// JWKS is Verification as the JSON document that relying parties read (RFC 7517 section 5).
func (r *Ring) JWKS(p platform.ID, now time.Time) []byte {
	document, err := json.Marshal(r.Verification(p, now))
	if err != nil {
		panic(fmt.Sprintf("keys: writing public keys that NewRing read: %v", err))
	}
	return document
}

// open unseals the private key and checks that the row is what we wrote: the seal vouches for private key, platform
// and kid, and the public half has to follow from them, so that nobody who can write to the database publishes a key
// of their own.
func (k Key) open(s *Sealer) (opened, error) {
	pkcs8, err := s.Open(k.Sealed, k.Binding())
	if err != nil {
		return opened{}, err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(pkcs8)
	if err != nil {
		return opened{}, fmt.Errorf("%w: private key: %w", fault.Invalid, err)
	}
	private, ok := parsed.(crypto.Signer)
	if !ok {
		return opened{}, fmt.Errorf("%w: private key of type %T cannot sign", fault.Invalid, parsed)
	}
	public, err := publicJWK(private, k.Alg)
	if err != nil {
		return opened{}, err
	}
	if public.KeyID != k.KID || !k.publishes(public) {
		return opened{}, fmt.Errorf("%w: public and private key do not belong together", fault.Invalid)
	}
	o := opened{public: public, signers: map[string]*Signer{}}
	for _, typ := range types {
		if o.signers[typ], err = newSigner(private, header{Alg: k.Alg, KID: k.KID, Typ: typ}); err != nil {
			return opened{}, err
		}
	}
	return o, nil
}

// publishes reports whether the stored public half is this key, for this algorithm.
func (k Key) publishes(public jose.JSONWebKey) bool {
	var stored jose.JSONWebKey
	if err := json.Unmarshal(k.Public, &stored); err != nil || !stored.IsPublic() {
		return false
	}
	kid, err := thumbprint(stored)
	return err == nil && kid == public.KeyID && stored.KeyID == public.KeyID && stored.Algorithm == public.Algorithm
}
