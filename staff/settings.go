package staff

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
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
	Deleted     grant.PartyID           // a party that is deleted; empty: none
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

// DeleteParty deletes a party of a platform, which has these parties. fault.Refused: the platform leads people there to log in, or
// tokens of another party are for it.
func DeleteParty(f Facts, on platform.Platform, all []grant.Party, id grant.PartyID) (Settings, error) {
	e, err := f.guard(audit.PartyDeleted)
	if err != nil {
		return Settings{}, err
	}
	if on.LoginParty == string(id) {
		return Settings{}, fmt.Errorf("%w: login_party of platform %s names it: name another one, or none, with `idp apply`", fault.Refused, on.ID)
	}
	var naming []string
	for _, p := range all {
		if p.Platform == on.ID && p.ID != id && slices.Contains(p.Audience, string(id)) {
			naming = append(naming, string(p.ID))
		}
	}
	if len(naming) > 0 {
		return Settings{}, fmt.Errorf("%w: audience of %s names it: take it out with `idp apply`", fault.Refused, strings.Join(naming, ", "))
	}
	e.Party = string(id)
	return Settings{Deleted: id, Events: []audit.Event{e}}, nil
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

// DeleteParty also returns what ends with the party. A dry run changes nothing, and returns what would end.
func (s *Acts) DeleteParty(ctx context.Context, id platform.ID, party grant.PartyID, dryRun bool) (ended grant.Deletion, err error) {
	err = s.Store.Revise(ctx, func(seen int64) error {
		if _, err := s.party(ctx, id, party); err != nil {
			return err
		}
		all, errParties := s.Store.Parties(ctx)
		platforms, errPlatforms := s.Store.Platforms(ctx)
		f, errFacts := s.factsOn(ctx, id)
		if err := errors.Join(errParties, errPlatforms, errFacts); err != nil {
			return err
		}
		i := slices.IndexFunc(platforms, func(p platform.Platform) bool { return p.ID == id })
		if i < 0 {
			return fmt.Errorf("platform %q: %w", id, fault.NotFound)
		}
		to, err := DeleteParty(f, platforms[i], all, party)
		switch {
		case err != nil:
			return fmt.Errorf("deleting party %s of platform %s: %w", party, id, err)
		case dryRun:
			ended, err = s.Parties.HeldByParty(ctx, id, party, s.Now)
		default:
			ended, err = s.Parties.DeleteParty(ctx, seen, id, to.Deleted, to.Events, s.Now)
		}
		return err
	})
	return ended, err
}

// party is one that there is.
func (s *Acts) party(ctx context.Context, id platform.ID, party grant.PartyID) (grant.Party, error) {
	all, err := s.Store.Parties(ctx)
	if err != nil {
		return grant.Party{}, err
	}
	i := slices.IndexFunc(all, func(p grant.Party) bool { return p.Platform == id && p.ID == party })
	if i < 0 {
		if err := s.hasPlatform(ctx, id); err != nil {
			return grant.Party{}, fmt.Errorf("platform %q: %w", id, err)
		}
		return grant.Party{}, fmt.Errorf("party %s on platform %q: %w", party, id, fault.NotFound)
	}
	return all[i], nil
}

func (s *Acts) ofParty(
	ctx context.Context, id platform.ID, party grant.PartyID, act func(Facts, grant.Party) (Settings, error),
) (changed bool, err error) {
	err = s.revise(ctx, func() (Settings, error) {
		have, err := s.party(ctx, id, party)
		if err != nil {
			return Settings{}, err
		}
		f, err := s.factsOn(ctx, id)
		if err != nil {
			return Settings{}, err
		}
		to, err := act(f, have)
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
