package demo

import (
	"encoding/base64"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/minddistrict/idp/notify"
)

// sent is a mail or a text message, one of the two.
type sent struct {
	Mail  *notify.Mail
	Parts []part // of the mail's text
	Text  *notify.Text
}

func (s sent) at() time.Time {
	if s.Mail != nil {
		return s.Mail.At
	}
	return s.Text.At
}

// outbox shows the text messages and mails that would have been sent, the newest first.
func (s *Site) outbox(w http.ResponseWriter, _ *http.Request) {
	var all []sent
	for _, m := range slices.Backward(s.Mails.Sent()) {
		all = append(all, sent{Mail: &m, Parts: linked(m.Text)})
	}
	for _, t := range slices.Backward(s.Mails.Texts()) {
		all = append(all, sent{Text: &t})
	}
	slices.SortStableFunc(all, func(a, b sent) int { return b.at().Compare(a.at()) })
	s.show(w, "outbox", all)
}

// frame is what the HTML part of a mail may do where it is shown: nothing but look as it does.
const frame = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; base-uri 'none'"

// html is the HTML part of one mail, to be looked at in a frame: its links open in the whole window.
func (s *Site) html(w http.ResponseWriter, r *http.Request) {
	for _, m := range s.Mails.Sent() {
		if m.ID == r.PathValue("id") {
			w.Header().Set("Content-Security-Policy", frame)
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			logo := "data:image/png;base64," + base64.StdEncoding.EncodeToString(m.Logo) // a mail program takes it from its part
			shown := strings.NewReplacer("<head>", `<head><base target="_top">`, `src="cid:`+m.LogoID()+`"`,
				`src="`+logo+`"`).Replace(m.HTML)
			_, _ = w.Write([]byte(shown)) // the caller is gone: nothing to do about it
			return
		}
	}
	http.NotFound(w, r)
}

// part is a piece of a text, perhaps an address.
type part struct{ Text, URL string }

var address = regexp.MustCompile(`https?://\S+`)

// linked cuts a text at the addresses in it.
func linked(text string) (parts []part) {
	at := 0
	for _, m := range address.FindAllStringIndex(text, -1) {
		parts = append(parts, part{Text: text[at:m[0]]}, part{text[m[0]:m[1]], text[m[0]:m[1]]})
		at = m[1]
	}
	return append(parts, part{Text: text[at:]})
}
