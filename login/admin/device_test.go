package admin_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
)

// A helper sees devices with the app, each once, and removes one of them: the owner is told, and the record says why.
func TestHelperRemovesADeviceWithTheApp(t *testing.T) {
	s := idptest.NewServer(t, idptest.SQLite(t))
	s.Declare(inviting)
	anna, now := idptest.Account(t, s.DB, "anna@example.org"), s.Clock.Now()
	session := authn.NewSession(secret.ID(), anna, authn.App, nil, platform.DefaultPolicy(), now)
	start := authn.Change{Platform: "linde", Start: &authn.SessionStart{Session: session, Cookie: secret.Bytes(32)}}
	if err := s.DB.SaveChange(t.Context(), start, now); err != nil {
		t.Fatal(err)
	}
	phone := idptest.Device(t, s.DB, anna, "Annas telefoon", now, func(d *grant.Device) { d.Session = session.ID })
	idptest.Device(t, s.DB, anna, "", now.Add(-time.Hour))

	b := helper(t, s)
	page := idptest.HostIssuer + "/staff/people/" + string(anna.ID)
	b.MustOpen(t, page)
	text := idptest.Visible(b.Doc)
	for want, times := range map[string]int{"Annas telefoon device with the app": 1, "App device with the app": 1, "logged in with the app": 0, "Remove this device": 2} {
		if got := strings.Count(text, want); got != times {
			t.Fatalf("%q %d times, want %d: %s", want, got, times, text)
		}
	}
	remove := page + "/remove-device/" + string(phone.ID)
	b.MustOpen(t, remove)
	if text := idptest.Visible(b.Doc); !strings.Contains(text, "Annas telefoon") {
		t.Errorf("asked: %s", text)
	}
	b.MustDouble(t, url.Values{"do": {"continue"}, "reason": {"lost-device"}}, remove)
	b.MustOpen(t, page)
	if text := idptest.Visible(b.Doc); strings.Contains(text, "Annas telefoon") || strings.Count(text, "Remove this device") != 1 {
		t.Errorf("afterwards: %s", text)
	}
	if left, err := s.DB.Sessions(t.Context(), "linde", anna.ID, s.Clock.Now()); err != nil || len(left) != 0 {
		t.Errorf("sessions left: %v, %v", left, err)
	}
	events, err := s.DB.EventsOf(t.Context(), "linde", anna.ID, 100)
	if err != nil {
		t.Fatal(err)
	}
	removed := 0
	for _, e := range events {
		if e.Kind == audit.DeviceRemoved {
			removed++
			if e.Actor != string(idptest.Account(t, s.DB, "henk@example.org").ID) || e.StatedReason != "lost-device" {
				t.Errorf("%+v", e)
			}
		}
	}
	if removed != 1 {
		t.Errorf("%d events, want 1", removed)
	}
	var mails int
	const queued = `SELECT COUNT(*) FROM letters WHERE kind = $1 AND account = $2`
	err = s.DB.SQL().QueryRowContext(t.Context(), queued, string(outbox.AppRemovedByStaff), string(anna.ID)).Scan(&mails)
	if err != nil || mails != 1 {
		t.Errorf("%d mails, want 1: %v", mails, err)
	}
}
