//go:build browser

package chromium_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/setup"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/notify"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
)

// person uses a browser: by keyboard alone, or with JavaScript off. axe-core looks at every page that they come to.
type person struct {
	*testing.T
	ctx      context.Context
	name     string
	lang     string
	keyboard bool // otherwise with a mouse, and without script
	axe      string
}

// text is a text on a page of linde.
func (p person) text(key string) string {
	return strings.NewReplacer("{platform}", "GGZ De Linde", "{party}", "GGZ De Linde").Replace(idptest.Text(p.lang, key))
}

func (p person) open(address string) {
	p.Helper()
	do(p.T, p.ctx, address, chromedp.Navigate(address))
}

// at waits for the page with this title, and looks at it.
func (p person) at(title string) {
	p.Helper()
	do(p.T, p.ctx, title, visible("h1"), chromedp.WaitVisible(chromedp.Search(fmt.Sprintf("//h1[normalize-space()=%q]", title))))
	if !p.keyboard {
		do(p.T, p.ctx, "script on", script(true))
		defer do(p.T, p.ctx, "script off", script(false))
	}
	look(p.T, p.ctx, fmt.Sprintf("journey-%s-%s", p.name, strings.Map(plainRune, title)), p.axe)
}

func plainRune(r rune) rune {
	if strings.ContainsRune(" ?/.", r) {
		return '_'
	}
	return r
}

func (p person) fill(label, value string) {
	p.Helper()
	if !p.keyboard {
		field := chromedp.Search(fmt.Sprintf("//input[@id=//label[normalize-space()=%q]/@for]", p.text(label)))
		do(p.T, p.ctx, "fill "+label, chromedp.SendKeys(field, value))
		return
	}
	tabTo(p.T, p.ctx, p.text(label))
	do(p.T, p.ctx, "fill "+label, chromedp.KeyEvent(value))
}

func (p person) tick(label string) {
	p.Helper()
	if !p.keyboard {
		do(p.T, p.ctx, "tick "+label, chromedp.Click(chromedp.Search(fmt.Sprintf("//label[normalize-space()=%q]", p.text(label)))))
		return
	}
	tabTo(p.T, p.ctx, p.text(label))
	do(p.T, p.ctx, "tick "+label, chromedp.KeyEvent(" "))
}

func (p person) press(key string) {
	p.Helper()
	if !p.keyboard {
		button := chromedp.Search(fmt.Sprintf("//*[self::a or self::button][normalize-space()=%q]", p.text(key)))
		do(p.T, p.ctx, "press "+key, chromedp.Click(button))
		return
	}
	tabTo(p.T, p.ctx, p.text(key))
	do(p.T, p.ctx, "press "+key, chromedp.KeyEvent(kb.Enter))
}

func script(on bool) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
		return err
	})
}

// another is the browser of somebody else.
func another() chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, network.ClearBrowserCookies, chromedp.Void{})
		return err
	})
}

