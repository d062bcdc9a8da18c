package notify

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/ui"
)

func testMails() Mails {
	return Mails{
		UI:       Whole(),
		From:     "login@sender.test",
		LoginURL: func(p *platform.Platform, party string) string { return p.HomeURL + "?party=" + party },
	}
}

// composed is a mail of a kind to anna.
func composed(t *testing.T, kind outbox.Kind, lang string, c outbox.Contents, p *platform.Platform, staff bool) Mail {
	t.Helper()
	l := outbox.Message{ID: secret.ID(), Platform: p.ID, Kind: kind, Recipient: outbox.Mail, Locale: lang, QueuedAt: time.Date(2026, 11, 26, 13, 5, 0, 0, time.UTC)}
	m, err := testMails().compose(p, l, c, staff)
	if err != nil {
		t.Fatalf("%s: %v", kind, err)
	}
	return m
}

// elements and attributes are those that mails have: what mail programs show that know little of HTML.
var (
	elements   = strings.Fields("html head meta title body div table tbody tr td h1 h2 p a b br span img")
	attributes = strings.Fields("style lang charset name content role width height cellpadding cellspacing border align bgcolor alt")
)

// visible is what a person reads of a mail's HTML, and the links in it; nothing in it may be loaded or run, and it does
// without a style sheet, which some mail programs take out.
func visible(t *testing.T, text string) (said string, links []string) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	var parts []string
	for n := range doc.Descendants() {
		switch {
		case n.Type == html.TextNode && n.Parent.Data != "title":
			parts = append(parts, n.Data)
		case n.Type == html.ElementNode && !slices.Contains(elements, n.Data):
			t.Errorf("element %s in\n%s", n.Data, text)
		}
		for _, a := range n.Attr {
			switch {
			case a.Key == "href":
				links = append(links, a.Val)
			case a.Key == "src" && strings.HasPrefix(a.Val, "cid:logo@"):
			case !slices.Contains(attributes, a.Key):
				t.Errorf("attribute %s=%q of %s", a.Key, a.Val, n.Data)
			}
			if strings.Contains(a.Val, "url(") || strings.Contains(a.Val, "ZgotmplZ") {
				t.Errorf("attribute %s=%q", a.Key, a.Val)
			}
		}
	}
	return strings.Join(strings.Fields(strings.Join(parts, "")), " "), links
}

// mails are the kinds that are sent as a mail.
func mails() map[outbox.Kind]outbox.Spec {
	all := Whole().MessageKinds()
	maps.DeleteFunc(all, func(_ outbox.Kind, s outbox.Spec) bool { return s.Recipient != outbox.Mail || s.Request })
	return all
}

// framed are the keys that every mail to somebody with a name says.
var framed = []string{
	"mail.preview", "mail.greeting", "mail.never_ask", "footer.help_title", "footer.help_both", "mail.signature", "mail.sender",
}

func TestMailsSayEverything(t *testing.T) {
	c := outbox.Contents{
		To: "anna@example.org", Name: "Anna van der Bakker", Token: secret.Token(), Party: "linde-web",
		Values: map[string]string{"email_masked": "b•••@example.org", "person": "c•••@example.org", "n": "5", "phone_end": "16", "connection": "Wilgenhof", "detail": "one factor, was two", "code": "014874"},
	}
	dates := map[string]string{"nl": "26 november 2026 om 14:05", "en": "26 November 2026 at 14:05"}
	for kind, texts := range mails() {
		for _, lang := range []string{"nl", "en"} {
			p := linde()
			m := composed(t, kind, lang, c, p, false)
			said, links := visible(t, m.HTML)
			plain := strings.Join(strings.Fields(m.Text), " ")
			frame := ui.Frame{Platform: p, Lang: lang}
			for _, key := range slices.Concat(texts.Before, texts.After, framed) {
				text := Whole().TextIn(frame, key, "name", c.Name, "email", c.To, "date", dates[lang], "email_masked", "b•••@example.org", "person", "c•••@example.org", "n", "5", "phone_end", "16", "connection", "Wilgenhof", "detail", "one factor, was two", "code", "014874")
				if strings.Contains(text, "{") || !strings.Contains(said, text) || !strings.Contains(plain, text) {
					t.Errorf("%s %s %s: %q in\n%s\n%s", kind, lang, key, text, said, plain)
				}
			}
			detail := Whole().TextIn(frame, texts.Detail)
			if (texts.Detail != "") != strings.Contains(m.Text, "\n\n"+detail+"\none factor, was two\n\n") ||
				(texts.Detail != "") != strings.Contains(m.HTML, detail+`<br><span lang="en">one factor, was two</span>`) {
				t.Errorf("%s %s: the detail is not there, or not as what it is:\n%s\n%s", kind, lang, m.Text, m.HTML)
			}
			help := []string{"tel:0101234567", "mailto:help@linde.test"}
			if texts.Button == "" {
				if m.Link != "" || !slices.Equal(links, help) || strings.Contains(plain, "://") {
					t.Errorf("%s %s: a link in a mail without a button: %v", kind, lang, links)
				}
			} else {
				button := Whole().TextIn(frame, texts.Button)
				if !slices.Equal(links, append([]string{m.Link}, help...)) || !strings.HasPrefix(m.Link, "https://login.linde.test/link/"+c.Token) {
					t.Errorf("%s %s: links %v, want the button's and those of the helpdesk", kind, lang, links)
				}
				if strings.Count(said, m.Link) != 1 || !strings.Contains(m.Text, button+":\n"+m.Link+"\n") || !strings.Contains(said, button) {
					t.Errorf("%s %s: the link is not there in full:\n%s\n%s", kind, lang, said, m.Text)
				}
			}
			for _, hint := range []string{"Linde", "GGZ", "linde"} {
				if strings.Contains(m.Subject+m.From.Name, hint) {
					t.Errorf("%s %s: %q says where somebody is in care", kind, lang, m.Subject)
				}
			}
			if strings.Contains(m.Subject+said+plain, "{") || strings.HasSuffix(m.Subject, ".subject") || m.Lang != lang {
				t.Errorf("%s %s: %q\n%s", kind, lang, m.Subject, plain)
			}
		}
	}
}

