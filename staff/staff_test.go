package staff

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/keys"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
)

// clear seals nothing, so that a test can read it.
type clear struct{}

func (clear) Seal(plain []byte, _ string) []byte           { return plain }
func (clear) Open(sealed []byte, _ string) ([]byte, error) { return sealed, nil }
func (clear) MAC(purpose, data string) []byte              { return []byte(purpose + data) }

func facts(s account.State) Facts {
	a := &account.Account{
		ID: "anna", Platform: "linde", Email: account.Email{Address: "Anna@example.org", Key: "anna@example.org"}, State: s,
		Profile: account.Profile{GivenName: "Anna"},
		Credentials: []account.Credential{
			{ID: "p", Method: "password", Use: account.Primary, ConfirmedAt: time.Unix(1, 0)},
			{ID: "t", Method: "totp", Use: account.Second, ConfirmedAt: time.Unix(1, 0)},
		},
	}
	return Facts{
		Platform: "linde", Account: a, Sealer: clear{}, Actor: Operator("cli test"), Now: time.Unix(1e9, 0),
	}
}

// saying are facts of an act with the words that it wants.
func saying(kind audit.Kind, f Facts) Facts {
	f.Justification = wanted(f.right(kind, demands[kind]))
	return f
}

// wanted are the words that an act wants.
func wanted(act Act) (s Justification) {
	if r := rightTo(act); r.Reason {
		s.Reason = act.Reasons()[0]
		if r.Identified {
			s.Identified = InPerson
		}
	}
	return s
}

var elsewhere = account.Email{Address: "new@example.org", Key: "new@example.org"}

// every is all acts; those that return a Standing as the Change that records it.
var every = map[audit.Kind]func(Facts) (authn.Change, error){
	audit.AccountAdded:         func(f Facts) (authn.Change, error) { return Add(f, nil) },
	audit.AccountInvited:       Invite,
	audit.EmailChangeRequested: func(f Facts) (authn.Change, error) { return SetEmail(f, elsewhere, nil) },
	audit.TwoStepReset:         ResetTwoStep,
	audit.ReferralMade:         refer,
	audit.AccountUnblocked:     Unblock,
	audit.AllSessionsEnded:     EndSessions,
	audit.AccountDeactivated:   standing(Deactivate),
	audit.AccountReactivated:   standing(Reactivate),
	audit.RoleGiven:            func(f Facts) (authn.Change, error) { return SetRole(f, givenRole(f)) },
	audit.DeviceForgotten:      ForgetDevice,
	audit.DeviceRemoved:        RemoveDevice,
	audit.CredentialRetired: func(f Facts) (authn.Change, error) {
		return RemoveLink(f, account.Credential{ID: "link", Account: f.Account.ID, Method: federation.Method, External: "hof/1"}, "Lindehof")
	},
	audit.SessionEnded: func(f Facts) (authn.Change, error) {
		e, tells, err := EndSession(f, "")
		if err != nil {
			return authn.Change{}, err
		}
		return authn.Change{Platform: f.Platform, Events: []audit.Event{e}, Messages: tells}, nil
	},
}

// givenRole is another one than the account has, that gives nobody more.
func givenRole(f Facts) platform.Role {
	if f.Account.Role == platform.Client {
		return platform.Relative
	}
	return platform.Client
}

// refer refers Sam to Anna, who lost her phone if anything is said.
func refer(f Facts) (authn.Change, error) {
	anna := *f.Account
	anna.Role, f.Account = platform.Client, &anna
	sam := &account.Account{ID: "sam", Platform: "linde", Role: platform.Professional, State: account.Active}
	change, _, err := Refer(f, Referring{By: "web", To: "web", Actor: sam, Act: ReferredReset})
	return change, err
}

