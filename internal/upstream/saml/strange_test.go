package saml

import (
	"strings"
	"testing"
	"time"

	"github.com/crewjam/saml/xmlenc"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/minddistrict/idp/federation"
)

// A signature that does not count says by which certificate it is, and which are known since when: that is what IT compares
// with what its product lists. The library says "crypto/rsa: verification error".
func TestWhoSignedIsSaid(t *testing.T) {
	foreign, their := foreignKey().certificate, theirKey().certificate
	unnamed := func(document string) string {
		root := parsed(document)
		for _, info := range root.FindElements("//KeyInfo") {
			info.Parent().RemoveChild(info)
		}
		return written(root)
	}
	known := "its metadata, an uploaded file, has SHA-256 " + fingerprint(their) + " ("
	for name, test := range map[string]struct {
		answer func(s said) string
		says   []string
	}{
		"by a certificate that is not known": {
			func(s said) string { s.by = foreignKey(); return s.response() },
			[]string{"signed by SHA-256 " + fingerprint(foreign) + " (", "ends " + foreign.NotAfter.UTC().Format(time.DateOnly) + "), which is not known; ", known},
		},
		"by one that it does not name": {
			func(s said) string { s.by = foreignKey(); return unnamed(s.response()) },
			[]string{"signed by a certificate that the answer does not name; ", known},
		},
		"by one that is known, and changed": {
			func(s said) string { return strings.Replace(s.response(), somebody, "manager", 1) },
			[]string{"changed after it was signed by SHA-256 " + fingerprint(their) + " (", known},
		},
		"encrypted, by a certificate that is not known": {
			func(s said) string {
				s.by, s.encrypts = foreignKey(), certificateOfOwn(t, firstOwnKey())
				return s.response()
			},
			[]string{"signed by SHA-256 " + fingerprint(foreign) + " (", known},
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			_, err := p.answer(t, test.answer(good(p.request)))
			if federation.ReasonOf(err) != federation.BadSignature {
				t.Fatalf("got %v", err)
			}
			for _, says := range test.says {
				if !strings.Contains(err.Error(), says) {
					t.Errorf("no %q in %v", says, err)
				}
			}
		})
	}
}

// What was read at an address says when: also where it was read again because of the answer.
func TestSinceWhenCertificatesAreKnownIsSaid(t *testing.T) {
	p := newPlace(t)
	newSite(t, p)
	if err := p.Refresh(t.Context(), p.c); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		later time.Duration
		want  string
	}{{time.Minute, "read 2026-11-30T09:30:00Z, has SHA-256 "}, {readUnknown, "read 2026-11-30T09:41:00Z, has SHA-256 "}} {
		s := p.later(row.later)
		s.by = foreignKey()
		if _, err := p.answer(t, s.response()); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("no %q in %v", row.want, err)
		}
	}
}

// Of what was encrypted with AES-CBC outside a signature nothing is said: that it could be opened is what attacks want to
// know.
func TestNothingIsSaidOfWhatWasOpened(t *testing.T) {
	p := newPlace(t)
	p.c.SAML.CBC = true
	s := good(p.request)
	s.by, s.encrypts, s.cipher = foreignKey(), certificateOfOwn(t, firstOwnKey()), xmlenc.AES256CBC
	if _, err := p.answer(t, s.response()); err == nil || strings.Contains(err.Error(), fingerprint(foreignKey().certificate)) {
		t.Errorf("got %v", err)
	}
}

// A request to log out says it as well; one by redirect has no place to name a certificate.
func TestWhoSignedALogoutIsSaid(t *testing.T) {
	foreign := foreignKey()
	p := newPlace(t)
	_, _, err := p.Ended(t.Context(), p.c, back, postedLogout(sign(goodLogout().request(), foreign, dsig.RSASHA256SignatureMethod)))
	if err == nil || !strings.Contains(err.Error(), "signed by SHA-256 "+fingerprint(foreign.certificate)) {
		t.Errorf("by POST: %v", err)
	}
	_, _, err = p.Ended(t.Context(), p.c, back, redirected(goodLogout().request(), &foreign))
	if err == nil || !strings.Contains(err.Error(), "has SHA-256 "+fingerprint(theirKey().certificate)) {
		t.Errorf("by redirect: %v", err)
	}
}

// What is encrypted in a way that is not taken says what to choose there, and no setting of ours.
func TestWhatIsEncryptedOtherwiseSaysWhatToChoose(t *testing.T) {
	p := newPlace(t)
	s := good(p.request)
	s.encrypts, s.cipher = certificateOfOwn(t, firstOwnKey()), xmlenc.AES256CBC
	_, err := p.answer(t, s.response())
	if federation.ReasonOf(err) != federation.BadSignature || !strings.Contains(err.Error(), "aes256-cbc) and not signed as a whole: choose AES-GCM there") ||
		strings.Contains(err.Error(), "Require") {
		t.Errorf("got %v", err)
	}
}
