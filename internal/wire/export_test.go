package wire

import "context"

// KeepUp is a round of upkeep, which Run does by the minute.
func (h *House) KeepUp(ctx context.Context) error { return h.keepUp(ctx) }

// Follow is a look at the clock and the settings, which Run takes twice a second.
func (h *House) Follow(ctx context.Context) error { return h.follow(ctx) }

// FollowAndTell is Follow, and what Run says of it.
func (h *House) FollowAndTell(ctx context.Context) { _ = h.followAndTell(ctx) } // it has told
