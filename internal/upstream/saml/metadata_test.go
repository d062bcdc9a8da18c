package saml

import (
	"bytes"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	dsig "github.com/russellhaering/goxmldsig"

	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/fault"
)

func pemOf(p pair) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.certificate.Raw}))
}

// several is metadata of a federation: of two entities, in groups.
func several(entity, until string) string {
	other := strings.ReplaceAll(strings.Replace(entity, theirs, "https://idp.other.example", 1), "_m1", "_m2")
	return `<md:EntitiesDescriptor xmlns:md="` + nsMetadata + `" ID="_all" validUntil="` + until + `"><md:EntitiesDescriptor>` + other +
		`</md:EntitiesDescriptor><md:EntitiesDescriptor>` + entity + `</md:EntitiesDescriptor></md:EntitiesDescriptor>`
}

func TestMetadataThatIsTaken(t *testing.T) {
	const later = "2027-01-01T00:00:00Z"
	one := theirMetadata(theirKey())
	signed := federation.SAMLSettings{EntityID: theirs, MetadataKey: pemOf(foreignKey())}
	for name, test := range map[string]struct {
		settings federation.SAMLSettings
		body     string
		keys     int
	}{
		"of one entity":                {federation.SAMLSettings{EntityID: theirs}, one, 1},
		"with a byte order mark":       {federation.SAMLSettings{EntityID: theirs}, "\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- x -->" + one, 1},
		"of 1 MiB":                     {federation.SAMLSettings{EntityID: theirs}, one + strings.Repeat(" ", federation.MaxMetadata-len(one)), 1},
		"with two keys, one expired":   {federation.SAMLSettings{EntityID: theirs}, theirMetadata(theirKey(), expiredKey()), 2},
		"with a key on a curve":        {federation.SAMLSettings{EntityID: theirs}, theirMetadata(newECPair()), 1},
		"of several entities":          {federation.SAMLSettings{EntityID: theirs}, several(one, later), 1},
		"signed":                       {signed, sign(one, foreignKey(), dsig.RSASHA256SignatureMethod), 1},
		"of several, signed":           {signed, sign(several(one, later), foreignKey(), dsig.RSASHA256SignatureMethod), 1},
		"that ran out, of https alone": {federation.SAMLSettings{EntityID: theirs}, several(one, "2026-01-01T00:00:00Z"), 1},
	} {
		e, err := readMetadata(test.settings, []byte(test.body), now)
		if err != nil || len(e.certificates) != test.keys {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMetadataThatIsRefused(t *testing.T) {
	one := theirMetadata(theirKey())
	plain := federation.SAMLSettings{EntityID: theirs}
	signed := federation.SAMLSettings{EntityID: theirs, MetadataKey: pemOf(foreignKey())}
	good := sign(one, foreignKey(), dsig.RSASHA256SignatureMethod)
	for name, test := range map[string]struct {
		settings federation.SAMLSettings
		body     string
		want     string
	}{
		"a weak key":              {plain, theirMetadata(theirKey(), weakKey()), "1024 bits"},
		"of another entity":       {federation.SAMLSettings{EntityID: theirs + "/"}, one, "wanted is"},
		"not among several":       {federation.SAMLSettings{EntityID: "urn:x"}, several(one, "2027-01-01T00:00:00Z"), "is not in it"},
		"without a key":           {plain, theirMetadata(), "no certificate"},
		"by http":                 {plain, strings.ReplaceAll(one, `Location="https:`, `Location="http:`), "no address"},
		"of a service":            {plain, strings.ReplaceAll(one, "IDPSSODescriptor", "SPSSODescriptor"), "no certificate"},
		"of SAML 1.1":             {plain, strings.Replace(one, `Enumeration="`+nsProtocol, `Enumeration="urn:oasis:names:tc:SAML:1.1:protocol`, 1), "no certificate"},
		"a document type":         {plain, "<!DOCTYPE x>" + one, "document type"},
		"an instruction":          {plain, "<?xml-stylesheet href='x'?>" + one, "instruction"},
		"not XML":                 {plain, "<html><p>404</html>", ""},
		"nothing":                 {plain, "", ""},
		"1 MiB and more":          {plain, one + strings.Repeat(" ", federation.MaxMetadata), "more than 1048576 bytes: of one provider"},
		"10 MiB":                  {plain, strings.Repeat("<!-- -->", 10<<17) + one, "more than 1048576 bytes"},
		"not signed":              {signed, one, "not signed"},
		"signed by another":       {signed, sign(one, theirKey(), dsig.RSASHA256SignatureMethod), ""},
		"signed with SHA-1":       {signed, sign(one, foreignKey(), dsig.RSASHA1SignatureMethod), "sha1"},
		"changed after":           {signed, strings.Replace(good, "/sso", "/evil", 1), ""},
		"wrapped":                 {signed, several(good, "2027-01-01T00:00:00Z"), ""},
		"that ran out":            {signed, sign(several(one, "2026-11-01T00:00:00Z"), foreignKey(), dsig.RSASHA256SignatureMethod), "validUntil"},
		"a pinned key that is no": {federation.SAMLSettings{EntityID: theirs, MetadataKey: "x"}, good, "metadata_key"},
	} {
		_, err := readMetadata(test.settings, []byte(test.body), now)
		if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
}

// site serves metadata that a test changes.
type site struct {
	*httptest.Server
	body string
	read int
}

func newSite(t *testing.T, p *place) *site {
	t.Helper()
	s := &site{body: theirMetadata(theirKey())}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s.read++
		if s.body == "" {
			http.Error(w, "maintenance", http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte(s.body))
	}))
	t.Cleanup(s.Close)
	p.c.SAML.Metadata, p.c.SAML.MetadataURL = "", s.URL
	return s
}

// later is a good response of that time.
func (p *place) later(by time.Duration) said {
	p.now = p.now.Add(by)
	s := good(p.request)
	s.issued, s.before, s.ends, s.authn = p.now, p.now, p.now.Add(time.Minute), p.now
	s.id = "_a" + base64.RawURLEncoding.EncodeToString([]byte(p.now.String()))
	return s
}

func TestMetadataIsReadOnceADay(t *testing.T) {
	p := newPlace(t)
	s := newSite(t, p)
	for i, want := range []int{1, 1, 1, 2} { // at the first sign-in, and 24 hours later
		if _, err := p.SignInRedirect(t.Context(), p.c, p.request, back); err != nil {
			t.Fatal(err)
		}
		if err := p.Refresh(t.Context(), p.c); err != nil || s.read != want {
			t.Errorf("%d: read %d times, %v", i, s.read, err)
		}
		p.now = p.now.Add(8*time.Hour + time.Second)
	}
	if len(p.news) != 0 {
		t.Errorf("news %+v", p.news)
	}
}

func TestTheLastGoodCopyCounts(t *testing.T) {
	for _, broken := range []string{"", "<html>", theirMetadata(weakKey()), strings.Replace(theirMetadata(theirKey()), theirs, "urn:x", 1)} {
		p := newPlace(t)
		s := newSite(t, p)
		if err := p.Refresh(t.Context(), p.c); err != nil {
			t.Fatal(err)
		}
		s.body = broken
		p.now = p.now.Add(25 * time.Hour)
		if err := p.Refresh(t.Context(), p.c); err == nil {
			t.Error("no error")
		}
		if _, err := p.answer(t, p.later(time.Minute).response()); err != nil {
			t.Errorf("%v", err)
		}
		d := p.store.documents["lindehof"]
		if d.LastError == "" || !d.ReadAt.Equal(now) || !bytes.Contains(d.Body, []byte(theirs)) {
			t.Errorf("kept %+v", d)
		}
		if !strings.Contains(p.log.String(), "reading an upstream's metadata") {
			t.Errorf("log %s", p.log)
		}
		read := s.read
		if err := p.Refresh(t.Context(), p.c); err != nil || s.read != read {
			t.Errorf("at once again: %v", err)
		}
		s.body = theirMetadata(theirKey())
		p.now = p.now.Add(time.Hour)
		if err := p.Refresh(t.Context(), p.c); err != nil || p.store.documents["lindehof"].LastError != "" {
			t.Errorf("an hour later: %v", err)
		}
	}
}

// What is at the address and is no metadata is a mistake in the settings, of which the address and what came are said.
// No answer, or one of trouble there, is one that comes later. The same is said until the next try.
func TestWhatIsAtTheAddressOfMetadata(t *testing.T) {
	for name, test := range map[string]struct {
		status     int
		kind, body string
		want       federation.Reason
		says       []string
	}{
		"a page":           {200, "text/html; charset=utf-8", "<!doctype html><title>Log in</title>", federation.Misconfigured, []string{"status 200 with text/html"}},
		"nothing":          {200, "", "", federation.Misconfigured, []string{"status 200"}},
		"no such address":  {404, "text/html", "<h1>Not found</h1>", federation.Misconfigured, []string{"status 404 with text/html"}},
		"for somebody":     {403, "text/plain", "no", federation.Misconfigured, []string{"status 403"}},
		"another entity":   {200, "application/xml", strings.Replace(theirMetadata(theirKey()), theirs, "urn:x", 1), federation.Misconfigured, []string{`of entity "urn:x", wanted is "` + theirs + `"`}},
		"a weak key":       {200, "application/xml", theirMetadata(weakKey()), federation.Misconfigured, []string{"1024 bits"}},
		"trouble there":    {503, "text/html", "maintenance", federation.Unreachable, []string{"status 503"}},
		"too often":        {429, "text/plain", "later", federation.Unreachable, []string{"status 429"}},
		"an empty promise": {302, "", "", federation.Misconfigured, []string{"status 302", "which leads to https://idp.lindehof.example/login"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if w.Header()["Content-Type"] = nil; test.kind != "" {
					w.Header().Set("Content-Type", test.kind)
				}
				if test.status == http.StatusFound {
					w.Header().Set("Location", "https://idp.lindehof.example/login")
				}
				w.WriteHeader(test.status)
				_, _ = w.Write([]byte(test.body))
			}))
			t.Cleanup(server.Close)
			p.c.SAML.Metadata, p.c.SAML.MetadataURL = "", server.URL+"/metadata"
			client := server.Client()
			client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
			node := p.node(client)
			var first string
			for i := range 2 {
				_, err := node.SignInRedirect(t.Context(), p.c, p.request, back)
				if federation.ReasonOf(err) != test.want {
					t.Fatalf("%d: got %v, want %s", i, err, test.want)
				}
				for _, says := range append(test.says, server.URL+"/metadata") {
					if !strings.Contains(err.Error(), says) {
						t.Errorf("%d: no %q in %v", i, says, err)
					}
				}
				if i == 0 {
					first = err.Error()
				} else if err.Error() != first {
					t.Errorf("again: %v, first %s", err, first)
				}
			}
			if server.Close(); test.want == federation.Misconfigured {
				p.now = p.now.Add(readFirst)
				if _, err := node.SignInRedirect(t.Context(), p.c, p.request, back); federation.ReasonOf(err) != federation.Unreachable {
					t.Errorf("nobody answers: %v", err)
				}
			}
		})
	}
}

