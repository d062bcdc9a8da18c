package recoverycode

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
)

var written = regexp.MustCompile(`^[A-HJKMNP-TV-Z2-9]{4}-[A-HJKMNP-TV-Z2-9]{4}-[A-HJKMNP-TV-Z2-9]{4}$`)

func TestSetsAreWrittenForPeople(t *testing.T) {
	seen := map[string]bool{}
	for i := range 200 {
		codes := derive([]byte{byte(i)})
		if len(codes) != 6 || !slices.IsSorted(codes) || !slices.Equal(codes, derive([]byte{byte(i)})) {
			t.Fatalf("%q: six, sorted, the same each time", codes)
		}
		for _, code := range codes {
			if !written.MatchString(Written(code)) || seen[code] {
				t.Errorf("%q is not a code, or came before", Written(code))
			}
			seen[code] = true
		}
	}
}

// Every character is as likely as every other: 58 bits are 58 bits only then.
func TestCharactersAreUniform(t *testing.T) {
	count := map[rune]int{}
	for i := range 2000 {
		for _, r := range strings.Join(derive([]byte{byte(i), byte(i >> 8), 'x'}), "") {
			count[r]++
		}
	}
	want := 2000 * setSize * codeSize / len(alphabet)
	for _, r := range alphabet {
		if n := count[r]; n < want*9/10 || n > want*11/10 {
			t.Errorf("%c came %d times, want about %d", r, n, want)
		}
	}
}

func TestSpellingDoesNotMatter(t *testing.T) {
	for typed, want := range map[string]string{
		"K7QM-2XHP-9TRD": "K7QM2XHP9TRD", "k7qm2xhp9trd": "K7QM2XHP9TRD", " K7QM 2XHP\t9TRD ": "K7QM2XHP9TRD", "K7QM\u20102XHP\u20119TRD": "K7QM2XHP9TRD",
		"K7QM-2XHP-9TRD!": "K7QM2XHP9TRD!", "": "",
	} {
		if got := Read(typed); got != want {
			t.Errorf("%q: %q, want %q", typed, got, want)
		}
	}
}

// box is a sealer that only binds.
type box struct{}

func (box) Seal(plain []byte, binding string) []byte { return append([]byte(binding+"|"), plain...) }
func (box) Open(sealed []byte, binding string) ([]byte, error) {
	return bytes.TrimPrefix(sealed, []byte(binding+"|")), nil
}
func (box) MAC(_, data string) []byte { return []byte(data) }

func TestSameCodesOfTwoAccountsAreStoredApart(t *testing.T) {
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	codes := []string{"K7QM-2XHP-9TRD", "B4WN-8CVF-3JGY"}
	anna, hers := NewSet(box{}, "linde", "anna", codes, now)
	bram, his := NewSet(box{}, "linde", "bram", codes, now)
	for i := range codes {
		if bytes.Equal(hers[i].Hash, his[i].Hash) || bytes.Contains(hers[i].Hash, []byte(codes[i])) {
			t.Error("a code can be told from how it is stored")
		}
		if hers[i].Account != "anna" || hers[i].Purpose != authn.TicketRecoveryCode || hers[i].State(now.AddDate(100, 0, 0)) != authn.TicketWorks {
			t.Errorf("ticket %+v", hers[i])
		}
	}
	for set, tickets := range map[*account.Credential][]authn.Ticket{&anna: hers, &bram: his} {
		h, err := Hash(box{}, *set, "k7qm 2xhp 9trd")
		if err != nil || !bytes.Equal(h, tickets[0].Hash) {
			t.Errorf("%s: the code is not found: %v", set.Account, err)
		}
	}
}
