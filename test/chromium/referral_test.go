//go:build browser

package chromium_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/minddistrict/idp/outbox"
)

// TestTherapistHelpsAClient is the sentence of the help page: "Go to the client's account, details, Reset two-factor
// authentication". From the demo platform, in a real browser, in both languages, and back. axe-core finds nothing on
// the pages in between, narrow and wide, light and dark.
func TestTherapistHelpsAClient(t *testing.T) {
	t.Parallel()
	axe := axeCore(t)
	for _, row := range []struct{ lang, asks, done, then, back string }{
		{
			"nl", "Hoe weet je dat dit de juiste persoon is?", "Twee-staps-authenticatie staat uit",
			"Met die knop gaat het inloggen verder.", "Terug naar GGZ De Linde",
		},
		{
			"en", "How do you know that this is the right person?", "Two-step authentication is off",
			"That button leads on.", "Back to GGZ De Linde",
		},
	} {
		t.Run(row.lang, func(t *testing.T) {
			where := startSite(t)
			ctx := openBrowser(t, row.lang)
			look := func(name string) {
				t.Helper()
				for _, as := range appearances() {
					what := fmt.Sprintf("referral-%s-%s-%d-%s", name, row.lang, as.width, as.scheme)
					do(t, ctx, what, emulateScheme(as.scheme), chromedp.EmulateViewport(as.width, 900))
					look(t, ctx, what, axe)
				}
			}
			says := func(want ...string) {
				t.Helper()
				page := read(t, ctx, "body")
				for _, text := range want {
					if !strings.Contains(page, text) {
						t.Errorf("the page lacks %q: %s", text, page)
					}
				}
			}
			do(t, ctx, "the start page", chromedp.Navigate(where.demo+"/"), visible("h1"))
			code := strings.ReplaceAll(read(t, ctx, "output[data-code]"), " ", "")
			do(t, ctx, "the therapist logs in", click("#try-step-up"), visible("#password"))
			do(t, ctx, "the password", chromedp.SendKeys(chromedp.CSS("#password"), "tien roze olifanten zingen!"),
				click("main button[value=continue]"), visible("#code"))
			do(t, ctx, "the code", chromedp.SendKeys(chromedp.CSS("#code"), code), click("main button[value=continue]"),
				visible("#signed-in"))
			do(t, ctx, "the client's details", click(`[id="client-tim@example.org"]`), visible("#reset"))
			do(t, ctx, "the button", click("#reset"), visible("#identified"))
			address := location(t, ctx)
			if !strings.HasPrefix(address, where.idp+"/staff/referral/") {
				t.Fatalf("at %s", address)
			}
			says(row.asks, "Tim Dekker", "tim@example.org")
			look("asks")
			do(t, ctx, "nothing said", click("main button[value=continue]"), visible("#summary"))
			look("nothing-said")
			do(t, ctx, "known", click("#identified-3"), click("main button[value=continue]"), visible("svg.mark.done"))
			says(row.done, "Tim Dekker", row.then, row.back)
			if got := location(t, ctx); got != address {
				t.Errorf("what was done is said at %s", got)
			}
			look("done")
			do(t, ctx, "a reload", chromedp.Navigate(address), visible("svg.mark.done"))
			do(t, ctx, "back to the platform", click("main a.button"), visible("#signed-in"))
			if got := location(t, ctx); !strings.HasPrefix(got, where.demo+"/linde/") {
				t.Errorf("at %s", got)
			}
			where.letter(t, outbox.TwoStepReset, "tim@example.org")
			// Whoever got hold of the address has nothing.
			other := openBrowser(t, row.lang)
			do(t, other, "somebody else", chromedp.Navigate(address), visible("#email"))
		})
	}
}
