package authn

import (
	"testing"
	"time"
)

// What is promised of passwords that somebody tries: the numbers are no accident.
func TestNumbersOfGuesses(t *testing.T) {
	if PerDay != 50 {
		t.Errorf("%d guesses in any 24 hours", PerDay)
	}
	if Refill >= TicketUnblock.Life() || BlockFor >= TicketUnblock.Life() {
		t.Error("a wait outlives the button that ends it, which is mailed once in each")
	}
	if AtOnce <= BlockAt || AtOnce*Refill > ForgetAfter {
		t.Error("a counter is forgotten before its bucket is full again")
	}
	if slack := (Limit{Max: 3, Every: 144 * time.Minute}).Slack(); slack != 288*time.Minute {
		t.Errorf("slack %s", slack)
	}
}
