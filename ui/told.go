package ui

import (
	"slices"
	"strings"
	"time"

	"github.com/minddistrict/idp/outbox"
)

// NotifiedParty is a party that was told of a logout.
type NotifiedParty struct {
	Party string
	Waits bool      // it has not confirmed yet
	At    time.Time // when it confirmed; zero: it did not
}

// NotifiedPartiesOf is one line for each name, in their order. Parties of one name are one to people, who are logged
// out there when the last of them said so. A party without a name is not shown: there is none any more.
func NotifiedPartiesOf(receipts []outbox.Receipt, name func(party string) string) (all []NotifiedParty) {
	for _, r := range receipts {
		t := NotifiedParty{Party: name(r.Party), Waits: r.Outcome == ""}
		if t.Party == "" {
			continue
		}
		if r.Outcome == outbox.Sent {
			t.At = r.SettledAt
		}
		i := slices.IndexFunc(all, func(other NotifiedParty) bool { return other.Party == t.Party })
		switch {
		case i < 0:
			all = append(all, t)
		case t.rank() > all[i].rank() || t.rank() == all[i].rank() && t.At.After(all[i].At):
			all[i] = t
		}
	}
	slices.SortStableFunc(all, func(a, b NotifiedParty) int { return strings.Compare(a.Party, b.Party) })
	return all
}

// rank is the higher the less a party confirmed.
func (t NotifiedParty) rank() int {
	switch {
	case t.Waits:
		return 1
	case t.At.IsZero():
		return 2
	}
	return 0
}
