package wire

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/gorilla/mux"

	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/keys"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/login/password"
	"github.com/minddistrict/idp/op"
	"github.com/minddistrict/idp/storage"
)

// Options are what a house is built from.
type Options struct {
	DB      *storage.DB
	Sealer  *keys.Sealer
	Hash    password.Params // zero: password.DefaultParams
	Workers int             // hashes at once
	Queue   int             // hashes waiting
	Proxies []netip.Prefix  // peers whose forwarding headers are believed
	Now     func() time.Time
	Wait    func(context.Context, time.Duration) // nil: really waits
	Factors []login.Factor                       // beside those of the house; tests add a pretend one here
	Log     *slog.Logger
}

// House is the provider, ready to serve.
type House struct {
	Options
	Pool     *password.Pool
	metrics  *metrics
	settings atomic.Pointer[snapshot]
	handler  http.Handler
}

// Build joins doors and floor.
func Build(ctx context.Context, o Options) (*House, error) {
	if o.Hash == (password.Params{}) {
		o.Hash = password.DefaultParams
	}
	if o.Wait == nil {
		o.Wait = wait
	}
	h := &House{Options: o, Pool: password.NewPool(o.Workers, o.Queue, o.Hash)}
	h.metrics = newMetrics(h)
	if err := EnsureKeys(ctx, o.DB, o.Sealer, h.now()); err != nil {
		return nil, err
	}
	if err := h.Refresh(ctx); err != nil {
		return nil, err
	}
	h.handler = h.routes()
	return h, nil
}

// now is the clock in the precision that is stored.
func (h *House) now() time.Time { return h.Now().UTC().Truncate(time.Millisecond) }

// factors are the ways of proving, one line each.
func (h *House) factors() []login.Factor {
	return append([]login.Factor{
		password.Factor(password.Options{Store: h.DB, Sealer: h.Sealer, Pool: h.Pool, Wait: h.Wait}),
	}, h.Factors...)
}

// Methods lists the second factors of this build.
func Methods() []string { return login.Methods((&House{}).factors()) }

// routes builds the doors and the one router that all platforms share.
func (h *House) routes() http.Handler {
	known := registry{h}
	factors := h.factors()
	people := login.New(login.Options{
		Store: h.DB, Factors: factors, Party: known.Party, Callback: op.CallbackURL, Restart: op.RestartURL, Now: h.now, Log: h.Log,
	})
	protocol := op.New(op.Options{
		Store: h.DB, Registry: known, Methods: login.Methods(factors), Begin: login.Begin, Now: h.now, Log: h.Log,
		Secrets: op.Secrets{Handles: h.Sealer.Derive("access token handles"), Successor: h.Sealer.Derive("refresh token successors")[0]},
		Show: func(w http.ResponseWriter, r *http.Request, status int, page string, data any) error {
			return login.ShowPage(w, r, status, page, data, login.Look{})
		},
	})
	r := mux.NewRouter().SkipClean(true).UseEncodedPath()
	protocol.Routes(r)
	people.Routes(r)
	r.NotFoundHandler = web.Route("none", http.HandlerFunc(people.NotFound))
	r.MethodNotAllowedHandler = web.Route("none", http.HandlerFunc(methodNotAllowed))
	return h.wrap(within(requestTime, h.byPlatform(guardForms(r))))
}

// How long work may take. A database can be gone without a word: no answer, and no end of the connection either.
const (
	requestTime = 20 * time.Second // then 503; the slowest honest answer comes 8 s after a wrong password
	refreshTime = 5 * time.Second
	upkeepTime  = 30 * time.Second
	readyTime   = 3 * time.Second // what asks gives up soon after
)

// within ends the context of each request after a while.
func within(limit time.Duration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, done := context.WithTimeout(r.Context(), limit)
		defer done()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// Run does the upkeep until the context ends: settings within half a second, clean-up and key rotation by the minute.
func (h *House) Run(ctx context.Context) {
	settings, upkeep := time.NewTicker(500*time.Millisecond), time.NewTicker(time.Minute)
	defer settings.Stop()
	defer upkeep.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-settings.C:
			err = h.Refresh(ctx)
		case <-upkeep.C:
			err = h.keepUp(ctx)
		}
		if err != nil && ctx.Err() == nil {
			h.Log.WarnContext(ctx, "upkeep", slog.Any("error", err))
		}
	}
}

const (
	cleanBatch  = 500                 // rows per table and round
	keyRotation = 90 * 24 * time.Hour // a signing key signs this long
)

func (h *House) keepUp(ctx context.Context) error {
	ctx, done := context.WithTimeout(ctx, upkeepTime)
	defer done()
	_, err := h.DB.CleanUp(ctx, h.now(), cleanBatch)
	return errors.Join(err, h.rotate(ctx))
}

// rotate replaces signing keys by age: the next one is published 24 hours before it signs.
func (h *House) rotate(ctx context.Context) error {
	existing, err := h.DB.Keys(ctx)
	if err != nil {
		return err
	}
	var changed []keys.Key
	for id := range h.settings.Load().tenants {
		due, err := keys.Due(existing, id, h.Sealer, h.now(), keyRotation)
		if err != nil {
			return fmt.Errorf("rotating keys of %s: %w", id, err)
		}
		changed = append(changed, due...)
	}
	if len(changed) == 0 {
		return nil
	}
	return h.DB.SaveKeys(ctx, changed)
}

// wait really waits, or until the caller is gone.
func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