// settings is the acts on settings.
var settings = map[audit.Kind]func(Facts) (Settings, error){
	audit.PartySet:     func(f Facts) (Settings, error) { return DisableParty(f, grant.Party{Platform: "linde", ID: "web"}) },
	audit.PartyDeleted: func(f Facts) (Settings, error) { return DeleteParty(f, platform.Platform{ID: "linde"}, nil, "web") },
	audit.PartySecretSet: func(f Facts) (Settings, error) {
		return RotateSecret(f, grant.Party{Platform: "linde", ID: "web", Auth: grant.AuthBasic, Secrets: [][]byte{secret.Hash("old")}}, SecretRotation{Secret: secret.Text(strings.Repeat("n", 32))})
	},
	audit.ConnectionSet: func(f Facts) (Settings, error) { return SwitchConnection(f, federation.Connection{ID: "c"}, true) },
	audit.ConnectionConfirmed: func(f Facts) (Settings, error) {
		_, _, err := ConfirmConnection(f, &federation.Connection{ID: "c"}, federation.Answer{})
		return Settings{}, err
	},
	audit.LinksImported: func(f Facts) (Settings, error) {
		s := &Acts{Actor: f.Actor, Now: f.Now}
		return Settings{}, s.ImportLinks(context.Background(), f.Platform, nil, ImportOptions{}, nil)
	},
	audit.SigningKeyMade: func(f Facts) (Settings, error) { return RotateKey(f, []keys.Key{{Platform: "linde", MadeAt: f.Now}}) },
}

func standing(act func(Facts) (StateChange, error)) func(Facts) (authn.Change, error) {
	return func(f Facts) (authn.Change, error) {
		s, err := act(f)
		if err != nil {
			return authn.Change{}, err
		}
		return authn.Change{Platform: s.Event.Platform, Events: []audit.Event{s.Event}, Messages: s.Tells}, nil
	}
}

func TestActsRefuse(t *testing.T) {
	states := []account.State{account.Active, account.Invited, account.Deactivated}
	yes := []error{nil, nil, nil}
	for kind, row := range map[audit.Kind]struct {
		in []error // by state
	}{
		audit.AccountAdded:         {in: []error{fault.Refused, nil, fault.Refused}},
		audit.AccountInvited:       {in: []error{fault.Refused, nil, fault.Refused}},
		audit.EmailChangeRequested: {in: []error{nil, nil, fault.Refused}},
		audit.TwoStepReset:         {in: yes},
		audit.ReferralMade:         {in: []error{nil, fault.Refused, fault.Refused}},
		audit.AccountUnblocked:     {in: yes},
		audit.AllSessionsEnded:     {in: yes},
		audit.AccountDeactivated:   {in: yes},
		audit.AccountReactivated:   {in: yes},
		audit.RoleGiven:            {in: []error{nil, nil, fault.Refused}},
		audit.DeviceForgotten:      {in: yes},
		audit.SessionEnded:         {in: yes},
	} {
		for i, state := range states {
			for _, actor := range []string{"cli test", ""} {
				want := row.in[i]
				if actor == "" {
					want = fault.Invalid
				}
				f := saying(kind, facts(state))
				f.Actor = Operator(actor)
				change, err := every[kind](f)
				if !errors.Is(err, want) {
					t.Errorf("%s of %s account by %q: got %v, want %v", kind, state, actor, err, want)
				}
				if err != nil && !reflect.DeepEqual(change, authn.Change{}) {
					t.Errorf("%s is refused and changes %+v", kind, change)
				}
			}
		}
	}
	for kind, act := range settings {
		if to, err := act(Facts{Platform: "linde", Now: time.Unix(1e9, 0)}); !errors.Is(err, fault.Invalid) || len(to.Events) > 0 {
			t.Errorf("%s by nobody: %v, changes %+v", kind, err, to)
		}
	}
	if len(every)+len(settings) != len(demands) {
		t.Errorf("%d acts are tested of %d", len(every)+len(settings), len(demands))
	}
}

