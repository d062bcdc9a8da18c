package idptest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"html/template"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/internal/upstream/ownkey"
	"github.com/minddistrict/idp/keys"
)

// bySAML is an identity provider of SAML 2.0, on the identity provider of crewjam/saml: that one reads and verifies our
// requests and metadata, writes, signs and encrypts answers, and takes our part in its logouts.
type bySAML struct {
	*Organisation
	encrypts bool // for whoever publishes a key for that
	made     time.Time
	lapsed   bool // the certificate that it publishes has expired
	read     func(address string) ([]byte, error)
	trips    map[string]*saml.IdpAuthnRequest     // requests whose person is at the desk, by identifier
	parts    map[string][]saml.SessionParticipant // who was told of a session, by its identifier
}

// Addresses of an organisation that speaks SAML.
const (
	samlMetadata = "/metadata"
	samlSignIn   = "/sso"
	samlDesk     = "/desk"
	samlLogout   = "/slo"
	samlLeave    = "/leave" // where a person signs out
)

// RSA keys take long to make: all organisations of all tests have these.
var samlKeys = [2]func() crypto.Signer{sync.OnceValue(newRSA), sync.OnceValue(newRSA)}

func newRSA() crypto.Signer {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err) // the system has no randomness
	}
	return key
}

// SAMLOptions are what is special of an organisation that speaks SAML.
type SAMLOptions struct {
	Encrypts bool                                 // answers are encrypted for the key that the provider publishes
	Lapsed   bool                                 // its certificate has expired
	Read     func(address string) ([]byte, error) // of the provider's metadata
}

// NewSAMLOrganisation is one that speaks SAML, and knows a provider by the metadata at its entity identifier.
func NewSAMLOrganisation(issuer string, now func() time.Time, opts SAMLOptions) *Organisation {
	o := newOrganisation(Registration{Issuer: issuer}, now, samlKeys[0](), samlKeys[1]())
	o.speaks = bySAML{o, opts.Encrypts, now(), opts.Lapsed, opts.Read, map[string]*saml.IdpAuthnRequest{}, map[string][]saml.SessionParticipant{}}
	return o
}

// EntityID is the name of an organisation that speaks SAML, and the address of its metadata.
func (o *Organisation) EntityID() string { return o.Issuer + samlMetadata }

func (o bySAML) key(who string) string { return "!sub-" + who }

// ownKeys are ours at every organisation of a test.
var ownKeys = sync.OnceValues(func() ([]byte, error) {
	key, err := ownkey.New("https://login.linde.test", NewClock().Now())
	if err != nil {
		return nil, err
	}
	return json.Marshal(federation.OwnKeys{Keys: []federation.OwnKey{key}})
})

func (o bySAML) connect(c *federation.Connection, sealer *keys.Sealer, signs, _ bool) error {
	own, err := ownKeys()
	if err != nil {
		return err
	}
	c.Kind, c.Key = federation.SAML, federation.KeyRule{By: federation.ByNameID}
	c.SAML = federation.SAMLSettings{EntityID: o.EntityID(), MetadataURL: o.EntityID(), SignRequests: signs}
	c.Keys = sealer.Seal(own, c.Binding("keys"))
	return nil
}

// signedOut is what a person reads who signed out there, and was told to be signed out here too.
const signedOut = "Signed out everywhere"

// provider is the identity provider, as of now.
func (o bySAML) provider() *saml.IdentityProvider {
	at := func(path string) url.URL {
		u, err := url.Parse(o.Issuer + path)
		if err != nil {
			panic(err) // a test named it
		}
		return *u
	}
	key := o.signer()
	p := &saml.IdentityProvider{
		Signer: key, Certificate: o.certificate(key), SignatureMethod: dsig.RSASHA256SignatureMethod,
		MetadataURL: at(samlMetadata), SSOURL: at(samlSignIn), LogoutURL: at(samlLogout),
		ServiceProviderProvider: o, SessionProvider: o, Clock: dsig.NewFakeClockAt(o.now()), Logger: log.New(io.Discard, "", 0),
		LogoutCompleteTemplate: template.Must(template.New("").Parse(`<p>{{if .Failed}}Still signed in at {{.Failed}}{{else}}` + signedOut + `{{end}}</p>`)),
	}
	if o.Rolled {
		p.ExtraCertificates = []*x509.Certificate{o.certificate(o.own)}
	}
	return p
}

