package preview

import (
	"context"
	"encoding/base64"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/minddistrict/idp/notify"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/ui"
)

// messagePolicy lets a mail have its inline styles and its logo, and nothing from elsewhere.
const messagePolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'none'"

// sampleSentAt is when the messages of the samples were sent.
var sampleSentAt = time.Date(2026, 11, 26, 13, 5, 0, 0, time.UTC)

// LetterPath is the address of a mail or text message. A mail is HTML unless its text part is asked for.
func LetterPath(lang string, kind outbox.Kind, text bool) string {
	path := "/letter/" + lang + "/" + string(kind)
	if text {
		path += "/text"
	}
	return path
}

// kinds are those that reach people: mails, and text messages after them.
func (s *Site) kinds() []outbox.Kind {
	all := s.UI.MessageKinds()
	var mails, texts []outbox.Kind
	for _, kind := range slices.Sorted(maps.Keys(all)) {
		switch spec := all[kind]; {
		case spec.Request:
		case spec.Recipient == outbox.Mail:
			mails = append(mails, kind)
		case spec.Recipient == outbox.SMS:
			texts = append(texts, kind)
		}
	}
	return append(mails, texts...)
}

// compose makes a message to somebody who does not exist, as HTML and as text. A text message has no HTML.
func (s *Site) compose(ctx context.Context, lang string, kind outbox.Kind) (html, text string, err error) {
	kept := &notify.Memory{}
	to := s.UI.MessageKinds()[kind].Recipient
	m := outbox.Message{
		ID: "sample", Platform: s.Platform.ID, Kind: kind, Recipient: to, Locale: lang, QueuedAt: sampleSentAt,
	}
	c := outbox.Contents{
		To: "anna@example.org", Name: "Anna van der Berg-Bakker", Token: "9d7Xn0c1Vb4qWmT2sKfYh8RzLjEaUgPi3oBt5xQvCwM",
		Values: map[string]string{"email_masked": "b•••@example.org", "person": "c•••@example.org", "n": "5", "phone_end": "16", "code": "014874", "connection": "Wilgenhof"},
	}
	if to == outbox.SMS {
		c.To = "+31612345616"
		err = notify.Texts{Gateway: kept, UI: s.UI}.Send(ctx, s.Platform, m, c)
		if err != nil {
			return "", "", err
		}
		return "", kept.Texts()[0].Body, nil
	}
	home := func(p *platform.Platform, _ string) string { return p.HomeURL }
	err = notify.Mails{Mailer: kept, From: "login@mail.example", LoginURL: home, UI: s.UI}.Send(ctx, s.Platform, m, c)
	if err != nil {
		return "", "", err
	}
	mail := kept.Sent()[0]
	logo := "data:image/png;base64," + base64.StdEncoding.EncodeToString(mail.Logo)
	return strings.Replace(mail.HTML, "cid:"+mail.LogoID(), logo, 1), mail.Text, nil
}

// message shows a message, in HTML or as text.
func (s *Site) message(asText bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		lang, kind := r.PathValue("lang"), outbox.Kind(r.PathValue("kind"))
		if !slices.Contains(s.kinds(), kind) || !speaks(lang) {
			http.NotFound(w, r)
			return
		}
		html, text, err := s.compose(r.Context(), lang, kind)
		if err != nil {
			s.fail(w, err)
			return
		}
		if asText {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			_, _ = w.Write([]byte(text)) // the caller is gone: nothing to do about it
			return
		}
		if html == "" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Security-Policy", messagePolicy)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(html)) // as above
	}
}

// sent is a message in the list of all.
type sent struct {
	Name        string
	Links, Text []ui.Language // as HTML, and as text
}

// messages are those of the list.
func (s *Site) messages() (all []sent) {
	for _, kind := range s.kinds() {
		row := sent{Name: string(kind)}
		for _, l := range languages {
			if s.UI.MessageKinds()[kind].Recipient == outbox.Mail {
				l.URL = LetterPath(l.Code, kind, false)
				row.Links = append(row.Links, l)
			}
			l.URL = LetterPath(l.Code, kind, true)
			row.Text = append(row.Text, l)
		}
		all = append(all, row)
	}
	return all
}
