package login

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/platform"
)

// Links say what became of the link of a mail while the journey that it began is under way.
type Links interface {
	// Works is fault.Spent when the link was used elsewhere or replaced.
	Works(ctx context.Context, p platform.ID, hash []byte, now time.Time) error
	// Spent is the page that says so, or that the address it confirms has an account by now; and whose link it is and why
	// it does not work, as the record has it.
	Spent(ctx context.Context, v *Visit, hash []byte, loginURL string) (Page, audit.Event, error)
}

// StartOpened begins the journey that a link is for, in the browser that opened it; whose link it is may be nobody yet.
func (s *Server) StartOpened(
	w http.ResponseWriter, r *http.Request, purpose authn.Purpose, t *authn.Ticket, whose *account.Account,
) error {
	if err := s.RateLimit(r); err != nil {
		return err
	}
	j := s.newJourney(w, r, authn.Ask{Purpose: purpose, Channel: authn.Browser})
	j.Party, j.Switch = t.Party, true
	if whose != nil {
		j.SetAccount(whose)
	}
	j.Link = &authn.Link{Hash: t.Hash, Purpose: t.Purpose, Sealed: t.Sealed}
	j.Proofs = []authn.Proof{{Method: MethodLink, Use: account.Link, At: j.StartedAt, Journey: j.ID}}
	s.bind(r, &j, nil, nil)
	if err := s.Store.StartJourney(r.Context(), j); err != nil {
		return err
	}
	s.setBindingCookie(w, r, &Visit{Journey: &j, Now: j.StartedAt})
	return web.SeeOther(w, r, JourneyPath(platform.FromContext(r.Context()), j.ID))
}

// TicketOf is the link that a journey began with, and what it was sealed with.
func (v *Visit) TicketOf() (use authn.TicketUse, t authn.Ticket, ok bool) {
	l := v.Journey.Link
	if l == nil {
		return use, t, false
	}
	// It worked when the journey began, and may expire while the person is busy.
	use = authn.TicketUse{Hash: l.Hash, Purpose: l.Purpose, Opened: v.Journey.StartedAt}
	return use, authn.Ticket{Hash: l.Hash, Platform: v.Platform.ID, Purpose: l.Purpose, Sealed: l.Sealed}, true
}

// linkWorks is fault.Spent when what a journey was opened for is done or replaced: nobody fills in a form for nothing.
func (s *Server) linkWorks(ctx context.Context, v *Visit) error {
	use, _, ok := v.TicketOf()
	used := func(n authn.Need) bool { return n == authn.NeedNewPassword || n == authn.NeedLink }
	if !ok || slices.ContainsFunc(v.Journey.Done, used) {
		return nil // there is none, or it was used here
	}
	return s.Links.Works(ctx, v.Platform.ID, use.Hash, v.Now)
}

// spentLink says that what a journey was opened for was used or replaced meanwhile, or that the address it confirms has
// an account by now. Nothing was changed.
func (s *Server) spentLink(w http.ResponseWriter, r *http.Request, v *Visit, cause error) error {
	use, _, ok := v.TicketOf()
	if !ok {
		return cause
	}
	page, refused, err := s.Links.Spent(r.Context(), v, use.Hash, s.restartOf(v))
	if err != nil {
		return err
	}
	look := v.Look(nil)
	look.Reference = s.Refuse(r, refused)
	return s.ShowPage(w, r, http.StatusOK, page.Template, page.Data, look)
}
