package notify

import (
	"bytes"
	"embed"
	"html/template"
	"strings"
	texttemplate "text/template"

	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/ui"
)

//go:embed mail.html mail.txt
var templateFiles embed.FS

var (
	htmlMail = template.Must(template.ParseFS(templateFiles, "mail.html"))
	textMail = texttemplate.Must(texttemplate.ParseFS(templateFiles, "mail.txt"))
)

// page is what the templates fill in. All of it is text.
type page struct {
	Lang, Subject, Greeting, Button, Link, LinkHelp, Signature string
	Colour                                                     string // of the button; white is read on it
	Before, After                                              []string
}

// compose makes the mail of a letter.
func (w *Worker) compose(p *platform.Platform, l outbox.Message, c outbox.Contents, staff bool) (Message, error) {
	texts, ok := outbox.Kinds[l.Kind]
	if !ok || texts.Recipient != outbox.Mail || texts.Request {
		return Message{}, because(fault.Refused, "no such mail")
	}
	lang := ui.Match(l.Locale, p.Locale)
	m := Message{Lang: lang}
	if err := w.header(&m, p, l, c.To, staff); err != nil {
		return Message{}, err
	}
	frame := ui.Frame{Platform: p, Lang: lang, Staff: staff}
	args := []any{"email", c.To, "name", shorten(c.Name), "date", ui.Moment(lang, p, l.QueuedAt)}
	for name, value := range c.Values {
		args = append(args, name, value)
	}
	say := func(key string) string { return frame.Text(key, args...) }
	all := func(keys []string) (said []string) {
		for _, key := range keys {
			said = append(said, say(key))
		}
		return said
	}
	d := page{
		Lang: lang, Subject: say(texts.Subject), Greeting: say("mail.greeting_anonymous"), Signature: say("mail.signature"),
		Before: all(texts.Before), After: all(texts.After), Colour: p.Branding.Light(),
	}
	if strings.TrimSpace(c.Name) != "" {
		d.Greeting = say("mail.greeting")
	}
	if texts.Button != "" {
		d.Button, d.LinkHelp, d.Link = say(texts.Button), say("mail.link_help"), w.linkOf(p, c)
	}
	var plain, html bytes.Buffer
	if err := textMail.Execute(&plain, d); err != nil {
		return Message{}, err
	}
	if err := htmlMail.Execute(&html, d); err != nil {
		return Message{}, err
	}
	m.Subject, m.Text, m.HTML, m.Link = d.Subject, plain.String(), html.String(), d.Link
	return m, nil
}

// linkOf is where the button leads: to the ticket below the platform's issuer, whatever host a request named, or to the
// login.
func (w *Worker) linkOf(p *platform.Platform, c outbox.Contents) string {
	if c.Token == "" {
		return w.LoginURL(p, c.Party)
	}
	return p.URL("/link/" + c.Token)
}

// longestName is in characters. A greeting is one line.
const longestName = 100

// shorten keeps a name from becoming a text of its own: it is cut, it is one line, and an address in it is none any
// more, because mail programs make a link of whatever looks like one.
func shorten(name string) string {
	name = strings.Join(strings.Fields(name), " ")
	name = strings.NewReplacer("://", " ", "/", " ", "@", " ").Replace(name)
	if r := []rune(name); len(r) > longestName {
		name = string(r[:longestName]) + "…"
	}
	return name
}