func TestMailTextsAreUsed(t *testing.T) {
	used := append([]string{"mail.greeting_anonymous", "mail.link_help"}, framed...)
	used = slices.DeleteFunc(used, func(key string) bool { return strings.HasPrefix(key, "footer.") }) // of pages too
	for _, texts := range append(slices.Collect(maps.Values(mails())), outbox.WelcomeBy(false)) {
		used = append(used, slices.Concat([]string{texts.Subject, texts.Button, texts.Detail}, texts.Before, texts.After)...)
	}
	have := slices.DeleteFunc(Whole().Keys(), func(key string) bool {
		return !strings.HasPrefix(key, "mail.") && !strings.HasPrefix(key, "mail_")
	})
	for _, key := range have {
		if !slices.Contains(used, key) {
			t.Errorf("%s is not used", key)
		}
	}
	for _, key := range used {
		if key != "" && !slices.Contains(have, key) {
			t.Errorf("%s is used and has no text", key)
		}
	}
}

func TestMailIsForWhomItIs(t *testing.T) {
	p := linde()
	c := outbox.Contents{To: "anna@example.org", Name: "Anna"}
	client, staff := composed(t, outbox.TwoStepOff, "nl", c, p, false), composed(t, outbox.TwoStepOff, "nl", c, p, true)
	if !strings.Contains(client.Text, "je hulpverlener of de helpdesk van GGZ De Linde") || client.ReplyTo != "help@linde.test" {
		t.Errorf("client: reply to %s\n%s", client.ReplyTo, client.Text)
	}
	if !strings.Contains(staff.Text, "de applicatiebeheerder of de helpdesk van GGZ De Linde") || staff.ReplyTo != "ict@linde.test" {
		t.Errorf("staff: reply to %s\n%s", staff.ReplyTo, staff.Text)
	}
	c.Name = " "
	if nobody := composed(t, outbox.TwoStepOff, "nl", c, p, false); !strings.Contains(nobody.Text, "\nHallo,\n") {
		t.Errorf("without a name: %s", nobody.Text)
	}
	exists := composed(t, outbox.AccountExists, "en", outbox.Contents{To: "anna@example.org", Party: "linde-web"}, p, false)
	if exists.Link != "https://linde.test/home?party=linde-web" {
		t.Errorf("the button leads to %s, want where a login begins", exists.Link)
	}
}

// Staff's mails keep the account's locale as it is stored, replies the language that was matched: they read the same.
func TestMailOfAStoredLocaleIsThatOfItsLanguage(t *testing.T) {
	p := linde()
	for _, locale := range []string{"", "en", "en-GB", "nl-BE", "de", "no such locale"} {
		of := func(locale string) Mail {
			m := outbox.Message{ID: "m", Platform: p.ID, Kind: outbox.Welcome, Recipient: outbox.Mail, Locale: locale}
			mail, err := testMails().compose(p, m, outbox.Contents{To: "anna@example.org", Token: "token"}, false)
			if err != nil {
				t.Fatal(err)
			}
			return mail
		}
		if raw, matched := of(locale), of(ui.Match(locale, p.Locale)); !reflect.DeepEqual(raw, matched) {
			t.Errorf("%q: got %+v, want %+v", locale, raw, matched)
		}
	}
}

func TestSenderOfAPlatform(t *testing.T) {
	c := outbox.Contents{To: "Anna@b\u00fccher.example"}
	p := linde()
	m := composed(t, outbox.TwoStepOff, "nl", c, p, false)
	if m.From.Address != "login@sender.test" || m.From.Name != "Minddistrict" || m.To != "Anna@xn--bcher-kva.example" || !strings.HasSuffix(m.ID, "@sender.test") {
		t.Errorf("%s <%s> to %s, %s", m.From.Name, m.From.Address, m.To, m.ID)
	}
	p.Mail = platform.Mail{From: "login@linde.test", ShowName: true}
	p.HelpPublic.Email = "bel ons <help@linde.test>\r\nBcc: all@example.org"
	m = composed(t, outbox.TwoStepOff, "nl", c, p, false)
	if m.From.Address != "login@linde.test" || m.From.Name != "De Linde Online" || m.ReplyTo != "" || !strings.HasSuffix(m.ID, "@linde.test") {
		t.Errorf("%s <%s>, reply to %q, %s", m.From.Name, m.From.Address, m.ReplyTo, m.ID)
	}
	s := testMails()
	s.From, p.Mail.From = "", ""
	var bare Mail
	if err := s.header(&bare, p, outbox.Message{ID: "a"}, "anna@example.org", false); err != nil || bare.From.Address != "login@login.linde.test" {
		t.Errorf("without a sender: %q, %v", bare.From.Address, err)
	}
}
