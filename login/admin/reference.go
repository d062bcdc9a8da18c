package admin

import (
	"net/http"
	"regexp"
	"strings"
	"unicode"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
)

// ReferencePage asks for a number that somebody reads from a page, and says what is on record of it. Field: number.
type ReferencePage struct {
	Chrome
	Action string
	Number string // as it was typed, or as it is written where there can be such a one
	Asked  bool   // there can be, and Events are all that is on record
	Events []Line

	PeopleURL string // where the person is looked up
}

// mostOfReference is how many events of one request are shown; the longest has about a dozen.
const mostOfReference = 50

// reference is how requests are numbered in the log: two groups of four, without what is mixed up when read aloud
// (secret.Reference).
var reference = regexp.MustCompile(`^[2-9A-HJKMNP-TW-Z]{4}-[2-9A-HJKMNP-TW-Z]{4}$`)

// readReference takes what was typed: in small letters, without the hyphen, with blanks, or with the full stop of a sentence.
func readReference(typed string) (number string, ok bool) {
	text := strings.ToUpper(strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.IsPunct(r) {
			return -1
		}
		return r
	}, typed))
	if len(text) == 8 {
		text = text[:4] + "-" + text[4:]
	}
	return text, reference.MatchString(text)
}

// showReference is a form that asks and an answer, at an address of its own: a number tells nothing of anybody.
func (s *Server) showReference(w http.ResponseWriter, r *http.Request, v *Visit) error {
	page := ReferencePage{
		Chrome: s.chrome(v), Action: v.Action, Number: r.URL.Query().Get("number"), PeopleURL: v.Platform.URL(root),
	}
	if strings.TrimSpace(page.Number) == "" {
		return s.show(w, r, v, "staff_reference", page)
	}
	number, ok := readReference(page.Number)
	if !ok {
		return s.show(w, r, v, "staff_reference", page, authn.Mistake{Field: "number", Key: "staff.reference_wrong"})
	}
	q := audit.Query{Platform: v.Platform.ID, Reference: number, Limit: mostOfReference}
	events, err := s.Store.Record(r.Context(), q, v.reader(), v.Now)
	if err != nil {
		return err
	}
	page.Number, page.Asked = number, true
	page.Events, err = s.lines(r, v, events)
	if err != nil {
		return err
	}
	return s.show(w, r, v, "staff_reference", page)
}
