package federated

import (
	"slices"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/ui"
)

// mostButtons is how many organisations a page of ours names beside its form. More are on the page of the step: on a
// phone the form would be out of sight.
const mostButtons = 4

// Offers are the buttons of organisations on the page that asks for a password, or for a new one: that which this
// browser used last first.
func (s step) Offers(v *login.Visit) []ui.Way {
	all := usedFirst(s.choices(v), v.Used())
	if s.Way(v) == "" || len(all) == 0 {
		return nil
	}
	if len(all) > mostButtons {
		return []ui.Way{{Text: "sso.way", URL: v.PathOf(stepName), Slot: slotOf(v, all[0])}}
	}
	ways := make([]ui.Way, len(all))
	for i, c := range all {
		ways[i] = ui.Way{Text: "login.sso", Names: c.Names, URL: login.RedirectPath(v, stepName, string(c.ID)), Slot: slotOf(v, c)}
	}
	first := slices.IndexFunc(ways, func(w ui.Way) bool { return w.Slot == ui.AboveForm })
	if first >= 0 {
		ways[first].Lead = len(all) == 1 || string(all[first].ID) == v.Used()
	}
	return ways
}

// slotOf is where a connection stands on a page. Whoever is known has a password too, which was asked for.
func slotOf(v *login.Visit, c *federation.Connection) ui.Slot {
	if c.Place == federation.AboveForm && (v.Facts.Account == nil || v.Requirement.Need != authn.NeedPrimary) {
		return ui.AboveForm
	}
	return ui.BelowForm
}

// usedFirst are connections with the one first that a browser used last.
func usedFirst(all []*federation.Connection, used string) []*federation.Connection {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b *federation.Connection) int { return rank(a, used) - rank(b, used) })
	return all
}

func rank(c *federation.Connection, used string) int {
	if string(c.ID) == used {
		return 0
	}
	return 1
}
