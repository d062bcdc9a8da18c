package wire

import (
	"context"
	"log/slog"
	"time"
)

// shed is a bounded queue and how many it has turned away since the start.
type shed struct {
	waitingFor string // label and field: what the queue is for
	total      func() uint64
	told       uint64
}

// queues are those that turn people away when they are full.
func (h *House) queues() []*shed {
	return []*shed{
		{waitingFor: "password", total: h.Pool.Shed},
		{waitingFor: "database", total: h.DB.Shed},
	}
}

// shedEvery is how often at most the log says that people are turned away, however many they are.
const shedEvery = time.Second

// tellShed says how many were turned away since it was called last.
func (h *House) tellShed() func(context.Context) error {
	queues := h.queues()
	return func(ctx context.Context) error {
		for _, q := range queues {
			if total := q.total(); total > q.told {
				h.Log.WarnContext(ctx, "too many wait: some were turned away", slog.String("waiting_for", q.waitingFor), slog.Uint64("count", total-q.told))
				q.told = total
			}
		}
		return nil
	}
}
