package authn

import (
	"slices"
	"time"

	"github.com/minddistrict/idp/account"
)

// onlyThisJourney is later than any proof: only those of the journey count.
var onlyThisJourney = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// askedSince: with prompt=login only what is shown for this request counts; with max_age
// (OpenID Connect Core 1.0 section 3.1.2.1) also what is not older than that.
func askedSince(a Ask, f Facts) time.Time {
	switch {
	case a.PromptLogin || f.BreakGlass && !f.Policy.LoginForm || a.MaxAge != nil && *a.MaxAge == 0:
		return onlyThisJourney
	case a.MaxAge != nil:
		return f.Now.Add(-*a.MaxAge)
	}
	return time.Time{}
}

// askedAgain: prompt=login asks the whole sign-in again. What max_age says of a code counts where a level is asked
// (strongerAsked); without one it is about the primary only.
// At the emergency login nothing from before counts.
func askedAgain(a Ask, f Facts) time.Time {
	if a.PromptLogin || f.BreakGlass && !f.Policy.LoginForm {
		return onlyThisJourney
	}
	return time.Time{}
}

// sinceLastSeen: only what was shown after the last activity answers the question "are you still there?".
func sinceLastSeen(_ Ask, f Facts) time.Time { return f.Session.SeenAt.Add(time.Nanosecond) }

// seenAndAskedAgain: after the idle hour, and with prompt=login for this request.
func seenAndAskedAgain(a Ask, f Facts) time.Time {
	if a.PromptLogin {
		return onlyThisJourney
	}
	return sinceLastSeen(a, f)
}

// sessionStart: a set of recovery codes that was made in the session proves nothing that the session did not have.
// Where there is none yet, any set counts.
func sessionStart(_ Ask, f Facts) time.Time {
	if !ownSession(f) {
		return time.Time{}
	}
	return f.Session.StartedAt
}

// sinceJourney: only what is shown in this journey counts.
func sinceJourney(Ask, Facts) time.Time { return onlyThisJourney }

// Counted are the proofs that count for the level of a request: with prompt=login those that were given for it, with
// max_age (OpenID Connect Core 1.0 section 3.1.2.1) also those that are not older. A code from before makes no fresh
// sign-in of two factors.
func (a Ask) Counted(proofs []Proof, now time.Time) []Proof {
	since := askedSince(a, Facts{Now: now})
	return slices.DeleteFunc(slices.Clone(AsOf(proofs, now)), func(p Proof) bool { return !a.givenFor(p) && p.At.Before(since) })
}

// ReportedProofs are the proofs that the answer to a request tells of: with prompt=login those that were given for it,
// otherwise all that the session has. A party that asks a person to sign in again does not hear of an older code:
// somebody else may have shown it.
func (a Ask) ReportedProofs(proofs []Proof) []Proof {
	if !a.PromptLogin {
		return proofs
	}
	return slices.DeleteFunc(slices.Clone(proofs), func(p Proof) bool { return !a.givenFor(p) })
}

// Who works on pages of staff shows password and code again after a pause, and after a working day.
const (
	StaffPause = 30 * time.Minute // without any activity in the session
	StaffDay   = 12 * time.Hour   // since the password or the code
)

// sincePause: what was shown before somebody left the session alone for StaffPause may be another's by now. A visit to
// another page or party in between does not hide the pause (Session.LeftAt).
func sincePause(_ Ask, f Facts) time.Time {
	since := f.Now.Add(-StaffDay)
	if !ownSession(f) {
		return since
	}
	left := f.Session.LeftAt
	if f.Now.Sub(f.Session.SeenAt) >= StaffPause {
		left = f.Session.SeenAt
	}
	if !left.IsZero() && left.Add(time.Nanosecond).After(since) {
		return left.Add(time.Nanosecond)
	}
	return since
}

// FreshFor is how long a password or code shown in this session is not asked again by our settings.
const FreshFor = 5 * time.Minute

func fresh(_ Ask, f Facts) time.Time { return f.Now.Add(-FreshFor) }

// FreshProofs are those of a session that nobody asks again in the settings: what was shown in the last FreshFor. A
// waiver shows nothing, and a set of recovery codes that was made in the session nothing new.
func FreshProofs(f Facts) []Proof {
	if f.Session == nil {
		return nil
	}
	codes := Requirement{Before: sessionStart(Ask{}, f)}
	return slices.DeleteFunc(slices.Clone(AsOf(f.Session.Proofs, f.Now)), func(p Proof) bool {
		return p.Use == account.Waiver || p.At.Before(fresh(Ask{}, f)) || !codes.countsOf(p, f.Account)
	})
}
