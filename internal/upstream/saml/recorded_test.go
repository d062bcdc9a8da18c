package saml

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	crewjam "github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/minddistrict/idp/federation"
)

// recorded is case.json of a folder in testdata/recorded, for each product that gave us a response. Beside it stand
// metadata.xml of the product, response.b64 as its form had it, and keys.json (federation.OwnKeys of a test) where the
// response is encrypted for us.
type recorded struct {
	Product string                  `json:"product"` // and its version
	Now     time.Time               `json:"now"`
	Back    string                  `json:"back"`
	Request string                  `json:"request"` // identifier of the authentication request
	SAML    federation.SAMLSettings `json:"saml"`
	Want    federation.Answer       `json:"want"`
}

// eachRecorded runs a test over what each product gave us.
func eachRecorded(t *testing.T, test func(*testing.T, recording)) {
	folders, err := filepath.Glob("testdata/recorded/*")
	if err != nil || len(folders) == 0 {
		t.Fatalf("no recorded response: %v", err)
	}
	for _, folder := range folders {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			read := func(name string) []byte {
				t.Helper()
				text, err := os.ReadFile(filepath.Join(folder, name))
				if err != nil {
					t.Fatal(err)
				}
				return text
			}
			r := recording{place: newPlace(t)}
			if err := json.Unmarshal(read("case.json"), &r.recorded); err != nil {
				t.Fatal(err)
			}
			r.now = r.Now
			r.c.SAML = r.SAML
			r.c.SAML.Metadata = string(read("metadata.xml"))
			if keys, err := os.ReadFile(filepath.Join(folder, "keys.json")); err == nil {
				r.c.Keys = keys
			}
			r.request = federation.UpstreamRequest{ID: r.Request, State: "state"}
			if r.xml, err = base64.StdEncoding.DecodeString(strings.TrimSpace(string(read("response.b64")))); err != nil {
				t.Fatal(err)
			}
			test(t, r)
		})
	}
}

// recording is one that can be answered with.
type recording struct {
	*place
	recorded
	xml []byte // the response
}

// take is the answer, as it is kept: numbers and lists have the types of JSON.
func (r recording) take(t *testing.T, response []byte) (kept federation.Answer, err error) {
	t.Helper()
	form := url.Values{"SAMLResponse": {base64.StdEncoding.EncodeToString(response)}, "RelayState": {"state"}}
	got, err := r.Answer(t.Context(), r.c, r.request, r.Back, posts(r.Back, form))
	if err != nil {
		return kept, err
	}
	body, err := json.Marshal(got)
	if err == nil {
		err = json.Unmarshal(body, &kept)
	}
	if err != nil {
		t.Fatal(err)
	}
	return kept, nil
}

func TestRecordedResponses(t *testing.T) {
	eachRecorded(t, func(t *testing.T, r recording) {
		got, err := r.take(t, r.xml)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, r.Want) {
			t.Errorf("got %+v", got)
		}
	})
}

// A byte of what a product sent that is another one is refused, or changes nothing of what is read: it is not signed.
// Every byte takes some minutes, so one of 41 is changed unless IDP_EVERY_BYTE is set.
func TestNoByteOfARecordedResponseCanBeAnother(t *testing.T) {
	eachRecorded(t, func(t *testing.T, r recording) {
		step := 41
		if os.Getenv("IDP_EVERY_BYTE") != "" {
			step = 1
		}
		refused, tried := 0, 0
		for i := 0; i < len(r.xml); i += step {
			tried++
			changed := bytes.Clone(r.xml)
			changed[i] ^= 1
			got, err := r.take(t, changed)
			switch {
			case err != nil:
				refused++
			case !reflect.DeepEqual(got, r.Want):
				t.Fatalf("byte %d of %q: %+v", i, r.xml[max(0, i-20):min(len(r.xml), i+20)], got)
			}
		}
		if refused < tried*9/10 {
			t.Errorf("%d of %d bytes may be others", tried-refused, tried)
		}
	})
}

// The eight ways of signature wrapping, made of what products sent, with and without the signature around them.
func TestWrappedRecordedResponsesAreRefused(t *testing.T) {
	made := 0
	eachRecorded(t, func(t *testing.T, r recording) {
		root := parsed(string(r.xml))
		if len(named(root, "Assertion")) == 0 {
			return // encrypted: nobody can read what to wrap
		}
		evil := func(id string) *etree.Element {
			a := without(part(parsed(string(r.xml)), "Assertion"), "Signature")
			a.CreateAttr("ID", id)
			part(a, "NameID").SetText("manager")
			return a
		}
		for i, wrap := range wrappings {
			for _, inner := range []bool{false, true} {
				whole, signed := root.Copy(), root
				if i >= 2 {
					signed = part(root, "Assertion")
					if inner {
						whole = without(whole, "Signature")
					}
				}
				if len(named(signed, "Signature")) == 0 {
					continue // this product signs the other one
				}
				for _, id := range []string{signed.SelectAttrValue("ID", ""), "_evil2"} {
					made++
					if got, err := r.take(t, []byte(written(wrap(evil, whole.Copy(), id)))); err == nil {
						t.Errorf("XSW%d, %s, without the signature around it %t: %+v", i+1, id, inner, got)
					}
				}
			}
		}
	})
	if made < 40 {
		t.Errorf("%d cases were made", made)
	}
}

