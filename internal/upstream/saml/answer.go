package saml

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	crewjam "github.com/crewjam/saml"

	"github.com/minddistrict/idp/federation"
)

// message is what came by a browser: a response, or an artifact that stands for one.
type message struct {
	response []byte
	artifact string
	seen     outline // of response
}

// Answer is what the upstream said in answer to a request. It is taken once, by all nodes together. A Refusal: it says
// nothing that counts. Any other error is ours.
func (u *Upstream) Answer(
	ctx context.Context, c *federation.Connection, t federation.UpstreamRequest, back string, r *http.Request,
) (federation.Answer, error) {
	m, err := u.received(c, t, r)
	if err != nil {
		return federation.Answer{}, err
	}
	e, err := u.entity(ctx, c)
	if err != nil {
		return federation.Answer{}, err
	}
	a, x, err := u.take(ctx, c, t, back, e, m)
	if err != nil && x != nil && x.verifier.foreign && m.artifact == "" {
		// It may have begun to sign with a new key. An artifact works once: the next sign-in will do.
		if newer := u.newer(ctx, c, e); newer != nil {
			e = newer
		}
		a, x, err = u.take(ctx, c, t, back, e, m) // what is said of it is of what is known by now
	} else if err != nil && x != nil && x.verifier.foreign {
		u.newer(ctx, c, e)
	}
	if err == nil {
		u.warn(ctx, c, e.certificateLike(x.verifier.used))
	}
	return a, err
}

// warn says that an answer is signed with a certificate that expired.
func (u *Upstream) warn(ctx context.Context, c *federation.Connection, k *x509.Certificate) {
	if k != nil && u.o.Now().After(k.NotAfter) {
		u.o.Log.WarnContext(ctx, "an upstream signs with an expired certificate", slog.String("platform", string(c.Platform)),
			slog.String("connection", string(c.ID)), slog.String("certificate", fingerprint(k)))
	}
}

// received reads what a browser brought. It came in answer to the request, whose state is its RelayState.
func (u *Upstream) received(c *federation.Connection, t federation.UpstreamRequest, r *http.Request) (message, error) {
	if r.PostForm == nil {
		if r.Body != nil {
			r.Body = http.MaxBytesReader(nil, r.Body, maxForm)
		}
		if len(r.URL.RawQuery) > maxQuery {
			return message{}, federation.Refuse(federation.BadForm, "a query of %d bytes", len(r.URL.RawQuery))
		}
		if err := r.ParseForm(); err != nil {
			return message{}, federation.Refuse(federation.BadForm, "%s", clean(err.Error()))
		}
	}
	form := r.PostForm
	if r.Method != http.MethodPost {
		if form = r.URL.Query(); !form.Has("SAMLart") {
			return message{}, federation.Refuse(federation.BadForm, "a response by %s, wanted is POST", r.Method)
		}
	}
	for _, name := range []string{"SAMLResponse", "SAMLart", "RelayState"} {
		if len(form[name]) > 1 {
			return message{}, federation.Refuse(federation.BadForm, "%s twice", name)
		}
	}
	switch {
	case form.Get("RelayState") != t.State:
		return message{}, federation.Refuse(federation.Unsolicited, "RelayState is of another sign-in")
	case form.Has("SAMLart") && form.Has("SAMLResponse"):
		return message{}, federation.Refuse(federation.BadForm, "a response and an artifact")
	case form.Has("SAMLart") && !c.SAML.Artifact:
		return message{}, federation.Refuse(federation.BadForm, "an artifact, the connection has none")
	case form.Has("SAMLart"):
		return message{artifact: form.Get("SAMLart")}, nil
	case len(form.Get("SAMLResponse")) > maxForm:
		return message{}, federation.Refuse(federation.BadForm, "a response longer than %d bytes", maxForm)
	}
	response, err := base64.StdEncoding.DecodeString(form.Get("SAMLResponse"))
	if err != nil {
		return message{}, federation.Refuse(federation.BadForm, "SAMLResponse is not base64")
	}
	m := message{response: response}
	if !u.off.shape {
		if m.seen, err = lookAnswer(response); err != nil {
			return message{}, federation.Refuse(federation.BadForm, "%s", clean(err.Error()))
		}
	}
	return m, nil
}

