package login_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/storage"
)

// peopled has an account in every state, and addresses of one length.
var peopled = idptest.Demo{
	More: "privacy_url: https://linde.test/privacy", Policy: "self_sign_up: true", Parties: []string{"client_id: web"},
	Accounts: []string{
		"email: anna@example.org, name: { given: Anna, family: Bakker }, locale: en",
		"email: rosa@example.org, role: professional", "email: dora@example.org, deactivated: true",
	},
	Invited: []string{"email: ilse@example.org, email_verified: false"},
}

// everybody is an address of each state; nobody has the last one.
var everybody = []string{"anna@example.org", "rosa@example.org", "dora@example.org", "ilse@example.org", "nope@example.org"}

// TestPagesDoNotTellWhoHasAnAccount compares what the login, a forgotten password and a sign-up answer for an active, a
// deactivated, an invited and an unknown address: status, headers, length and text, and how long the answer is held
// back, also when limits are exceeded (CVE-2026-23511, CVE-2024-41952, CVE-2023-39522, CVE-2022-39307).
func TestPagesDoNotTellWhoHasAnAccount(t *testing.T) {
	for name, open := range map[string]func(testing.TB) *storage.DB{"sqlite": idptest.SQLite, "postgres": idptest.Postgres} {
		for what, walk := range map[string]func(*watcher){
			"login": walkLogin, "forgot password": walkForgot, "sign-up": walkSignUp, "forgot password after the login waits": walkForgotAfterWait,
		} {
			t.Run(what+"/"+name, func(t *testing.T) {
				s := idptest.NewScene(t, idptest.HostIssuer, open(t))
				s.Declare(peopled)
				var first *watcher
				for _, email := range everybody {
					w := &watcher{Visitor: s.Visitor(), email: email}
					s.Clock.Waited() // forgotten
					walk(w)
					w.seen = append(w.seen, fmt.Sprint("held back ", s.Clock.Waited()))
					if first == nil {
						first = w
						continue
					}
					first.compare(t, w)
				}
			})
		}
	}
}

// numbered is the number of a request as a page has it.
var numbered = regexp.MustCompile(`\b[2-9A-HJ-KM-NP-TW-Z]{4}-[2-9A-HJ-KM-NP-TW-Z]{4}\b`)

// watcher is a visitor that notes everything that can be told apart from outside.
type watcher struct {
	*idptest.Visitor
	email string
	id    string // of the journey
	seen  []string
}

func (w *watcher) look(method, path string, form url.Values) idptest.Answer {
	w.Helper()
	a := w.Visit(method, w.Issuer+path, form)
	note := []string{fmt.Sprintf("%s %s: %d, %d bytes", method, w.plain(path), a.Status, len(a.Body))}
	for _, key := range slices.Sorted(maps.Keys(a.Header)) {
		if key == "Set-Cookie" {
			for _, c := range a.Cookies {
				c.Value = strings.Repeat("x", len(c.Value))
				note = append(note, "Set-Cookie: "+c.String())
			}
			continue
		}
		note = append(note, key+": "+w.plain(strings.Join(a.Header[key], ", ")))
	}
	w.seen = append(w.seen, strings.Join(append(note, w.plain(a.Body)), "\n"))
	return a
}

// plain takes out what is different for everybody: the journey, and what they typed themselves.
func (w *watcher) plain(text string) string {
	text = strings.NewReplacer(w.id, "JOURNEY", w.email, "ADDRESS").Replace(text)
	return numbered.ReplaceAllString(text, "NUMBER") // another one each time
}

// post sends a form of a page of the journey, and follows.
func (w *watcher) post(step string, form url.Values) {
	w.Helper()
	a := w.look(http.MethodPost, "/login/"+w.id+"/"+step, form)
	for range 3 {
		to, ours := strings.CutPrefix(a.To.String(), w.Issuer)
		if !ours {
			break
		}
		a = w.look(http.MethodGet, to, nil)
	}
	if a.Status == http.StatusSeeOther || a.Status >= 500 {
		w.Fatalf("the form of %s ends at %d %s", step, a.Status, a.To)
	}
}

func (w *watcher) compare(t *testing.T, other *watcher) {
	t.Helper()
	if len(w.seen) != len(other.seen) || len(w.seen) < 3 {
		t.Fatalf("%d answers for %s, %d for %s", len(w.seen), w.email, len(other.seen), other.email)
	}
	for i := range w.seen {
		if w.seen[i] != other.seen[i] {
			t.Fatalf("answer %d for %s:\n%s\n\nfor %s:\n%s", i, w.email, w.seen[i], other.email, other.seen[i])
		}
	}
}

