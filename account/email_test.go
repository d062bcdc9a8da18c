package account

import (
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/minddistrict/idp/internal/fault"
)

func TestParseEmail(t *testing.T) {
	for name, c := range map[string]struct{ typed, address, key string }{
		"plain":                   {"anna@example.org", "anna@example.org", "anna@example.org"},
		"blanks around":           {"  anna@example.org\t\n", "anna@example.org", "anna@example.org"},
		"capitals":                {"Anna.De.Vries@Example.ORG", "Anna.De.Vries@Example.ORG", "anna.de.vries@example.org"},
		"plus":                    {"anna+zorg@example.org", "anna+zorg@example.org", "anna+zorg@example.org"},
		"apostrophe":              {"o'brien@example.org", "o'brien@example.org", "o'brien@example.org"},
		"international domain":    {"anna@bücher.example", "anna@bücher.example", "anna@xn--bcher-kva.example"},
		"the same in capitals":    {"anna@BÜCHER.example", "anna@BÜCHER.example", "anna@xn--bcher-kva.example"},
		"the same in ASCII":       {"anna@XN--BCHER-KVA.example", "anna@XN--BCHER-KVA.example", "anna@xn--bcher-kva.example"},
		"é in one character":      {"ren\u00e9@example.org", "ren\u00e9@example.org", "ren\u00e9@example.org"},
		"é in two characters":     {"rene\u0301@example.org", "ren\u00e9@example.org", "ren\u00e9@example.org"},
		"capitals beyond ASCII":   {"\u00c9l@example.org", "\u00c9l@example.org", "\u00c9l@example.org"},
		"local part of 64":        {strings.Repeat("a", 64) + "@example.org", strings.Repeat("a", 64) + "@example.org", strings.Repeat("a", 64) + "@example.org"},
		"full-width domain, IDNA": {"anna@ｅxample.org", "anna@ｅxample.org", "anna@example.org"},
	} {
		got, err := ParseEmail(c.typed)
		if err != nil || got.Address != c.address || got.Key != c.key {
			t.Errorf("%s: %q: got %q with key %q, %v, want %q with key %q", name, c.typed, got.Address, got.Key, err, c.address, c.key)
		}
	}
}

// Addresses that look alike are different people (CVE-2019-19844).
func TestLookAlikesStayApart(t *testing.T) {
	want, err := ParseEmail("mike@example.org")
	if err != nil {
		t.Fatal(err)
	}
	for name, typed := range map[string]string{
		"dotless i":        "m\u0131ke@example.org",
		"dotted capital i": "m\u0130ke@example.org",
		"Kelvin sign":      "mi\u212ae@example.org",
		"Cyrillic e":       "mik\u0435@example.org",
		"full-width m":     "\uff4dike@example.org",
		"Greek":            "m\u03b9ke@example.org",
		"dot":              "m.ike@example.org",
		"plus":             "mike+1@example.org",
		"Cyrillic domain":  "mike@ex\u0430mple.org",
		"another domain":   "mike@example.org.example",
	} {
		got, err := ParseEmail(typed)
		if err == nil && got.Key == want.Key {
			t.Errorf("%s: %q has the key of mike@example.org", name, typed)
		}
	}
}

