package saml

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml/xmlenc"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/russellhaering/goxmldsig/etreeutils"

	"github.com/minddistrict/idp/federation"
)

// forger makes the assertion of who attacks, with an identifier: somebody else's name is in it.
type forger func(id string) *etree.Element

func (s said) forges(id string) *etree.Element {
	s.id, s.signsAssertion, s.encrypts = id, false, nil
	s.subject = strings.Replace(s.subject, somebody, "manager", 1)
	return parsed(s.plainAssertion())
}

// part is the first element of a name.
func part(root *etree.Element, name string) *etree.Element {
	if root.Tag == name {
		return root
	}
	return root.FindElement(".//" + name)
}

func without(e *etree.Element, name string) *etree.Element {
	e = e.Copy()
	for _, child := range named(e, name) {
		e.RemoveChild(child)
	}
	return e
}

func signatureOf(e *etree.Element) *etree.Element { return named(e, "Signature")[0] }

// wrappings are the eight ways of signature wrapping (Somorovsky and others, "On Breaking SAML: Be Whoever You Want to Be",
// in the order of SAML Raider): they make an element that is not signed of a document with one that is.
var wrappings = []func(evil forger, response *etree.Element, id string) *etree.Element{
	func(evil forger, r *etree.Element, id string) *etree.Element { // 1: the signed response stands in the signature of another
		other := without(r, "Signature")
		other.CreateAttr("ID", id)
		replaceAssertion(other, evil("_evil"))
		sig := signatureOf(r).Copy()
		sig.AddChild(without(r, "Signature"))
		other.InsertChildAt(1, sig)
		return other
	},
	func(evil forger, r *etree.Element, id string) *etree.Element { // 2: … beside it
		other := without(r, "Signature")
		other.CreateAttr("ID", id)
		replaceAssertion(other, evil("_evil"))
		other.InsertChildAt(1, signatureOf(r).Copy())
		other.InsertChildAt(1, without(r, "Signature"))
		return other
	},
	func(evil forger, r *etree.Element, id string) *etree.Element { // 3: another assertion before the signed one
		r.InsertChildAt(part(r, "Assertion").Index(), evil(id))
		return r
	},
	func(evil forger, r *etree.Element, id string) *etree.Element { // 4: … around it
		signed := part(r, "Assertion").Copy()
		e := evil(id)
		e.AddChild(signed)
		replaceAssertion(r, e)
		return r
	},
	func(evil forger, r *etree.Element, id string) *etree.Element { // 5: … with its signature, and it at the end
		signed := part(r, "Assertion").Copy()
		e := evil(id)
		e.InsertChildAt(1, signatureOf(signed).Copy())
		replaceAssertion(r, e)
		r.AddChild(without(signed, "Signature"))
		return r
	},
	func(evil forger, r *etree.Element, id string) *etree.Element { // 6: … in its signature
		signed := part(r, "Assertion").Copy()
		e, sig := evil(id), signatureOf(signed).Copy()
		sig.AddChild(without(signed, "Signature"))
		e.InsertChildAt(1, sig)
		replaceAssertion(r, e)
		return r
	},
	func(evil forger, r *etree.Element, id string) *etree.Element { // 7: … in Extensions
		ext := etree.NewElement("samlp:Extensions")
		ext.AddChild(evil(id))
		r.InsertChildAt(part(r, "Assertion").Index(), ext)
		return r
	},
	func(evil forger, r *etree.Element, id string) *etree.Element { // 8: the signed one in an Object of the signature of the other
		signed := part(r, "Assertion").Copy()
		e, sig := evil(id), signatureOf(signed).Copy()
		object := etree.NewElement("ds:Object")
		object.AddChild(without(signed, "Signature"))
		sig.AddChild(object)
		e.InsertChildAt(1, sig)
		replaceAssertion(r, e)
		return r
	},
}

func replaceAssertion(r, by *etree.Element) {
	old := named(r, "Assertion")[0]
	at := old.Index()
	r.RemoveChild(old)
	r.InsertChildAt(at, by)
}

