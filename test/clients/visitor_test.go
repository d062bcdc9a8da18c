//go:build clients

package clients_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/test/browser"
)

// visitor is Anna with a browser without script. Requests to addresses of the client under test that no server answers
// are kept instead of sent.
type visitor struct {
	*idptest.Browser
	network http.RoundTripper
	own     string   // prefix of such addresses; empty: there are none
	arrived *url.URL // the last one
	exposed []string // cookies that a browser would send without TLS too
}

func (h *house) visitor(own string) *visitor {
	v := &visitor{network: h.http.Transport, own: own}
	v.Browser = browser.New(v, "en")
	return v
}

// RoundTrip sends a request to the network as a browser that opens a page does, or keeps its address.
func (v *visitor) RoundTrip(r *http.Request) (*http.Response, error) {
	r.Header.Set("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8") // mod_auth_openidc sends nobody else to sign in
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	r.Header.Set("Sec-Fetch-Dest", "document")
	if v.own == "" || !strings.HasPrefix(r.URL.String(), v.own) {
		res, err := v.network.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		for _, c := range res.Cookies() {
			if !c.Secure {
				v.exposed = append(v.exposed, c.Name)
			}
		}
		return res, nil
	}
	v.arrived = r.URL
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("arrived")), Request: r}, nil
}

// visit opens an address and returns where it led: the address of the client, or that of a page that asks something.
func (v *visitor) visit(t *testing.T, address string) string {
	t.Helper()
	v.arrived = nil
	v.MustOpen(t, address)
	return v.URL.String()
}

// signIn opens an address that leads to the login page, and signs in there.
func (v *visitor) signIn(t *testing.T, address string) string {
	t.Helper()
	v.visit(t, address)
	v.signInHere(t)
	return v.URL.String()
}

// signInHere signs in on the login page, which is open.
func (v *visitor) signInHere(t *testing.T) {
	t.Helper()
	v.sees(t, "login.submit")
	v.MustFill(t, idptest.Text("en", "login.email"), annasEmail)
	v.MustFill(t, idptest.Text("en", "login.password"), annasWords)
	v.MustPress(t, idptest.Text("en", "login.submit"))
}

// confirm opens an address that leads to the page that asks the password again, and types it there.
func (v *visitor) confirm(t *testing.T, address string) string {
	t.Helper()
	v.visit(t, address)
	v.sees(t, "confirm_password.title")
	v.MustFill(t, idptest.Text("en", "login.password"), annasWords)
	v.MustPress(t, idptest.Text("en", "common.continue"))
	return v.URL.String()
}

// signOut ends the session here, at nobody's wish but Anna's, and leaves the page that says so.
func (v *visitor) signOut(t *testing.T, h *house) {
	t.Helper()
	v.visit(t, h.issuer+"/logout")
	v.MustPress(t, idptest.Text("en", "logout.submit"))
	v.sees(t, "logout.done_title")
}

// signedOutAt waits until a site that let Anna in sends her to the login page, because it was told of her logout.
func (v *visitor) signedOutAt(t *testing.T, h *house, address string) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if at := v.visit(t, address); strings.HasPrefix(at, h.issuer+"/") {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("still signed in at %s", v.URL)
		}
	}
	v.sees(t, "login.submit")
}

// sees compares the page that is open with a text.
func (v *visitor) sees(t *testing.T, key string) {
	t.Helper()
	if text := idptest.Text("en", key); !strings.Contains(idptest.Visible(v.Doc), text) {
		t.Fatalf("no %q on %s (%d):\n%s", text, v.URL, v.Status, idptest.Visible(v.Doc))
	}
}

// back is what the client got, once the visit led there.
func (v *visitor) back(t *testing.T) url.Values {
	t.Helper()
	if v.arrived == nil {
		t.Fatalf("not back at %s but at %s (%d):\n%s", v.own, v.URL, v.Status, idptest.Visible(v.Doc))
	}
	return v.arrived.Query()
}
