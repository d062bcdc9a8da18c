package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
)

// rotated is what a rotation says; the secret only where it was made here.
type rotated struct {
	ClientID  string      `json:"client_id"`
	Platform  platform.ID `json:"platform"`
	Secret    string      `json:"secret,omitempty"`
	OlderEnds time.Time   `json:"older_secret_ends_at,omitzero"`
}

func partySecret(g *globals) *cobra.Command {
	c := &cobra.Command{Use: "secret", Short: "The secret by which a party proves itself"}
	c.AddCommand(partySecretRotate(g))
	return c
}

func partySecretRotate(g *globals) *cobra.Command {
	var on, path, until string
	var keep time.Duration
	var drop bool
	c := &cobra.Command{
		Use: "rotate CLIENT_ID", Short: "Give a party a new secret, and print it once; the one it has works until its end", Args: cobra.ExactArgs(1),
		RunE: g.with(func(cmd *cobra.Command, args []string, f *floor) (err error) {
			said := rotated{ClientID: args[0], Platform: platform.ID(on)}
			text, err := secretFrom(cmd, path)
			if err != nil {
				return err
			}
			if path == "" {
				said.Secret = secret.Token()
				text = said.Secret
			}
			if keep > 0 {
				said.OlderEnds = f.now().Add(keep).Truncate(time.Second)
			}
			if until != "" {
				if said.OlderEnds, err = time.Parse(time.RFC3339, until); err != nil {
					return fmt.Errorf("%w: --until %q: a time like 2026-12-31T12:00:00Z", fault.Invalid, until)
				}
			}
			err = f.tools().Acts().RotateSecret(cmd.Context(), said.Platform, grant.PartyID(args[0]), staff.SecretRotation{
				Secret: secret.Text(text), OlderEnds: said.OlderEnds, Drop: drop,
			})
			switch {
			case errors.Is(err, grant.ErrTwoSecrets):
				return fmt.Errorf("%w: --drop-older ends the older one, --keep-old 0s both", err)
			case err != nil:
				return err
			}
			return g.print(cmd, said, said.text)
		}),
	}
	c.Flags().StringVar(&on, "platform", "", "platform")
	c.Flags().StringVar(&path, "secret-file", "", "file with the new secret, - for standard input; it is made and printed otherwise")
	c.Flags().DurationVar(&keep, "keep-old", 7*24*time.Hour, "how long the secret of now works on; 0s: it ends at once, and an older one with it")
	c.Flags().StringVar(&until, "until", "", "the same as a time, such as 2026-12-31T12:00:00Z")
	c.Flags().BoolVar(&drop, "drop-older", false, "where two secrets work, end the older one; a third is refused otherwise")
	c.MarkFlagsMutuallyExclusive("keep-old", "until")
	require(c, "platform")
	return c
}

func (r rotated) text(w io.Writer) {
	if r.Secret != "" {
		fmt.Fprintf(w, "secret   %s\n", r.Secret)
	}
	if r.OlderEnds.IsZero() {
		fmt.Fprintf(w, "the one before works no more\n")
		return
	}
	fmt.Fprintf(w, "the one before works until %s\n", r.OlderEnds.UTC().Format(time.RFC3339))
}
