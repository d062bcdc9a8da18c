package qr

import (
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/qr"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/login"
)

// showStart says how many devices there are, and asks which is to make room where one more is too many.
func (s *Server) showStart(w http.ResponseWriter, r *http.Request, v *login.Visit) error {
	all, err := s.Store.AppDevices(r.Context(), v.Platform.ID, v.Facts.Account.ID)
	if err != nil {
		return err
	}
	page := startPage{Action: v.Action, Devices: len(all), Most: v.Facts.Policy.MaxAppDevices(), BackURL: v.Platform.URL(pathSettings), HomeURL: v.Platform.HomeURL}
	if len(all) >= page.Most {
		page.Remove = s.Engine.RemovableDevices(all)
	}
	var mistakes []authn.Mistake
	if r.URL.Query().Has("choose") && len(page.Remove) > 0 {
		mistakes = []authn.Mistake{{Field: "remove", Key: "room.error"}}
	}
	page.Later = r.URL.Query().Has("later")
	return s.Engine.ShowPage(w, r, http.StatusOK, "qr_start", page, v.Look(mistakes))
}

// submitStart makes a handoff.
func (s *Server) submitStart(w http.ResponseWriter, r *http.Request, v *login.Visit) error {
	p, f := v.Platform, v.Facts
	all, err := s.Store.AppDevices(r.Context(), p.ID, f.Account.ID)
	if err != nil {
		return err
	}
	var displaces grant.DeviceID
	if len(all) >= f.Policy.MaxAppDevices() {
		displaces = grant.DeviceID(v.Form.Get("remove"))
		if !slices.ContainsFunc(all, func(d grant.Device) bool { return d.ID == displaces }) {
			return web.SeeOther(w, r, p.URL(Path)+"?choose=1")
		}
	}
	h, reference := grant.NewHandoff(f.Session, authn.FreshProofs(f), displaces, v.Now)
	h.Reference = s.Sealer.Seal([]byte(reference), h.ReferenceBinding())
	e := v.Event(audit.HandoffMade, audit.Success, f.Account.ID)
	e.Session = f.Session.ID
	limit := hex.EncodeToString(s.Sealer.MAC("handoffs of an account", string(p.ID)+"\x00"+string(f.Account.ID)))
	err = s.Store.MakeHandoff(r.Context(), grant.Make{
		Handoff: h, Hash: secret.Hash(reference),
		Follows: authn.Change{
			Platform: p.ID, Events: []audit.Event{e},
			Count: []authn.Limit{{Key: limit, Max: grant.HandoffsAnHour, Window: time.Hour}},
		},
	}, v.Now)
	switch {
	case errors.Is(err, fault.Throttled):
		return web.SeeOther(w, r, p.URL(Path)+"?later=1")
	case errors.Is(err, fault.Refused): // the session or the codes ended a moment ago, and the page says which
		return web.SeeOther(w, r, p.URL(Path))
	case err != nil:
		return err
	}
	return web.SeeOther(w, r, addressOf(v, h.ID))
}

func addressOf(v *login.Visit, id grant.HandoffID) string {
	return v.Platform.URL(Path + "/" + string(id))
}

// find finds the handoff that the address names; nil: there is none in this session.
func (s *Server) find(r *http.Request, v *login.Visit) (*grant.Handoff, error) {
	id := mux.Vars(r)["handoff"]
	if !secret.IsID(id) {
		return nil, nil
	}
	h, err := s.Store.Handoff(r.Context(), v.Platform.ID, grant.HandoffID(id), v.Facts.Account.ID, v.Facts.Session.ID)
	if errors.Is(err, fault.NotFound) {
		return nil, nil
	}
	return h, err
}

// stateOf is how a handoff stands, in a word: what a script waits for to change.
func stateOf(h *grant.Handoff, now time.Time) string {
	switch end := h.Ended(now); {
	case end != "":
		return string(end)
	case !h.ConfirmedAt.IsZero():
		return "confirmed"
	case !h.ClaimedAt.IsZero():
		return "claimed"
	}
	return "shown"
}

// showState answers the script of the page.
func (s *Server) showState(w http.ResponseWriter, _ *http.Request, v *login.Visit, h *grant.Handoff) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, err := w.Write([]byte(stateOf(h, v.Now)))
	return err
}

