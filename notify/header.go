package notify

import (
	"fmt"
	"net/mail"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
)

// Mail is a mail that is ready to go.
type Mail struct {
	ID       string // Message-ID without angle brackets; the same at every attempt
	Platform platform.ID
	Kind     outbox.Kind
	Lang     string
	At       time.Time // of the Date header: when the message was queued
	From     mail.Address
	ReplyTo  string // address of the helpdesk; empty: none
	To       string // address, its domain in ASCII
	Subject  string
	Text     string
	HTML     string
	Link     string // of the button; empty: there is none
	Logo     []byte // PNG, a part of its own to which HTML refers as "cid:" and LogoID; none: the name stands in letters
}

// LogoID is the Content-ID of the logo, without angle brackets (RFC 2392).
func (m Mail) LogoID() string {
	id, _, _ := strings.Cut(m.ID, "@")
	return "logo@" + id
}

// header fills what is not text. Every address is checked again here: an address is where a header could be smuggled in.
func (s Mails) header(out *Mail, p *platform.Platform, m outbox.Message, to string, staff bool) error {
	out.ID, out.Platform, out.Kind, out.At = m.ID, p.ID, m.Kind, m.QueuedAt
	var err error
	if out.To, err = deliverable(to); err != nil {
		return because(fault.Refused, "address")
	}
	from := p.Mail.From
	if from == "" {
		from = s.From
	}
	if from == "" {
		from = "login@" + hostOf(p)
	}
	if out.From.Address, err = sender(from); err != nil {
		return because(fault.Unavailable, "sender address")
	}
	out.From.Name = displayName(p.SenderName())
	_, domain, _ := strings.Cut(out.From.Address, "@")
	out.ID += "@" + domain
	help := p.HelpPublic
	if staff {
		help = p.HelpStaff
	}
	if out.ReplyTo, err = sender(help.Email); err != nil {
		out.ReplyTo = "" // free text of an organisation
	}
	return nil
}

// hostOf is where the issuer is, without a port.
func hostOf(p *platform.Platform) string {
	u, err := url.Parse(string(p.Issuer))
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// deliverable is an address of a person as mail servers take it: the domain in ASCII.
func deliverable(address string) (string, error) {
	email, err := account.ParseEmail(address)
	if err != nil {
		return "", err
	}
	local, _, _ := strings.Cut(email.Address, "@")
	_, domain, _ := strings.Cut(email.Key, "@")
	return local + "@" + domain, nil
}

// sender is an address of an organisation, which may be one of a network of its own such as login@localhost.
func sender(address string) (string, error) {
	a, err := mail.ParseAddress(address)
	if err != nil || a.Name != "" || a.Address != address {
		return "", fmt.Errorf("%w: address", fault.Invalid)
	}
	return address, nil
}

// displayName is a name that a header can hold (RFC 5322 section 3.4): one line, without characters that are not seen. A
// backslash beside anything that has to be encoded is written by net/mail in a way that it does not read itself.
func displayName(name string) string {
	return strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if r == '\\' || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, name)), " ")
}
