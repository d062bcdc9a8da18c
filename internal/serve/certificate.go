package serve

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
)

// Certificate reads a certificate again when its file changes, so that renewing needs no restart. One that cannot be
// used keeps the old one, because half a renewal must not end the service, and is an error in the log: who renews by a
// timer looks nowhere else until the old one ends.
type Certificate struct {
	cert, key string
	now       func() time.Time
	log       *slog.Logger
	mu        sync.Mutex // guards what follows
	changed   time.Time  // of the file, when it was read
	current   *tls.Certificate
	refused   string    // what is wrong with the renewed one
	saidAt    time.Time // when it was last said
}

// sayEvery is how often the same trouble with a renewal is said: handshakes find it, many a second.
const sayEvery = time.Hour

// OpenCertificate reads a certificate for the first time. One that browsers would refuse today is refused here, where
// somebody looks; so is a key that everybody on the machine may read.
func OpenCertificate(cert, key string, now func() time.Time, log *slog.Logger) (*Certificate, error) {
	c := &Certificate{cert: cert, key: key, now: now, log: log}
	if err := c.read(); err != nil {
		return nil, err
	}
	return c, secret.Private(key)
}

// read takes the certificate from its files, if it changed.
func (c *Certificate) read() error {
	info, err := os.Stat(c.cert)
	if err != nil || c.current != nil && info.ModTime().Equal(c.changed) {
		return err
	}
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return err
	}
	if err := c.valid(pair.Leaf); err != nil {
		return err
	}
	c.current, c.changed = &pair, info.ModTime()
	return nil
}

// Ends is when the certificate ends that handshakes get, which is the renewed one where its file changed.
func (c *Certificate) Ends() time.Time {
	current, _ := c.Get(nil)
	return current.Leaf.NotAfter
}

// valid refuses what browsers would refuse today.
func (c *Certificate) valid(leaf *x509.Certificate) error {
	switch now := c.now(); {
	case now.After(leaf.NotAfter):
		return fmt.Errorf("%w: the certificate in %s ended on %s", fault.Expired, c.cert, leaf.NotAfter.UTC().Format(day))
	case now.Before(leaf.NotBefore):
		return fmt.Errorf("%w: the certificate in %s begins on %s", fault.Refused, c.cert, leaf.NotBefore.UTC().Format(day))
	}
	return nil
}

const day = "2 January 2006 15:04 UTC"

// Get is called for each handshake. It returns no error.
func (c *Certificate) Get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.read(); err == nil {
		c.refused = ""
	} else if now := c.now(); err.Error() != c.refused || now.Sub(c.saidAt) >= sayEvery {
		c.refused, c.saidAt = err.Error(), now
		c.log.Error("renewed certificate", "error", err, "ends", c.current.Leaf.NotAfter)
	}
	return c.current, nil
}
