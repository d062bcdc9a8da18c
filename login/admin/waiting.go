package admin

import (
	"errors"
	"net/http"
	"time"

	"github.com/gorilla/mux"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/staff"
)

// WaitingPage lists acts that wait for their time or for a second one, the oldest first. do: agree or withdraw, of one.
type WaitingPage struct {
	Chrome
	Asked []PendingAct
	All   string // address of the list, where the page is about one
}

// PendingAct is an act that somebody asked for and that waits.
type PendingAct struct {
	ID      string
	What    string   // text key
	Role    string   // text key of the role that it gives; empty: none
	Address string   // that it gives; empty: none
	Why     []string // text keys of what the asker said
	Whose   Named
	By      Named
	Until   time.Time
	Lapses  bool // it is not done then, but comes to nothing
	URL     string
	Theirs
}

// Theirs is what an act that waits is to who looks.
type Theirs struct {
	Agree    bool // they may
	Withdraw bool // they may
	Own      bool // they asked for it
}

// pendingLines are acts that wait, for who looks.
func (s *Server) pendingLines(r *http.Request, v *Visit, pending []staff.Pending) (all []PendingAct, err error) {
	var ids []string
	for _, p := range pending {
		ids = append(ids, string(p.Account), string(p.Asker))
	}
	known, err := s.persons(r, v, nil, ids...)
	if err != nil {
		return nil, err
	}
	for _, p := range pending {
		on := staff.Subject{Account: p.Account, Role: known[string(p.Account)].Role, Platform: p.Platform, Gives: p.Gives}
		line := PendingAct{
			ID: p.ID, What: deedOf(p.Act).key("title"), Address: p.Address, Whose: known.of(v, string(p.Account)), By: known.of(v, string(p.Asker)),
			Until: p.DueAt, URL: v.Platform.URL(waiting + "/" + p.ID),
			Theirs: Theirs{
				Agree: p.MayAgree(v.By, on, v.Now), Withdraw: p.MayWithdraw(v.By, on, v.Now), Own: p.Asker == v.By.Account,
			},
		}
		_, line.Lapses = staff.MustWait(p.Act, on)
		if p.Gives != "" {
			line.Role = roleKey(p.Gives)
		}
		if p.Said.Reason != "" {
			line.Why = append(line.Why, p.Said.Reason.TextKey())
		}
		if p.Said.Identified != "" {
			line.Why = append(line.Why, p.Said.Identified.TextKey())
		}
		all = append(all, line)
	}
	return all, nil
}

// showWaiting lists all that waits (testdata/journeys/staff_second_helper.txt).
func (s *Server) showWaiting(w http.ResponseWriter, r *http.Request, v *Visit) error {
	pending, err := s.acts(v).Pending(r.Context(), v.Platform.ID)
	if err != nil {
		return err
	}
	page := WaitingPage{Chrome: s.chrome(v)}
	page.Notice = s.takeNotice(w, r, v.Platform.ID)
	if page.Asked, err = s.pendingLines(r, v, pending); err != nil {
		return err
	}
	return s.show(w, r, v, "staff_waiting", page)
}

// ofAsked calls a handler with the act that the address names. One that ended meanwhile leads to the list, where that
// is said.
func (s *Server) ofAsked(h func(http.ResponseWriter, *http.Request, *Visit, staff.Pending) error) Handler {
	return func(w http.ResponseWriter, r *http.Request, v *Visit) error {
		id := mux.Vars(r)["act"]
		if id == "" || len(id) > maxID {
			s.Engine.NotFound(w, r)
			return nil
		}
		read := s.acts(v).OpenPending
		if r.Method == http.MethodPost { // nothing of it is shown
			read = s.acts(v).OnePending
		}
		p, err := read(r.Context(), v.Platform.ID, id)
		switch {
		case errors.Is(err, fault.NotFound):
			s.Engine.NotFound(w, r)
			return nil
		case err != nil:
			return err
		case !p.End.At.IsZero():
			setNotice(w, v.Platform.ID, noticeChanged)
			return web.SeeOther(w, r, v.Platform.URL(waiting))
		}
		return h(w, r, v, p)
	}
}

// showAsked is the page of one act that waits: who agreed and had to sign in anew comes back to it.
func (s *Server) showAsked(w http.ResponseWriter, r *http.Request, v *Visit, p staff.Pending) (err error) {
	page := WaitingPage{Chrome: s.chrome(v), All: v.Platform.URL(waiting)}
	if page.Asked, err = s.pendingLines(r, v, []staff.Pending{p}); err != nil {
		return err
	}
	return s.show(w, r, v, "staff_waiting", page)
}

// submitAsked agrees to an act that waits, or ends it, and leads to the person, where it is said.
func (s *Server) submitAsked(w http.ResponseWriter, r *http.Request, v *Visit, p staff.Pending) error {
	var err error
	var done string
	switch v.Button() {
	case "agree":
		done, err = noticeAgreed, s.acts(v).Confirm(r.Context(), v.Platform.ID, p.ID)
	case "withdraw":
		done, err = noticeWithdrawn, s.acts(v).Withdraw(r.Context(), v.Platform.ID, p.ID)
	default:
		return web.SeeOther(w, r, v.Platform.URL(waiting))
	}
	switch {
	case err == nil:
	case errors.Is(err, staff.NotFresh):
		return s.Engine.StartKnown(w, r, authn.StaffAct, back(r), "")
	case errors.Is(err, fault.Refused), errors.Is(err, fault.Spent), errors.Is(err, fault.Expired), errors.Is(err, fault.Taken),
		errors.Is(err, fault.Stale), errors.Is(err, fault.NotFound):
		done = noticeChanged
	default:
		return err
	}
	setNotice(w, v.Platform.ID, done)
	return web.SeeOther(w, r, personURL(v, p.Account))
}
