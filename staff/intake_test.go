package staff

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/platform"
)

// cabinet keeps one file in memory.
type cabinet struct {
	there    map[string]account.ID
	file     *Intake
	admitted []Admission
	limits   []authn.Limit
	events   []audit.Event
	refuses  error // what Admit says
}

func (c *cabinet) AccountsOf(_ context.Context, p platform.ID, keys []string) (map[string]account.ID, error) {
	found := map[string]account.ID{}
	for _, key := range keys {
		if id, ok := c.there[key]; ok && p == "linde" {
			found[key] = id
		}
	}
	return found, nil
}

func (c *cabinet) SaveIntake(_ context.Context, i Intake, limits []authn.Limit, events []audit.Event, _ time.Time) error {
	c.file, c.limits, c.events = &i, limits, append(c.events, events...)
	return nil
}

func (c *cabinet) RenewIntake(_ context.Context, old string, i Intake, _ time.Time) error {
	if c.file.ID != old {
		return fault.NotFound
	}
	if !c.file.AppliedAt.IsZero() {
		return fault.Spent
	}
	c.file = &i
	return nil
}

func (c *cabinet) Intake(_ context.Context, p platform.ID, session, id string, now time.Time) (*Intake, error) {
	if c.file == nil || c.file.Platform != p || c.file.Session != session || c.file.ID != id || !now.Before(c.file.ExpiresAt) {
		return nil, fault.NotFound
	}
	return c.file, nil
}

func (c *cabinet) Admit(_ context.Context, a Admission, now time.Time) error {
	if c.refuses != nil {
		return c.refuses
	}
	c.admitted = append(c.admitted, a)
	c.file.AppliedAt, c.file.Invited = now, len(a.Accounts)
	return nil
}

// filing is acts on files of somebody with a role.
func filing(t *testing.T, role platform.Role) (*cabinet, *Files) {
	_, acts := helping(t, role)
	c := &cabinet{there: map[string]account.ID{"anna@example.org": "anna"}}
	return c, &Files{Acts: acts, Intakes: c, Open: func(sealed []byte, _ string) ([]byte, error) { return sealed, nil }}
}

// list is a file with addresses.
func list(addresses ...string) (c Checked) {
	for i, address := range addresses {
		c.Rows = append(c.Rows, Row{Line: i + 2, Newcomer: Newcomer{Given: "X", Address: address}})
	}
	return c
}

func TestAFileIsCheckedRowByRow(t *testing.T) {
	c, s := filing(t, platform.Helpdesk)
	file := list("bram@example.org", "anna@example.org", "BRAM@Example.org", "chris", "dora@example.org", "Anna@example.org", "emma@example.org")
	file.Rows[4].Role = "helpdesk"
	file.Rows[6].Unread = Flaws{BrokenRow}
	id, err := s.Check(t.Context(), "linde", "session", file)
	if err != nil {
		t.Fatal(err)
	}
	i, got, err := s.Read(t.Context(), "linde", "session", id)
	if err != nil || i.Account != "someone" || !i.ExpiresAt.Equal(rightsNow.Add(time.Hour)) {
		t.Fatalf("%v, %+v", err, i)
	}
	var said []string
	for _, r := range got.Rows {
		said = append(said, fmt.Sprintf("%t %v %d %s", r.New(), r.Flaws, r.Twice, r.There))
	}
	want := []string{
		"true  0 ", "false  0 anna", "false  2 ", "false bad address 0 ", "false higher role 0 ", "false  3 anna", "false broken row 0 ",
	}
	if !slices.Equal(said, want) {
		t.Errorf("got  %q\nwant %q", said, want)
	}
	if len(c.limits) != 1 || c.limits[0].Max != ChecksPerHour || len(c.events) != 1 || c.events[0].Kind != audit.FileChecked || c.events[0].Reason != "7 rows, 2 with an account" {
		t.Errorf("limits %+v, events %+v", c.limits, c.events)
	}
	if strings.Contains(fmt.Sprint(c.events), "@") {
		t.Error("an address is on record")
	}
	next, err := s.Admit(t.Context(), "linde", "session", id)
	if err != nil || next != "" || len(c.admitted) != 1 {
		t.Fatalf("%q, %v", next, err)
	}
	a, helper := c.admitted[0], audit.Acting{Account: "someone", Role: platform.Helpdesk}
	if len(a.Accounts) != 1 || a.Accounts[0].Email.Key != "bram@example.org" || len(a.Issue) != 1 || len(a.Messages) != 1 || len(a.Events) != 2 ||
		a.By != "someone" || a.Events[0].As != helper || c.events[0].As != helper || a.Intake != id || a.Count[0].Max != IntakesPerHour ||
		!reflect.DeepEqual(a.There, map[string]account.ID{"anna@example.org": "anna"}) || len(a.Keys) != 3 {
		t.Errorf("%+v", a)
	}
	if _, err := s.Admit(t.Context(), "linde", "session", id); !errors.Is(err, fault.Spent) {
		t.Errorf("again: %v", err)
	}
}

