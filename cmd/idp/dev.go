package main

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/configs"
	"github.com/minddistrict/idp/internal/demo"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/outbound"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/internal/serve"
	"github.com/minddistrict/idp/internal/setup"
	"github.com/minddistrict/idp/internal/wire"
	"github.com/minddistrict/idp/keys"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
	"github.com/minddistrict/idp/storage"
)

// devCommand is everything in one command, for trying and for developing: SQLite in one folder, two demo platforms,
// accounts of every role, and a relying platform to log in from.
func devCommand(*globals) *cobra.Command {
	var dir string
	var port, sitePort int
	c := &cobra.Command{
		Use:   "dev",
		Short: "Run everything on SQLite, with demo platforms and accounts",
		Long: "Runs everything on SQLite, with demo platforms and accounts. Other commands work beside it with --config and the file idp.yaml, which " +
			"it writes into its folder at each start.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return dev(cmd, dir, port, sitePort)
		},
	}
	c.Flags().StringVar(&dir, "dir", "var", "folder for the database and the master key")
	c.Flags().IntVar(&port, "port", 8080, "port of the provider")
	c.Flags().IntVar(&sitePort, "site-port", 8081, "port of the demo relying platform")
	return c
}

func dev(cmd *cobra.Command, dir string, port, sitePort int) error {
	ctx := cmd.Context()
	c, err := devConfig(dir)
	if err != nil {
		return err
	}
	if err := migrate(ctx, c.Database.Reveal()); err != nil {
		return err
	}
	f, err := openFloor(ctx, c, sql.OpenDB)
	if err != nil {
		return err
	}
	defer func() { _ = f.db.Close() }() // the process ends
	origin, siteOrigin := fmt.Sprintf("http://localhost:%d", port), fmt.Sprintf("http://localhost:%d", sitePort)
	file, site, err := demo.House(origin, siteOrigin, time.Now)
	if err != nil {
		return err
	}
	site.Subject, site.Camera = f.subject, demo.Camera(f.db.SQL(), f.sealer.Open)
	tools := f.tools()
	tools.Weaken = true // the demonstration is what it was, whatever somebody tried on it
	if _, err := setup.Apply(ctx, tools, file, nil); err != nil {
		return err
	}
	if err := inviteAll(ctx, f, site); err != nil {
		return err
	}
	log := logger(c)
	house, err := buildHouse(ctx, f, wire.Options{
		Log: log, Mailer: site.Mails, Texts: site.Mails, Network: wire.Network{Outbound: outbound.NewClient(c.Outbound.Networks())},
		Insight: wire.Insight{Explain: true},
	})
	if err != nil {
		return err
	}
	handlers := map[net.Listener]http.Handler{}
	for port, handler := range map[int]http.Handler{port: house, sitePort: site} {
		l, err := net.Listen("tcp", fmt.Sprintf("localhost:%d", port))
		if err != nil {
			return fmt.Errorf("listening: %w (another `idp dev`? --port and --site-port choose others)", err)
		}
		handlers[l] = handler
	}
	path, err := writeDevFile(dir, port)
	if err != nil {
		return err
	}
	printWelcome(cmd, site, origin, path)
	return serve.Run(ctx, serve.Options{Grace: time.Second, Now: time.Now, Log: log}, house, handlers)
}

// subject is the `sub` that platforms of the demonstration know somebody by: they had the account made.
func (f *floor) subject(ctx context.Context, on, address string) (string, error) {
	email, err := account.ParseEmail(address)
	if err != nil {
		return "", err
	}
	a, err := f.db.AccountByEmail(ctx, platform.ID(on), email.Key)
	if err != nil {
		return "", err
	}
	return string(a.ID), nil
}

// inviteAll sends the welcome mail to those who have no password yet: the outbox was empty a moment ago.
func inviteAll(ctx context.Context, f *floor, site *demo.Site) error {
	for _, a := range site.Accounts {
		if a.Password != "" {
			continue
		}
		err := f.tools().Acts().Invite(ctx, platform.ID(a.On), staff.ByAddress(a.Email))
		if err != nil && !errors.Is(err, fault.Refused) { // refused: there is one by now
			return err
		}
	}
	return nil
}

// devConfig is the built-in configuration in a folder, with a master key that is made on the first run.
func devConfig(dir string) (*configs.Config, error) {
	c, err := configs.Dev()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "master-key")
	text, err := secret.ReadFile(path)
	if os.IsNotExist(err) {
		text = keys.NewMaster() + "\n"
		err = os.WriteFile(path, []byte(text), 0o600)
	}
	if err != nil {
		return nil, err
	}
	c.Database = secret.Text("sqlite:" + filepath.Join(dir, "idp.db"))
	c.MasterKeys = []secret.Text{secret.Text(strings.TrimSpace(text))}
	return c, nil
}

// writeDevFile writes the configuration with which other commands work on the folder, from wherever they are started.
func writeDevFile(dir string, port int) (path string, err error) {
	whole, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	text, err := configs.DevFile(fmt.Sprintf("localhost:%d", port), "sqlite:"+filepath.Join(whole, "idp.db"), filepath.Join(whole, "master-key"))
	if err != nil {
		return "", err
	}
	path = filepath.Join(dir, "idp.yaml")
	text = append([]byte("# Written by `idp dev` at each start, for other commands: idp --config "+path+" account list --platform linde\n"), text...)
	return path, os.WriteFile(path, text, 0o600)
}

// printWelcome says where to go, and as whom.
func printWelcome(cmd *cobra.Command, site *demo.Site, origin, config string) {
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "\n  Open  %s\n\n", site.Origin)
	fmt.Fprintf(out, "  %-20s %s\n  %-20s %s/dev/outbox\n  %-20s idp --config %s account list --platform linde\n  %-20s Ctrl-C\n\n", "the provider", origin,
		"mails and messages", site.Origin, "other commands", config, "stop")
	at := ""
	for _, a := range site.Accounts {
		if a.Platform != at {
			at = a.Platform
			fmt.Fprintf(out, "  %s  %s/%s/\n", at, site.Origin, a.At)
		}
		line := fmt.Sprintf("    %-20s %-13s %-36s %s", a.Email, a.Role, cmp.Or(a.Password, "(invited: see the outbox)"),
			secondStep(a))
		fmt.Fprintln(out, strings.TrimRight(line, " "))
	}
	fmt.Fprintln(out)
}

// secondStep says where the codes of an account are.
func secondStep(a demo.Account) string {
	switch {
	case a.TOTPSecret != "":
		return "code of an app: on the start page"
	case a.Phone != "":
		return "code by text message: in the outbox"
	}
	return ""
}

func migrate(ctx context.Context, dsn string) error {
	db, err := storage.Open(ctx, dsn)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }() // opened again by who uses it
	return db.Migrate(ctx)
}
