package saml

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	dsig "github.com/russellhaering/goxmldsig"

	"github.com/minddistrict/idp/federation"
)

// Whatever is made of a response, it says what was signed or nothing.
func FuzzAnswer(f *testing.F) {
	request := newTrip("lindehof")
	request.ID, request.State = "_request1", "state" // the same in every run
	s := good(request)
	f.Add(s.response())
	s.signsResponse = true
	f.Add(s.response())
	for _, wrap := range wrappings[2:] {
		f.Add(written(wrap(s.forges, parsed(good(request).response()), "_evil")))
	}
	f.Add("")
	f.Add("<a/>")
	t := &testing.T{}
	p := newPlace(t)
	p.request = request
	f.Fuzz(func(t *testing.T, response string) {
		clear(p.store.used)
		a, err := p.Answer(context.Background(), p.c, p.request, back, post(request.State, response))
		if err == nil && a.Subject != somebody {
			t.Errorf("%+v", a)
		}
		if err != nil && federation.ReasonOf(err) == "" {
			t.Errorf("an error of ours: %v", err)
		}
	})
}

func FuzzMetadata(f *testing.F) {
	f.Add(theirMetadata(theirKey()))
	f.Add(several(theirMetadata(theirKey()), "2027-01-01T00:00:00Z"))
	f.Add(sign(theirMetadata(theirKey()), foreignKey(), dsig.RSASHA256SignatureMethod))
	f.Add(theirMetadata(weakKey()))
	f.Fuzz(func(t *testing.T, body string) {
		e, err := readMetadata(federation.SAMLSettings{EntityID: theirs}, []byte(body), now)
		if err != nil {
			return
		}
		if e.described.EntityID != theirs || len(e.certificates) == 0 {
			t.Errorf("%+v", e)
		}
		for _, s := range e.described.IDPSSODescriptors[0].SingleSignOnServices {
			if !safe(s.Location) {
				t.Errorf("to %s", s.Location)
			}
		}
	})
}

func FuzzLogout(f *testing.F) {
	f.Add(goodLogout().request(), true)
	f.Add(sign(goodLogout().request(), theirKey(), dsig.RSASHA256SignatureMethod), false)
	f.Add("", true)
	p := newPlace(&testing.T{})
	f.Fuzz(func(t *testing.T, request string, redirect bool) {
		r := postedLogout(request)
		if redirect {
			r = httptest.NewRequest(http.MethodGet, slo+"?SAMLRequest="+url.QueryEscape(deflated(strings.NewReader(request))), nil)
		}
		ended, _, err := p.Ended(context.Background(), p.c, back, r)
		if err == nil && ended.Subject != somebody {
			t.Errorf("%+v", ended)
		}
	})
}
