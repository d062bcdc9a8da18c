package saml

import (
	"compress/flate"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"io"
	"net/url"
	"strings"
	"testing"

	"github.com/beevik/etree"
	crewjam "github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/upstream/ownkey"
)

func (p *place) away(t *testing.T) federation.Redirect {
	t.Helper()
	a, err := p.SignInRedirect(t.Context(), p.c, p.request, back)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// request is what is sent, by redirect or by POST.
func sent(t *testing.T, a federation.Redirect) *etree.Element {
	t.Helper()
	encoded := a.Form.Get("SAMLRequest")
	if a.Form == nil {
		u, err := url.Parse(a.URL)
		if err != nil {
			t.Fatal(err)
		}
		encoded = u.Query().Get("SAMLRequest")
	}
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		t.Fatal(err)
	}
	if a.Form == nil {
		if raw, err = io.ReadAll(flate.NewReader(strings.NewReader(string(raw)))); err != nil {
			t.Fatal(err)
		}
	}
	return parsed(string(raw))
}

func TestARequestAsksNoMoreThanItMust(t *testing.T) {
	p := newPlace(t)
	a := p.away(t)
	r := sent(t, a)
	u, err := url.Parse(a.URL)
	if err != nil || u.Query().Get("RelayState") != p.request.State || len(p.request.State) > 80 || u.Query().Get("tenant") != "1" || u.Query().Has("Signature") {
		t.Errorf("to %s", a.URL)
	}
	for name, want := range map[string]string{
		"ID": p.request.ID, "Destination": theirs + "/sso?tenant=1", "AssertionConsumerServiceURL": back, "ProtocolBinding": crewjam.HTTPPostBinding,
		"ForceAuthn": "", "IsPassive": "", "Version": "2.0",
	} {
		if got := r.SelectAttrValue(name, ""); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if part(r, "Issuer").Text() != ours || part(r, "NameIDPolicy").SelectAttr("Format") != nil || part(r, "NameIDPolicy").SelectAttrValue("AllowCreate", "") != "true" {
		t.Errorf("%s", written(r))
	}
	for _, name := range []string{"RequestedAuthnContext", "Scoping", "Subject"} {
		if part(r, name) != nil {
			t.Errorf("asks %s", name)
		}
	}
}

func TestARequestAsksWhatIsSet(t *testing.T) {
	p := newPlace(t)
	p.request.Fresh, p.request.TwoFactors = true, true
	p.c.SAML.NameIDFormat, p.c.SAML.Scoping, p.c.SAML.Decides = persistentNameID, []string{"urn:a", "urn:b"}, []string{"urn:context"}
	p.c.SAML.Artifact = true
	r := sent(t, p.away(t))
	contexts := func() (all []string) {
		for _, c := range r.FindElements("//AuthnContextClassRef") {
			all = append(all, c.Text())
		}
		return all
	}
	if r.SelectAttrValue("ForceAuthn", "") != "true" || r.SelectAttrValue("ProtocolBinding", "") != crewjam.HTTPArtifactBinding ||
		part(r, "NameIDPolicy").SelectAttrValue("Format", "") != persistentNameID || len(r.FindElements("//IDPEntry")) != 2 ||
		strings.Join(contexts(), " ") != "urn:context" || part(r, "RequestedAuthnContext").SelectAttrValue("Comparison", "") != "exact" {
		t.Errorf("%s", written(r))
	}
	// Two factors are asked by the values that would count, and no lesser value beside them would do.
	p.c.Contract.Rows = []federation.ContractRow{
		{Claim: federation.ByContext, Value: "urn:two", ACR: authn.TwoFactor}, {Claim: federation.ByContext, Value: "urn:one", ACR: authn.OneFactor},
	}
	if r = sent(t, p.away(t)); strings.Join(contexts(), " ") != "urn:two" {
		t.Errorf("%v", contexts())
	}
	p.request.TwoFactors = false
	if r = sent(t, p.away(t)); strings.Join(contexts(), " ") != "urn:context" {
		t.Errorf("%v", contexts())
	}
}

func TestRequestsAreSignedWhereOneIsWanted(t *testing.T) {
	key := certificateOfOwn(t, firstOwnKey()).PublicKey.(*rsa.PublicKey)
	for _, set := range []func(p *place){
		func(p *place) { p.c.SAML.SignRequests = true },
		func(p *place) {
			p.c.SAML.Metadata = strings.Replace(p.c.SAML.Metadata, `Signed="false"`, `Signed="true"`, 1)
		},
	} {
		p := newPlace(t)
		set(p)
		_, query, _ := strings.Cut(p.away(t).URL, "?tenant=1&")
		content, signature, _ := strings.Cut(query, "&Signature=")
		signature, _ = url.QueryUnescape(signature)
		raw, _ := base64.StdEncoding.DecodeString(signature)
		sum := sha256.Sum256([]byte(content))
		if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], raw); err != nil {
			t.Errorf("%s: %v", query, err)
		}
		p.c.SAML.PostRequests = true
		a := p.away(t)
		if a.URL != theirs+"/post" || a.Form.Get("RelayState") != p.request.State {
			t.Errorf("%+v", a)
		}
		verify(t, sent(t, a), firstOwnKey())
	}
	p := newPlace(t)
	p.c.SAML.PostRequests = true
	if part(sent(t, p.away(t)), "Signature") != nil {
		t.Error("signed, unasked")
	}
}

