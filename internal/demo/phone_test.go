package demo_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/idptest"
)

// phone opens the page of the phone, which shows a screen.
func (s stage) phone(b *idptest.Browser, screen string) {
	s.Helper()
	b.MustOpen(s, s.site.Origin+"/linde/phone")
	s.screen(b, screen)
}

func (s stage) screen(b *idptest.Browser, screen string) {
	s.Helper()
	s.sees(b, `data-screen="`+screen+`"`)
}

// right is the PIN that is chosen; wrong is another one.
const right, wrong = "48213", "90157"

// enters gives the phone a PIN.
func (s stage) enters(b *idptest.Browser, pin, button string) {
	s.Helper()
	b.MustFill(s, "PIN of 5 digits", pin)
	b.MustPress(s, button)
}

// By e-mail and password in the same browser, a PIN, a restart, wrong PINs, a forgotten one, and a phone that is lost.
func TestPhoneByEmail(t *testing.T) {
	s := newStage(t)
	b := s.browser()
	s.phone(b, "first")
	b.MustPress(t, "Log in with e-mail")
	s.password(b, "anna@example.org")
	b.MustBeAt(t, "/linde/phone")
	s.screen(b, "choose")
	s.enters(b, "12345", "Choose this PIN")
	s.sees(b, "easy to guess")
	s.enters(b, right, "Choose this PIN")
	s.screen(b, "in")
	s.sees(b, "Hello Anna", "&#34;pin&#34;", "the PIN of a phone; the key of that phone", "bound to the device key", "anna@example.org", "offline_access")
	b.MustPress(t, "Refresh the tokens")
	s.sees(b, "Refreshed", "Hello Anna")
	b.MustPress(t, "Log out")
	s.screen(b, "pin")
	s.enters(b, wrong, "Log in")
	s.sees(b, "Tries left: 4")
	s.enters(b, "12", "Log in")
	s.sees(b, "a PIN is five digits")
	s.enters(b, right, "Log in")
	s.sees(b, "Wrong PINs since the last right one: 1", "Hello Anna")
	b.MustPress(t, "Restart the app")
	s.screen(b, "pin")

	b.MustPress(t, "Forgot your PIN? Reset it")
	s.screen(b, "first")
	b.MustPress(t, "Back to the PIN")
	s.screen(b, "pin")
	b.MustPress(t, "Forgot your PIN? Reset it")
	b.MustPress(t, "Log in with e-mail")
	s.password(b, "anna@example.org")
	s.enters(b, wrong, "Choose this PIN")
	s.screen(b, "in")
	b.MustPress(t, "Restart the app")
	for left := range 4 {
		s.enters(b, right, "Log in")
		s.sees(b, "Tries left: "+string(rune('4'-left)))
	}
	s.enters(b, right, "Log in")
	s.sees(b, "taken off this phone")
	s.screen(b, "first")
	b.MustPress(t, "Log in with e-mail")
	s.password(b, "anna@example.org")
	s.enters(b, right, "Choose this PIN")
	b.MustPress(t, "Lose the phone")
	s.sees(b, "This is another one")
	s.screen(b, "first")

	other := s.browser() // another browser has a phone of its own
	s.phone(other, "first")
	if other.MustOpen(t, s.site.Origin+"/wilg/phone"); !strings.Contains(other.Body, "has no app") {
		t.Errorf("De Wilg has an app: %s", other.Body)
	}
}

// With the QR code of the website, which the phone sees or whose text is given to it.
func TestPhoneByQRCode(t *testing.T) {
	now := time.Now()
	s := newStageAt(t, func() time.Time { return now })
	web, b := s.browser(), s.browser()
	s.phone(b, "first")
	b.MustPress(t, "Scan the QR code on the website")
	s.sees(b, "there is no QR code")
	b.MustFill(t, "Or the text of a QR code", "https://elsewhere.example/app#"+strings.Repeat("a", 43))
	b.MustPress(t, "Scan this text")
	s.sees(b, "not for signing in to this app")

	web.MustOpen(t, s.idp+"/settings/app")
	s.password(web, "anna@example.org")
	scan := func() {
		t.Helper()
		web.MustOpen(t, s.idp+"/settings/app")
		web.MustPress(t, text("qr.show"))
		b.MustPress(t, "Scan the QR code on the website")
		s.screen(b, "ask")
	}
	scan()
	b.MustPress(t, "No")
	s.screen(b, "first")
	scan()
	b.MustPress(t, "Yes, log in")
	s.screen(b, "number")
	s.sees(b, "GGZ De Linde", "Nobody ever asks you")
	b.MustPress(t, "Stop")
	s.sees(b, "Stopped")
	web.MustOpen(t, web.URL.String())
	s.sees(web, text("qr.left"))

	scan()
	b.MustPress(t, "Yes, log in")
	number := regexp.MustCompile(`id="number">(\d\d)<`).FindStringSubmatch(b.Body)[1]
	now = now.Add(2 * time.Second)
	b.MustPress(t, "I have typed it")
	s.screen(b, "number")
	web.MustOpen(t, web.URL.String())
	s.sees(web, "Phone of the demo")
	web.MustFill(t, text("qr.number"), number)
	web.MustPress(t, text("qr.confirm"))
	s.sees(web, text("qr.done_title"))
	now = now.Add(2 * time.Second)
	b.MustPress(t, "I have typed it")
	s.screen(b, "choose")
	s.enters(b, right, "Choose this PIN")
	s.sees(b, "Hello Anna")
	web.MustOpen(t, s.idp+"/settings/devices")
	s.sees(web, "Phone of the demo")
}