// What an act changes is of one account on one platform, and on record.
func TestActsAreOfOneAccountAndOnRecord(t *testing.T) {
	for kind, act := range every {
		for _, state := range []account.State{account.Active, account.Invited} {
			f := saying(kind, facts(state))
			c, err := act(f)
			if err != nil {
				continue // TestActsRefuse has which
			}
			want := audit.Event{
				At: f.Now, Platform: "linde", Kind: kind, Actor: f.Actor.Name, Account: "anna", Outcome: audit.Success,
				Stated: audit.Stated{StatedReason: string(f.Justification.Reason), Identified: string(f.Justification.Identified)},
			}
			if kind == audit.ReferralMade {
				want.StatedReason = "lost-phone"
				want.Party, want.Reason = "web", "for sam"
			}
			if kind == audit.RoleGiven {
				want.Reason = "from  to client"
			}
			if kind == audit.CredentialRetired {
				want.Reason = federation.Method
			}
			all := []audit.Event{want}
			if kind == audit.AccountAdded { // and invited
				want.Kind = audit.AccountInvited
				all = append(all, want)
			}
			if !slices.Equal(c.Events, all) || c.Platform != "linde" {
				t.Errorf("%s: on %s, events %+v, want %+v", kind, c.Platform, c.Events, all)
			}
			of := map[account.ID]bool{}
			if c.Add != nil {
				of[c.Add.ID] = c.Add.Platform == "linde"
			}
			for _, m := range c.Messages {
				of[m.Account] = m.Platform == "linde"
			}
			for _, ticket := range c.Issue {
				of[ticket.Account] = ticket.Platform == "linde"
			}
			for _, void := range c.Void {
				of[void.Account] = true
			}
			if c.Cut != nil {
				of[c.Cut.Account] = true
			}
			if c.End != nil {
				of[c.End.Account] = true
			}
			for id, same := range of {
				if id != "anna" || !same {
					t.Errorf("%s concerns %q, or another platform", kind, id)
				}
			}
		}
	}
}

func TestActsOnSettingsAreOnRecord(t *testing.T) {
	f := Facts{Platform: "linde", Actor: Operator("cli test"), Now: time.Unix(1e9, 0)}
	e := audit.Event{At: f.Now, Platform: "linde", Kind: audit.PartySet, Actor: f.Actor.Name, Party: "web", Outcome: audit.Success}
	on, off := grant.Party{Platform: "linde", ID: "web", Name: "Web"}, grant.Party{Platform: "linde", ID: "web", Name: "Web", DisabledAt: f.Now}
	disabled, enabled := e, e
	disabled.Reason, enabled.Reason = "disabled", "enabled"
	key := keys.Key{Platform: "linde", KID: "next", Alg: "ES256", MadeAt: f.Now}
	made := audit.Event{At: f.Now, Platform: "linde", Kind: audit.SigningKeyMade, Actor: f.Actor.Name, Outcome: audit.Success, Reason: "ES256"}
	for name, row := range map[string]struct {
		act  func() (Settings, error)
		want Settings
	}{
		"disable":          {func() (Settings, error) { return DisableParty(f, on) }, Settings{Parties: []grant.Party{off}, Events: []audit.Event{disabled}}},
		"disable disabled": {func() (Settings, error) { return DisableParty(f, off) }, Settings{}},
		"enable":           {func() (Settings, error) { return EnableParty(f, off) }, Settings{Parties: []grant.Party{on}, Events: []audit.Event{enabled}}},
		"enable enabled":   {func() (Settings, error) { return EnableParty(f, on) }, Settings{}},
		"rotate":           {func() (Settings, error) { return RotateKey(f, []keys.Key{key}) }, Settings{Keys: []keys.Key{key}, Events: []audit.Event{made}}},
	} {
		if got, err := row.act(); err != nil || !reflect.DeepEqual(got, row.want) {
			t.Errorf("%s: %v, got %+v, want %+v", name, err, got, row.want)
		}
	}
}

