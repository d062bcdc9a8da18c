package login_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/wire"
)

// What a person typed means what it says only in the characters of our pages: a form in others is not taken, by no
// page, and the page that says so leads back.
func TestFormsOfPeopleAreUTF8(t *testing.T) {
	v := newVisit(t)
	var log strings.Builder
	o := v.House.Options
	o.Log = slog.New(slog.NewTextHandler(&log, nil))
	house, err := wire.Build(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	v.Server.House = house
	b := idptest.NewBrowser(v.Server, "en")
	idptest.LogIn(t, b, v.linde.Start(nil), "anna@example.org")
	b.MustOpen(t, settings)
	fresh := idptest.NewBrowser(v.Server, "en")
	fresh.MustOpen(t, v.linde.Start(nil))
	login := fresh.URL.String()
	journey, _ := journeyOf(fresh)
	link := v.resetLink(t, "anna@example.org")
	form := url.Values{"email": {"anna@example.org"}, "password": {idptest.Password}, "do": {"continue"}, "language": {"en"}}.Encode()
	for address, who := range map[string]*idptest.Browser{
		login: fresh, journey + "/forgot": fresh, journey + "/stop": fresh, settings + "/language": b, settings + "/devices": b, settings + "/two-step": b,
		settings + "/devices/" + strings.Repeat("a", 26): b, link: fresh,
	} {
		for says, row := range map[string]struct{ kind, more string }{
			"Latin 1": {"; charset=iso-8859-1", ""}, "UTF-16": {"; charset=utf-16", ""}, "broken": {"", "&x=%e9"}, "broken, unescaped": {"", "&x=\xe9"}, "half a pair": {"", "&x=%ed%a0%80"},
		} {
			log.Reset()
			status, body := sendForm(t, v, who, address, form+row.more, "application/x-www-form-urlencoded"+row.kind)
			if !strings.Contains(log.String(), " error=not_utf8 reason=invalid ") {
				t.Errorf("%s to %s: the log does not say why: %s", says, address, log.String())
			}
			if status != http.StatusBadRequest || !strings.Contains(body, "We cannot read this form") {
				t.Errorf("%s to %s: %d %s", says, address, status, body)
			}
		}
	}
	if n := len(sessions(t, v.Server, "anna@example.org")); n != 1 {
		t.Errorf("%d sessions: a form that was refused signed in", n)
	}
	for _, kind := range []string{"; charset=utf-8", "; charset=\"UTF-8\""} {
		if status, body := sendForm(t, v, b, settings+"/language", form, "application/x-www-form-urlencoded"+kind); status != http.StatusSeeOther {
			t.Errorf("%s: %d %s", kind, status, body)
		}
	}
	if status, _ := sendForm(t, v, fresh, login, form, "application/x-www-form-urlencoded; charset=utf-8"); status != http.StatusSeeOther {
		t.Errorf("UTF-8 at the login: %d", status)
	}
}

// sendForm sends a form as it is, from a browser of ours.
func sendForm(t *testing.T, v visit, b *idptest.Browser, address, form, kind string) (status int, body string) {
	t.Helper()
	header := map[string]string{"Content-Type": kind, "Accept-Language": "en", "Origin": "https://id.test"}
	res := idptest.RequestAs(t, v, b, http.MethodPost, address, form, header)
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}
