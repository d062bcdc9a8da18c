package login

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/ui"
)

// SpentCode is the code of a form, for a step whose proof it is; empty: there is none.
func SpentCode(form url.Values) string {
	code, _ := readCode(form)
	return code
}

// CodeDigits is how long a code of an app or a text message is.
const CodeDigits = 6

// TypedCode reads a code as people type it: blanks, dots and hyphens do not count, and digits of every script do. What
// cannot be a code is a mistake to mend, and is not counted as a wrong one.
func (v *Visit) TypedCode() (string, []authn.Mistake) { return readCode(v.Form) }

func readCode(form url.Values) (string, []authn.Mistake) {
	var code strings.Builder
	for _, r := range form.Get("code") {
		d, digit := digitOf(r)
		switch {
		case digit && code.Len() <= CodeDigits:
			code.WriteByte('0' + d)
		case digit, unicode.IsSpace(r), unicode.In(r, unicode.Pd, unicode.Cf), r == '.', r == '·':
		default:
			return "", []authn.Mistake{{Field: "code", Key: "code.error_format"}}
		}
	}
	switch code.Len() {
	case 0:
		return "", []authn.Mistake{{Field: "code", Key: "code.error_empty"}}
	case CodeDigits:
		return code.String(), nil
	}
	return "", []authn.Mistake{{Field: "code", Key: "code.error_format"}}
}

// digitOf is the value of a decimal digit in any script. Unicode keeps those of a script together, from zero on
// (The Unicode Standard, section 4.6).
func digitOf(r rune) (value byte, ok bool) {
	for _, t := range unicode.Nd.R16 {
		if rune(t.Lo) <= r && r <= rune(t.Hi) {
			return byte((r - rune(t.Lo)) % 10), true
		}
	}
	for _, t := range unicode.Nd.R32 {
		if rune(t.Lo) <= r && r <= rune(t.Hi) {
			return byte((r - rune(t.Lo)) % 10), true
		}
	}
	return 0, false
}

// codeReasons are the text keys that say why a code is asked.
var codeReasons = map[authn.Reason]string{
	authn.ForIdle:    "code.reason_idle",
	authn.ForParty:   "code.reason_platform",
	authn.ForChange:  "code.reason_password",
	authn.ForForgot:  "code.reason_forgot",
	authn.ForTwoStep: "code.reason_two_step",
	authn.ForCodes:   "code.reason_codes",
	authn.ForOff:     "code.reason_off",
	authn.ForQR:      "code.reason_qr",
	authn.ForStaff:   "code.reason_staff",
}

// CodePage is what every page has that asks a code.
func (v *Visit) CodePage() ui.CodePage {
	page := ui.CodePage{
		Action: v.Action, Reason: codeReasons[v.Requirement.Why], Party: v.PartyName, Cancel: true,
		Remember: ui.RememberKey(v.RememberFor()), Ticked: v.Journey.Remember,
	}
	if v.Journey.Ask.Purpose == authn.ChangePassword {
		page.Step, page.Steps = v.Step()
	}
	return page
}

// Remembering reports whether the form asks to remember this browser. What was ticked before a mistake counts only if
// it still is.
func (v *Visit) Remembering() bool {
	v.Journey.Remember = false
	return v.RememberFor() > 0 && v.Form.Get("remember") != ""
}

// lateMistake is what a step wants said when the code that it took was used by somebody else before it was saved: in
// another tab, or by who looked over a shoulder.
type lateMistake struct {
	step string
	say  []authn.Mistake
	put  []account.Credential // with the counters that did not rise
}

// keepLateMistake keeps that for the page, if that was the reason and nothing else about the journey changed.
func (s *Server) keepLateMistake(ctx context.Context, v *Visit) error {
	if len(v.form.late.say) == 0 {
		return nil
	}
	a, err := s.Store.Account(ctx, v.Platform.ID, v.Facts.Account.ID)
	if err != nil {
		return err
	}
	used := len(v.form.late.put) == 0 || slices.ContainsFunc(v.form.late.put, func(p account.Credential) bool {
		return p.Counter > 0 && slices.ContainsFunc(a.Credentials, func(c account.Credential) bool { return c.ID == p.ID && c.Counter >= p.Counter })
	})
	j, err := s.Store.Journey(ctx, v.Platform.ID, v.Journey.ID)
	if errors.Is(err, fault.NotFound) {
		return nil // its request is gone: the journey leads on
	}
	if err != nil || !used || j.Version != v.Journey.Version {
		return err
	}
	j.Mistakes, j.Remember = &authn.Mistakes{Step: v.form.late.step, All: v.form.late.say}, v.Journey.Remember
	err = s.Store.SaveChange(ctx, authn.Change{Journey: j, Platform: v.Platform.ID}, v.Now)
	if errors.Is(err, fault.Stale) {
		return nil
	}
	return err
}
