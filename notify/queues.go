package notify

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/outbox"
)

// How messages to parties are delivered.
const (
	atOnce    = 8           // to one party, from one node: one that takes a second for each answer gets 28,800 in an hour
	lookAgain = time.Second // for further parties, while some take their time
)

// deliverQueues delivers each party's messages by itself and goes on until nothing is due to any: one that is slow, or
// does not answer at all, keeps its own messages waiting and no other's. It ends when all deliveries have ended; after an
// error of one the others finish what they have in hand, as at the end of the context.
func (w *Worker) deliverQueues(ctx context.Context, to outbox.Recipient) error {
	type end struct {
		of  outbox.Queue
		err error
	}
	work, stop := context.WithCancel(ctx)
	defer stop()
	ended, busy := make(chan end), map[outbox.Queue]bool{}
	var failed []error
	for {
		if work.Err() == nil {
			queues, err := w.store().MessageQueues(work, to, w.Now())
			if err != nil {
				failed = append(failed, err)
				stop()
			}
			for _, q := range queues {
				if !busy[q] {
					busy[q] = true
					go func() { ended <- end{q, w.deliverQueue(work, q)} }()
				}
			}
		}
		if len(busy) == 0 {
			return errors.Join(append(failed, ctx.Err())...)
		}
		select {
		case e := <-ended:
			delete(busy, e.of)
			if e.err != nil {
				failed = append(failed, e.err)
				stop()
			}
		case <-time.After(lookAgain):
		}
	}
}

// deliverQueue delivers the messages of one queue. To a party some go at once, none begun before all of those have ended
// that were taken together: each ends within sendTime, so the lease outlives them.
func (w *Worker) deliverQueue(ctx context.Context, q outbox.Queue) error {
	if q.Party == "" {
		return w.empty(ctx, func(now time.Time) ([]outbox.Message, error) {
			return w.store().TakeMessagesOf(ctx, q, lease, batch, now)
		})
	}
	for ctx.Err() == nil {
		messages, err := w.store().TakeMessagesOf(ctx, q, lease, atOnce, w.Now())
		if err != nil || len(messages) == 0 {
			return err
		}
		var all sync.WaitGroup
		failed := make([]error, len(messages))
		for i, m := range messages {
			all.Go(func() {
				var down error // what one meets says nothing of the others
				if err := w.finish(ctx, m, &down); err != nil && !errors.Is(err, fault.Stale) {
					failed[i] = fmt.Errorf("letter %s: %w", m.ID, err)
				}
			})
		}
		all.Wait()
		if err := errors.Join(failed...); err != nil {
			return err
		}
	}
	return ctx.Err()
}