// Neither sieve is needed for another to refuse a wrapped signature.
func TestWrappedSignaturesAreRefused(t *testing.T) {
	for i, wrap := range wrappings {
		for _, id := range []string{"same", "_evil2"} {
			for _, off := range []switches{{}, {shape: true}, {shape: true, profile: true}} {
				t.Run(fmt.Sprintf("XSW%d %s %+v", i+1, id, off), func(t *testing.T) {
					p := newPlace(t)
					p.off = off
					s := good(p.request)
					s.signsAssertion, s.signsResponse = i >= 2, i < 2
					as := id
					if as == "same" {
						as = map[bool]string{true: s.id, false: s.answer}[i >= 2]
					}
					a, err := p.answer(t, written(wrap(s.forges, parsed(s.response()), as)))
					if err == nil && a.Subject != somebody {
						t.Fatalf("taken: %+v", a)
					}
					if err == nil && off == (switches{}) {
						t.Errorf("taken, although it says who was signed")
					}
				})
			}
		}
	}
}

// edited is a good response whose signature says something else, and is made by the right key all the same.
func edited(t *testing.T, s said, edit func(assertion, info *etree.Element)) string {
	t.Helper()
	r := parsed(s.response())
	a := part(r, "Assertion")
	sig := signatureOf(a)
	info := named(sig, "SignedInfo")[0]
	edit(a, info)
	ctx, err := etreeutils.NSBuildParentContext(info)
	if err != nil {
		t.Fatal(err)
	}
	detached, err := etreeutils.NSDetatch(ctx, info)
	if err != nil {
		t.Fatal(err)
	}
	canonical, err := dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("").Canonicalize(detached)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(canonical)
	value, err := s.by.key.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	named(sig, "SignatureValue")[0].SetText(base64.StdEncoding.EncodeToString(value))
	return written(r)
}

// A key that is right does not make a signature right.
func TestSignaturesHaveOneProfile(t *testing.T) {
	reference := func(info *etree.Element) *etree.Element { return named(info, "Reference")[0] }
	transforms := func(info *etree.Element) *etree.Element { return named(reference(info), "Transforms")[0] }
	empty := sha256.Sum256(nil)
	for name, edit := range map[string]func(a, info *etree.Element){
		"a second Reference": func(_, info *etree.Element) { info.AddChild(reference(info).Copy()) },
		"a second Reference, to something else": func(_, info *etree.Element) {
			other := reference(info).Copy()
			other.CreateAttr("URI", "#_response1")
			info.InsertChildAt(reference(info).Index(), other)
		},
		"no URI":                    func(_, info *etree.Element) { reference(info).RemoveAttr("URI") },
		"URI of the whole document": func(_, info *etree.Element) { reference(info).CreateAttr("URI", "") },
		"URI of another element":    func(_, info *etree.Element) { reference(info).CreateAttr("URI", "#_response1") },
		"URI of an XPointer":        func(_, info *etree.Element) { reference(info).CreateAttr("URI", "#xpointer(/)") },
		"no canonicalisation":       func(_, info *etree.Element) { transforms(info).RemoveChildAt(1) },
		"no transform":              func(_, info *etree.Element) { reference(info).RemoveChild(transforms(info)) },
		"a stylesheet": func(_, info *etree.Element) {
			transforms(info).CreateElement("ds:Transform").CreateAttr("Algorithm", "http://www.w3.org/TR/1999/REC-xslt-19991116")
		},
		"an XPath": func(_, info *etree.Element) {
			transforms(info).CreateElement("ds:Transform").CreateAttr("Algorithm", "http://www.w3.org/2002/06/xmldsig-filter2")
		},
		"void canonicalisation: nothing is what was digested": func(a, info *etree.Element) {
			a.CreateAttr("xmlns:x", "1")
			named(reference(info), "DigestValue")[0].SetText(base64.StdEncoding.EncodeToString(empty[:]))
		},
		"void canonicalisation of SignedInfo": func(_, info *etree.Element) {
			named(info, "CanonicalizationMethod")[0].CreateAttr("Algorithm", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315")
			info.CreateAttr("xmlns:x", "relative")
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			p.refused(t, edited(t, good(p.request), edit), federation.BadSignature, federation.BadForm)
		})
	}
	p := newPlace(t) // and the tool of this test makes good ones
	if _, err := p.answer(t, edited(t, good(p.request), func(*etree.Element, *etree.Element) {})); err != nil {
		t.Error(err)
	}
}

