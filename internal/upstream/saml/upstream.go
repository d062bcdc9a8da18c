package saml

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/platform"
)

// Store is what has to be the same for all nodes.
type Store interface {
	// Document is the metadata that was read last for a connection. fault.NotFound: none was tried to be read.
	Document(ctx context.Context, p platform.ID, c federation.ID) (federation.Document, error)
	// KeepDocument keeps it in place of the one before.
	KeepDocument(ctx context.Context, p platform.ID, c federation.ID, d federation.Document) error
	// MarkUsed keeps that something was here, until it could not be taken any more. fault.Spent: it was here before, at
	// any node.
	MarkUsed(ctx context.Context, p platform.ID, hash []byte, ends time.Time) error
}

// News is what became known about the keys of an upstream.
type News struct {
	Keys    []string  // SHA-256 of certificates that were not in the copy before, in hex
	Expires time.Time // when the last of its certificates expires, if that is within Warning or was; zero: later
}

// Warning is how long before the last certificate of an upstream expires that is told.
const Warning = 30 * 24 * time.Hour

// Options are what an Upstream needs of the house.
type Options struct {
	Store  Store
	Client *http.Client                                        // follows no redirects, and decides who may be called (internal/outbound)
	Open   func(sealed []byte, binding string) ([]byte, error) // of federation.Connection.Keys
	Now    func() time.Time
	Log    *slog.Logger
	// Tell is told what Refresh, or an answer by a new key, made known; the end of a certificate each time it is looked
	// at. Nil: nobody wants to know.
	Tell func(context.Context, *federation.Connection, News)
}

// Upstream speaks SAML 2.0 for all connections of that kind. It keeps nothing, and is safe for concurrent use.
type Upstream struct {
	o   Options
	off switches
}

// switches turn one guard off each: a test sees that an attack passes without it.
type switches struct {
	sha1       bool // RejectSHA1Signatures
	conditions bool // RejectUnknownConditions
	artifacts  bool // RequireStandardArtifacts
	replay     bool // ReplayCache
	cbc        bool // RequireSignedResponseForCBC
	logout     bool // LogoutSignatureMethod
	decryption bool // keys of ours beyond the first
	expiry     bool // IgnoreCertificateExpiry
	shape      bool // our own sieve before the library
	profile    bool // … and of signatures
	times      bool // … and of times
}

// New makes one.
func New(o Options) *Upstream { return &Upstream{o: o} }
