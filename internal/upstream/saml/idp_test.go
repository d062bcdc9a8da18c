package saml

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beevik/etree"
	crewjam "github.com/crewjam/saml"
	"github.com/crewjam/saml/xmlenc"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/platform"
)

// Names of the test.
const (
	theirs   = "https://idp.lindehof.example/saml"
	back     = "https://care.example/federation/lindehof/acs"
	ours     = "https://care.example/federation/lindehof/metadata"
	somebody = "a1b2c3d4-0000-4000-8000-000000000001"
)

var now = time.Date(2026, 11, 30, 9, 30, 0, 0, time.UTC)

// Keys take long to make: three are the same in every run, so that what a fuzzer finds can be found again; each of the
// others is made once.
var (
	theirKey    = sync.OnceValue(func() pair { return pairOf(fixedKeys()[0]) })
	foreignKey  = sync.OnceValue(func() pair { return newPair(2048, now.AddDate(2, 0, 0)) })
	expiredKey  = sync.OnceValue(func() pair { return newPair(2048, now.AddDate(0, 0, -1)) })
	weakKey     = sync.OnceValue(func() pair { return newPair(1024, now.AddDate(2, 0, 0)) })
	firstOwnKey = sync.OnceValue(func() federation.OwnKey { return fixedKeys()[1] })
	nextOwnKey  = sync.OnceValue(func() federation.OwnKey { return fixedKeys()[2] })
)

type pair struct {
	key         crypto.Signer
	certificate *x509.Certificate
}

// fixedKeys are of this test only: of the identity provider, and two of ours.
var fixedKeys = sync.OnceValue(func() []federation.OwnKey {
	text, err := os.ReadFile("testdata/keys.json")
	if err != nil {
		panic(err)
	}
	var all federation.OwnKeys
	if err := json.Unmarshal(text, &all); err != nil {
		panic(err)
	}
	return all.Keys
})

func pairOf(k federation.OwnKey) pair {
	key, err := x509.ParsePKCS8PrivateKey(k.Private)
	if err != nil {
		panic(err)
	}
	c, err := x509.ParseCertificate(k.Certificate)
	if err != nil {
		panic(err)
	}
	return pair{key.(crypto.Signer), c}
}

func newPair(bits int, ends time.Time) pair {
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		panic(err)
	}
	return pair{key, certificateOf(&key.PublicKey, key, ends)}
}

func newECPair() pair {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return pair{key, certificateOf(&key.PublicKey, key, now.AddDate(1, 0, 0))}
}

