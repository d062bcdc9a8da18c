package setup

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/platform"
)

// AddParty declares one party on a platform that exists.
func AddParty(ctx context.Context, t Tools, id platform.ID, d Party) (Report, error) {
	return addTo(ctx, t, id, func(p *plan) error {
		said, err := spoken(d)
		if err != nil {
			return err
		}
		if err := p.party(id, &d, said); err != nil {
			return err
		}
		if err := p.audience(id, &d); err != nil {
			return err
		}
		return p.ensureKeys(id)
	})
}

func partyName(p platform.ID, id grant.PartyID) string {
	return "party " + string(p) + "/" + string(id)
}

// find is a party that exists, or that the plan makes.
func (p *plan) find(id platform.ID, party grant.PartyID) (grant.Party, bool) {
	for _, have := range p.all {
		if have.Platform == id && have.ID == party {
			return have, true
		}
	}
	return grant.Party{}, false
}

// party compares a party by its client_id. The node is what the file says of it.
func (p *plan) party(id platform.ID, d *Party, said *yaml.Node, path ...any) error {
	have, exists := p.find(id, grant.PartyID(d.ClientID))
	var full Party
	if exists {
		full = declaredParty(have)
		full.dropDefaults()
	}
	keys, err := merge(said, &full, Party{})
	if err != nil {
		return err
	}
	party, err := full.partyOf(id, have, keys)
	if err != nil {
		return err
	}
	firstApp := party.MobileApp && p.old[id] && !p.hasMobileApp(id)
	p.all = append(p.all, party)
	if !exists {
		have.Defaults()
	}
	all := append(difference(declaredParty(have), declaredParty(party)), fileDifference("secret", joinedSecrets(have), joinedSecrets(party))...)
	if exists {
		mark(all, "", party.WeakerThan(&have, p.platforms[id].Policy.ACRAliases))
	} else if fresh(all); firstApp { // from now on a password is enough there
		mark(all, "", []string{"mobile_app"})
	}
	if p.differs(partyName(id, party.ID), all, path...) {
		p.setup.Parties = append(p.setup.Parties, party)
		p.event(id, audit.PartySet, party.ID, "")
	}
	return nil
}

// audience refuses parties that tokens of a party are for, as the file has them, and that the platform does not have
// once the file is applied: a resource server of that name would never be told of a token. What the file does not say
// is there from before, and a warning.
func (p *plan) audience(id platform.ID, d *Party) error {
	for _, name := range d.Audience {
		if _, exists := p.find(id, grant.PartyID(name)); !exists {
			return fmt.Errorf("%w: audience %q: %s", fault.Invalid, name, p.noParty(id))
		}
	}
	if d.Audience != nil {
		return nil
	}
	have, _ := p.find(id, grant.PartyID(d.ClientID))
	for _, name := range have.Audience {
		if _, exists := p.find(id, grant.PartyID(name)); !exists {
			p.report.Warnings = append(p.report.Warnings, fmt.Sprintf("%s: audience %q: %s", partyName(id, have.ID), name, p.noParty(id)))
		}
	}
	return nil
}

// mostNamed bounds how many parties a message names.
const mostNamed = 10

// noParty says that a name is no party's, and which there are.
func (p *plan) noParty(id platform.ID) string {
	var names []string
	for _, have := range p.all {
		if have.Platform == id {
			names = append(names, string(have.ID))
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	switch {
	case len(names) == 0:
		return "no party of the platform, which has none"
	case len(names) > mostNamed:
		return fmt.Sprintf("no party of the platform, which has %s and %d more", strings.Join(names[:mostNamed], ", "), len(names)-mostNamed)
	}
	return "no party of the platform, which has " + strings.Join(names, ", ")
}

// hasMobileApp reports whether a mobile app of the platform is served already: people in care are asked no code there.
func (p *plan) hasMobileApp(id platform.ID) bool {
	return slices.ContainsFunc(p.all, func(have grant.Party) bool {
		return have.Platform == id && have.MobileApp && have.DisabledAt.IsZero()
	})
}

func joinedSecrets(p grant.Party) []byte { return bytes.Join(p.Secrets, nil) }
