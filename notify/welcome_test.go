package notify

import (
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/ui"
)

// The welcome mail of somebody who signs in with the account of an organisation says so, with the same link, and speaks of a
// password only where one is taken.
func TestWelcomeByAnOrganisation(t *testing.T) {
	for _, lang := range []string{"nl", "en"} {
		for _, only := range []bool{false, true} {
			p := linde()
			c := outbox.Contents{To: "anna@example.org", Name: "Anna", Token: secret.Token(), Values: map[string]string{"connection": "Wilgenhof"}}
			m := outbox.Message{ID: "1", Platform: p.ID, Kind: outbox.Welcome, Locale: lang, QueuedAt: time.Unix(1e9, 0)}
			spec := outbox.WelcomeBy(only)
			mail, err := Mails{UI: Whole(), From: "login@id.test"}.composeAs(spec, p, m, c, true)
			if err != nil {
				t.Fatal(err)
			}
			plain := strings.Join(strings.Fields(mail.Text), " ")
			for _, key := range append(append(spec.Before, spec.After...), spec.Button) {
				text := Whole().TextIn(ui.Frame{Platform: p, Lang: lang}, key, "connection", "Wilgenhof", "email", c.To)
				if strings.Contains(text, "{") || !strings.Contains(plain, text) {
					t.Errorf("%s only=%t %s: %q in\n%s", lang, only, key, text, plain)
				}
			}
			if mail.Link != "https://login.linde.test/link/"+c.Token {
				t.Errorf("%s only=%t: the button leads to %s", lang, only, mail.Link)
			}
			other := Whole().TextIn(ui.Frame{Platform: p, Lang: lang}, "mail_welcome.sso_or", "connection", "Wilgenhof")
			if strings.Contains(plain, other) == only || strings.Contains(plain, Whole().Text(lang, "mail_welcome.button")) {
				t.Errorf("%s only=%t: it speaks of a password:\n%s", lang, only, plain)
			}
		}
	}
}
