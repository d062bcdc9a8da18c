package admin

import (
	"testing"

	"github.com/minddistrict/idp/internal/secret"
)

// A number is found as people read it aloud and write it down; what it cannot be is said.
func TestReferenceAsItIsReadAloud(t *testing.T) {
	for range 1000 {
		want := secret.Reference()
		if got, ok := readReference(want); !ok || got != want {
			t.Fatalf("%s is read as %s, %v", want, got, ok)
		}
	}
	for typed, want := range map[string]string{
		"7KQ4-MXDA": "7KQ4-MXDA", "7kq4mxda": "7KQ4-MXDA",
		" 7 k q 4 – m x d a ": "7KQ4-MXDA", "7KQ4-MXDA.": "7KQ4-MXDA", "‘7KQ4\tMXDA’": "7KQ4-MXDA",
		"7KQ4-MXD": "", "7KQ4-MXDAA": "", "7KQO-MXDA": "", "7KQ1-MXDA": "", "VKQ4-MXDA": "", "": "", "é7KQ4MXD": "",
	} {
		if got, ok := readReference(typed); ok != (want != "") || ok && got != want {
			t.Errorf("%q is read as %q, %v", typed, got, ok)
		}
	}
}
