package staff_test

import (
	"fmt"
	"time"

	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
)

// A right is a row of a table, which says who has it and what it wants of the actor.
func ExampleActor_May() {
	now := time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)
	helpdesk := staff.Actor{Name: "h", Platform: "linde", Account: "h", Role: platform.Helpdesk, Active: true, FreshAt: now.Add(-time.Hour)}
	said := staff.Justification{Reason: staff.LostPhone, Identified: staff.InPerson}
	client := staff.Subject{Account: "anna", Role: platform.Client, Platform: "linde"}
	manager := staff.Subject{Account: "m", Role: platform.Manager, Platform: "linde"}

	fmt.Println(helpdesk.May(staff.ActReset, client, said, now))
	helpdesk.FreshAt = now
	fmt.Println(helpdesk.May(staff.ActReset, client, staff.Justification{}, now))
	fmt.Println(helpdesk.May(staff.ActReset, client, said, now))
	fmt.Println(helpdesk.May(staff.ActReset, manager, said, now))
	// Output:
	// not signed in freshly enough
	// no reason
	// <nil>
	// refused
}
