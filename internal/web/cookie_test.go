package web_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/internal/web"
)

// Platforms "linde" and "linde-journey" on one host: the cookies of the second are no journeys of the first.
func TestJourneyCookiesAreNotThoseOfAnotherPlatform(t *testing.T) {
	r := httptest.NewRequest("POST", "/", nil)
	for _, name := range []string{"browser", "session", "known", "lang", "app"} {
		r.AddCookie(&http.Cookie{Name: "__Host-linde-journey-" + name, Value: "x"})
	}
	id := secret.ID()
	w := httptest.NewRecorder()
	web.SetJourneyCookie(w, r, "linde", id, "v")
	for _, c := range w.Result().Cookies() {
		if c.MaxAge < 0 && !strings.HasSuffix(c.Name, id) {
			t.Errorf("drops %s of another platform", c.Name)
		}
	}
}
