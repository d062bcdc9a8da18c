package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/setup"
	"github.com/minddistrict/idp/platform"
)

func partyCommand(g *globals) *cobra.Command {
	c := &cobra.Command{Use: "party", Short: "Parties: OAuth clients of a platform"}
	c.AddCommand(partyAdd(g), partyList(g), partyShow(g), partySecret(g), partyCheck(g), partyDelete(g),
		partySwitch(g, "disable", "Refuse a party everywhere until it is enabled again, such as when its secret leaked", true),
		partySwitch(g, "enable", "Serve a disabled party again; what it held and has not expired counts again", false))
	return c
}

func partyAdd(g *globals) *cobra.Command {
	var d setup.Party
	var on, secretPath, keysPath string
	var weaken bool
	add := &cobra.Command{
		Use: "add CLIENT_ID", Short: "Add a party", Args: cobra.ExactArgs(1),
		RunE: g.with(func(cmd *cobra.Command, args []string, f *floor) (err error) {
			d.ClientID = args[0]
			if d.Secret, err = secretFrom(cmd, secretPath); err != nil {
				return err
			}
			if keysPath != "" {
				text, err := os.ReadFile(keysPath)
				if err != nil {
					return err
				}
				if !json.Valid(text) {
					return fmt.Errorf("%w: jwks: %s is not JSON", fault.Invalid, keysPath)
				}
				d.JWKS = setup.KeySet(text)
			}
			if _, err := f.party(cmd, on, d.ClientID); err == nil {
				return fmt.Errorf("party %s exists on %s; change it with `idp apply`", d.ClientID, on)
			}
			tools := f.tools()
			tools.Weaken = weaken
			report, err := setup.AddParty(cmd.Context(), tools, platform.ID(on), d)
			if err != nil {
				return err
			}
			return printReport(g, cmd, report)
		}),
	}
	add.Flags().StringVar(&on, "platform", "", "platform")
	add.Flags().StringVar(&d.Type, "type", "web", "web, spa, native or service")
	add.Flags().BoolVar(&d.MobileApp, "mobile-app", false, "the platform's own mobile app; native only")
	add.Flags().StringVar(&d.Auth, "auth", "", "basic, post, private_key_jwt or none")
	add.Flags().StringVar(&secretPath, "secret-file", "", "file with the secret, - for standard input")
	add.Flags().StringVar(&keysPath, "jwks-file", "", "file with its public keys (JSON Web Key Set)")
	add.Flags().StringVar(&d.JWKSURI, "jwks-uri", "", "address where its public keys are, instead")
	add.Flags().StringVar(&d.Profile, "profile", "", "fapi2 or fapi2_message_signing: held to all of it")
	add.Flags().StringArrayVar(&d.Redirects, "redirect-uri", nil, "redirect URI; may repeat")
	add.Flags().StringArrayVar(&d.LogoutURIs, "post-logout-redirect-uri", nil, "post-logout redirect URI; may repeat")
	add.Flags().StringVar(&d.Backchannel, "backchannel-logout-uri", "", "address that is told when a session ends")
	add.Flags().BoolVar(&d.NeedsSID, "backchannel-logout-session-required", false, "a logout token must have a sid; it always has one")
	add.Flags().BoolVar(&d.EndsIdle, "logout-on-idle", false, "tell it of idle sessions too, and end what it has of them")
	add.Flags().StringVar(&d.IDTokenAlg, "id-token-alg", "", "RS256, ES256, EdDSA or PS256")
	add.Flags().BoolVar(&weaken, "weaken", false, "add also a first mobile app, at which a password is enough; the audit record has it (setting.weaken)")
	require(add, "platform")
	return add
}

func partyList(g *globals) *cobra.Command {
	var on string
	list := &cobra.Command{
		Use: "list", Short: "List parties", Args: cobra.NoArgs,
		RunE: g.with(func(cmd *cobra.Command, _ []string, f *floor) error {
			all, err := f.db.Parties(cmd.Context())
			if err != nil {
				return err
			}
			lines := []partyLine{}
			for _, p := range all {
				if on == "" || string(p.Platform) == on {
					lines = append(lines, lineOf(p))
				}
			}
			return g.print(cmd, lines, func(w io.Writer) {
				for _, p := range lines {
					fmt.Fprintf(w, "%-12s %-24s %-8s %-6s%s\n", p.Platform, p.ID, p.Type, p.IDTokenAlg, disabledText(p.Party))
				}
			})
		}),
	}
	list.Flags().StringVar(&on, "platform", "", "only of this platform")
	return list
}

