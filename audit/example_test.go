package audit_test

import (
	"fmt"
	"time"

	"github.com/minddistrict/idp/audit"
)

// Kinds are words with dots; a word that ends in one names all that begin with it.
func ExampleKindsOf() {
	kinds, err := audit.KindsOf("session.")
	fmt.Println(kinds, err)
	_, err = audit.KindsOf("sessions.")
	fmt.Println(err)
	// Output:
	// [session.start session.raise session.end session.end_all] <nil>
	// invalid: there is no kind "sessions."; docs/audit.md lists them
}

// Reading the record is on record as well: who read, and whose.
func ExampleQuery_Reading() {
	now := time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)
	event := audit.Query{Platform: "linde", Account: "anna", Limit: 50}.Reading(audit.Reader{Name: "cli jan"}, 3, now)
	fmt.Println(event.Actor, event.Kind, event.Account, event.Outcome)
	// Output: cli jan audit.read anna success
}
