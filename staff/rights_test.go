package staff

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/platform"
)

var rightsNow = time.Unix(1e9, 0)

// actors are those of the grid: each column has everything that it may say and show.
var actors = map[string]Actor{
	"helpdesk":  staffed(platform.Helpdesk),
	"manager":   staffed(platform.Manager),
	"two":       with(staffed(platform.Manager), func(a *Actor) { a.Second = Second{"other", platform.Manager, rightsNow.Add(-time.Hour)} }),
	"therapist": staffed(platform.Professional),
	"referred":  with(staffed(platform.Professional), func(a *Actor) { a.Referred = "anna" }),
	"client":    staffed(platform.Client),
	"read":      system("accounts:read"), "invite": system("accounts:invite"), "write": system("accounts:write"),
	"refer": system("accounts:refer"), "erase": system("accounts:erase"), "audit": system("audit:read"), "all": system("openid", "accounts", "accounts:*"),
}

func staffed(r platform.Role) Actor {
	return Actor{Name: "someone", Platform: "linde", Account: "someone", Role: r, Active: true, FreshAt: rightsNow.Add(-FreshFor)}
}

func system(scopes ...string) Actor {
	return Actor{Name: "party ehr", Platform: "linde", Scopes: scopes}
}

func with(a Actor, change func(*Actor)) Actor { change(&a); return a }

// grid says of each act who may do it to a client, relative, professional, helpdesk and manager, in that order. A
// column that is not there may do it to nobody.
var grid = map[Act]map[string]string{
	ActFind:            {"helpdesk": "yyyyy", "manager": "yyyyy", "two": "yyyyy", "read": "yyyyy"},
	ActInvite:          {"helpdesk": "yyynn", "manager": "yyyyn", "two": "yyyyn", "invite": "yyynn"},
	ActCorrectAddress:  {"helpdesk": "yyynn", "manager": "yyyyn", "two": "yyyyn", "invite": "yyynn"},
	ActChangeAddress:   {"manager": "yyyyn", "two": "yyyyn", "write": "yyynn"},
	ActUnblock:         {"helpdesk": "yyynn", "manager": "yyyyn", "two": "yyyyn", "write": "yyynn"},
	ActReset:           {"helpdesk": "yyynn", "manager": "yyyyn", "two": "yyyyn", "referred": "yynnn"},
	ActRefer:           {"refer": "yynnn"},
	ActDeactivate:      {"helpdesk": "yyynn", "manager": "yyyyn", "two": "yyyyy", "write": "yyyyn"},
	ActReactivate:      {"helpdesk": "yyynn", "manager": "yyyyn", "two": "yyyyn", "write": "yyynn"},
	ActEndSessions:     {"helpdesk": "yyynn", "manager": "yyyyn", "two": "yyyyn", "write": "yyyyn"},
	ActRemoveDevice:    {"helpdesk": "yyynn", "manager": "yyyyn", "two": "yyyyn", "write": "yyynn"},
	ActRemoveLink:      {"helpdesk": "yyynn", "manager": "yyyyn", "two": "yyyyn"},
	ActErase:           {"two": "yyyyn", "erase": "yyynn"},
	ActSetRole:         {"manager": "yyyyn", "two": "yyyyy"},
	ActOrganisation:    {"manager": "yyyyy", "two": "yyyyy"},
	ActParties:         {"manager": "yyyyy", "two": "yyyyy"},
	ActKeys:            {},
	ActReadConnections: {"manager": "yyyyy", "two": "yyyyy"},
	ActReadRecord:      {"manager": "yyyyy", "two": "yyyyy", "audit": "yyyyy"},
	ActExportPeople:    {"manager": "yyyyy", "two": "yyyyy"},
	ActExportRecord:    {"manager": "yyyyy", "two": "yyyyy", "audit": "yyyyy"},
}

var everyRole = []platform.Role{platform.Client, platform.Relative, platform.Professional, platform.Helpdesk, platform.Manager}

var said = Justification{Reason: "asked", Identified: "in person"}

