package account

import (
	"cmp"

	"github.com/minddistrict/idp/platform"
)

// Person is who an identifier of the record stands for, as known today.
type Person struct {
	ID    ID
	Name  string // full name; empty: it is not kept here
	Email Email
	Role  platform.Role
}

// CalledAs is the name of the person, or the address where no name is kept.
func (p Person) CalledAs() string { return cmp.Or(p.Name, p.Email.Address) }
