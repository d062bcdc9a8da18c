package main

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/setup"
	"github.com/minddistrict/idp/internal/upstream/ownkey"
	"github.com/minddistrict/idp/internal/wire"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
)

func federationCommand(g *globals) *cobra.Command {
	c := &cobra.Command{Use: "federation", Short: "Connections to the sign-in of organisations, which `idp apply` declares"}
	var on string
	links := &cobra.Command{Use: "link", Short: "Who is linked to an account at an organisation"}
	links.AddCommand(linkImport(g, &on), linkList(g, &on), linkRemove(g, &on))
	c.AddCommand(federationShow(g, &on), federationTest(g, &on), federationConfirm(g, &on),
		federationSwitch(g, &on, "disable", "Let nobody sign in by a connection until it is enabled again; links and sessions stay", (*staff.Acts).DisableConnection),
		federationSwitch(g, &on, "enable", "Let people sign in by a disabled connection again", (*staff.Acts).EnableConnection),
		federationRotate(g, &on), federationDomains(g, &on), federationProve(g, &on))
	for _, sub := range slices.Concat(c.Commands(), links.Commands()) {
		sub.Flags().StringVar(&on, "platform", "", "platform")
		require(sub, "platform")
	}
	c.AddCommand(federationList(g), links)
	return c
}

// connection is one that is named on the command line, with its platform.
func (f *floor) connection(cmd *cobra.Command, on, name string) (*platform.Platform, *federation.Connection, error) {
	p, err := f.platform(cmd, on)
	if err != nil {
		return nil, nil, err
	}
	all, err := f.db.Connections(cmd.Context())
	if err != nil {
		return nil, nil, err
	}
	for i := range all {
		if all[i].Platform == p.ID && string(all[i].ID) == name {
			return p, &all[i], nil
		}
	}
	return nil, nil, fmt.Errorf("connection %s on platform %q: %w", name, on, fault.NotFound)
}

// connectionLine is a connection in a list.
type connectionLine struct {
	Platform platform.ID     `json:"platform"`
	Name     federation.ID   `json:"name"`
	Kind     federation.Kind `json:"kind"`
	At       string          `json:"organisation"`
	Disabled bool            `json:"disabled,omitempty"`
}

func federationList(g *globals) *cobra.Command {
	var on string
	list := &cobra.Command{
		Use: "list", Short: "List connections", Args: cobra.NoArgs,
		RunE: g.with(func(cmd *cobra.Command, _ []string, f *floor) error {
			all, err := f.db.Connections(cmd.Context())
			if err != nil {
				return err
			}
			lines := []connectionLine{}
			for _, c := range all {
				if on == "" || string(c.Platform) == on {
					lines = append(lines, connectionLine{c.Platform, c.ID, c.Kind, c.Name("nl"), c.Disabled})
				}
			}
			return g.print(cmd, lines, func(w io.Writer) {
				for _, l := range lines {
					disabled := ""
					if l.Disabled {
						disabled = " disabled"
					}
					fmt.Fprintf(w, "%-12s %-24s %-5s %s%s\n", l.Platform, l.Name, l.Kind, l.At, disabled)
				}
			})
		}),
	}
	list.Flags().StringVar(&on, "platform", "", "only of this platform")
	return list
}

// ownCertificate is a key of ours as an organisation sees it.
type ownCertificate struct {
	Signs bool      `json:"signs"`
	Made  time.Time `json:"made_at"`
	Ends  time.Time `json:"ends_at"`
}

// connectionShown is a connection as its organisation's IT needs it, and how it stands.
type connectionShown struct {
	connectionLine
	Callback string `json:"redirect_uri,omitempty"`
	ACS      string `json:"acs_url,omitempty"`
	EntityID string `json:"entity_id,omitempty"` // ours, where our metadata is
	JWKS     string `json:"jwks_uri,omitempty"`
	Logout   string `json:"logout_uri"` // where sessions are ended: back-channel logout, or single logout
	upstreamShown
	Keys     []ownCertificate     `json:"keys,omitempty"`
	Domains  []federation.Domain  `json:"domains,omitempty"`
	Links    int64                `json:"links"`
	Baseline *federation.Baseline `json:"baseline,omitempty"`
	Test     *testShown           `json:"test,omitempty"`
}

