package serve

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"
)

// Lines gathers what is logged: under load a line per request is a system call per request, a twelfth of the CPU
// (docs/performance.md). A line after a pause is written at once; those that follow it wait for at most gatherFor and are
// written together, in their order and whole, unless gatherMost bytes wait or one of level error comes sooner.
//
// After Close every line is written at once, so that a stop loses none. What waits is lost when the process is killed, or
// ends by a panic that nobody logs.
type Lines struct {
	to  io.Writer
	now func() time.Time

	mu      sync.Mutex // guards what follows, and is held while lines are written: that keeps their order
	waiting []byte
	wroteAt time.Time   // zero: never
	timer   *time.Timer // runs while lines wait
	closed  bool
}

const (
	gatherFor  = 100 * time.Millisecond // a person who reads the log live notices no difference
	gatherMost = 64 << 10               // bytes: some 200 lines; what a pipe of Linux takes at once
)

// NewLines gathers lines for a writer. Each Write must be one line or more, as handlers of log/slog write them.
func NewLines(to io.Writer, now func() time.Time) *Lines {
	l := &Lines{to: to, now: now}
	l.timer = time.AfterFunc(gatherFor, func() { _ = l.Flush() }) // who would be told?
	l.timer.Stop()
	return l
}

// Write takes a line.
func (l *Lines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var err error
	if len(l.waiting)+len(line) > gatherMost {
		err = l.flush()
	}
	pause := l.now().Sub(l.wroteAt)
	if len(l.waiting) == 0 && (l.closed || pause >= gatherFor || len(line) > gatherMost) {
		return len(line), errors.Join(err, l.write(line))
	}
	if len(l.waiting) == 0 {
		l.timer.Reset(gatherFor - pause)
	}
	l.waiting = append(l.waiting, line...)
	return len(line), err
}

// Flush writes what waits.
func (l *Lines) Flush() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.flush()
}

// Close writes what waits, and has every later line written at once.
func (l *Lines) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	return l.flush()
}

func (l *Lines) flush() error {
	if len(l.waiting) == 0 {
		return nil
	}
	l.timer.Stop()
	err := l.write(l.waiting)
	l.waiting = l.waiting[:0] // what could not be written is lost, as a line is that could not
	return err
}

func (l *Lines) write(text []byte) error {
	l.wroteAt = l.now()
	_, err := l.to.Write(text)
	return err
}

// Handler is a handler that writes its lines to l, which are written out together with one of level error or above.
func (l *Lines) Handler(to func(io.Writer) slog.Handler) slog.Handler { return urgent{to(l), l} }

// urgent writes out what waits as soon as something is wrong.
type urgent struct {
	slog.Handler
	lines *Lines
}

func (u urgent) Handle(ctx context.Context, r slog.Record) error {
	err := u.Handler.Handle(ctx, r)
	if r.Level >= slog.LevelError {
		err = errors.Join(err, u.lines.Flush())
	}
	return err
}

func (u urgent) WithAttrs(attrs []slog.Attr) slog.Handler {
	return urgent{u.Handler.WithAttrs(attrs), u.lines}
}

func (u urgent) WithGroup(name string) slog.Handler {
	return urgent{u.Handler.WithGroup(name), u.lines}
}
