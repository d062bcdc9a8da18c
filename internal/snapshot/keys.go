package snapshot

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/keys"
	"github.com/minddistrict/idp/op"
)

// system is the actor of what happens by itself.
const system = "system"

// keyRotation is how long a signing key signs.
const keyRotation = 90 * 24 * time.Hour

// EnsureKeys makes the signing keys that platforms and their parties need and do not have yet.
func (c *Current) EnsureKeys(ctx context.Context) error {
	return c.Store.Revise(ctx, func(seen int64) error { return c.ensureKeys(ctx, seen, c.Now()) })
}

func (c *Current) ensureKeys(ctx context.Context, seen int64, now time.Time) error {
	platforms, errPlatforms := c.Store.Platforms(ctx)
	parties, errParties := c.Store.Parties(ctx)
	existing, errKeys := c.Store.Keys(ctx)
	if err := errors.Join(errPlatforms, errParties, errKeys); err != nil {
		return fmt.Errorf("making signing keys: %w", err)
	}
	var made []keys.Key
	for _, p := range platforms {
		var own []grant.Party
		for _, party := range parties {
			if party.Platform == p.ID {
				own = append(own, party)
			}
		}
		more, err := keys.Ensure(existing, p.ID, op.SupportedAlgs(own), c.Sealer, now)
		if err != nil {
			return fmt.Errorf("making signing keys of %s: %w", p.ID, err)
		}
		made = append(made, more...)
	}
	if len(made) == 0 {
		return nil
	}
	return c.Store.SaveSettings(ctx, seen, nil, made, keys.Events(made, system, now))
}

// RotateKeys replaces signing keys by age: the next one is published 24 hours before it signs.
func (c *Current) RotateKeys(ctx context.Context) error {
	return c.Store.Revise(ctx, func(seen int64) error { return c.rotateKeys(ctx, seen) })
}

func (c *Current) rotateKeys(ctx context.Context, seen int64) error {
	existing, err := c.Store.Keys(ctx)
	if err != nil {
		return err
	}
	var changed []keys.Key
	now := c.Now()
	for id := range c.Load().tenants {
		due, err := keys.Due(existing, id, c.Sealer, now, keyRotation)
		if err != nil {
			return fmt.Errorf("rotating keys of %s: %w", id, err)
		}
		changed = append(changed, due...)
	}
	if len(changed) == 0 {
		return nil
	}
	return c.Store.SaveSettings(ctx, seen, nil, changed, keys.Events(changed, system, now))
}

// Unopened are the keys that this node cannot open.
func (c *Current) Unopened() []keys.Unopened {
	if s := c.Load(); s != nil {
		return s.ring.Unopened()
	}
	return nil
}

// KeysInUse are the keys that sign now.
func (c *Current) KeysInUse() []keys.Key {
	if s := c.Load(); s != nil {
		return s.ring.InUse(c.Now())
	}
	return nil
}
