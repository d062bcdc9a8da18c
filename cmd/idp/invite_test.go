package main_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
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
		var r addedJSON
		if i.read(&r, on("add", "ria@example.org", "--invite")...); fmt.Sprint(r.Changed) != "[account linde/ria@example.org]" || r.State != "invited" || r.Mail != "waiting" {
			t.Errorf("account add --invite: %+v", r)
		}
		i.recorded("linde", "account.add ", "account.invite ")
		i.waiting("linde", outbox.Welcome)
		i.refused(1, "none of the others can be", on("add", "x@example.org", "--invite", "--password-file", i.File("words", "negen groene fietsen lachen!\n"))...)

		var a accountJSON
		if out := i.OK(on("add", "piet@example.org")...); !strings.HasPrefix(out, "added account linde/piet@example.org\n") ||
			!strings.HasSuffix(out, "No mail was sent, and nobody can sign in with a password yet: `idp account invite piet@example.org --platform linde` sends the welcome mail.\n") {
			t.Errorf("account add says %q", out)
		}
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
		i.OK(on("deactivate", "anna@example.org", "--reason", "asked")...)
		i.refused(1, "refused", on("set-email", "anna@example.org", "x@example.org", "--reason", "new-address")...)
		i.refused(1, "refused", on("invite", "anna@example.org")...)
		i.refused(2, "accepts 2 arg(s), received 1", on("set-email", "anna@example.org")...)

		alone := i.with("IDP_MASTER_KEYS_FILE=" + i.File("other", keys.NewMaster()))
		for _, args := range [][]string{on("invite", "piet@example.org"), on("set-email", "piet@example.org", "p@example.org", "--reason", "new-address")} {
			alone.refused(1, "master key", args...) // the servers could not open what it seals
		}
	})
}

// Whoever adds an account is told what was done and what was not, and of a password that the person could not choose.
func TestAddSaysWhatItDid(t *testing.T) {
	i := newInstall(t, "")
	i.setUp()
	add := func(email string, more ...string) (out, warned string) {
		r := i.Run(append([]string{"account", "add", email, "--platform", "linde"}, more...)...)
		if r.Code != 0 {
			t.Fatalf("account add %s: %+v", email, r)
		}
		return r.Out, r.Err
	}
	if out, warned := add("a@example.org", "--invite"); !strings.HasSuffix(out, "\nThe welcome mail waits: no mail server is configured here (smtp.host). Until one is, and the person makes a password with its button, nobody can sign in.\n") || warned != "" {
		t.Errorf("invited without a mail server: %q, %q", out, warned)
	}
	withMail := i.with("IDP_SMTP__HOST=mail.example.org", "IDP_SMTP__FROM=login@example.org")
	if r := withMail.Run("account", "add", "b@example.org", "--platform", "linde", "--invite"); r.Code != 0 || !strings.HasSuffix(r.Out, "\nThe welcome mail waits for a server, which sends it. Until the person makes a password with its button nobody can sign in.\n") {
		t.Errorf("invited: %+v", r)
	}
	for n, c := range []struct{ words, warned string }{
		{"negen groene fietsen lachen!", ""},
		{"kort", "it is too short: at least 12 characters"},
		{"negengroenefietsen", "it has too few characters that are neither letter nor digit: at least 1"},
		{"p6@example.org!", "it is easy to guess"},
	} {
		address := fmt.Sprintf("p%d@example.org", n+3)
		out, warned := add(address, "--password-file", i.File("words", c.words+"\n"))
		if want := "warning: account linde/" + address + ": password: outside the rule of the platform, and taken nevertheless: " + c.warned + "\n"; c.warned == "" && warned != "" ||
			c.warned != "" && warned != want || !strings.HasSuffix(out, "\nThe person can sign in with the password. No mail was sent.\n") {
			t.Errorf("%s: %q, %q", c.words, out, warned)
		}
	}
	file := i.File("more.yaml", "platforms: [{ name: linde, accounts: [{ email: q@example.org, password: kort }] }]")
	var r report
	if i.read(&r, "apply", file); len(r.Warnings) != 1 || !strings.HasPrefix(r.Warnings[0], "account linde/q@example.org: password: outside the rule") {
		t.Errorf("apply warns of %q", r.Warnings)
	}
	if i.read(&r, "apply", file); len(r.Changed)+len(r.Warnings) != 0 {
		t.Errorf("applied again: %+v", r)
	}
}

