//go:build browser

package chromium_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

// enlarged doubles the size of text as a phone's setting does (the style sheet's 112.5 % of 32 px instead of 16), and
// lists what does not stand it: a page that is wider than the screen, and words that are broken apart. What has no places
// to break by itself, such as an address, may be, and longer words are hyphenated by phones, which know the language as this
// Chromium does not: of them only the style is held.
const enlarged = `document.documentElement.style.fontSize = "36px";
(function () {
	var found = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), range = document.createRange();
	if (document.documentElement.scrollWidth > document.documentElement.clientWidth) {
		document.querySelectorAll("body *").forEach(function (e) {
			if (e.getBoundingClientRect().right > document.documentElement.clientWidth) found.push("wide: " + e.outerHTML.slice(0, 80));
		});
	}
	for (var node; (node = walk.nextNode());) {
		if (!node.parentElement.getClientRects().length || node.parentElement.closest("noscript, .spoken, .skip")) continue;
		var words = /[\p{L}\p{N}]+/gu, around = /\S+/g, exempt = [];
		for (var a; (a = around.exec(node.data));) if (/[@/]|\.[a-z]/.test(a[0])) exempt.push([a.index, a.index + a[0].length]);
		for (var m; (m = words.exec(node.data));) {
			var from = m.index, to = m.index + m[0].length;
			if (exempt.some(function (e) { return e[0] <= from && to <= e[1]; })) continue;
			if (m[0].length > 12 && getComputedStyle(node.parentElement).hyphens === "auto") continue;
			range.setStart(node, from);
			range.setEnd(node, to);
			var lines = new Set(Array.from(range.getClientRects()).map(function (r) { return Math.round(r.top); }));
			if (lines.size > 1) found.push(m[0]);
		}
	}
	return found;
})()`

// enlarge holds the page that is open against that on a phone of 390 px, and takes a picture if pictures are wanted.
func enlarge(t *testing.T, ctx context.Context, what string, picture bool) {
	t.Helper()
	do(t, ctx, what, emulateScheme("light"), chromedp.EmulateViewport(390, 844))
	found, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](enlarged))
	if err != nil {
		t.Fatal(err)
	}
	if len(found) > 0 {
		t.Errorf("%s: %q", what, found)
	}
	if dir := os.Getenv("SCREENSHOTS"); dir != "" && picture {
		shoot(t, ctx, filepath.Join(dir, what+".png"))
	}
}
