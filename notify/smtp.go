package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"sync"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
)

// SMTP hands mails to a mail server. One connection carries all mails of a delivery.
type SMTP struct {
	Host     string
	Port     int
	TLS      TLSMode
	User     string // empty: the server knows us by our address
	Password secret.Text
	Roots    *x509.CertPool // who may vouch for the server; nil: those of the machine

	mu     sync.Mutex // guards the rest: one mail at a time
	client *mail.Client
	conn   net.Conn
}

// TLSMode is how the connection is protected. The certificate must be valid for the host in both.
type TLSMode string

const (
	STARTTLS    TLSMode = "starttls" // demanded, never merely tried (RFC 3207)
	ImplicitTLS TLSMode = "implicit" // from the first byte (RFC 8314 section 3.3)
	NoTLS       TLSMode = "none"     // for a server on this machine; user and password are not sent then
)

const (
	answerTime  = 10 * time.Second // of the server, for a connection and then for a mail
	partingTime = 2 * time.Second
)

// mechanisms are how we prove who we are, the best first.
var mechanisms = []mail.SMTPAuthType{mail.SMTPAuthSCRAMSHA256, mail.SMTPAuthSCRAMSHA1, mail.SMTPAuthPlain, mail.SMTPAuthLogin}

// Send hands over one mail. A mail that the server took counts as sent, whatever happens to the connection afterwards.
func (s *SMTP) Send(ctx context.Context, m Mail) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	reused := s.client != nil
	for {
		if s.client == nil {
			if err := s.dial(ctx); err != nil {
				s.drop()
				return &failure{kind: fault.Unavailable, reason: "no connection", detail: err}
			}
		}
		msg := build(m)
		conn := s.conn
		stop := context.AfterFunc(ctx, func() { _ = conn.Close() }) // what is being said then fails
		err := s.client.Send(msg)
		stop()
		if err == nil {
			return nil
		}
		sent := msg.IsDelivered()
		refusal, _ := errors.AsType[*mail.SendError](err)
		if refusal == nil || refusal.ErrorCode() == 0 || refusal.ErrorCode() == 421 {
			s.drop()
		}
		switch {
		case sent:
			return nil
		case reused && refusal != nil && refusal.Reason == mail.ErrConnCheck:
			reused = false // the server ends a connection after some mails: once more, on a new one
			continue
		}
		return verdict(refusal)
	}
}

// verdict is what an answer of the server means for the mail. The server's own words may hold an address: only its
// codes are kept (RFC 5321 section 4.2, RFC 3463).
func verdict(refusal *mail.SendError) error {
	if refusal == nil || refusal.ErrorCode() == 0 {
		return because(fault.Unavailable, "connection lost")
	}
	reason := fmt.Sprint(refusal.ErrorCode())
	if more := refusal.EnhancedStatusCode(); more != "" {
		reason += " " + more
	}
	switch {
	case refusal.ErrorCode() == 421:
		return because(fault.Unavailable, reason)
	case refusal.ErrorCode() >= 500 && refusal.Reason != mail.ErrSMTPMailFrom:
		return because(fault.Refused, reason)
	}
	// What the server says of our sender address is a matter of configuration, and can be mended while the mail waits.
	return because(errLater, reason)
}

// errLater is for a mail that may go later, while others go now.
var errLater = errors.New("not now")

func (s *SMTP) dial(ctx context.Context) error {
	secure := &tls.Config{ServerName: s.Host, RootCAs: s.Roots, MinVersion: tls.VersionTLS12}
	open := (&net.Dialer{}).DialContext
	options := []mail.Option{mail.WithPort(s.Port), mail.WithTimeout(answerTime), mail.WithTLSConfig(secure)}
	switch s.TLS {
	case ImplicitTLS:
		options = append(options, mail.WithSSL())
		open = (&tls.Dialer{Config: secure}).DialContext
	case NoTLS:
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	default:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if s.User != "" && s.TLS != NoTLS {
		options = append(options, mail.WithUsername(s.User), mail.WithPassword(s.Password.Reveal()), mail.WithOpportunisticSMTPAuth(mechanisms...))
	}
	// The library leaves a connection open on which the greeting, TLS or the login failed.
	options = append(options, mail.WithDialContextFunc(func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := open(ctx, network, address)
		if err == nil {
			s.conn = conn
		}
		return conn, err
	}))
	client, err := mail.NewClient(s.Host, options...)
	if err != nil {
		return err
	}
	if err := client.DialWithContext(ctx); err != nil {
		return err
	}
	s.client = client
	return nil
}

// Check connects as Send would, with TLS and login, and takes its leave. No mail is sent. fault.Unavailable: it did not
// come that far; the error says how far.
func (s *SMTP) Check(ctx context.Context) error {
	defer s.Rest()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop()
	if err := s.dial(ctx); err != nil {
		s.drop()
		return fmt.Errorf("%w: %w", fault.Unavailable, err)
	}
	return nil
}

// drop ends the connection without a word.
func (s *SMTP) drop() {
	if s.conn != nil {
		_ = s.conn.Close() // it is broken, or no more needed
	}
	s.client, s.conn = nil, nil
}

// Rest ends the connection politely: servers count those that are just cut.
func (s *SMTP) Rest() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client != nil {
		ctx, done := context.WithTimeout(context.Background(), partingTime)
		defer done()
		conn := s.conn
		defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
		_ = s.client.Close() // every mail has its answer already
	}
	s.drop()
}

// build writes the headers, both texts and the logo. Header values are encoded, and addresses were parsed before: nothing in them
// ends a line.
func build(m Mail) *mail.Msg {
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent())
	msg.FromMailAddress(&m.From)
	msg.ToMailAddress(&netmail.Address{Address: m.To})
	if m.ReplyTo != "" {
		msg.ReplyToMailAddress(&netmail.Address{Address: m.ReplyTo})
	}
	msg.Subject(m.Subject)
	msg.SetDateWithValue(m.At)
	msg.SetMessageIDWithValue(m.ID)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: nobody's absence answers
	msg.SetGenHeader("Content-Language", m.Lang)
	msg.SetBodyString(mail.TypeTextPlain, m.Text)
	msg.AddAlternativeString(mail.TypeTextHTML, m.HTML)
	if len(m.Logo) > 0 {
		msg.EmbedReadSeeker("logo.png", bytes.NewReader(m.Logo), mail.WithFileContentID("<"+m.LogoID()+">"), mail.WithFileContentType("image/png"))
	}
	return msg
}
