package idptest

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/notify"
)

// smsVocabulary is what scripts say of text messages.
var smsVocabulary = vocabulary{
	verbs: []verb{
		{"sms", "NUMBER [new]", "letters go, and the text messages to that number are taken", (*script).sms},
		{"nosms", "", "letters go; no text message came to anybody", (*script).noSMS},
		{"gateway", "up|down|refuses", "what becomes of text messages from now on", (*script).gateway},
	},
	word: (*script).smsCode,
	account: func(options map[string]string) string {
		number := strings.TrimSpace(options["sms"]) // fields took its plus for a blank
		if number == "" {
			return ""
		}
		return "phone_for_codes: \"+" + strings.TrimPrefix(number, "+") + "\""
	},
}

// sms sends what is due and takes the text messages to a number.
func (s *script) sms(rest string) error {
	words := strings.Fields(rest)
	if len(words) == 0 || len(words) > 2 || len(words) == 2 && words[1] != "new" {
		return fmt.Errorf("sms NUMBER [new]")
	}
	all, before, err := s.lookAtTexts()
	if err != nil {
		return err
	}
	s.texts = nil
	fresh := false
	for i, t := range all {
		if t.To == words[0] {
			s.texts, fresh = append(s.texts, t), i >= before
		}
	}
	if len(s.texts) == 0 || len(words) == 2 && !fresh {
		return fmt.Errorf("no such text message; there are:%s", listedTexts(all))
	}
	return nil
}

// noSMS tells that no text message came to anybody since the last look.
func (s *script) noSMS(string) error {
	all, before, err := s.lookAtTexts()
	if err == nil && len(all) > before {
		err = fmt.Errorf("new text messages:%s", listedTexts(all[before:]))
	}
	return err
}

func (s *script) lookAtTexts() (all []notify.Text, before int, err error) {
	err = s.server.Deliver(s.t.Context())
	all, before = s.server.Mails.Texts(), s.looked.texts
	s.looked.texts = len(all)
	return all, before, err
}

func listedTexts(texts []notify.Text) string {
	var b strings.Builder
	for _, t := range texts {
		fmt.Fprintf(&b, "\nto %s at %s: %s", t.To, t.At.Format("15:04:05"), t.Body)
	}
	return b.String()
}

// gateway takes text messages, is down, or refuses every number.
func (s *script) gateway(state string) error {
	errs := map[string]error{"up": nil, "down": fault.Unavailable, "refuses": fault.Refused}
	err, ok := errs[state]
	if !ok {
		return fmt.Errorf("gateway up, down or refuses")
	}
	s.server.Mails.FailTexts(err)
	return nil
}

var smsCode = regexp.MustCompile(`^sms([+-]\d+)?$`)

// smsCode is the code of the newest message that was taken: sms, of the one before (sms-1), or one that was never sent
// (sms+1).
func (s *script) smsCode(value string) (string, bool, error) {
	m := smsCode.FindStringSubmatch(value)
	if m == nil {
		return "", false, nil
	}
	n, _ := strconv.Atoi(m[1]) // digits, or nothing
	at := len(s.texts) - 1 + min(n, 0)
	if at < 0 {
		return "", true, fmt.Errorf("%d text messages were taken", len(s.texts))
	}
	code, err := strconv.Atoi(s.texts[at].Code)
	return fmt.Sprintf("%06d", (code+max(n, 0))%1_000_000), true, err
}
