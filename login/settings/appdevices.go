package settings

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/gorilla/mux"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/ui"
)

// isOfDevice reports whether a session is that of one of the devices, which its PIN began.
func isOfDevice(all []grant.Device, sid string) bool {
	return slices.ContainsFunc(all, func(d grant.Device) bool { return d.Session == sid })
}

// listPhones are the devices with the mobile app. What the session of one did counts as its use.
func (s *Server) listPhones(v *login.Visit, all []grant.Device, sessions []authn.Session, access []grant.Access) (page []ui.Device) {
	for _, d := range all {
		used := d.SeenAt
		later := func(at time.Time) {
			if at.After(used) {
				used = at
			}
		}
		for _, session := range sessions {
			if session.ID == d.Session {
				later(session.SeenAt)
			}
		}
		for _, a := range access {
			if a.Session == d.Session {
				later(a.UsedAt)
			}
		}
		page = append(page, ui.Device{
			Machine: appMachine(d), How: s.Engine.WayKey(d.Way), Network: shown(d.Network), Here: sameNetwork(v, d.Network),
			Places: s.nameOf(v.Platform, string(d.Party)), AddedAt: d.AddedAt, UsedAt: used,
			URL: v.Platform.URL(pathDevices + "/app/" + string(d.ID)),
		})
	}
	slices.SortStableFunc(page, func(a, b ui.Device) int { return b.UsedAt.Compare(a.UsedAt) })
	return page
}

func appMachine(d grant.Device) ui.Machine { return ui.Machine{App: true, Name: d.Name} }

// ofAppDevice calls a handler with the device that the address names, of the same person. One that was theirs leads
// back to the page: another tab was faster, or wrong PINs. Anything else does not exist.
func (s *Server) ofAppDevice(h func(http.ResponseWriter, *http.Request, *login.Visit, grant.Device) error) login.Handler {
	return func(w http.ResponseWriter, r *http.Request, v *login.Visit) error {
		id := grant.DeviceID(mux.Vars(r)["device"])
		all, err := s.Apps.AppDevices(r.Context(), v.Platform.ID, v.Facts.Account.ID)
		if err != nil {
			return err
		}
		if i := slices.IndexFunc(all, func(d grant.Device) bool { return d.ID == id }); i >= 0 {
			return h(w, r, v, all[i])
		}
		theirs, err := s.Apps.OwnsDevice(r.Context(), v.Platform.ID, v.Facts.Account.ID, id)
		if err != nil {
			return err
		}
		if theirs {
			return web.SeeOther(w, r, v.Platform.URL(pathDevices))
		}
		s.Engine.NotFound(w, r)
		return nil
	}
}

// showAppDevice asks before a device is removed.
func (s *Server) showAppDevice(w http.ResponseWriter, r *http.Request, v *login.Visit, d grant.Device) error {
	page := ui.RevokePage{
		Action: v.Action, Machine: appMachine(d), BackURL: v.Platform.URL(pathDevices), HomeURL: v.Platform.HomeURL,
	}
	return s.Engine.ShowPage(w, r, http.StatusOK, "revoke", page, v.Look(nil))
}

// submitAppDevice removes a device, with its PIN and all that it was given.
func (s *Server) submitAppDevice(w http.ResponseWriter, r *http.Request, v *login.Visit, d grant.Device) error {
	e := ended(v, audit.DeviceRemoved, d.Session)
	e.Party = string(d.Party)
	err := s.Apps.RemoveDevice(r.Context(), d, "removed", authn.Change{Platform: d.Platform, Events: []audit.Event{e}}, v.Now)
	switch {
	case err == nil:
		setNotice(w, v.Platform.ID, doneRemoved, ui.Machine{})
	case !errors.Is(err, fault.NotFound): // another tab was faster
		return err
	}
	return web.SeeOther(w, r, v.Platform.URL(pathDevices))
}
