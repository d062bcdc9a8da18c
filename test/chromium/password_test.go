//go:build browser

package chromium_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/minddistrict/idp/login/password"
	"github.com/minddistrict/idp/platform"
)

// TestWaitingIsSaid sends a form whose answer takes long: after a second that is said, where a screen reader hears it.
func TestWaitingIsSaid(t *testing.T) {
	t.Parallel()
	site := sampleSite(t)
	for lang, want := range map[string]string{
		"nl": "We controleren je wachtwoord. Dat duurt nu een paar seconden.", "en": "We are checking your password. This takes a few seconds now.",
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
	t.Parallel()
	axe := axeCore(t)
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
				typed                  string
				length, special, guess bool
			}{
				{"", false, false, false}, {"kapper", false, false, false}, {"kapper-", false, true, false}, {"kapperlantaarn", true, false, false},
				{"kapper-lantaarn", true, true, false}, {"kapper-lantaarn-molens-regenjas", true, true, true},
				{"e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301!", false, true, false}, {"\U0001F418\U0001F335\U0001F6B2", false, true, false},
				{"kapper9lantaarn", true, false, false}, {"caf\u00e9metlantaarn", true, false, false}, {"wachtwoord geheim welkom zomer", true, true, false},
				{"anna example kapper lantaarn", true, true, false}, {"xK9dFq2Lm7pR4", true, false, true}, {"xK9-dFq2-Lm7p", true, true, true},
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
				if want := say(step.length) + "," + say(step.special) + "," + say(step.guess); got != want {
					t.Errorf("%q: %q, want %q", step.typed, got, want)
				}
				look(t, ctx, fmt.Sprintf("ticks-%s-%t-%t-%t", lang, step.length, step.special, step.guess), axe)
			}
			if got, want := evaluate("announcements", `window.said.join("|")`), texts.all+"||"+texts.all; got != want {
				t.Errorf("said %q, want %q", got, want)
			}
		})
	}
}

// TestTicksAreKept types three to five of the 3000 words that people use most: what gets the tick "not easy to guess" on the
// page is rarely refused for that afterwards (6 of 340), and what everybody tries first gets none.
func TestTicksAreKept(t *testing.T) {
	t.Parallel()
	words, err := os.ReadFile("../../login/password/lists/nl.txt")
	if err != nil {
		t.Fatal(err)
	}
	common := slices.DeleteFunc(strings.Split(string(words), "\n"), func(w string) bool { return strings.HasPrefix(w, "#") || len(w) < 4 })[:3000]
	var typed []string
	for i := range 600 {
		var some []string
		for k := range 3 + i%3 {
			some = append(some, common[(i*7919+k*1061*(i+1))%len(common)])
		}
		typed = append(typed, strings.Join(some, " ")+"!")
	}
	chosen := len(typed)
	typed = append(typed, "Welkom01Welkom01!", "Zomer2026!Zomer2026!", "abcdefghijkl1234!", "1q2w3e4r5t6y7u8i!", "P@ssw0rdP@ssw0rd1", "aaaa bbbb cccc dddd eeee!")
	ctx := openBrowser(t, "nl")
	do(t, ctx, "open", chromedp.Navigate(sampleSite(t).URL+"/page/nl/new_password/0"), visible("#password"))
	list, err := json.Marshal(typed)
	if err != nil {
		t.Fatal(err)
	}
	ticks, err := chromedp.Run(ctx, chromedp.Evaluate[[]bool](fmt.Sprintf(`%s.map(function (typed) {
		var field = document.getElementById("password");
		field.value = typed;
		field.dispatchEvent(new Event("input", {bubbles: true}));
		return document.querySelector("[data-guess]").classList.contains("met");
	})`, list)))
	if err != nil {
		t.Fatal(err)
	}
	ticked, refused := 0, 0
	for i, met := range ticks {
		if !met {
			continue
		}
		ticked++
		if i >= chosen {
			t.Errorf("%q got the tick", typed[i])
		}
		what, err := password.Rule{}.Check(platform.DefaultPolicy().Password, typed[i], nil)
		if err != nil {
			t.Fatal(err)
		}
		if what != password.None {
			refused++
		}
	}
	if ticked < 100 || refused*40 > ticked {
		t.Errorf("%d ticks, %d of them wrong", ticked, refused)
	}
}
