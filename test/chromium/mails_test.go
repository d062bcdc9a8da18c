//go:build browser

package chromium_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/minddistrict/idp/internal/wire"
	"github.com/minddistrict/idp/notify"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
)

// sampleLogo is a logo as organisations have them: dark on nothing, so that a dark page swallows it.
func sampleLogo(t *testing.T) []byte {
	t.Helper()
	m := image.NewNRGBA(image.Rect(0, 0, 360, 96))
	for y := range 96 {
		for x := range 360 {
			switch dx, dy := x-48, y-48; {
			case dx*dx+dy*dy < 44*44:
				m.Set(x, y, color.NRGBA{0x1b, 0x6a, 0x7a, 0xff})
			case x > 112 && x < 350 && y > 34 && y < 62 && (x-112)%34 < 26:
				m.Set(x, y, color.NRGBA{0x14, 0x1c, 0x24, 0xff})
			}
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// mailPlatforms are a platform with a logo, and one that is called by its name and has a colour that is hard to read.
func mailPlatforms(t *testing.T) []*platform.Platform {
	t.Helper()
	linde := &platform.Platform{
		ID: "linde", Issuer: "https://login.linde.example", Organisation: "GGZ De Linde", Name: "De Linde Online", HomeURL: "https://online.linde.example/start",
		HelpPublic: platform.Contact{Email: "helpdesk@linde.example", Phone: "010 123 45 67"}, Policy: platform.DefaultPolicy(),
		Branding: platform.Branding{Logo: sampleLogo(t)},
	}
	wilg := &platform.Platform{
		ID: "wilg", Issuer: "https://login.wilg.example", Organisation: "Stichting Geestelijke Gezondheidszorg De Treurwilg", HomeURL: "https://wilg.example/",
		HelpPublic: platform.Contact{Email: "servicedesk.clienten.en.naasten@geestelijkegezondheidszorg-treurwilg.example"},
		Policy:     platform.DefaultPolicy(), Branding: platform.Branding{Colour: "#ffcc00"},
	}
	linde.Defaults()
	wilg.Defaults()
	return []*platform.Platform{linde, wilg}
}

// mailSite serves every kind of mail, in several ways in which mail programs show it, and says which kinds there are.
func mailSite(t *testing.T) (site *httptest.Server, kinds []outbox.Kind) {
	t.Helper()
	letters := wire.UI().MessageKinds()
	for _, kind := range slices.Sorted(maps.Keys(letters)) {
		if letters[kind].Recipient == outbox.Mail && !letters[kind].Request {
			kinds = append(kinds, kind)
		}
	}
	shown := map[string]notify.Mail{}
	for _, p := range mailPlatforms(t) {
		for _, kind := range kinds {
			for _, lang := range []string{"nl", "en"} {
				kept := &notify.Memory{}
				mails := notify.Mails{
					Mailer: kept, From: "login@mail.example", UI: wire.UI(), LoginURL: func(p *platform.Platform, _ string) string { return p.HomeURL },
				}
				m := outbox.Message{ID: "letter", Platform: p.ID, Kind: kind, Recipient: outbox.Mail, Locale: lang, QueuedAt: time.Date(2026, 11, 26, 13, 5, 0, 0, time.UTC)}
				err := mails.Send(t.Context(), p, m, outbox.Contents{
					To: "anna@example.org", Name: "Anna van der Bakker", Token: "9d7Xn0c1Vb4qWmT2sKfYh8RzLjEaUgPi3oBt5xQvCwM",
					Values: map[string]string{"email_masked": "b•••@example.org", "person": "c•••@example.org", "n": "5", "phone_end": "16"},
				})
				if err != nil {
					t.Fatal(err)
				}
				shown[fmt.Sprintf("/%s/%s/%s", p.ID, kind, lang)] = kept.Sent()[0]
			}
		}
	}
	sheets, styles := regexp.MustCompile(`(?s)<style.*?</style>`), regexp.MustCompile(` style="[^"]*"`)
	site = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m, ok := shown[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		logo := "data:image/png;base64," + base64.StdEncoding.EncodeToString(m.Logo)
		text := m.HTML
		switch r.URL.RawQuery {
		case "plain": // no style at all
			text = styles.ReplaceAllString(text, "")
			fallthrough
		case "blocked": // no pictures, no style sheet
			text, logo = sheets.ReplaceAllString(text, ""), "/blocked.png"
		}
		// Only the logo may be there, and nothing is fetched: a request for anything else is refused, and complained of.
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data: 'self'")
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(strings.Replace(text, "cid:"+m.LogoID(), logo, 1))) // the browser is gone: the test sees that
	}))
	t.Cleanup(site.Close)
	return site, kinds
}

// TestMails opens every kind of mail in both languages on a narrow screen, light and dark: as a good mail program shows
// it, with pictures blocked and style sheets taken out, and with no style at all. axe-core finds no violation of WCAG 2.2
// A and AA, nothing is wider than the screen, and a mail asks for nothing from the network. With SCREENSHOTS set to a
// folder it leaves a picture of each there.
func TestMails(t *testing.T) {
	t.Parallel()
	axe := axeCore(t)
	site, kinds := mailSite(t)
	if len(kinds) < 15 {
		t.Errorf("%d kinds of mail", len(kinds))
	}
	for _, lang := range []string{"nl", "en"} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			ctx := openBrowser(t, lang)
			for _, p := range []string{"linde", "wilg"} {
				for _, kind := range kinds {
					for _, way := range []string{"whole", "blocked", "plain"} {
						what := fmt.Sprintf("%s-%s-%s-%s", kind, p, way, lang)
						show(t, ctx, what, appearance{320, "light"})
						do(t, ctx, what, chromedp.Navigate(fmt.Sprintf("%s/%s/%s/%s?%s", site.URL, p, kind, lang, way)))
						lookAtMail(t, ctx, what+"-light", axe, way != "plain")
						if way == "plain" {
							continue // the browser's own colours in the dark, which axe-core takes to be on white
						}
						do(t, ctx, what, emulateScheme("dark"))
						lookAtMail(t, ctx, what+"-dark", axe, true)
					}
				}
			}
		})
	}
}

// lookAtMail lets axe-core judge a mail. A mail is shown inside a page of the mail program, which has the landmarks.
// Without any style the link that is written in full may be wider than the screen: it has no place to break.
func lookAtMail(t *testing.T, ctx context.Context, what, axe string, fits bool) {
	t.Helper()
	wide, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`document.documentElement.scrollWidth > document.documentElement.clientWidth`))
	if err != nil {
		t.Fatal(err)
	}
	if wide && fits {
		t.Errorf("%s: wider than the screen", what)
	}
	judge(t, ctx, what, axe, everyRule, `{region: {enabled: false}, 'landmark-one-main': {enabled: false}}`)
	if dir := os.Getenv("SCREENSHOTS"); dir != "" {
		shoot(t, ctx, filepath.Join(dir, what+".png"))
	}
}
