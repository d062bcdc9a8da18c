package login

import (
	"context"
	"log/slog"
	"net/http"
	"slices"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/ui"
)

// Refuse puts on record that a page refuses something, and returns the number that the page shows: that of the event,
// which is one a minute for each source, account and reason. The event says kind, reason, and what is known of whose
// account and which party. That it cannot be recorded changes no answer.
func (s *Server) Refuse(r *http.Request, e audit.Event) (reference string) {
	caller := web.From(r.Context())
	if r.Method == http.MethodHead { // nobody sees a page
		return caller.Reference
	}
	e = audit.Origin(caller).Of(e)
	e.At, e.Platform, e.Outcome = s.Now(), platform.FromContext(r.Context()).ID, audit.Failure
	ctx, done := context.WithTimeout(context.WithoutCancel(r.Context()), takeBackFor) // whatever ended the request
	defer done()
	reference, err := s.Store.RecordOnceRef(ctx, e, caller.Source())
	if err == nil {
		return reference
	}
	if !fault.Quiet(err) {
		s.Log.ErrorContext(ctx, "noting refusal", slog.String("reference", caller.Reference), slog.Any("error", err))
	}
	return caller.Reference
}

// cameBy is the connection by which somebody signed in in a journey; empty: by none. What vouched for the session that
// the person had before does not count again.
func cameBy(j *authn.Journey) string {
	return authn.CameFrom(slices.DeleteFunc(slices.Clone(j.Proofs), func(p authn.Proof) bool { return p.Journey != j.ID })).Connection
}

// unrecorded are statuses of error pages that leave no event: anybody can ask for addresses that there are not, again
// and again, and where there is too much to do, or a database that does not answer, there is not more to be done.
var unrecorded = []int{http.StatusNotFound, http.StatusTooManyRequests, http.StatusServiceUnavailable}

// refusedPage is the number of an error page.
func (s *Server) refusedPage(r *http.Request, status int, e audit.Event) string {
	if slices.Contains(unrecorded, status) {
		return web.From(r.Context()).Reference
	}
	return s.Refuse(r, e)
}

// ShowRefused writes the error page of another door, with the number under which the refusal is on record by then. The
// event says kind and reason, and what is known of whose account and which party, as of Refuse.
func (s *Server) ShowRefused(w http.ResponseWriter, r *http.Request, status int, page ui.ErrorPage, e audit.Event) error {
	return s.ShowPage(w, r, status, "error", page, Look{Reference: s.refusedPage(r, status, e)})
}

// cancelled is the change of somebody who stopped at a step.
func cancelled(v *Visit, step string) authn.Change {
	e := v.Event(audit.LoginCancelled, audit.Success, v.Journey.Account)
	if a := v.Facts.Account; a != nil {
		e.Account, e.Actor = a.ID, string(a.ID)
	}
	if step == (consentStep{}).Name() {
		e.Reason = step
	}
	return authn.Change{Events: []audit.Event{e}}
}
