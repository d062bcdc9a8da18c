package idptest

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/storage"
)

// LogIn opens a page that asks for a sign-in, such as the one at Party.Start, and sends an e-mail address and Password.
// The policy decides what comes next: a second factor, or the end.
func LogIn(t testing.TB, b *Browser, address, email string) {
	t.Helper()
	b.MustOpen(t, address)
	SendPassword(t, b, email)
}

// SendPassword fills in the page that asks for address and password, and sends it.
func SendPassword(t testing.TB, b *Browser, email string) {
	t.Helper()
	TryPassword(t, b, email, Password)
}

// TryPassword is SendPassword with any password.
func TryPassword(t testing.TB, b *Browser, email, password string) {
	t.Helper()
	b.MustFill(t, Text(b.Lang, "login.email"), email)
	b.MustFill(t, Text(b.Lang, "login.password"), password)
	b.MustPress(t, Text(b.Lang, "login.submit"))
}

// Reauthenticate fills in the page that asks for the password alone, of whoever is signed in.
func Reauthenticate(t testing.TB, b *Browser) {
	t.Helper()
	b.MustFill(t, Text(b.Lang, "login.password"), Password)
	b.MustPress(t, Text(b.Lang, "common.continue"))
}

// SendCode fills in the page that asks for a code of the second factor.
func SendCode(t testing.TB, b *Browser, code string) {
	t.Helper()
	b.MustFill(t, Text(b.Lang, "code.label"), code)
	b.MustPress(t, Text(b.Lang, "code.submit"))
}

// SignedIn reports whether a browser is back at a party with a code of ours.
func SignedIn(b *Browser) bool {
	return b.URL.Path == "/callback" && b.URL.Query().Get("code") != ""
}

// Account is somebody on linde, as stored.
func Account(t testing.TB, db *storage.DB, email string) *account.Account {
	t.Helper()
	a, err := db.AccountByEmail(t.Context(), "linde", email)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// Deliver sends what is in the outbox of a house, as its nodes do.
func Deliver(t testing.TB, house interface{ Deliver(context.Context) error }) {
	t.Helper()
	if err := house.Deliver(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Tabs opens the page of a browser in n tabs of it.
func Tabs(t testing.TB, b *Browser, n int) (tabs []*Browser) {
	t.Helper()
	for range n {
		tab := b.Tab()
		tab.MustOpen(t, b.URL.String())
		tabs = append(tabs, tab)
	}
	return tabs
}

// Together presses a button in all tabs at once. None may be answered by an error of the server.
func Together(t testing.TB, tabs []*Browser, button string) {
	t.Helper()
	var pressed sync.WaitGroup
	start := make(chan struct{})
	for _, tab := range tabs {
		pressed.Go(func() {
			<-start
			if err := tab.Press(button); err != nil {
				t.Error(err)
			}
		})
	}
	close(start)
	pressed.Wait()
	for _, tab := range tabs {
		if tab.Status >= 500 {
			t.Errorf("status %d at %s", tab.Status, tab.URL)
		}
	}
}

// RequestAs sends one request with the cookies of a browser and with these headers, such as the Origin of another
// site, and follows nothing.
func RequestAs(
	t testing.TB, s http.RoundTripper, b *Browser, method, address, form string, header map[string]string,
) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	if form != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	for _, c := range b.Jar.Cookies(r.URL) {
		r.AddCookie(c)
	}
	res, err := s.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// Code is what an authenticator app with a key, such as TOTPSecret, shows at a time.
func Code(t testing.TB, key string, at time.Time) string {
	t.Helper()
	code, err := totp.GenerateCode(key, at)
	if err != nil {
		t.Fatal(err)
	}
	return code
}
