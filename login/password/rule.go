package password

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/platform"
)

// Rule is what a new password is held against, beside the numbers of a platform. It is the only place that knows; the
// ticks that a page shows while somebody types are a part of it.
type Rule struct {
	Filter *Filter // passwords that became known elsewhere; nil: only those of our own short list
}

// Mistake is the first thing that is wrong with a password.
type Mistake string

// Meaning says to an operator what pages say to people, with the numbers of the rule that was broken.
func (m Mistake) Meaning(p platform.PasswordRule) string {
	switch m {
	case Empty:
		return "it is empty"
	case Short:
		return fmt.Sprintf("it is too short: at least %d characters", p.MinLength)
	case Long:
		return fmt.Sprintf("it is too long: at most %d characters", p.MaxLength)
	case NoMark:
		return fmt.Sprintf("it has too few characters that are neither letter nor digit: at least %d", p.Special)
	case Leaked:
		return "it became known, or was printed as an example"
	case Guessed:
		return "it is easy to guess"
	}
	return ""
}

// Mistakes in the order in which they are looked for.
const (
	None     Mistake = ""
	Empty    Mistake = "empty"
	Short    Mistake = "short"
	Long     Mistake = "long"
	NoMark   Mistake = "special" // too few characters that are neither letter nor digit
	Leaked   Mistake = "leaked"  // known to everybody who tries passwords
	Guessed  Mistake = "guess"   // made of words, names, dates or rows of keys
	maxGuess         = 72        // code points that are judged; what follows cannot make a password weaker to guess
)

// Check returns what is wrong with a password. Lengths are in code points after NFC, the form that is hashed; nothing
// is trimmed. The words are what people who know the person or the platform would try first.
func (r Rule) Check(p platform.PasswordRule, password string, words []string) (Mistake, error) {
	if len(password) > utf8.UTFMax*(p.MaxLength+1)*decomposed {
		return Long, nil // before any work that grows with it
	}
	composed := norm.NFC.String(password)
	length := utf8.RuneCountInString(composed)
	switch {
	case length == 0:
		return Empty, nil
	case length > p.MaxLength:
		return Long, nil
	case length < p.MinLength:
		return Short, nil
	case marks(composed) < p.Special:
		return NoMark, nil
	}
	if known, err := r.leaked(composed, password); known || err != nil {
		return Leaked, err
	}
	if score(composed, words) < p.MinScore {
		return Guessed, nil
	}
	return None, nil
}

// decomposed is how many code points NFC may join to one, generously (Unicode Standard Annex 15 knows 3 at most, and
// marks that stay apart count by themselves).
const decomposed = 4

// marks counts the characters that are neither letter nor digit. A space counts; a mark on a letter belongs to it.
func marks(password string) (n int) {
	for _, r := range password {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) {
			n++
		}
	}
	return n
}

// leaked reports whether the password is on a list of those that became known, as it was typed or composed.
func (r Rule) leaked(composed, typed string) (bool, error) {
	if published(composed) {
		return true, nil
	}
	for _, form := range []string{composed, typed} {
		if known, err := r.Filter.Has(form); known || err != nil {
			return known, err
		}
	}
	return false, nil
}

// mistakeText is what the page says of it; nil for None.
func mistakeText(m Mistake, p platform.PasswordRule) *authn.Mistake {
	if m == None {
		return nil
	}
	n := p.MinLength
	if m == NoMark {
		n = p.Special
	}
	return &authn.Mistake{Key: "password.error_" + string(m), Args: []any{"n", n, "max", p.MaxLength}}
}

// Words are what people who know the platform or the person try first: names of both, parts of addresses.
func Words(p *platform.Platform, a *account.Account) []string {
	texts := []string{p.Name, p.Organisation, p.NeutralName, p.Host()}
	if a != nil {
		f := a.Profile
		texts = append(texts, f.GivenName, f.MiddleName, f.FamilyName, f.GivenName+f.MiddleName+f.FamilyName, f.GivenName+f.FamilyName,
			f.Nickname, f.Username, f.Birthdate, a.Email.Address)
	}
	return texts
}

// pieces are the runs of letters and digits in a text, and all of them together.
func pieces(text string) []string {
	parts := strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	return append(parts, strings.Join(parts, ""))
}
