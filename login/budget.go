package login

import (
	"context"
	"encoding/hex"
	"errors"
	"time"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
)

// How many wrong codes are taken, beside what authn bounds.
const (
	codesPerJourney = 5

	tellAt = 5 // wrong codes in a day: the owner is told, once a day
	day    = 24 * time.Hour
)

// Counter is what counting needs of storage; each method is one transaction.
type Counter interface {
	// Count counts against limits, before what is counted is verified, and says where each stands, in their order.
	Count(ctx context.Context, p platform.ID, limits []authn.Limit, now time.Time) ([]authn.Counted, error)
	// SaveChange saves a change, or is fault.Throttled where a limit of it is exceeded.
	SaveChange(ctx context.Context, c authn.Change, now time.Time) error
}

// Budget counts codes by account, so that guesses spread over sessions, tabs and nodes share it.
type Budget struct {
	Store  Counter
	Sealer Sealer
}

// Attempt is one code that was counted.
type Attempt struct {
	Keys  []string  // Change.Uncount when it was right
	Until time.Time // not zero: refused until then, and nothing was verified
	Own   bool      // it is this journey's own budget that is used up: begin again

	ownLast bool // if it is wrong, this journey's budget is used up
	day     authn.Counted
}

// CountCode counts a code of an app or a text message.
func (b Budget) CountCode(ctx context.Context, v *Visit) (Attempt, error) {
	own := authn.Limit{Key: b.key(v, "journey", v.Journey.ID), Max: codesPerJourney, Window: authn.JourneyLife}
	a, stand, err := b.count(ctx, v, own)
	if err != nil || !a.Until.IsZero() {
		a.Own = true
		return a, err
	}
	last := stand[0].N == codesPerJourney
	next, stand, err := b.count(ctx, v, authn.CodesOf(b.Sealer, v.Platform.ID, v.Facts.Account.ID))
	if err != nil {
		return Attempt{}, err
	}
	return Attempt{Keys: append(a.Keys, next.Keys...), Until: next.Until, ownLast: last, day: stand[0]}, nil
}

// CountMailed counts a code of a mail to the key of an address, whether anybody has it or not.
func (b Budget) CountMailed(ctx context.Context, v *Visit, email string) (Attempt, error) {
	own := authn.Limit{Key: b.key(v, "mails of a journey", v.Journey.ID), Max: codesPerJourney, Window: authn.JourneyLife}
	a, stand, err := b.count(ctx, v, own)
	if err != nil || !a.Until.IsZero() {
		a.Own = true
		return a, err
	}
	next, _, err := b.count(ctx, v, authn.MailCodesOf(b.Sealer, v.Platform.ID, email))
	if err != nil {
		return Attempt{}, err
	}
	return Attempt{Keys: append(a.Keys, next.Keys...), Until: next.Until, ownLast: stand[0].N == codesPerJourney}, nil
}

// Last reports whether this journey's budget is used up if the code is wrong.
func (a Attempt) Last() bool { return a.ownLast }

// CountRecovery counts a recovery code.
func (b Budget) CountRecovery(ctx context.Context, v *Visit) (Attempt, error) {
	a, _, err := b.count(ctx, v, authn.RecoveriesOf(b.Sealer, v.Platform.ID, v.Facts.Account.ID)...)
	return a, err
}

func (b Budget) count(ctx context.Context, v *Visit, limits ...authn.Limit) (a Attempt, stand []authn.Counted, err error) {
	stand, err = b.Store.Count(ctx, v.Platform.ID, limits, v.Now)
	if err != nil {
		return Attempt{}, nil, err
	}
	for i, l := range limits {
		a.Keys = append(a.Keys, l.Key)
		if stand[i].N > l.Max && stand[i].Until.After(a.Until) {
			a.Until = stand[i].Until
		}
	}
	return a, stand, nil
}

func (b Budget) key(v *Visit, what, of string) string {
	return hex.EncodeToString(b.Sealer.MAC("wrong codes", string(v.Platform.ID)+"\x00"+what+"\x00"+of))
}

// Unverified is what a code leads to, beside the error that says why it could not be verified: it does not count.
func (a Attempt) Unverified() Outcome { return Outcome{Change: authn.Change{Uncount: a.Keys}} }

// Refused is what a code leads to that is not verified, because the budget is used up: the same for a right one.
func (b Budget) Refused(v *Visit, a Attempt) Outcome {
	return Outcome{Stop: a.WrongCodes(), Change: authn.Change{Events: []audit.Event{secondRefused(v, "too many")}}}
}

// Wrong is what a wrong code of an app or a text message leads to: the text that says so, or the end of the budget. The
// owner is told of the fifth in a day, in a transaction of its own: a guesser who sends many at once cannot undo it.
func (b Budget) Wrong(ctx context.Context, v *Visit, a Attempt, text string) (Outcome, error) {
	out := Outcome{Tried: a.Keys, Change: authn.Change{Events: []audit.Event{secondRefused(v, "wrong")}}}
	if a.day.N >= tellAt {
		tell := authn.Change{
			Count:    []authn.Limit{{Key: b.key(v, "told", string(v.Facts.Account.ID)), Max: 1, Window: day}},
			Messages: []outbox.Message{v.Notice(outbox.WrongCodes, b.Sealer)},
		}
		if err := b.Store.SaveChange(ctx, tell, v.Now); err != nil && !errors.Is(err, fault.Throttled) { // told before
			return Outcome{}, err
		}
	}
	switch {
	case a.day.N >= authn.CodesPerDay:
		out.Stop = &authn.Stop{Page: StopCodesLater, Until: a.day.Until}
	case a.ownLast:
		out.Stop = &authn.Stop{Page: StopCodes}
	default:
		out.Retry = []authn.Mistake{{Field: "code", Key: text}}
	}
	return out, nil
}

// WrongCodes is the page on which a journey rests when its budget is used up.
func (a Attempt) WrongCodes() *authn.Stop {
	if a.Own {
		return &authn.Stop{Page: StopCodes}
	}
	return &authn.Stop{Page: StopCodesLater, Until: a.Until}
}

func secondRefused(v *Visit, why string) audit.Event {
	e := v.Event(audit.SecondFactorRefused, audit.Failure, v.Facts.Account.ID)
	e.Reason = why
	return e
}
