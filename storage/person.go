package storage

import (
	"context"
	"fmt"
	"strings"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/platform"
)

// MaxPersons is how many identifiers are looked up at once: those of a page of the record, who did it and to whom.
const MaxPersons = 100

// selectPersons has a placeholder for each of MaxPersons; those that are not used are empty, which no identifier is.
var selectPersons = `
SELECT id, email, email_key, role, profile
FROM accounts
WHERE platform = $1
AND id IN (` + placeholders(2, MaxPersons) + `)`

func placeholders(first, n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("$%d", first+i)
	}
	return strings.Join(all, ", ")
}

// Persons are who some identifiers stand for, in no order; one that no account of the platform has is left out. More than
// MaxPersons: fault.Invalid.
func (db *DB) Persons(ctx context.Context, p platform.ID, ids []account.ID) ([]account.Person, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	if len(ids) > MaxPersons {
		return nil, fail("finding names", fmt.Errorf("%w: %d identifiers, at most %d", fault.Invalid, len(ids), MaxPersons))
	}
	args := make([]any, 1+MaxPersons)
	args[0] = string(p)
	for i := range MaxPersons {
		args[1+i] = ""
		if i < len(ids) {
			args[1+i] = string(ids[i])
		}
	}
	rows, err := list(ctx, db.read, func(a *account.Account) []any {
		return []any{&a.ID, &a.Email.Address, &a.Email.Key, &a.Role, document{&a.Profile}}
	}, selectPersons, args...)
	all := make([]account.Person, len(rows))
	for i, a := range rows {
		all[i] = account.Person{ID: a.ID, Name: a.Profile.Name(), Email: a.Email, Role: a.Role}
	}
	return all, fail("finding names", err)
}
