package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

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
			shown := shownPlatform{line, settingsJSON(setup.PlatformSettings(*p))}
			return g.print(cmd, shown, func(w io.Writer) {
				fmt.Fprintf(w, "name          %s\nissuer        %s\norganisation  %s\nhome          %s\nsecond factor client %s, staff %s\n",
					line.Name, line.Issuer, line.Organisation, line.HomeURL, line.SecondFactor.Client, line.SecondFactor.Staff)
				fmt.Fprintf(w, "colour        %s\nlogo          %s\nlogo, dark    %s\n", line.Colour, cmp.Or(line.Logo, "none"),
					cmp.Or(line.LogoDark, "none"))
				printSettings(w, setup.PlatformSettings(*p), "name", "issuer", "organisation", "home_url", "colour")
			})
		}),
	}, previewCommand(g))
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
	Colour       string                            `json:"colour"`
	Logo         string                            `json:"logo,omitempty"`      // its size, such as 320 x 80 pixels, and that of its file
	LogoDark     string                            `json:"logo_dark,omitempty"` // the same of the one for dark mode
}

// shownPlatform is a platform with all that is set of it.
type shownPlatform struct {
	platformLine
	Settings map[string]string `json:"settings"` // keys of the file of `idp apply`, such as policy.idle_after, with values as there
}

func settingsJSON(all []setup.Setting) map[string]string {
	m := map[string]string{}
	for _, s := range all {
		m[s.Key] = s.Value
	}
	return m
}

// printSettings writes settings as the file of `idp apply` has them, but for those that were written before.
func printSettings(w io.Writer, all []setup.Setting, but ...string) {
	for _, s := range all {
		if !slices.Contains(but, s.Key) {
			fmt.Fprintf(w, "%s: %s\n", s.Key, s.Value)
		}
	}
}

// logoLine is what can be said of a picture in a line; empty: there is none.
func logoLine(logo []byte) string {
	if len(logo) == 0 {
		return ""
	}
	width, height := platform.LogoSize(logo)
	return fmt.Sprintf("%d x %d pixels, %d bytes", width, height, len(logo))
}

func platformLineOf(p *platform.Platform) platformLine {
	factor := p.Policy.SecondFactor
	return platformLine{
		p.ID, p.Issuer, p.Organisation, p.Name, p.HomeURL, p.Country, p.Locale,
		platform.ByGroup[platform.Demand]{Client: factor.Client.Demand, Staff: factor.Staff.Demand},
		p.Branding.Colour, logoLine(p.Branding.Logo), logoLine(p.Branding.LogoDark),
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
