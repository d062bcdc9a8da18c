package keys

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/platform"
)

const (
	// publishFor is how long a key is in the JWKS before it signs, so that every relying party's copy has it.
	publishFor = 24 * time.Hour
	// tokenLife is the longest life of what a key signs: ID tokens and JWT access tokens, see package grant.
	tokenLife = 5 * time.Minute
	// listedFor is how long a retired key stays in the JWKS. Beyond a token's life by the longest session there is
	// (24 hours): until then an ID token comes back as id_token_hint and has to verify.
	listedFor = tokenLife + 24*time.Hour
)

// Ensure makes the keys a platform lacks for algs. They sign at once: nobody has an older copy of the JWKS that
// would miss them. It returns only the new keys.
func Ensure(existing []Key, p platform.ID, algs []string, s *Sealer, now time.Time) ([]Key, error) {
	var made []Key
	for _, alg := range algs {
		if _, ok := current(slices.Concat(existing, made), p, alg, now); ok {
			continue
		}
		k, err := newKey(p, alg, s, now, now)
		if err != nil {
			return nil, err
		}
		made = append(made, k)
	}
	return made, nil
}

// Rotate makes the next key of an algorithm and plans the end of the current one. It returns the keys to save, the
// current one first. A second call before the next key is used is fault.Refused; fault.NotFound without any key.
func Rotate(existing []Key, p platform.ID, alg string, s *Sealer, now time.Time) ([]Key, error) {
	old, ok := current(existing, p, alg, now)
	if !ok {
		return nil, fmt.Errorf("rotating %s key of platform %s: %w", alg, p, fault.NotFound)
	}
	if next, ok := upcoming(existing, p, alg, now); ok {
		return nil, fmt.Errorf("rotating %s key of platform %s: %w: key %s is published already and signs from %s on",
			alg, p, fault.Refused, next.KID, next.UseAt.UTC().Format(time.RFC3339))
	}
	next, err := newKey(p, alg, s, now, now.Add(publishFor))
	if err != nil {
		return nil, err
	}
	return []Key{old.retired(next.UseAt), next}, nil
}

// Replace makes a key that signs at once, and ends all others of the algorithm: they sign and are published no more. It
// is for a key that somebody else may have. What such a key signed verifies no longer, the honest too. It returns the
// keys to save, the new one last; fault.NotFound without any key.
func Replace(existing []Key, p platform.ID, alg string, s *Sealer, now time.Time) ([]Key, error) {
	var changed []Key
	for _, k := range of(existing, p, alg) {
		if !k.listed(now) {
			continue
		}
		if now.Before(k.UseAt) {
			k.UseAt = k.MadeAt // never used: it must not count as the new one's successor
		}
		if k.RetireAt.IsZero() || now.Before(k.RetireAt) {
			k.RetireAt = now
		}
		k.DropAt = now
		changed = append(changed, k)
	}
	if len(changed) == 0 {
		return nil, fmt.Errorf("replacing %s key of platform %s: %w", alg, p, fault.NotFound)
	}
	next, err := newKey(p, alg, s, now, now)
	if err != nil {
		return nil, err
	}
	return append(changed, next), nil
}

// Due returns what rotation by age changes now: a key that signs for maxAge is replaced in time for its successor to
// be published. Where two nodes made keys in the same moment, all but the newest get an end.
func Due(existing []Key, p platform.ID, s *Sealer, now time.Time, maxAge time.Duration) ([]Key, error) {
	var changed []Key
	for _, alg := range algs {
		changed = append(changed, overtaken(existing, p, alg)...)
		k, ok := current(existing, p, alg, now)
		if !ok || now.Before(k.UseAt.Add(maxAge-publishFor)) {
			continue
		}
		if _, ok := upcoming(existing, p, alg, now); ok {
			continue
		}
		rotated, err := Rotate(existing, p, alg, s, now)
		if err != nil {
			return nil, err
		}
		changed = append(changed, rotated...)
	}
	return changed, nil
}

// current is the key that signs: the newest whose time has come. A platform whose first key is still to come signs
// with that one, because the clocks of nodes differ and there is no other.
func current(existing []Key, p platform.ID, alg string, now time.Time) (Key, bool) {
	own := of(existing, p, alg)
	for _, k := range slices.Backward(own) {
		if !now.Before(k.UseAt) && (k.RetireAt.IsZero() || now.Before(k.RetireAt)) {
			return k, true
		}
	}
	return upcoming(own, p, alg, now)
}

// upcoming is the first key that is published and does not sign yet.
func upcoming(existing []Key, p platform.ID, alg string, now time.Time) (Key, bool) {
	for _, k := range of(existing, p, alg) {
		if now.Before(k.UseAt) {
			return k, true
		}
	}
	return Key{}, false
}

// overtaken are the keys that have a successor and no planned end, with their end.
func overtaken(existing []Key, p platform.ID, alg string) []Key {
	var changed []Key
	own := of(existing, p, alg)
	for i, k := range own {
		if k.RetireAt.IsZero() && i+1 < len(own) {
			changed = append(changed, k.retired(own[i+1].UseAt))
		}
	}
	return changed
}

// of are the keys of one platform and algorithm, oldest first.
func of(existing []Key, p platform.ID, alg string) []Key {
	var own []Key
	for _, k := range existing {
		if k.Platform == p && k.Alg == alg {
			own = append(own, k)
		}
	}
	slices.SortFunc(own, byAge)
	return own
}

// byAge orders keys by the moment they sign from; the kid decides between two of one moment, on every node alike.
func byAge(a, b Key) int { return cmp.Or(a.UseAt.Compare(b.UseAt), cmp.Compare(a.KID, b.KID)) }

// retired is the key with its end planned.
func (k Key) retired(at time.Time) Key {
	k.RetireAt, k.DropAt = at, at.Add(listedFor)
	return k
}

// listed reports whether the key is in the JWKS.
func (k Key) listed(now time.Time) bool { return k.DropAt.IsZero() || now.Before(k.DropAt) }
