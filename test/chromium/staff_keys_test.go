//go:build browser

package chromium_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/minddistrict/idp/internal/idptest"
)

// stops is what Tab reaches on a page, in the order of its text: radio buttons of one name are one stop.
const stops = `window.stops = () => {
	const open = e => e.tabIndex >= 0 && !e.disabled && e.type !== 'hidden' && e.checkVisibility()
	const some = 'a[href], button, input, select, textarea, summary, [tabindex]'
	const all = Array.from(document.querySelectorAll(some)).filter(open)
	return Array.from(new Set(all.map(keyOf)))
}
window.keyOf = e => {
	if (e === document.body || e === document.documentElement) return ''
	if (e.type === 'radio') return 'one of ' + e.name
	const at = Array.from(document.querySelectorAll('*')).indexOf(e)
	return at + ' ' + e.tagName.toLowerCase() + ' ' + (e.name || e.textContent.trim()).slice(0, 40)
}
window.stopped = () => {
	const e = document.activeElement, s = getComputedStyle(e), box = e.getClientRects()[0]
	if (!e || e === document.body) return JSON.stringify({Key: ''})
	const flaws = []
	if (!e.matches(':focus-visible')) flaws.push('not focus-visible')
	if (s.outlineStyle === 'none' || parseFloat(s.outlineWidth) < 2) flaws.push('no ring')
	if (!box || box.width < 2 || box.height < 2) flaws.push('nothing to see')
	else {
		const at = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2)
		if (!at) flaws.push('outside the screen')
		else if (!e.contains(at) && !at.contains(e)) flaws.push('behind ' + at.outerHTML.slice(0, 60))
	}
	const r = box || {left: 0, right: 0, top: 0, bottom: 0}
	return JSON.stringify({Key: keyOf(e), Flaws: flaws, Skip: e.matches('.skip'),
		Left: r.left, Right: r.right, Top: r.top + scrollY, Bottom: r.bottom + scrollY})
}
true`

// stop is where the focus is on a page, and where that is from its upper left corner.
type stop struct {
	Key                      string // empty: the page itself
	Flaws                    []string
	Skip                     bool // the link that skips the menu, which is seen only while it has the focus
	Left, Right, Top, Bottom float64
}

// keyboard is somebody who has no mouse.
type keyboard struct {
	*testing.T
	ctx  context.Context
	lang string
}

func (k keyboard) say(key string, args ...any) string { return idptest.Text(k.lang, key, args...) }

func (k keyboard) press(what, keys string) {
	k.Helper()
	do(k.T, k.ctx, what, chromedp.KeyEvent(keys, really))
}

// really makes a key event what a keyboard sends: after another kind the Enter that follows a link of the summary would
// be typed in the field that the link leads to as well.
func really(p *input.DispatchKeyEventParams) {
	if p.Type == kb.KeyDown {
		p.Type = kb.KeyRawDown
	}
}

// to presses Tab until the focus is there, and then these keys.
func (k keyboard) to(want, keys string) {
	k.Helper()
	tabTo(k.T, k.ctx, want)
	k.press(want, keys)
}

func (k keyboard) at(key string, args ...any) {
	k.Helper()
	titled(k.T, k.ctx, k.say(key, args...))
}

func (k keyboard) now() (s stop) {
	k.Helper()
	text, err := chromedp.Run(k.ctx, chromedp.Evaluate[string](stops+"; stopped()"))
	if err == nil {
		err = json.Unmarshal([]byte(text), &s)
	}
	if err != nil {
		k.Fatal(err)
	}
	return s
}

// wrong is an error summary that has the focus.
func (k keyboard) wrong() {
	k.Helper()
	holds(k.T, k.ctx, "the focus at what is wrong",
		`document.readyState === 'complete' && document.activeElement?.id === 'summary'`)
}

// said is an error summary that has the focus, and whose first link leads to the field of this label.
func (k keyboard) said(label string) {
	k.Helper()
	k.wrong()
	k.to("link to "+label, kb.Enter)
	holds(k.T, k.ctx, "the focus at the field", `document.activeElement?.matches('input')`)
}

