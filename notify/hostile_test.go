package notify

import (
	"bytes"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
)

// parsed is a mail as somebody else's program reads it.
type parsed struct {
	header     netmail.Header
	text, html string
}

// headers are those that every mail has, and no other but Reply-To.
var headers = []string{
	"Auto-Submitted", "Content-Language", "Content-Type", "Date", "From", "Message-Id", "Mime-Version", "Subject", "To",
}

// parse reads a mail with the standard library, which did not write it.
func parse(t *testing.T, raw []byte) parsed {
	t.Helper()
	m, err := netmail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("%v in\n%s", err, raw)
	}
	p := parsed{header: m.Header}
	got := slices.DeleteFunc(slices.Sorted(maps.Keys(m.Header)), func(h string) bool { return h == "Reply-To" })
	if !slices.Equal(got, headers) {
		t.Errorf("headers %v, want %v, in\n%s", got, headers, raw)
	}
	for name, values := range m.Header {
		if len(values) != 1 {
			t.Errorf("%s is there %d times in\n%s", name, len(values), raw)
		}
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("%s, %v", kind, err)
	}
	parts := multipart.NewReader(m.Body, params["boundary"])
	for i, want := range []string{"text/plain; charset=UTF-8", "text/html; charset=UTF-8"} {
		part, err := parts.NextRawPart()
		if err != nil || part.Header.Get("Content-Type") != want || part.Header.Get("Content-Transfer-Encoding") != "quoted-printable" {
			t.Fatalf("part %d: %v, %v", i, part, err)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			p.text = strings.ReplaceAll(string(body), "\r\n", "\n")
		} else {
			p.html = string(body)
		}
	}
	if _, err := parts.NextRawPart(); err != io.EOF {
		t.Errorf("more than two parts (%v)", err)
	}
	for line := range strings.SplitSeq(string(raw), "\r\n") {
		if len(line) > 998 { // RFC 5322 section 2.1.1
			t.Errorf("a line of %d bytes", len(line))
		}
	}
	return p
}

func written(t *testing.T, m Mail) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := build(m).WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// hostile are values that somebody else may choose, each of which broke a mail somewhere.
var hostile = []string{
	"Anna\r\nBcc: all@example.org\r\n\r\n<p>hi",
	"<script>alert(1)</script><img src=x onerror=alert(1)><a href=https://evil.example>klik</a>",
	"\"><b>Anna</b>&lt;i&gt;",
	"\u202egro.elpmaxe\u202c Anna \u2066x\u2069",
	"https://evil.example/login anna@evil.example www.evil.example",
	"{email} {{.Link}} {date}",
	strings.Repeat("Anna ", 2000),
	strings.Repeat("\u00e9", 10000),
	"=?utf-8?q?Bcc:_x?= \x00\x1b[31m\xff",
	"a\u2028b\u2029c\u0085d\vf",
	".\n.\r\nQUIT\r\n",
}

// CVE-2024-41953: names in mails were not escaped. Here every value that is not ours is tried in every place.
func TestHostileNamesBreakNoMail(t *testing.T) {
	for _, bad := range hostile {
		for kind := range mails() {
			for _, lang := range []string{"nl", "en"} {
				p := linde()
				p.Name, p.Organisation, p.NeutralName, p.HelpPublic.Email, p.HelpPublic.Phone = bad, bad, bad, bad, bad
				m := composed(t, kind, lang, outbox.Contents{
					To: "anna@example.org", Name: bad, Token: "token", Values: map[string]string{"email_masked": bad, "person": bad},
				}, p, false)
				checkMail(t, m, p)
			}
		}
	}
	// What is no link of ours must not become one in a program that makes links of text.
	m := composed(t, outbox.PasswordReset, "nl", outbox.Contents{To: "anna@example.org", Name: hostile[4], Token: "token"}, linde(), false)
	if greeting, _, _ := strings.Cut(m.Text, "\n"); strings.ContainsAny(greeting, "/@") || len(greeting) > 200 {
		t.Errorf("greeting %q", greeting)
	}
}

