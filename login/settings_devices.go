package login

import (
	"net/http"
	"slices"

	"github.com/gorilla/mux"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/login/ui"
)

// showDevices lists where somebody is logged in: the apps, and the browsers, this one first.
func (s *Server) showDevices(w http.ResponseWriter, r *http.Request, v *Visit) error {
	p := v.Platform
	sessions, err := s.Store.Sessions(r.Context(), p.ID, v.Facts.Account.ID, v.Now)
	if err != nil {
		return err
	}
	page := ui.DevicesPage{BackURL: p.URL(pathSettings), HomeURL: p.HomeURL}
	page.Notice, page.Subject = noted(w, r, p.ID)
	for _, session := range sessions {
		d := ui.Device{Machine: machineOf(session.Agent), AddedAt: session.StartedAt, UsedAt: session.SeenAt, This: session.ID == v.Facts.Session.ID}
		if !d.This {
			d.URL, page.LogoutAll = p.URL(pathDevices+"/"+session.ID), v.Action
		}
		switch {
		case session.Channel == authn.App:
			d.Machine.Browser = "" // it only began there
			page.Apps = append(page.Apps, d)
		case d.This:
			page.Browsers = slices.Insert(page.Browsers, 0, d)
		default:
			page.Browsers = append(page.Browsers, d)
		}
	}
	return ShowPage(w, r, http.StatusOK, "devices", page, s.look(v, nil))
}

// submitDevices logs out everywhere else: every other session ends with what it gave, and no browser is remembered.
func (s *Server) submitDevices(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if v.Do() != "logout" {
		return seeOther(w, r, v.Platform.URL(pathDevices))
	}
	err := s.Store.SaveChange(r.Context(), authn.Change{
		Platform: v.Platform.ID,
		End:      &authn.End{Account: v.Facts.Account.ID, Except: v.Facts.Session.ID, Reason: "logged out everywhere"},
		Events:   []account.Event{ended(v, account.SessionsEnded, v.Facts.Session.ID)},
	}, v.Now)
	if err != nil {
		return err
	}
	note(w, v.Platform.ID, doneEverybody, ui.Machine{})
	return seeOther(w, r, v.Platform.URL(pathDevices))
}

// other finds another live session of the same person, by the identifier in the address; nil when there is none, be it
// ended, somebody else's or made up.
func (s *Server) other(r *http.Request, v *Visit) (*authn.Session, error) {
	sessions, err := s.Store.Sessions(r.Context(), v.Platform.ID, v.Facts.Account.ID, v.Now)
	if err != nil {
		return nil, err
	}
	id := mux.Vars(r)["session"]
	i := slices.IndexFunc(sessions, func(o authn.Session) bool { return o.ID == id && o.ID != v.Facts.Session.ID })
	if i < 0 {
		return nil, nil
	}
	return &sessions[i], nil
}

// showDevice asks before the app on a device is logged out.
func (s *Server) showDevice(w http.ResponseWriter, r *http.Request, v *Visit) error {
	session, err := s.other(r, v)
	if err != nil {
		return err
	}
	if session == nil || session.Channel != authn.App {
		return seeOther(w, r, v.Platform.URL(pathDevices))
	}
	page := ui.RevokePage{Action: v.Action, Machine: ui.Machine{System: machineOf(session.Agent).System}, BackURL: v.Platform.URL(pathDevices), HomeURL: v.Platform.HomeURL}
	return ShowPage(w, r, http.StatusOK, "revoke", page, s.look(v, nil))
}

// submitDevice logs one other browser or app out, with all that it was given.
func (s *Server) submitDevice(w http.ResponseWriter, r *http.Request, v *Visit) error {
	session, err := s.other(r, v)
	if err != nil {
		return err
	}
	if session != nil {
		if err := s.Store.EndSession(r.Context(), v.Platform.ID, session.ID, ended(v, account.SignedOut, session.ID), v.Now); err != nil {
			return err
		}
		machine, done := machineOf(session.Agent), doneOne
		if session.Channel == authn.App {
			machine.Browser, done = "", doneRevoked
		}
		note(w, v.Platform.ID, done, machine)
	}
	return seeOther(w, r, v.Platform.URL(pathDevices))
}
