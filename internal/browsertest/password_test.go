//go:build browser

package browsertest_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestWaitingIsSaid sends a form whose answer takes long: after a second that is said, where a screen reader hears it.
func TestWaitingIsSaid(t *testing.T) {
	site := sampleSite(t)
	for lang, want := range map[string]string{
		"nl": "We controleren je wachtwoord. Dat duurt nu een paar seconden.", "en": "We are checking your password. That takes a few seconds now.",
	} {
		for _, page := range []string{"login", "confirm_password"} {
			t.Run(page+"/"+lang, func(t *testing.T) {
				ctx := openBrowser(t, lang)
				do(t, ctx, "open", chromedp.Navigate(site.URL+"/page/"+lang+"/"+page+"/0"), visible("#password"))
				said := func(script string) string {
					t.Helper()
					got, err := chromedp.Run(ctx, chromedp.Evaluate[string](script+`; document.querySelector("[data-busy]").textContent`))
					if err != nil {
						t.Fatal(err)
					}
					return got
				}
				got := said(`var form = document.querySelector("form[novalidate]"); form.addEventListener("submit", function (e) { e.preventDefault(); }); form.requestSubmit()`)
				if got != "" {
					t.Errorf("at once: %q", got)
				}
				if _, err := chromedp.Run(ctx, chromedp.Poll[bool]("document.querySelector('[data-busy]').textContent !== ''")); err != nil {
					t.Fatal(err)
				}
				if got := said(""); got != want {
					t.Errorf("after a second: %q, want %q", got, want)
				}
			})
		}
	}
}

// TestTicksOfANewPassword types and looks what is seen and said: the ticks follow every letter, "all met" is said once,
// and axe-core finds nothing in either state.
func TestTicksOfANewPassword(t *testing.T) {
	axe, err := os.ReadFile("../../testdata/tools/node_modules/axe-core/axe.min.js")
	if err != nil {
		t.Fatalf("axe-core is missing (`make test` installs it): %v", err)
	}
	site := sampleSite(t)
	for lang, texts := range map[string]struct{ met, open, all string }{
		"nl": {"klopt", "klopt nog niet", "Je wachtwoord voldoet aan de regels."},
		"en": {"done", "not yet", "Your password meets the rules."},
	} {
		t.Run(lang, func(t *testing.T) {
			ctx := openBrowser(t, lang)
			do(t, ctx, "open", chromedp.EmulateViewport(320, 900), chromedp.Navigate(site.URL+"/page/"+lang+"/new_password/0"), visible("#password"))
			evaluate := func(what, script string) string {
				t.Helper()
				got, err := chromedp.Run(ctx, chromedp.Evaluate[string](script))
				if err != nil {
					t.Fatalf("%s: %v", what, err)
				}
				return got
			}
			evaluate("count announcements", `window.said = []; new MutationObserver(function () {
				window.said.push(document.querySelector(".rules [role=status]").textContent);
			}).observe(document.querySelector(".rules [role=status]"), {childList: true}); ""`)
			for _, step := range []struct {
				typed           string
				length, special bool
			}{
				{"", false, false}, {"kapper", false, false}, {"kapper-", false, true}, {"kapperlantaarn", true, false}, {"kapper-lantaarn", true, true},
				{"kapper-lantaarn-molen", true, true}, {"e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301!", false, true}, {"\U0001F418\U0001F335\U0001F6B2", false, true},
				{"kapper9lantaarn", true, false}, {"caf\u00e9metlantaarn", true, false}, {"kapper lantaarn", true, true},
			} {
				got := evaluate(step.typed, fmt.Sprintf(`(function () {
					var field = document.getElementById("password");
					field.value = %q;
					field.dispatchEvent(new Event("input", {bubbles: true}));
					return Array.from(document.querySelectorAll(".rules li")).map(function (li) { return li.className + li.lastChild.textContent; }).join();
				})()`, step.typed))
				say := func(met bool) string {
					if met {
						return "met (" + texts.met + ")"
					}
					return " (" + texts.open + ")"
				}
				if want := say(step.length) + "," + say(step.special); got != want {
					t.Errorf("%q: %q, want %q", step.typed, got, want)
				}
				look(t, ctx, fmt.Sprintf("ticks-%s-%t-%t", lang, step.length, step.special), string(axe))
			}
			if got, want := evaluate("announcements", `window.said.join("|")`), texts.all+"||"+texts.all; got != want {
				t.Errorf("said %q, want %q", got, want)
			}
		})
	}
}
