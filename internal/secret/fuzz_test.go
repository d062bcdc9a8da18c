package secret

import (
	"strings"
	"testing"
)

// The identifier of a journey or request comes from an address: what passes as one is safe in SQL, paths and logs.
func FuzzIsID(f *testing.F) {
	for _, s := range []string{ID(), strings.Repeat("a", 26), strings.Repeat("A", 26), strings.Repeat("a", 25) + "\x00", strings.Repeat("é", 13), "", "../../../../etc/passwd/aaaa"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if IsID(s) != (len(s) == 26 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz234567") == "") {
			t.Fatalf("%q: %t", s, IsID(s))
		}
	})
}