func certificateOf(public, private any, ends time.Time) *x509.Certificate {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(ends.Unix()), Subject: pkix.Name{CommonName: "idp"}, NotBefore: now.AddDate(-3, 0, 0), NotAfter: ends,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		panic(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return c
}

// said is a response as the identity provider of the test gives it, with what a test changes.
type said struct {
	id, answer                        string // identifiers of assertion and response
	issuer, audience, recipient       string
	destination, confirms, inResponse string // Destination, and InResponseTo of assertion and response
	subject                           string // XML of NameID
	issued, before, ends, authn       time.Time
	condition, statements             string // more of it, XML
	inserted                          string // after it was signed, before it is encrypted
	method                            string // of signatures
	by                                pair
	signsAssertion, signsResponse     bool
	encrypts                          *x509.Certificate
	cipher                            xmlenc.BlockCipher
}

func good(t federation.UpstreamRequest) said {
	return said{
		id: "_assertion1", answer: "_response1", issuer: theirs, audience: ours, recipient: back, destination: back,
		confirms: t.ID, inResponse: t.ID, issued: now, before: now.Add(-5 * time.Second), ends: now.Add(5 * time.Minute), authn: now.Add(-time.Minute),
		subject: `<saml:NameID Format="` + persistentNameID + `">` + somebody + `</saml:NameID>`,
		statements: `<saml:AttributeStatement>` +
			`<saml:Attribute Name="mail" FriendlyName="upn"><saml:AttributeValue>j.jansen@lindehof.example</saml:AttributeValue></saml:Attribute>` +
			`<saml:Attribute Name="groups"><saml:AttributeValue>behandelaar</saml:AttributeValue><saml:AttributeValue>planner</saml:AttributeValue></saml:Attribute>` +
			`<saml:Attribute Name="groups"><saml:AttributeValue>kantoor</saml:AttributeValue></saml:Attribute>` +
			`</saml:AttributeStatement>`,
		method: dsig.RSASHA256SignatureMethod, by: theirKey(), signsAssertion: true, cipher: xmlenc.AES256GCM,
	}
}

func at(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// plainAssertion is the assertion before it is signed.
func (s said) plainAssertion() string {
	return `<saml:Assertion xmlns:saml="` + nsAssertion + `" ID="` + s.id + `" Version="2.0" IssueInstant="` + at(s.issued) + `">` +
		`<saml:Issuer>` + s.issuer + `</saml:Issuer><saml:Subject>` + s.subject +
		`<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData InResponseTo="` + s.confirms +
		`" Recipient="` + s.recipient + `" NotOnOrAfter="` + at(s.ends) + `"></saml:SubjectConfirmationData></saml:SubjectConfirmation></saml:Subject>` +
		`<saml:Conditions NotBefore="` + at(s.before) + `" NotOnOrAfter="` + at(s.ends) + `">` +
		`<saml:AudienceRestriction><saml:Audience>` + s.audience + `</saml:Audience></saml:AudienceRestriction>` + s.condition + `</saml:Conditions>` +
		`<saml:AuthnStatement AuthnInstant="` + at(s.authn) + `" SessionIndex="_session1"><saml:AuthnContext>` +
		`<saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml:AuthnContextClassRef>` +
		`</saml:AuthnContext></saml:AuthnStatement>` + s.statements + `</saml:Assertion>`
}

func (s said) assertion() string {
	text := s.plainAssertion()
	if s.signsAssertion {
		text = sign(text, s.by, s.method)
	}
	if s.encrypts == nil {
		return text
	}
	text = strings.Replace(text, "<saml:Subject>", "<saml:Subject>"+s.inserted, 1)
	e := xmlenc.OAEP()
	e.BlockCipher, e.DigestMethod = s.cipher, &xmlenc.SHA1
	data, err := e.Encrypt(s.encrypts, []byte(text), nil)
	if err != nil {
		panic(err)
	}
	data.CreateAttr("Type", "http://www.w3.org/2001/04/xmlenc#Element")
	return `<saml:EncryptedAssertion xmlns:saml="` + nsAssertion + `">` + written(data) + `</saml:EncryptedAssertion>`
}

const success = `<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"></samlp:StatusCode></samlp:Status>`

func (s said) response() string { return s.with(success, s.assertion()) }

func (s said) with(status, content string) string {
	text := `<samlp:Response xmlns:samlp="` + nsProtocol + `" ID="` + s.answer + `" Version="2.0" IssueInstant="` + at(s.issued) +
		`" Destination="` + s.destination + `" InResponseTo="` + s.inResponse + `">` +
		`<saml:Issuer xmlns:saml="` + nsAssertion + `">` + s.issuer + `</saml:Issuer>` + status + content + `</samlp:Response>`
	if s.signsResponse {
		text = sign(text, s.by, s.method)
	}
	return text
}

// sign signs the root element of a document; the signature stands after the Issuer.
func sign(document string, by pair, method string) string {
	root := parsed(document)
	ctx, err := dsig.NewSigningContext(by.key, [][]byte{by.certificate.Raw})
	if err != nil {
		panic(err)
	}
	ctx.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	if err := ctx.SetSignatureMethod(method); err != nil {
		panic(err)
	}
	signed, err := ctx.SignEnveloped(root)
	if err != nil {
		panic(err)
	}
	sig := signed.Child[len(signed.Child)-1].(*etree.Element)
	signed.Child = signed.Child[:len(signed.Child)-1]
	first := 0
	if children := signed.ChildElements(); len(children) > 0 && children[0].Tag == "Issuer" {
		first = 1
	}
	signed.InsertChildAt(first, sig)
	return written(signed)
}

func parsed(document string) *etree.Element {
	d := etree.NewDocument()
	if err := d.ReadFromString(document); err != nil {
		panic(err)
	}
	return d.Root()
}

func written(e *etree.Element) string {
	d := etree.NewDocument()
	d.WriteSettings.CanonicalEndTags = true
	d.SetRoot(e.Copy())
	text, err := d.WriteToString()
	if err != nil {
		panic(err)
	}
	return text
}

// theirMetadata is the metadata of the identity provider.
func theirMetadata(keys ...pair) string {
	text := `<md:EntityDescriptor xmlns:md="` + nsMetadata + `" ID="_m1" entityID="` + theirs + `">` +
		`<md:IDPSSODescriptor WantAuthnRequestsSigned="false" protocolSupportEnumeration="` + nsProtocol + `">`
	for _, k := range keys {
		text += `<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="` + nsSignature + `"><ds:X509Data><ds:X509Certificate>` +
			base64.StdEncoding.EncodeToString(k.certificate.Raw) + `</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>`
	}
	return text + `<md:ArtifactResolutionService Binding="` + crewjam.SOAPBinding + `" Location="` + theirs + `/artifacts" index="0"></md:ArtifactResolutionService>` +
		`<md:SingleLogoutService Binding="` + crewjam.HTTPRedirectBinding + `" Location="` + theirs + `/slo" ResponseLocation="` + theirs + `/slo/done"></md:SingleLogoutService>` +
		`<md:SingleSignOnService Binding="` + crewjam.HTTPRedirectBinding + `" Location="` + theirs + `/sso?tenant=1"></md:SingleSignOnService>` +
		`<md:SingleSignOnService Binding="` + crewjam.HTTPPostBinding + `" Location="` + theirs + `/post"></md:SingleSignOnService>` +
		`</md:IDPSSODescriptor></md:EntityDescriptor>`
}

// shared is a storage that several nodes have.
type shared struct {
	now       func() time.Time
	mu        sync.Mutex
	used      map[string]bool
	documents map[federation.ID]federation.Document
	broken    error
	reads     string // the address that the settings have; empty: whatever is kept belongs to it
}

// moved is that the settings have another address, as the storage takes it.
func (s *shared) moved(c federation.ID, address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.documents[c]
	d.ReadAt, d.LastError, s.reads = time.Time{}, "", address
	s.documents[c] = d
}

func (s *shared) Document(_ context.Context, _ platform.ID, c federation.ID) (federation.Document, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, ok := s.documents[c]
	if !ok {
		return d, fault.NotFound
	}
	return d, s.broken
}

func (s *shared) KeepDocument(_ context.Context, _ platform.ID, c federation.ID, d federation.Document) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reads == "" || s.reads == d.Address {
		s.documents[c] = d
	}
	return s.broken
}

func (s *shared) MarkUsed(_ context.Context, p platform.ID, hash []byte, ends time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := string(p) + string(hash)
	switch {
	case s.broken != nil:
		return s.broken
	case s.used[key]:
		return fault.Spent
	case !ends.After(s.now()):
		return fmt.Errorf("kept until %s", ends)
	}
	s.used[key] = true
	return nil
}

// place is a test's: one node, one connection, one request.
type place struct {
	*Upstream
	c       *federation.Connection
	request federation.UpstreamRequest
	store   *shared
	log     *strings.Builder
	now     time.Time
	news    []News
}

func newPlace(t *testing.T) *place {
	t.Helper()
	own, err := json.Marshal(federation.OwnKeys{Keys: []federation.OwnKey{firstOwnKey(), nextOwnKey()}})
	if err != nil {
		t.Fatal(err)
	}
	p := &place{store: &shared{used: map[string]bool{}, documents: map[federation.ID]federation.Document{}}, log: &strings.Builder{}, now: now}
	p.c = &federation.Connection{
		Platform: "care", ID: "lindehof", Kind: federation.SAML, Keys: own,
		SAML: federation.SAMLSettings{EntityID: theirs, Metadata: theirMetadata(theirKey())},
	}
	p.store.now = func() time.Time { return p.now }
	p.request = newTrip("lindehof")
	p.Upstream = p.node(http.DefaultClient)
	return p
}

func newTrip(c federation.ID) federation.UpstreamRequest {
	mac := func(purpose, data string) []byte { return secret.Hash(purpose + data) }
	return federation.NewUpstreamRequest(mac, "care", c, secret.ID(), false, false, now.Add(-time.Minute))
}

// node is another one with the same storage.
func (p *place) node(client *http.Client) *Upstream {
	return New(Options{
		Store: p.store, Client: client, Now: func() time.Time { return p.now }, Log: slog.New(slog.NewTextHandler(p.log, nil)),
		Tell: func(_ context.Context, _ *federation.Connection, n News) { p.news = append(p.news, n) },
		Open: func(sealed []byte, binding string) ([]byte, error) {
			if binding != "connection/care/lindehof/keys" {
				return nil, fmt.Errorf("binding %s", binding)
			}
			return sealed, nil
		},
	})
}

// post brings a response as a browser does.
func post(state, response string) *http.Request {
	form := url.Values{"SAMLResponse": {base64.StdEncoding.EncodeToString([]byte(response))}, "RelayState": {state}}
	return posts(back, form)
}

func posts(to string, form url.Values) *http.Request {
	r := httptest.NewRequest(http.MethodPost, to, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func (p *place) answer(t *testing.T, response string) (federation.Answer, error) {
	t.Helper()
	return p.Answer(t.Context(), p.c, p.request, back, post(p.request.State, response))
}

// refused wants a response to be refused for one of some reasons, and nobody to panic.
func (p *place) refused(t *testing.T, response string, want ...federation.Reason) {
	t.Helper()
	a, err := p.answer(t, response)
	if err == nil {
		t.Errorf("taken: %+v", a)
		return
	}
	for _, r := range want {
		if federation.ReasonOf(err) == r {
			return
		}
	}
	t.Errorf("got %v, want %v", err, want)
}

func certificateOfOwn(t *testing.T, k federation.OwnKey) *x509.Certificate {
	t.Helper()
	c, err := x509.ParseCertificate(k.Certificate)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
