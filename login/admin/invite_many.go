package admin

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/gorilla/mux"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/internal/sheet"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
)

const (
	mostOfFile  = 2 << 20  // bytes of a form with a file: staff.MostRows rows of 200
	mostDrained = 64 << 20 // bytes of a larger one that are read and forgotten, so that the answer arrives

	// checkTime is what checking a file may take once it is here: a slow line had its time before. It is that of a request.
	checkTime = 9500 * time.Millisecond

	rowsAPage = 200 // of a report
)

// InviteManyPage takes a file of people. Field: file.
type InviteManyPage struct {
	Chrome
	Action     string
	ExampleURL string
	OneURL     string
	Most       int // rows
	Limited    bool
}

// InviteFilePage is the report on a file that was checked, and what became of it.
type InviteFilePage struct {
	Chrome
	Action    string
	OtherURL  string // brings another file
	Gone      bool   // nothing is kept of it any more
	AppliedAt time.Time
	Invited   int // people, once it was applied
	Report    Report
	Changed   bool // this is not what was seen before
	Limited   bool
}

// Report is what became of the rows of a file.
type Report struct {
	New, There, Twice, Wrong int // rows
	Converted                bool
	Unused                   []string // columns
	Rows                     []ReportRow
	Page, Pages              int
	Earlier, Later           string // addresses of the other pages; empty: there is none
}

// ReportRow is a row of a file.
type ReportRow struct {
	Line    int
	Name    string
	Address string
	Role    string   // text key; empty: none that is known
	Flaws   []string // text keys
	Twice   int      // the line that has the same address
	There   Named
	New     bool
}

func (s *Server) invitePageMany(v *Visit) InviteManyPage {
	return InviteManyPage{
		Chrome: s.chrome(v), Action: v.Platform.URL(root + "/invite/many"), ExampleURL: v.Platform.URL(root + "/invite/many/example"),
		OneURL: v.Platform.URL(root + "/invite"), Most: staff.MostRows,
	}
}

func (s *Server) showInviteMany(w http.ResponseWriter, r *http.Request, v *Visit) error {
	return s.show(w, r, v, "staff_invite_many", s.invitePageMany(v))
}

// submitInviteMany checks a file and leads to its report.
func (s *Server) submitInviteMany(w http.ResponseWriter, r *http.Request, v *Visit) error {
	ctx, done := context.WithTimeout(context.WithoutCancel(r.Context()), checkTime)
	page := s.invitePageMany(v)
	defer done()
	file, key, err := readUpload(r)
	if err != nil {
		return err
	}
	var checked staff.Checked
	if key == "" {
		if checked, err = readPeople(file); err != nil {
			if key = fileKey(err); key == "" {
				return err
			}
		}
	}
	if key != "" {
		return s.show(w, r, v, "staff_invite_many", page, authn.Mistake{Field: "file", Key: key})
	}
	id, err := s.Files(v.By, v.origin(), v.Now).Check(ctx, v.Platform.ID, v.Facts.Session.ID, checked)
	switch {
	case errors.Is(err, fault.Throttled):
		page.Limited = true
		return s.show(w, r, v, "staff_invite_many", page)
	case errors.Is(err, fault.Refused):
		s.Engine.NotFound(w, r)
		return nil
	case err != nil:
		return err
	}
	return web.SeeOther(w, r, fileURL(v, id))
}

func fileURL(v *Visit, id string) string { return v.Platform.URL(root + "/invite/many/" + id) }

// readUpload reads the file of a form; a key is the text of what is wrong with it.
func readUpload(r *http.Request) (file []byte, key string, err error) {
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, "staff.file_none", nil
	}
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return nil, "staff.file_none", nil
		}
		if err == nil && part.FormName() == "file" {
			if file, err = io.ReadAll(part); err == nil && len(file) == 0 && part.FileName() == "" {
				return nil, "staff.file_none", nil
			}
			if err == nil {
				return file, "", nil
			}
		}
		switch {
		case web.TooLarge(err):
			web.Drain(r, mostDrained)
			return nil, "staff.file_too_large", nil
		case err != nil: // cut off, or no form at all
			return nil, "staff.file_none", nil
		}
	}
}

