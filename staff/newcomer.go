package staff

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/platform"
)

// Newcomer is somebody who is to be invited, as a form or a row of a file says it.
type Newcomer struct {
	Given   string `json:"given,omitempty"`
	Middle  string `json:"middle,omitempty"` // Dutch tussenvoegsel
	Family  string `json:"family,omitempty"`
	Address string `json:"address,omitempty"`
	Role    string `json:"role,omitempty"`   // a platform.Role; empty: client
	Locale  string `json:"locale,omitempty"` // nl or en; empty: that of the platform
}

// Flaw is a mistake in what is said of a newcomer.
type Flaw string

const (
	NoName          Flaw = "no name"          // neither given nor family name
	OddName         Flaw = "odd name"         // too long, or with what is in no name
	FormulaLike     Flaw = "formula"          // a name or an address begins as a formula of a spreadsheet
	NoAddress       Flaw = "no address"       //
	BadAddress      Flaw = "bad address"      //
	UnknownRole     Flaw = "unknown role"     //
	HigherRole      Flaw = "higher role"      // one that the actor may not give
	SecondForRole   Flaw = "second for role"  // ... but with a second manager, who is asked at the page of the role
	UnknownLanguage Flaw = "unknown language" //
)

// Flaws are all that is wrong with a newcomer. They are fault.Invalid.
type Flaws []Flaw

func (f Flaws) Error() string {
	words := make([]string, len(f))
	for i, flaw := range f {
		words[i] = string(flaw)
	}
	return strings.Join(words, ", ")
}

// Unwrap makes them fault.Invalid.
func (Flaws) Unwrap() error { return fault.Invalid }

// longestName is in characters, as at sign-up.
const longestName = 100

// locales are the languages of our pages and mails.
var locales = []string{"nl", "en"}

// Givable are the roles with which an actor may invite somebody, the lowest first.
func (by Actor) Givable(now time.Time) (roles []platform.Role) {
	for _, role := range platform.Roles {
		if by.mayInvite(role, now) == nil {
			roles = append(roles, role)
		}
	}
	return roles
}

func (by Actor) mayInvite(role platform.Role, now time.Time) error {
	return by.May(ActInvite, Subject{Account: "somebody new", Role: role, Platform: by.Platform, Gives: role}, Justification{}, now)
}

// Account is the account that a newcomer will have on the actor's platform, or Flaws.
func (n Newcomer) Account(by Actor, now time.Time) (*account.Account, error) {
	var flaws Flaws
	for i, name := range []*string{&n.Given, &n.Middle, &n.Family} {
		*name = strings.Join(strings.Fields(*name), " ")
		flaw := NameFlaw(*name)
		if i == 2 && n.Given == "" && *name == "" {
			flaw = NoName
		}
		if flaw != "" {
			flaws = append(flaws, flaw)
		}
	}
	email, flaw := readAddress(n.Address)
	if flaw != "" {
		flaws = append(flaws, flaw)
	}
	role := platform.Role(cmp.Or(n.Role, string(platform.Client)))
	switch {
	case !slices.Contains(platform.Roles, role):
		flaws = append(flaws, UnknownRole)
	case role == platform.Manager && by.Role == platform.Manager:
		flaws = append(flaws, SecondForRole)
	case by.mayInvite(role, now) != nil:
		flaws = append(flaws, HigherRole)
	}
	if n.Locale != "" && !slices.Contains(locales, n.Locale) {
		flaws = append(flaws, UnknownLanguage)
	}
	if len(flaws) > 0 {
		slices.Sort(flaws)
		return nil, slices.Compact(flaws)
	}
	return &account.Account{
		ID: account.ID(secret.ID()), Platform: by.Platform, Email: email, Role: role, State: account.Invited, Locale: n.Locale,
		Profile: account.Profile{GivenName: n.Given, MiddleName: n.Middle, FamilyName: n.Family}, CreatedAt: now, UpdatedAt: now,
	}, nil
}

// NameFlaw is what is wrong with a part of a name; empty: nothing, and so it is with none.
func NameFlaw(name string) Flaw {
	switch {
	case formulaLike(name):
		return FormulaLike
	case !plainName(name):
		return OddName
	}
	return ""
}

// AddressFlaw is what is wrong with an address; empty: nothing.
func AddressFlaw(address string) Flaw {
	_, flaw := readAddress(address)
	return flaw
}

