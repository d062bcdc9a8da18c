package main

import (
	"context"
	"crypto/tls"
	"database/sql"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"github.com/minddistrict/idp/configs"
	"github.com/minddistrict/idp/internal/outbound"
	"github.com/minddistrict/idp/internal/serve"
	"github.com/minddistrict/idp/internal/trace"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/internal/wire"
	"github.com/minddistrict/idp/storage"
)

func serveCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Serve all platforms",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := g.load()
			if err != nil {
				return err
			}
			lines := serve.NewLines(os.Stderr, time.Now)
			defer func() { _ = lines.Close() }() // last of all, and in a panic too
			log, open := slog.New(lines.Handler(logTo(c))), storage.Opener(sql.OpenDB)
			traces, err := trace.Start(cmd.Context(), os.Getenv, version(), log)
			if err != nil {
				return err
			}
			if traces != nil {
				open = traces.OpenDB
				defer flush(traces, log)
			}
			f, err := openFloor(cmd.Context(), c, open)
			if err != nil {
				return err
			}
			defer func() { _ = f.db.Close() }() // the process ends
			texts, reports, err := gateways(c, log)
			if err != nil {
				return err
			}
			house, err := buildHouse(cmd.Context(), f, wire.Options{
				Log: log, Insight: wire.Insight{Traces: traces}, Mailer: mailer(c), Texts: texts, Reports: reports, Network: wire.Network{Outbound: outbound.NewClient(c.Outbound.Networks())},
			})
			if err != nil {
				return err
			}
			defer runtime.KeepAlive(serve.CollectGarbage(c.Hash.Workers))
			house.Pool.Hashing = serve.RoomForHashes(c.Hash.Workers)
			return serveHouse(cmd.Context(), c, house, log)
		},
	}
}

// flushTime is how long the last traces may take after shutdown_grace: a collector that is gone must not keep the process.
const flushTime = 3 * time.Second

func flush(traces *trace.Tracer, log *slog.Logger) {
	ctx, done := context.WithTimeout(context.Background(), flushTime)
	defer done()
	if err := traces.Stop(ctx); err != nil {
		log.Warn("traces", "error", err)
	}
}

// buildHouse adds the floor and the configuration to what a command builds from.
func buildHouse(ctx context.Context, f *floor, o wire.Options) (*wire.House, error) {
	var err error
	if o.Leaked, err = openFilter(f.config.Passwords.Filter); err != nil {
		return nil, fmt.Errorf("passwords.filter: %w", err)
	}
	o.DB, o.Sealer, o.Now = f.db, f.sealer, time.Now
	o.Workers, o.Queue, o.Proxies, o.MailFrom = f.config.Hash.Workers, f.config.Hash.Queue, f.config.Proxies(), f.config.SMTP.From
	o.Arrival = web.Rate{AtOnce: f.config.Arrivals.AtOnce, PerSecond: f.config.Arrivals.PerSecond}
	return wire.Build(ctx, o)
}

// serveHouse runs both listeners until the context ends, then lets requests finish.
func serveHouse(ctx context.Context, c *configs.Config, house *wire.House, log *slog.Logger) error {
	public, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	public = serve.Drain(public)
	if c.TLS.CertFile != "" {
		certificate, err := serve.OpenCertificate(c.TLS.CertFile, c.TLS.KeyFile, time.Now, log)
		if err != nil {
			return fmt.Errorf("tls: %w", err)
		}
		wire.ShowCertificate(house, certificate.Ends)
		public = tls.NewListener(public, &tls.Config{
			MinVersion: tls.VersionTLS12, GetCertificate: certificate.Get, NextProtos: []string{"h2", "http/1.1"},
			CipherSuites: []uint16{
				tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
				tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
				tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
			},
		})
	}
	operator, err := net.Listen("tcp", c.OperatorListen)
	if err != nil {
		return fmt.Errorf("operator_listen: %w", err)
	}
	log.Info("serving", "listen", public.Addr().String(), "operator", operator.Addr().String(), "version", version())
	warnOfWaiting(c, log)
	return serve.Run(ctx, serve.Options{Grace: c.ShutdownGrace, Now: time.Now, Log: log}, house, map[net.Listener]http.Handler{public: house, operator: house.Operator()})
}
