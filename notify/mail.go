package notify

import (
	"bytes"
	"context"
	"embed"
	"html/template"
	"strings"
	texttemplate "text/template"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/ui"
)

// Mailer hands a mail over to whoever delivers it. Its errors are those of a Sender.
type Mailer interface {
	Send(context.Context, Mail) error
	// Rest says that nothing more comes for now: a connection that was kept for the next mail may end.
	Rest()
}

// Mails is the sender of mails.
type Mails struct {
	Mailer   Mailer                                          // nil: mails wait
	From     string                                          // address of the sender, of platforms that have none of their own; empty: login at the issuer's host
	LoginURL func(p *platform.Platform, party string) string // where somebody begins a login, of a party or of the platform
	Accounts Accounts
	// By is what people call the organisation with whose account somebody who is invited signs in, and whether that is the
	// only way; empty: they make a password. nil: everybody does.
	By func(p *platform.Platform, a *account.Account, lang string) (name string, only bool)
	UI *ui.Renderer // has the texts
}

// Accounts is where mails learn to whom they go.
type Accounts interface {
	Account(ctx context.Context, p platform.ID, id account.ID) (*account.Account, error)
}

// Send makes a mail and hands it over.
func (s Mails) Send(ctx context.Context, p *platform.Platform, m outbox.Message, c outbox.Contents) error {
	a, err := s.whose(ctx, m)
	if err != nil {
		return err
	}
	texts := s.UI.MessageKinds()[m.Kind]
	if m.Kind == outbox.Welcome && a != nil && s.By != nil {
		if name, only := s.By(p, a, ui.Match(m.Locale, p.Locale)); name != "" {
			texts, c.Values = outbox.WelcomeBy(only), map[string]string{"connection": name}
		}
	}
	out, err := s.composeAs(texts, p, m, c, a != nil && a.Role.Staff())
	if err != nil {
		return err
	}
	if s.Mailer == nil {
		return because(fault.Unavailable, "no mail server")
	}
	return s.Mailer.Send(ctx, out)
}

// Rest is that of the mailer.
func (s Mails) Rest() {
	if s.Mailer != nil {
		s.Mailer.Rest()
	}
}

// whose is the account that a message goes to: somebody of the organisation asks another helpdesk. nil: there is none.
func (s Mails) whose(ctx context.Context, m outbox.Message) (*account.Account, error) {
	if m.Account == "" {
		return nil, nil
	}
	ctx, done := context.WithTimeout(ctx, storeTime)
	defer done()
	return s.Accounts.Account(ctx, m.Platform, m.Account)
}

//go:embed mail.html mail.txt
var templateFiles embed.FS

var (
	htmlMail = template.Must(template.ParseFS(templateFiles, "mail.html"))
	textMail = texttemplate.Must(texttemplate.ParseFS(templateFiles, "mail.txt"))
)

// page is what the templates fill in. All of it is text.
type page struct {
	Lang, Subject, Greeting, Signature string
	Heading                            string // the subject, with the organisation by its name
	Preview                            string // what a list of mails shows of this one, which others see too
	Before, After                      []string
	Detail                             *detail // nil: none
	Button                             *button // nil: none
	Brand                              brand
	Foot                               foot
}

// foot is what every mail ends with.
type foot struct {
	NeverAsk  string
	HelpTitle string
	Help      []ui.Piece
	Sender    string // who that is, when it is not the organisation; empty: it is
}

// button is where a mail leads.
type button struct {
	Text, Link string
	Help       string // before the link in full, for programs in which a button does not work
}

// detail is what a mail has for technicians.
type detail struct {
	Label string // whom it is for, in the language of the mail
	Text  string // in English
}

// compose makes the mail of a message.
func (s Mails) compose(p *platform.Platform, m outbox.Message, c outbox.Contents, staff bool) (Mail, error) {
	return s.composeAs(s.UI.MessageKinds()[m.Kind], p, m, c, staff)
}

// composeAs is compose with what the message says.
func (s Mails) composeAs(texts outbox.Spec, p *platform.Platform, m outbox.Message, c outbox.Contents, staff bool) (Mail, error) {
	if texts.Recipient != outbox.Mail || texts.Request {
		return Mail{}, because(fault.Refused, "no such mail")
	}
	lang := ui.Match(m.Locale, p.Locale)
	out := Mail{Lang: lang}
	if err := s.header(&out, p, m, c.To, staff); err != nil {
		return Mail{}, err
	}
	frame := ui.Frame{Platform: reachable(p), Lang: lang, Staff: staff}
	args := []any{"email", c.To, "name", shorten(c.Name), "date", ui.Moment(lang, p, m.QueuedAt)}
	for name, value := range c.Values {
		args = append(args, name, value)
	}
	say := func(key string) string { return s.UI.TextIn(frame, key, args...) }
	all := func(keys []string) (said []string) {
		for _, key := range keys {
			said = append(said, say(key))
		}
		return said
	}
	d := page{
		Lang: lang, Subject: say(texts.Subject), Greeting: say("mail.greeting_anonymous"), Signature: say("mail.signature"),
		Heading: s.UI.TextIn(frame, texts.Subject, append(args, "neutral_name", p.Name)...),
		Before:  all(texts.Before), After: all(texts.After),
		Preview: say("mail.preview"), Brand: brandOf(p, out.LogoID()),
		Foot: foot{NeverAsk: say("mail.never_ask"), HelpTitle: say("footer.help_title"), Help: whole(s.UI.Help(frame))},
	}
	if sender := p.SenderName(); sender != p.Name && sender != p.Organisation {
		d.Foot.Sender = say("mail.sender")
	}
	if d.Brand.Logo != nil {
		out.Logo = p.Branding.Logo
	}
	if strings.TrimSpace(c.Name) != "" {
		d.Greeting = say("mail.greeting")
	}
	if text := c.Values[outbox.DetailValue]; texts.Detail != "" && text != "" {
		d.Detail = &detail{say(texts.Detail), text}
	}
	if texts.Button != "" {
		out.Link = s.linkOf(p, c)
		d.Button = &button{Text: say(texts.Button), Link: out.Link, Help: say("mail.link_help")}
	}
	var plain, html bytes.Buffer
	if err := textMail.Execute(&plain, d); err != nil {
		return Mail{}, err
	}
	if err := htmlMail.Execute(&html, d); err != nil {
		return Mail{}, err
	}
	out.Subject, out.Text, out.HTML = d.Subject, plain.String(), html.String()
	return out, nil
}

// linkOf is where the button leads: to the ticket below the platform's issuer, whatever host a request named, or to the
// login.
func (s Mails) linkOf(p *platform.Platform, c outbox.Contents) string {
	if c.Token == "" {
		return s.LoginURL(p, c.Party)
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