// take has the library verify what came, and checks what the library leaves open.
func (u *Upstream) take(
	ctx context.Context, c *federation.Connection, t federation.UpstreamRequest, back string, e *entity, m message,
) (federation.Answer, *exchange, error) {
	x, err := u.exchange(ctx, c, back, e)
	if err != nil {
		return federation.Answer{}, nil, err
	}
	var said *crewjam.Assertion
	if m.artifact != "" {
		r := (&http.Request{Form: map[string][]string{"SAMLart": {m.artifact}}}).WithContext(ctx)
		said, err = x.sp.ParseResponse(r, []string{t.ID})
		m.seen = x.resolver.seen
	} else {
		said, err = x.sp.ParseXMLResponse(m.response, []string{t.ID}, x.sp.AcsURL)
	}
	switch {
	case x.used.err != nil:
		return federation.Answer{}, x, x.used.err
	case err != nil:
		// With AES-CBC outside a signature nothing may tell whether something could be opened (saml-core errata E93).
		hidden := c.SAML.CBC && m.seen.encrypted && x.verifier.used == nil
		return federation.Answer{}, x, e.explained(refusal(err, m.seen, x.verifier), x.verifier, hidden)
	}
	if !u.off.times {
		if err := inTime(said, t, back, u.o.Now()); err != nil {
			return federation.Answer{}, x, err
		}
	}
	if err := byProvider(c.SAML.Scoping, said); err != nil {
		return federation.Answer{}, x, err
	}
	a, err := answer(said)
	return a, x, err
}

// inTime checks times with our own tolerance, which is less than the library's.
func inTime(said *crewjam.Assertion, t federation.UpstreamRequest, back string, now time.Time) error {
	early := func(at time.Time) bool { return at.After(now.Add(federation.MaxSkew)) }
	late := func(at time.Time) bool { return !at.IsZero() && !now.Before(at.Add(federation.MaxSkew)) }
	refuse := func(what string, at time.Time) error {
		said, here := at.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339)
		return federation.Refuse(federation.BadTime, "%s is %s, here it is %s", what, said, here)
	}
	switch c := said.Conditions; {
	case early(said.IssueInstant):
		return refuse("IssueInstant", said.IssueInstant)
	case early(c.NotBefore):
		return refuse("NotBefore", c.NotBefore)
	case late(c.NotOnOrAfter):
		return refuse("NotOnOrAfter", c.NotOnOrAfter)
	}
	for _, s := range said.AuthnStatements {
		if early(s.AuthnInstant) {
			return refuse("AuthnInstant", s.AuthnInstant)
		}
		if s.SessionNotOnOrAfter != nil && late(*s.SessionNotOnOrAfter) {
			return refuse("SessionNotOnOrAfter", *s.SessionNotOnOrAfter)
		}
	}
	// A bearer confirmation that answers us now, saml-profiles-2.0-os section 4.1.4.2.
	confirms := func(s crewjam.SubjectConfirmation) bool {
		d := s.SubjectConfirmationData
		return s.Method == bearer && d != nil && d.Recipient == back && d.InResponseTo == t.ID &&
			!d.NotOnOrAfter.IsZero() && !late(d.NotOnOrAfter) && !early(d.NotBefore)
	}
	if !slices.ContainsFunc(said.Subject.SubjectConfirmations, confirms) {
		return federation.Refuse(federation.BadTime, "no SubjectConfirmation is valid at %s", now.UTC().Format(time.RFC3339))
	}
	return nil
}

// byProvider refuses the answer of a hub that does not say that one of the wanted providers signed the person in: what
// a request asked passes through the browser, so it binds nobody (saml-core-2.0-os section 2.7.2.2).
func byProvider(wanted []string, said *crewjam.Assertion) error {
	if len(wanted) == 0 {
		return nil
	}
	for _, s := range said.AuthnStatements {
		for _, authority := range s.AuthnContext.AuthenticatingAuthorities {
			if slices.Contains(wanted, strings.TrimSpace(authority.Value)) {
				return nil
			}
		}
	}
	return federation.Refuse(federation.BadAudience, "no AuthenticatingAuthority is one of %q", wanted)
}

// Names of the specification.
const (
	persistentNameID = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
	bearer           = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
)

// answer is what an assertion says. Attributes are known by Name only: a FriendlyName is for people and must not
// identify one (saml-core-2.0-os section 2.7.3.1), because it may be the Name of another.
func answer(said *crewjam.Assertion) (federation.Answer, error) {
	id := said.Subject.NameID
	switch {
	case id == nil || id.Value == "":
		return federation.Answer{}, federation.Refuse(federation.BadForm, "no NameID")
	case len(said.AuthnStatements) != 1:
		n := len(said.AuthnStatements)
		return federation.Answer{}, federation.Refuse(federation.BadForm, "%d AuthnStatements, wanted is 1", n)
	}
	s := said.AuthnStatements[0]
	a := federation.Answer{
		Issuer: said.Issuer.Value, Subject: id.Value, Format: id.Format, Qualifier: id.NameQualifier,
		AuthTime: s.AuthnInstant.UTC(), Session: s.SessionIndex, Claims: map[string]any{},
	}
	if a.Format == persistentNameID && a.Qualifier == a.Issuer {
		a.Qualifier = "" // it says what its absence says (saml-core-2.0-os section 8.3.7), and an upstream may do either
	}
	if s.AuthnContext.AuthnContextClassRef != nil {
		a.Context = []string{strings.TrimSpace(s.AuthnContext.AuthnContextClassRef.Value)}
	}
	for _, statement := range said.AttributeStatements {
		for _, attribute := range statement.Attributes {
			if attribute.Name == "" {
				continue
			}
			all, there := a.Claims[attribute.Name].([]string) // Keycloak sends one attribute for each role
			if !there {
				all = []string{} // one without values is there: somebody in no group
			}
			a.Claims[attribute.Name] = append(all, values(attribute)...)
		}
	}
	return a, nil
}

