package demo_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/demo"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/outbound"
	"github.com/minddistrict/idp/internal/setup"
	"github.com/minddistrict/idp/internal/wire"
	"github.com/minddistrict/idp/keys"
	"github.com/minddistrict/idp/test/browser"
)

// stage is the demo with the provider behind it, on listeners of their own: they call each other.
type stage struct {
	*testing.T
	site *demo.Site
	idp  string
}

func newStage(t *testing.T) stage {
	t.Helper()
	return newStageAt(t, time.Now)
}

// newStageAt has a clock of its own.
func newStageAt(t *testing.T, now func() time.Time) stage {
	t.Helper()
	listen := func() (net.Listener, string) {
		l, err := net.Listen("tcp", "localhost:0")
		if err != nil {
			t.Fatal(err)
		}
		return l, fmt.Sprintf("http://localhost:%d", l.Addr().(*net.TCPAddr).Port)
	}
	provider, idp := listen()
	relying, origin := listen()
	file, site, err := demo.House(idp, origin, now)
	if err != nil {
		t.Fatal(err)
	}
	sealer, err := keys.NewSealer(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	house, err := wire.Build(t.Context(), wire.Options{
		DB: idptest.SQLite(t), Sealer: sealer, Hash: idptest.Cheap, Workers: 2, Queue: 64, Now: now,
		Mailer: site.Mails, Texts: site.Mails,
		Wait:    func(context.Context, time.Duration) {},
		Network: wire.Network{Outbound: outbound.NewClient([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")})},
		Log:     slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		t.Fatal(err)
	}
	tools := setup.Tools{
		DB: house.DB, Sealer: sealer, Pool: house.Pool, Methods: wire.Methods(), Policy: wire.DefaultPolicy(),
		Now: now().UTC().Truncate(time.Millisecond),
	}
	if _, err := setup.Apply(t.Context(), tools, file, nil); err != nil {
		t.Fatal(err)
	}
	if err := house.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	site.Subject = idptest.Subjects(house)
	site.Camera = demo.Camera(house.DB.SQL(), sealer.Open)
	for l, h := range map[net.Listener]http.Handler{provider: house, relying: site} {
		s := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
		go func() { _ = s.Serve(l) }() // ends with the test
		t.Cleanup(func() { _ = s.Close() })
	}
	return stage{t, site, idp}
}

func (s stage) browser() *idptest.Browser {
	s.Helper()
	b := browser.New(http.DefaultTransport, "en")
	b.MustOpen(s, s.site.Origin+"/")
	return b
}

// click follows the link with an id.
func (s stage) click(b *idptest.Browser, id string) {
	s.Helper()
	for _, tag := range regexp.MustCompile(`<a [^>]*>`).FindAllString(b.Body, -1) {
		if !strings.Contains(tag, ` id="`+id+`"`) {
			continue
		}
		href := regexp.MustCompile(`href="([^"]*)"`).FindStringSubmatch(tag)[1]
		address, err := b.URL.Parse(strings.ReplaceAll(href, "&amp;", "&"))
		if err != nil {
			s.Fatal(err)
		}
		b.MustOpen(s, address.String())
		return
	}
	s.Fatalf("no link %s at %s", id, b.URL)
}

func (s stage) sees(b *idptest.Browser, all ...string) {
	s.Helper()
	for _, want := range all {
		if seen := idptest.Visible(b.Doc); !strings.Contains(seen, want) && !strings.Contains(b.Body, want) {
			s.Fatalf("at %s there is no %q:\n%s", b.URL, want, seen)
		}
	}
}

func text(key string) string { return idptest.Text("en", key) }

// password logs in on the page that is open.
func (s stage) password(b *idptest.Browser, email string) {
	s.Helper()
	if b.Value("email") != email {
		b.MustFill(s, text("login.email"), email)
	}
	for _, a := range s.site.Accounts {
		if a.Email == email {
			b.MustFill(s, text("login.password"), a.Password)
		}
	}
	b.MustPress(s, text("login.submit"))
}

// Each thing to try starts by one click with nobody signed in, and the page that opens is the one it speaks of.
func TestWhatThereIsToTryStartsByOneClick(t *testing.T) {
	s := newStage(t)
	login := "Log in to GGZ De Linde"
	rows := map[string][]string{
		"login": {login, `value="anna@example.org"`}, "english": {login}, "forgot": {text("forgot.title")},
		"phone":   {"Log in with e-mail"},
		"welcome": {"Outbox"},
		"step-up": {login, `value="eva@example.org"`}, "app": {login, `value="anna@example.org"`},
		"message": {login, `value="tim@example.org"`},
		"lost":    {login, `value="eva@example.org"`}, "again": {login}, "another": {login}, "silent": {"login_required"},
		"recent":  {login},
		"consent": {login}, "path": {"Log in to Praktijk De Wilg"}, "settings": {login},
		"mistake": {text("error.request_title")},
	}
	first := s.browser()
	if first.Status != http.StatusOK {
		t.Fatalf("start page: %d", first.Status)
	}
	shown := regexp.MustCompile(`id="try-([a-z-]+)"`).FindAllStringSubmatch(first.Body, -1)
	if len(shown) != len(rows) || len(shown) != 17 { // the start page says so
		t.Errorf("%d things to try, and %d are known here", len(shown), len(rows))
	}
	for _, m := range shown {
		b := s.browser()
		s.click(b, "try-"+m[1])
		if len(rows[m[1]]) == 0 {
			t.Errorf("%s is not known here", m[1])
		}
		s.sees(b, rows[m[1]]...)
	}
}

// Everybody who can log in does so with what the start page shows, the app's code included.
func TestAccountsOfTheStartPageLogIn(t *testing.T) {
	s := newStage(t)
	for _, a := range s.site.Accounts {
		if a.Password == "" {
			continue
		}
		b := s.browser()
		code := regexp.MustCompile(`data-copy="([0-9]{6})"`).FindStringSubmatch(b.Body)
		s.sees(b, a.Email, a.Password)
		s.click(b, "as-"+a.Email)
		if again := s.browser(); a.On == "linde" { // somebody else is signed in there: no page of theirs is taken for this one's
			again.MustOpen(t, s.site.Origin+"/linde/login")
			s.password(again, "samira@example.org")
			again.MustOpen(t, s.site.Origin+"/")
			s.click(again, "as-"+a.Email)
			s.sees(again, text("switch.other"))
		}
		if a.On != a.At { // with the account of an organisation: the address leads there
			s.sees(b, "/p/"+a.On+"/login/")
		}
		s.password(b, a.Email)
		switch {
		case a.TOTPSecret != "":
			b.MustFill(t, text("code.label"), code[1])
			b.MustPress(t, text("code.submit"))
		case a.Phone != "":
			s.sees(b, text("code.title")) // the code is on its way to the outbox
			continue
		}
		b.MustBeAt(t, "/"+a.At+"/")
		s.sees(b, "You are signed in here.", `id="id-token"`, "auth_time", a.Email)
	}
}

// Of a stronger login whoever has no second step sets one up; who has one is asked for it, and the token says so.
func TestStrongerLogins(t *testing.T) {
	s := newStage(t)
	anna := s.browser()
	s.click(anna, "try-app")
	s.password(anna, "anna@example.org")
	anna.MustPress(t, text("setup.start"))
	s.sees(anna, text("choose.app"))

	eva := s.browser()
	code := regexp.MustCompile(`data-copy="([0-9]{6})"`).FindStringSubmatch(eva.Body)[1]
	s.click(eva, "try-step-up")
	s.password(eva, "eva@example.org")
	eva.MustFill(t, text("code.label"), code)
	eva.MustPress(t, text("code.submit"))
	s.sees(eva, `&#34;acr&#34;: &#34;urn:minddistrict:acr:2fa&#34;`, "Two kinds of proof", "Opaque: ",
		"&#34;alg&#34;: &#34;ES256&#34;")
	s.click(eva, "again") // her page has the button
	s.sees(eva, text("login.password"))
}

// The page of a platform has a button for each value of acr that discovery lists, aliases among them, and for each
// prompt; every one of them begins a login.
func TestAButtonForWhateverCanBeAsked(t *testing.T) {
	s := newStage(t)
	b := s.browser()
	s.click(b, "site-linde")
	page := b.URL.String()
	for id, want := range map[string]string{
		"acr-1": "acr_values=urn%3Aminddistrict%3Aacr%3A1fa", "acr-2": "acr_values=urn%3Aminddistrict%3Aacr%3A2fa",
		"silent": "prompt=none",
		"acr-3":  "acr_values=https%3A%2F%2Frefeds.org%2Fprofile%2Fmfa",
		"again":  "prompt=login", "select": "prompt=select_account", "consent": "prompt=consent", "recent": "max_age=60",
		"login-en": "ui_locales=en",
	} {
		b.MustOpen(t, page)
		s.sees(b, want)
		s.click(b, id)
		if id == "silent" {
			s.sees(b, "login_required")
			continue
		}
		s.sees(b, idptest.Text("en", "login.password"))
	}
}

// The diary is somebody else's: consent is asked, and it knows the person by another number than their platform does.
func TestTheDiaryAsksAndKnowsLess(t *testing.T) {
	s := newStage(t)
	b := s.browser()
	b.MustOpen(t, s.site.Origin+"/linde/login")
	s.password(b, "anna@example.org")
	subject := regexp.MustCompile(`&#34;sub&#34;: &#34;([^&]+)`)
	own := subject.FindStringSubmatch(b.Body)[1]
	b.MustOpen(t, s.site.Origin+"/")
	s.click(b, "try-consent")
	s.sees(b, "Dagboek van Anders", "Writing in your diary")
	b.MustPress(t, text("consent.allow"))
	s.sees(b, "You are signed in here.", "for this party only")
	if other := subject.FindStringSubmatch(b.Body)[1]; other == own || other == "" {
		t.Errorf("both know Anna as %q", other)
	}
}

// De Wilg gets access tokens that can be read.
func TestAccessTokensThatAreJWTsAreDecoded(t *testing.T) {
	s := newStage(t)
	b := s.browser()
	s.click(b, "try-path")
	s.password(b, "bram@example.org")
	s.sees(b, `id="access-token"`, "at+jwt", "client_id")
}

// A therapist has a page of each client with the button of the help page; the platform's server asks for an address, which
// is new each time, and leads there. Nobody else has that page, and who has no second step sets one up first.
func TestTherapistIsReferredToAClient(t *testing.T) {
	s := newStage(t)
	samira := s.browser()
	samira.MustOpen(t, s.site.Origin+"/linde/login")
	s.password(samira, "samira@example.org")
	s.click(samira, "client-tim@example.org")
	samira.MustPress(t, "Reset two-step authentication")
	s.sees(samira, text("setup.title"), text("setup.reason_staff"))
	b := s.browser()
	code := regexp.MustCompile(`data-copy="([0-9]{6})"`).FindStringSubmatch(b.Body)[1]
	b.MustOpen(t, s.site.Origin+"/linde/login")
	s.password(b, "eva@example.org")
	b.MustFill(t, text("code.label"), code)
	b.MustPress(t, text("code.submit"))
	s.click(b, "client-tim@example.org")
	s.sees(b, "Tim Dekker", "codes by text message")
	details, led := b.URL.String(), map[string]bool{}
	for range 2 {
		b.MustOpen(t, details)
		b.MustPress(t, "Reset two-step authentication")
		if to := b.URL.String(); !strings.HasPrefix(to, s.idp+"/staff/referral/") || len(to) < len(s.idp)+40 || led[to] {
			t.Fatalf("led to %s", to)
		}
		led[b.URL.String()] = true
		s.sees(b, text("staff.referral_what"), "Tim Dekker")
	}
	s.site.Subject = nil
	b.MustOpen(t, details)
	b.MustPress(t, "Reset two-step authentication")
	s.sees(b, "Tim Dekker", "Party, actor or subject is not known here.", "reference ")
	for _, other := range []string{"", "anna@example.org"} {
		b := s.browser()
		if other != "" {
			b.MustOpen(t, s.site.Origin+"/linde/login")
			s.password(b, other)
		}
		b.MustOpen(t, details)
		s.sees(b, "log in as a therapist")
		if strings.Contains(b.Body, "Tim Dekker") {
			t.Errorf("%q sees clients", other)
		}
	}
	for _, path := range []string{"/linde/clients/samira@example.org", "/wilg/clients/bram@example.org"} {
		b.MustOpen(t, s.site.Origin+path)
		s.sees(b, "log in as a therapist")
	}
}
