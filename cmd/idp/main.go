// Command idp is an OpenID Connect provider for care platforms.
//
// This package holds flags and output only: internal/wire builds what serves; other commands open the database and the
// sealer (globals.go) and call staff or internal/setup. A command prints text or, with --output json, one JSON document.
// Exit codes: 0 done, 1 refused or failed, 2 wrong use of the command, 3 a file that protects less than before (see
// apply), a party that falls short of its profile (see party check) or is not meant to be deleted (see party delete).
//
// A party is a relying party (OAuth client).
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

	"github.com/minddistrict/idp/internal/setup"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	err := root().ExecuteContext(ctx)
	var usage usageError
	var weakening setup.Weakening
	var shortfall shortfallError
	var unmeant unmeantError
	switch {
	case errors.As(err, &usage):
		fmt.Fprintln(os.Stderr, "idp:", err)
		os.Exit(2)
	case errors.As(err, &weakening), errors.As(err, &shortfall), errors.As(err, &unmeant):
		fmt.Fprintln(os.Stderr, "idp:", err)
		os.Exit(3)
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
		platformCommand(g), partyCommand(g), federationCommand(g), accountCommand(g), auditCommand(g), passwordsCommand(g), smsCommand(g), healthCommand(g),
		restoredCommand(g), manCommand(),
	)
	checkUse(c, g)
	return c
}

// checkUse makes every wrong use of a command a usageError, found before the command does anything: arguments, flags
// that it needs, the form of output, a command that does not exist.
func checkUse(c *cobra.Command, g *globals) {
	if !c.Runnable() {
		c.Args = cobra.ArbitraryArgs
		c.RunE = func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return c.Help()
			}
			return usageError{fmt.Errorf("%s has no command %q; %s --help lists them", c.CommandPath(), args[0], c.CommandPath())}
		}
	}
	allowed := c.Args
	c.Args = func(c *cobra.Command, args []string) error {
		err := errors.Join(allowed(c, args), c.ValidateRequiredFlags())
		if g.output != "text" && g.output != "json" {
			err = errors.Join(err, fmt.Errorf("--output %q: text or json", g.output))
		}
		if err != nil {
			return usageError{err}
		}
		return nil
	}
	for _, sub := range c.Commands() {
		checkUse(sub, g)
	}
}

// require makes flags of a command required.
func require(c *cobra.Command, names ...string) {
	for _, name := range names {
		if err := c.MarkFlagRequired(name); err != nil {
			panic(err) // no such flag: a programming mistake
		}
	}
}

// release is set by a build without the repository (Dockerfile): -ldflags "-X main.release=…".
var release string

// version is the release, or the commit that was built.
func version() string {
	if release != "" {
		return release
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return info.Main.Version
}