// While there is none, it is tried at most every 30 seconds, and people get a page.
func TestNoMetadataYet(t *testing.T) {
	p := newPlace(t)
	s := newSite(t, p)
	s.body = ""
	for range 5 {
		if _, err := p.SignInRedirect(t.Context(), p.c, p.request, back); federation.ReasonOf(err) != federation.Unreachable {
			t.Errorf("got %v", err)
		}
	}
	if s.read != 1 {
		t.Errorf("read %d times", s.read)
	}
	s.body = theirMetadata(theirKey())
	p.now = p.now.Add(readFirst)
	if _, err := p.SignInRedirect(t.Context(), p.c, p.request, back); err != nil {
		t.Error(err)
	}
}

// Whoever mends the settings need not wait for the next try: another address, or another entity, is read at once.
func TestChangedSettingsAreReadAtOnce(t *testing.T) {
	p := newPlace(t)
	s := newSite(t, p)
	right, address := p.c.SAML, s.URL
	away := func(settings federation.SAMLSettings, want federation.Reason, reads int) {
		t.Helper()
		p.c.SAML = settings
		for range 3 {
			if _, err := p.SignInRedirect(t.Context(), p.c, p.request, back); federation.ReasonOf(err) != want {
				t.Errorf("got %v, want %q", err, want)
			}
		}
		if s.read != reads {
			t.Errorf("read %d times, want %d", s.read, reads)
		}
	}
	other, down := right, right
	other.EntityID, down.MetadataURL = "urn:x", "http://127.0.0.1:1/metadata"
	away(down, federation.Unreachable, 0)
	away(other, federation.Misconfigured, 1)
	right.MetadataURL = address + "/other"
	away(right, "", 2)
}