// upstreamShown is who is on the other side.
type upstreamShown struct {
	Upstream        string    `json:"upstream"`                     // issuer or entity ID
	CertificateEnds time.Time `json:"certificate_ends_at,omitzero"` // the last of theirs; zero: not read yet, or it is no SAML
	CertificateDue  bool      `json:"certificate_due,omitempty"`    // … within 30 days, or it did

	Certificates  []wire.Certificate `json:"certificates,omitempty"`     // of theirs that count
	ReadAt        time.Time          `json:"metadata_read_at,omitzero"`  // where those were; zero: not read yet, uploaded, or it is no SAML
	MetadataError string             `json:"metadata_trouble,omitempty"` // of the last try to read it
}

func federationShow(g *globals, on *string) *cobra.Command {
	return &cobra.Command{
		Use: "show NAME", Short: "Show what the organisation's IT enters on their side, and how the connection stands", Args: cobra.ExactArgs(1),
		RunE: g.with(func(cmd *cobra.Command, args []string, f *floor) error {
			p, c, err := f.connection(cmd, *on, args[0])
			if err != nil {
				return err
			}
			s, err := f.shown(cmd.Context(), p, c)
			if err != nil {
				return err
			}
			return g.print(cmd, s, s.text)
		}),
	}
}

func (f *floor) shown(ctx context.Context, p *platform.Platform, c *federation.Connection) (s connectionShown, err error) {
	s = connectionShown{
		connectionLine: connectionLine{c.Platform, c.ID, c.Kind, c.Name("nl"), c.Disabled}, Domains: c.Domains, Baseline: c.Baseline,
		upstreamShown: upstreamShown{Upstream: cmp.Or(c.OIDC.Issuer, c.SAML.EntityID)},
	}
	base := p.URL("/federation/" + string(c.ID))
	if c.Kind == federation.SAML {
		s.ACS, s.EntityID, s.Logout = base+"/acs", base+"/metadata", base+"/slo"
	} else {
		s.Callback, s.Logout = base+"/callback", base+"/backchannel"
	}
	if c.OIDC.Auth == federation.PrivateKeyJWT {
		s.JWKS = base + "/jwks"
	}
	own, err := f.ownKeys(c)
	if err != nil {
		return s, err
	}
	for i, k := range own.Keys {
		parsed, err := x509.ParseCertificate(k.Certificate)
		if err != nil {
			return s, fmt.Errorf("certificate of connection %s: %w", c.ID, err)
		}
		s.Keys = append(s.Keys, ownCertificate{i == 0, k.MadeAt, parsed.NotAfter})
	}
	now := f.now()
	known, err := wire.Knows(ctx, f.db, c, now)
	if err != nil {
		return s, err
	}
	s.Certificates, s.ReadAt, s.MetadataError, s.CertificateEnds = known.Certificates, known.ReadAt, known.LastError, known.Ends()
	s.CertificateDue = !s.CertificateEnds.IsZero() && s.CertificateEnds.Sub(now) < wire.CertificateWarning
	if s.Links, err = f.db.Links(ctx, c.Platform, c.ID); err != nil {
		return s, err
	}
	t, err := f.test(ctx, p, c)
	if errors.Is(err, fault.NotFound) {
		return s, nil
	}
	s.Test = &t
	return s, err
}

func (s connectionShown) text(w io.Writer) {
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-13s %s\n", name, printable(fmt.Sprintf(format, args...)))
	}
	line("connection", "%s of platform %s, %s to %s", s.Name, s.Platform, s.Kind, s.Upstream)
	for _, their := range []struct{ name, value string }{
		{"redirect URI", s.Callback}, {"ACS URL", s.ACS}, {"entity ID", s.EntityID}, {"JWKS URI", s.JWKS}, {"logout URI", s.Logout},
	} {
		if their.value != "" {
			line(their.name, "%s", their.value)
		}
	}
	for _, k := range s.Keys {
		what := "opens, and does not sign"
		if k.Signs {
			what = "signs"
		}
		line("key", "%s; its certificate ends %s", what, k.Ends.UTC().Format(time.DateOnly))
	}
	switch {
	case s.CertificateEnds.IsZero():
	case s.CertificateDue:
		line("certificate", "the last one of theirs ends %s: SOON, OR IT DID; it counts as long as they publish it", s.CertificateEnds.UTC().Format(time.DateOnly))
	default:
		line("certificate", "the last one of theirs ends %s", s.CertificateEnds.UTC().Format(time.DateOnly))
	}
	for _, one := range s.Certificates {
		line("certificate", "SHA-256 %s (%s, ends %s)", one.Fingerprint, one.Subject, one.Ends.UTC().Format(time.DateOnly))
	}
	if !s.ReadAt.IsZero() {
		line("metadata", "read %s", s.ReadAt.UTC().Format(time.RFC3339))
	}
	if s.MetadataError != "" {
		line("metadata", "the last try: %s", s.MetadataError)
	}
	for _, d := range s.Domains {
		line("domain", "%s, %s", d.Name, provenText(d))
	}
	line("links", "%d", s.Links)
	if s.Baseline != nil {
		line("baseline", "%s, confirmed %s: %s", s.Baseline.ACR, s.Baseline.At.UTC().Format(time.RFC3339), strings.Join(s.Baseline.Claims, ", "))
	} else {
		line("baseline", "none: idp federation test, then confirm")
	}
	if s.Disabled {
		line("disabled", "nobody signs in by it")
	}
	if s.Test != nil {
		s.Test.text(w)
	}
}

