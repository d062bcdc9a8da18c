package wire

import (
	"context"
	"errors"

	"github.com/minddistrict/idp/internal/fault"
)

// ready reports whether the house can serve: the database takes writes and has our schema, and settings are not too
// old. A schema that has become newer while we run is that of the next release, whose nodes are about to replace us one
// by one: it is said once, and until then we go on. Load is no reason: a balancer would give it to the nodes that are
// left.
func (h *House) ready(ctx context.Context) error {
	if err := h.settings.Fresh(); err != nil {
		return err
	}
	ctx, done := context.WithTimeout(ctx, readyTime)
	defer done()
	answered := h.DB.Answered()
	err := h.DB.TakesWrites(ctx)
	if err == nil {
		err = h.DB.SchemaError(ctx)
	}
	if errors.Is(err, fault.Busy) || ctx.Err() != nil && h.DB.Answered() > answered {
		return nil // it answers those before us
	}
	if errors.Is(err, fault.Refused) {
		h.outgrown.Do(func() {
			h.Log.WarnContext(ctx, "the schema is newer now: this server goes on but cannot be started again", "error", err)
		})
		return nil
	}
	return err
}