// What was read at one address says nothing of who signs at another: not while that one is away, not to who looks what
// is known, and not because a node that has the old settings reads there once more. Its keys are told as new.
func TestTheCopyBelongsToItsAddress(t *testing.T) {
	p := newPlace(t)
	s := newSite(t, p)
	store := p.o.Store.(*shared)
	if _, err := p.SignInRedirect(t.Context(), p.c, p.request, back); err != nil {
		t.Fatal(err)
	}
	behind := *p.c // of a node that has not heard of it
	p.c.SAML.MetadataURL = s.URL + "/other"
	store.moved(p.c.ID, p.c.SAML.MetadataURL)
	s.body = ""
	if _, err := p.SignInRedirect(t.Context(), p.c, p.request, back); federation.ReasonOf(err) != federation.Unreachable {
		t.Errorf("the other address is away: %v", err)
	}
	if _, err := p.answer(t, p.later(time.Second).response()); federation.ReasonOf(err) != federation.Unreachable {
		t.Errorf("an answer by a key of the old address: %v", err)
	}
	if k, err := Knows(t.Context(), p.o.Store, p.c, p.now); err != nil || k.Certificates != nil || !k.ReadAt.IsZero() || k.LastError == "" {
		t.Errorf("known is %+v, %v", k, err)
	}
	s.body = theirMetadata(theirKey())
	p.now = p.now.Add(readFirst)
	if _, err := p.SignInRedirect(t.Context(), &behind, p.request, back); err != nil {
		t.Errorf("the node that is behind: %v", err)
	}
	s.body = ""
	if _, err := p.SignInRedirect(t.Context(), p.c, p.request, back); federation.ReasonOf(err) != federation.Unreachable {
		t.Errorf("what the node read that is behind counts: %v", err)
	}
	s.body, p.news = theirMetadata(foreignKey()), nil
	p.now = p.now.Add(readFirst)
	if _, err := p.SignInRedirect(t.Context(), p.c, p.request, back); err != nil {
		t.Fatal(err)
	}
	if want := []News{{Keys: []string{fingerprint(foreignKey().certificate)}}}; !reflect.DeepEqual(p.news, want) {
		t.Errorf("news %+v, want %+v", p.news, want)
	}
}