func provenText(d federation.Domain) string {
	switch {
	case d.Vouched:
		return "proven by the word of the operator"
	case d.Proven:
		return "proven by DNS"
	}
	return "not proven"
}

// ownKeys opens the keys of ours for a connection.
func (f *floor) ownKeys(c *federation.Connection) (own federation.OwnKeys, err error) {
	if c.Keys == nil {
		return own, nil
	}
	text, err := f.sealer.Open(c.Keys, c.Binding("keys"))
	if err == nil {
		err = json.Unmarshal(text, &own)
	}
	return own, err
}

func federationSwitch(
	g *globals, on *string, verb, short string, act func(*staff.Acts, context.Context, platform.ID, federation.ID) (bool, error),
) *cobra.Command {
	return &cobra.Command{
		Use: verb + " NAME", Short: short, Args: cobra.ExactArgs(1),
		RunE: g.with(func(cmd *cobra.Command, args []string, f *floor) error {
			changed, err := act(f.tools().Acts(), cmd.Context(), platform.ID(*on), federation.ID(args[0]))
			if err != nil {
				return err
			}
			return printChanged(g, cmd, changed, fmt.Sprintf("connection %s/%s %sd", *on, args[0], verb))
		}),
	}
}

func printChanged(g *globals, cmd *cobra.Command, changed bool, what string) error {
	report := setup.Report{Changed: []string{}, Differences: []setup.Difference{}, Warnings: []string{}}
	if changed {
		report.Changed = append(report.Changed, what)
	}
	return printReport(g, cmd, report)
}

func federationRotate(g *globals, on *string) *cobra.Command {
	var promote, remove bool
	c := &cobra.Command{
		Use: "rotate NAME", Short: "Change the key of ours for a connection, in three steps", Args: cobra.ExactArgs(1),
		Long: "Without a flag a second key is made, which the organisation takes over from our metadata or JWKS. When it has, --promote lets that key sign; " +
			"the one before still opens. --remove takes the key away that does not sign.",
		RunE: g.with(func(cmd *cobra.Command, args []string, f *floor) error {
			p, _, err := f.connection(cmd, *on, args[0])
			if err != nil {
				return err
			}
			what := "a second key of ours"
			step := func(own *federation.OwnKeys) error {
				next, err := ownkey.New(string(p.Issuer), f.now())
				if err != nil {
					return err
				}
				return own.Add(next)
			}
			switch {
			case promote:
				what, step = "the other key of ours signs", (*federation.OwnKeys).Promote
			case remove:
				what, step = "the key of ours that does not sign is gone", (*federation.OwnKeys).Remove
			}
			acts, err := f.acts(cmd.Context()) // the servers could not open the keys
			if err != nil {
				return err
			}
			err = acts.ChangeConnection(cmd.Context(), p.ID, federation.ID(args[0]), what, func(c *federation.Connection) error {
				return f.changeKeys(c, step)
			})
			if err != nil {
				return err
			}
			return printChanged(g, cmd, true, fmt.Sprintf("connection %s/%s: %s", *on, args[0], what))
		}),
	}
	c.Flags().BoolVar(&promote, "promote", false, "the key that does not sign does so from now on")
	c.Flags().BoolVar(&remove, "remove", false, "take the key away that does not sign")
	c.MarkFlagsMutuallyExclusive("promote", "remove")
	return c
}

// changeKeys does a step of a rotation, and seals what comes of it.
func (f *floor) changeKeys(c *federation.Connection, step func(*federation.OwnKeys) error) error {
	if c.Keys == nil {
		return fmt.Errorf("%w: connection %s has no key of ours: it proves itself with a secret", fault.Refused, c.ID)
	}
	own, err := f.ownKeys(c)
	if err != nil {
		return err
	}
	if err := step(&own); err != nil {
		return err
	}
	text, err := json.Marshal(own)
	if err != nil {
		return err
	}
	c.Keys = f.sealer.Seal(text, c.Binding("keys"))
	return nil
}

