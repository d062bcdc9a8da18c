package admin

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/staff"
)

// DeedPage asks before something is done to a person. Fields: reason, identified, email, where the deed asks them; do:
// continue.
type DeedPage struct {
	Chrome
	Action      string
	Title, Body string // text keys
	Button      string
	Danger      bool
	Name        string // of the person
	Email       string // ... and the address of now
	Questions   []Question
	AsksEmail   bool
	Typed       string
	Back        string
}

// Question is a choice of words of our own list.
type Question struct {
	Field string // reason or identified
	Key   string // of its text
	Words []Word
}

// Word is a choice of our own list.
type Word struct {
	Value  string
	Key    string // of its text
	Chosen bool
}

// right is the row of the table.
func (d Deed) right() staff.Right {
	for _, r := range staff.Rights() {
		if r.Act == d.Right {
			return r
		}
	}
	panic("no right " + string(d.Right)) // a test goes over all deeds
}

// questions are what the page of a deed asks, with what was chosen already.
func (d Deed) questions(said staff.Said) (all []Question) {
	var reasons, ways []Word
	for _, r := range d.Right.Reasons() {
		reasons = append(reasons, Word{string(r), r.TextKey(), r == said.Reason})
	}
	for _, i := range staff.Identifications() {
		ways = append(ways, Word{string(i), i.TextKey(), i == said.Identified})
	}
	if d.right().Reason {
		all = append(all, Question{"reason", "staff.deed_reason", reasons})
	}
	if d.right().Identified {
		all = append(all, Question{"identified", "staff.deed_identified", ways})
	}
	return all
}

// deedPages are rows of the table of pages, one for each deed.
func (s *Server) deedPages() (all []Page) {
	for _, d := range deeds {
		all = append(all, Page{
			Path: people + "/{person}/" + d.Name, Name: "staff " + d.Name, Right: d.Right, Fresh: d.right().Fresh,
			Show: s.ofPerson(d, s.showDeed), Submit: s.ofPerson(d, s.submitDeed),
		})
	}
	return all
}

// ofPerson calls a handler with the person that the address names, where the helper may do the deed to that one. Of
// anybody else there is no such page.
func (s *Server) ofPerson(d Deed, h func(http.ResponseWriter, *http.Request, *Visit, Deed, *account.Account) error) Handler {
	return func(w http.ResponseWriter, r *http.Request, v *Visit) error {
		id, ok := whom(r)
		if !ok {
			s.Engine.NotFound(w, r)
			return nil
		}
		a, err := s.Store.Account(r.Context(), v.Platform.ID, id)
		if err != nil && !errors.Is(err, fault.NotFound) {
			return err
		}
		if err != nil || !v.mayOffer(d, a) {
			s.Engine.NotFound(w, r)
			return nil
		}
		return h(w, r, v, d, a)
	}
}

func (s *Server) deedPage(v *Visit, d Deed, a *account.Account, f Form) DeedPage {
	return DeedPage{
		Chrome: s.chrome(v), Action: v.Action, Title: d.key("title"), Body: d.key("body"), Button: d.key("button"), Danger: d.Danger,
		Name: a.Profile.Name(), Email: a.Email.Address, Questions: d.questions(f.Said),
		AsksEmail: d.Email, Typed: f.Email, Back: personURL(v, a.ID),
	}
}

func (s *Server) showDeed(w http.ResponseWriter, r *http.Request, v *Visit, d Deed, a *account.Account) error {
	return s.show(w, r, v, "staff_deed", s.deedPage(v, d, a, Form{}))
}

// submitDeed does it, and leads back to the person, where it is said. What can be mended is asked again; what somebody
// else made impossible meanwhile is said there too.
func (s *Server) submitDeed(w http.ResponseWriter, r *http.Request, v *Visit, d Deed, a *account.Account) error {
	f := Form{
		Said:  staff.Said{Reason: staff.Reason(v.Form.Get("reason")), Identified: staff.Identified(v.Form.Get("identified"))},
		Email: strings.TrimSpace(v.Form.Get("email")),
	}
	if mistakes := d.mistakes(f); len(mistakes) > 0 {
		return s.show(w, r, v, "staff_deed", s.deedPage(v, d, a, f), mistakes...)
	}
	err := d.Do(r.Context(), s.acts(v), v.Platform.ID, staff.ByID(a.ID), f)
	again := func(m authn.Mistake) error { return s.show(w, r, v, "staff_deed", s.deedPage(v, d, a, f), m) }
	switch {
	case err == nil:
		note(w, v.Platform.ID, d.key("done"))
	case errors.Is(err, staff.NotFresh):
		return s.Engine.StartKnown(w, r, authn.StaffAct, back(r), "")
	case errors.Is(err, fault.Taken):
		return again(authn.Mistake{Field: "email", Key: "staff.email_taken"})
	case errors.Is(err, fault.Throttled):
		note(w, v.Platform.ID, noticeLate)
	case errors.Is(err, fault.Refused), errors.Is(err, fault.Stale), errors.Is(err, fault.Spent):
		note(w, v.Platform.ID, noticeChanged)
	default:
		return err
	}
	return web.SeeOther(w, r, personURL(v, a.ID))
}

// acts are those of the helper, now.
func (s *Server) acts(v *Visit) *staff.Acts { return s.Acts(v.By, v.origin(), v.Now) }

// mistakes are what a form lacks.
func (d Deed) mistakes(f Form) (all []authn.Mistake) {
	if words := d.Right.Reasons(); d.right().Reason && !slices.Contains(words, f.Said.Reason) {
		all = append(all, authn.Mistake{Field: "reason", Key: "staff.reason_missing"})
	}
	if d.right().Identified && !slices.Contains(staff.Identifications(), f.Said.Identified) {
		all = append(all, authn.Mistake{Field: "identified", Key: "staff.identified_missing"})
	}
	if _, err := account.ParseEmail(f.Email); d.Email && err != nil {
		all = append(all, authn.Mistake{Field: "email", Key: "staff.email_wrong"})
	}
	return all
}
