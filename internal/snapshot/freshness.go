package snapshot

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
func (c *Current) confirm(at time.Time) {
	for {
		last := c.confirmed.Load()
		if last != nil && !at.After(*last) || c.confirmed.CompareAndSwap(last, &at) {
			return
		}
	}
}

// Age is how long ago the settings were right for certain, by a clock that no change of this machine's time moves.
func (c *Current) Age() time.Duration {
	last := c.confirmed.Load()
	if last == nil {
		return 0
	}
	return max(0, c.Own().Sub(*last))
}

// Fresh is fault.Told when the settings are too old to go by.
func (c *Current) Fresh() error {
	if age := c.Age(); age > settingsLast {
		return fmt.Errorf("settings are %s old: %w", age.Round(time.Second), fault.Told)
	}
	return nil
}

// tellEvery is how often the log says the same of the settings.
const tellEvery = time.Minute

// Tell says what is wrong with the settings after a look at them, each thing once a minute: the look that failed,
// settings that are too old to go by, and keys that cannot be opened. It is called by one at a time.
func (c *Current) Tell(ctx context.Context, err error) {
	switch {
	case ctx.Err() != nil:
		return
	case c.Fresh() != nil:
		if c.due("old") {
			c.Log.ErrorContext(ctx, "settings are too old: nobody is let in",
				slog.Duration("age", c.Age()), slog.Any("error", err))
		}
	case err != nil && c.due("failed"):
		c.Log.WarnContext(ctx, "settings", slog.Any("error", err))
	}
	for _, k := range c.Unopened() {
		if c.due(string(k.Platform) + "/" + k.KID) {
			c.Log.ErrorContext(ctx, "signing key cannot be opened: its platform gives no tokens",
				slog.String("platform", string(k.Platform)), slog.String("kid", k.KID), slog.Any("error", k.Err))
		}
	}
}

// due reports whether something is to be said now, and notes that it is.
func (c *Current) due(what string) bool {
	last, before := c.told[what]
	if before && c.Own().Sub(last) < tellEvery {
		return false
	}
	c.told[what] = c.Own()
	return true
}
