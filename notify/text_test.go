package notify

import (
	"errors"
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
)

func TestTextMessagesAreOneMessage(t *testing.T) {
	for _, c := range []struct {
		neutral string
		bound   bool
		lang    string
		want    string
	}{
		{"Minddistrict", false, "nl", "014874 is je code voor Minddistrict. Geef deze code aan niemand."},
		{"Minddistrict", false, "en", "014874 is your code for Minddistrict. Do not give this code to anyone."},
		{"Minddistrict", true, "nl", "014874 is je code voor Minddistrict. Geef deze code aan niemand.\n@login.linde.test #014874"},
		{"Zoë’s – \"Łódź\" 🙂", false, "nl", "014874 is je code voor Zoe's - \"?ódz\" ?. Geef deze code aan niemand."},
		{"{code}", false, "nl", "014874 is je code voor {code}. Geef deze code aan niemand."},
	} {
		p := linde()
		p.NeutralName, p.Policy.SMSBound = c.neutral, c.bound
		l := outbox.Message{ID: "x", Kind: "sms_message", Recipient: outbox.SMS, Locale: c.lang}
		got, err := testTexts().compose(p, l, outbox.Contents{To: "+31612345678", Values: map[string]string{"code": "014874"}})
		want := strings.ReplaceAll(c.want, "ó", "o")
		if err != nil || got.Body != want || got.Lang != c.lang || got.To != "+31612345678" || got.Code != "014874" || got.Origin != "https://login.linde.test" {
			t.Errorf("%+v, %v, want %s", got, err, want)
		}
		if gsm(got.Body) != got.Body || septets(got.Body) > oneMessage {
			t.Errorf("%q is %d septets", got.Body, septets(got.Body))
		}
	}
}

// TestLongNamesDoNotMakeTwoMessages: the last line is left out before the message becomes two.
func TestLongNamesDoNotMakeTwoMessages(t *testing.T) {
	p := linde()
	p.NeutralName, p.Policy.SMSBound = strings.Repeat("€", 300), true
	p.Issuer = platform.Issuer("https://" + strings.Repeat("a", 60) + ".example.org")
	for _, lang := range []string{"nl", "en"} {
		l := outbox.Message{Kind: "sms_message", Locale: lang}
		got, err := testTexts().compose(p, l, outbox.Contents{To: "+31612345678", Values: map[string]string{"code": "014874"}})
		if err != nil || septets(got.Body) > oneMessage || strings.Contains(got.Body, "\n") || !strings.HasPrefix(got.Body, "014874 ") {
			t.Errorf("%d septets: %q, %v", septets(got.Body), got.Body, err)
		}
	}
}

func TestLettersThatAreNoTextMessage(t *testing.T) {
	for to, kind := range map[string]outbox.Kind{"+31612345678": outbox.PasswordReset, "0612345678": "sms_message", "+31612345678\n": "sms_message", "": "sms_message"} {
		if _, err := testTexts().compose(linde(), outbox.Message{Kind: kind}, outbox.Contents{To: to}); !errors.Is(err, fault.Refused) {
			t.Errorf("%s to %q: %v", kind, to, err)
		}
	}
}

func TestGSMAlphabet(t *testing.T) {
	if n := len([]rune(gsmBasic)); n != 127 { // and the escape to the extension
		t.Errorf("%d characters", n)
	}
	for text, want := range map[string]string{
		"abc": "abc", "é": "é", "e\u0301": "é", "ê": "e", "Ç": "Ç", "ç": "c", "\u00a0": " ", "a\tb\x00": "a?b?", "日": "?", "{€}": "{€}", "`": "?",
	} {
		if got := gsm(text); got != want {
			t.Errorf("gsm(%q) = %q, want %q", text, got, want)
		}
	}
	if septets("a€\n") != 4 {
		t.Error(septets("a€\n"))
	}
}

func testTexts() Texts { return Texts{UI: Whole()} }
