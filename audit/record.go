package audit

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/platform"
)

// MaxPage is how many events are read at once: as many as a CSV of staff has rows.
const MaxPage = 10_000

// Query selects events of one platform. A field that is empty leaves nothing out.
type Query struct {
	Platform  platform.ID // required
	Account   account.ID  // whose account
	Actor     string      // as events have it; "cli": any operator
	Kinds     []Kind      // any of these
	Outcome   Outcome
	Reference string
	Since     time.Time // not before
	Until     time.Time // before
	After     Cursor    // older than the event there
	Limit     int       // at most so many events, 1 to MaxPage
	Export    bool      // they are taken away as a file
}

// Recorded is an event as the record has it.
type Recorded struct {
	ID    string // of the event, made when it was saved
	Place int    // among the events of one transaction, from 0
	Event
}

// Cursor is the place of an event in the record, which is read newest first. The zero value is before the newest.
type Cursor struct {
	At    time.Time
	Place int
	ID    string
}

// Cursor is where the event stands.
func (r Recorded) Cursor() Cursor { return Cursor{r.At, r.Place, r.ID} }

// String is read by ParseCursor; empty for the zero value.
func (c Cursor) String() string {
	if c == (Cursor{}) {
		return ""
	}
	return fmt.Sprintf("%d-%d-%s", c.At.UnixMilli(), c.Place, c.ID)
}

// ParseCursor reads what String wrote; fault.Invalid for anything else.
func ParseCursor(text string) (Cursor, error) {
	if text == "" {
		return Cursor{}, nil
	}
	at, rest, _ := strings.Cut(text, "-")
	place, id, _ := strings.Cut(rest, "-")
	millis, errAt := strconv.ParseInt(at, 10, 64)
	n, errPlace := strconv.ParseUint(place, 10, 31)
	c := Cursor{time.UnixMilli(millis).UTC(), int(n), id}
	if errAt != nil || errPlace != nil || id == "" || c.String() != text {
		return Cursor{}, fmt.Errorf("%w: %q is no cursor", fault.Invalid, text)
	}
	return c, nil
}

// Validate refuses a query without a platform, or with a limit out of bounds: fault.Invalid.
func (q Query) Validate() error {
	switch {
	case q.Platform == "":
		return fmt.Errorf("%w: the record of which platform?", fault.Invalid)
	case q.Limit < 1 || q.Limit > MaxPage:
		return fmt.Errorf("%w: limit %d: 1 to %d", fault.Invalid, q.Limit, MaxPage)
	}
	return nil
}

// Reading is the event that somebody read the record, or took it away; NEN 7513 wants that on record too. It has the account that the query
// is about, if it is about one, the filters that were used, and how many events were shown. It has nothing of what was
// read or searched for.
func (q Query) Reading(by Reader, hits int, now time.Time) Event {
	kind := RecordRead
	if q.Export {
		kind = RecordExported
	}
	return by.Of(Event{
		At: now, Platform: q.Platform, Kind: kind, Actor: by.Name, Account: q.Account, Outcome: Success,
		Reason: strings.Join(append([]string{strconv.Itoa(hits)}, q.filters()...), " "),
	})
}

// Reads is the event that somebody reads who people are: PeopleSearched or PeopleExported with how many, or PersonOpened of
// one account.
func (by Reader) Reads(p platform.ID, kind Kind, whose account.ID, hits int, now time.Time) Event {
	e := Event{At: now, Platform: p, Kind: kind, Actor: by.Name, Account: whose, Outcome: Success}
	if kind != PersonOpened {
		e.Reason = strconv.Itoa(hits)
	}
	return by.Of(e)
}

// filters are names of those that the query has.
func (q Query) filters() (names []string) {
	for _, f := range []struct {
		name string
		set  bool
	}{
		{"account", q.Account != ""}, {"actor", q.Actor != ""}, {"kind", len(q.Kinds) > 0}, {"outcome", q.Outcome != ""},
		{"reference", q.Reference != ""}, {"since", !q.Since.IsZero()}, {"until", !q.Until.IsZero()}, {"after", q.After != Cursor{}},
	} {
		if f.set {
			names = append(names, f.name)
		}
	}
	return names
}

// KindsOf are the kinds that a word names: one, or with a dot at its end all that begin with it, such as "session.".
// None: fault.Invalid.
func KindsOf(word string) (kinds []Kind, err error) {
	for _, k := range all {
		if string(k) == word || strings.HasSuffix(word, ".") && strings.HasPrefix(string(k), word) {
			kinds = append(kinds, k)
		}
	}
	if len(kinds) == 0 {
		return nil, fmt.Errorf("%w: there is no kind %q; docs/audit.md lists them", fault.Invalid, word)
	}
	return kinds, nil
}

// ByConnection are the kinds of events that name the connection of an organisation.
var ByConnection = []Kind{SessionStarted, SessionRaised, FederatedRefused}

// Kinds are all that are recorded, in the order of the constants.
func Kinds() []Kind { return slices.Clone(all) }

var all = []Kind{
	SessionStarted, SessionRaised, SessionEnded, PasswordRefused, SecondFactorRefused, TwoStepReset, OwnerShown,
	ReferralMade, ReferralRefused, RecoveryCodeUsed,
	GrantStarted, GrantEnded, ConsentWithdrawn, AuthorizationCodeRefused, AuthorizationCodeReplayed, RefreshTokenReplayed,
	AccountAdded, AccountChanged, AccountDeactivated, AccountReactivated, AccountInvited, FileChecked, AccountUnblocked, AccountFrozen,
	RoleGiven, ActAsked, ActConfirmed, ActWithdrawn, ActStopped, ActDropped, ActLapsed, ResetsStopped, LogOutsStopped,
	EmailChangeRequested, EmailChanged, MessageRequested, MessageSettled, PasswordSet, DeviceRemembered, DeviceForgotten, DeviceCookieReplayed,
	DeviceAdded, DeviceRemoved, PINSet, PINRefused, HandoffMade, HandoffClaimed, HandoffConfirmed, HandoffRefused, HandoffExpired,
	AllSessionsEnded, CredentialAdded, CredentialRetired, PlatformSet, PartySet, PartyDeleted, PartySecretSet, SettingWeakened, PartyRefused,
	RedirectRefused, SecretExposed,
	ConnectionSet, ConnectionTested, ConnectionConfirmed, ConnectionDrifted, FederatedRefused, BreakGlassUsed, LinksImported, SigningKeyMade, SigningKeyRetired, MasterKeyRotated, DatabaseRestored, PeopleSearched, PersonOpened,
	PeopleExported, LinkRefused, PageRefused, LoginCancelled, RecordRead, RecordExported,
}
