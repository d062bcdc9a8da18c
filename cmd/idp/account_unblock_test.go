package main_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/minddistrict/idp/storage"
)

// Wrong passwords are forgotten in every browser when staff say so; what is kept of other addresses and of sources stays.
func TestUnblockForgivesWrongPasswords(t *testing.T) {
	onBoth(t, func(t *testing.T, i *install) {
		i.setUp()
		i.serve()
		counted := func() (failures, all int) {
			i.inDatabase(func(db *storage.DB) error {
				return db.SQL().QueryRow("SELECT COALESCE(SUM(failures), 0), COUNT(*) FROM attempts").Scan(&failures, &all)
			})
			return failures, all
		}
		known := i.visitor()
		known.signIn(i)
		for _, v := range []*visitor{known, i.visitor()} {
			for _, who := range []string{"Anna@example.org", "somebody@example.org"} {
				v.open(http.MethodGet, i.authorize("linde-web", "login"), nil)
				v.submit(url.Values{"email": {who}, "password": {"een heel ander geheim!"}, "do": {"continue"}})
			}
		}
		if failures, all := counted(); failures != 4 || all != 4 {
			t.Fatalf("%d wrong passwords in %d counters", failures, all)
		}
		var one accountJSON
		if i.read(&one, "account", "unblock", "anna@example.org", "--platform", "linde"); one.Email != "anna@example.org" || one.State != "active" {
			t.Errorf("account unblock: %+v", one)
		}
		if failures, all := counted(); failures != 2 || all != 2 {
			t.Errorf("%d wrong passwords in %d counters are left", failures, all)
		}
		i.recorded("linde", "account.unblock ")
		i.refused(1, "not found", "account", "unblock", "somebody@example.org", "--platform", "linde")
		i.refused(1, "not found", "account", "unblock", "anna@example.org", "--platform", "wilg")
		i.refused(1, "e-mail address", "account", "unblock", "anna", "--platform", "linde")
	})
}
