package settings

import (
	"context"
	"net/http"
	"time"

	"github.com/gorilla/mux"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/ui"
)

// ConsentStore is what the page of consents needs of storage; each method is one transaction.
type ConsentStore interface {
	Consents(ctx context.Context, p platform.ID, of account.ID) ([]authn.Consent, error)
	WithdrawConsent(ctx context.Context, p platform.ID, of account.ID, party grant.PartyID, e audit.Event, now time.Time) error
}

// consents are what somebody allowed parties that are not the platform's own: those that are asked about. What the
// platform's own parties may have, the organisation decided, and taking it back would change nothing.
func (s *Server) consents(r *http.Request, v *login.Visit) (given []authn.Consent, parties []grant.Party, err error) {
	all, err := s.Consents.Consents(r.Context(), v.Platform.ID, v.Facts.Account.ID)
	for _, c := range all {
		if party, ok := s.Party(v.Platform.ID, grant.PartyID(c.Party)); ok && party.ThirdParty {
			given, parties = append(given, c), append(parties, *party)
		}
	}
	return given, parties, err
}

// consentsState is how many there are; none is no line in the overview.
func (s *Server) consentsState(r *http.Request, v *login.Visit) ([]ui.State, error) {
	given, _, err := s.consents(r, v)
	if err != nil || len(given) == 0 {
		return nil, err
	}
	return []ui.State{{Key: "settings.parties", N: len(given)}}, nil
}

// showConsents lists who may have or do what, and since when (testdata/journeys/consents.txt).
func (s *Server) showConsents(w http.ResponseWriter, r *http.Request, v *login.Visit) error {
	p := v.Platform
	given, parties, err := s.consents(r, v)
	if err != nil {
		return err
	}
	page := ui.ConsentsPage{BackURL: p.URL(pathSettings), HomeURL: p.HomeURL}
	page.Notice, _ = takeNotice(w, r, p.ID)
	for i, c := range given {
		page.Given = append(page.Given, ui.Given{
			Party: parties[i].CalledAs(p.Name), Asked: login.RequestedAccess(c.Scopes, &parties[i]), At: c.At, URL: p.URL(pathConsents + "/" + c.Party),
		})
	}
	return s.Engine.ShowPage(w, r, http.StatusOK, "consents", page, v.Look(nil))
}

// ofConsent calls a handler with the party that the address names. One that was allowed nothing, or not any more, leads
// back to the page: another tab was faster. One that is never asked about does not exist.
func (s *Server) ofConsent(h func(http.ResponseWriter, *http.Request, *login.Visit, *grant.Party) error) login.Handler {
	return func(w http.ResponseWriter, r *http.Request, v *login.Visit) error {
		party, ok := s.Party(v.Platform.ID, grant.PartyID(mux.Vars(r)["party"]))
		if !ok || !party.ThirdParty {
			s.Engine.NotFound(w, r)
			return nil
		}
		given, _, err := s.consents(r, v)
		if err != nil {
			return err
		}
		for _, c := range given {
			if c.Party == string(party.ID) {
				return h(w, r, v, party)
			}
		}
		return web.SeeOther(w, r, v.Platform.URL(pathConsents))
	}
}

// showConsent asks before a consent is taken back.
func (s *Server) showConsent(w http.ResponseWriter, r *http.Request, v *login.Visit, party *grant.Party) error {
	p := v.Platform
	page := ui.WithdrawPage{Action: v.Action, Party: party.CalledAs(p.Name), BackURL: p.URL(pathConsents), HomeURL: p.HomeURL}
	return s.Engine.ShowPage(w, r, http.StatusOK, "withdraw", page, v.Look(nil))
}

// submitConsent takes a consent back: the party's grants of this person end with it, offline ones too. What the party
// has fetched stays with it, which the page says.
func (s *Server) submitConsent(w http.ResponseWriter, r *http.Request, v *login.Visit, party *grant.Party) error {
	if v.Button() != "continue" {
		return web.SeeOther(w, r, v.Platform.URL(pathConsents))
	}
	e := ended(v, audit.ConsentWithdrawn, v.Facts.Session.ID)
	e.Party = string(party.ID)
	if err := s.Consents.WithdrawConsent(r.Context(), v.Platform.ID, v.Facts.Account.ID, party.ID, e, v.Now); err != nil {
		return err
	}
	setNotice(w, v.Platform.ID, doneWithdrawn, ui.Machine{})
	return web.SeeOther(w, r, v.Platform.URL(pathConsents))
}
