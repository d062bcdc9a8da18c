package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/internal/setup"
	"github.com/minddistrict/idp/keys"
	"github.com/minddistrict/idp/platform"
)

// keyLine is what is shown of a key.
type keyLine struct {
	Platform platform.ID `json:"platform"`
	KID      string      `json:"kid"`
	Alg      string      `json:"alg"`
	MadeAt   time.Time   `json:"made_at"`
	UseAt    time.Time   `json:"use_at"`
	RetireAt time.Time   `json:"retire_at,omitzero"`
	DropAt   time.Time   `json:"drop_at,omitzero"`
}

func keysCommand(g *globals) *cobra.Command {
	c := &cobra.Command{Use: "keys", Short: "List and rotate signing keys"}
	c.AddCommand(keysList(g), keysRotate(g), keysReseal(g))
	return c
}

func keysList(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the signing keys of all platforms", Args: cobra.NoArgs,
		RunE: g.with(func(cmd *cobra.Command, _ []string, f *floor) error {
			all, err := f.db.Keys(cmd.Context())
			if err != nil {
				return err
			}
			return printKeys(g, cmd, all)
		}),
	}
}

func printKeys(g *globals, cmd *cobra.Command, all []keys.Key) error {
	lines := make([]keyLine, len(all))
	for i, k := range all {
		lines[i] = keyLine{k.Platform, k.KID, k.Alg, k.MadeAt, k.UseAt, k.RetireAt, k.DropAt}
	}
	return g.print(cmd, lines, func(w io.Writer) {
		for _, k := range lines {
			fmt.Fprintf(w, "%-12s %-6s %s  used from %s%s\n", k.Platform, k.Alg, k.KID, k.UseAt.Format(time.DateTime), until(k.RetireAt))
		}
	})
}

func until(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return " to " + t.Format(time.DateTime)
}

func keysRotate(g *globals) *cobra.Command {
	var compromised bool
	rotate := &cobra.Command{
		Use:   "rotate PLATFORM ALG",
		Short: "Make the next signing key: published now, used in 24 hours",
		Long: "The next key is published now and signs in 24 hours, when every party has it; the old one stays published until all it signed has expired. " +
			"With --compromised the new key signs at once and the old ones are published no more: what they signed is refused, the honest too (docs/operating.md).",
		Args: cobra.ExactArgs(2),
		RunE: g.with(func(cmd *cobra.Command, args []string, f *floor) error {
			next := keys.Rotate
			if compromised {
				next = keys.Replace
			}
			acts, err := f.acts(cmd.Context()) // the servers could not open the key
			if err != nil {
				return err
			}
			on, alg := platform.ID(args[0]), args[1]
			changed, err := acts.RotateKey(cmd.Context(), on, func(existing []keys.Key, now time.Time) ([]keys.Key, error) {
				return next(existing, on, alg, f.sealer, now)
			})
			if err != nil {
				return err
			}
			return printKeys(g, cmd, changed)
		}),
	}
	rotate.Flags().BoolVar(&compromised, "compromised", false, "somebody else may have the key: end it at once")
	return rotate
}

// keysReseal is the second step of rotating the master key: the first puts the new one at the head of the list on
// every node, the third takes the old one out.
func keysReseal(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "reseal", Short: "Seal all stored secrets under the first master key", Args: cobra.NoArgs,
		RunE: g.with(func(cmd *cobra.Command, _ []string, f *floor) error {
			e := audit.Event{At: f.now(), Kind: audit.MasterKeyRotated, Actor: setup.Operator(), Outcome: audit.Success}
			n, err := f.db.Reseal(cmd.Context(), e, func(binding string, sealed []byte) ([]byte, error) {
				plain, err := f.sealer.Open(sealed, binding)
				if err != nil {
					return nil, err
				}
				return f.sealer.Seal(plain, binding), nil
			})
			if err != nil {
				return err
			}
			return g.print(cmd, map[string]int{"resealed": n}, func(w io.Writer) { fmt.Fprintf(w, "Sealed %d secrets anew.\n", n) })
		}),
	}
}
