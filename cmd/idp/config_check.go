package main

import (
	"context"
	"crypto/tls"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/minddistrict/idp/configs"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/outbound"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/internal/serve"
)

// connectTime is how long database and mail server may take to answer, each: longer than either is waited for.
const connectTime = 30 * time.Second

// configChecks tries what a configuration names, key by key, and goes on after a mistake.
type configChecks struct {
	config  *configs.Config
	wrong   []error
	reached []string
}

func (k *configChecks) add(key string, err error) {
	if err == nil {
		return
	}
	if err = k.config.Mistake(key, err); err != nil { // nil: said already
		k.wrong = append(k.wrong, err)
	}
}

// fine reports whether nothing is wrong with the keys of a section, or a key.
func (k *configChecks) fine(section string) bool {
	for _, err := range k.wrong {
		m, ok := errors.AsType[*configs.Mistake](err)
		if ok && (m.Key == section || strings.HasPrefix(m.Key, section+".") || strings.HasPrefix(section, m.Key+".")) {
			return false
		}
	}
	return true
}

// files reads what keys name. The master keys, and secrets that variables name, were read with the configuration.
func (k *configChecks) files() {
	k.certificate()
	_, err := openFilter(k.config.Passwords.Filter)
	k.add("passwords.filter", err)
	client := outbound.NewClient(k.config.Outbound.Networks())
	for _, g := range []struct {
		name string
		configs.Gateway
	}{{"first", k.config.SMS.First}, {"second", k.config.SMS.Second}} {
		if section := "sms." + g.name; g.Kind != "" && k.fine(section) {
			_, err := newGateway(g.name, g.Gateway, client)
			k.add(section, err)
		}
	}
}

// certificate holds the files of TLS against what a server wants of them at its start.
func (k *configChecks) certificate() {
	cert, key := k.config.TLS.CertFile, k.config.TLS.KeyFile
	if cert == "" || key == "" {
		return // both or neither: said already
	}
	errCert, errKey, errOpen := secret.Readable(cert), secret.Readable(key), error(nil)
	if errCert == nil && errKey == nil {
		if _, err := tls.LoadX509KeyPair(cert, key); err != nil {
			k.add("tls", fmt.Errorf("%w: cert_file and key_file: %w", fault.Invalid, err))
		} else {
			_, errOpen = serve.OpenCertificate(cert, key, time.Now, slog.New(slog.DiscardHandler))
		}
	}
	if errKey == nil {
		errKey = secret.Private(key)
	}
	if errOpen != nil && (errKey == nil || errOpen.Error() != errKey.Error()) { // it asks the same of the key
		errCert = errOpen
	}
	k.add("tls.cert_file", errCert)
	k.add("tls.key_file", errKey)
}

// connections opens what the configuration leads to, as a server would.
func (k *configChecks) connections(ctx context.Context) {
	if k.fine("database") && k.fine("master_keys") && k.fine("master_keys_file") {
		key, err := k.database(ctx)
		if k.add(key, err); err == nil {
			k.reached = append(k.reached, "database")
		}
	}
	if server := mailServer(k.config); server != nil && k.fine("smtp") {
		ctx, done := context.WithTimeout(ctx, connectTime)
		defer done()
		err := server.Check(ctx)
		if k.add("smtp", err); err == nil {
			k.reached = append(k.reached, "smtp")
		}
	}
}

// database opens the database, and its keys with ours; it returns the key of the configuration that a mistake is of.
func (k *configChecks) database(ctx context.Context) (key string, err error) {
	ctx, done := context.WithTimeout(ctx, connectTime)
	defer done()
	if path, isFile := strings.CutPrefix(k.config.Database.Reveal(), "sqlite:"); isFile { // opening would make it
		if err := secret.Readable(path); err != nil {
			return "database", fmt.Errorf("%w (idp migrate makes it)", err)
		}
	}
	f, err := openFloor(ctx, k.config, sql.OpenDB)
	if err != nil {
		return "database", err
	}
	defer func() { _ = f.db.Close() }() // nothing was written
	if err := f.db.TakesWrites(ctx); err != nil {
		return "database", err
	}
	if _, err := f.keys(ctx); err != nil {
		return "master_keys", err
	}
	return "", nil
}
