package notify

import (
	"bytes"
	"image"
	"image/png"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
)

// picture is a PNG of a size.
func picture(t *testing.T, width, height int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, width, height))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// attrs are the attributes of the first element of a name; nil: there is none.
func attrs(t *testing.T, text, element string) map[string]string {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode && n.Data == element {
			all := map[string]string{}
			for _, a := range n.Attr {
				all[a.Key] = a.Val
			}
			return all
		}
	}
	return nil
}

// Mails look like their organisation's: the logo travels along, so nothing is fetched, and its name stands in for it.
func TestMailShowsWhoseItIs(t *testing.T) {
	c := outbox.Contents{To: "anna@example.org", Token: "token"}
	for name, row := range map[string]struct {
		logo  []byte
		width string // as shown; empty: the name in letters
	}{
		"none":          {},
		"not a picture": {logo: []byte("\x89PNG\r\n\x1a\nnothing else")},
		"small":         {picture(t, 120, 40), "120"},
		"wide":          {picture(t, 960, 100), "240"},
		"high":          {picture(t, 100, 400), "14"},
		"a line":        {picture(t, 9600, 1), "240"},
	} {
		p := linde()
		p.Branding.Logo = row.logo
		m := composed(t, outbox.PasswordReset, "nl", c, p, false)
		img := attrs(t, m.HTML, "img")
		if row.width == "" {
			if img != nil || len(m.Logo) > 0 || strings.Count(m.HTML, ">De Linde Online<") != 1 {
				t.Errorf("%s: %v in\n%s", name, img, m.HTML)
			}
			continue
		}
		if img["alt"] != "De Linde Online" || img["width"] != row.width || !strings.Contains(img["style"], "height:auto") {
			t.Errorf("%s: %v, want a width of %s", name, img, row.width)
		}
		if !bytes.Equal(m.Logo, row.logo) || img["src"] != "cid:"+m.LogoID() {
			t.Errorf("%s: src %q, the picture is %q", name, img["src"], m.LogoID())
		}
	}
}

// A mail's subject, sender and what a list of mails shows of its text say nothing of care, whatever the organisation is
// called.
func TestPreviewIsNeutral(t *testing.T) {
	hidden := regexp.MustCompile(`<div style="display:none[^>]*>([^<]*)</div>`)
	c := outbox.Contents{To: "anna@example.org", Name: "Anna", Token: "token"}
	for kind := range mails() {
		for _, lang := range []string{"nl", "en"} {
			p := linde()
			p.Name, p.Organisation = "Depressiekliniek", "Depressiekliniek"
			m := composed(t, kind, lang, c, p, false)
			preview := Whole().Text(lang, "mail.preview")
			body := m.HTML[strings.Index(m.HTML, "<body"):]
			found := hidden.FindStringSubmatchIndex(body)
			if found == nil || strings.TrimSpace(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(body[:found[0]], "")) != "" {
				t.Fatalf("%s %s: the preview does not come first:\n%s", kind, lang, body)
			}
			shown := html.UnescapeString(body[found[2]:found[3]])
			if !strings.HasPrefix(shown, preview) || len([]rune(shown)) < 250 {
				t.Errorf("%s %s: %d characters before the text begins: %q", kind, lang, len([]rune(shown)), shown)
			}
			if !strings.HasPrefix(m.Text, preview+"\n") {
				t.Errorf("%s %s: the text begins with %.80q", kind, lang, m.Text)
			}
			if strings.Contains(shown+m.Subject+m.From.Name, "kliniek") {
				t.Errorf("%s %s: %q %q %q", kind, lang, m.From.Name, m.Subject, shown)
			}
		}
	}
}

func TestMailSaysHowTheHelpdeskIsReached(t *testing.T) {
	c := outbox.Contents{To: "anna@example.org"}
	for name, row := range map[string]struct {
		help  platform.Contact
		staff bool
		says  string
		links []string
	}{
		"both":    {platform.Contact{Email: "hulp@linde.test", Phone: "010 123 45 67"}, false, "Bel 010 123 45 67 of mail hulp@linde.test.", []string{"tel:0101234567", "mailto:hulp@linde.test"}},
		"staff":   {platform.Contact{Email: "hulp@linde.test"}, true, "Mail ict@linde.test.", []string{"mailto:ict@linde.test"}},
		"phone":   {platform.Contact{Phone: "+31 (10) 123-45"}, false, "Bel +31 (10) 123-45.", []string{"tel:+311012345"}},
		"none":    {platform.Contact{}, false, "Vraag het aan je hulpverlener of de helpdesk van GGZ De Linde.", nil},
		"hostile": {platform.Contact{Email: "hulp: help@evil.example", Phone: "javascript:1234"}, false, "Vraag het aan je hulpverlener of de helpdesk van GGZ De Linde.", nil},
	} {
		p := linde()
		p.HelpPublic = row.help
		m := composed(t, outbox.TwoStepOn, "nl", c, p, row.staff)
		said, links := visible(t, m.HTML)
		if !slices.Equal(links, row.links) {
			t.Errorf("%s: links %v, want %v", name, links, row.links)
		}
		if strings.Contains(m.Text+m.HTML, "010 123 45 67") {
			t.Errorf("%s: a line may end in the middle of the number", name)
		}
		if plain := strings.Join(strings.Fields(m.Text), " "); !strings.Contains(plain, "Hulp nodig? "+row.says) || !strings.Contains(said, "Hulp nodig?") {
			t.Errorf("%s: want %q in\n%s\n%s", name, row.says, plain, said)
		}
	}
}