// letter sends what waits, and finds the newest mail of a kind to somebody.
func (s site) letter(t *testing.T, kind outbox.Kind, to string) notify.Mail {
	t.Helper()
	if err := s.house.Deliver(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, m := range slices.Backward(s.pages.Mails.Sent()) {
		if m.Kind == kind && m.To == to {
			return m
		}
	}
	t.Fatalf("no mail %s to %s", kind, to)
	return notify.Mail{}
}

// invite adds an account and sends its welcome mail.
func (s site) invite(t *testing.T, address, lang string) {
	t.Helper()
	tools := setup.Tools{
		DB: s.house.DB, Sealer: s.house.Sealer, Pool: s.house.Pool, Methods: login.Methods(s.house.Factors), Now: time.Now().UTC().Truncate(time.Millisecond),
	}
	a := setup.Account{Email: address, Locale: lang}
	a.Name.Given, a.Name.Family = "Nina", "Mulder"
	_, err := setup.AddAccount(t.Context(), tools, "linde", a)
	if err == nil {
		err = tools.Acts().Invite(t.Context(), platform.ID("linde"), staff.ByAddress(address))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestAccountJourneys: a welcome, a sign-up and a forgotten password with their mails, in both languages, narrow and
// wide, by keyboard alone and with JavaScript off.
func TestAccountJourneys(t *testing.T) {
	t.Parallel()
	axe := axeCore(t)
	for _, lang := range []string{"nl", "en"} {
		for _, width := range []int64{320, 1280} {
			for _, keyboard := range []bool{true, false} {
				how := map[bool]string{true: "keyboard", false: "noscript"}[keyboard]
				name := fmt.Sprintf("%s-%d-%s", lang, width, how)
				t.Run(name, func(t *testing.T) {
					where := startSite(t)
					p := person{t, openBrowser(t, lang), name, lang, keyboard, axe}
					do(t, p.ctx, "size", chromedp.EmulateViewport(width, 900), script(keyboard))
					welcome(p, where)
					do(t, p.ctx, "another", another())
					signUp(p, where)
					do(t, p.ctx, "another", another())
					waits(p, where)
					do(t, p.ctx, "another", another())
					forgot(p, where)
				})
			}
		}
	}
}

func welcome(p person, where site) {
	where.invite(p.T, "nina@example.org", p.lang)
	p.open(where.letter(p.T, outbox.Welcome, "nina@example.org").Link)
	p.at(p.text("welcome.title"))
	p.fill("password.new", "kort")
	p.press("password.submit")
	do(p.T, p.ctx, "mistake", visible("#summary"))
	p.at(p.text("welcome.title"))
	p.fill("password.new", idptest.NewPassword)
	p.press("password.submit")
	do(p.T, p.ctx, "at the platform, signed in", visible("#signed-in"))
	p.open(where.letter(p.T, outbox.Welcome, "nina@example.org").Link)
	p.at(p.text("link.used_title"))
	p.press("common.login")
	do(p.T, p.ctx, "signed in still", visible("#signed-in"))
}

func signUp(p person, where site) {
	p.open(where.demo + "/linde/login")
	p.at(p.text("login.title"))
	p.press("login.signup")
	p.at(p.text("signup.title"))
	p.press("signup.submit")
	do(p.T, p.ctx, "mistakes", visible("#summary"))
	p.at(p.text("signup.title"))
	p.fill("signup.first_name", "Carla")
	p.fill("signup.infix", "van der")
	p.fill("signup.last_name", "Veen")
	p.fill("signup.email", "carla@example.org")
	p.tick("signup.terms")
	p.press("signup.submit")
	p.at(p.text("signup.sent_title"))
	p.press("forgot_sent.resend")
	do(p.T, p.ctx, "asked again", visible("[role=status]"))
	p.at(p.text("signup.sent_title"))
	p.open(where.letter(p.T, outbox.SignUpConfirm, "carla@example.org").Link)
	p.at(p.text("signup.confirm_title"))
	p.fill("password.new", idptest.NewPassword)
	p.press("password.submit")
	do(p.T, p.ctx, "on to who asked, signed in", visible("#signed-in"))
}

// waits: too many wrong passwords, and a mail to log in sooner.
func waits(p person, where site) {
	p.open(where.demo + "/linde/login")
	p.at(p.text("login.title"))
	p.fill("login.email", "ria@example.org")
	p.fill("login.password", "not this one, and not soon")
	p.press("login.submit")
	do(p.T, p.ctx, "mistake", visible("#summary"))
	// Nine more of them, without the seconds that each would take.
	_, err := where.house.DB.SQL().ExecContext(p.Context(), "UPDATE attempts SET failures = 10, blocked_until = $1 WHERE failures > 0",
		time.Now().Add(authn.BlockFor).UnixMilli())
	if err != nil {
		p.Fatal(err)
	}
	p.fill("login.password", "not this one, and not soon")
	p.press("login.submit")
	p.at(p.text("wait.title"))
	p.press("wait.mail_submit")
	do(p.T, p.ctx, "asked", visible("[role=status]"))
	p.at(p.text("forgot_sent.title"))
	p.open(where.letter(p.T, outbox.Unblock, "ria@example.org").Link)
	p.at(p.text("unblock.title"))
	p.press("unblock.submit")
	p.at(p.text("unblock.done_title"))
	p.press("common.login")
	p.at(p.text("login.title"))
	p.fill("login.email", "ria@example.org")
	p.fill("login.password", "vijf gele laarzen stampen!")
	p.press("login.submit")
	do(p.T, p.ctx, "signed in", visible("#signed-in"))
}

func forgot(p person, where site) {
	p.open(where.demo + "/linde/login")
	p.at(p.text("login.title"))
	p.press("login.forgot")
	p.at(p.text("forgot.title"))
	p.press("forgot.submit")
	do(p.T, p.ctx, "mistake", visible("#summary"))
	p.fill("login.email", "anna@example.org")
	p.press("forgot.submit")
	p.at(p.text("forgot_sent.title"))
	p.press("forgot_sent.resend")
	do(p.T, p.ctx, "asked again", visible("[role=status]"))
	p.at(p.text("forgot_sent.title"))

	// as `idp dev` shows it
	where.letter(p.T, outbox.PasswordReset, "anna@example.org")
	p.open(where.demo + "/dev/outbox")
	do(p.T, p.ctx, "outbox", visible(`article[data-kind=mail_reset] iframe`), click(`article[data-kind=mail_reset] pre a`))
	p.at(p.text("reset.title"))
	p.fill("password.new", idptest.NewPassword)
	p.press("password.submit")
	do(p.T, p.ctx, "on to who asked, signed in", visible("#signed-in"))
	where.letter(p.T, "mail_changed", "anna@example.org")
}