func readAddress(address string) (account.Email, Flaw) {
	email, err := account.ParseEmail(address)
	switch address = strings.TrimSpace(address); {
	case address == "":
		return email, NoAddress
	case formulaLike(address):
		return email, FormulaLike
	case err != nil, strings.ContainsRune(address, utf8.RuneError): // what was damaged on its way is nobody's
		return email, BadAddress
	}
	return email, ""
}

// formulaLike reports whether a spreadsheet would take a text for a formula: what is kept here is exported some day,
// and opened by a spreadsheet.
func formulaLike(text string) bool { return strings.IndexAny(text, "=+-@＝＋－＠") == 0 }

// host is a dot between two words, by which mail programs make a link.
var host = regexp.MustCompile(`[\pL\pN]{2}\.[\pL\pN]{2}`)

// plainName reports whether a mail may greet by a name: a mail that we send greets by it, to whoever was invited. So it
// is letters and what is between them, and nothing that a mail program makes a link of: nobody sends others words of
// his own in our name.
func plainName(name string) bool {
	return utf8.ValidString(name) && utf8.RuneCountInString(name) <= longestName && !host.MatchString(name) &&
		!strings.ContainsFunc(name, func(r rune) bool {
			return !unicode.In(r, unicode.L, unicode.M, unicode.Nd) && !strings.ContainsRune(" '’‘`´-‐.,()", r)
		})
}

// Add makes an account that is invited, and queues its welcome mail. Other has the address; nil: nobody; fault.Taken:
// it has an account.
func Add(f Facts, other *account.Account) (authn.Change, error) {
	added, err := f.guard(audit.AccountAdded)
	if err != nil {
		return authn.Change{}, err
	}
	if other != nil {
		return authn.Change{}, fault.Taken
	}
	change, err := Invite(f)
	if err != nil {
		return authn.Change{}, err
	}
	change.Add = f.Account
	change.Events = slices.Insert(change.Events, 0, added)
	change.Count = f.perHour("invitations", InvitesPerHour)
	return change, nil
}

// InvitesPerHour is how many people a helper invites by hand in an hour: one a minute, and nobody types faster for
// long. Whoever has more has a file. It bounds what somebody sends in our name who has a helper's session. An operator
// is not counted.
const InvitesPerHour = 60

// AgainPerHour is how many people one helper invites again in an hour who are on a list: five times MostAgain.
const AgainPerHour = 5 * MostAgain

// MostAgain is how many of a list are invited again at once: each is a transaction, within one request.
const MostAgain = 100

// perHour counts what a person does.
func (f Facts) perHour(what string, most int) []authn.Limit {
	if f.Actor.Account == "" {
		return nil
	}
	return []authn.Limit{{Key: f.counter(what, string(f.Actor.Account)), Max: most, Window: time.Hour}}
}

// Of invitations that are sent again somebody gets as many as of other mails that can be asked for: resendsAtOnce, then
// one each resendEvery. Of an older one the button stops working, so more of them help nobody.
const (
	resendsAtOnce = 3
	resendEvery   = 144 * time.Minute
)

// resends bounds what one person gets, whoever of staff sends it.
func (f Facts) resends() []authn.Limit {
	if f.Actor.Account == "" {
		return nil
	}
	return []authn.Limit{{Key: f.counter("invitations again", string(f.Account.ID)), Max: resendsAtOnce, Every: resendEvery}}
}

// counter names a counter.
func (f Facts) counter(what, of string) string {
	return hex.EncodeToString(f.Sealer.MAC("counts by staff", string(f.Platform)+"\x00"+what+"\x00"+of))
}

// Add is the act of that name for one newcomer of the actor's platform: the account that was added, or Flaws.
// fault.Taken: the address has an account; fault.Throttled: a person did InvitesPerHour.
func (s *Acts) Add(ctx context.Context, id platform.ID, n Newcomer) (*account.Account, error) {
	attempted := fmt.Sprintf("adding an account to %s", id)
	f, err := s.factsOn(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", attempted, err)
	}
	if !f.Actor.HasRight(ActInvite) || f.Actor.Platform != id {
		return nil, fmt.Errorf("%s: %w", attempted, fault.Refused)
	}
	if f.Account, err = n.Account(f.Actor, s.Now); err != nil {
		return nil, fmt.Errorf("%s: %w", attempted, err)
	}
	other, err := s.Store.AccountByEmail(ctx, id, f.Account.Email.Key)
	if errors.Is(err, fault.NotFound) {
		other, err = nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", attempted, err)
	}
	change, err := Add(f, other)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", attempted, err)
	}
	if err := s.Store.SaveChange(ctx, change, s.Now); err != nil {
		return nil, err
	}
	return f.Account, nil
}
