package notify_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	netmail "net/mail"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/notify"
	"github.com/minddistrict/idp/outbox"
)

// post is a mail server that keeps what it takes.
type post struct {
	*smtp.Server
	t       *testing.T
	address string
	roots   *x509.CertPool
	user    string        // with the password "hunter2"; empty: nobody has to log in
	refuse  error         // of every recipient
	perConn int           // mails that a connection may carry; 0: any number
	later   time.Duration // a connection ends this long after its last mail; 0: with it
	silent  chan struct{} // open: the server never answers a mail before it is closed

	mu      sync.Mutex
	took    []taken
	conns   int
	offered []string // user names that came in
}

// taken is a mail as it came in.
type taken struct {
	from string
	to   []string
	raw  []byte
	tls  bool
}

// newPost makes a server with a certificate for a name; it does not listen yet.
func newPost(t *testing.T, host string) *post {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, about, about, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	p := &post{t: t, roots: x509.NewCertPool()}
	p.roots.AddCert(signed)
	p.Server = smtp.NewServer(p)
	p.ErrorLog = log.New(io.Discard, "", 0)
	p.Domain, p.EnableSMTPUTF8 = host, true
	p.TLSConfig = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	return p
}

// listen starts the server on an address of this machine; port 0 is any.
func (p *post) listen(port int, implicit bool) {
	p.t.Helper()
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		p.t.Fatal(err)
	}
	p.address = l.Addr().String()
	p.t.Cleanup(func() { _ = p.Close() }) // closed by the test already, perhaps
	if implicit {
		l = tls.NewListener(l, p.TLSConfig)
	}
	go func() { _ = p.Serve(l) }() // ends with the test
}

// smtp is a mailer for this server. Its certificate is for localhost.
func (p *post) smtp(mode notify.TLSMode) *notify.SMTP {
	p.t.Helper()
	at, err := net.ResolveTCPAddr("tcp", p.address)
	if err != nil {
		p.t.Fatal(err)
	}
	m := &notify.SMTP{Host: "localhost", Port: at.Port, TLS: mode, Roots: p.roots}
	if p.user != "" {
		m.User, m.Password = p.user, "hunter2"
	}
	p.t.Cleanup(m.Rest)
	return m
}

func (p *post) mails() []taken {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.took)
}

// NewSession is smtp.Backend.
func (p *post) NewSession(c *smtp.Conn) (smtp.Session, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns++
	_, secure := c.TLSConnectionState()
	return &visit{post: p, conn: c, secure: secure}, nil
}

type visit struct {
	*post
	conn   *smtp.Conn
	secure bool
	known  bool
	count  int
	mail   taken
}

func (v *visit) AuthMechanisms() []string {
	if v.user == "" {
		return nil
	}
	return []string{sasl.Plain}
}

func (v *visit) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.offered = append(v.offered, user)
		if v.known = user == v.user && password == "hunter2"; !v.known {
			return smtp.ErrAuthFailed
		}
		return nil
	}), nil
}

func (v *visit) Mail(from string, _ *smtp.MailOptions) error {
	if v.user != "" && !v.known {
		return smtp.ErrAuthRequired
	}
	v.mail = taken{from: from, tls: v.secure}
	return nil
}

func (v *visit) Rcpt(to string, _ *smtp.RcptOptions) error {
	v.mail.to = append(v.mail.to, to)
	return v.refuse
}

func (v *visit) Data(r io.Reader) (err error) {
	if v.mail.raw, err = io.ReadAll(r); err != nil {
		return err
	}
	if v.silent != nil {
		<-v.silent
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.took = append(v.took, v.mail)
	return nil
}

func (v *visit) Reset() {
	if len(v.mail.raw) > 0 {
		v.count++
	}
	v.mail = taken{}
	if v.count > 0 && v.count == v.perConn {
		end := func() { _ = v.conn.Conn().Close() } // as servers do that count
		if v.later == 0 {
			end()
		} else {
			time.AfterFunc(v.later, end)
		}
	}
}

func (v *visit) Logout() error { return nil }

// mail is one to send.
func mail() notify.Mail {
	return notify.Mail{
		ID: "abc@sender.test", From: netmail.Address{Name: "Minddistrict", Address: "login@sender.test"}, ReplyTo: "help@linde.test", To: "anna@example.org", Lang: "nl",
		At: time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC), Subject: "Maak een nieuw wachtwoord", Text: "Hallo\n", HTML: "<p>Hallo</p>",
	}
}

