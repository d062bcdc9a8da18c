package admin

import (
	"net/http"
	"strconv"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/internal/web"
)

func (s *Server) showPeopleExport(w http.ResponseWriter, r *http.Request, v *Visit) error {
	q, asked := s.readSearch(r.URL.Query(), v)
	if !asked {
		return web.SeeOther(w, r, v.Platform.URL(root))
	}
	return s.show(w, r, v, "staff_export", ExportPage{
		Title: "staff.people_export", Body: "staff.people_export_body", Back: "staff.to_people",
		Chrome: s.chrome(v), Action: v.Platform.URL(peopleExport), Fields: []HiddenField{{"s", r.URL.Query().Get("s")}},
		Most: account.MaxExport, BackURL: s.address(v, q),
	})
}

// submitPeopleExport is the file: as many people as a search finds, up to account.MaxExport, in the order of the page.
func (s *Server) submitPeopleExport(w http.ResponseWriter, r *http.Request, v *Visit) error {
	q, asked := s.readSearch(v.Form, v)
	if !asked {
		return web.SeeOther(w, r, v.Platform.URL(root))
	}
	noun, err := search{Typed: q.Typed, Filter: q.Filter}.of(v)
	if err != nil {
		return err
	}
	found, err := s.People.Export(r.Context(), noun, s.Sealer, v.reader(), v.Now)
	if err != nil {
		return err
	}
	partial := !found.Next.IsZero() || found.Incomplete
	return sendCSV(w, v, "people", partial, peopleColumns, found.All)
}

// peopleColumns are those of the file.
var peopleColumns = []column[account.Found]{
	{"id", func(f account.Found) string { return string(f.ID) }},
	{"name", func(f account.Found) string { return f.Name }},
	{"email", func(f account.Found) string { return f.Email }},
	{"role", func(f account.Found) string { return string(f.Role) }},
	{"state", func(f account.Found) string { return string(f.State) }},
	{"signed_in_at", func(f account.Found) string {
		if f.SignedInAt.IsZero() {
			return ""
		}
		return f.SignedInAt.UTC().Format(time.RFC3339)
	}},
	{"two_step", func(f account.Found) string { return strconv.FormatBool(f.Second) }},
	{"invitation", func(f account.Found) string { return string(f.Invitation.State) }},
}
