package saml

import (
	"encoding/json"
	"errors"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	crewjam "github.com/crewjam/saml"
	"github.com/crewjam/saml/xmlenc"

	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/fault"
)

// want is what a good response says.
func want() federation.Answer {
	return federation.Answer{
		Issuer: theirs, Subject: somebody, Format: persistentNameID, AuthTime: now.Add(-time.Minute),
		Context: []string{"urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"}, Session: "_session1",
		Claims: map[string]any{"mail": []string{"j.jansen@lindehof.example"}, "groups": []string{"behandelaar", "planner", "kantoor"}},
	}
}

func TestAResponseSaysWhoItIs(t *testing.T) {
	for name, change := range map[string]func(*said){
		"signed assertion":               func(*said) {},
		"signed response":                func(s *said) { s.signsAssertion, s.signsResponse = false, true },
		"both signed":                    func(s *said) { s.signsResponse = true },
		"encrypted, signed inside":       func(s *said) { s.encrypts = certificateOfOwn(t, firstOwnKey()) },
		"encrypted for our next key":     func(s *said) { s.encrypts = certificateOfOwn(t, nextOwnKey()) },
		"encrypted in a signed response": func(s *said) { s.encrypts, s.signsResponse = certificateOfOwn(t, firstOwnKey()), true },
		"CBC in a signed response": func(s *said) {
			s.encrypts, s.signsResponse, s.cipher = certificateOfOwn(t, firstOwnKey()), true, xmlenc.AES256CBC
		},
		"a NameQualifier of the issuer": func(s *said) {
			s.subject = strings.Replace(s.subject, " Format", ` NameQualifier="`+theirs+`" Format`, 1)
		},
		"clocks 50 seconds apart":         func(s *said) { s.before, s.ends = now.Add(50*time.Second), now.Add(-50*time.Second) },
		"a certificate that is known too": func(s *said) { s.by = pair{s.by.key, certificateOf(s.by.key.Public(), s.by.key, now)} },
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			s := good(p.request)
			change(&s)
			got, err := p.answer(t, s.response())
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want()) {
				t.Errorf("got  %+v\nwant %+v", got, want())
			}
		})
	}
}

// An answer is taken once, whichever node it reaches.
func TestAnAssertionIsTakenOnceByAllNodes(t *testing.T) {
	p := newPlace(t)
	s := good(p.request)
	if _, err := p.answer(t, s.response()); err != nil {
		t.Fatal(err)
	}
	s.answer = "_another" // the response is another one
	_, err := p.node(p.o.Client).Answer(t.Context(), p.c, p.request, back, post(p.request.State, s.response()))
	if federation.ReasonOf(err) != federation.Replayed {
		t.Errorf("got %v, want %s", err, federation.Replayed)
	}
}

// Storage that is gone is no refusal: the same answer may count later.
func TestStorageThatIsGoneIsNoRefusal(t *testing.T) {
	p := newPlace(t)
	p.store.broken = fault.Unavailable
	_, err := p.answer(t, good(p.request).response())
	if !errors.Is(err, fault.Unavailable) || federation.ReasonOf(err) != "" {
		t.Errorf("got %v", err)
	}
	p.store.broken = nil
	if _, err := p.answer(t, good(p.request).response()); err != nil {
		t.Error(err)
	}
}

func TestAStatusIsAReason(t *testing.T) {
	const code = "urn:oasis:names:tc:SAML:2.0:status:"
	for _, test := range []struct {
		outer, inner, message string
		want                  federation.Reason
	}{
		{"Responder", "AuthnFailed", "", federation.Denied},
		{"Responder", "AuthnFailed", "Authentication cancelled by user", federation.Cancelled},
		{"Requester", "AuthnFailed", "", federation.Denied},
		{"Requester", "RequestDenied", "", federation.Denied},
		{"Responder", "NoAuthnContext", "", federation.Denied},
		{"Responder", "NoPassive", "", federation.Interaction},
		{"Requester", "InvalidNameIDPolicy", "AADSTS750061", federation.Misconfigured},
		{"Requester", "", "", federation.Misconfigured},
		{"Responder", "", "MSIS7070", federation.Unreachable},
		{"Responder", "NewInVersion3", "", federation.Unreachable},
	} {
		p := newPlace(t)
		status := `<samlp:Status><samlp:StatusCode Value="` + code + test.outer + `">`
		if test.inner != "" {
			status += `<samlp:StatusCode Value="` + code + test.inner + `"></samlp:StatusCode>`
		}
		status += `</samlp:StatusCode><samlp:StatusMessage>` + test.message + `</samlp:StatusMessage></samlp:Status>`
		_, err := p.answer(t, good(p.request).with(status, ""))
		if federation.ReasonOf(err) != test.want || !strings.Contains(err.Error(), test.inner) || !strings.Contains(err.Error(), test.message) {
			t.Errorf("%s %s %s: got %v, want %s", test.outer, test.inner, test.message, err, test.want)
		}
	}
}

