package password

import (
	"embed"
	"slices"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/minddistrict/idp/login/password/zxcvbn"
)

//go:embed lists/*.txt
var lists embed.FS

// ranks is how early a word is tried: 1 is first. Each list begins at 1, so that a common name costs as little as a
// common word. They are
// read when the first password is judged, so that a server starts at once.
var ranks = sync.OnceValue(func() map[string]int32 {
	all := make(map[string]int32, 110_000)
	add := func(word string, rank int) {
		if before := int(all[word]); before == 0 || rank < before {
			all[word] = int32(rank)
		}
	}
	for _, words := range zxcvbn.Lists() {
		for i, word := range words {
			add(strings.ToLower(word), i+1)
		}
	}
	for _, name := range []string{"own", "nl", "de", "names"} {
		for i, word := range list(name) {
			if word = ascii(strings.ToLower(word)); len(word) > 2 { // shorter ones are in every text
				add(word, i+1)
			}
		}
	}
	return all
})

// list reads an embedded list; lines that start with "# " say where it is from.
func list(name string) []string {
	text, err := lists.ReadFile("lists/" + name + ".txt")
	if err != nil {
		panic(err) // embedded: cannot be missing
	}
	return slices.DeleteFunc(strings.Split(strings.TrimSpace(string(text)), "\n"), func(line string) bool { return strings.HasPrefix(line, "# ") })
}

// score is how hard a password is to guess, 0 to 4, in the sense of zxcvbn (USENIX Security 2016): that of its weakest
// reading. People turn words around, write them twice, and put digits and signs for letters.
//
// Only the first 72 code points are judged (maxGuess): the work grows with the square of the length, and nobody tries
// to guess more.
func score(password string, context []string) int {
	text := ascii(string(firstRunes(password, maxGuess)))
	text = text[:min(len(text), maxGuess)] // compatible forms can be longer
	known, own, lowest := ranks(), contextRanks(context), 4
	rank := func(word string) int {
		if n, ok := own[word]; ok {
			return n
		}
		return int(known[word])
	}
	for _, reading := range readings(text) {
		lowest = min(lowest, zxcvbn.Score(zxcvbn.Bits(reading, rank)))
	}
	return lowest
}

func firstRunes(s string, n int) []rune {
	runes := []rune(s)
	return runes[:min(n, len(runes))]
}

// readings are the password without its repetitions: as it is, without what stands between words, with letters for
// signs, and backwards. Blanks and dashes make a sentence longer and hardly harder to guess.
func readings(text string) []string {
	var all []string
	for _, s := range []string{text, letters(text, 'i'), letters(text, 'l')} {
		joined := strings.Map(func(r rune) rune {
			if unicode.IsLetter(r) || unicode.IsDigit(r) {
				return r
			}
			return -1
		}, s)
		backwards := []byte(joined)
		slices.Reverse(backwards)
		all = append(all, once(s), once(joined), once(string(backwards)))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// signs are what people write for letters; the 1 is an i or an l.
var signs = map[byte]byte{'0': 'o', '3': 'e', '4': 'a', '@': 'a', '5': 's', '$': 's', '7': 't', '+': 't', '8': 'b', '!': 'i', '|': 'l'}

// letters puts letters for signs that stand between letters: in "W3lk0m01!" for 3 and 0, not for 01!.
func letters(text string, one byte) string {
	b := []byte(text)
	letter := func(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
	last := -1 // place of the last letter in this run of letters and signs
	for i := range b {
		_, sign := signs[b[i]]
		switch {
		case letter(b[i]):
			for j := last + 1; last >= 0 && j < i; j++ {
				b[j] = cmpOr(signs[b[j]], one)
			}
			last = i
		case !sign && b[i] != '1':
			last = -1
		}
	}
	return string(b)
}

func cmpOr(a, b byte) byte {
	if a != 0 {
		return a
	}
	return b
}

// once is a text without its repetitions: "Welkom01Welkom01!" says no more than "Welkom01!". The text has one byte per
// character.
func once(text string) string {
	for n := len(text) / 2; n >= 2; n-- {
		for i := 0; i+2*n <= len(text); {
			if strings.EqualFold(text[i:i+n], text[i+n:i+2*n]) {
				text = text[:i+n] + text[i+2*n:]
			} else {
				i++
			}
		}
	}
	var b strings.Builder
	seen := map[string]bool{}
	for len(text) > 0 {
		n := strings.IndexFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
		if n < 0 {
			n = len(text)
		}
		if word := strings.ToLower(text[:n]); !seen[word] {
			seen[word] = n > 2
			b.WriteString(text[:n])
		}
		if n < len(text) {
			b.WriteByte(text[n])
			n++
		}
		text = text[n:]
	}
	return b.String()
}

// contextRanks are the words that belong to the person or the platform, which are tried first.
func contextRanks(context []string) map[string]int {
	all := map[string]int{}
	for _, text := range context {
		for _, w := range pieces(ascii(strings.ToLower(text))) {
			if len(w) > 2 && all[w] == 0 {
				all[w] = len(all) + 1
			}
		}
	}
	return all
}

// ascii writes a text in one byte per character, which is what the estimator counts in: without the marks on letters, and
// with a letter for every other character. Neighbours in another script stay neighbours, and repetitions stay such.
func ascii(text string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(text) {
		switch {
		case r <= unicode.MaxASCII:
			b.WriteByte(byte(r))
		case !unicode.IsMark(r):
			b.WriteByte('a' + byte(r%26))
		}
	}
	return b.String()
}
