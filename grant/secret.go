package grant

import (
	"fmt"
	"slices"
	"time"

	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
)

const (
	MinSecret  = 32                  // characters: a secret is stored under one SHA-256, so it must not be guessable
	MaxSecrets = 2                   // at a time: one, and the one before it while the party changes over
	MaxOverlap = 90 * 24 * time.Hour // the older secret may work on
)

// ErrTwoSecrets is fault.Refused: a third secret, while two work.
var ErrTwoSecrets = fmt.Errorf("%w: two secrets work already", fault.Refused)

// SecretMatches reports whether a presented secret is one of the registered ones that still work, in constant time.
func (p *Party) SecretMatches(presented string, now time.Time) bool {
	hash, ok := secret.Hash(presented), false
	for i, s := range p.Secrets {
		ok = secret.Equal(hash, s) && p.works(i, now) || ok
	}
	return ok && p.HasSecret()
}

// SecretEnded reports whether a presented secret is a registered one that works no more.
func (p *Party) SecretEnded(presented string, now time.Time) bool {
	hash, ended := secret.Hash(presented), false
	for i, s := range p.Secrets {
		ended = secret.Equal(hash, s) && !p.works(i, now) || ended
	}
	return ended && p.HasSecret()
}

// Proves reports whether a presented secret, "" being none, is what the party proves itself with: none where it can
// keep none.
func (p *Party) Proves(presented string, now time.Time) bool {
	if p.Public() {
		return presented == ""
	}
	return presented != "" && p.SecretMatches(presented, now)
}

// works reports whether a secret has not ended.
func (p *Party) works(i int, now time.Time) bool {
	return i == 0 || p.OlderEndsAt.IsZero() || now.Before(p.OlderEndsAt)
}

// WorkingSecrets is how many secrets the party may use.
func (p *Party) WorkingSecrets(now time.Time) (n int) {
	for i := range p.Secrets {
		if p.works(i, now) {
			n++
		}
	}
	return n
}

// RotateSecret gives the party a new secret. The newest of those that it had works until olderEnds, which is after now
// and at most MaxOverlap ahead; zero: none of them works any more. Where an older one works besides, it is
// ErrTwoSecrets unless that one may be dropped; where the secret is one of its own already, fault.Taken.
func (p *Party) RotateSecret(text string, olderEnds time.Time, drop bool, now time.Time) error {
	hash := secret.Hash(text)
	switch {
	case !p.HasSecret() || len(p.Secrets) == 0:
		return fmt.Errorf("%w: a party with auth %s has no secret", fault.Refused, p.Auth)
	case len(text) < MinSecret:
		return fmt.Errorf("%w: secret: %d characters: at least %d, random", fault.Invalid, len(text), MinSecret)
	case slices.ContainsFunc(p.Secrets, func(s []byte) bool { return secret.Equal(s, hash) }):
		return fmt.Errorf("%w: the party has this secret already", fault.Taken)
	case !olderEnds.IsZero() && (!olderEnds.After(now) || olderEnds.After(now.Add(MaxOverlap))):
		return fmt.Errorf("%w: the old secret works until %s: at most %d days from now", fault.Invalid, olderEnds.UTC().Format(time.RFC3339), MaxOverlap/(24*time.Hour))
	case !olderEnds.IsZero() && p.WorkingSecrets(now) == MaxSecrets && !drop:
		return ErrTwoSecrets
	}
	secrets := [][]byte{hash}
	if !olderEnds.IsZero() {
		secrets = append(secrets, p.Secrets[0])
	}
	p.Secrets, p.OlderEndsAt = secrets, olderEnds.UTC()
	return nil
}
