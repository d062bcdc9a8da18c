package admin

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
	"github.com/minddistrict/idp/ui"
)

// DeedPage asks before something is done to a person. Fields: reason, identified, email, role, where the deed asks
// them; do: continue.
type DeedPage struct {
	Chrome
	Action      string
	Title, Body string // text keys
	Button      string
	Danger      bool
	Waits       string // text key of when it is done; empty: at once
	Whose       Whose
	Questions   []Question
	AsksEmail   bool
	Typed       string
	Back        string
}

// Whose says to whom, and to which of what is theirs.
type Whose struct {
	Name    string
	Email   string // of now
	Role    string // text key of the role of now, where another is given
	Device  bool   // Machine is what it is done to
	Machine ui.Machine
	UsedAt  time.Time // when it was used last
	Link    *Link     // what it is done to; nil: something else
}

// Question is a choice of words of our own list.
type Question struct {
	Field string // role, reason or identified
	Key   string // of its text
	Hint  string // text key of what is good to know before one answers; empty: nothing
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

// questions are what the page of a deed asks, with what was chosen already. Roles are those that may be given.
func (d Deed) questions(f Form, roles []platform.Role) (all []Question) {
	var reasons, given []Word
	said := f.Said
	for _, r := range roles {
		given = append(given, Word{string(r), roleKey(r), r == f.Role})
	}
	for _, r := range d.Right.Reasons() {
		reasons = append(reasons, Word{string(r), r.TextKey(), r == said.Reason})
	}
	if d.Role {
		all = append(all, Question{Field: "role", Key: "staff.role_new", Words: given})
	}
	if d.right().Reason {
		all = append(all, Question{Field: "reason", Key: "staff.deed_reason", Words: reasons})
	}
	if d.right().Identified {
		all = append(all, identifying(said.Identified))
	}
	return all
}

// identifying asks how the helper knows who it is.
func identifying(chosen staff.Identified) Question {
	q := Question{Field: "identified", Key: "staff.deed_identified", Hint: "staff.identified_hint"}
	for _, i := range staff.Identifications() {
		q.Words = append(q.Words, Word{string(i), i.TextKey(), i == chosen})
	}
	return q
}

// deedPages are rows of the table of pages, one for each deed.
func (s *Server) deedPages() (all []Page) {
	for _, d := range deeds {
		all = append(all, Page{
			Path: people + "/{person}/" + d.path(), Name: "staff " + d.Name, Right: d.Right, Fresh: d.right().Fresh,
			Show: s.ofPerson(d, s.showDeed), Submit: s.ofPerson(d, s.submitDeed),
		})
	}
	return all
}

// path is the end of the deed's address in the table of pages.
func (d Deed) path() string {
	if d.Each {
		return d.Name + "/{of}"
	}
	return d.Name
}

// theDeed is a visit of the page of a deed.
type theDeed struct {
	*Visit
	Deed
	a       *account.Account // whom it is done to
	of      string           // and to which session, remembered browser, device or link
	machine ui.Machine       // that is it
	usedAt  time.Time        // last
	link    *Link            // nil: it is done to none
}

// ofPerson calls a handler with the person that the address names, where the helper may do the deed to that one. Of
// anybody else there is no such page.
func (s *Server) ofPerson(d Deed, h func(http.ResponseWriter, *http.Request, theDeed) error) Handler {
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
		t := theDeed{Visit: v, Deed: d, a: a}
		if d.Each {
			if ok, err := s.findOne(r, &t); err != nil {
				return err
			} else if !ok {
				setNotice(w, v.Platform.ID, noticeChanged)
				return web.SeeOther(w, r, personURL(v, a.ID))
			}
		}
		return h(w, r, t)
	}
}

// findOne finds what the address names last among what is the person's.
func (s *Server) findOne(r *http.Request, t *theDeed) (there bool, err error) {
	t.of = mux.Vars(r)["of"]
	switch t.Name {
	case removeLink:
		for _, l := range linksOf(t.a) {
			if string(l.ID) == t.of {
				t.link = s.link(t.a, l)
			}
		}
		return t.link != nil, nil
	case forgetBrowser:
		all, err := s.Store.Devices(r.Context(), t.Platform.ID, t.a.ID, t.Now)
		return found(t, all, err, func(d account.Device) (string, ui.Machine, time.Time) { return d.ID, ui.MachineOf(d.Agent), d.SeenAt })
	case removeDevice:
		all, err := s.Store.AppDevices(r.Context(), t.Platform.ID, t.a.ID)
		return found(t, all, err, func(d grant.Device) (string, ui.Machine, time.Time) {
			return string(d.ID), ui.Machine{App: true, Name: d.Name}, d.SeenAt
		})
	}
	all, err := s.Store.Sessions(r.Context(), t.Platform.ID, t.a.ID, t.Now)
	return found(t, all, err, func(o authn.Session) (string, ui.Machine, time.Time) { return o.ID, machineOf(o), o.SeenAt })
}

// found keeps the machine of the one among all that the address names, and when it was used last.
func found[T any](t *theDeed, all []T, err error, is func(T) (id string, m ui.Machine, usedAt time.Time)) (bool, error) {
	for _, one := range all {
		if id, m, usedAt := is(one); id == t.of {
			t.machine, t.usedAt = m, usedAt
			return true, err
		}
	}
	return false, err
}

