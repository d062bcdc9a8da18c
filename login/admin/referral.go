package admin

import (
	"cmp"
	"errors"
	"net/http"
	"slices"

	"github.com/gorilla/mux"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/staff"
)

const referralPath = root + "/referral/"

// ReferralPath is the address of the page of a referral, below the issuer.
func ReferralPath(token string) string { return referralPath + token }

// doneFor is how long the page of a referral that was used says what was done, so that a reload, the way back and a
// second click end there: as long as the referral itself could be used.
var doneFor = authn.TicketReferral.Life()

// ReferralPage asks a professional, whom the platform referred, before two-step authentication of one person is turned
// off. Fields: identified; do: continue.
type ReferralPage struct {
	Chrome
	Action    string
	Name      string // of the person; empty: none
	Email     string
	Reason    string // text key of why, as the platform said it
	Questions []Question
	Back      string
}

// ReferralEndPage says what was done by a referral, or why it does not work.
type ReferralEndPage struct {
	Chrome
	Title, Body string // text keys
	Tip         string // ... of what to do next
	Name        string // of the person; empty: it is not said
	Done        bool
	Late        bool // its time is over
	Back        string
}

// deadReferral answers where there is nothing to ask: nobody logs in once more to read that it is too late.
// Another person's referral is not there at all.
func (s *Server) deadReferral(w http.ResponseWriter, r *http.Request, v *Visit) (answered bool, err error) {
	token, err := mux.Vars(r)["token"], fault.NotFound
	if secret.IsToken(token) {
		_, err = s.acts(v).Referral(r.Context(), v.Platform.ID, token, staff.ReferredReset)
	}
	if err == nil {
		return false, nil
	}
	return true, s.endReferral(w, r, v, err)
}

func (s *Server) referralPage(v *Visit, found *staff.Referred) ReferralPage {
	return ReferralPage{
		Chrome: s.chrome(v), Action: v.Action, Name: found.Subject.Profile.Name(), Email: found.Subject.Email.Address,
		Reason: found.Reason.TextKey(), Questions: []Question{identifying("")},
		Back: s.LoginURL(v.Platform, found.Party),
	}
}

// showReferral asks (testdata/journeys/staff_referral.txt). It uses nothing up: whoever looks at addresses in passing
// changes nothing.
func (s *Server) showReferral(w http.ResponseWriter, r *http.Request, v *Visit) error {
	found, err := s.acts(v).Referral(r.Context(), v.Platform.ID, mux.Vars(r)["token"], staff.ReferredReset)
	if err != nil {
		return s.endReferral(w, r, v, err)
	}
	return s.show(w, r, v, "staff_referral", s.referralPage(v, found))
}

// submitReferral does it, and says so at the same address.
func (s *Server) submitReferral(w http.ResponseWriter, r *http.Request, v *Visit) error {
	token, how := mux.Vars(r)["token"], staff.Identified(v.Form.Get("identified"))
	if !slices.Contains(staff.Identifications(), how) {
		found, err := s.acts(v).Referral(r.Context(), v.Platform.ID, token, staff.ReferredReset)
		if err != nil {
			return s.endReferral(w, r, v, err)
		}
		return s.show(w, r, v, "staff_referral", s.referralPage(v, found),
			authn.Mistake{Field: "identified", Key: "staff.identified_missing"})
	}
	err := s.acts(v).ResetByReferral(r.Context(), v.Platform.ID, token, how)
	switch {
	case err == nil:
		return web.SeeOther(w, r, v.Action)
	case errors.Is(err, staff.NotFresh):
		return s.Engine.StartKnown(w, r, authn.StaffAct, back(r), "")
	}
	return s.endReferral(w, r, v, err)
}

// Middles of text keys that also say which mark a page has.
const (
	ended = "done"
	late  = "late"
)

// ends are the pages of what a referral is refused with; the first that an error is counts.
var ends = []struct {
	err    error
	status int
	text   string // middle of its text keys
}{
	{fault.Expired, http.StatusGone, late},
	{fault.Spent, http.StatusGone, "replaced"},
	{fault.Throttled, http.StatusTooManyRequests, "many"},
	{fault.Refused, http.StatusForbidden, "refused"},
}

// endReferral answers for one that does not work. One that the same person used a moment ago says what was done.
func (s *Server) endReferral(w http.ResponseWriter, r *http.Request, v *Visit, why error) error {
	if errors.Is(why, fault.NotFound) {
		s.Engine.NotFound(w, r)
		return nil
	}
	if errors.Is(why, fault.Spent) {
		used, err := s.acts(v).UsedReferral(r.Context(), v.Platform.ID, mux.Vars(r)["token"])
		switch {
		case err == nil:
			return s.saidReferral(w, r, v, used)
		case !errors.Is(err, fault.NotFound):
			return err
		}
	}
	for _, end := range ends {
		if errors.Is(why, end.err) {
			return s.showEnd(w, r, v, end.status, s.endPage(v, end.text, ""))
		}
	}
	return why
}

// saidReferral says what was done, and later on that it was.
func (s *Server) saidReferral(w http.ResponseWriter, r *http.Request, v *Visit, used *staff.Referred) error {
	if v.Now.Sub(used.UsedAt) > doneFor {
		return s.showEnd(w, r, v, http.StatusGone, s.endPage(v, "used", used.Party))
	}
	if r.Method == http.MethodPost {
		return web.SeeOther(w, r, v.Action)
	}
	page := s.endPage(v, ended, used.Party)
	page.Name = cmp.Or(used.Subject.Profile.Name(), used.Subject.Email.Address)
	return s.showEnd(w, r, v, http.StatusOK, page)
}

func (s *Server) endPage(v *Visit, text string, party grant.PartyID) ReferralEndPage {
	page := endOf(text)
	page.Chrome, page.Back = s.chrome(v), s.LoginURL(v.Platform, party)
	return page
}

// endOf has the texts of an end.
func endOf(text string) ReferralEndPage {
	key := func(part string) string { return "staff.referral_" + text + "_" + part }
	return ReferralEndPage{
		Title: key("title"), Body: key("body"), Tip: key("tip"), Done: text == ended, Late: text == late,
	}
}

func (s *Server) showEnd(w http.ResponseWriter, r *http.Request, v *Visit, status int, page ReferralEndPage) error {
	look := v.Look(nil)
	look.Fixed = r.Method == http.MethodPost
	return s.Engine.ShowPage(w, r, status, "staff_referral_end", page, look)
}
