package login

import (
	"context"
	"encoding/hex"
	"time"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/platform"
)

// How many wrong codes are taken. App and text message share one budget, recovery codes have their own, so that they
// still work when the others are refused.
const (
	codesPerJourney   = 5
	codesPerDay       = 10
	recoveriesPerHour = 5
	recoveriesPerDay  = 10
)

// Counter counts against limits, before what is counted is verified.
type Counter interface {
	Count(ctx context.Context, p platform.ID, limits []authn.Limit, now time.Time) (until time.Time, err error)
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
}

// Code counts a code of an app or a text message.
func (b Budget) Code(ctx context.Context, v *Visit) (Attempt, error) {
	own := []authn.Limit{{Key: b.key(v, "journey", v.Journey.ID), Max: codesPerJourney, Window: authn.JourneyLife}}
	all := []authn.Limit{{Key: b.key(v, "codes", string(v.Facts.Account.ID)), Max: codesPerDay, Window: 24 * time.Hour}}
	a, err := b.count(ctx, v, own)
	if err != nil || !a.Until.IsZero() {
		a.Own = true
		return a, err
	}
	day, err := b.count(ctx, v, all)
	day.Keys = append(day.Keys, a.Keys...)
	return day, err
}

// Recovery counts a recovery code.
func (b Budget) Recovery(ctx context.Context, v *Visit) (Attempt, error) {
	id := string(v.Facts.Account.ID)
	return b.count(ctx, v, []authn.Limit{
		{Key: b.key(v, "recovery hour", id), Max: recoveriesPerHour, Window: time.Hour},
		{Key: b.key(v, "recovery day", id), Max: recoveriesPerDay, Window: 24 * time.Hour},
	})
}

func (b Budget) count(ctx context.Context, v *Visit, limits []authn.Limit) (a Attempt, err error) {
	for _, l := range limits {
		a.Keys = append(a.Keys, l.Key)
	}
	a.Until, err = b.Store.Count(ctx, v.Platform.ID, limits, v.Now)
	return a, err
}

func (b Budget) key(v *Visit, what, of string) string {
	return hex.EncodeToString(b.Sealer.MAC("wrong codes", string(v.Platform.ID)+"\x00"+what+"\x00"+of))
}

// WrongCodes is the page on which a journey rests when its budget is used up; the owner is told once.
func (a Attempt) WrongCodes() *Stop {
	if a.Own {
		return &Stop{Page: StopCodes}
	}
	return &Stop{Page: StopCodesLater, Until: a.Until}
}