func TestMailGoesOverTLSOnly(t *testing.T) {
	for mode, implicit := range map[notify.TLSMode]bool{notify.STARTTLS: false, notify.ImplicitTLS: true} {
		t.Run(string(mode), func(t *testing.T) {
			p := newPost(t, "localhost")
			p.user = "idp"
			p.listen(0, implicit)
			m := p.smtp(mode)
			for range 3 {
				if err := m.Send(t.Context(), mail()); err != nil {
					t.Fatal(err)
				}
			}
			m.Rest()
			for _, got := range p.mails() {
				if !got.tls || got.from != "login@sender.test" || !slices.Equal(got.to, []string{"anna@example.org"}) {
					t.Errorf("%s to %v, tls %t", got.from, got.to, got.tls)
				}
			}
			if n := len(p.mails()); n != 3 || p.conns > 2 { // the library greets again after STARTTLS
				t.Errorf("%d mails in %d sessions", n, p.conns)
			}
			stranger := p.smtp(mode)
			stranger.Roots = x509.NewCertPool()
			impostor := p.smtp(mode)
			impostor.Host = "127.0.0.1" // not the name in the certificate
			stale := p.smtp(mode)
			stale.Password = "old"
			before := len(p.offered)
			for name, m := range map[string]*notify.SMTP{"unknown issuer": stranger, "another name": impostor} {
				if err := m.Send(t.Context(), mail()); !errors.Is(err, fault.Unavailable) {
					t.Errorf("%s: %v", name, err)
				}
			}
			if len(p.offered) != before {
				t.Errorf("the password went to a server that nobody vouched for")
			}
			for name, m := range map[string]*notify.SMTP{"unknown issuer": stranger, "wrong password": stale} {
				if err := m.Check(t.Context()); !errors.Is(err, fault.Unavailable) || strings.Contains(err.Error(), "old") {
					t.Errorf("checked, %s: %v", name, err)
				}
			}
			if err := m.Check(t.Context()); err != nil {
				t.Errorf("checked: %v", err)
			}
			if err := stale.Send(t.Context(), mail()); !errors.Is(err, fault.Unavailable) || strings.Contains(err.Error(), "old") {
				t.Errorf("wrong password: %v", err)
			}
			if n := len(p.mails()); n != 3 {
				t.Errorf("%d mails", n)
			}
		})
	}
}

func TestNothingGoesToAServerWithoutTLS(t *testing.T) {
	p := newPost(t, "localhost")
	p.TLSConfig, p.AllowInsecureAuth, p.user = nil, true, "idp"
	p.listen(0, false)
	if err := p.smtp(notify.STARTTLS).Send(t.Context(), mail()); !errors.Is(err, fault.Unavailable) {
		t.Errorf("starttls: %v", err)
	}
	// On loopback a server may do without, but a password is never sent: this one wants it.
	if err := p.smtp(notify.NoTLS).Send(t.Context(), mail()); err == nil || errors.Is(err, fault.Refused) {
		t.Errorf("plain: %v", err)
	}
	if len(p.offered) > 0 || len(p.mails()) > 0 {
		t.Errorf("passwords of %v and %d mails went over a plain connection", p.offered, len(p.mails()))
	}
	p.user = ""
	if err := p.smtp(notify.NoTLS).Send(t.Context(), mail()); err != nil || len(p.mails()) != 1 {
		t.Errorf("plain on loopback: %v", err)
	}
}

func TestAnswersOfTheMailServer(t *testing.T) {
	for _, row := range []struct {
		says   error
		kind   error // nil: neither refused nor unavailable
		reason string
	}{
		{&smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no anna@example.org here"}, fault.Refused, "550 5.1.1"},
		{&smtp.SMTPError{Code: 450, EnhancedCode: smtp.EnhancedCode{4, 2, 0}, Message: "anna@example.org: greylisted"}, nil, "450 4.2.0"},
		{&smtp.SMTPError{Code: 421, EnhancedCode: smtp.EnhancedCode{4, 3, 2}, Message: "closing"}, fault.Unavailable, "421 4.3.2"},
	} {
		p := newPost(t, "localhost")
		p.refuse = row.says
		p.listen(0, false)
		m := p.smtp(notify.STARTTLS)
		err := m.Send(t.Context(), mail())
		if err == nil || !strings.HasSuffix(err.Error(), ": "+row.reason) || strings.Contains(err.Error(), "@") {
			t.Errorf("%v: got %v", row.says, err)
		}
		for _, kind := range []error{fault.Refused, fault.Unavailable} {
			if errors.Is(err, kind) != (kind == row.kind) {
				t.Errorf("%v: %v is %v: %t", row.says, err, kind, errors.Is(err, kind))
			}
		}
		p.refuse = nil
		if err := m.Send(t.Context(), mail()); err != nil || len(p.mails()) != 1 {
			t.Errorf("the next mail after %v: %v", row.says, err)
		}
	}
}

func TestServerThatEndsConnectionsGetsEveryMailOnce(t *testing.T) {
	for _, later := range []time.Duration{0, 20 * time.Millisecond} { // before we said goodbye, and between two mails
		p := newPost(t, "localhost")
		p.perConn, p.later = 2, later
		p.listen(0, false)
		m := p.smtp(notify.STARTTLS)
		for i := range 5 {
			if err := m.Send(t.Context(), mail()); err != nil {
				t.Fatalf("mail %d: %v", i, err)
			}
			time.Sleep(3 * later)
		}
		if n := len(p.mails()); n != 5 {
			t.Errorf("%d mails, want 5", n)
		}
	}
}

func TestSilentServerIsLeft(t *testing.T) {
	p := newPost(t, "localhost")
	p.silent = make(chan struct{})
	p.listen(0, false)
	defer close(p.silent)
	ctx, done := context.WithTimeout(t.Context(), time.Second)
	defer done()
	start := time.Now()
	if err := p.smtp(notify.STARTTLS).Send(ctx, mail()); !errors.Is(err, fault.Unavailable) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("left after %s, want 1 s", took)
	}
}

