package staff

import (
	"testing"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/platform"
)

// What a person does is saved only while he has the role that it was decided by: every event of it says so.
func TestEveryActOfAPersonSaysWhoActsInWhichRole(t *testing.T) {
	manager := audit.Acting{Account: "someone", Role: platform.Manager}
	tried := 0
	for kind, act := range every {
		for _, state := range []account.State{account.Active, account.Invited, account.Deactivated} {
			f := facts(state)
			f.Account.Role, f.Now = platform.Client, rightsNow
			for by, want := range map[*Actor]audit.Acting{
				new(staffed(platform.Manager)): manager, new(Operator("cli test")): {}, new(system("accounts:invite", "accounts:write", "accounts:refer")): {},
			} {
				f.Actor = *by
				c, err := act(saying(kind, f))
				if err != nil {
					continue // TestActsRefuse and the grid have which
				}
				if tried++; len(c.Events) == 0 {
					t.Errorf("%s leaves no event", kind)
				}
				for _, e := range c.Events {
					if e.As != want || e.Actor != by.Name {
						t.Errorf("%s by %s: %+v", e.Kind, by.Name, e.As)
					}
				}
			}
		}
	}
	if tried < 40 {
		t.Errorf("%d acts are done, too few", tried)
	}
}

// Of an act that waits both who asked for it and who agreed are looked at when it is done.
func TestWhatWaitsSaysWhoActsInWhichRole(t *testing.T) {
	for _, c := range waitingCases {
		f, p, asked := c.asked(t)
		asker, second := audit.Acting{Account: "someone", Role: c.asker}, audit.Acting{Account: "second", Role: c.second}
		f.Actor, f.Justification = c.agreeing(), Justification{}
		agreed, err := Confirm(f, p, staffed(c.asker), c.wish)
		if err != nil {
			t.Fatal(err)
		}
		withdrawn, err := Withdraw(f, p)
		if err != nil {
			t.Fatal(err)
		}
		for says, row := range map[string]struct {
			change authn.Change
			want   []audit.Acting
		}{
			"asked": {asked, []audit.Acting{asker}}, "agreed": {agreed, []audit.Acting{second, asker}}, "withdrawn": {withdrawn, []audit.Acting{second}},
		} {
			for i, e := range row.change.Events {
				if e.As != row.want[i] {
					t.Errorf("%s of %s, %s: %+v, want %+v", c.act, c.role, says, e.As, row.want[i])
				}
			}
		}
		f.Actor, f.Now = Actor{}, p.DueAt
		due, how, err := Due(f, p, staffed(c.asker), c.wish)
		if err != nil {
			t.Fatal(err)
		}
		if want := map[bool]audit.Acting{true: {}, false: asker}[how == Lapsed]; due.Events[0].As != want {
			t.Errorf("%s of %s, %s: %+v", c.act, c.role, how, due.Events[0].As)
		}
	}
}
