package sms

import (
	"context"
	"embed"
	"strings"
	"time"

	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/ui"
)

//go:embed templates texts
var files embed.FS

// part is what the factor shows and says.
func part() ui.Part {
	return ui.Part{
		Files: files, Samples: samples, Messages: []outbox.KindSpec{codeMessage, numberChanged},
		Choice: ui.Choice{Method: Method, Label: "choose.sms", Hint: "choose.sms_hint", Other: "choose.sms_other"},
		Cards:  []ui.Card{numberCard("16")},
	}
}

// codeMessage is the text message with a code.
var codeMessage = outbox.KindSpec{Kind: "sms_message", Spec: outbox.Spec{
	Recipient: outbox.SMS, Life: 10 * time.Minute, // as long as the code works
	Before: []string{"sms_message.text"}, After: []string{"sms_message.bound"},
}}

// numberChanged is the mail that tells of another number.
var numberChanged = outbox.KindSpec{Kind: "mail_phone", Spec: outbox.Spec{
	Recipient: outbox.Mail, Life: outbox.NoticeLife, Subject: "mail_phone.subject",
	Before: []string{"mail_phone.body", "mail.not_you_urgent"},
}}

// card says where codes go.
func card(_ context.Context, v *login.Visit) (ui.Card, error) {
	c, _ := v.Facts.Account.Credential(Method)
	return numberCard(c.Label), nil
}

func numberCard(end string) ui.Card {
	return ui.Card{Template: "sms_card", Data: struct{ PhoneEnd string }{end}}
}

// codePage asks the code of a text message. Fields: code, remember; do: continue, send, resend, cancel.
type codePage struct {
	ui.CodePage
	PhoneEnd string // last two digits of the number
	Send     bool   // nothing was sent yet: a button comes instead of the field
	Later    int    // … because too many were: not before so many minutes
	Resend   bool   // a new message can be asked
	Wait     int    // … in so many seconds; zero: now
	Resent   bool   // a new message was just sent
	Failed   bool   // the last message was not sent
}

// phonePage asks the number that codes are sent to. Field: phone; do: continue, other, cancel.
type phonePage struct {
	Action string
	Typed  string   // as it was typed, after a mistake
	Hint   string   // text key of an example; empty: none
	Others []string // methods that can be chosen instead
	Cancel bool
}

// numberPage asks the code that was sent to a new number. Field: code; do: continue, resend, change, other, cancel.
type numberPage struct {
	Action   string
	PhoneEnd string   // last two digits of the number
	Resend   bool     // a new message can be asked
	Wait     int      // … in so many seconds; zero: now
	Resent   bool     // a new message was just sent
	Failed   bool     // the last message was not sent
	Others   []string // methods that can be chosen instead
	Cancel   bool
}

// Described lists what describes the field to somebody who does not see it.
func (p phonePage) Described(mistake string) string {
	var by []string
	if p.Hint != "" {
		by = append(by, "phone-hint")
	}
	if mistake != "" {
		by = append(by, "phone-mistake")
	}
	return strings.Join(by, " ")
}