// Whoever sees a sender they do not know reads what it has to do with their organisation.
func TestMailSaysWhoTheSenderIs(t *testing.T) {
	c := outbox.Contents{To: "anna@example.org"}
	p := linde()
	const says = "Minddistrict verstuurt deze e-mail voor GGZ De Linde."
	if m := composed(t, outbox.TwoStepOn, "nl", c, p, false); strings.Count(m.Text, says) != 1 || strings.Count(m.HTML, says) != 1 {
		t.Errorf("%s", m.Text)
	}
	p.Mail.ShowName = true
	if m := composed(t, outbox.TwoStepOn, "nl", c, p, false); strings.Contains(m.Text+m.HTML, "verstuurt") {
		t.Errorf("the sender is the platform:\n%s", m.Text)
	}
}

// The button has the colour that is given, and words that can be read on it (WCAG 2.2 success criterion 1.4.3).
func TestButtonHasTheColourThatIsGiven(t *testing.T) {
	for colour, words := range map[string]string{"#ffcc00": "#000000", "#1b6a7a": "#ffffff", "#FFFFFF": "#000000", "#0b2545": "#ffffff"} {
		p := linde()
		p.Branding.Colour = colour
		m := composed(t, outbox.PasswordReset, "en", outbox.Contents{To: "anna@example.org", Token: "token"}, p, false)
		style := attrs(t, m.HTML, "a")["style"]
		if got := platform.Contrast(words, colour); got < 4.5 {
			t.Errorf("%s on %s: %.2f", words, colour, got)
		}
		if !strings.Contains(style, "background-color:"+colour+";") || !strings.Contains(style, ";color:"+words+";") {
			t.Errorf("%s: the button is %q, want words in %s", colour, style, words)
		}
		// The strip has its colour without style too. The button has none then: its words would be a link's, blue on it.
		if strings.Count(m.HTML, `bgcolor="`+colour+`"`) != 1 {
			t.Errorf("%s: no strip in\n%s", colour, m.HTML)
		}
	}
}

// Nobody who did not ask reads that they did, and whoever gets an account unasked reads who made it.
func TestMailsDoNotSayThatTheReaderAsked(t *testing.T) {
	c := outbox.Contents{To: "anna@example.org", Token: "token"}
	for kind, says := range map[outbox.Kind]map[string]string{
		outbox.PasswordReset:   {"nl": "Iemand heeft gevraagd", "en": "Someone asked"},
		outbox.AccountInactive: {"nl": "Iemand heeft gevraagd", "en": "Someone asked"},
		outbox.AccountExists:   {"nl": "Iemand wilde", "en": "Someone wanted"},
		outbox.SignUpConfirm:   {"nl": "Iemand maakt", "en": "Someone is creating"},
		outbox.Welcome:         {"nl": "GGZ De Linde heeft een account voor je gemaakt", "en": "GGZ De Linde has created an account for you"},
		outbox.EmailConfirm:    {"nl": "GGZ De Linde heeft dit e-mailadres ingevuld", "en": "GGZ De Linde has entered this email address"},
	} {
		for lang, want := range says {
			if m := composed(t, kind, lang, c, linde(), false); !strings.Contains(m.Text, want) || !strings.Contains(m.HTML, want) {
				t.Errorf("%s %s: want %q in\n%s", kind, lang, want, m.Text)
			}
		}
	}
}

// mostBytes is what a mail weighs on the wire without its logo: a fifth of what Gmail cuts off (102 kB), and quick on a
// bad line.
const mostBytes = 20 << 10

func TestMailsAreLight(t *testing.T) {
	c := outbox.Contents{
		To: "anna@example.org", Name: "Anna van der Bakker", Token: secret.Token(),
		Values: map[string]string{"email_masked": "b•••@example.org", "person": "c•••@example.org", "n": "5", "phone_end": "16", "connection": "Wilgenhof", "detail": "one factor, was two"},
	}
	for kind := range mails() {
		for _, lang := range []string{"nl", "en"} {
			raw := written(t, composed(t, kind, lang, c, linde(), false))
			if len(raw) > mostBytes {
				t.Errorf("%s %s: %d bytes, want at most %d", kind, lang, len(raw), mostBytes)
			}
			t.Logf("%s %s: %d bytes", kind, lang, len(raw))
		}
	}
}
