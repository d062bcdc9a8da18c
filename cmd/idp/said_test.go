package main_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/minddistrict/idp/outbox"
)

// What an operator says with an act is words of the act's lists: another one is refused with those that there are, and
// nothing is done. The record has them, each in its place.
func TestOperatorsSayWordsOfTheLists(t *testing.T) {
	onBoth(t, func(t *testing.T, i *install) {
		i.setUp()
		i.withApp("")
		before := i.rowsOf("events")
		on := func(verb string, more ...string) []string {
			return append([]string{"account", verb, "anna@example.org", "--platform", "linde"}, more...)
		}
		phones, ways := "lost-phone, new-phone, lost-codes", "in-person, video, called-back, known"
		for _, row := range []struct {
			want string
			args []string
		}{
			{`--reason "": invalid: one of ` + phones, on("reset-2fa")},
			{`--reason "called me": invalid: one of ` + phones, on("reset-2fa", "--reason", "called me", "--identified", "video")},
			{`--reason "left": invalid: one of ` + phones, on("reset-2fa", "--reason", "left", "--identified", "video")},
			{`--identified "": invalid: one of ` + ways, on("reset-2fa", "--reason", "lost-phone")},
			{`--identified "by voice": invalid: one of ` + ways, on("reset-2fa", "--reason", "lost-phone", "--identified", "by voice")},
			{`--reason "": invalid: one of left, asked, suspicion`, on("deactivate")},
			{`--reason "returned": invalid: one of left, asked, suspicion`, on("deactivate", "--reason", "returned")},
			{`--reason "": invalid: one of returned, mistake, asked`, on("reactivate")},
			{`unknown flag: --identified`, on("deactivate", "--reason", "left", "--identified", "video")},
			{`unknown flag: --reason`, on("unblock", "--reason", "left")},
			{`--reason "": invalid: one of new-address, mistyped`, append(on("set-email"), "new@example.org")},
		} {
			i.refused(2, row.want, row.args...)
		}
		if after := i.rowsOf("events"); after != before {
			t.Errorf("%d events were recorded by what was refused", after-before)
		}

		i.OK(on("reset-2fa", "--reason", "lost-codes", "--identified", "called-back")...)
		i.OK(on("deactivate", "--reason", "suspicion")...)
		var all []eventJSON
		i.read(&all, "audit", "list", "--platform", "linde", "--limit", "2")
		if len(all) != 2 || all[1].Kind != "two_step.reset" || all[1].StatedReason != "lost-codes" || all[1].Identified != "called-back" || all[1].Reason != "" ||
			all[0].Kind != "account.deactivate" || all[0].StatedReason != "suspicion" || all[0].Identified != "" || all[0].Reason != "" {
			t.Errorf("the record has %+v", all)
		}
		text := i.OK("audit", "list", "--platform", "linde", "--kind", "two_step.reset")
		if !strings.Contains(text, "  stated_reason lost-codes  identified called-back\n") {
			t.Errorf("as text: %s", text)
		}
	})
}

// A manager's two-step authentication is reset after a day; the command says so, and asks once.
func TestResetOfAManagerWaitsADay(t *testing.T) {
	onBoth(t, func(t *testing.T, i *install) {
		i.setUp()
		i.withApp(", role: manager")
		reset := []string{
			"account", "reset-2fa", "anna@example.org", "--platform", "linde", "--reason", "lost-phone", "--identified", "called-back",
		}
		if said := i.OK(reset...); !strings.Contains(said, "will be reset at ") {
			t.Errorf("said %q", said)
		}
		var a openedJSON
		if i.read(&a, "account", "show", "anna@example.org", "--platform", "linde"); !slices.Contains(a.Factors, "totp") {
			t.Errorf("reset at once: %+v", a)
		}
		i.waiting("linde", outbox.ResetAsked)
		i.refused(1, "", reset...)
	})
}
