package login_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/platform"
)

// pinSession is the session that a PIN on a device began.
func pinSession(t *testing.T, v visit, a *account.Account) string {
	t.Helper()
	s := authn.NewSession(secret.ID(), a, authn.App, nil, platform.DefaultPolicy(), v.Clock.Now())
	err := v.DB.SaveChange(t.Context(), authn.Change{
		Platform: a.Platform, Start: &authn.SessionStart{Session: s, Cookie: secret.Bytes(32)},
	}, v.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	return s.ID
}

// A device with the app is listed once, with its name; it is asked about, and its removal ends it with its session.
func TestDeviceWithTheAppIsListedOnceAndRemoved(t *testing.T) {
	v := withApp(newVisit(t))
	anna := idptest.Account(t, v.DB, "anna@example.org")
	v.Clock.Later(-100 * time.Hour)
	old := idptest.Device(t, v.DB, anna, "", v.Clock.Now(), func(d *grant.Device) { d.Way, d.Network = "password", "198.51.100.0/24" })
	v.Clock.Later(100 * time.Hour)
	sid := pinSession(t, v, anna)
	phone := idptest.Device(t, v.DB, anna, "Annas <b>telefoon</b>", v.Clock.Now(), func(d *grant.Device) { d.Session = sid })
	b := idptest.NewBrowser(v.Server, "en")
	openSettings(t, b, settings, "anna@example.org")
	if text := idptest.Visible(b.Doc); !strings.Contains(text, "2 apps , 1 browser") {
		t.Errorf("overview: %s", text)
	}
	b.MustOpen(t, settings+"/devices")
	text := idptest.Visible(b.Doc)
	for want, times := range map[string]int{
		"Annas <b>telefoon</b>": 2, "Logged in with a QR code": 1, "Logged in with your email address and password": 1, "Network: 198.51.100.x": 1,
		"Unknown device": 1 /* this browser */, "App ": 1, "Last used on": 2, "Remove ": 2,
	} {
		if got := strings.Count(text, want); got != times {
			t.Errorf("%q %d times, want %d: %s", want, got, times, text)
		}
	}
	if strings.Index(text, "telefoon") > strings.Index(text, "198.51.100.x") {
		t.Errorf("the last used is not first: %s", text)
	}
	b.MustOpen(t, settings+"/devices/"+sid) // goes with its device
	b.MustBeAt(t, "/p/linde/settings/devices")
	second := b.Tab()
	second.MustOpen(t, settings+"/devices/app/"+string(phone.ID))
	b.MustPress(t, "Remove Annas <b>telefoon</b>")
	sees(t, b, "Do you want to remove Annas <b>telefoon</b>?")
	sees(t, b, "your PIN will no longer work there.")
	b.MustPress(t, "Remove device")
	b.MustBeAt(t, "/p/linde/settings/devices")
	sees(t, b, "The device has been removed.")
	if strings.Contains(b.Body, "telefoon") || len(sessions(t, v.Server, "anna@example.org")) != 1 {
		t.Errorf("it is still there, or its session is: %s", idptest.Visible(b.Doc))
	}
	second.MustPress(t, "Remove device")
	second.MustBeAt(t, "/p/linde/settings/devices")
	if strings.Contains(second.Body, "has been removed") {
		t.Error("the second tab says that it was removed now")
	}
	removed := events(t, v.Server, "anna@example.org", audit.DeviceRemoved)
	if len(removed) != 1 || removed[0].Actor != string(anna.ID) || removed[0].Outcome != audit.Success || removed[0].Party != "app" || removed[0].Session != sid {
		t.Errorf("%+v", removed)
	}
	b.MustOpen(t, settings+"/activity")
	sees(t, b, "a device with the app was removed. Was this not you?")
	b.MustOpen(t, settings+"/devices")
	b.MustPress(t, "Remove device") // has no name
	b.MustPress(t, "Cancel")
	b.MustPress(t, "Log out on other devices")
	if all, err := v.DB.AppDevices(t.Context(), "linde", anna.ID); err != nil || len(all) != 0 {
		t.Errorf("after logging out everywhere: %v, %v", all, err)
	}
	b.MustOpen(t, settings+"/devices/app/"+string(old.ID))
	b.MustBeAt(t, "/p/linde/settings/devices")
}

var reference = regexp.MustCompile(`[0-9A-Z]{4}-[0-9A-Z]{4}`)

// Somebody else's device and one that never was look the same, and neither is touched.
func TestForeignDeviceIsNotFound(t *testing.T) {
	v := withApp(newVisit(t))
	bram := idptest.Device(t, v.DB, idptest.Account(t, v.DB, "bram@example.org"), "Brams telefoon", v.Clock.Now())
	b := idptest.NewBrowser(v.Server, "en")
	openSettings(t, b, settings+"/devices", "anna@example.org")
	pages := map[string]bool{}
	for _, id := range []string{string(bram.ID), secret.ID(), "x", "%2e%2e"} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			address := settings + "/devices/app/" + id
			err := b.Open(address)
			if method == http.MethodPost {
				err = b.Twice(url.Values{"do": {"continue"}}, address)
			}
			if err != nil || b.Status != http.StatusNotFound {
				t.Errorf("%s %s: %d, %v", method, address, b.Status, err)
			}
			pages[reference.ReplaceAllString(idptest.Visible(b.Doc), "")] = true
		}
	}
	if len(pages) != 1 {
		t.Errorf("%d different pages: %v", len(pages), pages)
	}
	if all, err := v.DB.AppDevices(t.Context(), "linde", bram.Account); err != nil || len(all) != 1 {
		t.Errorf("Bram has %v, %v", all, err)
	}
}

// The owner reads what happened with the app, in whose words it was, and what a helper did stands where helpers are named.
func TestActivityTellsWhatHappenedWithTheApp(t *testing.T) {
	v := withApp(newVisit(t))
	anna := idptest.Account(t, v.DB, "anna@example.org")
	for i, e := range []audit.Event{
		{Kind: audit.DeviceAdded, Actor: string(anna.ID), Outcome: audit.Success, Reason: "qr"}, {Kind: audit.PINSet, Actor: string(anna.ID), Outcome: audit.Success},
		{Kind: audit.PINRefused, Actor: string(anna.ID), Outcome: audit.Failure, Reason: "wrong"},
		{Kind: audit.DeviceRemoved, Actor: "system", Outcome: audit.Success, Reason: "wrong pins"}, {Kind: audit.DeviceRemoved, Actor: "nobody any more", Outcome: audit.Success},
	} {
		e.At, e.Platform, e.Account = v.Clock.Now().Add(time.Duration(i)*time.Second), "linde", anna.ID
		if err := v.DB.SaveChange(t.Context(), authn.Change{Platform: "linde", Events: []audit.Event{e}}, v.Clock.Now()); err != nil {
			t.Fatal(err)
		}
	}
	b := idptest.NewBrowser(v.Server, "en")
	openSettings(t, b, settings+"/activity", "anna@example.org")
	text := idptest.Visible(b.Doc)
	for want, times := range map[string]int{
		"there was a login on a device with the app": 1, "a PIN was chosen in the app": 1, "a wrong PIN was entered in the app": 1,
		"a device with the app was removed. A wrong PIN had been": 1, "Somebody at GGZ De Linde removed a device with the app": 1, "What happened with the app?": 1,
		"removed a device with the app": 1,
	} {
		if got := strings.Count(text, want); got != times {
			t.Errorf("%q %d times, want %d: %s", want, got, times, text)
		}
	}
}