// machineOf is where a session lives; an app only began in a browser.
func machineOf(session authn.Session) ui.Machine {
	m := ui.MachineOf(session.Agent)
	if session.Channel == authn.App {
		m.Browser = ""
	}
	return m
}

// roles are those that the helper may give to somebody instead of the one of now, with a second manager perhaps.
func (v *Visit) roles(a *account.Account) (all []platform.Role) {
	for _, role := range platform.Roles {
		on := staff.Subject{Account: a.ID, Role: a.Role, Platform: a.Platform, Gives: role}
		if role != a.Role && v.mayDo(staff.ActSetRole, on) {
			all = append(all, role)
		}
	}
	return all
}

// waitsKey is the text that says when a deed is done that waits; empty: it is done at once.
func (d Deed) waitsKey(a *account.Account) string {
	waits, lapses := staff.MustWait(d.Right, subject(a))
	switch {
	case !waits:
		return ""
	case lapses:
		return "staff.waits_for_second"
	case d.Right == staff.ActCorrectAddress:
		return "staff.waits_for_manager"
	}
	return "staff.waits_for_colleague"
}

func subject(a *account.Account) staff.Subject {
	return staff.Subject{Account: a.ID, Role: a.Role, Platform: a.Platform}
}

func (s *Server) deedPage(t theDeed, f Form) DeedPage {
	d, a, role := t.Deed, t.a, ""
	if d.Role {
		role = roleKey(a.Role)
	}
	return DeedPage{
		Chrome: s.chrome(t.Visit), Action: t.Action, Title: d.key("title"), Body: d.key("body"), Button: d.key("button"), Danger: d.Danger,
		Waits: d.waitsKey(a),
		Whose: Whose{
			Name: a.Profile.Name(), Email: a.Email.Address, Role: role, Device: d.Each && t.link == nil, Machine: t.machine, UsedAt: t.usedAt,
			Link: t.link,
		},
		Questions: d.questions(f, t.roles(a)), AsksEmail: d.Email, Typed: f.Email, Back: personURL(t.Visit, a.ID),
	}
}

func (s *Server) showDeed(w http.ResponseWriter, r *http.Request, t theDeed) error {
	return s.show(w, r, t.Visit, "staff_deed", s.deedPage(t, Form{}))
}

// submitDeed does it, or asks for it where it waits, and leads back to the person, where it is said. What can be mended
// is asked again; what somebody else made impossible meanwhile is said there too.
func (s *Server) submitDeed(w http.ResponseWriter, r *http.Request, t theDeed) error {
	v, d := t.Visit, t.Deed
	f := Form{
		Said:  staff.Justification{Reason: staff.Reason(v.Form.Get("reason")), Identified: staff.Identified(v.Form.Get("identified"))},
		Email: strings.TrimSpace(v.Form.Get("email")), Role: platform.Role(v.Form.Get("role")), Of: t.of,
	}
	if mistakes := d.mistakes(f, v.roles(t.a)); len(mistakes) > 0 {
		return s.show(w, r, v, "staff_deed", s.deedPage(t, f), mistakes...)
	}
	do, done, on := d.Do, d.key("done"), subject(t.a)
	if d.Role { // another deed gives none, whatever its form says
		on.Gives = f.Role
	}
	if waits, _ := staff.MustWait(d.Right, on); waits && d.Ask != nil {
		do, done = d.Ask, d.key("waits")
	}
	err := do(r.Context(), s.acts(v), v.Platform.ID, staff.ByID(t.a.ID), f)
	if errors.Is(err, fault.Taken) {
		asked, failed := s.alreadyPending(r, t)
		if failed != nil {
			return failed
		}
		if !asked {
			return s.show(w, r, v, "staff_deed", s.deedPage(t, f), authn.Mistake{Field: "email", Key: "staff.email_taken"})
		}
		done, err = noticeAlready, nil
	}
	switch {
	case err == nil:
		setNotice(w, v.Platform.ID, done)
	case errors.Is(err, staff.NotFresh):
		return s.Engine.StartKnown(w, r, authn.StaffAct, back(r), "")
	case errors.Is(err, authn.ErrTooSoon):
		setNotice(w, v.Platform.ID, noticeSoon)
	case errors.Is(err, fault.Throttled):
		setNotice(w, v.Platform.ID, noticeLate)
	case errors.Is(err, fault.Refused), errors.Is(err, fault.Stale), errors.Is(err, fault.Spent), errors.Is(err, fault.NotFound):
		setNotice(w, v.Platform.ID, noticeChanged)
	default:
		return err
	}
	return web.SeeOther(w, r, personURL(v, t.a.ID))
}

// alreadyPending reports whether somebody asked for the deed before, and it waits.
func (s *Server) alreadyPending(r *http.Request, t theDeed) (bool, error) {
	all, err := s.acts(t.Visit).PendingOf(r.Context(), t.Platform.ID, t.a.ID)
	return slices.ContainsFunc(all, func(p staff.Pending) bool { return p.Act == t.Right }), err
}

// acts are those of the helper, now.
func (s *Server) acts(v *Visit) *staff.Acts { return s.Acts(v.By, v.origin(), v.Now) }

// mistakes are what a form lacks. Roles are those that may be given.
func (d Deed) mistakes(f Form, roles []platform.Role) (all []authn.Mistake) {
	if d.Role && !slices.Contains(roles, f.Role) {
		all = append(all, authn.Mistake{Field: "role", Key: "staff.role_missing"})
	}
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
