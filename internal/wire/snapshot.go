package wire

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/keys"
	"github.com/minddistrict/idp/op"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/storage"
)

// snapshot is everything configured at one version of the settings. It never changes; a newer one replaces it.
type snapshot struct {
	reading   int64 // the number of the reading, in the order in which they began
	version   int64
	platforms *platform.Directory
	tenants   map[platform.ID]tenant
	ring      *keys.Ring
}

// tenant is what one platform has.
type tenant struct {
	platform  *platform.Platform
	parties   map[grant.PartyID]*grant.Party
	origins   map[string]bool
	discovery op.Document
	jwks      op.Document
}

// readSnapshot reads all settings. A version that rises while reading only means reading again at the next look.
// A key that cannot be opened is no reason to go on with a party that was disabled: see keys.NextRing.
func readSnapshot(ctx context.Context, db *storage.DB, sealer *keys.Sealer, before *keys.Ring, now time.Time) (*snapshot, error) {
	version, err := db.Version(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading settings: %w", err)
	}
	platforms, errPlatforms := db.Platforms(ctx)
	parties, errParties := db.Parties(ctx)
	all, errKeys := db.Keys(ctx)
	if err := errors.Join(errPlatforms, errParties, errKeys); err != nil {
		return nil, fmt.Errorf("reading settings: %w", err)
	}
	ring := keys.NextRing(all, sealer, before)
	s := &snapshot{version: version, tenants: map[platform.ID]tenant{}, ring: ring}
	pointers := make([]*platform.Platform, len(platforms))
	for i := range platforms {
		p := &platforms[i]
		pointers[i] = p
		t := tenant{platform: p, parties: map[grant.PartyID]*grant.Party{}, origins: map[string]bool{}}
		var own []grant.Party
		for j := range parties {
			if party := &parties[j]; party.Platform == p.ID {
				t.parties[party.ID] = party
				own = append(own, *party)
				for _, o := range party.Origins {
					t.origins[o] = party.DisabledAt.IsZero() || t.origins[o]
				}
			}
		}
		t.discovery = op.Metadata(p, op.SupportedAlgs(own))
		t.jwks = op.NewDocument(ring.JWKS(p.ID, now))
		s.tenants[p.ID] = t
	}
	s.platforms = platform.NewDirectory(pointers)
	return s, nil
}

// registry serves the current snapshot to the doors.
type registry struct{ house *House }

func (r registry) tenant(p platform.ID) tenant { return r.house.settings.Load().tenants[p] }

func (r registry) Party(p platform.ID, id grant.PartyID) (*grant.Party, bool) {
	party, ok := r.tenant(p).parties[id]
	return party, ok
}

func (r registry) OriginAllowed(p platform.ID, origin string) bool {
	return r.tenant(p).origins[origin]
}

func (r registry) Sign(p platform.ID, alg, typ string, now time.Time, payload []byte) (string, error) {
	signer, err := r.house.settings.Load().ring.Signer(p, alg, typ, now)
	if err != nil {
		return "", err
	}
	return signer.Sign(payload)
}

func (r registry) Signs(p platform.ID, alg string, now time.Time) error {
	return r.house.settings.Load().ring.Signs(p, alg, now)
}

func (r registry) Fresh() error { return r.house.fresh() }

func (r registry) Discovery(p platform.ID) op.Document { return r.tenant(p).discovery }
func (r registry) JWKS(p platform.ID) op.Document      { return r.tenant(p).jwks }

func (r registry) Verification(p platform.ID, now time.Time) *jose.JSONWebKeySet {
	return r.house.settings.Load().ring.Verification(p, now)
}

// Refresh reads the settings again if their version rose.
func (h *House) Refresh(ctx context.Context) error {
	ctx, done := context.WithTimeout(ctx, refreshTime)
	defer done()
	asked := h.Now()
	version, err := h.DB.Version(ctx)
	if err != nil {
		return fmt.Errorf("reading settings: %w", err)
	}
	if current := h.settings.Load(); current != nil && current.version == version {
		h.confirm(asked)
		return nil
	}
	return h.reload(ctx)
}

// reload reads the settings. Where readings overlap the one that began last counts, also when another ends later; a
// version does not tell, because it falls when a database is replaced by one that was behind.
func (h *House) reload(ctx context.Context) error {
	reading, asked := h.readings.Add(1), h.Now()
	var before *keys.Ring
	if current := h.settings.Load(); current != nil {
		before = current.ring
	}
	s, err := readSnapshot(ctx, h.DB, h.Sealer, before, h.clock.Now())
	if err != nil {
		return err
	}
	s.reading = reading
	for {
		current := h.settings.Load()
		if current != nil && current.reading > reading || h.settings.CompareAndSwap(current, s) {
			h.confirm(asked)
			return nil
		}
	}
}

// system is the actor of what happens by itself.
const system = "system"

// EnsureKeys makes the signing keys that platforms and their parties need and do not have yet.
func EnsureKeys(ctx context.Context, db *storage.DB, sealer *keys.Sealer, now time.Time) error {
	return db.Revise(ctx, func(seen int64) error { return ensureKeys(ctx, db, seen, sealer, now) })
}

func ensureKeys(ctx context.Context, db *storage.DB, seen int64, sealer *keys.Sealer, now time.Time) error {
	platforms, errPlatforms := db.Platforms(ctx)
	parties, errParties := db.Parties(ctx)
	existing, errKeys := db.Keys(ctx)
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
		more, err := keys.Ensure(existing, p.ID, op.SupportedAlgs(own), sealer, now)
		if err != nil {
			return fmt.Errorf("making signing keys of %s: %w", p.ID, err)
		}
		made = append(made, more...)
	}
	if len(made) == 0 {
		return nil
	}
	return db.SaveKeys(ctx, seen, made, keys.Events(made, system, now))
}

// ready tells whether the house can serve: the database takes writes and has our schema, and settings are not too old.
// A schema that has become newer while we run is that of the next release, whose nodes are about to replace us one by
// one: it is said once, and until then we go on. Load is no reason: a balancer would give it to the nodes that are
// left.
func (h *House) ready(ctx context.Context) error {
	if err := h.fresh(); err != nil {
		return err
	}
	ctx, done := context.WithTimeout(ctx, readyTime)
	defer done()
	answered := h.DB.Answered()
	err := h.DB.TakesWrites(ctx)
	if err == nil {
		err = h.DB.SchemaError(ctx)
	}
	if errors.Is(err, fault.Busy) || ctx.Err() != nil && h.DB.Answered() > answered {
		return nil // it answers those before us
	}
	if errors.Is(err, fault.Refused) {
		h.outgrown.Do(func() {
			h.Log.WarnContext(ctx, "the schema is newer now: this server goes on but cannot be started again", "error", err)
		})
		return nil
	}
	return err
}
