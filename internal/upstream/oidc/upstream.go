package oidc

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/shelf"
)

// What is published counts this long without being read again.
const (
	metadataFor = time.Hour
	keysFor     = 10 * time.Minute
)

// Options are what the house passes in.
type Options struct {
	Client *http.Client                                        // decides who may be called (internal/outbound)
	Open   func(sealed []byte, binding string) ([]byte, error) // opens the secret and the keys of a connection
	Now    func() time.Time
	Log    *slog.Logger
}

// Upstream speaks to upstreams. It is safe for concurrent use, and remembers what they publish; each node reads for
// itself.
type Upstream struct {
	client   *http.Client
	open     func(sealed []byte, binding string) ([]byte, error)
	now      func() time.Time
	log      *slog.Logger
	patience time.Duration                  // one call may take, to the last byte of its answer
	metadata *shelf.Cache[string, metadata] // by issuer
	keys     *shelf.Cache[string, keysRead] // by jwks_uri
}

// New makes an upstream. It follows no redirects and keeps no cookies, whatever the client does.
func New(o Options) *Upstream {
	client := *o.Client
	client.Jar = nil
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	u := &Upstream{client: &client, open: o.Open, now: o.Now, log: o.Log, patience: callTime}
	u.metadata = shelf.New(o.Now, metadataFor, u.readMetadata)
	u.keys = shelf.New(o.Now, keysFor, u.readKeys)
	return u
}

// about is what an upstream says of itself, of this connection.
func (u *Upstream) about(ctx context.Context, c *federation.Connection) (metadata, error) {
	return taken(ctx, u.metadata, c.OIDC.Issuer, nil)
}

// taken is what is on a shelf at an address. An error is a Refusal.
func taken[T any](ctx context.Context, s *shelf.Cache[string, T], address string, fits func(T) bool) (T, error) {
	value, err := s.Get(ctx, address, fits)
	if errors.Is(err, shelf.ErrLate) {
		err = refuse(federation.Unreachable, "%s: no answer in time", shown(address))
	}
	return value, err
}

func refuse(why federation.Reason, detail string, args ...any) error {
	return federation.Refuse(why, detail, args...)
}