func TestANewKeyIsReadAtOnceAndTold(t *testing.T) {
	p := newPlace(t)
	s := newSite(t, p)
	if err := p.Refresh(t.Context(), p.c); err != nil {
		t.Fatal(err)
	}
	s.body = theirMetadata(theirKey(), foreignKey())
	answer := p.later(readUnknown)
	answer.by = foreignKey()
	if _, err := p.answer(t, answer.response()); err != nil {
		t.Fatal(err)
	}
	if want := []News{{Keys: []string{fingerprint(foreignKey().certificate)}}}; !reflect.DeepEqual(p.news, want) {
		t.Errorf("news %+v, want %+v", p.news, want)
	}
	read := s.read
	for range 20 { // strangers make us read once in ten minutes
		answer := p.later(time.Second)
		answer.by = expiredKey()
		if _, err := p.answer(t, answer.response()); federation.ReasonOf(err) != federation.BadSignature {
			t.Errorf("got %v", err)
		}
	}
	if s.read != read {
		t.Errorf("read %d times more", s.read-read)
	}
}

func TestTheEndOfTheLastCertificateIsTold(t *testing.T) {
	p := newPlace(t)
	for _, test := range []struct {
		keys []pair
		want []News
	}{
		{[]pair{expiredKey()}, []News{{Expires: expiredKey().certificate.NotAfter}}},
		{[]pair{expiredKey(), theirKey()}, nil},
	} {
		p.news = nil
		p.c.SAML.Metadata = theirMetadata(test.keys...)
		if err := p.Refresh(t.Context(), p.c); err != nil || !reflect.DeepEqual(p.news, test.want) {
			t.Errorf("news %+v, want %+v, %v", p.news, test.want, err)
		}
	}
	p.now = theirKey().certificate.NotAfter.Add(-29 * 24 * time.Hour)
	if err := p.Refresh(t.Context(), p.c); err != nil || len(p.news) != 1 {
		t.Errorf("29 days before: %+v, %v", p.news, err)
	}
}

// The end of the copy that counts is told whenever it is looked at, and also while there is no newer one to be read.
func TestTheEndOfACertificateIsToldWhileMetadataIsAway(t *testing.T) {
	p := newPlace(t)
	s := newSite(t, p)
	if err := p.Refresh(t.Context(), p.c); err != nil || len(p.news) != 0 {
		t.Fatalf("%+v, %v", p.news, err)
	}
	s.body = ""
	ends := theirKey().certificate.NotAfter
	p.now = ends.Add(-29 * 24 * time.Hour)
	for range 2 { // the second time it is not due
		p.news = nil
		_ = p.Refresh(t.Context(), p.c) // the site is away
		if want := []News{{Expires: ends}}; !reflect.DeepEqual(p.news, want) {
			t.Errorf("news %+v, want %+v", p.news, want)
		}
	}
	if got, err := CertificateEnds(t.Context(), p.o.Store, p.c, p.now); err != nil || !got.Equal(ends) {
		t.Errorf("it ends %s, want %s, %v", got, ends, err)
	}
}
