package main_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/storage"
)

type eventJSON struct {
	Cursor, ID, Platform, Kind, Outcome, Actor, Account, Party, Session, Reason, Address, Agent, Reference, Identified string

	StatedReason string `json:"stated_reason"`

	At time.Time
}

// evil is what a browser may call itself: it clears the screen, begins a line of its own, turns the writing round, and
// sends a sequence by one C1 character.
const evil = "Moz\x1b[2J\nsession.start by cli\u202egnirts\u009b31m\U000e0041 \"x\" \\ end"

// haunt saves an event of such a browser.
func (i *install) haunt() {
	i.t.Helper()
	now := time.Now()
	i.inDatabase(func(db *storage.DB) error {
		return db.SaveChange(i.t.Context(), authn.Change{Events: []audit.Event{{
			At: now, Platform: "linde", Kind: audit.PasswordRefused, Actor: "system", Outcome: audit.Failure, Reason: "wrong",
			Origin: audit.Origin{Address: "192.0.2.7", Agent: evil, Reference: "7KQ4-MXDA"},
		}}}, now)
	})
}

func TestOperatorReadsTheRecord(t *testing.T) {
	onBoth(t, func(t *testing.T, i *install) {
		i.setUp()
		i.OK("account", "deactivate", "anna@example.org", "--platform", "linde", "--reason", "left")
		i.OK("account", "reactivate", "anna@example.org", "--platform", "linde", "--reason", "returned")
		i.haunt()
		list := func(args ...string) []string {
			return append([]string{"audit", "list", "--platform", "linde"}, args...)
		}
		var accounts []accountJSON
		i.read(&accounts, "account", "list", "--platform", "linde") // which is not on record, as showing somebody is
		a := accounts[0]

		var all []eventJSON
		i.read(&all, list()...)
		if len(all) < 7 || all[0].Kind != "password.refuse" || all[1].Kind != "account.reactivate" || all[1].Account != a.Sub ||
			!strings.HasPrefix(all[1].Actor, "cli ") || all[0].Agent != evil || all[0].At.Location() != time.UTC {
			t.Fatalf("record: %+v", all)
		}
		for says, row := range map[string]struct {
			args []string
			want string
		}{
			"reference":   {[]string{"--reference", " 7kq4-mxda"}, "password.refuse"},
			"outcome":     {[]string{"--outcome", "failure"}, "password.refuse"},
			"kind":        {[]string{"--kind", "account.deactivate"}, "account.deactivate"},
			"kinds":       {[]string{"--kind", "account.", "--kind", "password.refuse"}, "password.refuse account.reactivate account.deactivate account.add"},
			"address":     {[]string{"--account", "ANNA@example.org", "--kind", "account."}, "account.reactivate account.deactivate account.add"},
			"sub":         {[]string{"--account", a.Sub, "--kind", "account.deactivate"}, "account.deactivate"},
			"actor":       {[]string{"--actor", "system", "--kind", "password."}, "password.refuse"},
			"since":       {[]string{"--since", "1h", "--kind", "account.deactivate"}, "account.deactivate"},
			"until":       {[]string{"--until", "1h"}, ""},
			"a day":       {[]string{"--since", "2026-01-01", "--until", "2200-01-01", "--outcome", "failure"}, "password.refuse"},
			"one":         {[]string{"--limit", "1", "--kind", "account."}, "account.reactivate"},
			"after":       {[]string{"--after", all[1].Cursor, "--kind", "account."}, "account.deactivate account.add"},
			"since event": {[]string{"--since", all[0].At.Format(time.RFC3339Nano), "--outcome", "failure"}, "password.refuse"},
			"until event": {[]string{"--until", all[0].At.Format(time.RFC3339Nano), "--outcome", "failure"}, ""},
		} {
			var found []eventJSON
			i.read(&found, list(row.args...)...)
			kinds := make([]string, len(found))
			for n, e := range found {
				kinds[n] = e.Kind
			}
			if got := strings.Join(kinds, " "); got != row.want {
				t.Errorf("%s: %s, want %s", says, got, row.want)
			}
		}
		i.recordText(all)

		i.refused(1, `platform els: not found`, "audit", "list", "--platform", "els")
		i.refused(1, "not found", list("--account", "nobody@example.org")...)
		for want, args := range map[string][]string{
			`there is no kind "sesion."`: {"--kind", "sesion."}, `--outcome "failed": success or failure`: {"--outcome", "failed"},
			`--since: "yesterday": a moment`: {"--since", "yesterday"}, `--until: "-1h": a moment`: {"--until=-1h"},
			`--after: invalid: "x" is no cursor`: {"--after", "x"}, "limit 0: 1 to 10000": {"--limit", "0"}, "limit 10001": {"--limit", "10001"},
		} {
			i.refused(2, want, list(args...)...)
		}
	})
}

// recordText looks at the record as text, and at the traces that reading left.
func (i *install) recordText(all []eventJSON) {
	i.t.Helper()
	r := i.Run("audit", "list", "--platform", "linde", "--reference", "7KQ4-MXDA", "--limit", "1")
	want := fmt.Sprintf("%s  password.refuse     failure  by system  reason wrong  from 192.0.2.7  agent %s  reference 7KQ4-MXDA\n",
		all[0].At.Format("2006-01-02T15:04:05.000Z"), `"Moz\x1b[2J\nsession.start by cli\u202egnirts\u009b31m\U000e0041 \"x\" \\ end"`)
	if r.Code != 0 || r.Out != want || r.Err != "There may be more: --after "+all[0].Cursor+"\n" {
		i.t.Errorf("as text: exit %d\n%q, want\n%q\n%s", r.Code, r.Out, want, r.Err)
	}
	plain := i.OK("audit", "list", "--platform", "linde", "--reference", "7KQ4-MXDA", "--output", "json")
	if strings.ContainsAny(plain, "\x1b\u202e\u009b\U000e0041") || !json.Valid([]byte(plain)) {
		i.t.Errorf("as JSON: %q", plain)
	}
	var traces []eventJSON
	i.read(&traces, "audit", "list", "--platform", "linde", "--kind", "audit.read", "--limit", "1")
	if len(traces) != 1 || traces[0].Reason != "1 reference" || !strings.HasPrefix(traces[0].Actor, "cli ") || traces[0].Outcome != "success" {
		i.t.Errorf("traces: %+v", traces)
	}
	i.read(&traces, "audit", "list", "--platform", "linde", "--kind", "audit.read", "--account", "anna@example.org")
	if len(traces) != 2 {
		i.t.Errorf("traces about anna: %+v", traces)
	}
}
