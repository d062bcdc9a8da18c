package saml

import (
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/crewjam/saml/xmlenc"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/minddistrict/idp/federation"
)

// A switch that is on for nothing would be on in vain: without it, its attack passes.
func TestEachSwitchStopsItsAttack(t *testing.T) {
	take := func(p *place, s said) error {
		_, err := p.answer(t, s.response())
		return err
	}
	for name, test := range map[string]struct {
		off    switches
		attack func(p *place) error
	}{
		"SHA-1": {switches{sha1: true}, func(p *place) error {
			s := good(p.request)
			s.method = dsig.RSASHA1SignatureMethod
			return take(p, s)
		}},
		"unknown conditions": {switches{conditions: true}, func(p *place) error {
			s := good(p.request)
			s.condition = `<x:OnlyOnTuesdays xmlns:x="urn:x"></x:OnlyOnTuesdays>`
			return take(p, s)
		}},
		"replay": {switches{replay: true}, func(p *place) error {
			if err := take(p, good(p.request)); err != nil {
				t.Fatal(err)
			}
			return take(p, good(p.request))
		}},
		"CBC outside a signed response": {switches{cbc: true}, func(p *place) error {
			s := good(p.request)
			s.encrypts, s.cipher = certificateOfOwn(t, firstOwnKey()), xmlenc.AES256CBC
			return take(p, s)
		}},
		"shape": {switches{shape: true, profile: true}, func(p *place) error {
			_, err := p.answer(t, strings.Replace(good(p.request).response(), somebody, somebody[:9]+"<!-- -->"+somebody[9:], 1))
			return err
		}},
		"profile": {switches{profile: true}, func(p *place) error {
			_, err := p.answer(t, canonicalised(p))
			return err
		}},
		"times": {switches{times: true}, func(p *place) error {
			s := good(p.request)
			s.ends = now.Add(-2 * time.Minute)
			return take(p, s)
		}},
		"artifacts of another": {switches{artifacts: true}, func(p *place) error {
			asked := false
			u := p.artifacts(t, func(string) string { asked = true; return good(p.request).response() })
			form := url.Values{"SAMLart": {artifact("https://evil.example", 1)}, "RelayState": {p.request.State}}
			_, err := u.Answer(t.Context(), p.c, p.request, back, posts(back, form))
			if asked != (err == nil) {
				t.Errorf("asked %t, %v", asked, err)
			}
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			if err := test.attack(p); federation.ReasonOf(err) == "" {
				t.Errorf("with its switch: %v", err)
			}
			p = newPlace(t)
			p.off = test.off
			if err := test.attack(p); err != nil {
				t.Errorf("without its switch nothing passes, so this shows nothing: %v", err)
			}
		})
	}
}

// canonicalised is a response whose signature has another canonicalisation than the profile says.
func canonicalised(p *place) string {
	s := good(p.request)
	s.signsAssertion = false
	root := parsed(s.response())
	ctx, err := dsig.NewSigningContext(s.by.key, [][]byte{s.by.certificate.Raw})
	if err != nil {
		panic(err)
	}
	ctx.Canonicalizer = dsig.MakeC14N10RecCanonicalizer()
	signed, err := ctx.SignEnveloped(root)
	if err != nil {
		panic(err)
	}
	return written(signed)
}

// What is lenient on purpose is so by a switch, too.
func TestLenienceIsASwitch(t *testing.T) {
	for name, test := range map[string]struct {
		off    switches
		change func(p *place, s *said)
	}{
		"keys of ours beyond the first": {switches{decryption: true}, func(_ *place, s *said) { s.encrypts = certificateOfOwn(t, nextOwnKey()) }},
		"an expired certificate": {switches{expiry: true}, func(p *place, s *said) {
			p.c.SAML.Metadata, s.by = theirMetadata(expiredKey()), expiredKey()
		}},
	} {
		p := newPlace(t)
		s := good(p.request)
		test.change(p, &s)
		if a, err := p.answer(t, s.response()); err != nil || !reflect.DeepEqual(a, want()) {
			t.Errorf("%s: %v", name, err)
		}
		p.off = test.off
		clear(p.store.used)
		if _, err := p.answer(t, s.response()); err == nil {
			t.Errorf("%s: taken without it", name)
		}
	}
	p := newPlace(t)
	p.c.SAML.CBC = true
	s := good(p.request)
	s.encrypts, s.cipher = certificateOfOwn(t, firstOwnKey()), xmlenc.AES256CBC
	if _, err := p.answer(t, s.response()); err != nil {
		t.Errorf("a connection that allows CBC: %v", err)
	}
}

func TestAnExpiredCertificateIsSaid(t *testing.T) {
	p := newPlace(t)
	p.c.SAML.Metadata = theirMetadata(expiredKey())
	s := good(p.request)
	s.by = expiredKey()
	if _, err := p.answer(t, s.response()); err != nil {
		t.Fatal(err)
	}
	if log := p.log.String(); !strings.Contains(log, "expired certificate") || !strings.Contains(log, fingerprint(expiredKey().certificate)) {
		t.Errorf("log: %s", log)
	}
}
