package demo

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/notify"
)

func get(t *testing.T, s *Site, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Host = "localhost:8081"
	s.ServeHTTP(w, r)
	return w
}

func TestOutboxShowsBothPartsNewestFirst(t *testing.T) {
	s, at := site(t), time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	if body := get(t, s, "/dev/outbox").Body.String(); !strings.Contains(body, "Nothing was sent yet") {
		t.Errorf("empty outbox: %s", body)
	}
	for _, m := range []notify.Mail{
		{At: at, ID: "first@localhost", Kind: "mail_welcome", To: "anna@example.org", Subject: "Eerste",
			Text: "Klik: http://localhost:8080/link/abc\nGroeten <b>", Logo: []byte("png"),
			HTML: "<!DOCTYPE html>\n<html>\n<head>\n</head><body><img src=\"cid:logo@first\"><a href=\"http://localhost:8080/link/abc\">Knop</a></body></html>"},
		{At: at.Add(2 * time.Second), ID: "second@localhost", Kind: "mail_changed", To: "anna@example.org",
			Subject: "Tweede", Text: "Niets", HTML: "<html></html>"},
	} {
		if err := s.Mails.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Mails.SendText(t.Context(), notify.Text{At: at.Add(time.Second), To: "+31612345678",
		Body: "014874 is je code", Code: "014874", Kind: "sms_message"}); err != nil {
		t.Fatal(err)
	}
	body := get(t, s, "/dev/outbox").Body.String()
	first, second := strings.Index(body, "Eerste"), strings.Index(body, "Tweede")
	message := strings.Index(body, "Text message to")
	if second < 0 || message < second || first < message {
		t.Errorf("first at %d, text message at %d, second at %d", first, message, second)
	}
	for _, want := range []string{
		`<a href="http://localhost:8080/link/abc">http://localhost:8080/link/abc</a>`, "Groeten &lt;b&gt;",
		`src="/dev/outbox/first@localhost"`, `data-kind="mail_welcome"`,
		`data-kind="sms_message"`, `data-to="&#43;31612345678"`, "014874 is je code",
		`data-code="014874"`, `data-copy="014874"`, `sandbox="allow-top-navigation-by-user-activation"`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the outbox lacks %s", want)
		}
	}
	part := get(t, s, "/dev/outbox/first@localhost")
	if !strings.Contains(part.Body.String(), `<base target="_top">`) ||
		!strings.Contains(part.Body.String(), ">Knop</a>") {
		t.Errorf("HTML part: %s", part.Body)
	}
	if want := `<img src="data:image/png;base64,cG5n">`; !strings.Contains(part.Body.String(), want) {
		t.Errorf("the logo is not %s in %s", want, part.Body)
	}
	if policy := part.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") ||
		!strings.Contains(policy, "frame-ancestors 'self'") {
		t.Errorf("policy of the HTML part: %s", policy)
	}
	if code := get(t, s, "/dev/outbox/third@localhost").Code; code != http.StatusNotFound {
		t.Errorf("an unknown mail: %d", code)
	}
}

// A page elsewhere whose name was pointed to this machine (DNS rebinding) reads neither links of mails nor codes.
func TestOtherHostsAreRefused(t *testing.T) {
	_, site, err := House("http://localhost:8080", "http://localhost:8081", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/", "/dev/outbox", "/dev/code/eva@example.org"} {
		for host, want := range map[string]int{"rebound.example:8081": http.StatusForbidden, "127.0.0.1:8081": http.StatusOK} {
			r := httptest.NewRequest(http.MethodGet, path, nil)
			r.Host = host
			w := httptest.NewRecorder()
			site.ServeHTTP(w, r)
			if w.Code != want {
				t.Errorf("%s of %s: %d, want %d", path, host, w.Code, want)
			}
		}
	}
}
