package wire

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/minddistrict/idp/internal/fault"
)

// settingsLast is how old settings may be. They are looked up twice a second, so that what was changed counts within a
// second on every node; one that cannot look them up stops after this time, because it would go on with a party that
// was disabled or a policy that was changed.
const settingsLast = 5 * time.Second

// confirm notes that the settings were right at that moment.
func (h *House) confirm(at time.Time) {
	for {
		last := h.confirmed.Load()
		if last != nil && !at.After(*last) || h.confirmed.CompareAndSwap(last, &at) {
			return
		}
	}
}

// settingsAge is how long ago the settings were right for certain, by a clock that no change of this machine's time
// moves.
func (h *House) settingsAge() time.Duration {
	last := h.confirmed.Load()
	if last == nil {
		return 0
	}
	return max(0, h.Now().Sub(*last))
}

// fresh is fault.Told when the settings are too old to go by.
func (h *House) fresh() error {
	if age := h.settingsAge(); age > settingsLast {
		return fmt.Errorf("settings are %s old: %w", age.Round(time.Second), fault.Told)
	}
	return nil
}

// tellEvery is how often the log says the same of the settings.
const tellEvery = time.Minute

// followAndTell keeps up with the settings and says what is wrong with them, each thing once a minute: a look that
// failed, settings that are too old to go by, and keys that cannot be opened.
func (h *House) followAndTell() func(context.Context) error {
	told := map[string]time.Time{}
	now := func(what string) bool {
		last, before := told[what]
		if before && h.Now().Sub(last) < tellEvery {
			return false
		}
		told[what] = h.Now()
		return true
	}
	return func(ctx context.Context) error {
		err := h.follow(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case h.fresh() != nil:
			if now("old") {
				h.Log.ErrorContext(ctx, "settings are too old: nobody is let in", slog.Duration("age", h.settingsAge()), slog.Any("error", err))
			}
		case err != nil && now("failed"):
			h.Log.WarnContext(ctx, "settings", slog.Any("error", err))
		}
		for _, k := range h.settings.Load().ring.Unopened() {
			if now(string(k.Platform) + "/" + k.KID) {
				h.Log.ErrorContext(ctx, "signing key cannot be opened: its platform gives no tokens",
					slog.String("platform", string(k.Platform)), slog.String("kid", k.KID), slog.Any("error", k.Err))
			}
		}
		return nil
	}
}