// walkLogin types wrong passwords until the page says to wait, and some more.
func walkLogin(w *watcher) {
	w.id = w.Begin("web", nil)
	for range 12 {
		w.post("password", url.Values{"email": {w.email}, "password": {"helaas, dit is hem niet!"}, "do": {"continue"}})
	}
	if last := w.seen[len(w.seen)-1]; !strings.Contains(last, ": 429,") {
		w.Fatalf("no wait page after 12 wrong passwords, but %s", last)
	}
	again := &watcher{Visitor: w.Scene.Visitor(), email: w.email}
	again.id = again.Begin("web", nil)
	again.post("password", url.Values{"email": {w.email}, "password": {"helaas, dit is hem niet!"}, "do": {"continue"}})
	w.seen = append(w.seen, again.seen...)
}

// walkForgot asks for the mail, asks again at once, later, and so often that no more are sent.
func walkForgot(w *watcher) {
	w.id = w.Begin("web", nil)
	w.look(http.MethodGet, "/login/"+w.id+"/forgot", nil)
	w.ask("forgot", url.Values{"email": {w.email}})
}

func walkSignUp(w *watcher) {
	w.id = w.Begin("web", nil)
	w.look(http.MethodGet, "/login/"+w.id+"/sign-up", nil)
	w.ask("sign-up", url.Values{"email": {w.email}, "given_name": {"Eva"}, "family_name": {"Vreemd"}, "terms": {"yes"}})
}

func walkForgotAfterWait(w *watcher) {
	walkLogin(w)
	w.look(http.MethodGet, "/login/"+w.id+"/forgot", nil)
	w.ask("forgot", url.Values{"email": {w.email}})
}

// ask sends the form of a page that has a mail sent, in every way and more often than allowed. The outbox works
// between, so that what it finds out could be told.
func (w *watcher) ask(step string, form url.Values) {
	w.Helper()
	form.Set("do", "continue")
	began := len(w.seen)
	for round := range 5 {
		if round > 0 {
			w.Clock.Later(6 * time.Minute)
		}
		w.post(step, form)
		w.post(step, url.Values{"do": {"again"}})
		idptest.Deliver(w, w)
		w.look(http.MethodGet, "/login/"+w.id+"/"+step, nil)
		w.post(step, url.Values{"do": {"change"}})
	}
	if pages := strings.Join(w.seen[began:], "\n"); !strings.Contains(pages, "ADDRESS") || !strings.Contains(pages, "role=\"status\"") {
		w.Fatal("these are not the pages of a mail that is on its way")
	}
}

// TestMailsAreWhatDiffers is the other side of it: the pages are the same, and the mails are not.
func TestMailsAreWhatDiffers(t *testing.T) {
	want := map[string][]outbox.Kind{ // forgot password, sign-up
		"anna@example.org": {outbox.PasswordReset, outbox.AccountExists},
		"dora@example.org": {outbox.AccountInactive, outbox.AccountInactive},
		"ilse@example.org": {outbox.Welcome, outbox.Welcome},
		"nope@example.org": {outbox.SignUpConfirm},
	}
	s := idptest.NewScene(t, idptest.HostIssuer, idptest.SQLite(t))
	s.Declare(peopled)
	for email := range want {
		for step, form := range map[string]url.Values{
			"forgot":  {"email": {email}},
			"sign-up": {"email": {email}, "given_name": {"Eva"}, "family_name": {"Vreemd"}, "terms": {"yes"}},
		} {
			form.Set("do", "continue")
			w := &watcher{Visitor: s.Visitor(), email: email}
			w.id = w.Begin("web", nil)
			w.post(step, form)
			idptest.Deliver(t, s)
			s.Clock.Later(6 * time.Minute)
		}
	}
	got := map[string][]outbox.Kind{}
	for _, m := range s.Mails.Sent() {
		got[m.To] = append(got[m.To], m.Kind)
	}
	for email := range want {
		slices.Sort(got[email])
		slices.Sort(want[email])
		if !slices.Equal(got[email], want[email]) {
			t.Errorf("mails to %s: %v, want %v", email, got[email], want[email])
		}
	}
	if len(got) != len(want) {
		t.Errorf("mails to %v", slices.Collect(maps.Keys(got)))
	}
}