// showHandoff is the code until a phone has scanned it, then the field for its number, then how it ended.
func (s *Server) showHandoff(w http.ResponseWriter, r *http.Request, v *login.Visit, h *grant.Handoff) error {
	web.AllowOwnCalls(w.Header())
	state := stateOf(h, v.Now)
	waits := Waits{StateURL: addressOf(v, h.ID) + "/state", State: state}
	switch state {
	case "shown":
		return s.showCode(w, r, v, h, waits)
	case "claimed":
		page := numberPage{
			Waits: waits, Action: addressOf(v, h.ID), Device: h.Name, Near: h.SameNetwork(v.Caller.Nearby()),
		}
		var mistakes []authn.Mistake
		switch {
		case r.URL.Query().Has("empty"):
			mistakes = []authn.Mistake{{Field: "match", Key: "qr.error_number"}}
		case h.Numbers > 0:
			mistakes = []authn.Mistake{{Field: "match", Key: "qr.error_wrong"}}
		}
		return s.Engine.ShowPage(w, r, http.StatusOK, "qr_number", page, v.Look(mistakes))
	}
	page := ends[state]
	page.AgainURL, page.BackURL, page.HomeURL = v.Platform.URL(Path), v.Platform.URL(pathSettings), v.Platform.HomeURL
	return s.Engine.ShowPage(w, r, http.StatusOK, "qr_end", page, v.Look(nil))
}

func (s *Server) showCode(w http.ResponseWriter, r *http.Request, v *login.Visit, h *grant.Handoff, waits Waits) error {
	reference, err := s.Sealer.Open(h.Reference, h.ReferenceBinding())
	if err != nil {
		return err
	}
	code, err := qr.Draw(v.Platform.URL(CameraPath) + "#" + string(reference))
	if err != nil {
		return err
	}
	page := codePage{Waits: waits, QR: code, NextURL: addressOf(v, h.ID) + "?scanned=1", NotYet: r.URL.Query().Has("scanned"), BackURL: v.Platform.URL(Path)}
	return s.Engine.ShowPage(w, r, http.StatusOK, "qr_code", page, v.Look(nil))
}

// submitHandoff takes the number of the phone, or stops.
func (s *Server) submitHandoff(w http.ResponseWriter, r *http.Request, v *login.Visit, h *grant.Handoff) error {
	here, owner := addressOf(v, h.ID), v.Facts.Account.ID
	event := func(kind audit.Kind, outcome audit.Outcome, reason string) audit.Event {
		e := v.Event(kind, outcome, owner)
		e.Session, e.Party, e.Reason = h.Session, string(h.Party), reason
		return e
	}
	if v.Button() != "continue" {
		if v.Button() == "stop" {
			if err := s.Store.StopHandoff(r.Context(), h, event(audit.HandoffRefused, audit.Failure, "stopped"), v.Now); err != nil {
				return err
			}
		}
		return web.SeeOther(w, r, here)
	}
	typed, ok := numberOf(v.Form.Get("match"))
	if !ok {
		return web.SeeOther(w, r, here+"?empty=1")
	}
	_, _, err := s.Store.ConfirmHandoff(r.Context(), grant.Confirming{
		Platform: h.Platform, ID: h.ID, Account: owner, Session: h.Session, Now: v.Now,
		Right: func(sealed []byte) (bool, error) {
			number, err := s.Sealer.Open(sealed, h.ID.NumberBinding())
			return err == nil && secret.Equal(number, []byte(typed)), err
		},
		Events: func(right bool, _ grant.HandoffEnd) []audit.Event {
			if right {
				return []audit.Event{event(audit.HandoffConfirmed, audit.Success, "")}
			}
			return []audit.Event{event(audit.HandoffRefused, audit.Failure, "wrong")}
		},
	})
	if err != nil && !errors.Is(err, fault.Stale) { // the page says what came between
		return err
	}
	return web.SeeOther(w, r, here)
}

// numberOf reads a number of two digits; not ok: it is none, and was no try.
func numberOf(typed string) (string, bool) {
	typed = strings.TrimSpace(typed)
	digits := len(typed) == 2 && typed[0] >= '1' && typed[0] <= '9' && typed[1] >= '0' && typed[1] <= '9'
	return typed, digits
}
