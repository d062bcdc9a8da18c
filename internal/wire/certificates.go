package wire

import (
	"context"
	"sync"
	"time"

	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/metrics"
	"github.com/minddistrict/idp/internal/upstream/saml"
	"github.com/minddistrict/idp/storage"
)

// CertificateWarning is how long before the last certificate of an organisation ends that is told.
const CertificateWarning = saml.Warning

type (
	// Known is what is known of the keys of an organisation.
	Known = saml.Known
	// Certificate is one of an organisation's certificates.
	Certificate = saml.Certificate
)

// Knows is what is known of the keys of an organisation that speaks SAML; of another kind nothing is kept.
func Knows(ctx context.Context, db *storage.DB, c *federation.Connection, now time.Time) (Known, error) {
	if c.Kind != federation.SAML {
		return Known{}, nil
	}
	return saml.Knows(ctx, db, c, now)
}

// certificateEnds are the ends of certificates for who asks again and again: looked up every ten minutes.
type certificateEnds struct {
	house *House

	mu   sync.Mutex // guards what follows
	at   time.Time
	last []certificateEnd
}

type certificateEnd struct {
	of   *federation.Connection
	ends time.Time
}

// lookupTime is how long the database may take to answer while somebody waits for metrics.
const lookupTime = 2 * time.Second

// now is how long they have to go. One that cannot be looked up is left out.
func (e *certificateEnds) now() (all []metrics.CertificateEnd) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.house.clock.Now()
	if e.at.IsZero() || now.Sub(e.at) >= metadataEvery {
		ctx, done := context.WithTimeout(context.Background(), lookupTime)
		defer done()
		e.at, e.last = now, nil
		for _, c := range e.house.settings.Open(federation.SAML) {
			if ends, err := saml.CertificateEnds(ctx, e.house.DB, c, now); err == nil {
				e.last = append(e.last, certificateEnd{c, ends})
			}
		}
	}
	for _, c := range e.last {
		all = append(all, metrics.CertificateEnd{Platform: string(c.of.Platform), Connection: string(c.of.ID), In: c.ends.Sub(now)})
	}
	return all
}
