package link

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/gorilla/mux"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/ui"
)

// URL is the address behind the button of a mail. It is made from the issuer, whatever host a request named.
func URL(p *platform.Platform, token string) string { return p.URL("/link/" + token) }

// Store is what links need of storage; each method is one transaction.
type Store interface {
	Ticket(ctx context.Context, p platform.ID, hash []byte) (*authn.Ticket, error)
	Account(ctx context.Context, p platform.ID, id account.ID) (*account.Account, error)
	AccountByEmail(ctx context.Context, p platform.ID, key string) (*account.Account, error)
	SaveChange(ctx context.Context, c authn.Change, now time.Time) error
}

// Options are what the house passes in.
type Options struct {
	Store   Store
	Engine  *login.Server // begins the journeys that links open
	Buttons []Button      // beside those of this package
}

// Server is the pages of links of all platforms; a request's platform is in its context.
type Server struct{ Options }

// New builds the pages.
func New(o Options) *Server {
	s := &Server{o}
	s.Buttons = append(slices.Clone(o.Buttons), emailButton{s}, freezeButton{s, authn.TicketFreeze}, freezeButton{s, authn.TicketDevice}, stopButton{s})
	return s
}

// Routes adds the pages to the router that all platforms share.
func (s *Server) Routes(r *mux.Router) {
	add := s.Engine.Pages(r)
	add("/link/{token}", "link", s.open, "GET", "HEAD")
	add("/link/{token}", "press link", s.press, "POST")
}

// purposes are the journeys that links open. The other links are a page of their own with one button (Buttons).
var purposes = map[authn.TicketPurpose]authn.Purpose{
	authn.TicketWelcome:    authn.Welcome,
	authn.TicketReset:      authn.ResetPassword,
	authn.TicketSignUp:     authn.SignUp,
	authn.TicketAfterReset: authn.AfterReset,
}

// Button is a link that opens a page with one form instead of a journey: only sending it spends the ticket.
type Button interface {
	Purpose() authn.TicketPurpose
	// Show is the page. It changes nothing.
	Show(context.Context, *Visit) (login.Page, error)
	// Press says what the form changes and where it leads, empty being where people log in; the ticket is spent with it.
	// A nil change spends nothing.
	Press(context.Context, *Visit) (change *authn.Change, next string, err error)
}

// Remembering is a Button that says, when its link is opened after it was used, what was done with it.
type Remembering interface {
	Used(*Visit) (page login.Page, ok bool, err error)
}

// Visit is one look at a link of a mail.
type Visit struct {
	login.Visit
	Ticket   *authn.Ticket
	Token    string
	LoginURL string // where people log in
}

// find finds the ticket of a link; fault.NotFound when there is none.
func (s *Server) find(r *http.Request) (*Visit, error) {
	p, token := platform.FromContext(r.Context()), mux.Vars(r)["token"]
	v := &Visit{Token: token, Visit: login.Visit{
		Platform: p, Caller: web.From(r.Context()), Now: s.Engine.Now(), Journey: &authn.Journey{Platform: p.ID},
		Action: URL(p, token), Request: r, Facts: authn.Facts{Policy: p.Policy, FederationFacts: authn.FederationFacts{Connected: s.Engine.Connected(p.ID)}},
	}}
	if !secret.IsToken(token) {
		return v, fmt.Errorf("link: %w: not a token", fault.NotFound)
	}
	t, err := s.Store.Ticket(r.Context(), p.ID, secret.Hash(token))
	if err != nil {
		return v, err
	}
	v.Ticket, v.Journey.Party = t, t.Party
	v.LoginURL = s.restart(v)
	if t.Account == "" {
		return v, nil
	}
	v.Facts.Account, err = s.Store.Account(r.Context(), p.ID, t.Account)
	works := t.UsedAt.IsZero() && t.VoidedAt.IsZero()
	if err == nil && works && t.Purpose == authn.TicketWelcome && v.Facts.Account.State == account.Active {
		t.UsedAt = v.Now // the first password was made without it
	}
	return v, err
}

// open shows what a link is for, or why it does not work any more. It spends and sends nothing: mail scanners open
// links, twice and from several machines. A journey that it begins is bound to the browser that goes on with it.
func (s *Server) open(w http.ResponseWriter, r *http.Request) error {
	v, err := s.find(r)
	if err == nil && v.closed() {
		return s.showClosed(w, r, v)
	}
	if err != nil || v.Ticket.State(v.Now) != authn.TicketWorks {
		return s.showDead(w, r, v, err)
	}
	if button := s.button(v.Ticket.Purpose); button != nil {
		page, err := button.Show(r.Context(), v)
		if err != nil {
			return err
		}
		look := v.Visit.Look(nil)
		if changed, ok := page.Data.(ui.EmailChangedPage); ok && changed.Taken {
			look.Reference = s.refuse(r, v, "taken")
		}
		return s.Engine.ShowPage(w, r, http.StatusOK, page.Template, page.Data, look)
	}
	if r.Method == http.MethodHead {
		return nil
	}
	return s.Engine.StartOpened(w, r, purposes[v.Ticket.Purpose], v.Ticket, v.Facts.Account)
}

// press takes the form of a Button, or sends a dead link again.
func (s *Server) press(w http.ResponseWriter, r *http.Request) error {
	v, err := s.find(r)
	if err := web.ParseForm(r); err != nil {
		return err
	}
	v.Form = r.PostForm
	if err == nil && v.closed() {
		return web.SeeOther(w, r, v.Action) // which says so
	}
	if err != nil || v.Ticket.State(v.Now) != authn.TicketWorks {
		if err == nil && v.Button() == "again" {
			return s.sendAgain(w, r, v)
		}
		return s.showDead(w, r, v, err)
	}
	button := s.button(v.Ticket.Purpose)
	if button == nil {
		return web.SeeOther(w, r, v.Action)
	}
	change, next, err := button.Press(r.Context(), v)
	if err != nil || change == nil {
		if err != nil {
			return err
		}
		return web.SeeOther(w, r, next)
	}
	change.Platform = v.Platform.ID
	change.Spend = append(change.Spend, authn.TicketUse{Hash: v.Ticket.Hash, Purpose: v.Ticket.Purpose, Opened: v.Now})
	err = s.Store.SaveChange(r.Context(), *change, v.Now)
	if errors.Is(err, fault.Spent) || errors.Is(err, fault.Taken) || errors.Is(err, fault.Refused) {
		return web.SeeOther(w, r, v.Action) // which says so
	}
	if err != nil {
		return err
	}
	v.WriteKnownBrowser(w)
	if next == "" {
		next = v.LoginURL
	}
	return web.SeeOther(w, r, next)
}

// restart is where people log in who come by this link.
func (s *Server) restart(v *Visit) string {
	party, _ := s.Engine.Party(v.Platform.ID, grant.PartyID(v.Journey.Party)) // none: the platform itself
	return s.Engine.Login(v.Platform, party)
}

func (s *Server) button(purpose authn.TicketPurpose) Button {
	for _, b := range s.Buttons {
		if b.Purpose() == purpose {
			return b
		}
	}
	return nil
}
