package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/minddistrict/idp/configs"
	"github.com/minddistrict/idp/internal/clock"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/internal/setup"
	"github.com/minddistrict/idp/internal/wire"
	"github.com/minddistrict/idp/keys"
	"github.com/minddistrict/idp/login/password"
	"github.com/minddistrict/idp/staff"
	"github.com/minddistrict/idp/storage"
)

// globals are the flags of every command.
type globals struct{ config, output string }

// load reads and checks the configuration of a server.
func (g *globals) load() (*configs.Config, error) { return configs.Load(g.config, os.Environ()) }

// loadForCommand does not ask how the server is reached: who administers serves nobody.
func (g *globals) loadForCommand() (*configs.Config, error) {
	return configs.LoadWithoutListeners(g.config, os.Environ())
}

// floor is what commands without a server need.
type floor struct {
	config *configs.Config
	db     *storage.DB
	sealer *keys.Sealer
	clock  *clock.Clock
}

// open opens the database, which must have our schema, and the sealer.
func (g *globals) open(ctx context.Context) (*floor, error) {
	c, err := g.loadForCommand()
	if err != nil {
		return nil, err
	}
	return openFloor(ctx, c, sql.OpenDB)
}

func openFloor(ctx context.Context, c *configs.Config, open storage.Opener) (*floor, error) {
	sealer, err := sealerOf(c)
	if err != nil {
		return nil, err
	}
	db, err := storage.OpenThrough(ctx, c.Database.Reveal(), open)
	if err != nil {
		return nil, err
	}
	if err := db.SchemaError(ctx); err != nil {
		_ = db.Close() // the schema error is the one to report
		return nil, err
	}
	now := clock.New(db, time.Now, slog.New(slog.DiscardHandler)) // that clocks differ is said by servers
	if err := now.Follow(ctx); err != nil {
		_ = db.Close() // as above
		return nil, err
	}
	return &floor{c, db, sealer, now}, nil
}

func sealerOf(c *configs.Config) (*keys.Sealer, error) {
	masters := make([][]byte, len(c.MasterKeys))
	for i, text := range c.MasterKeys {
		var err error
		if masters[i], err = keys.ParseMaster(text.Reveal()); err != nil {
			return nil, fmt.Errorf("master key %d: %w", i+1, err)
		}
	}
	return keys.NewSealer(masters...)
}

// tools are what set-up commands apply with. Hashes of theirs run one at a time.
func (f *floor) tools() setup.Tools {
	return setup.Tools{
		DB: f.db, Sealer: f.sealer, Pool: password.NewPool(1, 1, password.DefaultParams), Methods: wire.Methods(), Policy: wire.DefaultPolicy(), Now: f.now(),
	}
}

// keys reads the signing keys, and refuses to go on where the master keys do not open them: what is sealed now could not
// be opened by the servers.
func (f *floor) keys(ctx context.Context) ([]keys.Key, error) {
	all, err := f.db.Keys(ctx)
	if err == nil {
		_, err = keys.NewRing(all, f.sealer)
	}
	return all, err
}

// acts are what staff may do with what the servers seal and count: only under the master keys that they have (see keys).
func (f *floor) acts(ctx context.Context) (*staff.Acts, error) {
	if _, err := f.keys(ctx); err != nil {
		return nil, err
	}
	return f.tools().Acts(), nil
}

// now is the clock of commands: the one that all nodes follow (decision 9), in the precision that is stored.
func (f *floor) now() time.Time { return f.clock.Now() }

// with opens the floor for a command, and closes it.
func (g *globals) with(run func(*cobra.Command, []string, *floor) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		f, err := g.open(cmd.Context())
		if err != nil {
			return err
		}
		defer func() { _ = f.db.Close() }() // the process ends
		return run(cmd, args, f)
	}
}

// print writes a result: JSON that steers no terminal, text by the given function.
func (g *globals) print(cmd *cobra.Command, result any, text func(io.Writer)) error {
	if g.output == "json" {
		e := json.NewEncoder(shownJSON{cmd.OutOrStdout()})
		e.SetIndent("", "  ")
		return e.Encode(result)
	}
	text(cmd.OutOrStdout())
	return nil
}

// logger writes to standard error, so that output stays clean.
func logger(c *configs.Config) *slog.Logger { return slog.New(logTo(c)(os.Stderr)) }

// logTo makes the handler of the configured form and level.
func logTo(c *configs.Config) func(io.Writer) slog.Handler {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.Log.Level)) // checked by configs
	o := &slog.HandlerOptions{Level: level}
	if c.Log.Format == "json" {
		return func(to io.Writer) slog.Handler { return slog.NewJSONHandler(to, o) }
	}
	return func(to io.Writer) slog.Handler { return slog.NewTextHandler(to, o) }
}

// secretFrom reads a secret from a file that is not everybody's, or from standard input for "-", so that it is in no
// process list.
func secretFrom(cmd *cobra.Command, path string) (text string, err error) {
	switch path {
	case "":
	case "-":
		var read []byte
		read, err = io.ReadAll(io.LimitReader(cmd.InOrStdin(), 64<<10))
		text = string(read)
	default:
		text, err = secret.ReadFile(path)
	}
	return strings.TrimRight(text, "\r\n"), err
}
