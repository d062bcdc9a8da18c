package op

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/visitor"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/ui"
)

// logoutParameters are those of RP-Initiated Logout 1.0 section 2 that we use.
var logoutParameters = []string{"id_token_hint", "client_id", "post_logout_redirect_uri", "state"}

// logout ends a session at the wish of a party or a person (RP-Initiated Logout 1.0). Without asking only when the hint
// names the very session of this browser; otherwise the person confirms, so that no page elsewhere can sign anyone out.
// A redirect back needs a registered URI of the party that the hint or client_id names.
func (s *Server) logout(w http.ResponseWriter, r *http.Request) error {
	p := platform.FromContext(r.Context())
	form, err := readOnce(r)
	s.recordExposedSecret(r, "logout")
	if err != nil {
		return err
	}
	for _, name := range logoutParameters {
		if value := form.Get(name); len(value) > longestToken || name != "id_token_hint" && len(value) > longestState || !web.IsPlain(value) {
			return refuse("invalid_request", name+" is too long, or not plain text")
		}
	}
	confirmed := r.Method == http.MethodPost && form.Get("do") == "logout" && sameOrigin(r, p)
	if r.Method == http.MethodPost && !confirmed { // another site's form carries no cookie: met again by GET
		kept := url.Values{}
		for _, name := range logoutParameters {
			if value := form.Get(name); value != "" {
				kept.Set(name, value)
			}
		}
		http.Redirect(w, r, p.URL(pathLogout)+"?"+kept.Encode(), http.StatusSeeOther)
		return nil
	}
	sessions, err := s.sessionsOf(r, p)
	if err != nil {
		return err
	}
	party, sid := s.askedBy(p, form)
	back := returnTo(party, form)
	named := sid != "" && len(sessions) == 1 && sidOf(p, party, sessions[0]) == sid
	refusedURI := form.Get("post_logout_redirect_uri") != "" && back == ""
	if refusedURI {
		web.AddLogAttrs(w, slog.String("reason", "post_logout_redirect_uri is not registered, or nothing says of which client"))
	}
	if len(sessions) > 0 && !confirmed && (!named || refusedURI) {
		return s.askLogout(w, r, p, form)
	}
	for _, session := range sessions {
		caller := web.From(r.Context())
		event := audit.Event{
			At: s.Now(), Platform: p.ID, Kind: audit.SessionEnded, Actor: string(session.Account), Account: session.Account, Session: session.ID,
			Outcome: audit.Success,
			Origin:  audit.Origin{Address: caller.Address, Agent: caller.Agent, Reference: caller.Reference},
		}
		if err := s.Sessions.EndSession(r.Context(), p.ID, session.ID, event, s.Now()); err != nil {
			return err
		}
		web.DropCookie(w, p.ID, visitor.Cookie(session.Channel))
		if cookie := web.Cookie(r, p.ID, visitor.Cookie(session.Channel)); session.Channel == authn.Browser || len(sessions) == 1 {
			web.KeepCookie(w, p.ID, web.EndedCookie, cookie, receiptsFor) // it opens nothing any more
		}
	}
	if back != "" && (sid != "" || confirmed) {
		http.Redirect(w, r, back, http.StatusSeeOther)
		return nil
	}
	return s.seeLoggedOut(w, r, p, party)
}

// LogoutURL is where a page of ours sends a form with do=logout.
func LogoutURL(p *platform.Platform) string { return p.URL(pathLogout) }

// sidOf is the `sid` that a party gets of a session now.
func sidOf(p *platform.Platform, party *grant.Party, s *authn.Session) string {
	if !party.LogoutOnIdle {
		return party.Session(s.ID, p.Salt)
	}
	return party.Session(grant.SIDSource(s.ID, s.IdledAt), p.Salt)
}

// sessionsOf are the live sessions of this browser on the platform: at most one per channel.
func (s *Server) sessionsOf(r *http.Request, p *platform.Platform) ([]*authn.Session, error) {
	var sessions []*authn.Session
	for _, channel := range []authn.Channel{authn.Browser, authn.App} {
		session, _, err := s.Visitors.Session(r, p.ID, channel, s.Now())
		if err != nil {
			return nil, err
		}
		if session != nil {
			sessions = append(sessions, session)
		}
	}
	return sessions, nil
}

// askedBy is the party that asks for the end of a session, with the `sid` of its hint; nil when none is known that may,
// "" when no hint vouches for it. A hint beside the client_id of another party counts for nothing, and neither does
// that client_id (RP-Initiated Logout 1.0 sections 2 and 4).
func (s *Server) askedBy(p *platform.Platform, form url.Values) (party *grant.Party, sid string) {
	id := grant.PartyID(form.Get("client_id"))
	if hint, err := s.readHint(p, form.Get("id_token_hint")); err == nil {
		if id != "" && id != hint.Audience {
			return nil, ""
		}
		id, sid = hint.Audience, hint.Session
	}
	party, known := s.enabled(p.ID, id)
	if !known || s.Registry.Fresh() != nil { // it may have been disabled
		return nil, ""
	}
	return party, sid
}

