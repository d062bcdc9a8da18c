package ui

import (
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/language"
)

// form chooses between "one // other". Numbers that were stored as JSON come back as float64.
func form(text string, args []any) string {
	one, other, two := strings.Cut(text, " // ")
	if !two {
		return text
	}
	for i := 1; i < len(args); i += 2 {
		switch n := args[i].(type) {
		case int:
			if n == 1 {
				return one
			}
			return other
		case float64:
			if n == 1 {
				return one
			}
			return other
		}
	}
	return other
}

func pairs(args []any) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for i := 0; i+1 < len(args); i += 2 {
			if args[i] == name {
				return fmt.Sprint(args[i+1]), true
			}
		}
		return "", false
	}
}

// expand fills the placeholders {name} of a text of ours. Values are never searched for placeholders.
func expand(text string, value func(name string) (string, bool)) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "{")
		name, after, closed := strings.Cut(rest, "}")
		b.WriteString(before)
		if !found || !closed {
			return b.String()
		}
		if v, ok := value(name); ok {
			b.WriteString(plain(v))
		} else {
			b.WriteString("{" + name + "}")
		}
		text = after
	}
}

// longest is how much of a value is shown, in characters: no e-mail address has more (RFC 5321 section 4.5.3.1).
const longest = 254

// plain takes out of a value what could turn a sentence around it: control characters and marks of writing direction
// (Unicode Standard Annex 9), so that a name cannot pretend to be another. Overlong values are cut.
func plain(v string) string {
	n := 0
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || n > longest {
			return -1
		}
		if n++; n > longest {
			return '…'
		}
		return r
	}, v)
}

// languages are those of the catalogue, in the order of the matcher.
var (
	languages = []string{"nl", "en"}
	matcher   = language.NewMatcher([]language.Tag{language.Dutch, language.English})
)

// longestWish bounds what is parsed of an Accept-Language header, in bytes; browsers send some tens.
const longestWish = 400

// Match returns the language of ours that suits the first candidate that any suits; empty when none does. A candidate
// is a BCP 47 tag or the value of an Accept-Language header.
func Match(candidates ...string) string {
	for _, c := range candidates {
		if c == "" || len(c) > longestWish {
			continue
		}
		tags, weights, err := language.ParseAcceptLanguage(c)
		if err != nil {
			continue
		}
		for len(weights) > 0 && weights[len(weights)-1] == 0 { // q=0: "not this one"; sorted to the end
			tags, weights = tags[:len(tags)-1], weights[:len(weights)-1]
		}
		if _, i, confidence := matcher.Match(tags...); confidence > language.No {
			return languages[i]
		}
	}
	return ""
}
