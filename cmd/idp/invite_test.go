package main_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/minddistrict/idp/keys"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/storage"
)

// What staff can do about a person's mail: invite, send it again, give a new address. A node of the house sends it.
func TestInviteResendSetEmail(t *testing.T) {
	onBoth(t, func(t *testing.T, i *install) {
		i.setUp()
		on := func(args ...string) []string {
			return append(append([]string{"account"}, args...), "--platform", "linde")
		}
		var r report
		if i.read(&r, on("add", "ria@example.org", "--invite")...); fmt.Sprint(r.Changed) != "[account linde/ria@example.org]" {
			t.Errorf("account add --invite: %+v", r)
		}
		i.recorded("linde", "account.add ", "account.invite ")
		i.waiting("linde", outbox.Welcome)
		i.refused(1, "none of the others can be", on("add", "x@example.org", "--invite", "--password-file", i.file("words", "negen groene fietsen lachen!\n"))...)

		var a accountJSON
		i.ok(on("add", "piet@example.org")...)
		i.recorded("linde", "account.add ")
		if i.read(&a, on("invite", "Piet@example.org")...); a.Email != "piet@example.org" || a.State != "invited" {
			t.Errorf("account invite: %+v", a)
		}
		i.recorded("linde", "account.invite ")
		if i.read(&a, on("resend", "piet@example.org")...); a.State != "invited" {
			t.Errorf("account resend: %+v", a)
		}
		i.waiting("linde", outbox.Welcome, outbox.Welcome, outbox.Welcome)
		if n := i.rowsOf("tickets WHERE purpose = 'welcome' AND voided_at IS NULL"); n != 2 {
			t.Errorf("%d buttons of two people work", n)
		}
		i.refused(1, "refused", on("invite", "anna@example.org")...) // has a password
		i.refused(1, "not found", on("invite", "nobody@example.org")...)
		i.refused(1, "not found", "account", "resend", "piet@example.org", "--platform", "els")
		i.refused(1, "e-mail address", on("resend", "piet")...)

		if i.read(&a, on("set-email", "anna@example.org", "Anna.Bakker@example.org", "--reason", "new-address")...); a.Email != "anna@example.org" {
			t.Errorf("account set-email: %+v: the old address counts until the new one is confirmed", a)
		}
		i.recorded("linde", "email.ask ")
		i.waiting("linde", outbox.EmailChanged, outbox.EmailConfirm, outbox.Welcome, outbox.Welcome, outbox.Welcome)
		i.refused(1, "taken", on("set-email", "anna@example.org", "RIA@example.org", "--reason", "new-address")...)
		i.refused(1, "has this address", on("set-email", "anna@example.org", "anna@example.org", "--reason", "new-address")...)
		i.refused(1, "not found", on("set-email", "nobody@example.org", "x@example.org", "--reason", "new-address")...)
		i.refused(1, "e-mail address", on("set-email", "anna@example.org", "x\r\nBcc: y@example.org", "--reason", "new-address")...)
		i.ok(on("deactivate", "anna@example.org", "--reason", "asked")...)
		i.refused(1, "refused", on("set-email", "anna@example.org", "x@example.org", "--reason", "new-address")...)
		i.refused(1, "refused", on("invite", "anna@example.org")...)
		i.refused(2, "accepts 2 arg(s), received 1", on("set-email", "anna@example.org")...)

		alone := i.with("IDP_MASTER_KEYS_FILE=" + i.file("other", keys.NewMaster()))
		for _, args := range [][]string{on("invite", "piet@example.org"), on("set-email", "piet@example.org", "p@example.org", "--reason", "new-address")} {
			alone.refused(1, "master key", args...) // the servers could not open what it seals
		}
	})
}

// waiting compares the kinds of the letters that wait on a platform, in any order.
func (i *install) waiting(on platform.ID, want ...outbox.Kind) {
	i.t.Helper()
	db, err := storage.Open(i.t.Context(), i.dsn())
	if err != nil {
		i.t.Fatal(err)
	}
	defer func() { _ = db.Close() }() // only read
	letters, err := db.Messages(i.t.Context(), on, 100)
	if err != nil {
		i.t.Fatal(err)
	}
	var got []outbox.Kind
	for _, l := range letters {
		got = append(got, l.Kind)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		i.t.Errorf("letters of %s: %q, want %q", on, got, want)
	}
}

// rowsOf counts rows.
func (i *install) rowsOf(from string) (n int) {
	i.t.Helper()
	db, err := storage.Open(i.t.Context(), i.dsn())
	if err != nil {
		i.t.Fatal(err)
	}
	defer func() { _ = db.Close() }() // only read
	if err := db.SQL().QueryRow("SELECT COUNT(*) FROM " + from).Scan(&n); err != nil {
		i.t.Fatal(err)
	}
	return n
}
