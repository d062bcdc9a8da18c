package authn

import (
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/platform"
)

// Channel is where someone signs in. A session of one channel never answers a party of the other.
type Channel string

const (
	Browser Channel = "browser"
	App     Channel = "app"
)

// Session is one sign-in of one account, in one browser or app, shared by all parties of the platform.
type Session struct {
	ID        string // the `sid` claim; public, not the cookie
	Platform  platform.ID
	Account   account.ID
	Channel   Channel
	Proofs    []Proof
	Agent     string // browser that it began in, as it names itself, at most 200 characters
	Network   string // where it began: the /24 of an IPv4 address, the /32 of an IPv6 one; empty: not known
	StartedAt time.Time
	IdledAt   time.Time // when it was last found idle by parties that want to hear of it; zero: never
	SeenAt    time.Time // last activity, exact to a minute (SeenEvery)
	LeftAt    time.Time // last activity before the newest pause of StaffPause or longer; zero: there was none
	EndsAt    time.Time // used or not
	EndedAt   time.Time // signed out, or ended by staff; zero while it lives
}

// SeenEvery is how exact SeenAt is: it is written at most this often.
const SeenEvery = time.Minute

// Live reports whether the session has neither ended nor run out. An idle session is live: it asks for a proof again.
func (s *Session) Live(now time.Time) bool {
	return s != nil && s.EndedAt.IsZero() && now.Before(s.EndsAt)
}

// Idle reports whether there was no activity for so long that something must be proven again
// (testdata/journeys/idle_hour.txt, code_idle.txt).
func (s *Session) Idle(p platform.Policy, now time.Time) bool {
	return p.IdleAfter > 0 && now.Sub(s.SeenAt) >= p.IdleAfter
}

// FreshAt is since when both the newest primary and the newest second proof were shown; zero: one of them was not.
func (s *Session) FreshAt() time.Time {
	var primary, second time.Time
	for _, p := range s.Proofs {
		if p.Use == account.Primary && p.At.After(primary) {
			primary = p.At
		}
		if p.second() && p.At.After(second) {
			second = p.At
		}
	}
	if second.Before(primary) {
		return second
	}
	return primary
}

// NewSession starts a session from the proofs of a journey.
func NewSession(id string, a *account.Account, c Channel, proofs []Proof, p platform.Policy, now time.Time) Session {
	return Session{
		ID: id, Platform: a.Platform, Account: a.ID, Channel: c, Proofs: proofs,
		StartedAt: now, SeenAt: now, EndsAt: now.Add(p.SessionEnds.For(a.Role)),
	}
}

// Raised is the session with newer proofs added. It keeps its identifier, start and end.
func (s Session) Raised(proofs []Proof, now time.Time) Session {
	s.Proofs = Merge(s.Proofs, proofs)
	if now.Sub(s.SeenAt) >= StaffPause {
		s.LeftAt = s.SeenAt
	}
	s.SeenAt = now
	return s
}