// certificate is that of a key.
func (o bySAML) certificate(key crypto.Signer) *x509.Certificate {
	ends := o.made.AddDate(2, 0, 0)
	if o.lapsed {
		ends = o.made.AddDate(0, 0, -1)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "sso"}, NotBefore: o.made.AddDate(-3, 0, 0), NotAfter: ends,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err) // the key is one of ours
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return c
}

// GetServiceProvider reads the metadata of whoever asks, where it is.
func (o bySAML) GetServiceProvider(_ *http.Request, entity string) (*saml.EntityDescriptor, error) {
	text, err := o.read(entity)
	if err != nil {
		return nil, err
	}
	d := &saml.EntityDescriptor{}
	if err := xml.Unmarshal(text, d); err != nil || o.encrypts {
		return d, err
	}
	for i := range d.SPSSODescriptors {
		role := &d.SPSSODescriptors[i]
		role.KeyDescriptors = slices.DeleteFunc(role.KeyDescriptors, func(k saml.KeyDescriptor) bool { return k.Use == "encryption" })
	}
	return d, nil
}

// GetSession is not called: the desk is asked.
func (o bySAML) GetSession(http.ResponseWriter, *http.Request, *saml.IdpAuthnRequest) *saml.Session {
	return nil
}

// AddSessionParticipant remembers whom a session was told.
func (o bySAML) AddSessionParticipant(_ *http.Request, s *saml.Session, p saml.SessionParticipant) error {
	o.parts[s.ID] = append(o.parts[s.ID], p)
	return nil
}

// SessionParticipants are who was told of sessions.
func (o bySAML) SessionParticipants(_ *http.Request, match func(*saml.Session) bool) (all []saml.SessionParticipant, err error) {
	for id, of := range o.parts {
		if match(&saml.Session{ID: id}) {
			all = append(all, of...)
		}
	}
	return all, nil
}

func (o bySAML) people(w http.ResponseWriter, r *http.Request) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch r.URL.Path {
	case samlSignIn:
		o.request(w, r)
	case samlDesk:
		o.atDesk(w, r, o.trips[r.URL.Query().Get("of")])
	case samlLeave:
		in, _ := o.leave(cookieOf(r))
		o.provider().StartLogout(w, r, &saml.Session{ID: in.sid}, "")
	case samlLogout:
		o.provider().ServeSLO(w, r)
	default:
		return false
	}
	return true
}

func (o bySAML) servers(w http.ResponseWriter, r *http.Request) bool {
	if r.URL.Path != samlMetadata {
		return false
	}
	p := o.provider()
	if o.Forged {
		p.Certificate = o.certificate(o.own)
	}
	text, err := xml.Marshal(p.Metadata())
	if err != nil {
		panic(err) // it was made here
	}
	if o.Swollen {
		text = append(text, strings.Repeat(" ", swollen)...)
	}
	w.Header().Set("Content-Type", "application/samlmetadata+xml")
	_, _ = w.Write(text) // to memory
	return true
}

