package admin

import "testing"

// What was not done is never said with the mark of what was.
func TestWhatWasNotDoneIsAWarning(t *testing.T) {
	for _, key := range notices() {
		not := key == noticeChanged || key == noticeLate || key == noticeSoon || key == noticeAlready
		if got := (Chrome{Notice: key}).Warns(); got != not {
			t.Errorf("%s warns: %t, want %t", key, got, not)
		}
	}
}
