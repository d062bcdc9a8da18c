package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/setup"
	"github.com/minddistrict/idp/platform"
)

func platformCommand(g *globals) *cobra.Command {
	c := &cobra.Command{Use: "platform", Short: "Platforms: one per organisation"}
	var d setup.Platform
	add := &cobra.Command{
		Use: "add NAME", Short: "Add a platform", Args: cobra.ExactArgs(1),
		RunE: g.with(func(cmd *cobra.Command, args []string, f *floor) error {
			d.Name = args[0]
			if _, err := f.platform(cmd, d.Name); err == nil {
				return fmt.Errorf("platform %s exists; change it with `idp apply`", d.Name)
			}
			return f.apply(g, cmd, d)
		}),
	}
	add.Flags().StringVar(&d.Issuer, "issuer", "", "issuer, such as https://login.example.org")
	add.Flags().StringVar(&d.Organisation, "organisation", "", "name of the organisation")
	add.Flags().StringVar(&d.HomeURL, "home-url", "", "where the platform begins")
	add.Flags().StringVar(&d.Help.Email, "help-email", "", "helpdesk")
	require(add, "issuer", "organisation", "home-url")
	c.AddCommand(add, &cobra.Command{
		Use: "list", Short: "List platforms", Args: cobra.NoArgs,
		RunE: g.with(func(cmd *cobra.Command, _ []string, f *floor) error {
			all, err := f.db.Platforms(cmd.Context())
			if err != nil {
				return err
			}
			lines := make([]platformLine, len(all))
			for i := range all {
				lines[i] = platformLineOf(&all[i])
			}
			return g.print(cmd, lines, func(w io.Writer) {
				for _, p := range lines {
					fmt.Fprintf(w, "%-16s %-40s %s\n", p.Name, p.Issuer, p.Organisation)
				}
			})
		}),
	}, &cobra.Command{
		Use: "show NAME", Short: "Show a platform", Args: cobra.ExactArgs(1),
		RunE: g.with(func(cmd *cobra.Command, args []string, f *floor) error {
			p, err := f.platform(cmd, args[0])
			if err != nil {
				return err
			}
			line := platformLineOf(p)
			return g.print(cmd, line, func(w io.Writer) {
				fmt.Fprintf(w, "name          %s\nissuer        %s\norganisation  %s\nhome          %s\nsecond factor client %s, staff %s\n",
					line.Name, line.Issuer, line.Organisation, line.HomeURL, line.SecondFactor.Client, line.SecondFactor.Staff)
			})
		}),
	})
	return c
}

// platformLine is what is shown of a platform, under the keys of the file of `idp apply`.
type platformLine struct {
	Name         platform.ID                       `json:"name"`
	Issuer       platform.Issuer                   `json:"issuer"`
	Organisation string                            `json:"organisation"`
	Title        string                            `json:"title"`
	HomeURL      string                            `json:"home_url"`
	Country      string                            `json:"country"`
	Locale       string                            `json:"locale"`
	SecondFactor platform.ByGroup[platform.Demand] `json:"second_factor"`
}

func platformLineOf(p *platform.Platform) platformLine {
	factor := p.Policy.SecondFactor
	return platformLine{
		p.ID, p.Issuer, p.Organisation, p.Name, p.HomeURL, p.Country, p.Locale,
		platform.ByGroup[platform.Demand]{Client: factor.Client.Demand, Staff: factor.Staff.Demand},
	}
}

// platform finds a platform by name.
func (f *floor) platform(cmd *cobra.Command, name string) (*platform.Platform, error) {
	all, err := f.db.Platforms(cmd.Context())
	if err != nil {
		return nil, err
	}
	for i := range all {
		if string(all[i].ID) == name {
			return &all[i], nil
		}
	}
	return nil, fmt.Errorf("platform %s: %w", name, fault.NotFound)
}

// apply sets one platform as `idp apply` would.
func (f *floor) apply(g *globals, cmd *cobra.Command, d setup.Platform) error {
	report, err := setup.Apply(cmd.Context(), f.tools(), &setup.File{Platforms: []setup.Platform{d}}, nil)
	if err != nil {
		return err
	}
	return printReport(g, cmd, report)
}

func partyCommand(g *globals) *cobra.Command {
	c := &cobra.Command{Use: "party", Short: "Parties: OAuth clients of a platform"}
	var d setup.Party
	var on, secretPath string
	add := &cobra.Command{
		Use: "add CLIENT_ID", Short: "Add a party", Args: cobra.ExactArgs(1),
		RunE: g.with(func(cmd *cobra.Command, args []string, f *floor) (err error) {
			d.ClientID = args[0]
			if d.Secret, err = secretFrom(cmd, secretPath); err != nil {
				return err
			}
			if _, err := f.party(cmd, on, d.ClientID); err == nil {
				return fmt.Errorf("party %s exists on %s; change it with `idp apply`", d.ClientID, on)
			}
			report, err := setup.AddParty(cmd.Context(), f.tools(), platform.ID(on), d)
			if err != nil {
				return err
			}
			return printReport(g, cmd, report)
		}),
	}
	add.Flags().StringVar(&on, "platform", "", "platform")
	add.Flags().StringVar(&d.Type, "type", "web", "web, spa, native or service")
	add.Flags().StringVar(&d.Auth, "auth", "", "basic, post or none")
	add.Flags().StringVar(&secretPath, "secret-file", "", "file with the secret, - for standard input")
	add.Flags().StringArrayVar(&d.Redirects, "redirect-uri", nil, "redirect URI; may repeat")
	add.Flags().StringArrayVar(&d.LogoutURIs, "post-logout-redirect-uri", nil, "post-logout redirect URI; may repeat")
	add.Flags().StringVar(&d.IDTokenAlg, "id-token-alg", "", "RS256, ES256, EdDSA or PS256")
	require(add, "platform")
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
					fmt.Fprintf(w, "%-12s %-24s %-8s %s\n", p.Platform, p.ID, p.Type, p.IDTokenAlg)
				}
			})
		}),
	}
	list.Flags().StringVar(&on, "platform", "", "only of this platform")
	show := &cobra.Command{
		Use: "show CLIENT_ID", Short: "Show a party; secrets are stored as hashes and not shown", Args: cobra.ExactArgs(1),
		RunE: g.with(func(cmd *cobra.Command, args []string, f *floor) error {
			p, err := f.party(cmd, on, args[0])
			if err != nil {
				return err
			}
			return g.print(cmd, lineOf(*p), func(w io.Writer) {
				fmt.Fprintf(w, "client_id  %s\nplatform   %s\ntype       %s, auth %s\nredirects  %v\ngrants     %v\nscopes     %v\n",
					p.ID, p.Platform, p.Type, p.Auth, p.Redirects, p.Grants, p.Scopes)
			})
		}),
	}
	show.Flags().StringVar(&on, "platform", "", "platform")
	require(show, "platform")
	c.AddCommand(add, list, show)
	return c
}

// partyLine is a party with its platform and without its secrets.
type partyLine struct {
	Platform platform.ID `json:"platform"`
	grant.Party
}

func lineOf(p grant.Party) partyLine {
	p.Secrets = nil
	return partyLine{p.Platform, p}
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
