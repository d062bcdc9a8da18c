package configs

import (
	"net/mail"
	"slices"
	"strings"

	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/platform"
)

// SMTP is the mail server that takes our mails. Without a host no mail is sent: mails wait until they expire.
type SMTP struct {
	Host     string      `yaml:"host"`
	Port     int         `yaml:"port"` // 0 in the file: 587, or 465 with implicit TLS
	TLS      string      `yaml:"tls"`  // starttls, implicit or none
	User     string      `yaml:"user"` // empty: the server knows us by our address
	Password secret.Text `yaml:"password"`
	From     string      `yaml:"from"` // address of the sender, of platforms that set none
}

const (
	submissionPort  = 587 // RFC 6409 section 3.1
	submissionsPort = 465 // RFC 8314 section 3.3
	maxPort         = 65535
)

// resolve chooses the port that goes with the mode.
func (s *SMTP) resolve() {
	switch {
	case s.Port != 0:
	case s.TLS == "implicit":
		s.Port = submissionsPort
	default:
		s.Port = submissionPort
	}
}

func (c *Config) checkSMTP() (wrong []error) {
	s := c.SMTP
	if s.Host == "" {
		if s.User != "" || s.Password != "" || s.From != "" {
			wrong = append(wrong, c.refuse("smtp.host", "missing beside the other keys of smtp"))
		}
		return wrong
	}
	if strings.ContainsAny(s.Host, "/: @") {
		wrong = append(wrong, c.refuse("smtp.host", "%q: the name of a mail server, without its port", s.Host))
	}
	if s.Port < 1 || s.Port > maxPort {
		wrong = append(wrong, c.refuse("smtp.port", "%d: 1 to %d, or 0 for the usual one", s.Port, maxPort))
	}
	switch {
	case !slices.Contains([]string{"starttls", "implicit", "none"}, s.TLS):
		wrong = append(wrong, c.refuse("smtp.tls", "%q: starttls, implicit or none", s.TLS))
	case s.TLS == "none" && !platform.Loopback(s.Host):
		wrong = append(wrong, c.refuse("smtp.tls", "%q: only with a mail server on loopback, because whoever reads a mail can use its link", s.TLS))
	case s.TLS == "none" && s.User != "":
		wrong = append(wrong, c.refuse("smtp.user", "not with tls none: a password never goes over a plain connection"))
	}
	if (s.User == "") != (s.Password == "") {
		wrong = append(wrong, c.refuse("smtp.password", "user and password go together"))
	}
	if a, err := mail.ParseAddress(s.From); err != nil || a.Name != "" || a.Address != s.From {
		wrong = append(wrong, c.refuse("smtp.from", "%q: an address without a name, such as login@example.org", s.From))
	}
	return wrong
}
