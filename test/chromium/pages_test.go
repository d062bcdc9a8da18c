//go:build browser

package chromium_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/minddistrict/idp/internal/preview"
	"github.com/minddistrict/idp/internal/wire"
	"github.com/minddistrict/idp/platform"
)

// sampleSite serves every page in every state, as `idp platform preview` does.
func sampleSite(t *testing.T) *httptest.Server {
	t.Helper()
	p := &platform.Platform{
		ID: "linde", Issuer: "http://localhost", Organisation: "GGZ De Linde", HomeURL: "https://linde.example.net/",
		HelpPublic: platform.Contact{Email: "helpdesk@linde.example", Phone: "010 123 45 67"},
		PrivacyURL: "https://linde.example.net/privacy", AccessURL: "https://linde.example.net/toegankelijk", Policy: platform.DefaultPolicy(),
	}
	p.Defaults()
	pages := preview.New(wire.UI(), p)
	pages.Failed = func(err error) { t.Error(err) }
	s := httptest.NewServer(pages)
	t.Cleanup(s.Close)
	return s
}

type finding struct {
	ID, Impact, Help string
	Nodes            []struct{ HTML, FailureSummary string }
}

type appearance struct {
	width  int64
	scheme string
}

// appearances are narrow in the dark and wide in the light, which shows every width and every colour once; for
// pictures all four.
func appearances() []appearance {
	if os.Getenv("SCREENSHOTS") != "" {
		return []appearance{{320, "light"}, {320, "dark"}, {1280, "light"}, {1280, "dark"}}
	}
	return []appearance{{320, "dark"}, {1280, "light"}}
}

// TestPages opens every page in every state, in both languages, and shows it narrow and wide, light and dark. axe-core
// finds no violation of WCAG 2.2 A and AA, nothing is wider than the screen, and the console is silent. On a phone of
// 390 px with text at 200 % no word is broken. A page is opened once for all of that: its script asks neither for the width nor
// for the colours. With SCREENSHOTS set to a folder it leaves a picture of each there, and one without script.
func TestPages(t *testing.T) {
	t.Parallel()
	axe := axeCore(t)
	site := sampleSite(t)
	names, samples := wire.UI().PageNames(), wire.UI().Samples()
	for _, lang := range []string{"nl", "en"} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			ctx := openBrowser(t, lang)
			for _, name := range names {
				for i, sample := range samples[name] {
					what := fmt.Sprintf("%s-%s-%s", name, strings.ReplaceAll(sample.Name, " ", "_"), lang)
					show(t, ctx, what, appearances()[0])
					do(t, ctx, what, chromedp.Navigate(site.URL+preview.Path(lang, name, i)))
					if name == "form_post" {
						continue // with script it leaves at once; without it is looked at below
					}
					seen := ""
					for _, as := range appearances() {
						show(t, ctx, what, as)
						seen = lookAgain(t, ctx, fmt.Sprintf("%s-%d-%s", what, as.width, as.scheme), axe, seen)
					}
					enlarge(t, ctx, "large-"+what, i == 0)
				}
			}
			withoutScript(t, ctx, site.URL, lang, axe)
		})
	}
}

// axeCore is the script of axe-core.
func axeCore(t *testing.T) string {
	t.Helper()
	script, err := os.ReadFile("../../testdata/tools/node_modules/axe-core/axe.min.js")
	if err != nil {
		t.Fatalf("axe-core is missing (`make test` installs it): %v", err)
	}
	return string(script)
}

// show gives the screen a width and its colours.
func show(t *testing.T, ctx context.Context, what string, as appearance) {
	t.Helper()
	do(t, ctx, what, emulateScheme(as.scheme), chromedp.EmulateViewport(as.width, 900))
}

func emulateScheme(scheme string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return err
	})
}

// rendered are the rules of axe-core whose answer depends on sizes and colours; that of the others depends on the
// document and on what of it is visible.
const rendered = `{type: 'rule', values: ['color-contrast', 'link-in-text-block', 'scrollable-region-focusable', 'target-size']}`

// look lets axe-core judge the page that is open.
func look(t *testing.T, ctx context.Context, what, axe string) {
	t.Helper()
	lookAgain(t, ctx, what, axe, "")
}

// lookAgain is look at a page in another width or other colours. It returns which of its elements are visible: where
// those are the ones that were seen before, axe-core judges by the rules that are about sizes and colours.
func lookAgain(t *testing.T, ctx context.Context, what, axe, before string) (seen string) {
	t.Helper()
	seen, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.getAnimations().forEach(a => a.finish());
		Array.from(document.querySelectorAll('*'), e => e.checkVisibility({visibilityProperty: true}) ? '1' : '0').join('')`))
	if err != nil {
		t.Fatal(err)
	}
	wide, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`document.documentElement.scrollWidth > document.documentElement.clientWidth`))
	if err != nil {
		t.Fatal(err)
	}
	if wide {
		t.Errorf("%s: wider than the screen", what)
	}
	if seen == before {
		judge(t, ctx, what, axe, rendered, "{}")
	} else {
		judge(t, ctx, what, axe, everyRule, "{}")
	}
	if dir := os.Getenv("SCREENSHOTS"); dir != "" {
		shoot(t, ctx, filepath.Join(dir, what+".png"))
	}
	return seen
}

// everyRule are those of WCAG 2.2 A and AA, and best practices.
const everyRule = `['wcag2a','wcag2aa','wcag21a','wcag21aa','wcag22aa','best-practice']`

// judge reports what axe-core finds on the page that is open by the rules of a choice (runOnly), some of them set
// otherwise, but not in its frames, where axe-core is not. What moves is at its end: axe-core would see colours on
// their way from one scheme to the other.
func judge(t *testing.T, ctx context.Context, what, axe, choice, rules string) {
	t.Helper()
	there, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`document.getAnimations().forEach(a => a.finish()); "axe" in window`))
	if err != nil {
		t.Fatal(err)
	}
	if !there {
		if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](axe+"; true")); err != nil {
			t.Fatal(err)
		}
	}
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`axe.run(document, {
		runOnly: `+choice+`,
		resultTypes: ['violations'], preload: false, iframes: false, rules: `+rules+`,
	}).then(r => JSON.stringify(r.violations))`, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	var findings []finding
	if err := json.Unmarshal([]byte(text), &findings); err != nil {
		t.Fatal(err)
	}
	for _, f := range findings {
		t.Errorf("%s: %s (%s): %s: %+v", what, f.ID, f.Impact, f.Help, f.Nodes)
	}
}

// withoutScript opens each page with JavaScript off. axe-core needs script itself, so what it judges is the page that
// was loaded without.
func withoutScript(t *testing.T, ctx context.Context, origin, lang, axe string) {
	t.Helper()
	script := func(off bool) chromedp.Action[chromedp.Void] {
		return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
			_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: off})
			return err
		})
	}
	for _, name := range wire.UI().PageNames() {
		do(t, ctx, name, emulateScheme("light"), chromedp.EmulateViewport(320, 900), script(true),
			chromedp.Navigate(origin+preview.Path(lang, name, 0)), chromedp.WaitVisible(chromedp.CSS("h1")), script(false))
		if name == "form_post" {
			continue // its style hides it where script is on, and axe-core cannot look without
		}
		look(t, ctx, name+"-noscript-"+lang, axe)
	}
}

func shoot(t *testing.T, ctx context.Context, path string) {
	t.Helper()
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, picture, 0o600); err != nil {
		t.Fatal(err)
	}
}
