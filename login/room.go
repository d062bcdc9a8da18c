package login

import (
	"context"
	"slices"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/ui"
)

// DeviceStore knows the devices with a mobile app.
type DeviceStore interface {
	AppDevices(ctx context.Context, p platform.ID, of account.ID) ([]grant.Device, error)
}

// deviceRemovalStep asks which device makes room, where the mobile app would get one more than an account may have. The
// choice is kept with the journey; the device is removed when the app gets the new one, and not before.
type deviceRemovalStep struct{ *Server }

func (deviceRemovalStep) Name() string { return "room" }
func (deviceRemovalStep) Handles(r authn.Requirement, _ authn.Facts) bool {
	return r.Need == authn.NeedDeviceRemoval
}

func (s deviceRemovalStep) Show(ctx context.Context, v *Visit) (Page, error) {
	others, err := s.otherDevices(ctx, v)
	if err != nil {
		return Page{}, err
	}
	page := ui.DeviceRemovalPage{Action: v.Action, Email: v.Facts.Account.Email.Address, Most: v.Facts.Policy.MaxAppDevices(), Remove: s.RemovableDevices(others)}
	return Page{"room", page}, nil
}

// Submit takes one of the devices as they are now: what the page listed may be gone.
func (s deviceRemovalStep) Submit(ctx context.Context, v *Visit) (Outcome, error) {
	others, err := s.otherDevices(ctx, v)
	if err != nil {
		return Outcome{}, err
	}
	chosen := v.Form.Get("remove")
	if !has(others, chosen) {
		return Outcome{Retry: []authn.Mistake{{Field: "remove", Key: "room.error"}}}, nil
	}
	v.Journey.Displace(chosen)
	v.Facts.DeviceLimitReached = false
	return Outcome{}, nil
}

// readDeviceLimit reads whether one device more would be too many, where the mobile app asks.
func (s *Server) readDeviceLimit(ctx context.Context, v *Visit) error {
	v.Facts.DeviceLimitReached = false
	if v.Facts.Account == nil || !v.Facts.MobileApp {
		return nil
	}
	others, err := s.otherDevices(ctx, v)
	v.Facts.DeviceLimitReached = len(others) >= v.Facts.Policy.MaxAppDevices() && !has(others, v.Journey.Displaces())
	return err
}

// otherDevices are those of the account without the one that asks, which is only renewed.
func (s *Server) otherDevices(ctx context.Context, v *Visit) ([]grant.Device, error) {
	all, err := s.Devices.AppDevices(ctx, v.Platform.ID, v.Facts.Account.ID)
	return slices.DeleteFunc(all, func(d grant.Device) bool {
		return string(d.Party) == v.Journey.Party && d.JKT == v.Journey.Ask.JKT
	}), err
}

func has(devices []grant.Device, id string) bool {
	return slices.ContainsFunc(devices, func(d grant.Device) bool { return string(d.ID) == id })
}

// RemovableDevices are devices as pages list them of which one makes room.
func (s *Server) RemovableDevices(devices []grant.Device) []ui.AppDevice {
	var page []ui.AppDevice
	for _, d := range devices {
		page = append(page, ui.AppDevice{ID: string(d.ID), Name: d.Name, UsedAt: d.SeenAt, How: s.WayKey(d.Way)})
	}
	return page
}

// WayKey is the text key of how a device was entered, a text of the part that gives the way; empty: this build does not
// know the way any more.
func (s *Server) WayKey(w grant.Way) string {
	if key := "devices.by_" + string(w); s.UI.Has(key) {
		return key
	}
	return ""
}
