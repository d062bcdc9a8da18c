package wire_test

import (
	"net/http"
	"testing"

	"github.com/minddistrict/idp/internal/idptest"
)

// RFC 9110 section 15.5.6: a refused method is told which the address takes.
func TestRefusedMethodIsToldWhichAreAllowed(t *testing.T) {
	s := idptest.NewServer(t, idptest.SQLite(t))
	s.Declare(idptest.Demo{}, idptest.Demo{Name: "wilg"})
	for path, want := range map[string]string{
		"/authorize": "GET, HEAD, POST", "/authorize/callback": "GET, HEAD", "/token": "POST, OPTIONS", "/userinfo": "GET, POST, OPTIONS",
		"/introspect": "POST", "/logout": "GET, HEAD, POST", "/keys": "GET, HEAD", "/.well-known/openid-configuration": "GET, HEAD",
		"/login/x/password": "GET, HEAD, POST", "/assets/app.css": "GET, HEAD",
	} {
		for _, address := range []string{"https://login.linde.test" + path, "https://id.test/p/wilg" + path} {
			for _, method := range []string{http.MethodPut, http.MethodTrace, "get"} {
				r, err := http.NewRequest(method, address, nil)
				if err != nil {
					t.Fatal(err)
				}
				res, err := s.RoundTrip(r)
				if err != nil {
					t.Fatal(err)
				}
				if got := res.Header.Get("Allow"); res.StatusCode != http.StatusMethodNotAllowed || got != want {
					t.Errorf("%s %s: %d, Allow %q, want %q", method, address, res.StatusCode, got, want)
				}
			}
		}
	}
	for _, address := range []string{"https://login.linde.test/unknown", "https://nobody.test/token"} {
		r, _ := http.NewRequest(http.MethodPut, address, nil)
		if res, err := s.RoundTrip(r); err != nil || res.StatusCode != http.StatusNotFound || res.Header.Get("Allow") != "" {
			t.Errorf("%s: %v %d %v", address, err, res.StatusCode, res.Header)
		}
	}
}