// checkMail writes a mail, reads it again and finds nothing that is not ours.
func checkMail(t *testing.T, m Mail, p *platform.Platform) {
	t.Helper()
	got := parse(t, written(t, m))
	subject, err := new(mime.WordDecoder).DecodeHeader(got.header.Get("Subject"))
	if err != nil || strings.ContainsAny(subject, "\r\n") || strings.Join(strings.Fields(subject), " ") != strings.Join(strings.Fields(m.Subject), " ") {
		t.Errorf("subject %q, want %q, %v", subject, m.Subject, err)
	}
	for name, want := range map[string]string{"From": m.From.Address, "To": m.To} {
		list, err := got.header.AddressList(name)
		if err != nil || len(list) != 1 || list[0].Address != want {
			t.Errorf("%s: %v, want %s alone, %v", name, list, want, err)
		}
	}
	if at, err := got.header.Date(); err != nil || !at.Equal(m.At) {
		t.Errorf("date %v, %v", at, err)
	}
	if got.text != m.Text {
		t.Errorf("text\n%q, want\n%q", got.text, m.Text)
	}
	_, links := visible(t, got.html)
	for _, link := range links {
		helpdesk := m.ReplyTo != "" && link == "mailto:"+url.PathEscape(m.ReplyTo) || link == "tel:0101234567"
		if !strings.HasPrefix(link, p.URL("/link/")) && link != m.Link && !helpdesk {
			t.Errorf("link %s in\n%s", link, got.html)
		}
	}
	if strings.ContainsAny(got.text, "\u202e\u2066\x00\x1b\r") {
		t.Errorf("text %q", got.text)
	}
}

// CVE-2025-8419, CVE-2023-7028: an address with a line break, or two of them, reached the mail server.
func TestHostileAddressesGetNoMail(t *testing.T) {
	for _, to := range []string{
		"anna@example.org\r\nBcc: eve@evil.example", "anna@example.org\nRCPT TO:<eve@evil.example>", "anna@example.org,eve@evil.example",
		"anna@example.org eve@evil.example", "<anna@example.org>", "Anna <anna@example.org>", "anna@example.org\x00", "a@b@example.org",
		"\"a\\\"b\"@example.org", "anna@example.org>\u2028", "", "@example.org", "anna@", strings.Repeat("(", 100000) + "@example.org",
	} {
		l := outbox.Message{ID: "id", Platform: "linde", Kind: outbox.PasswordReset, QueuedAt: time.Unix(1e9, 0)}
		if m, err := testMails().compose(linde(), l, outbox.Contents{To: to, Token: "token"}, false); err == nil {
			t.Errorf("%.60q: a mail to %q", to, m.To)
		}
	}
}

// FuzzMail: whatever people and platforms are called, a mail has our sender, one recipient and our links
// (CVE-2024-41953).
func FuzzMail(f *testing.F) {
	for _, bad := range hostile {
		f.Add(bad, bad, "help@linde.test", "anna@example.org", "login@linde.test")
		f.Add("Anna", "De Linde", bad, bad, bad)
	}
	f.Add("Anna", "De Linde", "\"help desk\"@linde.test", "ann\u00e9@b\u00fccher.example", "login@[192.0.2.1]")
	f.Fuzz(func(t *testing.T, name, title, help, to, from string) {
		p := linde()
		p.Name, p.NeutralName, p.Organisation, p.HelpPublic.Email, p.Mail.From = title, title, title, help, from
		l := outbox.Message{ID: "id", Platform: "linde", Kind: outbox.PasswordReset, QueuedAt: time.Unix(1e9, 0)}
		m, err := testMails().compose(p, l, outbox.Contents{To: to, Name: name, Token: "token"}, false)
		if err == nil {
			checkMail(t, m, p)
		}
	})
}
