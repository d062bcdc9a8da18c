package main

import (
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/platform"
)

// conformance is what a check says of a registration.
type conformance struct {
	ClientID     grant.PartyID `json:"client_id"`
	Platform     platform.ID   `json:"platform"`
	Profile      grant.Profile `json:"profile"`       // that it is held to; "": none
	ComparedWith grant.Profile `json:"compared_with"` // FAPI2 where it is held to none
	Conforms     bool          `json:"conforms"`
	Rules        []ruleKept    `json:"rules"`
}

type ruleKept struct {
	Rule string `json:"rule"`
	Key  string `json:"key"` // of the file of `idp apply`
	Kept bool   `json:"kept"`
}

// shortfallError is a registration that falls short of a profile: exit code 3.
type shortfallError struct{ text string }

func (e shortfallError) Error() string { return e.text }

func partyCheck(g *globals) *cobra.Command {
	var on string
	check := &cobra.Command{
		Use: "check CLIENT_ID", Short: "Compare the registration of a party with its profile, or with FAPI 2.0, rule by rule", Args: cobra.ExactArgs(1),
		Long: "Compares the registration of a party with its profile, rule by rule; that of a party without one with fapi2, which says what it lacks.\n" +
			"Exit code 3: it falls short. What the server demands of every request of such a party, whatever is registered, is in docs/oidc.md.",
		RunE: g.with(func(cmd *cobra.Command, args []string, f *floor) error {
			p, err := f.party(cmd, on, args[0])
			if err != nil {
				return err
			}
			c := conformanceOf(*p)
			if err := g.print(cmd, c, c.text); err != nil {
				return err
			}
			if !c.Conforms {
				return shortfallError{fmt.Sprintf("party %s falls short of %s", p.ID, c.ComparedWith)}
			}
			return nil
		}),
	}
	check.Flags().StringVar(&on, "platform", "", "platform")
	require(check, "platform")
	return check
}

func conformanceOf(p grant.Party) conformance {
	c := conformance{ClientID: p.ID, Platform: p.Platform, Profile: p.Profile, ComparedWith: p.Profile}
	if p.Profile == grant.NoProfile {
		p.Profile, c.ComparedWith = grant.FAPI2, grant.FAPI2
		c.Rules = append(c.Rules, ruleKept{"held to it: PAR, DPoP and the rest are demanded", "profile", false})
	}
	for _, rule := range p.Conformance() {
		c.Rules = append(c.Rules, ruleKept(rule))
	}
	c.Conforms = !slices.ContainsFunc(c.Rules, func(r ruleKept) bool { return !r.Kept })
	return c
}

func (c conformance) text(w io.Writer) {
	fmt.Fprintf(w, "%s of platform %s, compared with %s:\n", c.ClientID, c.Platform, c.ComparedWith)
	for _, r := range c.Rules {
		kept := "kept  "
		if !r.Kept {
			kept = "BROKEN"
		}
		fmt.Fprintf(w, "%s  %-32s  %s\n", kept, r.Key, r.Rule)
	}
}
