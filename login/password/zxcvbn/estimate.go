// Package zxcvbn estimates how many guesses a text takes, as zxcvbn does (Wheeler, USENIX Security 2016).
//
// It follows github.com/ccojocar/zxcvbn-go and reads its lists of words and its keyboards, but not its matcher, which
// takes 18 MiB and a tenth of a second before main, whether anybody chooses a password or not, reads a keyboard anew for
// every row of keys, and takes seconds for the signs that stand for letters of a long password; those are left to the
// caller. A test holds the two against each other.
package zxcvbn

import "math"

// match is a part of a text that is easier to guess than its characters one by one.
type match struct {
	from, end int     // bytes from up to, not including, end
	bits      float64 // log2 of the guesses it takes
}

// Bits is log2 of the guesses that a text takes: those of the parts that together take the fewest. Between matches
// every character is guessed by itself. The text has one byte per character; rank is how
// early a word in lower case is tried, 1 first, 0 if it is no word.
func Bits(text string, rank func(word string) int) float64 {
	matches := words(text, rank)
	for _, find := range []func(string) []match{repetitions, sequences, dates, rows} {
		matches = append(matches, find(text)...)
	}
	ending := make([][]match, len(text)+1)
	for _, m := range matches {
		ending[m.end] = append(ending[m.end], m)
	}
	least, character := make([]float64, len(text)+1), math.Log2(alphabet(text))
	for end := 1; end <= len(text); end++ {
		least[end] = least[end-1] + character
		for _, m := range ending[end] {
			least[end] = min(least[end], least[m.from]+m.bits)
		}
	}
	return least[len(text)]
}

// Score turns bits into zxcvbn's scores, 0 to 4. A guess takes 10 ms (theirs; ours take three times that) on each of 100 cores.
func Score(bits float64) int {
	const secondsPerGuess = 0.01 / 100
	seconds := 0.5 * math.Pow(2, bits) * secondsPerGuess
	score := 0
	for _, limit := range []float64{1e2, 1e4, 1e6, 1e8} {
		if seconds >= limit {
			score++
		}
	}
	return score
}

// alphabet is how many characters those of a text are chosen from.
func alphabet(text string) float64 {
	var lower, upper, digits, others float64
	for i := range len(text) {
		switch classOf(text[i]) {
		case 'a':
			lower = 26
		case 'A':
			upper = 26
		case '0':
			digits = 10
		default:
			others = 33
		}
	}
	return lower + upper + digits + others
}

// classOf is the first character of the alphabet of a byte: a, A or 0; 0 for all others.
func classOf(c byte) byte {
	switch {
	case 'a' <= c && c <= 'z':
		return 'a'
	case 'A' <= c && c <= 'Z':
		return 'A'
	case '0' <= c && c <= '9':
		return '0'
	}
	return 0
}

// toLower keeps the length of a text, whatever its bytes.
func toLower(text string) string {
	b := []byte(text)
	for i, c := range b {
		if classOf(c) == 'A' {
			b[i] += 'a' - 'A'
		}
	}
	return string(b)
}

// words finds those that have a rank.
func words(text string, rank func(word string) int) (all []match) {
	lower := toLower(text)
	for from := range len(text) {
		for end := from + 1; end <= len(text); end++ {
			if n := rank(lower[from:end]); n > 0 {
				all = append(all, match{from, end, math.Log2(float64(n)) + capitals(text[from:end])})
			}
		}
	}
	return all
}

// capitals is what it takes to guess which letters of a word are capitals: next to nothing for the first, the last, or
// all of them.
func capitals(word string) float64 {
	var upper, lower float64
	for i := range len(word) {
		switch classOf(word[i]) {
		case 'A':
			upper++
		case 'a':
			lower++
		}
	}
	usual := upper == 1 && (classOf(word[0]) == 'A' || classOf(word[len(word)-1]) == 'A')
	switch {
	case upper == 0:
		return 0
	case usual || upper == float64(len(word)):
		return 1
	}
	return math.Log2(choices(upper+lower, min(upper, lower)))
}

// choices is in how many ways at most k of n can be chosen.
func choices(n, k float64) float64 {
	sum := 0.0
	for i := 0.0; i <= k; i++ {
		sum += binomial(n, i)
	}
	return sum
}

func binomial(n, k float64) float64 {
	product := 1.0
	for i := 1.0; i <= k; i++ {
		product *= (n - k + i) / i
	}
	return product
}

// repetitions finds the same character three times or more, as capital or not.
func repetitions(text string) (all []match) {
	lower := toLower(text)
	for from := 0; from < len(text); {
		end := from + 1
		for end < len(text) && lower[end] == lower[from] {
			end++
		}
		if n := end - from; n > 2 {
			all = append(all, match{from, end, math.Log2(alphabet(text[from:end]) * float64(n))})
		}
		from = end
	}
	return all
}

// sequences finds abc, CBA and 456.
func sequences(text string) (all []match) {
	for from := 0; from < len(text); {
		end, step := from+1, 0
		for end < len(text) {
			class, next := classOf(text[end-1]), int(text[end])-int(text[end-1])
			if class == 0 || class != classOf(text[end]) || next != 1 && next != -1 || step != 0 && next != step {
				break
			}
			end, step = end+1, next
		}
		if n := end - from; n > 2 {
			bits := math.Log2(float64(n))
			if first := text[from]; first != 'a' && first != '1' {
				bits += math.Log2(alphabet(text[from:end]))
				if classOf(first) == 'A' {
					bits++
				}
			}
			if step < 0 {
				bits++
			}
			all = append(all, match{from, end, bits})
		}
		from = end
	}
	return all
}
