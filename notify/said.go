package notify

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"unicode"
)

// errNotUnderstood is for a message whose request the gateway will never take as it is.
var errNotUnderstood = errors.New("not understood")

// refused says that a gateway did not take a message: with its status, a code of its own if it has any, and the first
// words of its answer. A request that the gateway does not understand will not become one that it does, so its message
// goes to the next gateway and no further; what it may take another time waits.
func (a GatewayAccount) refused(t Text, status int, code any, answer []byte) error {
	kind := errLater
	if hopeless(status) {
		kind = errNotUnderstood
	}
	return &failure{kind: kind, reason: strings.TrimSpace(fmt.Sprint(status, " ", code)), detail: errors.New(a.firstWords(t, answer))}
}

// hopeless reports whether the same request will be refused again (RFC 9110 section 15.5): what is not so by itself,
// such as a conflict or a lock, may pass.
func hopeless(status int) bool {
	switch status {
	case http.StatusConflict, http.StatusLocked, http.StatusTooEarly:
		return false
	}
	return status >= 400 && status < 500
}

const longestWords = 100 // characters

var (
	// A number or a code, however it is grouped and quoted: four digits and more, with up to three characters between
	// two of them that are no letters.
	digits = regexp.MustCompile(`\+?\p{Nd}(?:[^\p{L}\p{Nd}]{0,3}\p{Nd}){3,}`)
	// Something long without a blank, such as a key or an address that holds one.
	opaque = regexp.MustCompile(`[^\s"'<>]{25,}`)
	blanks = regexp.MustCompile(`\s+`)
)

// firstWords are the beginning of an answer, for a line of the log: one line of plain text without the message, the
// number, the code, or anything that could be one of them or what lets us in.
func (a GatewayAccount) firstWords(t Text, answer []byte) string {
	said := strings.ToValidUTF8(string(answer), "")
	for _, hidden := range []string{t.Body, t.Code, t.To, strings.TrimPrefix(t.To, "+"), t.ID, a.Token.Reveal(), a.ReportSecret.Reveal()} {
		if hidden != "" {
			said = strings.NewReplacer(hidden, "…", url.QueryEscape(hidden), "…").Replace(said)
		}
	}
	said = opaque.ReplaceAllString(digits.ReplaceAllString(said, "…"), "…")
	said = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) || unicode.IsSpace(r) {
			return r
		}
		return -1
	}, said)
	words := []rune(strings.TrimSpace(blanks.ReplaceAllString(said, " ")))
	return string(words[:min(len(words), longestWords)])
}