// domainProof is what an organisation publishes in DNS for a domain.
type domainProof struct {
	Domain string `json:"domain"`
	Record string `json:"record"`
	Value  string `json:"value"`
	Proven bool   `json:"proven"`
	Detail string `json:"detail"`

	others []string // that count beside Value: those of master keys that are not the first, or not any more
}

func (f *floor) proofs(c *federation.Connection) []domainProof {
	all := []domainProof{}
	for _, d := range c.Domains {
		proof := domainProof{Domain: d.Name, Record: federation.ProofName(d.Name), Proven: d.Proven, Detail: provenText(d)}
		for i, mac := range f.sealer.MACs("proof of a domain", c.ProofOf(d.Name)) {
			if value := federation.ProofValue(mac); i == 0 {
				proof.Value = value
			} else {
				proof.others = append(proof.others, value)
			}
		}
		all = append(all, proof)
	}
	return all
}

func federationDomains(g *globals, on *string) *cobra.Command {
	return &cobra.Command{
		Use: "domains NAME", Short: "Print the TXT records by which DNS proves that domains are the organisation's", Args: cobra.ExactArgs(1),
		RunE: g.with(func(cmd *cobra.Command, args []string, f *floor) error {
			_, c, err := f.connection(cmd, *on, args[0])
			if err != nil {
				return err
			}
			all := f.proofs(c)
			return g.print(cmd, all, func(w io.Writer) {
				for _, d := range all {
					fmt.Fprintf(w, "%s.  TXT  %q   ; %s\n", d.Record, d.Value, d.Detail)
				}
			})
		}),
	}
}

// dnsTime is how long DNS may take to answer about one domain.
const dnsTime = 5 * time.Second

func federationProve(g *globals, on *string) *cobra.Command {
	return &cobra.Command{
		Use: "prove NAME", Short: "Ask DNS for the TXT records of a connection's domains, and mark those as proven that are there", Args: cobra.ExactArgs(1),
		Long: "A domain that is proven stays so when its record is gone. One that is not found is no error of the others; exit code 1: a domain is still not proven.",
		RunE: g.with(func(cmd *cobra.Command, args []string, f *floor) error {
			_, c, err := f.connection(cmd, *on, args[0])
			if err != nil {
				return err
			}
			all := askDNS(cmd.Context(), net.DefaultResolver.LookupTXT, f.proofs(c))
			var proven, not []string
			for i := range all {
				switch had := c.Domains[i]; {
				case !all[i].Proven:
					not = append(not, all[i].Domain)
				case !had.Proven || had.Vouched && all[i].Detail == foundByDNS:
					proven = append(proven, all[i].Domain)
				}
			}
			if len(proven) > 0 {
				if err := f.tools().Acts().ProveDomains(cmd.Context(), c.Platform, c.ID, proven); err != nil {
					return err
				}
			}
			err = g.print(cmd, all, func(w io.Writer) {
				for _, d := range all {
					fmt.Fprintf(w, "%-24s %s\n", d.Domain, printable(d.Detail))
				}
			})
			if err == nil && len(not) > 0 {
				err = fmt.Errorf("not proven: %s", strings.Join(not, ", "))
			}
			return err
		}),
	}
}

const foundByDNS = "proven by DNS: the record is there"

// askDNS looks for the record of each domain. What was proven before stays so.
func askDNS(ctx context.Context, lookup func(context.Context, string) ([]string, error), all []domainProof) []domainProof {
	for i := range all {
		d := &all[i]
		limited, done := context.WithTimeout(ctx, dnsTime)
		found, err := lookup(limited, d.Record+".") // the whole name: no search domain of this machine is tried
		done()
		var answer *net.DNSError
		switch {
		case slices.ContainsFunc(found, func(text string) bool { return text == d.Value || slices.Contains(d.others, text) }):
			d.Proven, d.Detail = true, foundByDNS
		case d.Proven:
		case errors.As(err, &answer) && answer.IsNotFound:
			d.Detail = "not proven: there is no TXT record " + d.Record
		case err != nil:
			d.Detail = "not proven: DNS did not answer: " + err.Error()
		default:
			d.Detail = "not proven: no TXT record of " + d.Record + " says " + d.Value
		}
	}
	return all
}