// reader reads a mail with the email package of Python, which shares nothing with what wrote it.
const reader = `
import sys, json, email, email.policy
m = email.message_from_binary_file(sys.stdin.buffer, policy=email.policy.SMTP)
json.dump({
  "from": [[a.display_name, a.addr_spec] for a in m["From"].addresses], "to": [a.addr_spec for a in m["To"].addresses],
  "replyto": [a.addr_spec for a in m["Reply-To"].addresses] if m["Reply-To"] else [], "subject": m["Subject"], "date": m["Date"].datetime.isoformat(),
  "id": m["Message-ID"], "auto": m["Auto-Submitted"], "headers": sorted(k.lower() for k in m.keys()),
  "kinds": [p.get_content_type() for p in m.walk()], "defects": [str(d) for p in m.walk() for d in p.defects],
  "text": m.get_body(("plain",)).get_content(), "html": m.get_body(("html",)).get_content(),
}, sys.stdout)
`

type readMail struct {
	From                    [][2]string
	To, ReplyTo             []string
	Subject, Date, ID, Auto string
	Headers, Kinds, Defects []string
	Text, HTML              string
}

func read(t *testing.T, raw []byte) (m readMail) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "python3", "-c", reader)
	var out, said bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(raw), &out, &said
	if err := cmd.Run(); err != nil {
		t.Fatalf("python3: %v\n%s", err, said.String())
	}
	if err := json.Unmarshal(out.Bytes(), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// CVE-2025-64101, GHSA-93m4-mfpg-c3xf, CVE-2017-12161: the link of a mail was built from what a request said of its
// host. The whole way: a page, the outbox, a mail server over STARTTLS, somebody else's parser.
func TestMailArrivesWithTheConfiguredOrigin(t *testing.T) {
	each(t, func(t *testing.T, s *idptest.Server) {
		p := newPost(t, "localhost")
		p.user = "idp"
		p.listen(0, false)
		house := node(t, s, p.smtp(notify.STARTTLS))
		b := idptest.NewBrowser(s, "nl")
		b.More = map[string]string{
			"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http", "X-Forwarded-Port": "81", "X-Original-Host": "evil.example",
			"Forwarded": "for=192.0.2.9;host=evil.example;proto=http", "X-Host": "evil.example", "X-Forwarded-Server": "evil.example",
		}
		b.MustOpen(t, "https://login.linde.test/forgot")
		b.MustFill(t, idptest.Text("nl", "login.email"), "ANNA@example.org")
		b.MustPress(t, idptest.Text("nl", "forgot.submit"))
		deliver(t, house)
		mails := p.mails()
		if len(mails) != 1 {
			t.Fatalf("%d mails", len(mails))
		}
		got := read(t, mails[0].raw)
		if got.Subject != "Maak een nieuw wachtwoord" || len(got.From) != 1 || got.From[0] != [2]string{"Minddistrict", "login@sender.test"} ||
			!slices.Equal(got.To, []string{"anna@example.org"}) || !slices.Equal(got.ReplyTo, []string{"help@linde.test"}) ||
			got.Auto != "auto-generated" || !strings.HasSuffix(got.ID, "@sender.test>") || got.Date != "2027-03-01T09:00:00+00:00" {
			t.Errorf("headers %+v", got)
		}
		if !slices.Equal(got.Kinds, []string{"multipart/alternative", "text/plain", "text/html"}) || len(got.Defects) > 0 {
			t.Errorf("parts %v, defects %v", got.Kinds, got.Defects)
		}
		if slices.Contains(got.Headers, "x-mailer") || slices.Contains(got.Headers, "user-agent") {
			t.Errorf("headers %v", got.Headers)
		}
		_, link, _ := strings.Cut(got.Text, "https://login.linde.test/link/")
		token, _, _ := strings.Cut(link, "\n")
		if len(token) != 43 || strings.Count(got.HTML, `href="https://login.linde.test/link/`+token+`"`) != 1 || strings.Count(got.HTML, token) != 2 {
			t.Errorf("token %q in\n%s\n%s", token, got.Text, got.HTML)
		}
		if strings.Contains(string(mails[0].raw)+got.Text+got.HTML, "evil") {
			t.Errorf("a host of the request is in\n%s", mails[0].raw)
		}
	})
}

func TestPlatformsOwnSenderArrives(t *testing.T) {
	s := idptest.NewServer(t, idptest.SQLite(t))
	s.Declare(twoPlatforms...)
	p := newPost(t, "localhost")
	p.listen(0, false)
	b := idptest.NewBrowser(s, "en")
	b.MustOpen(t, "https://id.test/p/wilg/forgot")
	b.MustFill(t, idptest.Text("en", "login.email"), "nobody@example.org")
	b.MustPress(t, idptest.Text("en", "forgot.submit"))
	s.Declare(idptest.Demo{Name: "wilg", Invited: []string{"email: piet@example.org, role: manager"}})
	b = idptest.NewBrowser(s, "en")
	b.MustOpen(t, "https://id.test/p/wilg/forgot")
	b.MustFill(t, idptest.Text("en", "login.email"), "piet@example.org")
	b.MustPress(t, idptest.Text("en", "forgot.submit"))
	deliver(t, node(t, s, p.smtp(notify.STARTTLS)))
	mails := p.mails()
	if len(mails) != 1 || mails[0].from != "login@wilg.test" {
		t.Fatalf("%+v", mails)
	}
	if got := read(t, mails[0].raw); got.From[0] != [2]string{"Praktijk De Wilg", "login@wilg.test"} ||
		!strings.Contains(got.Text, "https://id.test/p/wilg/link/") || got.Subject != "Your account at Minddistrict is ready" {
		t.Errorf("%+v", got)
	}
}

// Pages answer at once whatever the mail server does, and the mail goes when it is back.
func TestMailServerThatIsDown(t *testing.T) {
	each(t, func(t *testing.T, s *idptest.Server) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		p := newPost(t, "localhost")
		p.address = l.Addr().String()
		mailer := p.smtp(notify.STARTTLS)
		if err := l.Close(); err != nil { // nobody listens there now
			t.Fatal(err)
		}
		house := node(t, s, mailer)
		b := idptest.NewBrowser(s, "nl")
		b.MustOpen(t, "https://login.linde.test/forgot")
		b.MustFill(t, idptest.Text("nl", "login.email"), "anna@example.org")
		start := time.Now()
		b.MustPress(t, idptest.Text("nl", "forgot.submit"))
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("the page took %s", took)
		}
		deliver(t, house)
		all, err := s.DB.Messages(t.Context(), "linde", 10)
		i := slices.IndexFunc(all, func(l outbox.Message) bool { return l.Kind == outbox.PasswordReset })
		if err != nil || i < 0 || all[i].Outcome != "" || all[i].Reason != "no connection" {
			t.Fatalf("%+v, %v", all, err)
		}
		p.listen(mailer.Port, false)
		s.Clock.Later(10 * time.Second)
		deliver(t, house)
		if n := len(p.mails()); n != 1 {
			t.Errorf("%d mails after it came back", n)
		}
		wantEnd(t, s, all[i].ID, outbox.Sent, "")
	})
}