// request takes an authentication request.
func (o bySAML) request(w http.ResponseWriter, r *http.Request) {
	req, err := saml.NewIdpAuthnRequest(o.provider(), r)
	if err == nil {
		err = req.Validate()
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	o.trips[req.Request.ID] = req
	o.Asked = url.Values{}
	if f := req.Request.ForceAuthn; f != nil && *f {
		o.Asked.Set("ForceAuthn", "true")
	}
	if c := req.Request.RequestedAuthnContext; c != nil {
		o.Asked.Set("RequestedAuthnContext", strings.Join(c.AuthnContextClassRefs, " "))
	}
	o.atDesk(w, r, req)
}

// atDesk answers a request, or shows the page.
func (o bySAML) atDesk(w http.ResponseWriter, r *http.Request, req *saml.IdpAuthnRequest) {
	if req == nil {
		http.Error(w, "nobody asked for that", http.StatusBadRequest)
		return
	}
	again := req.Request.ForceAuthn != nil && *req.Request.ForceAuthn
	in, do := o.desk(w, r, samlDesk+"?of="+url.QueryEscape(req.Request.ID), again)
	if do == shownPage {
		return
	}
	req.IDP, req.Now = o.provider(), o.clock()
	req.IDP.Clock = dsig.NewFakeClockAt(o.clock())
	var err error
	if do == signedIn {
		req.Assertion, req.AssertionEl, req.ResponseEl = o.assertion(req, in), nil, nil
		err = o.AddSessionParticipant(r, &saml.Session{ID: in.sid}, saml.SessionParticipant{
			ServiceProviderID: req.ServiceProviderMetadata.EntityID, NameID: *req.Assertion.Subject.NameID, SessionIndex: in.sid,
		})
	} else {
		status := samlStatus(do)
		err = req.MakeErrorResponse(status[0], status[1], r.PostFormValue("why"))
	}
	var form saml.IdpAuthnRequestForm
	if err == nil {
		form, err = req.PostBinding()
	}
	if err == nil && o.encrypts && req.Assertion != nil && req.AssertionEl.Tag != "EncryptedAssertion" {
		err = errors.New("the provider publishes no key to encrypt for")
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	carried(w, form.URL, url.Values{"SAMLResponse": {form.SAMLResponse}, "RelayState": {form.RelayState}})
}

// samlStatus are the codes that say what an error of OAuth 2.0 does (saml-core-2.0-os section 3.2.2.2).
func samlStatus(code string) [2]string {
	switch code {
	case "access_denied":
		return [2]string{saml.StatusResponder, saml.StatusAuthnFailed}
	case "invalid_scope":
		return [2]string{saml.StatusRequester, saml.StatusInvalidNameIDPolicy}
	}
	return [2]string{saml.StatusResponder, ""}
}

// persistentFormat is that of a NameID that stays.
const persistentFormat = string(saml.PersistentNameIDFormat)

// claimNames are attributes as Microsoft's products call them.
var claimNames = map[string]string{
	"email": "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress", "given_name": "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname",
	"family_name": "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname", "groups": "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups",
	"amr": "http://schemas.microsoft.com/claims/authnmethodsreferences",
}

// assertion is what it says of somebody. Of the claims auth_time, context and format are no attributes.
func (o bySAML) assertion(req *saml.IdpAuthnRequest, in presence) *saml.Assertion {
	claims := map[string]any{
		"auth_time": in.at.Unix(), "context": "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
		"format": persistentFormat, "email": in.who + "@lindehof.test", "given_name": "Jan", "family_name": "de Boer",
	}
	for name, value := range o.People[in.who] {
		claims[name] = value
	}
	var attributes []saml.Attribute
	for name, value := range claims {
		if slices.Contains([]string{"auth_time", "context", "format"}, name) || value == nil {
			continue
		}
		texts, ok := value.([]string)
		if !ok {
			texts = []string{fmt.Sprint(value)}
		}
		a := saml.Attribute{Name: name, NameFormat: "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"}
		if long := claimNames[name]; long != "" {
			a.Name = long
		}
		for _, text := range texts {
			a.Values = append(a.Values, saml.AttributeValue{Type: "xs:string", Value: text})
		}
		attributes = append(attributes, a)
	}
	now, signed := o.clock(), time.Unix(claims["auth_time"].(int64), 0)
	ends := now.Add(5 * time.Minute)
	return &saml.Assertion{
		ID: "_" + secret.ID(), IssueInstant: now, Version: "2.0", Issuer: saml.Issuer{Value: o.EntityID()},
		Subject: &saml.Subject{
			NameID: &saml.NameID{Format: fmt.Sprint(claims["format"]), Value: "sub-" + in.who},
			SubjectConfirmations: []saml.SubjectConfirmation{{
				Method: "urn:oasis:names:tc:SAML:2.0:cm:bearer", SubjectConfirmationData: &saml.SubjectConfirmationData{
					InResponseTo: req.Request.ID, NotOnOrAfter: ends, Recipient: req.ACSEndpoint.Location,
				},
			}},
		},
		Conditions: &saml.Conditions{NotBefore: now, NotOnOrAfter: ends, AudienceRestrictions: []saml.AudienceRestriction{
			{Audience: saml.Audience{Value: req.ServiceProviderMetadata.EntityID}},
		}},
		AuthnStatements: []saml.AuthnStatement{{AuthnInstant: signed, SessionIndex: in.sid, AuthnContext: saml.AuthnContext{
			AuthnContextClassRef: &saml.AuthnContextClassRef{Value: fmt.Sprint(claims["context"])},
		}}},
		AttributeStatements: []saml.AttributeStatement{{Attributes: attributes}},
	}
}
