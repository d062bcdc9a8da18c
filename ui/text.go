package ui

import (
	"embed"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"unicode"

	"go.yaml.in/yaml/v3"
	"golang.org/x/text/language"
)

//go:embed texts/*.yaml
var textFiles embed.FS

// catalogue is language -> key -> text, read when the first one is shown: a server starts sooner.
var catalogue = sync.OnceValue(func() map[string]map[string]string {
	return map[string]map[string]string{"nl": readTexts("nl"), "en": readTexts("en")}
})

func readTexts(lang string) map[string]string {
	texts := map[string]string{}
	b, err := textFiles.ReadFile("texts/" + lang + ".yaml")
	if err == nil {
		err = yaml.Unmarshal(b, &texts)
	}
	if err != nil {
		panic(fmt.Sprintf("texts in %s: %v", lang, err)) // embedded: a mistake of ours
	}
	return texts
}

// Keys lists every text key in order.
func Keys() []string { return slices.Sorted(maps.Keys(catalogue()["nl"])) }

// Text is the text of a key. The arguments are pairs of placeholder and value: "minutes", 5. A placeholder without a
// value stays as it is. Of a text with two forms, written "one // other", the first whole number among the values
// chooses. An unknown language gives Dutch. An unknown key is shown as it is: a test finds those, and for a person a
// page with one odd word is better than none.
func Text(lang, key string, args ...any) string {
	return expand(form(raw(lang, key), args), pairs(args))
}

func raw(lang, key string) string {
	texts, ok := catalogue()[lang]
	if !ok {
		texts = catalogue()["nl"]
	}
	text, ok := texts[key]
	if !ok {
		return key
	}
	return text
}

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