// Every cell of the table of rights: who may do what to whom.
func TestEveryCellOfTheRights(t *testing.T) {
	for _, r := range Rights() {
		if _, ok := grid[r.Act]; !ok {
			t.Errorf("%s is not in the grid", r)
		}
	}
	for act, row := range grid {
		for name, by := range actors {
			want := row[name]
			if want == "" {
				want = "nnnnn"
			}
			var got strings.Builder
			for _, role := range everyRole {
				switch err := by.May(act, Subject{Account: "anna", Role: role, Platform: "linde"}, said, rightsNow); {
				case err == nil:
					got.WriteByte('y')
				case errors.Is(err, fault.Refused):
					got.WriteByte('n')
				default:
					t.Errorf("%s by %s: %v", act, name, err)
				}
			}
			if got.String() != want {
				t.Errorf("%s by %s: %s, want %s", act, name, got.String(), want)
			}
		}
	}
}

// A role is given by who ranks above it; manager by two.
func TestRolesThatAreGiven(t *testing.T) {
	for name, row := range map[string]map[Act]string{
		"helpdesk":  {ActInvite: "yyynn", ActSetRole: "nnnnn"},
		"manager":   {ActInvite: "yyyyn", ActSetRole: "yyyyn"},
		"two":       {ActInvite: "yyyyn", ActSetRole: "yyyyy"},
		"therapist": {ActInvite: "nnnnn", ActSetRole: "nnnnn"},
		"invite":    {ActInvite: "yyynn", ActSetRole: "nnnnn"},
	} {
		for act, want := range row {
			var got strings.Builder
			for _, role := range everyRole {
				err := actors[name].May(act, Subject{Account: "anna", Role: platform.Client, Platform: "linde", Gives: role}, said, rightsNow)
				got.WriteByte(map[bool]byte{true: 'y', false: 'n'}[err == nil])
			}
			if got.String() != want {
				t.Errorf("%s by %s gives %s, want %s", act, name, got.String(), want)
			}
		}
	}
	odd := Subject{Account: "anna", Role: "superuser", Platform: "linde"}
	if err := actors["two"].May(ActUnblock, odd, said, rightsNow); !errors.Is(err, fault.Refused) {
		t.Errorf("of a role that nobody knows: %v", err)
	}
}

// Whatever the act and whoever it is: nothing of another platform, nothing on oneself, nothing once deactivated,
// nothing by nobody; and all that the operator wants.
func TestNobodyMay(t *testing.T) {
	for act := range grid {
		for name, by := range actors {
			for _, role := range everyRole {
				on := Subject{Account: "anna", Role: role, Platform: "linde"}
				if err := by.May(act, Subject{Account: "anna", Role: role, Platform: "wilg"}, said, rightsNow); !errors.Is(err, fault.NotFound) {
					t.Errorf("%s by %s on another platform: %v", act, name, err)
				}
				if by.Account != "" {
					self := on
					self.Account = by.Account
					if i := slices.IndexFunc(rights, func(r Right) bool { return r.Act == act }); rights[i].Person {
						if err := by.May(act, self, said, rightsNow); !errors.Is(err, fault.Refused) {
							t.Errorf("%s by %s on himself: %v", act, name, err)
						}
					}
					if err := with(by, func(a *Actor) { a.Active = false }).May(act, on, said, rightsNow); !errors.Is(err, fault.Refused) {
						t.Errorf("%s by %s who is not active: %v", act, name, err)
					}
				}
				if err := (Actor{Name: "nobody"}).May(act, on, said, rightsNow); err == nil {
					t.Errorf("%s by nobody", act)
				}
				if err := Operator("cli").May(act, on, Justification{}, rightsNow); err != nil {
					t.Errorf("%s by the operator: %v", act, err)
				}
			}
		}
	}
	if err := actors["two"].May("fly", Subject{Account: "anna", Platform: "linde"}, said, rightsNow); !errors.Is(err, fault.Refused) {
		t.Errorf("an act that there is not: %v", err)
	}
}

