package staff

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
)

// newcomer is nothing that anybody would mind.
var newcomer = Newcomer{Given: "Anna", Middle: "van der", Family: "Berg", Address: "Anna@example.org", Role: "client", Locale: "nl"}

// newcomers are what may be said of somebody new, and what is wrong with it.
var newcomers = map[string]struct {
	change func(*Newcomer)
	want   Flaws
}{
	"plain":                 {func(*Newcomer) {}, nil},
	"one name":              {func(n *Newcomer) { n.Given, n.Middle = "", "" }, nil},
	"the other name":        {func(n *Newcomer) { n.Family = "" }, nil},
	"no role, no language":  {func(n *Newcomer) { n.Role, n.Locale = "", "" }, nil},
	"names as people have":  {func(n *Newcomer) { n.Given, n.Middle, n.Family = "J.P. (Jan-Piet)", "in 't", "Süß–de Vries" }, Flaws{OddName}}, // a dash is none of a name
	"apostrophes":           {func(n *Newcomer) { n.Middle, n.Family = "'t", "D’Artagnan-Núñez Jr." }, nil},
	"another script":        {func(n *Newcomer) { n.Given, n.Family = "李", "عبد الله" }, nil},
	"blanks":                {func(n *Newcomer) { n.Given, n.Address = "  Anna \u00a0 ", " anna@example.org " }, nil},
	"no name":               {func(n *Newcomer) { n.Given, n.Family = " ", "" }, Flaws{NoName}},
	"only an infix":         {func(n *Newcomer) { n.Given, n.Family = "", "" }, Flaws{NoName}},
	"a long name":           {func(n *Newcomer) { n.Family = strings.Repeat("é", 101) }, Flaws{OddName}},
	"a longest name":        {func(n *Newcomer) { n.Family = strings.Repeat("é", 100) }, nil},
	"a zero byte":           {func(n *Newcomer) { n.Given = "An\x00na" }, Flaws{OddName}},
	"two lines":             {func(n *Newcomer) { n.Given = "An\nna" }, nil}, // one blank
	"broken characters":     {func(n *Newcomer) { n.Given = "Ren\xe9" }, Flaws{OddName}},
	"writing direction":     {func(n *Newcomer) { n.Given = "anna\u202e" }, Flaws{OddName}},
	"markup":                {func(n *Newcomer) { n.Family = "<b>" }, Flaws{OddName}},
	"an address in a name":  {func(n *Newcomer) { n.Given = "win at https://evil.example" }, Flaws{OddName}},
	"a host in a name":      {func(n *Newcomer) { n.Given = "Go to evil.example now" }, Flaws{OddName}},
	"a formula":             {func(n *Newcomer) { n.Given = "=1+1" }, Flaws{FormulaLike}},
	"two formulas":          {func(n *Newcomer) { n.Given, n.Middle, n.Family = "@SUM(A1)", "-1", " +1" }, Flaws{FormulaLike}},
	"a formula as address":  {func(n *Newcomer) { n.Address = "=a@example.org" }, Flaws{FormulaLike}},
	"no address":            {func(n *Newcomer) { n.Address = " " }, Flaws{NoAddress}},
	"a bad address":         {func(n *Newcomer) { n.Address = "anna" }, Flaws{BadAddress}},
	"a role of nobody":      {func(n *Newcomer) { n.Role = "boss" }, Flaws{UnknownRole}},
	"a language of nobody":  {func(n *Newcomer) { n.Locale = "fr" }, Flaws{UnknownLanguage}},
	"a higher role":         {func(n *Newcomer) { n.Role = "helpdesk" }, Flaws{HigherRole}},
	"much":                  {func(n *Newcomer) { *n = Newcomer{Role: "x", Locale: "x", Given: "=", Family: "<"} }, Flaws{FormulaLike, NoAddress, OddName, UnknownLanguage, UnknownRole}},
	"a damaged address":     {func(n *Newcomer) { n.Address = "ren\ufffd@example.org" }, Flaws{BadAddress}},
	"a long address":        {func(n *Newcomer) { n.Address = strings.Repeat("a", 250) + "@example.org" }, Flaws{BadAddress}},
	"several addresses":     {func(n *Newcomer) { n.Address = "a@example.org, b@example.org" }, Flaws{BadAddress}},
	"a name in the address": {func(n *Newcomer) { n.Address = "Anna <a@example.org>" }, Flaws{BadAddress}},
}

