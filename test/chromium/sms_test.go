//go:build browser

package chromium_test

import (
	"context"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/minddistrict/idp/internal/idptest"
)

// holds waits until something is so on the page.
func holds(t *testing.T, ctx context.Context, what, script string) {
	t.Helper()
	var err error
	for range 100 {
		var so bool
		if so, err = chromedp.Run(ctx, chromedp.Evaluate[bool](script)); so {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("not so: %s: %v", what, err)
}

// TestCodesByTextMessageByKeyboard sets them up with the keyboard alone, in both languages. The button to send again
// comes when its time has come, and that is said.
func TestCodesByTextMessageByKeyboard(t *testing.T) {
	t.Parallel()
	where := startSite(t)
	for lang, who := range map[string]struct{ email, password, number string }{
		"nl": {"anna@example.org", "zeven paarse regenjassen drogen!", "06 12 34 56 71"},
		"en": {"ria@example.org", "vijf gele laarzen stampen!", "06 12 34 56 72"},
	} {
		t.Run(lang, func(t *testing.T) {
			ctx, say := openBrowser(t, lang), func(key string) string { return idptest.Text(lang, key, "platform", "GGZ De Linde") }
			do(t, ctx, "two-step", chromedp.Navigate(where.idp+"/settings/two-step"))
			titled(t, ctx, say("login.title"))
			tabTo(t, ctx, say("login.email"))
			do(t, ctx, "address", chromedp.KeyEvent(who.email))
			tabTo(t, ctx, say("login.password"))
			do(t, ctx, "password", chromedp.KeyEvent(who.password+kb.Enter))
			titled(t, ctx, say("two_step.title"))
			tabTo(t, ctx, say("setup.start"))
			do(t, ctx, "set up", chromedp.KeyEvent(kb.Enter))
			titled(t, ctx, say("choose.title"))
			tabTo(t, ctx, say("choose.app"))
			do(t, ctx, "choose", chromedp.KeyEvent(kb.ArrowDown))
			holds(t, ctx, "text message chosen", `document.querySelector('input:checked').value === 'sms'`)
			do(t, ctx, "chosen", chromedp.KeyEvent(kb.Enter))
			titled(t, ctx, say("phone.title"))
			tabTo(t, ctx, say("phone.label"))
			do(t, ctx, "number", chromedp.KeyEvent(who.number+kb.Enter))
			titled(t, ctx, say("sms.title"))

			const button, text = `document.querySelector('button[value=resend]')`, `document.querySelector('[data-countdown]')`
			holds(t, ctx, "the text instead of the button", `!`+button+`.checkVisibility() && `+text+`.checkVisibility()`)
			holds(t, ctx, "seconds that nobody reads aloud", `!`+text+`.closest('[role=status], [aria-live]')`)
			holds(t, ctx, "fewer seconds", text+`.textContent.match(/\d+/)[0] < 30`)
			holds(t, ctx, "a later time", `(now => { Date.now = () => now() + 30000; return true })(Date.now)`)
			holds(t, ctx, "the button instead of the text", button+`.checkVisibility() && !`+text+`.checkVisibility()`)
			holds(t, ctx, "that is said", `document.querySelector('p[role=status]').textContent === `+button+`.textContent`)

			if err := where.house.Deliver(t.Context()); err != nil {
				t.Fatal(err)
			}
			sent := where.pages.Mails.Texts()
			tabTo(t, ctx, say("sms.code"))
			do(t, ctx, "code", chromedp.KeyEvent(sent[len(sent)-1].Code+kb.Enter))
			titled(t, ctx, say("recovery.title"))
		})
	}
}