func TestWhatAnAssertionSaysIsForUsNow(t *testing.T) {
	other := newTrip("lindehof")
	for name, test := range map[string]struct {
		change func(*said)
		want   federation.Reason
	}{
		"of another issuer":              {func(s *said) { s.issuer = "https://idp.other.example" }, federation.BadAudience},
		"of an issuer with a slash more": {func(s *said) { s.issuer += "/" }, federation.BadAudience},
		"for another audience":           {func(s *said) { s.audience = "https://other.example/metadata" }, federation.BadAudience},
		"for another connection":         {func(s *said) { s.audience = strings.Replace(ours, "lindehof", "beukenhof", 1) }, federation.BadAudience},
		"for another recipient":          {func(s *said) { s.recipient = "https://other.example/acs" }, federation.BadAudience},
		"for another destination":        {func(s *said) { s.destination = "https://other.example/acs" }, federation.BadAudience},
		"without InResponseTo":           {func(s *said) { s.confirms, s.inResponse = "", "" }, federation.Unsolicited},
		"in answer to another request":   {func(s *said) { s.confirms, s.inResponse = other.ID, other.ID }, federation.Unsolicited},
		"confirmed for another request":  {func(s *said) { s.confirms = other.ID }, federation.Unsolicited},
		"expired by 61 seconds":          {func(s *said) { s.ends = now.Add(-61 * time.Second) }, federation.BadTime},
		"expired long ago":               {func(s *said) { s.ends = now.Add(-time.Hour) }, federation.BadTime},
		"early by 61 seconds":            {func(s *said) { s.before = now.Add(61 * time.Second) }, federation.BadTime},
		"issued in the future":           {func(s *said) { s.issued = now.Add(61 * time.Second) }, federation.BadTime},
		"issued long ago":                {func(s *said) { s.issued = now.Add(-time.Hour) }, federation.BadTime},
		"signed in in the future":        {func(s *said) { s.authn = now.Add(2 * time.Minute) }, federation.BadTime},
		"without a NameID":               {func(s *said) { s.subject = "" }, federation.BadForm},
		"with an empty NameID":           {func(s *said) { s.subject = "<saml:NameID></saml:NameID>" }, federation.BadForm},
		"with a condition nobody knows":  {func(s *said) { s.condition = `<x:Delegate xmlns:x="urn:x"></x:Delegate>` }, federation.BadForm},
		"with two AuthnStatements": {func(s *said) {
			s.statements = `<saml:AuthnStatement AuthnInstant="` + at(now) + `"></saml:AuthnStatement>`
		}, federation.BadForm},
		"signed with SHA-1":                {func(s *said) { s.method = dsig.RSASHA1SignatureMethod }, federation.BadSignature},
		"signed by a stranger":             {func(s *said) { s.by = foreignKey() }, federation.BadSignature},
		"not signed":                       {func(s *said) { s.signsAssertion = false }, federation.BadSignature},
		"not signed, and encrypted for us": {func(s *said) { s.signsAssertion, s.encrypts = false, certificateOfOwn(t, firstOwnKey()) }, federation.BadSignature},
		"encrypted for somebody else":      {func(s *said) { s.encrypts = foreignKey().certificate }, federation.BadSignature},
		"AES-CBC without a signed response": {func(s *said) {
			s.encrypts, s.cipher = certificateOfOwn(t, firstOwnKey()), xmlenc.AES256CBC
		}, federation.BadSignature},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			s := good(p.request)
			test.change(&s)
			p.refused(t, s.response(), test.want)
		})
	}
	// No signature of the response makes any of that better, and none is accepted beside a good one.
	p := newPlace(t)
	s := good(p.request)
	s.signsAssertion = false
	forged := sign(s.response(), foreignKey(), s.method)
	p.refused(t, forged, federation.BadSignature)
	s.signsAssertion = true
	p.refused(t, sign(s.response(), foreignKey(), s.method), federation.BadSignature)
}

