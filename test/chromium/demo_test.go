//go:build browser

package chromium_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/minddistrict/idp/outbox"
)

// TestDemoPages walks the demo as a newcomer would, who logs in with the app on the start page and looks at the tokens
// there. axe-core finds no violation of WCAG 2.2 A and AA, nothing is wider than the screen, and the console is silent,
// narrow and wide, light and dark. With SCREENSHOTS set to a folder it leaves a picture of each there.
func TestDemoPages(t *testing.T) {
	t.Parallel()
	axe := axeCore(t)
	where := startSite(t)
	ctx := openBrowser(t, "en")
	look := func(name string) {
		t.Helper()
		address := location(t, ctx)
		for _, as := range appearances() {
			what := fmt.Sprintf("demo-%s-%d-%s", name, as.width, as.scheme)
			do(t, ctx, what, emulateScheme(as.scheme), chromedp.EmulateViewport(as.width, 900), chromedp.Navigate(address),
				chromedp.WaitReady(chromedp.CSS("body")))
			look(t, ctx, what, axe)
		}
	}
	visit := func(path string) {
		t.Helper()
		do(t, ctx, path, chromedp.Navigate(where.demo+path), visible("h1"))
	}

	visit("/dev/outbox")
	look("outbox-empty")
	visit("/")
	look("start")
	code := strings.ReplaceAll(read(t, ctx, "output[data-code]"), " ", "")
	do(t, ctx, "a stronger login", click("#try-step-up"), visible("#password"))
	do(t, ctx, "the password", chromedp.SendKeys(chromedp.CSS("#password"), "tien roze olifanten zingen!"),
		click("main button[value=continue]"), visible("#code"))
	do(t, ctx, "the code", chromedp.SendKeys(chromedp.CSS("#code"), code), click("main button[value=continue]"),
		visible("#signed-in"))
	if claims := read(t, ctx, "#id-token"); !strings.Contains(claims, `"acr": "urn:minddistrict:acr:2fa"`) ||
		!strings.Contains(claims, `"mfa"`) {
		t.Errorf("after the code of the start page: %s", claims)
	}
	look("linde-in")
	do(t, ctx, "a client", click(`[id="client-tim@example.org"]`), visible("#reset"))
	look("linde-client")
	do(t, ctx, "a diary", chromedp.Navigate(where.demo+"/dagboek/"), click("#login"),
		visible("main button[value=continue]"))
	do(t, ctx, "consent", click("main button[value=continue]"), visible("#signed-in"))
	look("dagboek-in")
	visit("/linde/phone")
	look("phone-first")
	do(t, ctx, "the app", click("#email"), visible("main button[value=continue]"))
	do(t, ctx, "the password in the app", chromedp.SendKeys(chromedp.CSS("#email"), "anna@example.org"),
		chromedp.SendKeys(chromedp.CSS("#password"), "zeven paarse regenjassen drogen!"),
		click("main button[value=continue]"), visible("#choose"))
	do(t, ctx, "a weak PIN", chromedp.SendKeys(chromedp.CSS("#pin"), "11111"), click("#choose"), visible("#notice.warning"))
	look("phone-choose")
	do(t, ctx, "a PIN", chromedp.SendKeys(chromedp.CSS("#pin"), "48213"), click("#choose"), visible("#signed-in"))
	look("phone-in")
	visit("/wilg/")
	do(t, ctx, "nobody is there", click("#silent"), visible("#notice.warning"))
	look("wilg-out")
	where.invite(t, "nina@example.org", "nl")
	where.letter(t, outbox.Welcome, "nina@example.org")
	visit("/dev/outbox")
	look("outbox")
}

func location(t *testing.T, ctx context.Context) string {
	t.Helper()
	address, err := chromedp.Run(ctx, chromedp.Location())
	if err != nil {
		t.Fatal(err)
	}
	return address
}