func TestParseEmailRefuses(t *testing.T) {
	for name, typed := range map[string]string{
		"empty":              "",
		"blanks":             " \t ",
		"no at":              "anna.example.org",
		"two at":             "anna@wilg@example.org",
		"no local part":      "@example.org",
		"no domain":          "anna@",
		"no dot":             "anna@localhost",
		"dot at the end":     "anna@example.org.",
		"dot at the start":   "anna@.example.org",
		"two dots":           "anna@example..org",
		"two dots, local":    "an..na@example.org",
		"dot first, local":   ".anna@example.org",
		"dot last, local":    "anna.@example.org",
		"blank inside":       "an na@example.org",
		"line feed inside":   "anna@example.org\nBcc: everybody@example.org",
		"CR LF inside":       "anna\r\nRCPT TO:<x@example.org>@example.org",
		"tab":                "anna\t@example.org",
		"null":               "anna\x00@example.org",
		"DEL":                "anna\x7f@example.org",
		"next line":          "anna\u0085@example.org",
		"right-to-left mark": "anna\u200f@example.org",
		"right-to-left over": "anna\u202e@example.org",
		"zero width joiner":  "an\u200dna@example.org",
		"zero width space":   "an\u200bna@example.org",
		"byte order mark":    "anna@example.org\ufeff.nl",
		"soft hyphen":        "an\u00adna@example.org",
		"no-break space":     "an\u00a0na@example.org",
		"line separator":     "anna\u2028@example.org",
		"name":               "Anna <anna@example.org>",
		"angle brackets":     "<anna@example.org>",
		"quoted":             `"anna"@example.org`,
		"comment":            "anna(x)@example.org",
		"list":               "anna@example.org,bram@example.org",
		"two addresses":      "anna@example.org;bram@example.org",
		"address literal":    "anna@[192.0.2.1]",
		"colon":              "group:anna@example.org",
		"backslash":          `an\na@example.org`,
		"local part of 65":   strings.Repeat("a", 65) + "@example.org",
		"label of 64":        "anna@" + strings.Repeat("a", 64) + ".example",
		"255 bytes":          "anna@" + strings.Repeat("a.", 121) + "example.org",
		"10 kB":              strings.Repeat("a", 10_000) + "@example.org",
		"10 kB of domain":    "anna@" + strings.Repeat("a.", 5_000) + "org",
		"broken UTF-8":       "an\xffna@example.org",
		"underscore domain":  "anna@exa_mple.org",
		"hyphen first":       "anna@-example.org",
		"percent route":      "anna%evil.example@[example.org]",
		"slash domain":       "anna@example.org/x",
		"Kelvin sign":        "mi\u212ae@example.org",
		"Greek semicolon":    "mike\u037e@example.org",
		"Greek varia":        "mike\u1fef@example.org",
		"at, full-width":     "anna\uff20example.org",
	} {
		if got, err := ParseEmail(typed); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %q: got %q with key %q, %v, want fault.Invalid", name, typed, got.Address, got.Key, err)
		} else if len(typed) > 3 && strings.Contains(err.Error(), typed) {
			t.Errorf("%s: the error repeats what was typed", name)
		}
	}
}

// foreignASCII is complete: no other character becomes an ASCII one by NFC alone.
func TestForeignASCIIIsComplete(t *testing.T) {
	var found []rune
	for r := rune(utf8.RuneSelf); r <= unicode.MaxRune; r++ {
		if n := norm.NFC.String(string(r)); utf8.ValidRune(r) && len(n) == 1 {
			found = append(found, r)
		}
	}
	for _, r := range found {
		if !strings.ContainsRune(foreignASCII, r) {
			t.Errorf("%U becomes ASCII", r)
		}
	}
	if len(found) != utf8.RuneCountInString(foreignASCII) {
		t.Errorf("got %U", found)
	}
}

func TestMasked(t *testing.T) {
	for typed, want := range map[string]string{"sanne@voorbeeld.nl": "s•••@voorbeeld.nl", "é@example.org": "é•••@example.org"} {
		e, err := ParseEmail(typed)
		if err != nil || e.Masked() != want || e.String() != typed {
			t.Errorf("%s: got %q, %v, want %q", typed, e.Masked(), err, want)
		}
	}
}

func FuzzParseEmail(f *testing.F) {
	for _, s := range []string{"anna@example.org", "m\u0131ke@b\u00fccher.example", "a\r\n@b.c", "\"a\"@b.c", "a@b.c\u200f", "A@XN--BCHER-KVA.example", "\u0301@a.b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		e, err := ParseEmail(typed)
		if err != nil {
			if e != (Email{}) || !errors.Is(err, fault.Invalid) {
				t.Errorf("%q: got %+v, %v", typed, e, err)
			}
			return
		}
		if !utf8.ValidString(e.Address) || strings.ContainsAny(e.Address+e.Key, "\r\n\x00 <>,;\"") || strings.Count(e.Key, "@") != 1 || len(e.Address) > maxEmail {
			t.Errorf("%q: got %+v", typed, e)
		}
		for _, again := range []string{e.Address, e.Key} {
			other, err := ParseEmail(again)
			if again == e.Address && (err != nil || other != e) || again == e.Key && (err != nil || other.Key != e.Key) {
				t.Errorf("%q: reading %q again gives %+v, %v, want %+v", typed, again, other, err, e)
			}
		}
		if !strings.HasPrefix(e.Address, strings.TrimSuffix(strings.Split(e.Masked(), "@")[0], "•••")) {
			t.Errorf("%q is masked as %q", typed, e.Masked())
		}
	})
}
