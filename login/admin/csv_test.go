package admin

import "testing"

func TestCellsAreNoFormulas(t *testing.T) {
	for value, want := range map[string]string{
		"": "", "Anna": "Anna", "a=1": "a=1", " =1": "' =1", "=1+1": "'=1+1", "+31 10": "'+31 10", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)",
		"\t=1": "'\t=1", "\r=1": "'\r=1", "'=1": "'=1", "é": "é", "Mozilla;=1": "Mozilla;'=1",
	} {
		if got := csvCell(value); got != want {
			t.Errorf("%q: %q, want %q", value, got, want)
		}
	}
}