// values are those of an attribute, as texts.
func values(a crewjam.Attribute) []string {
	all := []string{}
	for _, v := range a.Values {
		text := strings.TrimSpace(v.Value)
		if v.NameID != nil { // eduPersonTargetedID
			text = v.NameID.Value
		}
		if !v.Nil {
			all = append(all, text)
		}
	}
	return all
}

// refusal is why the library took nothing.
func refusal(err error, seen outline, v *verifier) error {
	var known *federation.Refusal
	var status crewjam.ErrBadStatus
	detail := func() string { // the library tells browsers nothing, and the reason only to who unwraps it
		var invalid *crewjam.InvalidResponseError
		if errors.As(err, &invalid) && invalid.PrivateErr != nil {
			return clean(invalid.PrivateErr.Error())
		}
		return clean(err.Error())
	}
	is := func(all ...error) bool {
		return slices.ContainsFunc(all, func(one error) bool { return errors.Is(err, one) })
	}
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &status):
		return badStatus(seen, status.Status)
	case is(crewjam.ErrAssertionReplayed):
		return federation.Refuse(federation.Replayed, "%s", detail())
	case is(crewjam.ErrDecryptionFailed):
		// One answer for all: whether something was opened is what attacks on CBC want to know (saml-core errata E93).
		return federation.Refuse(federation.BadSignature, "not signed by a key that is known, or not encrypted for ours")
	case strings.Contains(detail(), "RequireSignedResponseForCBC"): // the library names its own setting
		_, cipher, _ := strings.Cut(detail(), "encrypted with ")
		return federation.Refuse(federation.BadSignature, "encrypted with AES-CBC (%s) and not signed as a whole: choose AES-GCM there, "+
			"such as AES-256-GCM, or let it sign the response as well as the assertion", cipher)
	case is(crewjam.ErrInvalidSignature, crewjam.ErrUntrustedCertificate):
		return federation.Refuse(federation.BadSignature, "%s", detail())
	case is(crewjam.ErrRequestIDMismatch):
		return federation.Refuse(federation.Unsolicited, "%s", detail())
	case is(crewjam.ErrAudienceMismatch, crewjam.ErrDestinationMismatch, crewjam.ErrIssuerMismatch):
		return federation.Refuse(federation.BadAudience, "%s", detail())
	case is(crewjam.ErrExpired, crewjam.ErrNotYetValid):
		return federation.Refuse(federation.BadTime, "%s", detail())
	case is(crewjam.ErrMalformedMessage, crewjam.ErrMissingElement, crewjam.ErrUnsupported):
		return federation.Refuse(federation.BadForm, "%s", detail())
	case is(crewjam.ErrArtifactResolution):
		return federation.Refuse(federation.Unreachable, "%s", detail())
	case v.used == nil:
		return federation.Refuse(federation.BadSignature, "%s", detail())
	}
	return federation.Refuse(federation.BadForm, "%s", detail())
}

// reasons are what the codes of a status mean (saml-core-2.0-os section 3.2.2.2).
var reasons = map[string]federation.Reason{
	crewjam.StatusAuthnFailed: federation.Denied, crewjam.StatusRequestDenied: federation.Denied,
	crewjam.StatusUnknownPrincipal: federation.Denied, crewjam.StatusNoAuthnContext: federation.Denied,
	crewjam.StatusNoPassive: federation.Interaction,
	crewjam.StatusRequester: federation.Misconfigured, crewjam.StatusVersionMismatch: federation.Misconfigured,
	crewjam.StatusInvalidNameIDPolicy: federation.Misconfigured, crewjam.StatusUnsupportedBinding: federation.Misconfigured,
	crewjam.StatusRequestUnsupported: federation.Misconfigured, crewjam.StatusNoSupportedIDP: federation.Misconfigured,
	crewjam.StatusResponder: federation.Unreachable, crewjam.StatusNoAvailableIDP: federation.Unreachable,
}

// badStatus is why the upstream let nobody through. Nobody vouches for a status that is not signed; it is only ever a
// reason to refuse. SAML has no code for a person who stops: products say it in the message.
func badStatus(seen outline, outermost string) error {
	codes := seen.status
	if len(codes) == 0 {
		codes = []string{outermost}
	}
	why := federation.Unreachable
	for _, code := range slices.Backward(codes) {
		if r, ok := reasons[code]; ok {
			why = r
			break
		}
	}
	message := clean(strings.TrimSpace(seen.message))
	if why == federation.Denied && strings.Contains(strings.ToLower(message), "cancel") {
		why = federation.Cancelled
	}
	return federation.Refuse(why, "status %s: %s", clean(strings.Join(codes, " ")), message)
}
