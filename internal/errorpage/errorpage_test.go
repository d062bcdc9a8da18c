package errorpage

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/ui"
)

// What a person sees of each error, at a door whose addresses can be opened again, and at one with rows of its own.
func TestPageOfEachError(t *testing.T) {
	p := &platform.Platform{ID: "linde", Issuer: "https://id.test/p/linde", HomeURL: "https://linde.test/"}
	mine := errors.New("mine")
	now := func() time.Time { return time.Date(2026, 11, 25, 12, 30, 5, 7, time.UTC) }
	own := []Row{
		{Err: mine, Status: http.StatusTeapot, Page: ui.ErrorPage{Code: "own"}, Retry: true},
		{Err: fault.Refused, Status: Ours.Status, Page: Ours.Page},
	}
	here := "https://id.test/p/linde/login/x"
	for _, test := range []struct {
		err    error
		status int
		code   string
		again  string // where the button leads that tries again
		after  string
		own    string // the code at a door with rows of its own
	}{
		{web.TooMany{Wait: 3 * time.Second}, 429, "too_many_requests", "", "3", "too_many_requests"},
		{web.ErrNotUTF8, 400, "not_utf8", here, "", "not_utf8"},
		{fault.Unavailable, 503, "temporarily_unavailable", here, "5", "temporarily_unavailable"},
		{fault.Busy, 503, "temporarily_unavailable", here, "5", "temporarily_unavailable"},
		{fault.Told, 503, "temporarily_unavailable", here, "5", "temporarily_unavailable"},
		{fault.Refused, 403, "refused", "", "", "server_error"},
		{fault.Invalid, 400, "stale", "", "", "stale"},
		{fault.NotFound, 400, "stale", "", "", "stale"},
		{fault.Stale, 400, "stale", "", "", "stale"},
		{fault.Spent, 400, "stale", "", "", "stale"},
		{fault.Expired, 400, "stale", "", "", "stale"},
		{fault.Throttled, 500, "server_error", "", "", "server_error"},
		{fault.Taken, 500, "server_error", "", "", "server_error"},
		{mine, 500, "server_error", "", "", "own"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/login/x?lang=en", nil)
		r = r.WithContext(platform.NewContext(r.Context(), p))
		w, err := httptest.NewRecorder(), fmt.Errorf("attempting: %w", test.err)
		status, page := Pages{Retry: true, Now: now}.Of(w, r, err)
		after := w.Header().Get("Retry-After")
		if status != test.status || page.Code != test.code || page.RetryURL != test.again || after != test.after {
			t.Errorf("%v: %d, %+v, %v", test.err, status, page, w.Header())
		}
		if page.HomeURL != p.HomeURL || page.At != "2026-11-25 12:30:05 UTC" {
			t.Errorf("%v: %+v", test.err, page)
		}
		if _, page := (Pages{Own: own, Now: now}).Of(w, r, err); page.Code != test.own || page.RetryURL != "" {
			t.Errorf("%v, at a door with rows of its own: %+v", test.err, page)
		}
	}
}
