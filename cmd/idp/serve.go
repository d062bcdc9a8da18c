package main

import (
	"context"
	"crypto/tls"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"github.com/minddistrict/idp/configs"
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
			log, open := logger(c), storage.Opener(sql.OpenDB)
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
			defer func() { _ = f.db.Close() }()            // the process ends
			slog.SetDefault(slog.New(slog.DiscardHandler)) // the library's own log would show raw requests
			texts, reports, err := gateways(c, log)
			if err != nil {
				return err
			}
			house, err := buildHouse(cmd.Context(), f, wire.Options{Log: log, Traces: traces, Mailer: mailer(c), Texts: texts, Reports: reports})
			if err != nil {
				return err
			}
			defer runtime.KeepAlive(collectGarbage(c.Hash.Workers))
			giveHashesRoom(c.Hash.Workers)
			return serve(cmd.Context(), c, house, log)
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

// Limits of a connection: slow or silent peers are dropped, honest ones on bad networks are not.
const (
	headerTimeout = 10 * time.Second
	readTimeout   = 30 * time.Second
	writeTimeout  = 60 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 32 << 10
)

func newFront(l net.Listener, h http.Handler, log *slog.Logger) *front {
	f := &front{listener: l, ended: make(chan struct{}), busy: busy{conns: map[net.Conn]bool{}}}
	f.Server = http.Server{
		Handler: h, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug), ConnState: f.busy.note,
	}
	return f
}

// serve runs both listeners until the context ends, then lets requests finish.
func serve(ctx context.Context, c *configs.Config, house *wire.House, log *slog.Logger) error {
	public, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	public = drain(public)
	if c.TLS.CertFile != "" {
		certificate, err := openCertificate(c.TLS.CertFile, c.TLS.KeyFile, time.Now, log)
		if err != nil {
			return fmt.Errorf("tls: %w", err)
		}
		public = tls.NewListener(public, &tls.Config{
			MinVersion: tls.VersionTLS12, GetCertificate: certificate.get, NextProtos: []string{"h2", "http/1.1"},
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
	return runServers(ctx, c.ShutdownGrace, house, log, map[net.Listener]http.Handler{public: house, operator: house.Operator()})
}

// runServers serves each listener; the first that fails, or the end of the context, ends all of them.
func runServers(ctx context.Context, grace time.Duration, house *wire.House, log *slog.Logger, handlers map[net.Listener]http.Handler) error {
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	failed := make(chan error, len(handlers))
	var fronts []*front
	for l, h := range handlers {
		f := newFront(l, h, log)
		fronts = append(fronts, f)
		go func() { failed <- f.accept() }()
	}
	upkeep := make(chan struct{})
	go func() {
		defer close(upkeep)
		house.Run(running)
	}()
	tell := func(state string) {
		if err := notify(state); err != nil {
			log.Warn("service manager", "error", err)
		}
	}
	tell(ready)
	var err error
	drain := min(drainFor, grace/4)
	select {
	case err = <-failed:
		drain = 0
	case <-ctx.Done():
		log.Info("stopping", "grace", grace.String())
	}
	tell(stopping)
	house.Drain()
	end := time.Now().Add(grace)
	err = errors.Join(err, shutDown(running, grace, drain, fronts))
	cancel()
	return errors.Join(err, await(upkeep, max(time.Until(end), lastMoment), grace))
}

// lastMoment is for work that ends at once when it is told to, where requests took the whole grace.
const lastMoment = time.Second

// await waits for what still runs: a letter that was in hand when the stop began, mostly over by then.
func await(upkeep <-chan struct{}, limit, grace time.Duration) error {
	late := time.NewTimer(limit)
	defer late.Stop()
	select {
	case <-upkeep:
		return nil
	case <-late.C:
		return fmt.Errorf("stopping: a letter was still being sent after %s (shutdown_grace) and was cut off: it may come twice", grace)
	}
}
