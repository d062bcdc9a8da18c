package notify

import (
	"bytes"
	"cmp"
	"embed"
	"html/template"
	"strings"
	texttemplate "text/template"

	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/ui"
)

// content names the texts of a mail, beside its subject.
type content struct {
	subject string   // whose text key the subject has; empty: that of the letter's own kind
	before  []string // above the button
	button  string   // empty: none
	after   []string // below the link
}

// mails are the letters there are, with their texts in order. Every text of a mail is named here or in the templates.
var mails = map[outbox.Kind]content{
	outbox.Welcome: {
		before: []string{"mail_welcome.body", "mail_welcome.valid"}, button: "mail_welcome.button", after: []string{"mail_welcome.keep"},
	},
	outbox.Reset: {
		before: []string{"mail_reset.body", "mail_reset.valid"}, button: "mail_reset.button", after: []string{"mail.not_you"},
	},
	outbox.PasswordChanged: {
		before: []string{"mail_changed.body", "mail.not_you_urgent"},
	},
	outbox.Unblock: {
		before: []string{"mail_unblock.body", "mail_unblock.valid"}, button: "mail_unblock.button", after: []string{"mail_unblock.not_you"},
	},
	outbox.AccountExists: {
		before: []string{"mail_exists.body"}, button: "mail_exists.button", after: []string{"mail.not_you"},
	},
	outbox.SignUpConfirm: {
		before: []string{"mail_confirm.body", "mail_confirm.valid"}, button: "mail_confirm.button", after: []string{"mail.not_you"},
	},
	outbox.Inactive: {
		before: []string{"mail_inactive.body", "mail_inactive.helper", "mail.not_you"},
	},
	outbox.EmailConfirm: {
		before: []string{"mail_email_confirm.body", "mail_email_confirm.valid"}, button: "mail_email_confirm.button", after: []string{"mail.not_you"},
	},
	outbox.EmailChanged: {
		before: []string{"mail_email_changed.body", "mail.not_you_urgent"},
	},
	outbox.TwoStepOn: {
		before: []string{"mail_on.body", "mail.not_you_urgent"},
	},
	outbox.TwoStepOff: {
		before: []string{"mail_off.body", "mail.not_you_urgent"},
	},
	outbox.TwoStepReset: {
		subject: string(outbox.TwoStepOff), before: []string{"mail_off.body", "mail_off.by_helper", "mail_off.freeze"}, button: "mail_off.freeze_button",
	},
	outbox.RecoveryCodeUsed: {
		before: []string{"mail_recovery.body", "mail.not_you_urgent"},
	},
	outbox.RecoveryCodesNew: {
		before: []string{"mail_recovery_new.body", "mail.not_you_urgent"},
	},
	outbox.MethodChanged: {
		before: []string{"mail_method.body", "mail.not_you_urgent"},
	},
	outbox.PhoneChanged: {
		before: []string{"mail_phone.body", "mail.not_you_urgent"},
	},
	outbox.CodesWrong: {
		before: []string{"mail_codes.body", "mail_codes.you", "mail.not_you_urgent"},
	},
	outbox.DeviceCookieReplayed: {
		before: []string{"mail_remember.body", "mail_remember.next"},
	},
}

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
	texts, ok := mails[l.Kind]
	if !ok {
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
	subject := cmp.Or(texts.subject, string(l.Kind))
	d := page{
		Lang: lang, Subject: say(subject + ".subject"), Greeting: say("mail.greeting_anonymous"), Signature: say("mail.signature"),
		Before: all(texts.before), After: all(texts.after), Colour: p.Branding.Light(),
	}
	if strings.TrimSpace(c.Name) != "" {
		d.Greeting = say("mail.greeting")
	}
	if texts.button != "" {
		d.Button, d.LinkHelp, d.Link = say(texts.button), say("mail.link_help"), w.linkOf(p, c)
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
