package notify

import (
	"context"
	"regexp"
	"strings"
	"time"

	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/ui"
)

// Text is a text message that is ready to go: one message, in characters that every phone has.
type Text struct {
	ID       string // of the message; gateways keep it as a reference and report by it
	Platform platform.ID
	Kind     outbox.Kind
	Lang     string
	At       time.Time // when the message was queued
	To       string    // E.164
	Body     string
	Code     string // the one in it
	Origin   string // of the platform's login, where reports may come to
}

// Gateway hands a text message over to whoever delivers it. Its errors are those of a Sender.
type Gateway interface {
	SendText(context.Context, Text) error
}

// Texts is the sender of text messages.
type Texts struct {
	Gateway Gateway      // nil: text messages wait
	UI      *ui.Renderer // has the texts
}

// Send makes a text message and hands it over.
func (s Texts) Send(ctx context.Context, p *platform.Platform, m outbox.Message, c outbox.Contents) error {
	t, err := s.compose(p, m, c)
	if err != nil {
		return err
	}
	if s.Gateway == nil {
		return because(fault.Unavailable, "no gateway")
	}
	return s.Gateway.SendText(ctx, t)
}

// Rest is that of a Sender: nothing is kept.
func (Texts) Rest() {}

var e164 = regexp.MustCompile(`^\+[1-9][0-9]{7,14}$`)

// longestNeutral is in characters. With it every message of ours is one.
const longestNeutral = 40

// compose makes the text message of a message.
func (s Texts) compose(p *platform.Platform, m outbox.Message, c outbox.Contents) (Text, error) {
	spec, ok := s.UI.MessageKinds()[m.Kind]
	if !ok || spec.Recipient != outbox.SMS || spec.Request {
		return Text{}, because(fault.Refused, "no such text message")
	}
	if !e164.MatchString(c.To) {
		return Text{}, because(fault.Refused, "number")
	}
	lang, code := ui.Match(m.Locale, p.Locale), c.Values["code"]
	name := []rune(p.NeutralName)
	frame := ui.Frame{Platform: p, Lang: lang}
	say := func(keys []string) string {
		var said []string
		for _, key := range keys {
			said = append(said, s.UI.TextIn(frame, key, "code", code, "neutral_name", string(name[:min(len(name), longestNeutral)]), "login_host", hostOf(p)))
		}
		return strings.Join(said, " ")
	}
	body := gsm(say(spec.Before))
	if p.Policy.SMSBound {
		if whole := body + "\n" + say(spec.After); septets(whole) <= oneMessage {
			body = whole
		}
	}
	return Text{
		ID: m.ID, Platform: p.ID, Kind: m.Kind, Lang: lang, At: m.QueuedAt, To: c.To, Body: body, Code: code, Origin: p.Issuer.Origin(),
	}, nil
}