func partyShow(g *globals) *cobra.Command {
	var on string
	show := &cobra.Command{
		Use: "show CLIENT_ID", Short: "Show a party; secrets are stored as hashes and not shown", Args: cobra.ExactArgs(1),
		RunE: g.with(func(cmd *cobra.Command, args []string, f *floor) error {
			p, err := f.party(cmd, on, args[0])
			if err != nil {
				return err
			}
			line := lineOf(*p)
			line.Working = p.WorkingSecrets(f.now())
			line.Settings = settingsJSON(setup.PartySettings(*p))
			return g.print(cmd, line, func(w io.Writer) {
				fmt.Fprintf(w, "client_id  %s\nplatform   %s\ntype       %s, auth %s\nredirects  %v\ngrants     %v\nscopes     %v\n",
					p.ID, p.Platform, p.Type, p.Auth, p.Redirects, p.Grants, p.Scopes)
				if p.BackchannelLogoutURI != "" {
					fmt.Fprintf(w, "told at    %s, when a session ends%s\n", p.BackchannelLogoutURI, idleText(p))
				}
				if line.Working > 0 {
					fmt.Fprintf(w, "secrets    %s\n", secretsText(line))
				}
				if !p.DisabledAt.IsZero() {
					fmt.Fprintf(w, "disabled   since %s\n", p.DisabledAt.Format(time.DateTime))
				}
				printSettings(w, setup.PartySettings(*p), "client_id", "type", "auth", "redirect_uris", "grant_types", "scopes")
			})
		}),
	}
	show.Flags().StringVar(&on, "platform", "", "platform")
	require(show, "platform")
	return show
}

func idleText(p *grant.Party) string {
	if !p.LogoutOnIdle {
		return ""
	}
	return " or is idle"
}

func secretsText(p partyLine) string {
	switch {
	case p.Working < grant.MaxSecrets:
		return "1"
	case p.OlderEndsAt.IsZero():
		return "2, the older without an end"
	}
	return "2, the older until " + p.OlderEndsAt.UTC().Format(time.RFC3339)
}

func disabledText(p grant.Party) string {
	if p.DisabledAt.IsZero() {
		return ""
	}
	return " disabled"
}

func partySwitch(g *globals, verb, short string, disabled bool) *cobra.Command {
	var on string
	c := &cobra.Command{
		Use: verb + " CLIENT_ID", Short: short, Args: cobra.ExactArgs(1),
		RunE: g.with(func(cmd *cobra.Command, args []string, f *floor) error {
			acts := f.tools().Acts()
			act := acts.EnableParty
			if disabled {
				act = acts.DisableParty
			}
			changed, err := act(cmd.Context(), platform.ID(on), grant.PartyID(args[0]))
			if err != nil {
				return err
			}
			report := setup.Report{Changed: []string{}, Differences: []setup.Difference{}, Warnings: []string{}}
			if changed {
				report.Changed = append(report.Changed, fmt.Sprintf("party %s/%s %sd", on, args[0], verb))
			}
			return printReport(g, cmd, report)
		}),
	}
	c.Flags().StringVar(&on, "platform", "", "platform")
	require(c, "platform")
	return c
}

// partyLine is a party with its platform and without its secrets.
type partyLine struct {
	Platform platform.ID `json:"platform"`
	Working  int         `json:"secrets_working,omitempty"` // how many; where one party is shown
	// keys of the file of `idp apply` with values as there; where one party is shown
	Settings map[string]string `json:"settings,omitempty"`
	grant.Party
}

func lineOf(p grant.Party) partyLine {
	p.Secrets = nil
	return partyLine{Platform: p.Platform, Party: p}
}

func (f *floor) party(cmd *cobra.Command, on, id string) (*grant.Party, error) {
	all, err := f.db.Parties(cmd.Context())
	if err != nil {
		return nil, err
	}
	for i := range all {
		if string(all[i].Platform) == on && string(all[i].ID) == id {
			return &all[i], nil
		}
	}
	return nil, fmt.Errorf("party %s on platform %q: %w", id, on, fault.NotFound)
}
