package link

import (
	"errors"
	"net/http"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/ui"
)

// showDead says why a link does not work, and offers the way on: to log in, or to send it again.
func (s *Server) showDead(w http.ResponseWriter, r *http.Request, v *Visit, err error) error {
	page, status, why := ui.LinkPage{LoginURL: s.restart(v)}, http.StatusOK, "unknown"
	switch {
	case errors.Is(err, fault.NotFound):
		if !secret.IsToken(v.Token) { // no link had that address: it was not copied whole
			status = http.StatusNotFound
		}
		page.Title, page.Body = "link.broken_title", "link.broken_body"
	case err != nil:
		return err
	default:
		done, ok, err := s.used(v)
		if err != nil {
			return err
		}
		if ok {
			return s.Engine.ShowPage(w, r, http.StatusOK, done.Template, done.Data, v.Visit.Look(nil))
		}
		page.Title, page.Body, page.Again = deadTexts(v.Ticket, v.Now)
		why = string(v.Ticket.State(v.Now))
		if a := v.Facts.Account; a != nil && a.State == account.Deactivated {
			page.Title, page.Body, page.Again = "inactive.title", "inactive.helper", "" // there is no newer mail
			why = notActive
		}
	}
	page.Action = v.Action
	if r.URL.Query().Get("sent") != "" && page.Again != "" {
		to, err := s.emailOf(v)
		if err != nil {
			return err
		}
		page.Title, page.Body, page.Again, page.SentTo = "forgot_sent.title", "", "", to.Masked()
	}
	look := v.Visit.Look(nil)
	if page.SentTo == "" && status == http.StatusOK {
		look.Reference = s.refuse(r, v, why)
	}
	return s.Engine.ShowPage(w, r, status, "link", page, look)
}

// notActive is why a link does not work whose account is not active.
const notActive = "not active"

// refuse puts on record why a link does not work, and returns the number that the page shows.
func (s *Server) refuse(r *http.Request, v *Visit, why string) string {
	e := audit.Event{Kind: audit.LinkRefused, Reason: why, Party: v.Journey.Party}
	if a := v.Facts.Account; a != nil {
		e.Account = a.ID
	}
	return s.Engine.Refuse(r, e)
}

// used is the page of a button that remembers what was done with its link.
func (s *Server) used(v *Visit) (login.Page, bool, error) {
	if b, ok := s.button(v.Ticket.Purpose).(Remembering); ok && v.Ticket.State(v.Now) == authn.TicketUsed {
		return b.Used(v)
	}
	return login.Page{}, false, nil
}

// deadTexts are title and text of the page for a ticket that does not work, and the text of its button that sends a new
// one, where there is one.
func deadTexts(t *authn.Ticket, now time.Time) (title, body, again string) {
	switch t.State(now) {
	case authn.TicketUsed:
		if t.Purpose == authn.TicketAfterReset {
			return "link.used_title", "link.used_after_reset", ""
		}
		return "link.used_title", "link.used_body", ""
	case authn.TicketReplaced:
		return "link.newer_title", "link.newer_body", ""
	}
	switch t.Purpose {
	case authn.TicketWelcome:
		return "link.expired_title", "link.expired_welcome", "link.send_welcome"
	case authn.TicketSignUp:
		return "link.expired_title", "link.expired_confirm", "link.send_reset"
	case authn.TicketUnblock:
		return "link.expired_title", "link.expired_unblock", ""
	case authn.TicketStop:
		return "link.expired_title", "link.expired_stop", ""
	case authn.TicketFreeze, authn.TicketDevice:
		return "link.expired_title", "link.expired_freeze", ""
	case authn.TicketAfterReset: // only who gives the password gets another one
		return "link.expired_title", "link.expired_after_reset", ""
	case authn.TicketEmail:
		return "link.expired_title", "link.expired_email_change", ""
	}
	return "link.expired_title", "link.expired_reset", "link.send_reset"
}

// sendAgain asks the outbox for a new mail to the address that the old link went to; the person types nothing.
func (s *Server) sendAgain(w http.ResponseWriter, r *http.Request, v *Visit) error {
	_, _, again := deadTexts(v.Ticket, v.Now)
	if v.Ticket.State(v.Now) != authn.TicketExpired || again == "" {
		return web.SeeOther(w, r, v.Action)
	}
	kind, contents := outbox.PasswordResetRequest, outbox.Contents{Party: v.Ticket.Party}
	if v.Ticket.Purpose == authn.TicketSignUp {
		form, err := s.Engine.Sealer.Open(v.Ticket.Sealed, v.Ticket.Binding())
		if err != nil {
			return err
		}
		kind, contents.Form = outbox.SignUpRequest, form
	}
	to, err := s.emailOf(v)
	if err != nil {
		return err
	}
	contents.To = to.Address
	if err := s.Engine.Mails.Ask(r, &v.Visit, kind, contents, v.Action); err != nil {
		return err
	}
	return web.SeeOther(w, r, v.Action+"?sent=1")
}

// emailOf is the address that a link was sent to.
func (s *Server) emailOf(v *Visit) (account.Email, error) {
	if v.Facts.Account != nil {
		return v.Facts.Account.Email, nil
	}
	form, err := s.Engine.Sealer.Open(v.Ticket.Sealed, v.Ticket.Binding())
	if err != nil {
		return account.Email{}, err
	}
	filled, err := login.ReadSignUp(form)
	if err != nil {
		return account.Email{}, err
	}
	return account.ParseEmail(filled.Email)
}