// walk goes over the page that is open with Tab to its end and with Shift+Tab to its beginning: everything is reached,
// in the order of the text and of the eye, and is seen; nothing holds the focus.
func (k keyboard) walk(page string) {
	k.Helper()
	do(k.T, k.ctx, page, chromedp.Reload(), visible("h1"))
	want, err := chromedp.Run(k.ctx, chromedp.Evaluate[[]string](stops+"; stops()"))
	if err != nil {
		k.Fatal(err)
	}
	there := k.trail(kb.Tab, len(want))
	for i, s := range there {
		if len(s.Flaws) > 0 {
			k.Errorf("%s: %s: %q", page, s.Key, s.Flaws)
		}
		if i == 0 || there[i-1].Skip {
			continue
		}
		if before := there[i-1]; s.Bottom <= before.Top && s.Left < before.Right {
			k.Errorf("%s: %s comes after %s, which is below it", page, s.Key, before.Key)
		}
	}
	if got := keysOf(there); !slices.Equal(got, want) {
		k.Errorf("%s: Tab reaches\n%s\nwant\n%s", page, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	slices.Reverse(want)
	if got := keysOf(k.trail(shiftTab, len(want))); !slices.Equal(got, want) {
		k.Errorf("%s: Shift+Tab reaches\n%s\nwant\n%s", page, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

const shiftTab = "shift+tab"

// trail presses a key until the focus leaves the page, at whichever end that is.
func (k keyboard) trail(key string, most int) (all []stop) {
	k.Helper()
	step := chromedp.KeyEvent(kb.Tab)
	if key == shiftTab {
		step = chromedp.KeyEvent(kb.Tab, chromedp.KeyModifiers(chromedp.ModifierShift))
	}
	for range most * 8 { // a date has stops of its own for day, month and year
		do(k.T, k.ctx, key, step)
		s := k.now()
		switch {
		case s.Key == "", len(all) > 0 && s.Key == all[0].Key && len(all) > 1:
			return all
		case len(all) == 0 || all[len(all)-1].Key != s.Key:
			all = append(all, s)
		}
	}
	k.Fatalf("the focus does not leave the page: %q", keysOf(all))
	return nil
}

func keysOf(all []stop) (keys []string) {
	for _, s := range all {
		keys = append(keys, s.Key)
	}
	return keys
}

// TestStaffByKeyboard: a manager logs in, finds somebody, turns two-step authentication off, asks the same for a
// colleague and takes it back, invites somebody and reads the record, with the keyboard alone, in both languages, wide
// and narrow.
func TestStaffByKeyboard(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		lang  string
		width int64
	}{{"nl", 1280}, {"en", 320}} {
		t.Run(row.lang, func(t *testing.T) {
			where := startSite(t)
			k := keyboard{t, openBrowser(t, row.lang), row.lang}
			do(t, k.ctx, "the pages of staff", chromedp.EmulateViewport(row.width, 900), chromedp.Navigate(where.idp+"/staff"))
			k.logIn(where)
			k.people()
			k.reset()
			k.waits()
			k.invite()
			k.record()
			k.to(k.say("staff.roles"), kb.Enter)
			k.at("staff.roles")
			k.walk("roles")
			for _, page := range []string{"staff.welcome", "staff.reference"} {
				k.to(k.say(page), kb.Enter)
				k.at(page)
				k.walk(page)
			}
			k.to(k.say("staff.invite"), kb.Enter)
			k.at("staff.invite")
			k.to(k.say("staff.invite_many_link"), kb.Enter)
			k.at("staff.invite_many")
			k.walk("many")
			k.to(k.say("staff.file_check"), kb.Enter)
			k.said(k.say("field.file"))
		})
	}
}

func (k keyboard) logIn(where site) {
	k.at("login.title", "platform", "GGZ De Linde")
	k.to(k.say("login.email"), "mo@example.org")
	k.to(k.say("login.password"), "acht rode tractors zingen!"+kb.Enter)
	k.at("code.title")
	if err := where.house.Deliver(k.Context()); err != nil {
		k.Fatal(err)
	}
	sent := where.pages.Mails.Texts()
	k.to(k.say("code.label"), sent[len(sent)-1].Code+kb.Enter)
	k.at("staff.people")
}

// people: the link that skips the menu works, a search for nothing says so, and somebody is found.
func (k keyboard) people() {
	k.walk("people")
	do(k.T, k.ctx, "people anew", chromedp.Reload(), visible("h1"))
	k.to(k.say("common.skip"), kb.Enter)
	tabTo(k.T, k.ctx, k.say("staff.people_label"))
	holds(k.T, k.ctx, "the menu skipped", `document.activeElement.id === 'typed'`)
	k.press("nothing typed", kb.Enter)
	k.said(k.say("field.typed"))
	k.find("Tim Dekker")
	k.walk("person")
}

// find looks somebody up from the page of people.
func (k keyboard) find(name string) {
	k.Helper()
	k.press("search", name+kb.Enter)
	holds(k.T, k.ctx, "found", `!!document.querySelector('.people a')`)
	k.walk("found")
	tabUntil(k.T, k.ctx, name, func(has string) bool { return strings.HasPrefix(has, name) })
	k.press("open", kb.Enter)
	k.at("staff.person")
}

// reset turns off two-step authentication of the person whose page is open.
func (k keyboard) reset() {
	k.Helper()
	k.to(k.say("staff.reset_two_step_title"), kb.Enter)
	k.at("staff.reset_two_step_title")
	k.walk("reset")
	k.to(k.say("staff.reset_two_step_button"), " ")
	k.said(k.say("field.reason"))
	k.press("a reason", kb.ArrowDown)
	tabUntil(k.T, k.ctx, "identified", func(string) bool { return k.now().Key == "one of identified" })
	k.press("known", kb.ArrowDown)
	holds(k.T, k.ctx, "both chosen", `document.querySelectorAll("input:checked").length === 2`)
	k.to(k.say("staff.reset_two_step_button"), " ")
	k.at("staff.person")
	holds(k.T, k.ctx, "what was done", `!!document.querySelector('main p[role=status]')`)
	k.walk("done")
}

// waits asks for a reset of a professional, which waits, and takes it back.
func (k keyboard) waits() {
	k.to(k.say("staff.people"), kb.Enter)
	k.at("staff.people")
	tabTo(k.T, k.ctx, k.say("staff.people_label"))
	k.find("Eva de Boer")
	k.reset()
	k.to(k.say("staff.waiting"), kb.Enter)
	k.at("staff.waiting")
	k.walk("waiting")
	k.to(k.say("staff.withdraw"), kb.Enter)
	said := fmt.Sprintf(`document.querySelector('main p[role=status]')?.textContent === %q`, k.say("staff.withdrawn"))
	holds(k.T, k.ctx, "taken back", said)
}

func (k keyboard) invite() {
	k.to(k.say("staff.invite"), kb.Enter)
	k.at("staff.invite")
	k.walk("invite")
	k.to(k.say("staff.invite_submit"), kb.Enter)
	k.wrong()
	k.to(k.say("signup.first_name"), "Noor")
	k.to(k.say("login.email"), "noor@example.org")
	tabUntil(k.T, k.ctx, "role", func(string) bool { return k.now().Key == "one of role" })
	k.press("professional", kb.ArrowDown+kb.ArrowDown)
	holds(k.T, k.ctx, "chosen", `document.querySelector('input[name=role]:checked').value === 'professional'`)
	k.press("invite", kb.Enter)
	holds(k.T, k.ctx, "invited", `!!document.querySelector('main p[role=status]')`)
	k.walk("invited")
}

func (k keyboard) record() {
	k.to(k.say("staff.record"), kb.Enter)
	k.at("staff.record")
	k.to(k.say("staff.record_filters"), kb.Enter)
	holds(k.T, k.ctx, "the filters", `document.querySelector('details.filters').open`)
	tabUntil(k.T, k.ctx, "what", func(string) bool { return k.now().Key == "one of what" })
	k.press("logging in", kb.ArrowDown)
	k.to(k.say("staff.reference_find"), kb.Enter)
	holds(k.T, k.ctx, "filtered", `location.search.includes('what=') && document.querySelector('details.filters').open`)
	k.walk("record")
	k.to(k.say("staff.more"), " ")
	holds(k.T, k.ctx, "more of a line", `!!document.querySelector('.events details[open]')`)
}
