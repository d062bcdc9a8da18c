package sheet_test

import (
	"testing"

	"github.com/minddistrict/idp/internal/sheet"
)

// A cell is no formula, and none begins inside it for a spreadsheet that takes another separator.
func TestNoFormulaBeginsInsideACell(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "Anna": "Anna", "a=1": "a=1", "=1": "'=1", " =1": "' =1", "＝1": "'＝1", "'=1": "'=1", "é": "é",
		"Mozilla;=cmd|'/C calc'!A0": "Mozilla;'=cmd|'/C calc'!A0", "a,@SUM(A1)": "a,'@SUM(A1)", "a\t-1": "a\t'-1",
		"a\n +1": "a\n '+1", "a;\"=1": "a;\"'=1", "a;=1;=2": "a;'=1;'=2", "a;＝1": "a;'＝1",
		"(X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)": "(X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)",
	} {
		if got := sheet.Cell(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
		if got := sheet.Cell(want); got != want {
			t.Errorf("%q: again %q", want, got)
		}
	}
}
