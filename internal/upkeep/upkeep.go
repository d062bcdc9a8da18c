// Package upkeep does again and again what nobody asks for: looking for new settings, sending mails, cleaning up.
//
// A Job is a row: what it is called, how often it is done, and whether a node that is about to stop still does it. Run
// does each at its own pace, so that a slow one delays no other. New work is a function in the room that it is about
// and a row in internal/wire.
package upkeep

import (
	"context"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"
)

// Job is work that is done again and again. The next round begins after the last has ended; an error is logged under
// the name, and the next round tries anew.
type Job struct {
	Name     string
	Every    time.Duration
	Draining bool // it goes on while a node drains
	Do       func(context.Context) error
}

// Run does the jobs until the context ends, and from draining on only those that go on. It returns when all have ended.
func Run(ctx context.Context, log *slog.Logger, draining <-chan struct{}, jobs []Job) {
	work, end := context.WithCancel(ctx)
	defer end()
	var all sync.WaitGroup
	for _, j := range jobs {
		lives := work
		if j.Draining {
			lives = ctx
		}
		all.Go(func() { j.run(lives, log) })
	}
	select {
	case <-draining:
		end()
	case <-ctx.Done():
	}
	all.Wait()
}

func (j Job) run(ctx context.Context, log *slog.Logger) {
	defer func() {
		if p := recover(); p != nil { // the process ends, and its log says why: lines may be gathered up to one like this
			log.ErrorContext(ctx, "panic", slog.String("job", j.Name), slog.Any("error", p), slog.String("stack", string(debug.Stack())))
			panic(p)
		}
	}()
	t := time.NewTicker(j.Every)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			if err := j.Do(ctx); err != nil && ctx.Err() == nil {
				log.WarnContext(ctx, j.Name, slog.Any("error", err))
			}
		}
	}
}
