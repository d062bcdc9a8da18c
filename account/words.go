package account

import (
	"bytes"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

const (
	maxWord  = 200 // bytes of a word; an index of PostgreSQL takes 2,700 for a whole row
	maxWords = 60  // of one account
)

// strokes are letters that a Dutch keyboard does not have and Unicode does not take apart.
var strokes = strings.NewReplacer("ø", "o", "ł", "l", "đ", "d", "ı", "i", "æ", "ae", "œ", "oe", "’", "'", "‘", "'", "ʼ", "'", "‐", "-", "–", "-")

// Fold brings text to the form in which people are searched for: capitals, accents and compatibility forms are gone, as
// are marks that nobody sees. "É", "é" in one character and "é" in two are "e"; "ß" is "ss"; "İ" is "i". It is for
// search only: two addresses that fold alike are two addresses.
func Fold(text string) string {
	text = cases.Fold().String(norm.NFKD.String(text))
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Mn, r), unicode.Is(unicode.Cf, r), unicode.IsControl(r) && !unicode.IsSpace(r), r == utf8.RuneError:
			return -1
		}
		return r
	}, norm.NFKD.String(text))
	return norm.NFC.String(strokes.Replace(text))
}

// Words are what an account is found by: of its name and its address each word, and the parts that signs divide it
// into; folded, as UTF-8, sorted, each once. A name in characters that are written without blanks is a word as a whole,
// too.
func (a *Account) Words() [][]byte {
	var all []string
	add := func(word string, signs string) {
		all = append(all, word)
		all = append(all, strings.FieldsFunc(word, func(r rune) bool { return strings.ContainsRune(signs, r) })...)
	}
	p := a.Profile
	given, middle, family := Fold(p.GivenName), Fold(p.MiddleName), Fold(p.FamilyName)
	for _, name := range []string{family, given, middle} {
		for _, word := range strings.Fields(name) {
			add(word, ".-_'")
		}
	}
	if together := strings.Join(strings.Fields(family+given), ""); strings.ContainsFunc(together, unblanked) {
		all = append(all, together)
	}
	key := Fold(a.Email.Key)
	local, domain, _ := strings.Cut(key, "@")
	all = append(all, key, domain)
	add(local, ".-_+")
	words := make([][]byte, 0, len(all))
	for _, word := range all {
		if word = cut(word, maxWord); word != "" && len(words) < maxWords {
			words = append(words, []byte(word))
		}
	}
	slices.SortFunc(words, bytes.Compare)
	return slices.CompactFunc(words, bytes.Equal)
}

// unblanked reports whether a character is of a language that puts no blank between the parts of a name.
func unblanked(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul)
}

// SortKey is where an account stands in a list by name: by family name, then given name, then the prefix of the family
// name; by its address where it has no name. Folded, as UTF-8; never empty.
func (a *Account) SortKey() []byte {
	p := a.Profile
	name := strings.Join(strings.Fields(strings.Join([]string{p.FamilyName, p.GivenName, p.MiddleName}, " ")), " ")
	if name = cut(Fold(name), maxWord); name == "" {
		name = cut(Fold(a.Email.Key), maxWord)
	}
	if name == "" {
		name = "\uffff" // neither name nor address: last
	}
	return []byte(name)
}

// cut keeps at most so many bytes, in whole characters.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}

// Prefix is the words that begin as typed: not before From, and before To.
type Prefix struct{ From, To []byte }

// prefixOf is of a folded word that is not empty. The last byte of UTF-8 is never 255, so one more is its end.
func prefixOf(word string) Prefix {
	from := []byte(cut(word, maxWord))
	to := bytes.Clone(from)
	to[len(to)-1]++
	return Prefix{from, to}
}
