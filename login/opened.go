package login

import (
	"context"
	"net/http"
	"slices"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/ui"
)

// StartOpened begins the journey that a link is for, in the browser that opened it; whose link it is may be nobody yet.
func (s *Server) StartOpened(w http.ResponseWriter, r *http.Request, purpose authn.Purpose, t *authn.Ticket, whose *account.Account) error {
	if err := s.Arrive(r); err != nil {
		return err
	}
	j := s.newJourney(w, r, authn.Ask{Purpose: purpose, Channel: authn.Browser})
	j.Party, j.Switch = t.Party, true
	if whose != nil {
		j.Know(whose)
	}
	j.Link = &authn.Link{Hash: t.Hash, Purpose: t.Purpose, Sealed: t.Sealed}
	j.Proofs = []authn.Proof{{Method: "link", Use: account.Link, At: j.StartedAt, Journey: j.ID}}
	s.bind(&j, nil, nil)
	if err := s.Store.StartJourney(r.Context(), j); err != nil {
		return err
	}
	s.keepOwn(w, r, &Visit{Journey: &j, Now: j.StartedAt})
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

// linkWorks tells whether what a journey was opened for is still to be done; fault.Spent when the link was used
// elsewhere or replaced meanwhile, so that nobody fills in a form for nothing.
func (s *Server) linkWorks(ctx context.Context, v *Visit) error {
	use, _, ok := v.TicketOf()
	if !ok || slices.Contains(v.Journey.Done, authn.NeedNewPassword) {
		return nil // there is none, or it was used here
	}
	t, err := s.Store.Ticket(ctx, v.Platform.ID, use.Hash)
	if err != nil {
		return err
	}
	if state := t.State(v.Now); state == authn.TicketUsed || state == authn.TicketReplaced {
		return fault.Spent
	}
	return nil
}

// spentLink says that what a journey was opened for was used or replaced meanwhile, or that the address it confirms has
// an account by now. Nothing was changed.
func (s *Server) spentLink(w http.ResponseWriter, r *http.Request, v *Visit, cause error) error {
	use, _, ok := v.TicketOf()
	if !ok {
		return cause
	}
	t, err := s.Store.Ticket(r.Context(), v.Platform.ID, use.Hash)
	if err != nil {
		return err
	}
	if t.State(v.Now) == authn.TicketWorks { // the address is taken
		t.UsedAt = v.Now
	}
	page := ui.LinkPage{LoginURL: s.restartOf(v)}
	page.Title, page.Body, _ = deadTexts(t, v.Now)
	if t.Account != "" {
		a, err := s.Store.Account(r.Context(), v.Platform.ID, t.Account)
		if err != nil {
			return err
		}
		if a.State == account.Deactivated {
			page.Title, page.Body = "inactive.title", "inactive.helper" // there is no newer mail
		}
	}
	return ShowPage(w, r, http.StatusOK, "link", page, v.Look(nil))
}
