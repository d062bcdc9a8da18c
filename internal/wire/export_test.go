package wire

import (
	"context"
	"errors"

	"github.com/minddistrict/idp/login"
)

// MostWaiting is how many requests of a platform may wait for a first form.
const MostWaiting = mostWaiting

// Do does the jobs of a name once.
func (h *House) Do(ctx context.Context, name string) (err error) {
	for _, j := range h.jobs() {
		if j.Name == name {
			err = errors.Join(err, j.Do(ctx))
		}
	}
	return err
}

// KeepUp is a round of upkeep, which Run does by the minute.
func (h *House) KeepUp(ctx context.Context) error { return h.keepUp(ctx) }

// Follow is a look at the clock and the settings, which Run takes twice a second.
func (h *House) Follow(ctx context.Context) error { return h.follow(ctx) }

// FollowAndTell is Follow, and what Run says of it.
func (h *House) FollowAndTell(ctx context.Context) { _ = h.followAndTell(ctx) } // it has told

// Factors are those of the house, and further ones.
func Factors(further ...login.Factor) []login.Factor {
	return (&House{Options: Options{Factors: further}}).factors()
}
