package account

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/platform"
)

const (
	PageSize  = 50     // of a list of people
	MaxExport = 10_000 // rows of a CSV
	maxTyped  = 6      // words of a search; further ones count no more
	maxBytes  = 400    // of what is typed
)

// InviteState says how far an invited person has come.
type InviteState string

const (
	InviteMade    InviteState = "made"     // invited, or to be invited: no mail left us yet
	InviteSent    InviteState = "sent"     // the mail server took the mail
	InviteRefused InviteState = "refused"  // it did not, and will not
	InviteBegun   InviteState = "begun"    // the first form behind the button was sent; a scanner only opens the page
	InviteHalfWay InviteState = "half-way" // the person has a password and never signed in
	InviteDone    InviteState = "done"     // signed in
	InviteExpired InviteState = "expired"  // the button works no more; derived, never stored
)

// InviteStates are all, in the order of a journey.
var InviteStates = []InviteState{InviteMade, InviteSent, InviteRefused, InviteBegun, InviteHalfWay, InviteDone, InviteExpired}

// Invitation is that of one account; the zero value: it was never invited.
type Invitation struct {
	State  InviteState
	At     time.Time // since when; of an expired one, when it was what it was before
	EndsAt time.Time // when the button stops working; zero: there is none
}

// opens are the stored states of those whose button can expire.
var opens = []InviteState{InviteMade, InviteSent, InviteBegun}

// As is the invitation as it stands now.
func (i Invitation) As(now time.Time) Invitation {
	if slices.Contains(opens, i.State) && !i.EndsAt.IsZero() && !now.Before(i.EndsAt) {
		i.State = InviteExpired
	}
	return i
}

// InviteFor is how long those who are done are counted and listed.
const InviteFor = 30 * 24 * time.Hour

// Search selects people of one platform: by what was typed, by one filter, or by both. What is empty leaves nothing out.
//
// People come by name (Account.SortKey); where words were typed by the word that they were found by; those of an invite
// state, the newest first; those who wait, who was refused last first. Each of these is the order of an index, so that
// a page costs the same whichever it is.
type Search struct {
	Platform platform.ID // required
	Typed    string      // every word of it must begin a word of the person's name or address

	Role     platform.Role
	State    State
	Invite   InviteState
	NoSecond bool // active, and without a second factor
	Waiting  bool // refused for too many wrong passwords or codes, now; not with Typed

	After Place // the page goes on behind it
	Limit int   // 1 to MaxExport; zero: PageSize
}

// Words are those that were typed, each once, at most six: the longest first. What ends one in a list or a sentence is no
// part of it: "Berg, Anna" finds who "anna b." finds.
func (s Search) Words() []Prefix {
	words := strings.Fields(Fold(cut(s.Typed, maxBytes)))
	for i, word := range words {
		if bare := strings.TrimRight(word, ",;:."); bare != "" {
			words[i] = bare
		}
	}
	slices.SortStableFunc(words, func(a, b string) int { return len(b) - len(a) })
	var kept []string
	for _, word := range words {
		begun := func(longer string) bool { return strings.HasPrefix(longer, word) } // says no more
		if !slices.ContainsFunc(kept, begun) && len(kept) < maxTyped {
			kept = append(kept, word)
		}
	}
	prefixes := make([]Prefix, len(kept))
	for i, word := range kept {
		prefixes[i] = prefixOf(word)
	}
	return prefixes
}

// Validate refuses what cannot be answered: fault.Invalid.
func (s Search) Validate() error {
	filters := 0
	for _, set := range []bool{s.Role != "", s.State != "", s.Invite != "", s.NoSecond, s.Waiting} {
		if set {
			filters++
		}
	}
	switch {
	case s.Platform == "":
		return fmt.Errorf("%w: people of which platform?", fault.Invalid)
	case s.Limit < 0 || s.Limit > MaxExport:
		return fmt.Errorf("%w: limit %d: 1 to %d", fault.Invalid, s.Limit, MaxExport)
	case filters > 1:
		return fmt.Errorf("%w: one filter at a time", fault.Invalid)
	case s.Waiting && strings.TrimSpace(s.Typed) != "":
		return fmt.Errorf("%w: those who wait are not searched", fault.Invalid)
	case s.Invite != "" && !slices.Contains(InviteStates, s.Invite):
		return fmt.Errorf("%w: no such invite state", fault.Invalid)
	}
	return nil
}

// Place marks a person's position in the result of a search. The zero value is before the first.
type Place struct {
	Key []byte // what the order is by
	ID  ID
}

// IsZero reports whether it is before the first.
func (p Place) IsZero() bool { return len(p.Key) == 0 && p.ID == "" }

// String is read by ParsePlace, and fit for an address; empty for the zero value. It holds the word or the name that
// somebody was found by: a page sends it in a form, never in a link.
func (p Place) String() string {
	if p.IsZero() {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(p.Key) + "." + string(p.ID)
}

// ParsePlace reads what String wrote; fault.Invalid for anything else.
func ParsePlace(text string) (Place, error) {
	if text == "" {
		return Place{}, nil
	}
	key, id, _ := strings.Cut(text, ".")
	b, err := base64.RawURLEncoding.Strict().DecodeString(key)
	p := Place{b, ID(id)}
	if err != nil || id == "" || len(b) == 0 || p.String() != text {
		return Place{}, fmt.Errorf("%w: no such place", fault.Invalid)
	}
	return p, nil
}

// Found is one person of a list.
type Found struct {
	ID         ID
	Email      string
	Name       string
	Role       platform.Role
	State      State
	SignedInAt time.Time // zero: never
	Second     bool      // has a second factor
	Invitation Invitation
}

// People are a page of what a search found.
type People struct {
	All  []Found
	Next Place // go on from there; zero: that is all. A page may be short and have more: what is rare is looked for in parts
	// Incomplete: people of before are still being made findable (storage.FillPeople), so somebody may be missing.
	Incomplete bool
}

// InviteCounts counts people by invite state; those who are done within InviteFor.
type InviteCounts map[InviteState]int