func TestNewcomers(t *testing.T) {
	for name, row := range newcomers {
		n := newcomer
		row.change(&n)
		a, err := n.Account(actors["helpdesk"], rightsNow)
		got, _ := errors.AsType[Flaws](err)
		if !slices.Equal(got, row.want) || (a == nil) != (row.want != nil) || err != nil && !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v, want %v", name, err, row.want)
		}
	}
	a, err := newcomer.Account(actors["manager"], rightsNow)
	if err != nil {
		t.Fatal(err)
	}
	want := account.Account{
		ID: a.ID, Platform: "linde", Email: account.Email{Address: "Anna@example.org", Key: "anna@example.org"}, Role: platform.Client,
		State: account.Invited, Locale: "nl", Profile: account.Profile{GivenName: "Anna", MiddleName: "van der", FamilyName: "Berg"},
		CreatedAt: rightsNow, UpdatedAt: rightsNow,
	}
	if !reflect.DeepEqual(*a, want) || len(a.ID) != 26 {
		t.Errorf("%+v", a)
	}
}

// Who may give which role: what the page offers, and what is said of each other one.
func TestRolesOfNewcomers(t *testing.T) {
	low := []platform.Role{platform.Client, platform.Relative, platform.Professional}
	for actor, row := range map[string]struct {
		may   []platform.Role
		other Flaw // said of the role manager
	}{
		"helpdesk": {low, HigherRole}, "manager": {append(slices.Clone(low), platform.Helpdesk), SecondForRole},
		"two": {append(slices.Clone(low), platform.Helpdesk), SecondForRole}, "invite": {low, HigherRole},
		"therapist": {nil, HigherRole}, "client": {nil, HigherRole}, "read": {nil, HigherRole},
	} {
		by := actors[actor]
		if got := by.Givable(rightsNow); !slices.Equal(got, row.may) {
			t.Errorf("%s gives %v, want %v", actor, got, row.may)
		}
		for _, role := range platform.Roles {
			n := newcomer
			n.Role = string(role)
			_, err := n.Account(by, rightsNow)
			flaws, _ := errors.AsType[Flaws](err)
			want := HigherRole
			if role == platform.Manager {
				want = row.other
			}
			if may := slices.Contains(row.may, role); may != (err == nil) || !may && !slices.Equal(flaws, Flaws{want}) {
				t.Errorf("%s invites a %s: %v", actor, role, err)
			}
		}
	}
}

// helping is acts of somebody with a role.
func helping(t *testing.T, role platform.Role) (*memory, *Acts) {
	t.Helper()
	m := &memory{f: facts(account.Active)}
	by := staffed(role)
	return m, &Acts{Store: m, Sealer: clear{}, Actor: by, People: peopleOf{by}, Now: rightsNow}
}

func TestSomebodyNewIsAddedAndInvited(t *testing.T) {
	m, s := helping(t, platform.Helpdesk)
	n := newcomer
	n.Address = "bram@example.org"
	a, err := s.Add(t.Context(), "linde", n)
	if err != nil || len(m.saved) != 1 {
		t.Fatalf("%v, %d saved", err, len(m.saved))
	}
	c := m.saved[0]
	if c.Add != a || len(c.Messages) != 1 || c.Messages[0].Kind != outbox.Welcome || len(c.Issue) != 1 || c.Issue[0].Account != a.ID || c.Issue[0].Purpose != authn.TicketWelcome {
		t.Errorf("%+v", c)
	}
	if len(c.Events) != 2 || c.Events[0].Kind != audit.AccountAdded || c.Events[1].Kind != audit.AccountInvited || c.Events[1].Actor != "someone" || c.Events[1].Account != a.ID {
		t.Errorf("events %+v", c.Events)
	}
	if len(c.Count) != 1 || c.Count[0].Max != InvitesPerHour || c.Count[0].Window != time.Hour {
		t.Errorf("counts %+v", c.Count)
	}
	for name, row := range map[string]struct {
		do   func() error
		want error
	}{
		"somebody who is there": {func() error { _, err := s.Add(t.Context(), "linde", newcomer); return err }, fault.Taken},
		"a mistake":             {func() error { _, err := s.Add(t.Context(), "linde", Newcomer{}); return err }, fault.Invalid},
		"another platform":      {func() error { _, err := s.Add(t.Context(), "wilg", n); return err }, fault.Refused},
		"no helper any more": {func() error {
			_, s := helping(t, platform.Client)
			s.Actor.Role = platform.Manager // by the session
			_, err := s.Add(t.Context(), "linde", n)
			return err
		}, fault.Refused},
	} {
		if err := row.do(); !errors.Is(err, row.want) {
			t.Errorf("%s: %v, want %v", name, err, row.want)
		}
	}
	if len(m.saved) != 1 {
		t.Errorf("%d saved", len(m.saved))
	}
}

