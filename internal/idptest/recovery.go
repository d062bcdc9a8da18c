package idptest

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
	"github.com/minddistrict/idp/test/browser"
)

// Recoveries are the recovery codes of every account of a script that is declared with an app.
var Recoveries = []string{"K7QM-2XHP-9TRD", "B4WN-8CVF-3JGY"}

// recoveryVocabulary is what scripts say of recovery codes.
var recoveryVocabulary = vocabulary{
	verbs: []verb{
		{"keep", "codes", "writes down the recovery codes on the page: recovery1 to recovery6 in fill", (*script).keepCodes},
	},
	word: (*script).recovery,
}

// recoveryWord is a value of fill: recovery1 is the first of the codes that were kept last, or declared.
var recoveryWord = regexp.MustCompile(`^recovery([1-6])$`)

// recovery is what a word of fill stands for, if it is one of a recovery code.
func (s *script) recovery(value string) (string, bool, error) {
	m := recoveryWord.FindStringSubmatch(value)
	if m == nil {
		return "", false, nil
	}
	codes := s.codes
	if codes == nil {
		codes = Recoveries
	}
	n := int(m[1][0] - '1')
	if n >= len(codes) {
		return "", true, fmt.Errorf("there are %d recovery codes", len(codes))
	}
	return codes[n], true, nil
}

// keepCodes writes down what the page shows.
func (s *script) keepCodes(string) error {
	s.codes = nil
	for n := range s.b.Doc.Descendants() {
		if code := strings.TrimSpace(browser.Text(n)); n.Data == "li" && recoveryCode.MatchString(code) {
			s.codes = append(s.codes, code)
		}
	}
	if len(s.codes) != 6 {
		return fmt.Errorf("%d recovery codes on %s, want 6:\n%s", len(s.codes), s.b.URL, Visible(s.b.Doc))
	}
	return nil
}

var recoveryCode = regexp.MustCompile(`^[A-Z2-9]{4}-[A-Z2-9]{4}-[A-Z2-9]{4}$`)

func (s *script) resetTwoStep(address string) error {
	acts, said := s.server.Tools().Acts(), staff.Justification{Reason: staff.LostPhone, Identified: staff.InPerson}
	err := acts.ResetTwoStep(s.t.Context(), platform.ID("linde"), staff.ByAddress(address), said)
	if errors.Is(err, staff.Waits) { // as the command does
		_, err = acts.AskReset(s.t.Context(), platform.ID("linde"), staff.ByAddress(address), said)
	}
	return err
}
