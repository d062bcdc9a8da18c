package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// visible is text from outside for a terminal: as it is where it is one word of printable characters, and otherwise
// between quotes, with escapes for what a terminal obeys or hides: ESC, C1 controls, line ends, marks that turn the
// direction of writing.
func visible(s string) string {
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == '"' || r == '\\' || hidden(r) }) {
		return s
	}
	return strconv.Quote(s)
}

// printable is a line of text from outside for a terminal: quoted where something of it is hidden.
func printable(s string) string {
	if strings.ContainsFunc(s, hidden) {
		return strconv.Quote(s)
	}
	return s
}

// hidden reports whether a terminal may do something else than show the character.
func hidden(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }

// shownJSON writes JSON on, with escapes for what is hidden: encoding/json leaves C1 controls and marks of direction as
// they are. It means the same, because these are in strings only.
type shownJSON struct{ to io.Writer }

func (s shownJSON) Write(text []byte) (int, error) {
	var b strings.Builder
	for _, r := range string(text) { // the encoder writes a document at once, so no character is cut
		switch {
		case r == '\n' || !hidden(r) || r == utf8.RuneError: // U+FFFD is what broken text was made into
			b.WriteRune(r)
		case r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	_, err := io.WriteString(s.to, b.String())
	return len(text), err
}