// What an act wants is said, one thing after the other: a fresh sign-in, why, how identified, a second manager.
func TestWhatActsWant(t *testing.T) {
	wants := map[Act]string{
		ActCorrectAddress: "fresh reason", ActChangeAddress: "fresh reason", ActReset: "fresh reason identified", ActDeactivate: "reason",
		ActReactivate: "reason", ActEndSessions: "reason", ActRemoveDevice: "reason", ActRemoveLink: "fresh reason identified", ActErase: "reason second", ActSetRole: "reason",
		ActOrganisation: "fresh", ActParties: "fresh", ActExportRecord: "fresh", ActExportPeople: "fresh",
	}
	on := Subject{Account: "anna", Role: platform.Client, Platform: "linde"}
	for _, r := range Rights() {
		if r.Manager == no {
			continue
		}
		manager := actors["two"]
		stale := with(manager, func(a *Actor) { a.FreshAt = rightsNow.Add(-FreshFor - time.Second) })
		never := with(manager, func(a *Actor) { a.FreshAt = time.Time{} })
		alone := with(manager, func(a *Actor) { a.Second = Second{} })
		for word, row := range map[string]struct {
			by   Actor
			said Justification
			is   Denial
		}{
			"fresh": {stale, said, NotFresh}, "fresh ": {never, said, NotFresh}, "reason": {manager, Justification{"", said.Identified}, NoReason},
			"identified": {manager, Justification{said.Reason, ""}, NotIdentified}, "second": {alone, said, NoSecond},
		} {
			var want error
			if strings.Contains(wants[r.Act], strings.TrimSpace(word)) {
				want = row.is
			}
			if err := row.by.May(r.Act, on, row.said, rightsNow); !errors.Is(err, want) {
				t.Errorf("%s without %s: %v, want %v", r.Act, word, err, want)
			}
		}
	}
}

// The confirmation is that of another manager, lately.
func TestSecondManager(t *testing.T) {
	manager := Subject{Account: "boss", Role: platform.Manager, Platform: "linde"}
	day := rightsNow.Add(-SecondFor)
	for says, row := range map[string]struct {
		second Second
		may    bool
	}{
		"another": {Second{"other", platform.Manager, rightsNow}, true}, "a day ago": {Second{"other", platform.Manager, day}, true},
		"nobody": {Second{}, false}, "the actor": {Second{"someone", platform.Manager, rightsNow}, false}, "the subject": {Second{"boss", platform.Manager, rightsNow}, false},
		"helpdesk": {Second{"other", platform.Helpdesk, rightsNow}, false}, "over a day ago": {Second{"other", platform.Manager, day.Add(-time.Second)}, false},
		"ahead": {Second{"other", platform.Manager, rightsNow.Add(time.Second)}, false},
	} {
		by := with(staffed(platform.Manager), func(a *Actor) { a.Second = row.second })
		if err := by.May(ActDeactivate, manager, said, rightsNow); (err == nil) != row.may || err != nil && !errors.Is(err, NoSecond) {
			t.Errorf("%s: %v", says, err)
		}
	}
}

// The acts that there are hold the table: a helper may what his row says, by the way of every act.
func TestActsHoldTheRights(t *testing.T) {
	for kind, act := range every {
		for _, actor := range []string{"helpdesk", "manager", "therapist", "referred", "client"} {
			for _, role := range everyRole {
				for _, state := range []account.State{account.Active, account.Invited} {
					f := facts(state)
					f.Now, f.Account.Role, f.Actor = rightsNow, role, actors[actor]
					f = saying(kind, f)
					want := f.Actor.May(f.right(kind, demands[kind]), f.subject(), f.Justification, f.Now)
					if _, waits := waitOf(f.right(kind, demands[kind]), f.subject()); waits && want == nil && f.Actor.Second == (Second{}) {
						want = Waits
					}
					change, err := act(f)
					if want != nil && !errors.Is(err, want) || want == nil && err != nil && state == account.Active && kind != audit.AccountInvited && kind != audit.AccountAdded {
						t.Errorf("%s of %s %s by %s: %v, want %v", kind, state, role, actor, err, want)
					}
					if err == nil && change.Events[0].Actor != "someone" {
						t.Errorf("%s by %s is on record as %s", kind, actor, change.Events[0].Actor)
					}
				}
			}
		}
	}
	f := facts(account.Invited)
	f.Now, f.Actor, f.Account.Role, f.Justification.Reason = rightsNow, actors["helpdesk"], platform.Client, Mistyped
	if _, err := SetEmail(f, elsewhere, nil); err != nil {
		t.Errorf("helpdesk corrects the address of somebody who never signed in: %v", err)
	}
	f = facts(account.Active)
	f.Now, f.Actor, f.Account.Role, f.Justification.Reason = rightsNow, actors["helpdesk"], platform.Client, Mistyped
	if _, err := SetEmail(f, elsewhere, nil); !errors.Is(err, fault.Refused) {
		t.Errorf("helpdesk changes the address of somebody active: %v", err)
	}
}
