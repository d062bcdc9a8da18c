package saml

import (
	"bytes"
	"compress/flate"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	crewjam "github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/minddistrict/idp/federation"
)

const slo = "https://care.example/federation/lindehof/slo"

// logout is a request to log out, with what a test changes.
type logout struct {
	issuer, destination, more string
	issued                    time.Time
}

func goodLogout() logout {
	return logout{issuer: theirs, destination: slo, issued: now, more: `<samlp:SessionIndex>_session1</samlp:SessionIndex><samlp:SessionIndex>_session2</samlp:SessionIndex>`}
}

func (l logout) request() string {
	return `<samlp:LogoutRequest xmlns:samlp="` + nsProtocol + `" xmlns:saml="` + nsAssertion + `" ID="_logout1" Version="2.0" IssueInstant="` + at(l.issued) +
		`" Destination="` + l.destination + `"><saml:Issuer>` + l.issuer + `</saml:Issuer><saml:NameID>` + somebody + `</saml:NameID>` + l.more + `</samlp:LogoutRequest>`
}

func deflated(text io.Reader) string {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, 9)
	_, _ = io.Copy(w, text)
	_ = w.Close()
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

// redirected is a message by HTTP-Redirect with a signature in the query; by nobody: without one.
func redirected(request string, by *pair) *http.Request {
	query := "SAMLRequest=" + url.QueryEscape(deflated(strings.NewReader(request))) + "&RelayState=back%20there"
	if by != nil {
		query += "&SigAlg=" + url.QueryEscape(dsig.RSASHA256SignatureMethod)
		sum := sha256.Sum256([]byte(query))
		signature, err := by.key.Sign(rand.Reader, sum[:], crypto.SHA256)
		if err != nil {
			panic(err)
		}
		query += "&Signature=" + url.QueryEscape(base64.StdEncoding.EncodeToString(signature))
	}
	return httptest.NewRequest(http.MethodGet, slo+"?"+query, nil)
}

func postedLogout(request string) *http.Request {
	return posts(slo, url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString([]byte(request))}, "RelayState": {"back there"}})
}

func TestASignedRequestEndsSessions(t *testing.T) {
	their := theirKey()
	for name, r := range map[string]*http.Request{
		"by redirect": redirected(goodLogout().request(), &their),
		"by POST":     postedLogout(sign(goodLogout().request(), their, dsig.RSASHA256SignatureMethod)),
	} {
		p := newPlace(t)
		ended, reply, err := p.Ended(t.Context(), p.c, back, r)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want := federation.Logout{
			Subject: somebody, Sessions: []string{"_session1", "_session2"}, ID: "_logout1", Until: now.Add(crewjam.MaxIssueDelay),
		}
		if !reflect.DeepEqual(ended, want) {
			t.Errorf("%s: got %+v, want %+v", name, ended, want)
		}
		to, err := url.Parse(reply.URL)
		if err != nil || reply.Form != nil || !strings.HasPrefix(reply.URL, theirs+"/slo/done?SAMLResponse=") {
			t.Fatalf("%s: %+v", name, reply)
		}
		if q := to.Query(); q.Get("RelayState") != "back there" || q.Get("Signature") == "" {
			t.Errorf("%s: %v", name, q)
		}
	}
	p := newPlace(t) // an upstream that takes responses by POST only
	p.c.SAML.Metadata = strings.Replace(p.c.SAML.Metadata, crewjam.HTTPRedirectBinding, crewjam.HTTPPostBinding, 1)
	_, reply, err := p.Ended(t.Context(), p.c, back, redirected(goodLogout().request(), &their))
	if err != nil || reply.URL != theirs+"/slo/done" || reply.Form.Get("RelayState") != "back there" {
		t.Fatalf("%+v, %v", reply, err)
	}
	response, _ := base64.StdEncoding.DecodeString(reply.Form.Get("SAMLResponse"))
	if !strings.Contains(string(response), "SignatureValue") || !strings.Contains(string(response), `InResponseTo="_logout1"`) {
		t.Errorf("response %s", response)
	}
	p.off.logout = true // LogoutSignatureMethod
	_, reply, err = p.Ended(t.Context(), p.c, back, redirected(goodLogout().request(), &their))
	response, _ = base64.StdEncoding.DecodeString(reply.Form.Get("SAMLResponse"))
	if err != nil || strings.Contains(string(response), "SignatureValue") {
		t.Errorf("signed without its switch: %s, %v", response, err)
	}
}

