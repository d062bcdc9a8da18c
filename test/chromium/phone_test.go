//go:build browser

package chromium_test

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/minddistrict/idp/internal/idptest"
	handset "github.com/minddistrict/idp/internal/phone"
)

// Somebody shows the QR code in the settings, scans it with the app, types the number and chooses a PIN, in both languages.
// With script the web page goes on by itself; without, by its button.
func TestAppByQRCode(t *testing.T) {
	t.Parallel()
	where := startSite(t)
	for _, row := range []struct {
		lang       string
		withScript bool
	}{{"nl", true}, {"en", false}} {
		t.Run(row.lang, func(t *testing.T) {
			ctx, text := openBrowser(t, row.lang), func(key string) string { return idptest.Text(row.lang, key) }
			name := "Telefoon " + row.lang
			app, err := handset.New(handset.Config{
				ClientID: "linde-app", RedirectURI: "net.example.linde:/callback", Scope: "openid profile",
				Issuers: []string{where.idp}, DeviceName: name, Store: &handset.Memory{}, HTTP: &http.Client{Timeout: 10 * time.Second},
				Now: time.Now, Wait: func(_ context.Context, d time.Duration) error { time.Sleep(d); return nil },
			})
			if err != nil {
				t.Fatal(err)
			}
			do(t, ctx, "settings", chromedp.Navigate(where.idp+"/settings/app"), visible("#email"),
				chromedp.SendKeys(chromedp.CSS("#email"), "anna@example.org"),
				chromedp.SendKeys(chromedp.CSS("#password"), "zeven paarse regenjassen drogen!"), click("main button[value=continue]"))
			titled(t, ctx, text("qr.title"))
			if !row.withScript {
				do(t, ctx, "script off", script(false))
			}
			do(t, ctx, "the code", click("main button[value=show]"), visible("svg.qr"))
			seen, err := where.pages.Camera(t.Context(), "linde")
			if err != nil {
				t.Fatal(err)
			}
			code, err := app.Scan(seen)
			if err != nil {
				t.Fatal(err)
			}
			handoff, err := code.Claim(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if !row.withScript {
				do(t, ctx, "scanned", click("main a.button[href*=scanned]"))
			}
			do(t, ctx, "the number", visible("#match"))
			if said := read(t, ctx, "main"); !strings.Contains(said, name) {
				t.Errorf("the page does not name the phone: %s", said)
			}
			if err := handoff.Poll(t.Context()); !errors.Is(err, &handset.Error{Code: handset.Pending}) {
				t.Errorf("before the number: %v", err)
			}
			do(t, ctx, "typed", chromedp.SendKeys(chromedp.CSS("#match"), strconv.Itoa(handoff.Number)),
				click("main button[value=continue]"), chromedp.WaitNotPresent(chromedp.CSS("#match")))
			if h1 := read(t, ctx, "h1"); h1 != text("qr.done_title") {
				t.Errorf("at the end: %q", h1)
			}
			if err := handoff.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := code.Device.SetPIN(t.Context(), idptest.PhonePIN); err != nil {
				t.Fatal(err)
			}
			if _, err := code.Device.EnterPIN(t.Context(), idptest.PhonePIN, ""); err != nil {
				t.Fatal(err)
			}
			do(t, ctx, "devices", chromedp.Navigate(where.idp+"/settings/devices"), visible("h1"))
			if said := read(t, ctx, "main"); !strings.Contains(said, name) {
				t.Errorf("the device is not listed: %s", said)
			}
		})
	}
}
