package staff

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/keys"
	"github.com/minddistrict/idp/platform"
)

// Settings is what an act changes of the settings: whole rows in place of those that were, and their events. The zero
// value changes nothing.
type Settings struct {
	Parties []grant.Party
	Keys    []keys.Key
	Events  []audit.Event

	Connections []federation.Connection // at most one
}

// DisableParty refuses a party at every endpoint, so what it holds is worth nothing meanwhile; nothing of it is ended.
func DisableParty(f Facts, p grant.Party) (Settings, error) {
	return switchParty(f, p, f.Now, "disabled")
}

// EnableParty serves a disabled party again; what it held and has not expired counts again.
func EnableParty(f Facts, p grant.Party) (Settings, error) {
	return switchParty(f, p, time.Time{}, "enabled")
}

// switchParty changes nothing of a party that stands so already.
func switchParty(f Facts, p grant.Party, since time.Time, reason string) (Settings, error) {
	e, err := f.guard(audit.PartySet)
	if err != nil || p.DisabledAt.IsZero() == since.IsZero() {
		return Settings{}, err
	}
	p.DisabledAt, e.Party, e.Reason = since, string(p.ID), reason
	return Settings{Parties: []grant.Party{p}, Events: []audit.Event{e}}, nil
}

// RotateSecret gives a party a new secret (see grant.Party.RotateSecret). The record says until when the old one works.
func RotateSecret(f Facts, p grant.Party, r SecretRotation) (Settings, error) {
	e, err := f.guard(audit.PartySecretSet)
	if err != nil {
		return Settings{}, err
	}
	if err := p.RotateSecret(r.Secret.Reveal(), r.OlderEnds, r.Drop, f.Now); err != nil {
		return Settings{}, err
	}
	e.Party, e.Reason = string(p.ID), "the old one works no more"
	if !r.OlderEnds.IsZero() {
		e.Reason = "the old one works until " + r.OlderEnds.UTC().Format(time.RFC3339)
	}
	return Settings{Parties: []grant.Party{p}, Events: []audit.Event{e}}, nil
}

// SecretRotation is what a party's secret becomes.
type SecretRotation struct {
	Secret    secret.Text
	OlderEnds time.Time // until when the one of now works on; zero: no more
	Drop      bool      // an older one that works still is dropped, instead of refusing a third
}

// RotateKey saves what keys.Rotate or keys.Replace made of the keys of a platform.
func RotateKey(f Facts, changed []keys.Key) (Settings, error) {
	if _, err := f.guard(audit.SigningKeyMade); err != nil {
		return Settings{}, err
	}
	return Settings{Keys: changed, Events: keys.Events(changed, f.Actor.Name, f.Now)}, nil
}

// DisableParty reports whether the party was enabled until now.
func (s *Acts) DisableParty(ctx context.Context, id platform.ID, party grant.PartyID) (changed bool, err error) {
	return s.ofParty(ctx, id, party, DisableParty)
}

// EnableParty reports whether the party was disabled until now.
func (s *Acts) EnableParty(ctx context.Context, id platform.ID, party grant.PartyID) (changed bool, err error) {
	return s.ofParty(ctx, id, party, EnableParty)
}

// RotateSecret is the act of that name.
func (s *Acts) RotateSecret(ctx context.Context, id platform.ID, party grant.PartyID, r SecretRotation) error {
	_, err := s.ofParty(ctx, id, party, func(f Facts, p grant.Party) (Settings, error) { return RotateSecret(f, p, r) })
	return err
}

func (s *Acts) ofParty(
	ctx context.Context, id platform.ID, party grant.PartyID, act func(Facts, grant.Party) (Settings, error),
) (changed bool, err error) {
	err = s.revise(ctx, func() (Settings, error) {
		all, err := s.Store.Parties(ctx)
		if err != nil {
			return Settings{}, err
		}
		i := slices.IndexFunc(all, func(p grant.Party) bool { return p.Platform == id && p.ID == party })
		if i < 0 {
			if err := s.hasPlatform(ctx, id); err != nil {
				return Settings{}, fmt.Errorf("platform %q: %w", id, err)
			}
			return Settings{}, fmt.Errorf("party %s on platform %q: %w", party, id, fault.NotFound)
		}
		f, err := s.factsOn(ctx, id)
		if err != nil {
			return Settings{}, err
		}
		to, err := act(f, all[i])
		changed = len(to.Parties) > 0
		return to, err
	})
	return changed, err
}

// RotateKey saves the keys that next makes of those there are, and returns them. Next is called again where somebody
// else changed the settings meanwhile.
func (s *Acts) RotateKey(
	ctx context.Context, id platform.ID, next func(existing []keys.Key, now time.Time) ([]keys.Key, error),
) (changed []keys.Key, err error) {
	err = s.revise(ctx, func() (Settings, error) {
		existing, err := s.Store.Keys(ctx)
		if err != nil {
			return Settings{}, err
		}
		if changed, err = next(existing, s.Now); err != nil {
			return Settings{}, err
		}
		f, err := s.factsOn(ctx, id)
		if err != nil {
			return Settings{}, err
		}
		return RotateKey(f, changed)
	})
	return changed, err
}

// revise saves what an act makes of the settings as they are at that moment.
func (s *Acts) revise(ctx context.Context, act func() (Settings, error)) error {
	return s.Store.Revise(ctx, func(seen int64) error {
		to, err := act()
		if err != nil || len(to.Events) == 0 {
			return err
		}
		if len(to.Connections) > 0 {
			return s.Federation.SaveConnection(ctx, seen, to.Connections[0], to.Events)
		}
		return s.Store.SaveSettings(ctx, seen, to.Parties, to.Keys, to.Events)
	})
}

// factsOn are the facts of an act on the settings of a platform.
func (s *Acts) factsOn(ctx context.Context, id platform.ID) (Facts, error) {
	by, err := s.actor(ctx)
	return Facts{Platform: id, Sealer: s.Sealer, Actor: by, Origin: s.Origin, Now: s.Now}, err
}

// hasPlatform returns fault.NotFound where there is no such platform.
func (s *Acts) hasPlatform(ctx context.Context, id platform.ID) error {
	all, err := s.Store.Platforms(ctx)
	if err == nil && !slices.ContainsFunc(all, func(p platform.Platform) bool { return p.ID == id }) {
		return fault.NotFound
	}
	return err
}