// Where somebody else changes the settings between reading and saving, the act is done anew on what they are then.
func TestActsOnSettingsFollowOthers(t *testing.T) {
	m := &memory{f: facts(account.Active), parties: []grant.Party{{Platform: "linde", ID: "web"}}}
	s := &Acts{Store: m, Sealer: clear{}, Actor: Operator("cli test"), Now: m.f.Now}
	m.meanwhile = func() { m.parties[0].Name = "New name" }
	if changed, err := s.DisableParty(t.Context(), "linde", "web"); err != nil || !changed {
		t.Fatalf("changed %t, %v", changed, err)
	}
	if got := m.parties[0]; got.Name != "New name" || !got.DisabledAt.Equal(m.f.Now) {
		t.Errorf("%q, disabled at %s", got.Name, got.DisabledAt)
	}
	if changed, err := s.DisableParty(t.Context(), "linde", "web"); err != nil || changed || m.settings != 1 {
		t.Errorf("disabled again: changed %t, saved %d times, %v", changed, m.settings, err)
	}
	made := 0
	m.meanwhile = func() { m.keys = []keys.Key{{Platform: "linde", KID: "theirs", MadeAt: m.f.Now}} }
	got, err := s.RotateKey(t.Context(), "linde", func(existing []keys.Key, now time.Time) ([]keys.Key, error) {
		made++
		return append(existing, keys.Key{Platform: "linde", KID: "ours", MadeAt: now}), nil
	})
	if err != nil || made != 2 || len(got) != 2 || !reflect.DeepEqual(m.keys, got) {
		t.Errorf("keys %+v, made %d times, saved %+v, %v", got, made, m.keys, err)
	}
	for party, want := range map[platform.ID]string{
		"linde": `party nobody on platform "linde": not found`, "nowhere": `platform "nowhere": not found`,
	} {
		if _, err := s.EnableParty(t.Context(), party, "nobody"); !errors.Is(err, fault.NotFound) || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestOldAddressIsToldUnlessItMayBeAStrangers(t *testing.T) {
	for state, want := range map[account.State][]string{
		account.Active:  {"new@example.org", "Anna@example.org"},
		account.Invited: {"new@example.org"},
	} {
		change, err := SetEmail(saying(audit.EmailChangeRequested, facts(state)), elsewhere, nil)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, m := range change.Messages {
			var c outbox.Contents
			if err := json.Unmarshal(m.Sealed, &c); err != nil {
				t.Fatal(err)
			}
			if got = append(got, c.To); c.To == elsewhere.Address && c.Name != "" {
				t.Errorf("a mail to an address that may be mistyped names %s", c.Name)
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: mails to %v, want %v", state, got, want)
		}
	}
	if _, err := SetEmail(saying(audit.EmailChangeRequested, facts(account.Active)), elsewhere, &account.Account{ID: "bram"}); !errors.Is(err, fault.Taken) {
		t.Errorf("address of somebody else: %v", err)
	}
}

// It is told nothing either when the correction waits, is agreed to or is done, nor where a file said that it was
// verified (docs/decisions/0033-who-never-logged-in-is-not-told.md).
func TestOldAddressOfAnInvitationIsToldNothing(t *testing.T) {
	managers := []account.Account{{ID: "third", Platform: "linde", Email: account.Email{Address: "third@example.org"}}}
	tried := 0
	silent := func(says string, change authn.Change, err error) {
		t.Helper()
		if tried++; err != nil {
			t.Errorf("%s: %v", says, err)
		}
		for _, m := range change.Messages {
			var c outbox.Contents
			if err := json.Unmarshal(m.Sealed, &c); err != nil {
				t.Fatal(err)
			}
			if c.To == "Anna@example.org" || m.Kind == outbox.EmailChanged {
				t.Errorf("%s: %s to %s", says, m.Kind, c.To)
			}
		}
	}
	for _, by := range []Actor{staffed(platform.Helpdesk), staffed(platform.Manager), system("accounts:invite"), Operator("cli test")} {
		f := saying(audit.EmailChangeRequested, facts(account.Invited))
		f.Actor, f.Account.Role, f.Account.EmailVerifiedAt, f.Now = by, platform.Client, rightsNow, rightsNow
		change, err := SetEmail(f, elsewhere, nil)
		silent("by "+by.Name, change, err)
		if len(change.Void) != 1 || change.Void[0].Purpose != authn.TicketWelcome {
			t.Errorf("by %s: the button that went there works: %+v", by.Name, change.Void)
		}
	}
	for _, c := range waitingCases {
		if c.act != ActCorrectAddress {
			continue
		}
		f, p, asked := c.asked(t)
		silent("asked", asked, nil)
		f.Actor, f.Justification = c.agreeing(), Justification{}
		agreed, err := Confirm(f, p, staffed(c.asker), c.wish)
		silent("agreed", agreed, err)
		f.Actor, f.Now = Actor{}, p.DueAt
		due, _, err := Due(f, p, staffed(c.asker), c.wish)
		silent("due", due, err)
		f.Actor, f.Justification, f.Now = staffed(c.asker), wanted(c.act), rightsNow
		_, change, err := Ask(f, c.act, c.wish, managers)
		silent("managers", change, err)
	}
	if tried != 8 {
		t.Errorf("%d ways were tried, want 8", tried)
	}
}

// Whoever can sign in is told what others did to the account. Somebody who was only invited is not.
func TestOwnersAreToldOfWhatStaffDid(t *testing.T) {
	for kind, mail := range map[audit.Kind]outbox.Kind{
		audit.RoleGiven: outbox.RoleByStaff, audit.AccountUnblocked: outbox.UnblockedByStaff, audit.AllSessionsEnded: outbox.LoggedOutByStaff,
		audit.AccountDeactivated: outbox.DeactivatedByStaff, audit.SessionEnded: outbox.DeviceOutByStaff, audit.DeviceForgotten: outbox.ForgottenByStaff,
		audit.TwoStepReset: outbox.TwoStepReset, audit.DeviceRemoved: outbox.AppRemovedByStaff, audit.CredentialRetired: outbox.LinkRemovedByStaff,
	} {
		change, err := every[kind](saying(kind, facts(account.Active)))
		if err != nil || len(change.Messages) != 1 || change.Messages[0].Kind != mail || change.Messages[0].Account != "anna" {
			t.Errorf("%s: %v, %+v", kind, err, change.Messages)
		}
		if kind == audit.TwoStepReset {
			continue // of which somebody who never signed in hears too
		}
		if change, err := every[kind](saying(kind, facts(account.Invited))); err != nil || len(change.Messages) > 0 {
			t.Errorf("%s of somebody invited: %v, %+v", kind, err, change.Messages)
		}
	}
}

// A new person gets one mail, with the button for the first password, in their language.
func TestInvitationIsOneMailWithItsTicket(t *testing.T) {
	f := facts(account.Invited)
	f.Account.Locale = "en"
	change, err := Invite(f)
	if err != nil || len(change.Messages) != 1 || len(change.Issue) != 1 {
		t.Fatalf("%+v, %v", change, err)
	}
	m, ticket := change.Messages[0], change.Issue[0]
	if m.Kind != outbox.Welcome || m.Locale != "en" || ticket.Purpose != authn.TicketWelcome {
		t.Errorf("%s in %q with a ticket for %s", m.Kind, m.Locale, ticket.Purpose)
	}
	var c outbox.Contents
	if err := json.Unmarshal(m.Sealed, &c); err != nil {
		t.Fatal(err)
	}
	if c.To != "Anna@example.org" || !bytes.Equal(secret.Hash(c.Token), ticket.Hash) {
		t.Errorf("to %s, token is not of the ticket", c.To)
	}
}

func TestSetEmailSaysThatThereIsNoAccountWhereThereIsNoPlatform(t *testing.T) {
	m := &memory{f: facts(account.Active)}
	s := &Acts{Store: m, Sealer: clear{}, Actor: Operator("cli test"), Now: m.f.Now}
	const want = `changing address "anna@example.org" on nowhere to "new@example.org": platform not found`
	err := s.SetEmail(t.Context(), "nowhere", ByAddress("anna@example.org"), "new@example.org", Justification{Reason: NewAddress})
	if !errors.Is(err, fault.NotFound) || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// memory is a Store of one account.
type memory struct {
	f     Facts
	saved []authn.Change

	parties   []grant.Party
	keys      []keys.Key
	meanwhile func() // what somebody else does to the settings, once, before they are saved
	settings  int    // how often they were saved

	loginParty string
	deleted    []audit.Event // of parties that were deleted
}

func (m *memory) Parties(context.Context) ([]grant.Party, error) { return slices.Clone(m.parties), nil }
func (m *memory) Keys(context.Context) ([]keys.Key, error)       { return slices.Clone(m.keys), nil }

func (m *memory) Revise(_ context.Context, change func(seen int64) error) error {
	for {
		if err := change(0); !errors.Is(err, fault.Stale) {
			return err
		}
	}
}

func (m *memory) SaveSettings(_ context.Context, _ int64, parties []grant.Party, all []keys.Key, _ []audit.Event) error {
	if do := m.meanwhile; do != nil {
		m.meanwhile = nil
		do()
		return fault.Stale
	}
	m.settings++
	if parties != nil {
		m.parties = parties
	}
	if all != nil {
		m.keys = all
	}
	return nil
}

func (m *memory) Platforms(context.Context) ([]platform.Platform, error) {
	return []platform.Platform{{ID: m.f.Account.Platform, LoginParty: m.loginParty}}, nil
}

func (m *memory) HeldByParty(context.Context, platform.ID, grant.PartyID, time.Time) (grant.Deletion, error) {
	return grant.Deletion{Grants: 3}, nil
}

func (m *memory) DeleteParty(
	_ context.Context, _ int64, p platform.ID, id grant.PartyID, events []audit.Event, _ time.Time,
) (grant.Deletion, error) {
	if do := m.meanwhile; do != nil {
		m.meanwhile = nil
		do()
		return grant.Deletion{}, fault.Stale
	}
	m.parties = slices.DeleteFunc(m.parties, func(have grant.Party) bool { return have.Platform == p && have.ID == id })
	m.deleted = append(m.deleted, events...)
	return grant.Deletion{Grants: 3, Devices: 1}, nil
}

func (m *memory) AccountByEmail(_ context.Context, p platform.ID, key string) (*account.Account, error) {
	if p != m.f.Account.Platform || key != m.f.Account.Email.Key {
		return nil, fault.NotFound
	}
	return m.f.Account, nil
}

func (m *memory) SaveChange(_ context.Context, c authn.Change, _ time.Time) error {
	m.saved = append(m.saved, c)
	return nil
}

func (m *memory) ApplyStateChange(context.Context, platform.ID, account.ID, StateChange, time.Time) error {
	return nil
}

// An act that there is not touches this file only: a row, a function of Facts, and the way that every act is saved.
func TestPretendAct(t *testing.T) {
	const praised audit.Kind = "account.praise"
	demands[praised] = demand{act: ActReactivate, states: []account.State{account.Active}}
	defer delete(demands, praised)
	praise := func(f Facts) (authn.Change, error) {
		e, err := f.guard(praised)
		return authn.Change{Platform: f.Account.Platform, Events: []audit.Event{e}}, err
	}
	m := &memory{f: facts(account.Active)}
	s := &Acts{Store: m, Sealer: clear{}, Actor: Operator("cli test"), Now: m.f.Now}
	do := func(address string, reason Reason) error {
		return s.save(t.Context(), "praising", "linde", ByAddress(address), Justification{Reason: reason}, praise)
	}
	if err := do("anna@example.org", Returned); err != nil || len(m.saved) != 1 || m.saved[0].Events[0].StatedReason != "returned" {
		t.Fatalf("%v, saved %+v", err, m.saved)
	}
	if err := do("anna@example.org", ""); !errors.Is(err, fault.Invalid) {
		t.Errorf("without a reason: %v", err)
	}
	if err := do("bram@example.org", Returned); !errors.Is(err, fault.NotFound) {
		t.Errorf("nobody: %v", err)
	}
	if len(m.saved) != 1 {
		t.Errorf("%d changes were saved", len(m.saved))
	}
	if n := reflect.TypeFor[Store]().NumMethod(); n > 8 {
		t.Errorf("Store has %d methods: 8 at most", n)
	}
}
