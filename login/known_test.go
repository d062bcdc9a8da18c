package login_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
)

// knownCookie is what a browser keeps of who signed in with it on a platform.
func knownCookie(b *idptest.Browser, of platform.ID) string {
	return cookieAt(b, "__Host-"+string(of)+"-known")
}

// known reports whether a browser with this cookie on linde is known for an account of a platform.
func (v visit) known(cookie string, on platform.ID, email string) bool {
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r.Header.Set("Cookie", "__Host-"+string(on)+"-known="+cookie)
	look := login.Visit{Platform: &platform.Platform{ID: on}, Request: r}
	return look.KnownBrowser(v.Sealer, email) != ""
}

func TestBrowserIsKnownForWhoSignedInWithIt(t *testing.T) {
	v := newVisit(t)
	b := idptest.NewBrowser(v.Server, "en")
	b.MustOpen(t, v.linde.Start(nil))
	idptest.TryPassword(t, b, "anna@example.org", "helaas, dit is hem niet!")
	if c := knownCookie(b, "linde"); c != "" {
		t.Fatalf("a wrong password makes the browser known: %s", c)
	}
	idptest.LogIn(t, b, v.linde.Start(nil), "anna@example.org")
	cookie := knownCookie(b, "linde")
	for who, want := range map[string]bool{"anna@example.org": true, "bram@example.org": false, "niemand@example.org": false, "": false} {
		if v.known(cookie, "linde", who) != want {
			t.Errorf("known for %q: want %t", who, want)
		}
	}
	if knownCookie(b, "wilg") != "" || v.known(cookie, "wilg", "anna@example.org") {
		t.Error("known on another platform")
	}
	id, mark, _ := strings.Cut(cookie, ".")
	for what, cookie := range map[string]string{
		"another browser's identifier": secret.ID() + "." + mark,
		"no identifier":                mark,
		"no mark":                      id,
		"a short mark":                 id + "." + mark[:21],
		"another alphabet":             id + "." + mark[:21] + "é",
		"a mark with loose bits":       id + "." + mark[:21] + loosened(mark[21]),
		"six marks":                    id + strings.Repeat("."+mark, 6),
		"an empty mark":                cookie + ".",
		"garbage":                      "%00;\x7f",
		"nothing":                      "",
	} {
		if v.known(cookie, "linde", "anna@example.org") {
			t.Errorf("%s counts", what)
		}
	}
}

// loosened is a character of the same bits, but for those that are not used at the end.
func loosened(c byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(alphabet[strings.IndexByte(alphabet, c)+1])
}

// A household, and a computer of a ward with twenty accounts: the last five are known, whoever signs in how often. The
// cookie stays short, keeps the browser's identifier and says nothing of them.
func TestBrowserIsKnownForTheLastFive(t *testing.T) {
	v := newVisit(t)
	var people []string
	for i := range 20 {
		people = append(people, fmt.Sprintf("email: p%d@example.org", i))
	}
	v.Declare(lindeOf(people...))
	ward := idptest.NewBrowser(v.Server, "en")
	signInAgain(t, ward, v.linde, "p0@example.org")
	id, _, _ := strings.Cut(knownCookie(ward, "linde"), ".")
	for i := range 20 {
		for range 1 + i%2 { // some twice
			signInAgain(t, ward, v.linde, fmt.Sprintf("p%d@example.org", i))
		}
	}
	signInAgain(t, ward, v.linde, "p17@example.org") // not the newest of the five any more
	signInAgain(t, ward, v.linde, "p3@example.org")
	cookie := knownCookie(ward, "linde")
	if len(cookie) != 141 || !strings.HasPrefix(cookie, id+".") {
		t.Errorf("cookie of %d bytes: %s, of browser %s", len(cookie), cookie, id)
	}
	for i := range 20 {
		want := slices.Contains([]int{3, 17, 19, 18, 16}, i)
		if v.known(cookie, "linde", fmt.Sprintf("p%d@example.org", i)) != want {
			t.Errorf("known for p%d: want %t", i, want)
		}
	}
}

func signInAgain(t *testing.T, b *idptest.Browser, p *idptest.Party, email string) {
	t.Helper()
	p.Last = idptest.Arrival{}
	b.MustOpen(t, p.Start(url.Values{"prompt": {"login"}}))
	if b.Button("Log in with another account") != nil {
		b.MustPress(t, "Log in with another account")
	}
	idptest.SendPassword(t, b, email)
	if p.Last.Token == nil {
		t.Fatalf("%s did not sign in: at %s", email, b.URL)
	}
}

// The cookie outlives the browser, and no script, other host or other site's form gets it.
func TestKnownCookieIsGuardedAndLasts(t *testing.T) {
	v := newVisit(t)
	b := idptest.NewBrowser(v.Server, "en")
	seen := ""
	b.MustOpen(t, v.linde.Start(nil))
	form, action, err := b.Form(b.Button("Log in"))
	if err != nil {
		t.Fatal(err)
	}
	form.Set("email", "anna@example.org")
	form.Set("password", idptest.Password)
	to, err := b.URL.Parse(action)
	if err != nil {
		t.Fatal(err)
	}
	answer := idptest.RequestAs(t, v, b, http.MethodPost, to.String(), form.Encode(), sameOrigin)
	for _, line := range answer.Header.Values("Set-Cookie") {
		if strings.HasPrefix(line, "__Host-linde-known=") {
			_, seen, _ = strings.Cut(line, "; ")
		}
	}
	if want := "Path=/; Max-Age=34560000; HttpOnly; Secure; SameSite=Lax"; seen != want {
		t.Errorf("attributes %q, want %q", seen, want)
	}
}

// Nothing is told about an address by what a browser may do: known and unknown ones get the same pages, whether the
// mail was asked for or not (CVE-2026-23511, CVE-2024-41952, CVE-2023-39522, CVE-2022-39307).
func TestWaitPageTellsNothing(t *testing.T) {
	v := newVisit(t)
	pages := map[string][]string{}
	for _, who := range []string{"anna@example.org", "nina@example.org"} {
		b := idptest.NewBrowser(v.Server, "en")
		b.MustOpen(t, v.linde.Start(nil))
		for range 10 {
			idptest.TryPassword(t, b, who, "helaas, dit is hem niet!")
		}
		b.MustBeAt(t, "/stop")
		shown := func() {
			text := strings.ReplaceAll(b.Body, who, "WHO")
			text = regexp.MustCompile(`>[0-9A-Z]{4}-[0-9A-Z]{4}<`).ReplaceAllString(text, ">NUMBER<")
			text = strings.ReplaceAll(text, strings.Split(b.URL.Path, "/")[4], "JOURNEY")
			pages[who] = append(pages[who], fmt.Sprint(b.Status, b.Header["Retry-After"], text))
		}
		shown()
		b.MustPress(t, "Send me an email to log in sooner")
		shown()
		idptest.Deliver(t, v)
		shown()
	}
	if fmt.Sprint(pages["anna@example.org"]) != fmt.Sprint(pages["nina@example.org"]) {
		t.Errorf("pages differ:\n%s\n%s", pages["anna@example.org"], pages["nina@example.org"])
	}
	sent := v.Mails.Sent()
	if len(sent) != 1 || sent[0].Kind != outbox.Unblock || sent[0].To != "anna@example.org" {
		t.Errorf("mails %+v", sent)
	}
}
