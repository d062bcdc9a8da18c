// Package errorpage says what an error looks like to a person, once for every door.
//
// What is looked up is the sentinel that an error wraps: a door hands over the rows of its own, and all others are
// here. It knows titles and texts by their keys (ui) and shows nothing: a door has its own way of writing a page.
package errorpage

import (
	"errors"
	"net/http"
	"time"

	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/ui"
)

// Row is what one error looks like.
type Row struct {
	Err    error
	Status int
	Page   ui.ErrorPage
	Retry  bool // the same address may answer another time
}

// Ours is what an error looks like that nobody foresaw: something went wrong on our side.
var Ours = Row{
	Status: http.StatusInternalServerError,
	Page:   ui.ErrorPage{Title: "error.title", Body: "error.body", Code: "server_error", Again: true, Crisis: true},
}

// crowded is for somebody from whose network too many logins were begun.
var crowded = Row{
	Status: http.StatusTooManyRequests,
	Page: ui.ErrorPage{
		Title: "error.many_title", Body: "error.many_body", Tip: "error.many_tip", Code: "too_many_requests",
		Again: true, Crisis: true,
	},
}

var (
	form = ui.ErrorPage{Title: "error.form_title", Body: "error.form_body", Code: "not_utf8"}
	busy = ui.ErrorPage{
		Title: "error.busy_title", Body: "error.busy_body", Code: "temporarily_unavailable", Again: true,
	}
	refused = ui.ErrorPage{
		Title: "error.not_allowed_title", Body: "error.not_allowed_body", Code: "refused", Crisis: true,
	}
	stale = ui.ErrorPage{Title: "error.stale_title", Body: "error.stale_body", Tip: "error.stale_tip", Code: "stale"}
)

// rows are those of every door. The first that an error is counts.
var rows = []Row{
	{Err: web.ErrNotUTF8, Status: http.StatusBadRequest, Page: form, Retry: true},
	{Err: fault.Unavailable, Status: http.StatusServiceUnavailable, Page: busy, Retry: true},
	{Err: fault.Refused, Status: http.StatusForbidden, Page: refused},
	{Err: fault.Invalid, Status: http.StatusBadRequest, Page: stale},
	{Err: fault.NotFound, Status: http.StatusBadRequest, Page: stale},
	{Err: fault.Stale, Status: http.StatusBadRequest, Page: stale},
	{Err: fault.Spent, Status: http.StatusBadRequest, Page: stale},
	{Err: fault.Expired, Status: http.StatusBadRequest, Page: stale},
}

// Pages are the error pages of a door.
type Pages struct {
	Own   []Row // looked up first
	Retry bool  // its addresses can be opened again as they are, so that the page has a button for it
	Now   func() time.Time
}

// Of is the page for an error with its status. Headers that go with it are set.
func (p Pages) Of(w http.ResponseWriter, r *http.Request, err error) (int, ui.ErrorPage) {
	at := platform.FromContext(r.Context())
	row := p.row(err)
	var many web.TooMany
	switch {
	case errors.As(err, &many):
		many.RetryAfter(w.Header())
	case row.Status == http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "5")
	}
	page := row.Page
	if p.Retry && row.Retry {
		page.RetryURL = at.URL(r.URL.Path)
	}
	page.HomeURL, page.At = at.HomeURL, p.Now().Format(time.DateTime+" UTC")
	return row.Status, page
}

// row is the one that an error is looked up in.
func (p Pages) row(err error) Row {
	if errors.As(err, new(web.TooMany)) {
		return crowded
	}
	for _, known := range [][]Row{p.Own, rows} {
		for _, row := range known {
			if errors.Is(err, row.Err) {
				return row
			}
		}
	}
	return Ours
}
