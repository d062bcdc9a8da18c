package keys

import (
	"time"

	"github.com/minddistrict/idp/audit"
)

// Compromised is the reason of an event: the key may be in other hands.
const Compromised = "compromised"

// Events are what the audit record says of keys that are about to be saved: which were made, and which end at once. The
// planned end of a key is the making of its successor and needs no line of its own.
func Events(changed []Key, actor string, now time.Time) []audit.Event {
	var all []audit.Event
	for _, k := range changed {
		e := audit.Event{At: now, Platform: k.Platform, Actor: actor, Outcome: audit.Success}
		switch {
		case k.MadeAt.Equal(now):
			e.Kind, e.Reason = audit.SigningKeyMade, k.Alg
		case k.DropAt.Equal(now):
			e.Kind, e.Reason = audit.SigningKeyRetired, Compromised
		default:
			continue
		}
		all = append(all, e)
	}
	return all
}