// showInviteExample is a file to begin with, in the language of the page.
func (s *Server) showInviteExample(w http.ResponseWriter, r *http.Request, v *Visit) error {
	lang := login.LanguageOf(r, v.Facts.Account.Locale)
	header := map[string][]string{
		"nl": {"voornaam", "tussenvoegsel", "achternaam", "e-mailadres", "rol", "taal"},
		"en": {"given name", "middle name", "family name", "e-mail address", "role", "language"},
	}
	rows := map[string][]string{
		"nl": {"Anna", "van der", "Berg", "anna@voorbeeld.nl", "cliënt", "nl"},
		"en": {"Anna", "", "Hill", "anna@example.org", "client", "en"},
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="invite.csv"`)
	return sheet.Write(w, header[lang], rows[lang])
}

// showInviteFile is the report on a file, or what became of it.
func (s *Server) showInviteFile(w http.ResponseWriter, r *http.Request, v *Visit) error {
	page, err := s.filePage(r, v)
	if err != nil {
		return err
	}
	page.Changed = web.Cookie(r, v.Platform.ID, web.NoticeCookie) == changedNote
	if page.Changed {
		web.DropCookie(w, v.Platform.ID, web.NoticeCookie)
	}
	return s.show(w, r, v, "staff_invite_file", page)
}

const changedNote = "file-changed"

func (s *Server) filePage(r *http.Request, v *Visit) (InviteFilePage, error) {
	page := InviteFilePage{Chrome: s.chrome(v), Action: v.Action, OtherURL: v.Platform.URL(root + "/invite/many")}
	id := mux.Vars(r)["file"]
	if !secret.IsID(id) {
		page.Gone = true
		return page, nil
	}
	i, checked, err := s.Files(v.By, v.origin(), v.Now).Read(r.Context(), v.Platform.ID, v.Facts.Session.ID, id)
	switch {
	case errors.Is(err, fault.NotFound):
		page.Gone = true
		return page, nil
	case err != nil:
		return page, err
	case !i.AppliedAt.IsZero():
		page.AppliedAt, page.Invited = i.AppliedAt, i.Invited
		return page, nil
	}
	n, _ := strconv.Atoi(r.URL.Query().Get("page")) // 0, and so the first
	page.Report = report(v, checked, fileURL(v, id), n)
	return page, nil
}

// report is a page of what became of the rows: first those that somebody has to mend, then those of whom nothing is
// done, then the others.
func report(v *Visit, c staff.Checked, url string, page int) Report {
	rep := Report{
		New: c.Count(staff.Row.New), Wrong: c.Count(staff.Row.Wrong),
		There: c.Count(func(r staff.Row) bool { return r.There != "" && r.Twice == 0 }), Twice: c.Count(func(r staff.Row) bool { return r.Twice > 0 }),
		Converted: c.Encoding == string(sheet.Windows1252),
	}
	for _, column := range c.Unused {
		rep.Unused = append(rep.Unused, visible(column))
	}
	rows := slices.Clone(c.Rows)
	slices.SortStableFunc(rows, func(a, b staff.Row) int { return urgency(a) - urgency(b) })
	rep.Pages = (len(rows) + rowsAPage - 1) / rowsAPage
	rep.Page = min(max(page, 1), rep.Pages)
	at := func(n int) string {
		if n < 1 || n > rep.Pages {
			return ""
		}
		return url + "?page=" + strconv.Itoa(n)
	}
	rep.Earlier, rep.Later = at(rep.Page-1), at(rep.Page+1)
	for _, r := range rows[(rep.Page-1)*rowsAPage : min(rep.Page*rowsAPage, len(rows))] {
		rep.Rows = append(rep.Rows, reportRow(v, r))
	}
	return rep
}

func urgency(r staff.Row) int {
	switch {
	case r.Wrong():
		return 0
	case r.New():
		return 2
	}
	return 1
}

func reportRow(v *Visit, r staff.Row) ReportRow {
	name := account.Profile{GivenName: r.Given, MiddleName: r.Middle, FamilyName: r.Family}.Name()
	row := ReportRow{Line: r.Line, Name: visible(name), Address: visible(r.Address), Twice: r.Twice, New: r.New()}
	if role := platform.Role(cmp.Or(r.Role, string(platform.Client))); slices.Contains(platform.Roles, role) {
		row.Role = roleKey(role)
	}
	for _, flaw := range r.Flaws {
		row.Flaws = append(row.Flaws, flawKeys[flaw])
	}
	if r.There != "" && r.Twice == 0 {
		row.There = Named{Name: row.Address, URL: personURL(v, r.There)}
	}
	return row
}

// visible is a cell without what could turn the line around it.
func visible(cell string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return -1
		}
		return r
	}, cell)
}

// submitInviteFile invites everybody of a file who is new. Whoever presses twice, or at two nodes, sees what the first
// one did.
func (s *Server) submitInviteFile(w http.ResponseWriter, r *http.Request, v *Visit) error {
	id := mux.Vars(r)["file"]
	next, err := s.Files(v.By, v.origin(), v.Now).Admit(r.Context(), v.Platform.ID, v.Facts.Session.ID, id)
	switch {
	case errors.Is(err, fault.Stale):
		web.KeepCookie(w, v.Platform.ID, web.NoticeCookie, changedNote, inviteNoteLife)
		return web.SeeOther(w, r, fileURL(v, next))
	case errors.Is(err, fault.Throttled):
		page, err := s.filePage(r, v)
		if err != nil {
			return err
		}
		page.Limited = true
		return s.show(w, r, v, "staff_invite_file", page)
	case err == nil, errors.Is(err, fault.Spent), errors.Is(err, fault.NotFound):
		return web.SeeOther(w, r, fileURL(v, id))
	case errors.Is(err, fault.Refused): // nobody is new, or no helper any more, which the page says
		return web.SeeOther(w, r, fileURL(v, id))
	}
	return err
}