// What no honest message needs is refused before a signature is looked at.
func TestShapesThatAreRefused(t *testing.T) {
	replace := func(old, by string) func(string) string {
		return func(r string) string {
			if !strings.Contains(r, old) {
				panic(old)
			}
			return strings.Replace(r, old, by, 1)
		}
	}
	bomb := `<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>`
	for name, change := range map[string]func(string) string{
		"a comment in the NameID":        replace(somebody, somebody[:9]+"<!-- -->"+somebody[9:]),
		"a comment at the end":           func(r string) string { return r + "<!-- -->" },
		"an instruction in the NameID":   replace(somebody, somebody[:9]+"<?x y?>"+somebody[9:]),
		"an instruction at the start":    func(r string) string { return `<?xml-stylesheet href="x"?>` + r },
		"an XML declaration further on":  replace("<saml:Subject>", `<?xml version="1.0"?><saml:Subject>`),
		"a document type":                func(r string) string { return `<!DOCTYPE samlp:Response>` + r },
		"an external document type":      func(r string) string { return `<!DOCTYPE r SYSTEM "https://evil.example/x.dtd">` + r },
		"an external entity":             func(r string) string { return `<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>` + r },
		"entities that multiply":         func(r string) string { return bomb + strings.Replace(r, somebody, "&c;", 1) },
		"an entity nobody declared":      replace(somebody, "&x;"),
		"another encoding":               func(r string) string { return `<?xml version="1.0" encoding="utf-7"?>` + r },
		"two assertions":                 func(r string) string { return doubled(r, false) },
		"two assertions of two IDs":      func(r string) string { return doubled(r, true) },
		"no assertion":                   func(r string) string { return r[:strings.Index(r, "<saml:Assertion")] + "</samlp:Response>" },
		"text after the end":             func(r string) string { return r + "x" },
		"a second root":                  func(r string) string { return r + "<x></x>" },
		"an attribute twice":             replace(` Version="2.0"`, ` Version="2.0" Version="2.0"`),
		"an identifier twice":            replace(`<saml:Subject>`, `<saml:Subject ID="_assertion1">`),
		"an identifier of another case":  replace(`<saml:Subject>`, `<saml:Subject Id="_assertion1">`),
		"a prefix that is not declared":  replace(`<saml:Subject>`, `<saml:Subject x:y="z">`),
		"an element without its prefix":  replace(`<samlp:Status>`, `<samlp:Status><x:y></x:y>`),
		"a relative namespace":           replace(`<samlp:Status>`, `<samlp:Status xmlns:x="1">`),
		"a prefix that is taken back":    replace(`<samlp:Status>`, `<samlp:Status xmlns:samlp="">`),
		"an assertion of no namespace":   replace(`<samlp:Status>`, `<Assertion></Assertion><samlp:Status>`),
		"an assertion in Advice":         replace(`<saml:Subject>`, `<saml:Advice><saml:Assertion></saml:Assertion></saml:Advice><saml:Subject>`),
		"a signature elsewhere":          replace(`<saml:Subject>`, `<saml:Subject><ds:Signature xmlns:ds="`+nsSignature+`"></ds:Signature>`),
		"a response in a response":       replace(`<samlp:Status>`, `<samlp:Response></samlp:Response><samlp:Status>`),
		"elements 33 deep":               replace(`<samlp:Status>`, strings.Repeat("<samlp:x>", 33)+strings.Repeat("</samlp:x>", 33)+`<samlp:Status>`),
		"257 KiB":                        func(r string) string { return r + strings.Repeat(" ", 257<<10) },
		"not XML":                        func(string) string { return "SAMLResponse" },
		"nothing":                        func(string) string { return "" },
		"half of it":                     func(r string) string { return r[:len(r)/2] },
		"an end that is missing":         replace(`</saml:Subject>`, ``),
		"a byte that is no character":    replace(somebody, "\x01"),
		"a byte that is no UTF-8":        replace(somebody, "\xff"),
		"an attribute without quotes":    replace(`Version="2.0"`, `Version=2.0`),
		"an HTML entity":                 replace(somebody, "&nbsp;"),
		"a declaration of the xml space": replace(`<samlp:Status>`, `<samlp:Status xmlns:xml="urn:x">`),
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			s := good(p.request)
			began := time.Now()
			p.refused(t, change(s.response()), federation.BadForm)
			if _, err := lookAnswer([]byte(change(s.response()))); !errors.Is(err, errShape) {
				t.Errorf("the sieve before the library: %v", err)
			}
			if took := time.Since(began); took > time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}

// Whoever signs it, a response has one assertion.
func TestASignedResponseHasOneAssertion(t *testing.T) {
	p := newPlace(t)
	s := good(p.request)
	s.signsAssertion = false
	for _, r := range []string{doubled(s.response(), true), s.with(success, "")} {
		p.refused(t, sign(r, s.by, s.method), federation.BadForm)
	}
}

// Our key is public: whoever has a signed assertion can encrypt it with something in it that no signature covers.
func TestWhatWasEncryptedIsLookedAt(t *testing.T) {
	for _, inserted := range []string{"<!-- -->", "<?x y?>"} {
		p := newPlace(t)
		s := good(p.request)
		s.encrypts, s.inserted = certificateOfOwn(t, firstOwnKey()), inserted
		p.refused(t, s.response(), federation.BadSignature)
	}
}

func doubled(r string, otherID bool) string {
	from, to := strings.Index(r, "<saml:Assertion"), strings.Index(r, "</samlp:Response>")
	again := r[from:to]
	if otherID {
		again = strings.ReplaceAll(again, "_assertion1", "_assertion2")
	}
	return r[:to] + again + r[to:]
}

// Where a comment comes through, what is read is what is signed, whole.
func TestACommentTruncatesNothing(t *testing.T) {
	p := newPlace(t)
	p.off = switches{shape: true, profile: true}
	r := strings.Replace(good(p.request).response(), somebody, somebody[:9]+"<!-- -->"+somebody[9:], 1)
	a, err := p.answer(t, r)
	if err != nil || a.Subject != somebody {
		t.Errorf("got %q, %v", a.Subject, err)
	}
}

// A declaration named as an attribute is none, and what exclusive canonicalisation leaves out changes nothing.
func TestNamespacesChangeNothingThatIsRead(t *testing.T) {
	for _, trick := range []string{
		`xmlns:Recipient="https://evil.example/acs"`, `xmlns:InResponseTo="urn:x"`, `xmlns:ID="urn:x"`, `xmlns:NotOnOrAfter="urn:2099-01-01"`,
		`xmlns:Format="urn:oasis:names:tc:SAML:2.0:nameid-format:transient"`, `xmlns:NameQualifier="urn:evil"`, `xmlns:Name="urn:x"`,
	} {
		for _, into := range []string{"saml:SubjectConfirmationData ", "saml:Assertion ", "saml:NameID ", "saml:Attribute ", "samlp:Response "} {
			p := newPlace(t)
			a, err := p.answer(t, strings.Replace(good(p.request).response(), "<"+into, "<"+into+trick+" ", 1))
			if err == nil && !reflect.DeepEqual(a, want()) {
				t.Errorf("%s in %s: %+v", trick, into, a)
			}
		}
	}
}

// A key of the other side is public: it must not serve as a secret.
func TestNoSignatureIsMadeOfWhatIsPublic(t *testing.T) {
	for _, method := range []string{
		"http://www.w3.org/2000/09/xmldsig#hmac-sha1", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256", "none", "",
		"http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
	} {
		p := newPlace(t)
		s := good(p.request)
		r := parsed(s.response())
		sig := signatureOf(part(r, "Assertion"))
		part(sig, "SignatureMethod").CreateAttr("Algorithm", method)
		mac := hmac.New(sha256.New, s.by.certificate.Raw)
		mac.Write([]byte(written(named(sig, "SignedInfo")[0])))
		named(sig, "SignatureValue")[0].SetText(base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		p.refused(t, written(r), federation.BadSignature, federation.BadForm)
	}
}

// Ciphertext of any length is refused, and harms nobody (CVE-2023-28119).
func TestOddBlocksAreRefused(t *testing.T) {
	for _, cipher := range []xmlenc.BlockCipher{xmlenc.AES128CBC, xmlenc.AES256CBC, xmlenc.AES256GCM, xmlenc.TripleDES} {
		for _, length := range []int{0, 1, 7, 8, 15, 16, 17, 24, 31, 32, 33, 47, 48, 49, 1000} {
			p := newPlace(t)
			p.c.SAML.CBC = true
			s := good(p.request)
			s.encrypts, s.cipher = certificateOfOwn(t, firstOwnKey()), cipher
			r := parsed(s.response())
			values := r.FindElements("//EncryptedData/CipherData/CipherValue")
			odd := make([]byte, length)
			_, _ = rand.Read(odd)
			values[len(values)-1].SetText(base64.StdEncoding.EncodeToString(odd))
			p.refused(t, written(r), federation.BadSignature, federation.BadForm)
		}
	}
}

// Whether something was opened is not to be seen from the reason: one reason and one detail for all.
func TestNothingTellsWhetherSomethingWasOpened(t *testing.T) {
	seen := map[string]bool{}
	for i := range 64 {
		p := newPlace(t)
		p.c.SAML.CBC = true
		s := good(p.request)
		s.encrypts, s.cipher = certificateOfOwn(t, firstOwnKey()), xmlenc.AES128CBC
		r := parsed(s.response())
		values := r.FindElements("//EncryptedData/CipherData/CipherValue")
		raw, err := base64.StdEncoding.DecodeString(values[len(values)-1].Text())
		if err != nil {
			t.Fatal(err)
		}
		raw[len(raw)-1-i%32] ^= byte(1 + i)
		values[len(values)-1].SetText(base64.StdEncoding.EncodeToString(raw))
		_, err = p.answer(t, written(r))
		if err == nil {
			t.Fatal("taken")
		}
		seen[string(federation.ReasonOf(err))] = true
	}
	if len(seen) != 1 {
		t.Errorf("reasons %v", seen)
	}
}

// Changing any byte of what is signed is refused; what is not signed changes nothing that is read.
func TestEveryByteThatIsSignedCounts(t *testing.T) {
	for name, change := range map[string]func(*said){
		"assertion": func(*said) {}, "response": func(s *said) { s.signsAssertion, s.signsResponse = false, true },
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			s := good(p.request)
			change(&s)
			r := s.response()
			root := "<saml:Assertion"
			if s.signsResponse {
				root = "<samlp:Response"
			}
			from, to := strings.Index(r, root), strings.LastIndex(r, "</"+root[1:]+">")+len(root)+2
			loose := func(at int) bool { // of the signature only SignedInfo is signed
				sig := strings.Index(r, "</ds:SignedInfo>") + len("</ds:SignedInfo>")
				return at < from || at >= to || at >= sig && at < strings.Index(r, "</ds:Signature>")
			}
			from64, to64 := strings.Index(r, "<ds:X509Certificate>"), strings.Index(r, "</ds:X509Certificate>")
			for at := 0; at < len(r); at++ {
				if at > from64+40 && at < to64 {
					at += 20 // a certificate that nobody reads
				}
				if s.signsResponse && at > len(r)/4 {
					at = min(at+4, len(r)-1)
				}
				changed := []byte(r)
				changed[at] ^= 1 << (at % 7)
				a, err := p.answer(t, string(changed))
				switch {
				case err != nil:
				case !reflect.DeepEqual(a, want()):
					t.Fatalf("byte %d: %+v", at, a)
				case !loose(at):
					t.Errorf("byte %d (%.20q) is taken as %.20q", at, r[at:], changed[at:])
				}
				clear(p.store.used)
			}
		})
	}
}