// The logo is a part of the mail beside its HTML (RFC 2387), so that no mail program has anything to fetch.
func TestLogoTravelsWithTheMail(t *testing.T) {
	p := newPost(t, "localhost")
	p.listen(0, false)
	m := mail()
	m.Logo = []byte("\x89PNG\r\n\x1a\n and the rest")
	m.HTML = `<p>Hallo</p><img src="cid:` + m.LogoID() + `" alt="De Linde">`
	if err := p.smtp(notify.STARTTLS).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	raw := p.mails()[0].raw
	got := read(t, raw)
	if !slices.Equal(got.Kinds, []string{"multipart/related", "multipart/alternative", "text/plain", "text/html", "image/png"}) || len(got.Defects) > 0 {
		t.Errorf("parts %v, defects %v", got.Kinds, got.Defects)
	}
	if got.Text != "Hallo\r\n" && got.Text != "Hallo\n" || !strings.Contains(got.HTML, "cid:logo@abc") {
		t.Errorf("%q %q", got.Text, got.HTML)
	}
	for _, header := range []string{"Content-ID: <logo@abc>", "Content-Disposition: inline;"} {
		if !strings.Contains(strings.ToLower(string(raw)), strings.ToLower(header)) {
			t.Errorf("no %q in\n%s", header, raw)
		}
	}
}
