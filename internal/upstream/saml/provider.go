package saml

import (
	"bytes"
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	crewjam "github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/platform"
)

// entityID and logoutURL are siblings of the assertion consumer service, {issuer}/federation/{id}/acs.
func entityID(back string) string  { return strings.TrimSuffix(back, "/acs") + "/metadata" }
func logoutURL(back string) string { return strings.TrimSuffix(back, "/acs") + "/slo" }

// ownKey is a key of ours, opened.
type ownKey struct {
	private     *rsa.PrivateKey
	certificate *x509.Certificate
}

// keys are those of a connection: the first signs, all open.
func (u *Upstream) keys(c *federation.Connection) ([]ownKey, error) {
	if c.Keys == nil {
		return nil, fmt.Errorf("connection %s: %w: it has no keys yet", c.ID, fault.NotFound)
	}
	plain, err := u.o.Open(c.Keys, c.Binding("keys"))
	if err != nil {
		return nil, fmt.Errorf("keys of connection %s: %w", c.ID, err)
	}
	var kept federation.OwnKeys
	if err := json.Unmarshal(plain, &kept); err != nil {
		return nil, fmt.Errorf("keys of connection %s: %w: %w", c.ID, fault.Invalid, err)
	}
	all := make([]ownKey, 0, len(kept.Keys))
	for _, k := range kept.Keys {
		private, err := x509.ParsePKCS8PrivateKey(k.Private)
		if err != nil {
			return nil, fmt.Errorf("keys of connection %s: %w: %w", c.ID, fault.Invalid, err)
		}
		certificate, err := x509.ParseCertificate(k.Certificate)
		key, isRSA := private.(*rsa.PrivateKey)
		if err != nil || !isRSA || !key.PublicKey.Equal(certificate.PublicKey) {
			return nil, fmt.Errorf("keys of connection %s: %w: a certificate of another key", c.ID, fault.Invalid)
		}
		all = append(all, ownKey{key, certificate})
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("connection %s: %w: it has no keys yet", c.ID, fault.NotFound)
	}
	return all, nil
}

// exchange is one message as the library handles it.
type exchange struct {
	sp       *crewjam.ServiceProvider
	verifier *verifier
	used     *used
	resolver *resolver
}

// exchange sets the library up for one message, with every switch on that refuses.
func (u *Upstream) exchange(ctx context.Context, c *federation.Connection, back string, e *entity) (*exchange, error) {
	keys, err := u.keys(c)
	if err != nil {
		return nil, err
	}
	acs, err := url.Parse(back)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", fault.Invalid, err)
	}
	slo, err := url.Parse(logoutURL(back))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", fault.Invalid, err)
	}
	x := &exchange{
		verifier: &verifier{lax: u.off.profile}, used: &used{u.o.Store, ctx, c.Platform, c.ID, nil},
		resolver: &resolver{base: u.o.Client.Transport, lax: u.off.shape},
	}
	client := *u.o.Client
	client.Transport = x.resolver
	x.sp = &crewjam.ServiceProvider{
		EntityID: entityID(back), AcsURL: *acs, SloURL: *slo, IDPMetadata: e.described,
		Key: keys[0].private, Certificate: keys[0].certificate, EncryptionKey: keys[0].private,
		SignatureMethod: dsig.RSASHA256SignatureMethod, LogoutSignatureMethod: dsig.RSASHA256SignatureMethod,
		SignatureVerifier: x.verifier, ReplayCache: x.used, HTTPClient: &client, Clock: dsig.NewFakeClockAt(u.o.Now()),
		// The test of a connection on this machine is not encrypted.
		AllowInsecureSOAPEndpoints:  plainHere(e),
		RejectSHA1Signatures:        !u.off.sha1,
		RejectUnknownConditions:     !u.off.conditions,
		RequireStandardArtifacts:    !u.off.artifacts,
		RequireSignedResponseForCBC: !c.SAML.CBC && !u.off.cbc,
		// A certificate in metadata holds a key and no more (SAML V2.0 Metadata Interoperability Profile section 2.6.1): its
		// end is told long before, and stops nobody who needs care.
		IgnoreCertificateExpiry: !u.off.expiry,
	}
	for _, k := range keys[1:] {
		x.sp.DecryptionKeys = append(x.sp.DecryptionKeys, k.private)
	}
	if u.off.decryption {
		x.sp.DecryptionKeys = nil
	}
	if u.off.replay {
		x.sp.ReplayCache = nil
	}
	if u.off.logout {
		x.sp.LogoutSignatureMethod, x.sp.SignatureMethod = "", ""
	}
	return x, nil
}

func plainHere(e *entity) bool {
	for _, d := range e.described.IDPSSODescriptors {
		for _, a := range d.SSODescriptor.ArtifactResolutionServices {
			if strings.HasPrefix(a.Location, "http:") { // safe took it: it is this machine
				return true
			}
		}
	}
	return false
}

// used makes the library's memory of assertions and artifacts that of all nodes.
type used struct {
	store      Store
	ctx        context.Context // of one message
	platform   platform.ID
	connection federation.ID
	err        error // of the storage, other than that it was here before
}

// Consume implements crewjam.AssertionReplayCache.
func (r *used) Consume(id string, ends time.Time) error {
	err := r.store.MarkUsed(r.ctx, r.platform, secret.Hash("saml "+string(r.connection)+" "+id), ends)
	switch {
	case errors.Is(err, fault.Spent):
		return crewjam.ErrAssertionReplayed
	case err != nil:
		r.err = fmt.Errorf("using an answer of connection %s: %w", r.connection, err)
	}
	return err
}

// resolver is how the library calls for what an artifact stands for: what is answered is looked at before the library
// is.
type resolver struct {
	base http.RoundTripper // nil: http.DefaultTransport
	lax  bool              // switches.shape
	seen outline
}

func (r *resolver) RoundTrip(req *http.Request) (*http.Response, error) {
	base := r.base
	if base == nil {
		base = http.DefaultTransport
	}
	res, err := base.RoundTrip(req)
	if err != nil || res.StatusCode != http.StatusOK {
		return res, err
	}
	defer func() { _ = res.Body.Close() }() // what was read counts
	body, err := io.ReadAll(io.LimitReader(res.Body, maxXML+1))
	if err != nil {
		return nil, err
	}
	if !r.lax {
		if r.seen, err = lookAnswer(body); err != nil {
			return nil, federation.Refuse(federation.BadForm, "the answer to the artifact: %s", clean(err.Error()))
		}
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	return res, nil
}

// lookAnswer looks at a document with a response in it.
func lookAnswer(document []byte) (outline, error) {
	seen, err := look(document, maxXML)
	switch {
	case err != nil:
		return seen, err
	case seen.assertions > 1:
		return seen, fmt.Errorf("%w: %d assertions", errShape, seen.assertions)
	case seen.assertions == 0 && len(seen.status) > 0 && seen.status[0] == crewjam.StatusSuccess:
		return seen, fmt.Errorf("%w: no assertion", errShape)
	}
	return seen, nil
}
