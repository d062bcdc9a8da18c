//go:build browser

package chromium_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/minddistrict/idp/internal/demo"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/setup"
	"github.com/minddistrict/idp/internal/wire"
	"github.com/minddistrict/idp/keys"
	"github.com/minddistrict/idp/test/chromium"
)

// site is the house of `idp dev` on listeners of its own.
type site struct {
	idp, demo string
	house     *wire.House
	pages     *demo.Site
}

func startSite(t *testing.T) site {
	t.Helper()
	listen := func() net.Listener {
		l, err := net.Listen("tcp", "localhost:0")
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	idp, relying := listen(), listen()
	origin := func(l net.Listener) string { return fmt.Sprintf("http://localhost:%d", l.Addr().(*net.TCPAddr).Port) }
	file, pages, err := demo.House(origin(idp), origin(relying), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	sealer, err := keys.NewSealer(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	house, err := wire.Build(t.Context(), wire.Options{
		DB: idptest.SQLite(t), Sealer: sealer, Hash: idptest.Cheap, Workers: 2, Queue: 64, Now: time.Now, Mailer: pages.Mails, Texts: pages.Mails,
		Wait: func(context.Context, time.Duration) {}, Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := setup.Apply(t.Context(), setup.Tools{DB: house.DB, Sealer: sealer, Pool: house.Pool, Policy: wire.DefaultPolicy(), Now: time.Now().UTC().Truncate(time.Millisecond)}, file, nil); err != nil {
		t.Fatal(err)
	}
	if err := house.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	pages.Subject = idptest.Subjects(house)
	pages.Camera = demo.Camera(house.DB.SQL(), sealer.Open)
	go func() { // as a node that runs, but messages go when a test says so
		for t.Context().Err() == nil {
			_ = house.Refresh(t.Context()) // the test is over
			time.Sleep(time.Second)
		}
	}()
	for l, h := range map[net.Listener]http.Handler{idp: house, relying: pages} {
		s := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
		go func() { _ = s.Serve(l) }() // ends with the test
		t.Cleanup(func() { _ = s.Close() })
	}
	return site{origin(idp), origin(relying), house, pages}
}

// openBrowser starts Chromium with an empty profile, for somebody who reads a language.
func openBrowser(t *testing.T, lang string) context.Context {
	t.Helper()
	return chromium.Start(t, "the server responded with a status of 4", chromedp.Flag("lang", lang), chromedp.Flag("accept-lang", lang))
}

var do, read, visible = chromium.Do, chromium.Read, chromium.Visible

func click(css string) chromedp.Action[chromedp.Void] { return chromedp.Click(chromedp.CSS(css)) }

// TestSignInOnBothPlatforms is the issue's own show: from the relying platform, in a real browser, in both languages.
func TestSignInOnBothPlatforms(t *testing.T) {
	t.Parallel()
	where := startSite(t)
	for _, row := range []struct{ platform, lang, title, email, password string }{
		{"linde", "nl", "Inloggen bij GGZ De Linde", "anna@example.org", "zeven paarse regenjassen drogen!"},
		{"linde", "en", "Log in to GGZ De Linde", "samira@example.org", "negen groene fietsen lachen!"},
		{"wilg", "nl", "Inloggen bij Praktijk De Wilg", "bram@example.org", "twee oranje katten zwemmen!"},
		{"wilg", "en", "Log in to Praktijk De Wilg", "bram@example.org", "twee oranje katten zwemmen!"},
	} {
		t.Run(row.platform+"/"+row.lang, func(t *testing.T) {
			ctx := openBrowser(t, row.lang)
			home := where.demo + "/" + row.platform + "/"
			do(t, ctx, "start at the relying platform", chromedp.Navigate(home), click("#login"), visible("#email"))
			if h1 := read(t, ctx, "h1"); h1 != row.title {
				t.Errorf("title %q, want %q", h1, row.title)
			}
			do(t, ctx, "a wrong password", chromedp.SendKeys(chromedp.CSS("#email"), row.email), chromedp.SendKeys(chromedp.CSS("#password"), "helaas!"),
				click("main button[value=continue]"), visible("[role=alert], .error-summary"))
			do(t, ctx, "the right password", chromedp.SendKeys(chromedp.CSS("#password"), row.password), click("main button[value=continue]"), visible("#signed-in"))
			claims := read(t, ctx, "#id-token")
			for _, want := range []string{`"amr"`, `"pwd"`, `"acr": "urn:minddistrict:acr:1fa"`, `"auth_time"`, `"sid"`, where.idp} {
				if !strings.Contains(claims, want) {
					t.Errorf("ID token lacks %s: %s", want, claims)
				}
			}
			do(t, ctx, "single sign-on", chromedp.Navigate(home+"login"), visible("#signed-in"))
			do(t, ctx, "silent check", click("#silent"), visible("#signed-in"))
			do(t, ctx, "refresh", click("#refresh"), visible("#notice"), visible("#signed-in"))
			do(t, ctx, "sign in again", click("#again"), visible("#password"))
			do(t, ctx, "the password again", chromedp.SendKeys(chromedp.CSS("#password"), row.password), click("main button[value=continue]"), visible("#signed-in"))
			do(t, ctx, "log out", click("#logout"), visible("#login"))
			do(t, ctx, "silent check afterwards", click("#silent"), visible("#notice"))
			if notice := read(t, ctx, "#notice"); !strings.Contains(notice, "login_required") {
				t.Errorf("after logging out a silent check says %q", notice)
			}
		})
	}
}
