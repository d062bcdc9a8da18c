package account

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

func TestFold(t *testing.T) {
	for text, want := range map[string]string{
		"Élise": "elise", "e\u0301": "e", "\u00e9": "e", "STRASSE": "strasse", "Straße": "strasse", "İpek": "ipek", "ısı": "isi", "ŁÓDŹ": "lodz",
		"Ærø": "aero", "ﬁn": "fin", "Ａnna": "anna", "O’Neil": "o'neil", "王": "王", "한": "한", "👩‍⚕️": "👩⚕", "a\x00b": "ab", "\xffa": "a",
		"van\u00a0der": "van der", "ǅ": "dz", "ΑΣ": "ας",
	} {
		if got, same := Fold(text), Fold(want); got != same {
			t.Errorf("%q: %q, want %q", text, got, same)
		}
	}
}

func TestWordsOfAnAccount(t *testing.T) {
	a := Account{
		Email:   Email{Key: "j.smit-de_boer+zorg@mail.example.org"},
		Profile: Profile{GivenName: "Jan Peter", MiddleName: "van 't", FamilyName: "Smit-Bakker"},
	}
	var got []string
	for _, w := range a.Words() {
		got = append(got, string(w))
	}
	want := "'t bakker boer de j j.smit-de_boer+zorg j.smit-de_boer+zorg@mail.example.org jan mail.example.org peter smit smit-bakker t van zorg"
	if joined := strings.Join(got, " "); joined != want {
		t.Errorf("got  %s\nwant %s", joined, want)
	}
	if key := string(a.SortKey()); key != "smit-bakker jan peter van 't" {
		t.Errorf("sorted as %q", key)
	}
	if key := string((&Account{Email: Email{Key: "a@b.c"}}).SortKey()); key != "a@b.c" {
		t.Errorf("without a name sorted as %q", key)
	}
}

func TestPlaceComesBack(t *testing.T) {
	for _, p := range []Place{{}, {[]byte("de vries anna"), "abc"}, {[]byte{0, 255, 1}, "x.y"}} {
		got, err := ParsePlace(p.String())
		if err != nil || !bytes.Equal(got.Key, p.Key) || got.ID != p.ID {
			t.Errorf("%v: %v, %v", p, got, err)
		}
	}
	for _, text := range []string{"x", ".", ".a", "YQ", "YQ.", "Y=.a", "YR.a", "  "} {
		if p, err := ParsePlace(text); err == nil {
			t.Errorf("%q: %v", text, p)
		}
	}
}

// Signs at the end of a word belong to the list or the sentence that it comes from.
func TestSearchLeavesOutWhatEndsAWord(t *testing.T) {
	for typed, want := range map[string][]string{
		"Berg, Anna": {"anna", "berg"}, "anna b.": {"anna", "b"}, "anna@example.org;": {"anna@example.org"}, ". ,": {",", "."}, "J.P. Smit": {"smit", "j.p"},
	} {
		var got []string
		for _, p := range (Search{Typed: typed}).Words() {
			got = append(got, string(p.From))
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", typed, got, want)
		}
	}
}

// Whatever somebody is called and whatever is typed: words are small, sorted and sound, and a search finds what a look at each word finds.
func FuzzWords(f *testing.F) {
	f.Add("Anna", "de", "Vries", "anna@example.org", "vri")
	f.Add("İ", "ß", "e\u0301", "\xff@", "\x00")
	f.Add(strings.Repeat("ﷺ", 100), "", "王小明", "a", "ﷺ")
	f.Fuzz(func(t *testing.T, given, middle, family, key, typed string) {
		a := Account{Email: Email{Key: key}, Profile: Profile{GivenName: given, MiddleName: middle, FamilyName: family}}
		words := a.Words()
		for _, w := range words {
			if len(w) == 0 || len(w) > maxWord || !utf8.Valid(w) || !norm.NFC.IsNormal(w) || bytes.ContainsAny(w, " \x00") {
				t.Errorf("%q", w)
			}
		}
		if len(words) > maxWords || !slices.IsSortedFunc(words, bytes.Compare) {
			t.Errorf("%q", words)
		}
		if k := a.SortKey(); len(k) == 0 || len(k) > maxWord || !utf8.Valid(k) {
			t.Errorf("sorted as %q", k)
		}
		for _, p := range (Search{Typed: typed}).Words() {
			for _, w := range words {
				in := bytes.Compare(w, p.From) >= 0 && bytes.Compare(w, p.To) < 0
				if in != bytes.HasPrefix(w, p.From) {
					t.Errorf("%q in %q: %t", w, p, in)
				}
			}
		}
		for _, name := range strings.Fields(family) { // found by each name as it is spelled
			for _, p := range (Search{Typed: name}).Words() {
				if len(words) < maxWords && !slices.ContainsFunc(words, func(w []byte) bool { return bytes.HasPrefix(w, p.From) }) {
					t.Errorf("%q is not found by %q: %q", family, name, words)
				}
			}
		}
	})
}
