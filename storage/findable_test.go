package storage_test

import (
	"go/ast"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// What people are found by follows every write of a name or an address: the statements that do are these, and
// keepsContract sees each transaction of theirs make the account findable afterwards. An UPDATE elsewhere would leave
// somebody to be found by the name of before.
func TestNamesAreWrittenInOnePlace(t *testing.T) {
	var found []string
	inspect(t, func(name string, n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if lit, isLit := n.(*ast.BasicLit); isLit && !ok {
			if text, err := strconv.Unquote(lit.Value); err == nil && writesName(text) {
				found = append(found, name)
			}
			return true
		}
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if lit, isLit := spec.Values[0].(*ast.BasicLit); isLit {
			if text, err := strconv.Unquote(lit.Value); err == nil && writesName(text) {
				found = append(found, spec.Names[0].Name)
			}
			return false
		}
		return true
	})
	slices.Sort(found)
	if want := []string{"insertAccount", "insertNamedAccount", "readdressAccount", "upsertAccount"}; !slices.Equal(found, want) {
		t.Errorf("names and addresses are written by %q, want %q: what writes them calls findable in its transaction, and is listed here", found, want)
	}
	for text, want := range map[string]bool{
		"UPDATE accounts SET email = $1": true, "\nUPDATE accounts\nSET updated_at = $1, profile = $2\nWHERE id = $3": true,
		"INSERT INTO accounts (id) VALUES ($1)": true, "UPDATE accounts SET email_verified_at = $1 WHERE email_key = $2": false,
		"UPDATE accounts SET state = $1 WHERE profile = ''": false, "SELECT email FROM accounts": false,
	} {
		if got := writesName(text); got != want {
			t.Errorf("%q: %t, want %t", text, got, want)
		}
	}
}

var nameSet = regexp.MustCompile(`(?s)\bUPDATE accounts\s+SET\s.*?\b(email|email_key|profile) = .*?(WHERE|$)`)

// writesName reports whether a statement writes the name or the address of accounts.
func writesName(text string) bool {
	if strings.Contains(text, "INSERT INTO accounts ") {
		return true
	}
	set, _, _ := strings.Cut(text, "\nWHERE")
	set, _, _ = strings.Cut(set, " WHERE ")
	return nameSet.MatchString(set)
}
