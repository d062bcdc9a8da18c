package snapshot

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/keys"
	"github.com/minddistrict/idp/op"
	"github.com/minddistrict/idp/platform"
)

// Snapshot is everything configured at one version of the settings. It never changes; a newer one replaces it.
type Snapshot struct {
	Platforms *platform.Directory
	reading   int64 // the number of the reading, in the order in which they began
	version   int64
	tenants   map[platform.ID]tenant
	ring      *keys.Ring
}

// tenant is what one platform has.
type tenant struct {
	platform  *platform.Platform
	parties   map[grant.PartyID]*grant.Party
	mobileApp bool         // one of them is the platform's own mobile app, and not disabled
	login     *grant.Party // where people log in who come by a link; nil: at home
	origins   map[string]bool
	connected []*federation.Connection // by name, disabled ones too
	open      bool                     // one of them is not disabled
	discovery op.Document
	jwks      op.Document
}

// Discovery is the metadata of a platform.
func (s *Snapshot) Discovery(p platform.ID) op.Document { return s.tenants[p].discovery }

// JWKS is the key set of a platform.
func (s *Snapshot) JWKS(p platform.ID) op.Document { return s.tenants[p].jwks }

// read reads all settings. A version that rises while reading only means reading again at the next look.
// A key that cannot be opened is no reason to go on with a party that was disabled: see keys.NextRing.
func read(ctx context.Context, db Store, sealer *keys.Sealer, before *keys.Ring, now time.Time) (*Snapshot, error) {
	version, err := db.Version(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading settings: %w", err)
	}
	platforms, errPlatforms := db.Platforms(ctx)
	parties, errParties := db.Parties(ctx)
	connections, errConnections := db.Connections(ctx)
	all, errKeys := db.Keys(ctx)
	if err := errors.Join(errPlatforms, errParties, errConnections, errKeys); err != nil {
		return nil, fmt.Errorf("reading settings: %w", err)
	}
	ring := keys.NextRing(all, sealer, before)
	s := &Snapshot{version: version, tenants: map[platform.ID]tenant{}, ring: ring}
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
				t.mobileApp = t.mobileApp || party.MobileApp && party.DisabledAt.IsZero()
				for _, o := range party.Origins {
					t.origins[o] = party.DisabledAt.IsZero() || t.origins[o]
				}
			}
		}
		for j := range connections {
			if connections[j].Platform == p.ID {
				t.connected = append(t.connected, &connections[j])
				t.open = t.open || !connections[j].Disabled
			}
		}
		t.login = grant.LoginParty(p, t.parties)
		t.discovery = op.Metadata(p, op.SupportedAlgs(own))
		t.jwks = op.NewDocument(ring.JWKS(p.ID, now))
		s.tenants[p.ID] = t
	}
	s.Platforms = platform.NewDirectory(pointers)
	return s, nil
}
