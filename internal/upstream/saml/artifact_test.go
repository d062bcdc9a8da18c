package saml

import (
	"crypto/sha1" //nolint:gosec // as saml-bindings-2.0-os section 3.6.4 has it
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/minddistrict/idp/federation"
)

// artifact is one of type 4 (saml-bindings-2.0-os section 3.6.4.2).
func artifact(entity string, handle byte) string {
	source := sha1.Sum([]byte(entity))
	raw := append([]byte{0, 4, 0, 0}, source[:]...)
	raw = append(raw, make([]byte, 20)...)
	raw[len(raw)-1] = handle
	return base64.StdEncoding.EncodeToString(raw)
}

// artifacts serves what artifacts stand for, and is a node that may call there.
func (p *place) artifacts(t *testing.T, response func(request string) string) *Upstream {
	t.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		id := part(parsed(string(body)), "ArtifactResolve").SelectAttrValue("ID", "")
		_, _ = io.WriteString(w, `<soap:Envelope xmlns:soap="`+nsSOAP+`"><soap:Body><samlp:ArtifactResponse xmlns:samlp="`+nsProtocol+
			`" ID="_ar1" Version="2.0" IssueInstant="`+at(now)+`" InResponseTo="`+id+`">`+success+response(string(body))+`</samlp:ArtifactResponse></soap:Body></soap:Envelope>`)
	}))
	t.Cleanup(server.Close)
	p.c.SAML.Artifact = true
	p.c.SAML.Metadata = strings.Replace(p.c.SAML.Metadata, theirs+"/artifacts", server.URL, 1)
	u := p.node(server.Client())
	u.off = p.off
	return u
}

func (p *place) byArtifact(t *testing.T, u *Upstream, handle byte) (federation.Answer, error) {
	t.Helper()
	form := url.Values{"SAMLart": {artifact(theirs, handle)}, "RelayState": {p.request.State}}
	if handle%2 == 0 {
		return u.Answer(t.Context(), p.c, p.request, back, posts(back, form))
	}
	return u.Answer(t.Context(), p.c, p.request, back, httptest.NewRequest(http.MethodGet, back+"?"+form.Encode(), nil))
}

func TestAnArtifactStandsForAResponse(t *testing.T) {
	for handle := range byte(2) { // by POST and by GET
		p := newPlace(t)
		var asked string
		u := p.artifacts(t, func(request string) string { asked = request; return good(p.request).response() })
		a, err := p.byArtifact(t, u, handle)
		if err != nil || !reflect.DeepEqual(a, want()) {
			t.Fatalf("%+v, %v", a, err)
		}
		if !strings.Contains(asked, "<ds:SignatureValue") || !strings.Contains(asked, artifact(theirs, handle)) {
			t.Errorf("asked without a signature: %s", asked)
		}
		asked = ""
		if _, err := p.byArtifact(t, u, handle); federation.ReasonOf(err) != federation.Replayed || asked != "" {
			t.Errorf("again: %v, asked %q", err, asked)
		}
	}
}

func TestWhatAnArtifactStandsForIsLookedAt(t *testing.T) {
	for name, test := range map[string]struct {
		response func(p *place) string
		want     federation.Reason
	}{
		"too long":            {func(p *place) string { return good(p.request).response() + strings.Repeat(" ", maxXML) }, federation.BadForm},
		"a comment":           {func(p *place) string { return good(p.request).response() + "<!-- -->" }, federation.BadForm},
		"two assertions":      {func(p *place) string { return doubled(good(p.request).response(), true) }, federation.BadForm},
		"nothing":             {func(*place) string { return "" }, federation.BadForm},
		"for another request": {func(*place) string { return good(newTrip("lindehof")).response() }, federation.Unsolicited},
		"a signature is gone": {func(p *place) string { s := good(p.request); s.signsAssertion = false; return s.response() }, federation.BadSignature},
		"somebody stopped": {func(p *place) string {
			return good(p.request).with(`<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Responder"><samlp:StatusCode Value="`+
				`urn:oasis:names:tc:SAML:2.0:status:AuthnFailed"></samlp:StatusCode></samlp:StatusCode></samlp:Status>`, "")
		}, federation.Denied},
	} {
		p := newPlace(t)
		u := p.artifacts(t, func(string) string { return test.response(p) })
		if _, err := p.byArtifact(t, u, 1); federation.ReasonOf(err) != test.want {
			t.Errorf("%s: got %v, want %s", name, err, test.want)
		}
	}
}

func TestAnArtifactThatCannotBeResolved(t *testing.T) {
	p := newPlace(t)
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	p.c.SAML.Artifact = true
	p.c.SAML.Metadata = strings.Replace(p.c.SAML.Metadata, theirs+"/artifacts", server.URL, 1)
	if _, err := p.byArtifact(t, p.node(server.Client()), 1); federation.ReasonOf(err) != federation.Unreachable {
		t.Errorf("got %v", err)
	}
}