// What a browser may bring is bounded, and is what was asked for.
func TestWhatABrowserBrings(t *testing.T) {
	p := newPlace(t)
	response := good(p.request).response()
	body := url.Values{"SAMLResponse": {strings.Repeat("A", maxForm)}, "RelayState": {p.request.State}}
	twice := url.Values{"SAMLResponse": {"a", "b"}, "RelayState": {p.request.State}}
	get := post(p.request.State, response)
	get.Method = "GET"
	for name, test := range map[string]struct {
		answer func() error
		want   federation.Reason
	}{
		"a long body": {func() error { _, err := p.Answer(t.Context(), p.c, p.request, back, posts(back, body)); return err }, federation.BadForm},
		"two answers": {func() error { _, err := p.Answer(t.Context(), p.c, p.request, back, posts(back, twice)); return err }, federation.BadForm},
		"by GET":      {func() error { _, err := p.Answer(t.Context(), p.c, p.request, back, get); return err }, federation.BadForm},
		"another RelayState": {func() error {
			_, err := p.Answer(t.Context(), p.c, p.request, back, post("another", response))
			return err
		}, federation.Unsolicited},
		"an artifact, unasked": {func() error {
			_, err := p.Answer(t.Context(), p.c, p.request, back, posts(back, url.Values{"SAMLart": {"AAQ"}, "RelayState": {p.request.State}}))
			return err
		}, federation.BadForm},
	} {
		if err := test.answer(); federation.ReasonOf(err) != test.want {
			t.Errorf("%s: got %v, want %s", name, err, test.want)
		}
	}
}

// Each time counts by itself: our tolerance is 60 seconds, the library's more.
func TestEachTimeCounts(t *testing.T) {
	request := newTrip("lindehof")
	said := func() (*crewjam.Assertion, *crewjam.SubjectConfirmationData) {
		d := &crewjam.SubjectConfirmationData{Recipient: back, InResponseTo: request.ID, NotOnOrAfter: now.Add(time.Minute)}
		return &crewjam.Assertion{
			IssueInstant: now, Conditions: &crewjam.Conditions{NotBefore: now, NotOnOrAfter: now.Add(time.Minute)},
			Subject:         &crewjam.Subject{SubjectConfirmations: []crewjam.SubjectConfirmation{{Method: bearer, SubjectConfirmationData: d}}},
			AuthnStatements: []crewjam.AuthnStatement{{AuthnInstant: now}},
		}, d
	}
	late, early := now.Add(-federation.MaxSkew), now.Add(federation.MaxSkew+time.Millisecond)
	for name, change := range map[string]func(a *crewjam.Assertion, d *crewjam.SubjectConfirmationData){
		"IssueInstant": func(a *crewjam.Assertion, _ *crewjam.SubjectConfirmationData) { a.IssueInstant = early },
		"NotBefore":    func(a *crewjam.Assertion, _ *crewjam.SubjectConfirmationData) { a.Conditions.NotBefore = early },
		"NotOnOrAfter": func(a *crewjam.Assertion, _ *crewjam.SubjectConfirmationData) { a.Conditions.NotOnOrAfter = late },
		"AuthnInstant": func(a *crewjam.Assertion, _ *crewjam.SubjectConfirmationData) {
			a.AuthnStatements[0].AuthnInstant = early
		},
		"SessionNotOnOrAfter": func(a *crewjam.Assertion, _ *crewjam.SubjectConfirmationData) {
			a.AuthnStatements[0].SessionNotOnOrAfter = &late
		},
		"confirmed for another":    func(_ *crewjam.Assertion, d *crewjam.SubjectConfirmationData) { d.Recipient += "x" },
		"confirmed for a request":  func(_ *crewjam.Assertion, d *crewjam.SubjectConfirmationData) { d.InResponseTo = "" },
		"confirmed without an end": func(_ *crewjam.Assertion, d *crewjam.SubjectConfirmationData) { d.NotOnOrAfter = time.Time{} },
		"confirmed until before":   func(_ *crewjam.Assertion, d *crewjam.SubjectConfirmationData) { d.NotOnOrAfter = late },
		"confirmed from later":     func(_ *crewjam.Assertion, d *crewjam.SubjectConfirmationData) { d.NotBefore = early },
		"confirmed otherwise": func(a *crewjam.Assertion, _ *crewjam.SubjectConfirmationData) {
			a.Subject.SubjectConfirmations[0].Method = "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches"
		},
	} {
		a, d := said()
		change(a, d)
		if err := inTime(a, request, back, now); federation.ReasonOf(err) != federation.BadTime {
			t.Errorf("%s: got %v", name, err)
		}
	}
	a, _ := said()
	if err := inTime(a, request, back, now.Add(federation.MaxSkew)); err != nil {
		t.Error(err)
	}
}

func TestACertificateOfAnotherKeyIsNoKeyOfOurs(t *testing.T) {
	p := newPlace(t)
	mixed := federation.OwnKeys{Keys: []federation.OwnKey{{Private: firstOwnKey().Private, Certificate: nextOwnKey().Certificate}}}
	var err error
	if p.c.Keys, err = json.Marshal(mixed); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Metadata(p.c, back); !errors.Is(err, fault.Invalid) {
		t.Errorf("got %v", err)
	}
}

func TestValuesOfAttributes(t *testing.T) {
	p := newPlace(t)
	s := good(p.request)
	s.statements = `<saml:AttributeStatement><saml:Attribute Name="a"><saml:AttributeValue xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ` +
		`xsi:nil="true"></saml:AttributeValue><saml:AttributeValue> b </saml:AttributeValue></saml:Attribute><saml:Attribute Name="c"></saml:Attribute>` +
		`<saml:Attribute Name="d"><saml:AttributeValue><saml:NameID>e</saml:NameID></saml:AttributeValue></saml:Attribute></saml:AttributeStatement>`
	a, err := p.answer(t, s.response())
	want := map[string]any{"a": []string{"b"}, "c": []string{}, "d": []string{"e"}}
	if err != nil || !reflect.DeepEqual(a.Claims, want) {
		t.Errorf("got %q, want %q, %v", a.Claims, want, err)
	}
}
