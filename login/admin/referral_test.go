package admin_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/internal/wire"
	"github.com/minddistrict/idp/login/admin"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
)

// Who opens the address of a referral in passing, such as a scanner, uses nothing up and leaves nothing behind: no
// cache keeps the answer, no other site hears of the address, and neither an answer nor the log repeats it.
func TestAddressOfAReferralStaysWithWhoBringsIt(t *testing.T) {
	s := idptest.NewServer(t, idptest.SQLite(t))
	s.Declare(idptest.Demo{Accounts: []string{
		"email: anna@example.org, totp_secret: " + idptest.TOTPSecret, "email: sam@example.org, role: professional",
	}})
	anna, sam := idptest.Account(t, s.DB, "anna@example.org"), idptest.Account(t, s.DB, "sam@example.org")
	change, token, err := staff.Refer(staff.Facts{
		Platform: "linde", Account: anna, Sealer: s.Sealer, Now: s.Clock.Now(), Justification: staff.Justification{Reason: staff.LostPhone},
		Actor: staff.Actor{Name: "system", Platform: "linde", Scopes: []string{"accounts:refer"}},
	}, staff.Referring{By: "web", To: "web", Actor: sam, Act: staff.ReferredReset})
	if err == nil {
		err = s.DB.SaveChange(t.Context(), change, s.Clock.Now())
	}
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	house, err := wire.Build(t.Context(), wire.Options{
		DB: s.DB, Sealer: s.Sealer, Hash: idptest.Cheap, Workers: 1, Queue: 8,
		Now: s.Clock.Now, FixedClock: true, Wait: s.Clock.Wait,
		Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatal(err)
	}
	address := "https://login.linde.test" + admin.ReferralPath(token)
	requests := 0
	for range 2 {
		for method, want := range map[string]int{http.MethodHead: 200, http.MethodGet: 303, http.MethodPut: 405} {
			requests++
			w := httptest.NewRecorder()
			house.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, address, nil))
			h := w.Header()
			if w.Code != want || h.Get("Cache-Control") != "no-store" || h.Get("Referrer-Policy") != "same-origin" {
				t.Errorf("%s: %d, want %d; %v", method, w.Code, want, h)
			}
			for name, values := range h {
				if strings.Contains(strings.Join(values, " "), token) {
					t.Errorf("%s: %s repeats the address: %v", method, name, values)
				}
			}
			if strings.Contains(w.Body.String(), token) {
				t.Errorf("%s: the answer repeats the address", method)
			}
		}
	}
	if lines := log.String(); strings.Count(lines, "msg=request") != requests || strings.Contains(lines, token) ||
		!strings.Contains(lines, `route="staff referral"`) {
		t.Errorf("the log:\n%s", lines)
	}
	ticket, err := s.DB.Ticket(t.Context(), platform.ID("linde"), secret.Hash(token))
	if err != nil || ticket.State(s.Clock.Now()) != authn.TicketWorks {
		t.Errorf("%+v, %v", ticket, err)
	}
	if to := admin.Cancelled(admin.ReferralPath(token)); to != "/" {
		t.Errorf("who gives up is led to %s", to)
	}
}