// What staff see of somebody who cannot get in an operator sees, too, and that is on the record.
func TestShowSaysWhySomebodyCannotGetIn(t *testing.T) {
	onBoth(t, func(t *testing.T, i *install) {
		i.setUp()
		i.OK("account", "add", "ria@example.org", "--platform", "linde", "--invite", "--given-name", "Ria", "--family-name", "de Vries")
		var ria, anna openedJSON
		i.read(&ria, "account", "show", "ria@example.org", "--platform", "linde")
		i.recorded("linde", "people.open ")
		if ria.Name != "Ria de Vries" || ria.State != "invited" || ria.Invitation != "made" || !ria.SignedInAt.IsZero() || len(ria.Waits) != 0 || len(ria.Mails) != 1 ||
			ria.Mails[0].Kind != "mail_welcome" || ria.Mails[0].Medium != "mail" || ria.Mails[0].State != "queued" || ria.Mails[0].QueuedAt.IsZero() || !ria.Mails[0].SettledAt.IsZero() {
			t.Errorf("account show: %+v", ria)
		}
		out := i.OK("account", "show", "ria@example.org", "--platform", "linde")
		for _, want := range []string{"name        Ria de Vries\n", "signed in   never\n", "invitation  made\n", "waits       no\n", "  mail_welcome, queued\n"} {
			if !strings.Contains(out, want) {
				t.Errorf("account show does not say %q:\n%s", want, out)
			}
		}
		i.with("IDP_MASTER_KEYS_FILE="+i.File("other", keys.NewMaster())).refused(1, "master key", "account", "show", "ria@example.org", "--platform", "linde")

		i.serve()
		i.visitor().signIn(i)
		i.read(&anna, "account", "show", "anna@example.org", "--platform", "linde")
		i.wrongCodes(account.ID(anna.Sub))
		i.read(&anna, "account", "show", "anna@example.org", "--platform", "linde")
		if anna.SignedInAt.IsZero() || anna.Sessions != 1 || len(anna.Waits) != 1 || anna.Waits[0].For != "codes" {
			t.Errorf("account show of somebody who waits: %+v", anna)
		}
		out = i.OK("account", "show", "anna@example.org", "--platform", "linde")
		if !strings.Contains(out, "waits       codes, until "+anna.Waits[0].Until.Format(time.RFC3339)+"\n") || !strings.Contains(out, "signed in   2") {
			t.Errorf("account show of somebody who waits:\n%s", out)
		}
	})
}

// wrongCodes counts wrong codes of somebody, as the server does, until the next one is refused.
func (i *install) wrongCodes(of account.ID) {
	i.t.Helper()
	limit := authn.CodesOf(i.sealer(), "linde", of)
	i.inDatabase(func(db *storage.DB) error {
		for range limit.Max {
			if _, err := db.Count(i.t.Context(), "linde", []authn.Limit{limit}, time.Now()); err != nil {
				return err
			}
		}
		return nil
	})
}

// sealer is that of the program.
func (i *install) sealer() *keys.Sealer {
	i.t.Helper()
	master, err := keys.ParseMaster(i.Master)
	if err != nil {
		i.t.Fatal(err)
	}
	sealer, err := keys.NewSealer(master)
	if err != nil {
		i.t.Fatal(err)
	}
	return sealer
}

// waiting compares the kinds of the messages that wait on a platform, in any order.
func (i *install) waiting(on platform.ID, want ...outbox.Kind) {
	i.t.Helper()
	var got []outbox.Kind
	i.inDatabase(func(db *storage.DB) error {
		letters, err := db.Messages(i.t.Context(), on, 100)
		for _, l := range letters {
			got = append(got, l.Kind)
		}
		return err
	})
	slices.Sort(got)
	if !slices.Equal(got, want) {
		i.t.Errorf("letters of %s: %q, want %q", on, got, want)
	}
}

// rowsOf counts rows.
func (i *install) rowsOf(from string) (n int) {
	i.t.Helper()
	i.inDatabase(func(db *storage.DB) error { return db.SQL().QueryRow("SELECT COUNT(*) FROM " + from).Scan(&n) })
	return n
}
