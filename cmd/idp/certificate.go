package main

import (
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/minddistrict/idp/configs"
	"github.com/minddistrict/idp/internal/fault"
)

// certificate reads a certificate again when its file changes, so that renewing needs no restart. A file that cannot
// be read keeps the old one: half a renewal must not end the service.
type certificate struct {
	cert, key string
	mu        sync.Mutex
	changed   time.Time
	current   *tls.Certificate
}

// openCertificate reads a certificate for the first time. One that browsers would refuse today is refused here, where
// somebody looks; so is a key that everybody on the machine may read.
func openCertificate(cert, key string, now time.Time) (*certificate, error) {
	c := &certificate{cert: cert, key: key}
	pair, err := c.get(nil)
	if err != nil {
		return nil, err
	}
	if err := configs.Private(key); err != nil {
		return nil, err
	}
	switch leaf := pair.Leaf; {
	case now.After(leaf.NotAfter):
		return nil, fmt.Errorf("%w: the certificate in %s ended on %s", fault.Expired, cert, leaf.NotAfter.UTC().Format(day))
	case now.Before(leaf.NotBefore):
		return nil, fmt.Errorf("%w: the certificate in %s begins on %s", fault.Refused, cert, leaf.NotBefore.UTC().Format(day))
	}
	return c, nil
}

const day = "2 January 2006 15:04 UTC"

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	info, err := os.Stat(c.cert)
	if err == nil && (c.current == nil || !info.ModTime().Equal(c.changed)) {
		var pair tls.Certificate
		if pair, err = tls.LoadX509KeyPair(c.cert, c.key); err == nil {
			c.current, c.changed = &pair, info.ModTime()
		}
	}
	if c.current == nil {
		return nil, err
	}
	return c.current, nil
}
