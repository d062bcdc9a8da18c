package demo

import (
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/minddistrict/idp/notify"
)

//go:embed outbox.html
var outboxPage string

var outboxPages = template.Must(template.New("outbox").Parse(outboxPage))

// outbox shows the text messages and mails that would have been sent, the newest first.
func (s *Site) outbox(w http.ResponseWriter, _ *http.Request) {
	type mail struct {
		notify.Mail
		Parts []part
	}
	var mails []mail
	for _, m := range slices.Backward(s.Mails.Sent()) {
		mails = append(mails, mail{m, linked(m.Text)})
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	texts := s.Mails.Texts()
	slices.Reverse(texts)
	if err := outboxPages.Execute(w, map[string]any{"Texts": texts, "Mails": mails}); err != nil {
		http.Error(w, "template", http.StatusInternalServerError)
	}
}

// html is the HTML part of one mail, to be looked at in a frame: its links open in the whole window.
func (s *Site) html(w http.ResponseWriter, r *http.Request) {
	for _, m := range s.Mails.Sent() {
		if m.ID == r.PathValue("id") {
			w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; base-uri 'none'")
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			logo := "data:image/png;base64," + base64.StdEncoding.EncodeToString(m.Logo) // a mail program takes it from its part
			shown := strings.NewReplacer("<head>", `<head><base target="_top">`, `src="cid:`+m.LogoID()+`"`, `src="`+logo+`"`).Replace(m.HTML)
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
