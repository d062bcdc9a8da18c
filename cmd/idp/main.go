// Command idp is an OpenID Connect provider for care platforms.
//
// This package holds flags and output only: each command builds what it needs with internal/wire, calls it, and prints
// text or, with --output json, one JSON document. Exit codes: 0 done, 1 refused or failed, 2 wrong use of the command.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := root().ExecuteContext(ctx)
	var usage usageError
	switch {
	case errors.As(err, &usage):
		fmt.Fprintln(os.Stderr, "idp:", err)
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "idp:", err)
		os.Exit(1)
	}
}

// usageError is a command used wrongly.
type usageError struct{ error }

func root() *cobra.Command {
	c := &cobra.Command{
		Use:           "idp",
		Short:         "OpenID Connect provider for care platforms",
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	g := &globals{}
	c.PersistentFlags().StringVar(&g.config, "config", "", "configuration file (YAML); IDP_… variables override it")
	c.PersistentFlags().StringVarP(&g.output, "output", "o", "text", "text or json")
	c.AddCommand(
		serveCommand(g), devCommand(g), migrateCommand(g), applyCommand(g), configCommand(g), keysCommand(g),
		platformCommand(g), partyCommand(g), accountCommand(g),
	)
	return c
}

// version is the release, or the commit that was built.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return info.Main.Version
}