// other is an identity provider that is not of this test: the library's. It reads our metadata.
type other struct {
	crewjam.IdentityProvider
	ours    []byte
	session crewjam.Session
}

func (o *other) GetServiceProvider(*http.Request, string) (*crewjam.EntityDescriptor, error) {
	var m crewjam.EntityDescriptor
	return &m, xml.Unmarshal(o.ours, &m)
}

func (o *other) GetSession(http.ResponseWriter, *http.Request, *crewjam.IdpAuthnRequest) *crewjam.Session {
	return &o.session
}

func newOther(t *testing.T, p *place) *other {
	t.Helper()
	body, err := p.Metadata(p.c, back)
	if err != nil {
		t.Fatal(err)
	}
	o := &other{ours: body, session: crewjam.Session{
		ID: "s1", Index: "_session1", CreateTime: now.Add(-time.Minute), ExpireTime: now.Add(time.Hour),
		NameID: somebody, NameIDFormat: persistentNameID, UserEmail: "j.jansen@lindehof.example", Groups: []string{"behandelaar"},
	}}
	base, _ := url.Parse(theirs)
	o.IdentityProvider = crewjam.IdentityProvider{
		Key: theirKey().key, Certificate: theirKey().certificate, MetadataURL: *base, SSOURL: *base.JoinPath("sso"),
		ServiceProviderProvider: o, SessionProvider: o, SignatureMethod: dsig.RSASHA256SignatureMethod, Clock: dsig.NewFakeClockAt(now),
	}
	metadata, err := xml.Marshal(o.IdentityProvider.Metadata())
	if err != nil {
		t.Fatal(err)
	}
	p.c.SAML.Metadata, p.c.SAML.EntityID = string(metadata), theirs
	return o
}

// visit is what a browser brings back.
func (o *other) visit(t *testing.T, a federation.Redirect) url.Values {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, a.URL, nil)
	if a.Form != nil {
		r = posts(a.URL, a.Form)
	}
	w := httptest.NewRecorder()
	o.ServeSSO(w, r)
	page := etree.NewDocument()
	page.ReadSettings.Permissive = true
	if err := page.ReadFromBytes(w.Body.Bytes()); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%d: %s", w.Code, w.Body)
	}
	form := url.Values{}
	for _, input := range page.FindElements("//input") {
		form.Set(input.SelectAttrValue("name", ""), input.SelectAttrValue("value", ""))
	}
	return form
}

// Another implementation reads our metadata and requests, and we read what it answers: encrypted for the key in our
// metadata.
func TestAnotherImplementation(t *testing.T) {
	for _, set := range []func(*federation.SAMLSettings){
		func(*federation.SAMLSettings) {},
		func(s *federation.SAMLSettings) { s.PostRequests = true },
		func(s *federation.SAMLSettings) { s.SignRequests = true },
		func(s *federation.SAMLSettings) { s.SignRequests, s.PostRequests = true, true },
		func(s *federation.SAMLSettings) { s.NameIDFormat = persistentNameID },
	} {
		p := newPlace(t)
		set(&p.c.SAML)
		o := newOther(t, p)
		form := o.visit(t, p.away(t))
		a, err := p.Answer(t.Context(), p.c, p.request, back, posts(back, form))
		if err != nil {
			t.Fatalf("%+v: %v", p.c.SAML, err)
		}
		if a.Subject != somebody || a.Session != "_session1" || !a.AuthTime.Equal(now.Add(-time.Minute)) || a.Issuer != theirs {
			t.Errorf("%+v", a)
		}
		response, _ := base64.StdEncoding.DecodeString(form.Get("SAMLResponse"))
		if !strings.Contains(string(response), "EncryptedAssertion") {
			t.Error("not encrypted")
		}
		record(t, p, form, a)
	}
}

// record writes the folder of a response, when a test is run with IDP_RECORD set to its name.
func record(t *testing.T, p *place, form url.Values, a federation.Answer) {
	t.Helper()
	name := os.Getenv("IDP_RECORD")
	if name == "" {
		return
	}
	settings := p.c.SAML
	settings.Metadata = ""
	about, err := json.MarshalIndent(recorded{
		Product: "crewjam/saml 0.6.3, identity provider", Now: p.now, Back: back, Request: p.request.ID, SAML: settings, Want: a,
	}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join("testdata", "recorded", name)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string]string{
		"case.json": string(about), "metadata.xml": p.c.SAML.Metadata, "response.b64": form.Get("SAMLResponse"), "keys.json": string(p.c.Keys),
	} {
		if err := os.WriteFile(filepath.Join(folder, file), []byte(text+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
