package settings

import (
	"encoding/binary"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/gorilla/mux"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/ui"
)

// mostListed is how many sign-ins, and how many parties beyond those, are read for the page. Logging out everywhere
// ends those that are not shown as well.
const mostListed = 100

// showDevices lists what can reach the account: the apps, signed in or not needing to be; the browsers, this one first;
// and the web sites that go on without a session.
func (s *Server) showDevices(w http.ResponseWriter, r *http.Request, v *login.Visit) error {
	page, err := s.devices(r, v)
	if err != nil {
		return err
	}
	page.Notice, page.Subject = takeNotice(w, r, v.Platform.ID)
	return s.Engine.ShowPage(w, r, http.StatusOK, "devices", page, v.Look(nil))
}

// devicesState counts what the page lists.
func (s *Server) devicesState(r *http.Request, v *login.Visit) (states []ui.State, err error) {
	page, err := s.devices(r, v)
	for _, kind := range []ui.State{
		{Key: "settings.apps", N: len(page.Apps)}, {Key: "settings.browsers", N: len(page.Browsers)}, {Key: "settings.sites", N: len(page.Sites)},
	} {
		if kind.N > 0 {
			states = append(states, kind)
		}
	}
	return states, err
}

// devices is the page without what was just done.
func (s *Server) devices(r *http.Request, v *login.Visit) (ui.DevicesPage, error) {
	p := v.Platform
	phones, err := s.Apps.AppDevices(r.Context(), p.ID, v.Facts.Account.ID)
	if err != nil {
		return ui.DevicesPage{}, err
	}
	sessions, access, err := s.Store.Reach(r.Context(), p.ID, v.Facts.Account.ID, v.Now)
	if err != nil {
		return ui.DevicesPage{}, err
	}
	page := ui.DevicesPage{
		App: s.Engine.HasMobileApp(p.ID), LogoutAll: p.URL(pathDevices), More: len(sessions) == mostListed,
		BackURL: p.URL(pathSettings), HomeURL: p.HomeURL,
	}
	for _, session := range sessions {
		if isOfDevice(phones, session.ID) {
			continue // the device is listed
		}
		d := ui.Device{
			Machine: ui.MachineOf(session.Agent), Network: shown(session.Network), Here: sameNetwork(v, session.Network),
			AddedAt: session.StartedAt, UsedAt: session.SeenAt, This: session.ID == v.Facts.Session.ID,
		}
		d.Here = d.Here && !d.This // it goes without saying
		var places []string
		for _, a := range access {
			if a.Session != session.ID || a.Outlives {
				continue
			}
			if name := s.nameOf(p, string(a.Party)); name != "" && !slices.Contains(places, name) {
				places = append(places, name)
			}
			if a.UsedAt.After(d.UsedAt) {
				d.UsedAt = a.UsedAt // a refresh is no activity of the session
			}
		}
		d.Places = strings.Join(places, ", ")
		if !d.This {
			d.URL = p.URL(pathDevices + "/" + session.ID)
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
	s.listOutliving(v, &page, access)
	page.Apps = slices.Concat(s.listPhones(v, phones, sessions, access), page.Apps)
	return page, nil
}

// shown is a network as people may have seen one: with an x for what is not kept. Whatever else is stored is not shown.
func shown(network string) string {
	net, err := netip.ParsePrefix(network)
	if err != nil {
		return ""
	}
	a := net.Addr()
	if b := a.As16(); !a.Is4() {
		return fmt.Sprintf("%x:%x:x", binary.BigEndian.Uint16(b[0:]), binary.BigEndian.Uint16(b[2:]))
	}
	b := a.As4()
	return fmt.Sprintf("%d.%d.%d.x", b[0], b[1], b[2])
}

// sameNetwork reports whether what began in a network did so where the person is now, beside this browser itself.
func sameNetwork(v *login.Visit, network string) bool {
	return network != "" && network == v.Caller.Network()
}

// listOutliving adds what goes on although nobody is signed in there any more. To who has the phone in hand an app
// looks the same either way, so it stands among the others.
func (s *Server) listOutliving(v *login.Visit, page *ui.DevicesPage, access []grant.Access) {
	count := 0
	for _, a := range access {
		if !a.Outlives {
			continue
		}
		count++
		d := ui.Device{
			Machine: ui.MachineOf(a.Agent), Network: shown(a.Network), Here: sameNetwork(v, a.Network),
			Places: s.nameOf(v.Platform, string(a.Party)), AddedAt: a.BeganAt, UsedAt: a.UsedAt,
			URL: v.Platform.URL(pathDevices + "/" + a.Session + "/" + string(a.Party)),
		}
		if a.Channel == authn.App {
			d.Machine.Browser = ""
			page.Apps = append(page.Apps, d)
		} else {
			page.Sites = append(page.Sites, d)
		}
	}
	page.More = page.More || count == mostListed
	slices.SortStableFunc(page.Apps, func(a, b ui.Device) int { return b.UsedAt.Compare(a.UsedAt) })
}

// submitDevices logs out everywhere else: every other session ends with what it gave, over or not, and no browser is
// remembered.
func (s *Server) submitDevices(w http.ResponseWriter, r *http.Request, v *login.Visit) error {
	if v.Button() != "logout" {
		return web.SeeOther(w, r, v.Platform.URL(pathDevices))
	}
	err := s.Store.SaveChange(r.Context(), authn.Change{
		Platform: v.Platform.ID,
		End:      &authn.End{Account: v.Facts.Account.ID, Except: v.Facts.Session.ID, Devices: true, Reason: "logged out everywhere"},
		Events:   []audit.Event{ended(v, audit.AllSessionsEnded, v.Facts.Session.ID)},
	}, v.Now)
	if err != nil {
		return err
	}
	setNotice(w, v.Platform.ID, doneEverybody, ui.Machine{})
	return web.SeeOther(w, r, v.Platform.URL(pathDevices))
}

// listed is what an address below the page of devices names: a live session, or what a party has beyond its session.
type listed struct {
	session *authn.Session
	access  *grant.Access
}

// app reports whether it is asked about before it ends.
func (l listed) app() bool {
	return l.session != nil && l.session.Channel == authn.App || l.access != nil && l.access.Channel == authn.App
}

func (l listed) machine() ui.Machine {
	if l.session != nil {
		return ui.MachineOf(l.session.Agent)
	}
	return ui.MachineOf(l.access.Agent)
}

// onList finds what the address names on the list of the same person. What is not on it, but is or was theirs, leads
// back to the page: another tab was faster. Anything else does not exist.
func (s *Server) onList(r *http.Request, v *login.Visit) (l listed, theirs bool, err error) {
	sessions, access, err := s.Store.Reach(r.Context(), v.Platform.ID, v.Facts.Account.ID, v.Now)
	if err != nil {
		return listed{}, false, err
	}
	id, party := mux.Vars(r)["session"], mux.Vars(r)["party"]
	if party == "" {
		i := slices.IndexFunc(sessions, func(o authn.Session) bool { return o.ID == id && o.ID != v.Facts.Session.ID })
		if i >= 0 && sessions[i].Channel == authn.App {
			phones, err := s.Apps.AppDevices(r.Context(), v.Platform.ID, v.Facts.Account.ID)
			if err != nil || isOfDevice(phones, id) {
				return listed{}, true, err // the device is on the list, and ends with what it has
			}
		}
		if i >= 0 {
			return listed{session: &sessions[i]}, true, nil
		}
	} else {
		i := slices.IndexFunc(access, func(a grant.Access) bool { return a.Outlives && a.Session == id && string(a.Party) == party })
		if i >= 0 {
			return listed{access: &access[i]}, true, nil
		}
		if _, known := s.Party(v.Platform.ID, grant.PartyID(party)); !known {
			return listed{}, false, nil
		}
	}
	theirs, err = s.Store.OwnsSession(r.Context(), v.Platform.ID, v.Facts.Account.ID, id)
	return listed{}, theirs, err
}

// ofDevice calls a handler with what the address names.
func (s *Server) ofDevice(h func(http.ResponseWriter, *http.Request, *login.Visit, listed) error) login.Handler {
	return func(w http.ResponseWriter, r *http.Request, v *login.Visit) error {
		l, theirs, err := s.onList(r, v)
		switch {
		case err != nil:
			return err
		case l != listed{}:
			return h(w, r, v, l)
		case theirs:
			return web.SeeOther(w, r, v.Platform.URL(pathDevices))
		}
		s.Engine.NotFound(w, r)
		return nil
	}
}

// showDevice asks before the app on a device is logged out.
func (s *Server) showDevice(w http.ResponseWriter, r *http.Request, v *login.Visit, l listed) error {
	if !l.app() {
		return web.SeeOther(w, r, v.Platform.URL(pathDevices))
	}
	page := ui.RevokePage{
		Action: v.Action, Machine: ui.Machine{System: l.machine().System}, BackURL: v.Platform.URL(pathDevices),
		HomeURL: v.Platform.HomeURL,
	}
	return s.Engine.ShowPage(w, r, http.StatusOK, "revoke", page, v.Look(nil))
}

// submitDevice logs one other browser or app out, with all that it was given; or ends what a party has beyond its
// session.
func (s *Server) submitDevice(w http.ResponseWriter, r *http.Request, v *login.Visit, l listed) error {
	if err := s.endListed(r, v, l); err != nil {
		return err
	}
	machine, done := l.machine(), doneOne
	switch {
	case l.app():
		machine.Browser, done = "", doneRevoked
	case l.access != nil:
		machine, done = ui.Machine{}, doneStopped
	}
	setNotice(w, v.Platform.ID, done, machine)
	return web.SeeOther(w, r, v.Platform.URL(pathDevices))
}

func (s *Server) endListed(r *http.Request, v *login.Visit, l listed) error {
	if l.session != nil {
		return s.Store.EndSession(r.Context(), v.Platform.ID, l.session.ID, ended(v, audit.SessionEnded, l.session.ID), v.Now)
	}
	e := ended(v, audit.GrantEnded, l.access.Session)
	e.Party = string(l.access.Party)
	return s.Store.EndAccess(r.Context(), v.Platform.ID, v.Facts.Account.ID, l.access.Session, l.access.Party, e, v.Now)
}
