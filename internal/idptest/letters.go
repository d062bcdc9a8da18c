package idptest

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/minddistrict/idp/notify"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
)

// invite declares an account without a password and sends the welcome mail. Options are those of account.
func (s *script) invite(rest string) error {
	if err := s.account(rest + " password=none"); err != nil {
		return err
	}
	return s.resend(rest)
}

func (s *script) resend(rest string) error {
	address, options := fields(rest)
	on := options["on"]
	if on == "" {
		on = "linde"
	}
	return s.server.Tools().Acts().Invite(s.t.Context(), platform.ID(on), staff.ByAddress(address))
}

// mail sends what is due and takes a mail.
func (s *script) mail(rest string) error {
	words := strings.Fields(rest)
	if len(words) < 2 || len(words) > 3 || len(words) == 3 && words[2] != "new" {
		return fmt.Errorf("mail KIND ADDRESS [new]")
	}
	sent, before, err := s.look()
	if err != nil {
		return err
	}
	kind := outbox.Kind("mail_" + words[0])
	for i, m := range slices.Backward(sent) {
		if m.Kind == kind && m.To == words[1] && (len(words) == 2 || i >= before) {
			s.letter = m
			return nil
		}
	}
	return fmt.Errorf("no such mail; there are:%s", listed(sent))
}

// reads looks for a text in the mail that was taken, whose lines break anywhere.
func (s *script) reads(key string) error {
	key, unwanted := strings.CutPrefix(key, "not ")
	text := strings.Join(strings.Fields(s.letter.Text), " ")
	if regexp.MustCompile(s.pattern(key)).MatchString(text) == unwanted {
		return fmt.Errorf("want %t: %q in %s", !unwanted, s.text(key), text)
	}
	return nil
}

func (s *script) noMail(address string) error {
	sent, before, err := s.look()
	if err != nil {
		return err
	}
	for _, m := range sent[before:] {
		if m.To == address {
			return fmt.Errorf("new mail:%s", listed(sent[before:]))
		}
	}
	return nil
}

// look sends what is due. It returns all mails, and how many there were before.
func (s *script) look() (sent []notify.Mail, before int, err error) {
	err = s.server.Deliver(s.t.Context())
	sent, before = s.server.Mails.Sent(), s.looked.mails
	s.looked.mails = len(sent)
	return sent, before, err
}

func listed(mails []notify.Mail) string {
	var b strings.Builder
	for _, m := range mails {
		fmt.Fprintf(&b, "\n%s to %s at %s: %s", m.Kind, m.To, m.At.Format("15:04:05"), m.Subject)
	}
	return b.String()
}

func (s *script) follow(string) error {
	if s.letter.Link == "" {
		return fmt.Errorf("no mail with a link was taken")
	}
	return s.b.Open(s.letter.Link)
}

// scan opens the link from elsewhere and follows where it leads, as scanners do.
func (s *script) scan(string) error {
	if s.letter.Link == "" {
		return fmt.Errorf("no mail with a link was taken")
	}
	for _, method := range []string{http.MethodHead, http.MethodGet, http.MethodHead, http.MethodGet} {
		scanner := NewBrowser(s.server, "en")
		scanner.NoJar = true
		if err := scanner.Send(method, s.letter.Link, nil); err != nil {
			return err
		}
		if scanner.Status >= 500 {
			return fmt.Errorf("%s of the link: %d", method, scanner.Status)
		}
	}
	return nil
}