// What is different when it is applied is shown, and nobody is invited; so it is where another was faster by a moment.
func TestAFileThatDiffersIsShownAgain(t *testing.T) {
	for name, meanwhile := range map[string]func(*cabinet, *Files){
		"somebody has got an account":       func(c *cabinet, _ *Files) { c.there["bram@example.org"] = "bram" },
		"somebody is another person by now": func(c *cabinet, _ *Files) { c.there["anna@example.org"] = "other" },
		"somebody has none any more":        func(c *cabinet, _ *Files) { delete(c.there, "anna@example.org") },
		"the helper ranks lower":            func(_ *cabinet, s *Files) { s.People = peopleOf{staffed(platform.Helpdesk)} },
		"another was faster":                func(c *cabinet, _ *Files) { c.refuses = fault.Stale },
		"another has the address":           func(c *cabinet, _ *Files) { c.refuses = fmt.Errorf("index: %w", fault.Taken) },
	} {
		c, s := filing(t, platform.Manager)
		file := list("bram@example.org", "anna@example.org", "henk@example.org")
		file.Rows[2].Role = "helpdesk"
		id, err := s.Check(t.Context(), "linde", "session", file)
		if err != nil {
			t.Fatal(err)
		}
		meanwhile(c, s)
		next, err := s.Admit(t.Context(), "linde", "session", id)
		if !errors.Is(err, fault.Stale) || next == "" || next == id || len(c.admitted) > 0 || c.file.ID != next {
			t.Errorf("%s: %q, %v", name, next, err)
		}
		c.refuses = nil
		if again, err := s.Admit(t.Context(), "linde", "session", next); err != nil || again != "" || len(c.admitted) != 1 {
			t.Errorf("%s, and looked at: %q, %v", name, again, err)
		}
	}
}

func TestAFileIsForWhoMay(t *testing.T) {
	for name, row := range map[string]struct {
		change func(*Files)
		want   error
	}{
		"no helper any more": {func(s *Files) { s.People = peopleOf{staffed(platform.Client)} }, fault.Refused},
		"an operator":        {func(s *Files) { s.Actor = Operator("cli test") }, fault.Refused},
		"a system":           {func(s *Files) { s.Actor = system("accounts:invite") }, fault.Refused},
		"another platform": {func(s *Files) {
			s.Actor.Platform = "wilg"
			s.People = peopleOf{with(staffed(platform.Manager), func(a *Actor) { a.Platform = "wilg" })}
		}, fault.Refused},
	} {
		c, s := filing(t, platform.Manager)
		id, err := s.Check(t.Context(), "linde", "session", list("bram@example.org"))
		if err != nil {
			t.Fatal(err)
		}
		row.change(s)
		if _, err := s.Admit(t.Context(), "linde", "session", id); !errors.Is(err, row.want) || len(c.admitted) > 0 {
			t.Errorf("%s applies a file: %v", name, err)
		}
		if _, err := s.Check(t.Context(), "linde", "session", list("bram@example.org")); !errors.Is(err, row.want) {
			t.Errorf("%s checks a file: %v", name, err)
		}
	}
	_, s := filing(t, platform.Manager)
	id, err := s.Check(t.Context(), "linde", "session", list("anna@example.org"))
	if err != nil {
		t.Fatal(err)
	}
	for _, other := range [][2]string{{"another", id}, {"session", "another"}} {
		if _, err := s.Admit(t.Context(), "linde", other[0], other[1]); !errors.Is(err, fault.NotFound) {
			t.Errorf("%v: %v", other, err)
		}
	}
	if _, err := s.Admit(t.Context(), "linde", "session", id); !errors.Is(err, fault.Refused) {
		t.Errorf("nobody is new: %v", err)
	}
}

// Whatever rows say, nobody is invited of whom the report said anything else, and nobody is left out.
func FuzzAdmit(f *testing.F) {
	f.Add("Anna", "van", "Berg", "anna@example.org", "client", "nl", "bram@example.org")
	f.Add("=1", "", "", "a@b.nl", "boss", "fr", "A@b.nl")
	f.Add("Ren\xe9", "\x00", "<b>", "@", "", "", "")
	f.Fuzz(func(t *testing.T, given, middle, family, address, role, locale, other string) {
		c, s := filing(t, platform.Helpdesk)
		n := Newcomer{Given: given, Middle: middle, Family: family, Address: address, Role: role, Locale: locale}
		file := Checked{Rows: []Row{{Line: 2, Newcomer: n}, {Line: 3, Newcomer: Newcomer{Given: "X", Address: other}}, {Line: 4, Newcomer: n}}}
		id, err := s.Check(t.Context(), "linde", "session", file)
		if err != nil {
			t.Fatal(err)
		}
		_, report, err := s.Read(t.Context(), "linde", "session", id)
		if err != nil {
			t.Fatal(err)
		}
		promised := map[string]bool{}
		for _, r := range report.Rows {
			if r.New() {
				email, err := account.ParseEmail(r.Address)
				if err != nil || promised[email.Key] {
					t.Errorf("promised %q: %v", r.Address, err)
				}
				promised[email.Key] = true
			}
		}
		_, err = s.Admit(t.Context(), "linde", "session", id)
		invited := map[string]bool{}
		for _, a := range c.admitted {
			for _, b := range a.Accounts {
				invited[b.Email.Key] = true
				if name := b.Profile.Name(); name == "" || strings.ContainsAny(name[:1], "=+-@") || b.Role == platform.Helpdesk || b.Role == platform.Manager || b.State != account.Invited {
					t.Errorf("invited %+v", b)
				}
			}
		}
		if len(promised) == 0 && errors.Is(err, fault.Refused) {
			return
		}
		if err != nil || !reflect.DeepEqual(promised, invited) {
			t.Errorf("promised %v, invited %v: %v", promised, invited, err)
		}
	})
}
