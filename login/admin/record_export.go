package admin

import (
	"net/http"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/internal/web"
)

func (s *Server) showExport(w http.ResponseWriter, r *http.Request, v *Visit) error {
	form := r.URL.Query()
	page := ExportPage{
		Title: "staff.record_export", Body: "staff.export_body", Back: "staff.export_back",
		Chrome: s.chrome(v), Action: v.Platform.URL(recordExport), Most: audit.MaxPage, BackURL: recordURL(v, recordPath, form, "", ""),
	}
	if _, mistakes := selected(v.Platform, form); len(mistakes) > 0 {
		return web.SeeOther(w, r, page.BackURL) // which says so
	}
	same := filters(form)
	for _, name := range []string{"about", "by", "what", "outcome", "from", "until", "number"} {
		if same.Has(name) {
			page.Fields = append(page.Fields, HiddenField{name, same.Get(name)})
		}
	}
	return s.show(w, r, v, "staff_export", page)
}

// submitExport is the file: as many events as a query has, the newest first, as they are on record. It has no names, as
// the record has none.
func (s *Server) submitExport(w http.ResponseWriter, r *http.Request, v *Visit) error {
	q, mistakes := selected(v.Platform, v.Form)
	if len(mistakes) > 0 {
		return web.SeeOther(w, r, recordURL(v, recordPath, v.Form, "", "")) // which says so
	}
	q.After, q.Limit, q.Export = audit.Cursor{}, audit.MaxPage, true
	events, err := s.Store.Record(r.Context(), q, v.reader(), v.Now)
	if err != nil {
		return err
	}
	return sendCSV(w, v, "record", len(events) == q.Limit, recordColumns, events)
}

// recordColumns are those of the file, with the names of `idp audit list --output json`.
var recordColumns = []column[audit.Recorded]{
	{"at", func(e audit.Recorded) string { return e.At.UTC().Format("2006-01-02T15:04:05.000Z") }},
	{"kind", func(e audit.Recorded) string { return string(e.Kind) }},
	{"outcome", func(e audit.Recorded) string { return string(e.Outcome) }},
	{"actor", func(e audit.Recorded) string { return e.Actor }},
	{"account", func(e audit.Recorded) string { return string(e.Account) }},
	{"party", func(e audit.Recorded) string { return e.Party }},
	{"session", func(e audit.Recorded) string { return e.Session }},
	{"reason", func(e audit.Recorded) string { return e.Reason }},
	{"stated_reason", func(e audit.Recorded) string { return e.StatedReason }},
	{"identified", func(e audit.Recorded) string { return e.Identified }},
	{"connection", func(e audit.Recorded) string { return e.Connection }},
	{"address", func(e audit.Recorded) string { return e.Address }},
	{"agent", func(e audit.Recorded) string { return e.Agent }},
	{"reference", func(e audit.Recorded) string { return e.Reference }},
	{"id", func(e audit.Recorded) string { return e.ID }},
}