func TestARequestToLogOutThatDoesNotCount(t *testing.T) {
	their, foreign := theirKey(), foreignKey()
	changed := func(change func(*logout)) string {
		l := goodLogout()
		change(&l)
		return l.request()
	}
	relay := redirected(goodLogout().request(), &their)
	relay.URL.RawQuery = strings.Replace(relay.URL.RawQuery, "back%20there", "elsewhere", 1)
	twice := redirected(goodLogout().request(), &their)
	twice.URL.RawQuery += "&SAMLRequest=x"
	both := postedLogout(goodLogout().request())
	both.URL.RawQuery = redirected(goodLogout().request(), &their).URL.RawQuery
	signed := func(request string) string { return sign(request, their, dsig.RSASHA256SignatureMethod) }
	for name, test := range map[string]struct {
		r    *http.Request
		want federation.Reason
	}{
		"by redirect, not signed":       {redirected(goodLogout().request(), nil), federation.BadSignature},
		"by redirect, by a stranger":    {redirected(goodLogout().request(), &foreign), federation.BadSignature},
		"by redirect, changed":          {relay, federation.BadSignature},
		"by redirect, twice":            {twice, federation.BadForm},
		"by POST, not signed":           {postedLogout(goodLogout().request()), federation.BadSignature},
		"by POST, signed in its query":  {both, federation.BadForm},
		"by POST, by a stranger":        {postedLogout(sign(goodLogout().request(), foreign, dsig.RSASHA256SignatureMethod)), federation.BadSignature},
		"by POST, with SHA-1":           {postedLogout(sign(goodLogout().request(), their, dsig.RSASHA1SignatureMethod)), federation.BadSignature},
		"by POST, another NameID":       {postedLogout(strings.Replace(signed(goodLogout().request()), somebody, "manager", 1)), federation.BadSignature},
		"by POST, a comment":            {postedLogout(strings.Replace(signed(goodLogout().request()), somebody, somebody+"<!-- -->", 1)), federation.BadForm},
		"for another destination":       {postedLogout(signed(changed(func(l *logout) { l.destination = back }))), federation.BadAudience},
		"of another issuer":             {postedLogout(signed(changed(func(l *logout) { l.issuer = "urn:x" }))), federation.BadAudience},
		"old":                           {postedLogout(signed(changed(func(l *logout) { l.issued = now.Add(-2 * time.Minute) }))), federation.BadTime},
		"of the future":                 {postedLogout(signed(changed(func(l *logout) { l.issued = now.Add(61 * time.Second) }))), federation.BadTime},
		"a response instead":            {postedLogout(good(newTrip("lindehof")).response()), federation.BadForm},
		"not base64":                    {posts(slo, url.Values{"SAMLRequest": {"%"}}), federation.BadForm},
		"nothing":                       {posts(slo, nil), federation.BadForm},
		"by redirect, not deflated":     {httptest.NewRequest(http.MethodGet, slo+"?SAMLRequest=AAAA", nil), federation.BadForm},
		"a state of more than a letter": {posts(slo, url.Values{"SAMLRequest": {"AAAA"}, "RelayState": {strings.Repeat("x", maxEcho+1)}}), federation.BadForm},
	} {
		p := newPlace(t)
		ended, reply, err := p.Ended(t.Context(), p.c, back, test.r)
		if federation.ReasonOf(err) != test.want || !reflect.DeepEqual(ended, federation.Logout{}) || reply.URL != "" {
			t.Errorf("%s: got %v, %+v, want %s", name, err, ended, test.want)
		}
	}
}

// bomb is what inflates to so many MiB of blanks: the same block again and again.
func bomb(mebibytes int) string {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, 9)
	_, _ = w.Write(bytes.Repeat([]byte(" "), 1<<20))
	_ = w.Flush()
	block := b.Bytes()
	return base64.StdEncoding.EncodeToString(append(bytes.Repeat(block, mebibytes), 3, 0)) // an empty last block
}

// A request inflates to what a request is, whatever it could inflate to (CVE-2023-26483).
func TestBombsAreSmall(t *testing.T) {
	p := newPlace(t)
	if text, err := io.ReadAll(flate.NewReader(base64.NewDecoder(base64.StdEncoding, strings.NewReader(bomb(2))))); err != nil || len(text) != 2<<20 {
		t.Fatalf("%d bytes, %v", len(text), err)
	}
	for _, size := range []int{1, 40, 1 << 10} {
		bomb := bomb(size)
		for _, r := range []*http.Request{
			httptest.NewRequest(http.MethodGet, slo+"?SAMLRequest="+url.QueryEscape(bomb), nil), posts(slo, url.Values{"SAMLRequest": {bomb}}),
		} {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			began := time.Now()
			_, _, err := p.Ended(t.Context(), p.c, back, r)
			took := time.Since(began)
			runtime.ReadMemStats(&after)
			if federation.ReasonOf(err) != federation.BadForm || took > time.Second {
				t.Errorf("%d MiB: %v after %s", size, err, took)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 20<<20 {
				t.Errorf("%d MiB: %d bytes of memory", size, used)
			}
		}
	}
}
