package zxcvbn

import (
	"fmt"
	"math"
	"strings"
	"testing"

	original "github.com/ccojocar/zxcvbn-go"
	"github.com/ccojocar/zxcvbn-go/matching"
)

// ranksOf are the words of the lists, each at its earliest place.
func ranksOf(lists [][]string) func(string) int {
	ranks := map[string]int{}
	for _, list := range lists {
		for i, word := range list {
			if word = strings.ToLower(word); ranks[word] == 0 || i+1 < ranks[word] {
				ranks[word] = i + 1
			}
		}
	}
	return func(word string) int { return ranks[word] }
}

// TestAgainstTheOriginal: the same bits wherever there is no date. With dates the original lets the character after one
// go free, and finds none at the end of a text.
func TestAgainstTheOriginal(t *testing.T) {
	lists := Lists()
	rank, equal := ranksOf(lists), 0
	for i := 0; i < len(lists[0]); i += 60 {
		password, word, name := lists[0][i], lists[1][4*i], lists[2][5*i]
		for _, text := range []string{
			password, strings.ToUpper(password[:1]) + password[1:] + "!" + word, word + "-" + strings.ToUpper(name), word + "PASSword" + name,
			fmt.Sprintf("qWerty%sASDFGhjkl;%d", word, i%10), word + "defghZYXWvut8765" + name, "aAa&&&&&" + word + "xxxX" + fmt.Sprint(i%1000),
			fmt.Sprintf("%s%d-%d-%d", word, i%31, i%12, 1950+i%60), fmt.Sprintf("%s %d/%d/%02d %s", name, i%35, i%15, i%100, word),
			fmt.Sprintf("%d.%d.%d%s", 1950+i%60, i%15, i%31, word), fmt.Sprintf("%s%02d%02d%d%s", name, i%31, i%12, 1950+i%60, word),
		} {
			got, want := Bits(text, rank), original.PasswordStrength(text, nil, matching.FilterL33tMatcher).Entropy
			if more := math.Log2(26 + 26 + 10 + 33); len(dates(text)) > 0 && got > want+more {
				t.Errorf("%q: got %.3f bits, the original has %.3f, which is more than a character less", text, got, want)
			} else if len(dates(text)) == 0 {
				if equal++; math.Abs(got-want) > 0.001 {
					t.Errorf("%q: got %.3f bits, the original has %.3f", text, got, want)
				}
			}
		}
	}
	if equal < 800 {
		t.Errorf("only %d texts without a date were compared", equal)
	}
}

func TestDatesAreFoundWhereverTheyAre(t *testing.T) {
	long, short := math.Log2(31*12*119), math.Log2(31*12*100)
	for text, want := range map[string]float64{
		"23-11-1977": long + 2, "1977/11/23": long + 2, "11.23.2031": long + 2, "23_11_77": short + 2, "23111977": long, "19771123": long, "231177": short, "903107": short,
	} {
		if got := Bits(text, func(string) int { return 0 }); math.Abs(got-want) > 0.001 {
			t.Errorf("%s: got %.3f bits, want %.3f", text, got, want)
		}
	}
	for _, text := range []string{"33-11-1977", "23-13-1777", "1977112", "45671234", "4567"} {
		for _, m := range dates(text) {
			if m.end-m.from == len(text) {
				t.Errorf("%s: taken for a date", text)
			}
		}
	}
}

func TestScore(t *testing.T) {
	// 2^bits guesses, half of them on average, at 10,000 a second: 100 seconds are 21 bits.
	for bits, want := range map[float64]int{0: 0, 20.9: 0, 21: 1, 27.5: 1, 27.6: 2, 34.2: 2, 34.3: 3, 40.8: 3, 40.9: 4, 2000: 4} {
		if got := Score(bits); got != want {
			t.Errorf("%v bits: got %d, want %d", bits, got, want)
		}
	}
}

// Whatever the bytes are: nothing panics, and a text never takes more than all of its characters do.
func FuzzBits(f *testing.F) {
	rank := ranksOf(Lists())
	f.Add("12-03-1987 Welkom!!!")
	f.Add("qWErty\x00\xff~}|")
	f.Fuzz(func(t *testing.T, text string) {
		text = text[:min(len(text), 100)]
		if got := Bits(text, rank); got < 0 || got > float64(len(text))*math.Log2(95)+0.001 {
			t.Errorf("%q: %v bits", text, got)
		}
	})
}
