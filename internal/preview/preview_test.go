package preview_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/preview"
	"github.com/minddistrict/idp/internal/wire"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
)

func site() *preview.Site {
	p := &platform.Platform{
		ID: "wilg", Issuer: "https://login.example.org/p/wilg", Organisation: "Praktijk De Wilg",
		HomeURL:    "https://wilg.example.net/",
		HelpPublic: platform.Contact{Phone: "010 765 43 21"}, Branding: platform.Branding{Colour: "#7a3b69"},
	}
	p.Defaults()
	return preview.New(wire.UI(), p)
}

func ask(s *preview.Site, method, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(method, path, nil)
	r.Host = "127.0.0.1:41234"
	s.ServeHTTP(w, r)
	return w
}

// Every state of every page is in the list, opens in both languages, and is the platform's.
func TestEveryStateOpens(t *testing.T) {
	s := site()
	s.Failed = func(err error) { t.Error(err) }
	list := ask(s, http.MethodGet, "/").Body.String()
	opened := 0
	for _, page := range wire.UI().PageNames() {
		for i, sample := range wire.UI().Samples()[page] {
			for lang, word := range map[string]string{"nl": `<html lang="nl">`, "en": `<html lang="en">`} {
				path := preview.Path(lang, page, i)
				w := ask(s, http.MethodGet, path)
				body := w.Body.String()
				if w.Code != http.StatusOK || !strings.Contains(body, word) || !strings.Contains(body, "Praktijk De Wilg") ||
					!strings.Contains(body, "/assets/brand-7a3b69.css") {
					t.Errorf("%s, %s: %d\n%s", path, sample.Name, w.Code, body)
				}
				if !strings.Contains(list, `href="`+path+`"`) {
					t.Errorf("%s is not in the list", path)
				}
				opened++
			}
		}
	}
	if opened < 200 {
		t.Errorf("%d states were opened", opened)
	}
}

// Every mail and text message is in the list, opens in both languages, and is the platform's. A mail loads nothing.
func TestEveryLetterOpens(t *testing.T) {
	s := site()
	s.Failed = func(err error) { t.Error(err) }
	list := ask(s, http.MethodGet, "/").Body.String()
	mails, texts := 0, 0
	for kind, spec := range wire.UI().MessageKinds() {
		if spec.Request || spec.Recipient != outbox.Mail && spec.Recipient != outbox.SMS {
			continue
		}
		for lang, word := range map[string]string{"nl": "Wachtwoord|wachtwoord|code|account", "en": "password|code|account"} {
			path := preview.LetterPath(lang, kind, true)
			w := ask(s, http.MethodGet, path)
			if w.Code != http.StatusOK || !regexp.MustCompile(word).MatchString(w.Body.String()) ||
				!strings.Contains(list, `href="`+path+`"`) {
				t.Errorf("%s: %d, %s", path, w.Code, w.Body)
			}
			path = preview.LetterPath(lang, kind, false)
			w = ask(s, http.MethodGet, path)
			if spec.Recipient == outbox.SMS {
				texts++
				if w.Code != http.StatusNotFound {
					t.Errorf("%s: %d", path, w.Code)
				}
				continue
			}
			mails++
			policy := w.Header().Get("Content-Security-Policy")
			if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "Praktijk De Wilg") ||
				!strings.HasPrefix(policy, "default-src 'none'; style-src 'unsafe-inline'; img-src data:;") ||
				!strings.Contains(list, `href="`+path+`"`) {
				t.Errorf("%s: %d, %s\n%s", path, w.Code, policy, w.Body)
			}
		}
	}
	if mails < 30 || texts < 2 {
		t.Errorf("%d mails, %d text messages", mails, texts)
	}
}

// The pages have the headers of the real ones, and what they load.
func TestPagesAreTheRealOnes(t *testing.T) {
	s := site()
	w := ask(s, http.MethodGet, preview.Path("nl", "login", 0))
	if policy := w.Header().Get("Content-Security-Policy"); !strings.Contains(policy,
		"default-src 'none'; style-src 'self'") {
		t.Errorf("policy %q", policy)
	}
	if body := w.Body.String(); !strings.Contains(body, "010 765 43 21") ||
		!strings.Contains(body, `href="`+preview.Path("en", "login", 0)+`"`) {
		t.Errorf("neither helpdesk nor the other language:\n%s", body)
	}
	if icon := ask(s, http.MethodGet, "/assets/icon.svg"); icon.Code != http.StatusOK ||
		!strings.Contains(icon.Body.String(), "#7a3b69") {
		t.Errorf("icon: %d, %s", icon.Code, icon.Body)
	}
}

// What is not a page says so: a form that was sent, a link that leads on, an address of somebody's own.
func TestNothingLeadsAnywhere(t *testing.T) {
	s := site()
	for _, row := range [][2]string{{"POST", "/login/4xq2m7nkc5vbz3hdtw6ysgjp8r/password"}, {"GET", "/settings"},
		{"POST", "/nowhere"}} {
		if w := ask(s, row[0], row[1]); w.Code != http.StatusNotFound ||
			!strings.Contains(w.Body.String(), "forms and links lead nowhere") {
			t.Errorf("%s %s: %d", row[0], row[1], w.Code)
		}
	}
	for _, path := range []string{"/page/nl/nothing/0", "/page/nl/login/99", "/page/nl/login/-1", "/page/nl/login/x",
		"/page/de/login/0", "/letter/nl/nothing", "/letter/de/mail_reset", "/letter/nl/nothing/text", "/assets/nothing.css"} {
		if w := ask(s, http.MethodGet, path); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	if body := ask(s, http.MethodGet, preview.Path("nl", "form_post", 0)).Body.String(); !strings.Contains(body,
		`action="/nowhere"`) {
		t.Errorf("the page that sends itself leaves the preview:\n%s", body)
	}
}

// A page elsewhere whose name was pointed to this machine (DNS rebinding) reads nothing.
func TestOtherHostsAreRefused(t *testing.T) {
	for host, want := range map[string]int{
		"127.0.0.1:41234": http.StatusOK, "localhost:41234": http.StatusOK, "[::1]:41234": http.StatusOK,
		"rebound.example:41234": http.StatusForbidden, "127.0.0.1.example": http.StatusForbidden, "": http.StatusForbidden,
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = host
		w := httptest.NewRecorder()
		site().ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%s: %d, want %d", host, w.Code, want)
		}
	}
}