// returnTo is where the person goes afterwards: a registered URI of the party, if there is one, with the state, or "".
func returnTo(party *grant.Party, form url.Values) string {
	uri := form.Get("post_logout_redirect_uri")
	if uri == "" || party == nil || !party.LogoutMatches(uri) {
		return ""
	}
	u, err := url.Parse(uri)
	if err != nil {
		return ""
	}
	if state := form.Get("state"); state != "" {
		add := url.Values{"state": {state}}.Encode()
		if u.RawQuery != "" {
			add = u.RawQuery + "&" + add
		}
		u.RawQuery = add
	}
	return u.String()
}

func (s *Server) askLogout(w http.ResponseWriter, r *http.Request, p *platform.Platform, form url.Values) error {
	page := ui.LogoutPage{Action: p.URL(pathLogout), StayURL: p.HomeURL}
	for _, name := range logoutParameters {
		if v := form.Get(name); v != "" {
			page.Hidden = append(page.Hidden, ui.Field{Name: name, Value: v})
		}
	}
	return s.Show(w, r, http.StatusOK, "logout", page)
}

func (s *Server) seeLoggedOut(w http.ResponseWriter, r *http.Request, p *platform.Platform, party *grant.Party) error {
	http.Redirect(w, r, loggedOutURL(p, party, 0), http.StatusSeeOther)
	return nil
}

// loggedOutURL is the page at the end, which was looked at again so often.
func loggedOutURL(p *platform.Platform, party *grant.Party, again int) string {
	q := url.Values{}
	if party != nil {
		q.Set("client_id", string(party.ID))
	}
	if again > 0 {
		q.Set("again", strconv.Itoa(again))
	}
	if len(q) == 0 {
		return p.URL(pathLoggedOut)
	}
	return p.URL(pathLoggedOut) + "?" + q.Encode()
}

// How the page at the end waits for the receipts of parties.
const (
	receiptsFor   = 10 * time.Minute       // it tells of a session that ended so long ago at most
	receiptsWait  = 2 * time.Second        // before it is shown
	receiptsEvery = 200 * time.Millisecond // looks whether they are here
	reloads       = 2                      // by itself, while some are missing
	reloadAfter   = "4"                    // seconds: the second attempt comes after one, the third after six
)

// loggedOut is the page at the end; reloading it is harmless. It says which parties confirmed that the person is logged
// out there, and looks again by itself while some have not.
func (s *Server) loggedOut(w http.ResponseWriter, r *http.Request) error {
	p := platform.FromContext(r.Context())
	party, _ := s.enabled(p.ID, grant.PartyID(r.FormValue("client_id")))
	told := ui.NotifiedPartiesOf(s.receipts(r, p), func(id string) string { return s.calledAs(p, id) })
	again, err := strconv.Atoi(r.FormValue("again"))
	if missing := slices.ContainsFunc(told, func(t ui.NotifiedParty) bool { return t.Waits }); missing && again < reloads && again >= 0 {
		if err != nil {
			again = 0
		}
		w.Header().Set("Refresh", reloadAfter+"; url="+loggedOutURL(p, party, again+1))
	}
	return s.Show(w, r, http.StatusOK, "logged_out", ui.LoggedOutPage{AgainURL: RestartURL(p, party), Told: told})
}

// receipts are those of the session that ended in this browser just now, after all are here or receiptsWait is over.
// The page is shown whether they can be read or not: the session has ended.
func (s *Server) receipts(r *http.Request, p *platform.Platform) (all []outbox.Receipt) {
	cookie := web.CookieHash(r, p.ID, web.EndedCookie)
	if cookie == nil {
		return nil
	}
	ctx, done := context.WithTimeout(r.Context(), receiptsWait)
	defer done()
	for {
		now, err := s.Sessions.ReceiptsOfCookie(ctx, p.ID, cookie, s.Now().Add(-receiptsFor))
		if err != nil {
			return all // those of the look before
		}
		all = now
		if !slices.ContainsFunc(all, func(r outbox.Receipt) bool { return r.Outcome == "" }) {
			return all
		}
		select {
		case <-ctx.Done():
			return all
		case <-time.After(receiptsEvery):
		}
	}
}

// calledAs is what people call a party; "" one that there is not any more.
func (s *Server) calledAs(p *platform.Platform, id string) string {
	party, ok := s.Registry.Party(p.ID, grant.PartyID(id))
	if !ok {
		return ""
	}
	return party.CalledAs(p.Name)
}

// sameOrigin reports whether a form was sent by a page of ours. Browsers say so; one too old to say it sends no
// Sec-Fetch-Site and no Origin, and its cookies are still kept back by SameSite.
func sameOrigin(r *http.Request, p *platform.Platform) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" {
		return site == "same-origin"
	}
	origin := r.Header.Get("Origin")
	return origin == "" || origin == p.Issuer.Origin()
}
