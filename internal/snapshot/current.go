package snapshot

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/keys"
	"github.com/minddistrict/idp/op"
	"github.com/minddistrict/idp/platform"
)

// Store holds the settings. Whoever writes any of them raises the version.
type Store interface {
	Version(context.Context) (int64, error)
	Platforms(context.Context) ([]platform.Platform, error)
	Parties(context.Context) ([]grant.Party, error)
	Connections(context.Context) ([]federation.Connection, error)
	Keys(context.Context) ([]keys.Key, error)
	// Revise lets a change see one version, again where another came in between; SaveSettings is such a change.
	Revise(ctx context.Context, change func(seen int64) error) error
	SaveSettings(ctx context.Context, seen int64, parties []grant.Party, all []keys.Key, events []audit.Event) error
}

// Options are what a Current is made from.
type Options struct {
	Store  Store
	Sealer *keys.Sealer
	Now    func() time.Time // the time that all nodes agree on
	Own    func() time.Time // this machine's clock, for how long something took or lies back
	Log    *slog.Logger
}

// Current is the newest Snapshot that a node knows. It has one from the first Refresh on.
type Current struct {
	Options
	newest   atomic.Pointer[Snapshot]
	readings atomic.Int64 // begun so far
	// confirmed is when the last look at the settings began that found them as they are here.
	confirmed atomic.Pointer[time.Time]
	told      map[string]time.Time // when Tell said what
}

// New makes a Current that knows nothing yet.
func New(o Options) *Current { return &Current{Options: o, told: map[string]time.Time{}} }

// Load is the newest Snapshot. Whoever asks more than once of the same request keeps it.
func (c *Current) Load() *Snapshot { return c.newest.Load() }

// refreshTime is how long reading the settings may take.
const refreshTime = 5 * time.Second

// Refresh reads the settings again if their version rose.
func (c *Current) Refresh(ctx context.Context) error {
	ctx, done := context.WithTimeout(ctx, refreshTime)
	defer done()
	asked := c.Own()
	version, err := c.Store.Version(ctx)
	if err != nil {
		return fmt.Errorf("reading settings: %w", err)
	}
	if current := c.Load(); current != nil && current.version == version {
		c.confirm(asked)
		return nil
	}
	return c.Reload(ctx)
}

// Reload reads the settings. Where readings overlap the one that began last counts, also when another ends later; a
// version does not tell, because it falls when a database is replaced by one that was behind.
func (c *Current) Reload(ctx context.Context) error {
	reading, asked := c.readings.Add(1), c.Own()
	var before *keys.Ring
	if current := c.Load(); current != nil {
		before = current.ring
	}
	s, err := read(ctx, c.Store, c.Sealer, before, c.Now())
	if err != nil {
		return err
	}
	s.reading = reading
	for {
		current := c.Load()
		if current != nil && current.reading > reading || c.newest.CompareAndSwap(current, s) {
			c.confirm(asked)
			return nil
		}
	}
}

// Platform is the platform of that name, if there is one.
func (c *Current) Platform(id platform.ID) (*platform.Platform, bool) {
	t, ok := c.Load().tenants[id]
	return t.platform, ok
}

// Platforms are the names of all.
func (c *Current) Platforms() []platform.ID { return slices.Collect(maps.Keys(c.Load().tenants)) }

// Party is a party of a platform, if there is one; it may be disabled.
func (c *Current) Party(p platform.ID, id grant.PartyID) (*grant.Party, bool) {
	party, ok := c.Load().tenants[p].parties[id]
	return party, ok
}

// Connections are those of a platform to the sign-in of organisations, by name; they may be disabled.
func (c *Current) Connections(p platform.ID) []*federation.Connection {
	return c.Load().tenants[p].connected
}

// Open are the connections of a kind, of all platforms, that are not disabled.
func (c *Current) Open(kind federation.Kind) (all []*federation.Connection) {
	for _, t := range c.Load().tenants {
		for _, connection := range t.connected {
			if connection.Kind == kind && !connection.Disabled {
				all = append(all, connection)
			}
		}
	}
	return all
}

// Connected reports whether one of them is open.
func (c *Current) Connected(p platform.ID) bool { return c.Load().tenants[p].open }

// HasMobileApp reports whether the platform has a mobile app of its own, which is not disabled.
func (c *Current) HasMobileApp(p platform.ID) bool { return c.Load().tenants[p].mobileApp }

// LoginURL is where people log in who come by the link of a mail: at the party that had it sent, where a login can
// begin there, or where the platform has people log in.
func (c *Current) LoginURL(p *platform.Platform, party *grant.Party) string {
	if !party.Begins() {
		party = c.Load().tenants[p.ID].login
	}
	return op.RestartURL(p, party)
}

// OriginAllowed reports whether some party of the platform registered an origin and is not disabled.
func (c *Current) OriginAllowed(p platform.ID, origin string) bool {
	return c.Load().tenants[p].origins[origin]
}

// Sign signs with the platform's key of that algorithm.
func (c *Current) Sign(p platform.ID, alg, typ string, now time.Time, payload []byte) (string, error) {
	signer, err := c.Load().ring.Signer(p, alg, typ, now)
	if err != nil {
		return "", err
	}
	return signer.Sign(payload)
}

// Signs is why Sign could not, or nil.
func (c *Current) Signs(p platform.ID, alg string, now time.Time) error {
	return c.Load().ring.Signs(p, alg, now)
}

// Verification is the keys that what the platform signed is checked with.
func (c *Current) Verification(p platform.ID, now time.Time) *jose.JSONWebKeySet {
	return c.Load().ring.Verification(p, now)
}

// Discovery is the metadata of a platform.
func (c *Current) Discovery(p platform.ID) op.Document { return c.Load().Discovery(p) }

// JWKS is the key set of a platform.
func (c *Current) JWKS(p platform.ID) op.Document { return c.Load().JWKS(p) }
