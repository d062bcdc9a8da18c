//go:build browser

package chromium_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/minddistrict/idp/internal/idptest"
)

// tabTo presses Tab until what has the focus has this text or label, and the focus is seen.
func tabTo(t *testing.T, ctx context.Context, want string) {
	t.Helper()
	tabUntil(t, ctx, want, func(has string) bool { return has == want })
}

// tabUntil presses Tab until the text or label of what has the focus is wanted.
func tabUntil(t *testing.T, ctx context.Context, want string, so func(has string) bool) {
	t.Helper()
	const focused = `(() => {
		const e = document.activeElement, label = (e.labels && e.labels.length ? e.labels[0] : e).cloneNode(true)
		label.querySelectorAll('.value').forEach(v => v.remove())
		const link = e.closest('#summary') ? 'link to ' : '' // of the summary, which names the field
		return link + (e.matches(':focus-visible') ? '' : 'unseen ') + label.textContent.trim()
	})()`
	var seen []string
	for range 40 {
		do(t, ctx, "Tab", chromedp.KeyEvent(kb.Tab))
		has, err := chromedp.Run(ctx, chromedp.Evaluate[string](focused))
		if err != nil {
			t.Fatal(err)
		}
		if so(has) {
			return
		}
		seen = append(seen, has)
	}
	t.Fatalf("%q is not reached by Tab, only %q", want, seen)
}

// titled waits for the page with this heading.
func titled(t *testing.T, ctx context.Context, want string) {
	t.Helper()
	got := ""
	for range 100 {
		if got, _ = chromedp.Run(ctx, chromedp.Evaluate[string](`document.readyState === 'complete' && document.querySelector('h1') ? document.querySelector('h1').textContent : ''`)); got == want {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("the page is %q, want %q", got, want)
}

// Every setting is seen and changed with the keyboard alone, in both languages.
func TestSettingsByKeyboard(t *testing.T) {
	t.Parallel()
	where := startSite(t)
	for _, row := range []struct {
		lang, platform, email, password string
		text                            map[string]string
	}{
		{"nl", "linde", "anna@example.org", "zeven paarse regenjassen drogen!", map[string]string{
			"login": "Inloggen bij GGZ De Linde", "email": "E-mailadres", "password": "Wachtwoord", "overview": "Inloggen en beveiliging",
			"account": "Mijn account", "change": "Wachtwoord aanpassen", "new": "Nieuw wachtwoord", "devices": "Toegestane apparaten", "activity": "Wat gebeurde er met je account?",
			"back": "Terug", "language": "Taal", "logout": "Log out", "out": "You are logged out",
		}},
		{"en", "wilg", "bram@example.org", "twee oranje katten zwemmen!", map[string]string{
			"login": "Log in to Praktijk De Wilg", "email": "Email address", "password": "Password", "overview": "Login and security",
			"account": "My account", "change": "Change password", "new": "New password", "devices": "Authorised devices", "activity": "What happened with your account?",
			"back": "Back", "language": "Language", "logout": "Uitloggen", "out": "Je bent uitgelogd",
		}},
	} {
		t.Run(row.lang, func(t *testing.T) {
			ctx, at := openBrowser(t, row.lang), where.idp
			if row.platform != "linde" {
				at += "/p/" + row.platform
			}
			do(t, ctx, "settings", chromedp.Navigate(at+"/settings"))
			titled(t, ctx, row.text["login"])
			tabTo(t, ctx, row.text["email"])
			do(t, ctx, "address", chromedp.KeyEvent(row.email))
			tabTo(t, ctx, row.text["password"])
			do(t, ctx, "password", chromedp.KeyEvent(row.password+kb.Enter))
			titled(t, ctx, row.text["overview"])
			for _, page := range []string{"account", "devices", "activity"} {
				tabTo(t, ctx, row.text[page])
				do(t, ctx, page, chromedp.KeyEvent(kb.Enter))
				titled(t, ctx, row.text[page])
				tabTo(t, ctx, row.text["back"])
				do(t, ctx, "back", chromedp.KeyEvent(kb.Enter))
				titled(t, ctx, row.text["overview"])
			}
			tabTo(t, ctx, row.text["change"])
			do(t, ctx, "change password", chromedp.KeyEvent(kb.Enter))
			titled(t, ctx, row.text["change"])
			tabTo(t, ctx, row.text["new"])
			do(t, ctx, "new password", chromedp.KeyEvent(idptest.NewPassword+kb.Enter))
			titled(t, ctx, row.text["overview"])
			if done := read(t, ctx, "[role=status]"); done == "" {
				t.Error("nothing says that the password was changed")
			}
			tabTo(t, ctx, row.text["language"])
			do(t, ctx, "language", chromedp.KeyEvent(kb.Enter))
			titled(t, ctx, row.text["language"])
			current := map[string]string{"nl": "Nederlands", "en": "English"}[row.lang]
			tabTo(t, ctx, current)
			do(t, ctx, "the other language", chromedp.KeyEvent(kb.ArrowDown+kb.Enter))
			titled(t, ctx, map[string]string{"nl": "Login and security", "en": "Inloggen en beveiliging"}[row.lang])
			tabTo(t, ctx, row.text["logout"])
			do(t, ctx, "log out", chromedp.KeyEvent(kb.Enter))
			titled(t, ctx, row.text["out"])
		})
	}
}

// The same with JavaScript off, from the relying platform and back to it.
func TestSettingsWithoutScript(t *testing.T) {
	t.Parallel()
	where := startSite(t)
	ctx := openBrowser(t, "nl")
	off := chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	})
	fill := func(css, value string) chromedp.Action[chromedp.Void] {
		return chromedp.SendKeys(chromedp.CSS(css), value)
	}
	do(t, ctx, "sign in", off, chromedp.Navigate(where.demo+"/linde/"), click("#login"), fill("#email", "anna@example.org"),
		fill("#password", "zeven paarse regenjassen drogen!"), click("main button[value=continue]"), visible("#signed-in"))
	do(t, ctx, "settings", click("#settings"), visible(`a[href$="/settings/account"]`))
	do(t, ctx, "account", click(`a[href$="/settings/account"]`), visible("dl.facts"), click(`a[href$="/settings"]`))
	do(t, ctx, "devices", click(`a[href$="/settings/devices"]`), visible("#browser-0"), click(`a[href$="/settings"]`))
	do(t, ctx, "activity", click(`a[href$="/settings/activity"]`), visible("ol.cards"), click(`button[value=logout]`), visible("[role=status]"), click(`a[href$="/settings"]`))
	do(t, ctx, "language", click(`a[href$="/settings/language"]`), click("#language-en"), click("main button[value=continue]"), visible(`html[lang=en] [role=status]`))
	do(t, ctx, "password", click(`a[href$="/settings/password"]`), fill(`input[autocomplete=new-password]`, idptest.NewPassword),
		click("main button[value=continue]"), visible("[role=status]"))
	do(t, ctx, "log out", click("button[value=logout]"),
		chromedp.WaitVisible(chromedp.Search(fmt.Sprintf("//h1[normalize-space()=%q]", idptest.Text("en", "logout.done_title")))), chromedp.Navigate(where.idp+"/settings"), visible("#email"))
	last, err := chromedp.Run(ctx, chromedp.Location())
	if err != nil || !strings.Contains(last, "/login/") {
		t.Errorf("after logging out: %s, %v", last, err)
	}
}
