package phone_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/phone"
)

// A code is either exactly one that we would make for one of the issuers, or it is refused.
func FuzzParseQR(f *testing.F) {
	issuers := []string{issuer, other, "https://inloggen.example"}
	good := issuer + "/app#" + strings.Repeat("Ab-_", 10) + "abc"
	for _, text := range []string{"", "#", good, good + "A", strings.Replace(good, "/linde", "", 1), "https://inloggen.example/app/app#" + good} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		of, ref, err := phone.ParseQR(text, issuers)
		switch {
		case err != nil && (of != "" || ref != ""):
			t.Errorf("%q: refused, and %q %q", text, of, ref)
		case err == nil && (text != of+"/app#"+ref || !slices.Contains(issuers, of) || len(ref) != 43 || strings.ContainsAny(ref, "#/?=+ \n")):
			t.Errorf("%q: %q %q", text, of, ref)
		}
	})
}