func verify(t *testing.T, e *etree.Element, k federation.OwnKey) {
	t.Helper()
	v := verifier{}
	ctx := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: nil})
	store := ctx.CertificateStore.(*dsig.MemoryX509CertificateStore)
	store.Roots = append(store.Roots, certificateOfOwn(t, k))
	ctx.Clock = dsig.NewFakeClockAt(now)
	if _, err := v.VerifySignedElement(ctx, e); err != nil {
		t.Errorf("%s: %v", written(e), err)
	}
}

func TestOurMetadata(t *testing.T) {
	p := newPlace(t)
	body, err := p.Metadata(p.c, back)
	if err != nil {
		t.Fatal(err)
	}
	var m crewjam.EntityDescriptor
	if err := xml.Unmarshal(body, &m); err != nil {
		t.Fatal(err)
	}
	role := m.SPSSODescriptors[0]
	uses := map[string]int{}
	for _, k := range role.KeyDescriptors {
		uses[k.Use]++
	}
	if m.EntityID != ours || !m.ValidUntil.IsZero() || !*role.WantAssertionsSigned || *role.AuthnRequestsSigned || uses["signing"] != 2 || uses["encryption"] != 1 {
		t.Errorf("%s", body)
	}
	if acs := role.AssertionConsumerServices; len(acs) != 1 || acs[0].Location != back || acs[0].Binding != crewjam.HTTPPostBinding {
		t.Errorf("%+v", acs)
	}
	if out := role.SingleLogoutServices; len(out) != 2 || out[0].Location != slo || out[1].Location != slo {
		t.Errorf("%+v", out)
	}
	if strings.Contains(string(body), "PRIVATE") {
		t.Error("holds a secret")
	}
	p.c.SAML.Artifact, p.c.SAML.SignRequests = true, true
	body, err = p.Metadata(p.c, back)
	if err != nil || !strings.Contains(string(body), crewjam.HTTPArtifactBinding) || !strings.Contains(string(body), `AuthnRequestsSigned="true"`) {
		t.Errorf("%s, %v", body, err)
	}
}

func TestOurKeys(t *testing.T) {
	k, err := ownkey.New(ours, now)
	if err != nil {
		t.Fatal(err)
	}
	c := certificateOfOwn(t, k)
	if bits := c.PublicKey.(*rsa.PublicKey).N.BitLen(); bits != 3072 || c.Subject.CommonName != "care.example" || !c.NotAfter.Equal(now.AddDate(10, 0, 0)) || !k.MadeAt.Equal(now) {
		t.Errorf("%d bits, %s, until %s", bits, c.Subject, c.NotAfter)
	}
	if err := c.CheckSignatureFrom(c); err == nil {
		t.Error("it may sign others")
	}
	for name, keys := range map[string][]byte{"none": nil, "not opened": []byte("x"), "empty": []byte(`{"keys":[]}`)} {
		p := newPlace(t)
		p.c.Keys = keys
		if _, err := p.SignInRedirect(t.Context(), p.c, p.request, back); err == nil || federation.ReasonOf(err) != "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}
