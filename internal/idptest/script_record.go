package idptest

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/test/browser"
)

// shownNumber is the number for the helpdesk that a page shows; empty: none.
func shownNumber(b *Browser) string {
	if b.Doc == nil {
		return ""
	}
	for n := range b.Doc.Descendants() {
		if n.Data == "p" && browser.Attr(n, "class") == "reference" {
			for c := range n.Descendants() {
				if c.Data == "strong" {
					return browser.Text(c)
				}
			}
		}
	}
	return ""
}

// keepNumber keeps the number that somebody reads to the helpdesk.
func (s *script) keepNumber(string) error {
	if s.number = shownNumber(s.b); s.number == "" {
		return errors.New("the page shows no number")
	}
	return nil
}

// onRecord fails where a page of a journey, a link, an answer from elsewhere, the settings or staff shows a number that no event has: whoever is
// told it on the phone would find nothing. Pages that say that there is no such page, or too much to do, have none.
func (s *script) onRecord() error {
	number := shownNumber(s.b)
	without := []int{http.StatusNotFound, http.StatusTooManyRequests, http.StatusServiceUnavailable}
	if number == "" || slices.Contains(without, s.b.Status) {
		return nil
	}
	for name := range s.heads {
		issuer := issuerOf(name)
		below, ours := strings.CutPrefix(s.b.URL.String(), issuer+"/")
		page, _, _ := strings.Cut(below, "/")
		page, _, _ = strings.Cut(page, "?")
		if !ours || !slices.Contains([]string{"login", "link", "settings", "staff", "forgot", "federation"}, page) {
			continue
		}
		q := audit.Query{Platform: platform.ID(name), Reference: number, Limit: 1}
		found, err := s.server.DB.Record(s.t.Context(), q, audit.Reader{Name: "cli test"}, s.server.Clock.Now())
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return fmt.Errorf("the page at %s (%d) shows number %s, which no event has", s.b.URL, s.b.Status, number)
		}
	}
	return nil
}

// role compares the role that an account at linde has now.
func (s *script) role(rest string) error {
	address, want, _ := strings.Cut(rest, " ")
	a, err := s.server.DB.AccountByEmail(s.t.Context(), "linde", address)
	if err == nil && string(a.Role) != strings.TrimSpace(want) {
		err = fmt.Errorf("it is %s", a.Role)
	}
	return err
}

// logged wants a warning in the log.
func (s *script) logged(text string) error {
	text = strings.ReplaceAll(text, "NUMBER", s.number)
	if !s.server.Logged(text) {
		return errors.New("no line says so")
	}
	return nil
}
