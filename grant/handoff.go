package grant

import (
	"slices"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/platform"
)

const (
	ReferenceLife = time.Minute     // of a QR code, from when it is made
	ClaimLife     = 2 * time.Minute // from when a phone claimed it: for the number and the answer

	PollEvery  = 2 * time.Second // between two polls of a phone
	SlowDownBy = 5 * time.Second // more, after one that came too soon (RFC 8628 section 3.5)

	MaxNumbers     = 2 // tries at the number: after a second wrong one it is over
	HandoffsAnHour = 5 // of an account
)

// HandoffID identifies a handoff. It is no secret: the page of the browser has it in its address.
type HandoffID string

// HandoffEnd is how a handoff ended; empty: it has not.
type HandoffEnd string

const (
	HandoffDone     HandoffEnd = "done"     // the phone has its answer
	HandoffReplaced HandoffEnd = "replaced" // its owner made a newer one
	HandoffStopped  HandoffEnd = "stopped"  // in the browser
	HandoffLeft     HandoffEnd = "left"     // on the phone
	HandoffWrong    HandoffEnd = "wrong"    // the number was wrong too often
	HandoffExpired  HandoffEnd = "expired"
)

// Handoff is a sign-in on a phone by a QR code, from when somebody who is signed in shows the code to the phone's
// answer (docs/app.md). A phone claims it with what the code says, once; then its owner types in the browser the number
// that the phone shows. It needs the session in which it was made, to the end.
type Handoff struct {
	ID        HandoffID
	Platform  platform.ID
	Account   account.ID
	Session   string        // in which it was made and is confirmed
	Reference []byte        // what the code says, sealed and bound to ReferenceBinding; nil: claimed or ended
	Proofs    []authn.Proof // what counted as fresh when it was made, with the source Way
	Displaces DeviceID      // the device that makes room; empty: none
	MadeAt    time.Time
	EndsAt    time.Time

	Claim
	ClaimedAt   time.Time
	Numbers     int // that were typed
	ConfirmedAt time.Time
	EndedAt     time.Time
	End         HandoffEnd
}

// Claim is what a phone brings for a handoff, and the number that it got.
type Claim struct {
	Party     PartyID
	JKT       string // of the phone's key: only that polls
	Challenge string // code challenge (S256), for the answer
	Name      string // as the phone calls itself; see DeviceName
	Network   string // see authn.Session
	Nearby    string // the network of one home, an IPv4 /24 or an IPv6 /48; forgotten with the end
	Number    []byte // match number, sealed and bound to NumberBinding; nil: not needed any more
}

// ReferenceBinding ties the sealed reference to its handoff.
func (h *Handoff) ReferenceBinding() string { return "handoff/reference/" + string(h.ID) }

// NumberBinding ties the sealed number to its handoff.
func (id HandoffID) NumberBinding() string { return "handoff/number/" + string(id) }

// Ended tells how it ended; expired counts from its moment on, whether that was noted or not.
func (h *Handoff) Ended(now time.Time) HandoffEnd {
	if h.EndedAt.IsZero() && !now.Before(h.EndsAt) {
		return HandoffExpired
	}
	return h.End
}

// SameNetwork reports whether the phone is in the network that a browser is in.
func (h *Handoff) SameNetwork(nearby string) bool { return nearby != "" && h.Nearby == nearby }

// NewHandoff is a handoff that somebody makes in a session, and the reference that its code says.
func NewHandoff(s *authn.Session, fresh []authn.Proof, displaces DeviceID, now time.Time) (h Handoff, reference string) {
	proofs := slices.Clone(fresh)
	for i := range proofs {
		proofs[i].Source = string(ByQR)
	}
	return Handoff{
		ID: HandoffID(secret.ID()), Platform: s.Platform, Account: s.Account, Session: s.ID, Proofs: proofs, Displaces: displaces,
		MadeAt: now, EndsAt: now.Add(ReferenceLife),
	}, secret.Token()
}

// NewMatchNumber is a random number of two digits, from 10 to 99, each as likely as every other.
func NewMatchNumber() string {
	for {
		if n := secret.Digits(2); n[0] != '0' {
			return n
		}
	}
}

// Make is what making a handoff demands.
type Make struct {
	Handoff
	Hash    []byte       // of the reference
	Follows authn.Change // among it what counts how many are made
}

// Claiming is what claiming a handoff demands.
type Claiming struct {
	Claim
	Platform platform.ID
	Hash     []byte                          // of the reference
	Seal     func(HandoffID) (number []byte) // the number, for this handoff
	Event    audit.Event                     // its account and session are filled in
	Now      time.Time
}

// Confirming is what confirming a handoff demands.
type Confirming struct {
	Platform platform.ID
	ID       HandoffID
	Account  account.ID
	Session  string
	Right    func(sealed []byte) (bool, error) // whether it is this number
	Events   func(right bool, end HandoffEnd) []audit.Event
	Now      time.Time
}

// Poll is what a phone shows that asks for its answer, or stops.
type Poll struct {
	Platform  platform.ID
	Party     PartyID
	ID        HandoffID
	JKT       string
	Challenge string
	Now       time.Time
}
