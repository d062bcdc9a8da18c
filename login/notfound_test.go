package login_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/idptest"
)

// An address below /login, /link and /settings that nothing of ours ever had is 404, by every method, with a page in
// the person's language and a way on. One that a journey or a link may have had leads on, as it always did.
func TestAddressesThatNothingCouldHaveAreNotFound(t *testing.T) {
	v := newVisit(t)
	b := idptest.NewBrowser(v.Server, "en")
	b.MustOpen(t, v.linde.Start(nil))
	journey, id := journeyOf(b)
	link := v.resetLink(t, "anna@example.org")
	const root = ownIssuer
	old, token := strings.Repeat("a", 26), strings.Repeat("A", 43)
	const gone, there = http.StatusNotFound, http.StatusSeeOther
	for address, want := range map[string]int{
		root + "/login/x":                                gone,
		root + "/login/x.css":                            gone,
		root + "/login/" + id[1:]:                        gone,
		root + "/login/" + id + "a":                      gone,
		root + "/login/" + strings.ToUpper(id):           gone,
		root + "/login/" + strings.Repeat("a", 25) + "1": gone,
		root + "/login/" + strings.Repeat("%61", 26):     gone,
		root + "/login/" + id + ".css":                   gone,
		root + "/login/x/password":                       gone,
		root + "/login/x/stop":                           gone,
		root + "/login/x/nothing":                        gone,
		journey + "/nothing":                             gone,
		journey + "/password.css":                        gone,
		journey + "/Password":                            gone,
		journey + "/stop2":                               gone,
		journey + "/":                                    gone,
		journey + "/password/x":                          gone,
		root + "/login/" + old + "/nothing":              gone,
		root + "/link/x":                                 gone,
		root + "/link/" + token[1:]:                      gone,
		root + "/link/" + token + "A":                    gone,
		root + "/link/" + strings.Repeat("A", 42) + "B":  gone, // bits that no token has
		root + "/link/" + strings.Repeat("A", 42) + "=":  gone,
		root + "/link/" + token + "/x":                   gone,
		root + "/link/":                                  gone,
		root + "/settings/x":                             gone,
		root + "/settings/":                              gone,
		root + "/settings/account/x":                     gone,
		root + "/settings/devices/x":                     gone,
		root + "/settings/devices/x/linde-web":           gone,
		root + "/settings/devices/" + old + "/":          gone,
		root + "/settings/devices/" + old:                there, // who it is is asked first
		root + "/settings/devices/" + old + "/linde-web": there,
		root + "/login/" + old:                           there,
		root + "/login/" + old + "/password":             there,
		root + "/login/" + old + "/totp":                 there,
		root + "/login/" + old + "/stop":                 there,
		journey:                                          there,
		journey + "/totp":                                there, // a step, but not this one
		journey + "/password":                            http.StatusOK,
		root + "/link/" + token:                          http.StatusOK, // it may have been one: the page says what to do
		link:                                             there,
		root + "/settings":                               there,
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
			form, header := "", map[string]string{"Accept-Language": "en"}
			if method == http.MethodPost {
				form, header["Origin"] = "do=nothing", "https://id.test"
			}
			res := idptest.RequestAs(t, v, b, method, address, form, header)
			if method == http.MethodPost && res.StatusCode == http.StatusMethodNotAllowed {
				continue // no address like it takes a form
			}
			if want == gone && res.StatusCode != gone || want != gone && res.StatusCode == gone || method == http.MethodGet && res.StatusCode != want {
				t.Errorf("%s %s: %d, want %d", method, address, res.StatusCode, want)
			}
		}
		if want != gone {
			continue
		}
		for lang, says := range map[string]string{"nl": "Naar ", "en": "To "} {
			page := idptest.NewBrowser(v.Server, lang)
			page.MustOpen(t, address)
			if page.Status != gone || page.Header.Get("Content-Language") != lang || !strings.Contains(page.Body, `href="https://`) {
				t.Errorf("%s in %s: %d %v, no way on (%s): %s", address, lang, page.Status, page.Header, says, page.Body)
			}
		}
	}
	// A link that was not copied whole says so.
	page := idptest.NewBrowser(v.Server, "en")
	if page.MustOpen(t, link[:len(link)-3]); page.Status != gone || !strings.Contains(page.Body, "This link does not work") {
		t.Errorf("a link without its end: %d %s", page.Status, page.Body)
	}
}