// An invitation is sent again as often as other mails; an operator is not counted.
func TestInvitationsAgainAreBounded(t *testing.T) {
	f := facts(account.Invited)
	f.Now, f.Actor = rightsNow, actors["helpdesk"]
	f.Account.Role = platform.Client
	again, err := Invite(f)
	if err != nil || len(again.Count) != 1 || again.Count[0].Max != resendsAtOnce || again.Count[0].Every != resendEvery {
		t.Errorf("%v, counts %+v", err, again.Count)
	}
	f.Actor = actors["manager"]
	other, err := Invite(f)
	if err != nil || other.Count[0].Key != again.Count[0].Key {
		t.Errorf("another helper has another counter: %v", err)
	}
	f.Actor = Operator("cli test")
	if byOperator, err := Invite(f); err != nil || len(byOperator.Count) > 0 {
		t.Errorf("operator: %v, counts %+v", err, byOperator.Count)
	}
}

// peopleOf is somebody as the row of his account has him.
type peopleOf struct{ by Actor }

func (o peopleOf) Account(_ context.Context, p platform.ID, id account.ID) (*account.Account, error) {
	if p != o.by.Platform || id != o.by.Account {
		return nil, fault.NotFound
	}
	return &account.Account{ID: id, Platform: p, Role: o.by.Role, State: account.Active}, nil
}

// Of many who are invited again the helper's hour is counted beside what each of them gets.
func TestManyAreInvitedAgainWithinAnHour(t *testing.T) {
	m := &memory{f: facts(account.Invited)}
	m.f.Account.Role = platform.Client
	helper := staffed(platform.Helpdesk)
	helper.Platform = m.f.Account.Platform
	s := &Acts{Store: m, Sealer: clear{}, Actor: helper, People: both{m.f.Account, helper}, Now: rightsNow}
	if err := s.InviteAgain(t.Context(), "linde", ByID(m.f.Account.ID)); err != nil {
		t.Fatal(err)
	}
	counts := m.saved[0].Count
	if len(counts) != 2 || counts[1].Max != AgainPerHour || counts[1].Window != time.Hour {
		t.Errorf("%+v", counts)
	}
}

// Whoever gets no more mails is no reason to tell managers of resets.
func TestAnInvitationThatIsStoppedIsNoBurstOfResets(t *testing.T) {
	m := &memory{f: facts(account.Invited)}
	f := m.f
	f.Account.Role = platform.Client
	f.Actor = staffed(platform.Helpdesk)
	s := &Acts{Store: m, Sealer: clear{}, Waiting: nobodyAsks{}, Now: rightsNow}
	change, err := Invite(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.burst(t.Context(), f, change.Count, fault.Throttled); !errors.Is(err, fault.Throttled) || len(m.saved) != 0 {
		t.Errorf("%v, %d saved", err, len(m.saved))
	}
}

// nobodyAsks fails the test that asks it.
type nobodyAsks struct{ WaitingStore }

// both are a person and a helper.
type both struct {
	a      *account.Account
	helper Actor
}

func (b both) Account(_ context.Context, _ platform.ID, id account.ID) (*account.Account, error) {
	if id == b.helper.Account {
		return &account.Account{ID: id, Platform: b.helper.Platform, Role: b.helper.Role, State: account.Active}, nil
	}
	return b.a, nil
}
