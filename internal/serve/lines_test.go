package serve

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// paper notes each write, and when it came.
type paper struct {
	mu     sync.Mutex
	start  time.Time
	writes []string
	fails  error
}

func (p *paper) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.writes = append(p.writes, fmt.Sprintf("%d ms: %s", time.Since(p.start).Milliseconds(), strings.ReplaceAll(strings.TrimSpace(string(text)), "\n", " ")))
	return len(text), p.fails
}

// plain is a handler whose lines are no more than their message.
func plain(to io.Writer) slog.Handler {
	return slog.NewTextHandler(to, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == slog.LevelKey {
			return slog.Attr{}
		}
		return a
	}})
}

func TestLinesAreGathered(t *testing.T) {
	after := func(ms int) { time.Sleep(time.Duration(ms) * time.Millisecond) }
	long := strings.Repeat("x", gatherMost/2)
	for name, c := range map[string]struct {
		do   func(*slog.Logger, *Lines)
		want []string
	}{
		"the first at once, those behind it together": {
			func(log *slog.Logger, _ *Lines) {
				log.Info("a")
				after(20)
				log.Info("b")
				after(79)
				log.Warn("c")
				after(300)
				log.Info("d")
			},
			[]string{"0 ms: msg=a", "100 ms: msg=b msg=c", "399 ms: msg=d"},
		},
		"without a pause every 100 ms": {
			func(log *slog.Logger, _ *Lines) {
				for n := range 7 {
					log.Info(fmt.Sprint(n))
					after(45)
				}
			},
			[]string{"0 ms: msg=0", "100 ms: msg=1 msg=2", "200 ms: msg=3 msg=4", "300 ms: msg=5 msg=6"},
		},
		"an error at once, in its order": {
			func(log *slog.Logger, _ *Lines) {
				log.Info("a")
				log.Info("b")
				after(10)
				log.With("of", "x").WithGroup("g").Error("c")
				log.Info("d")
			},
			[]string{"0 ms: msg=a", "10 ms: msg=b msg=c of=x", "110 ms: msg=d"},
		},
		"when many wait": {
			func(log *slog.Logger, _ *Lines) {
				log.Info("a")
				after(1)
				log.Info(long)
				log.Info(long)
				after(1)
				log.Info(long + long)
			},
			[]string{"0 ms: msg=a", "1 ms: msg=" + long, "2 ms: msg=" + long, "2 ms: msg=" + long + long},
		},
		"at the stop, and at once after it": {
			func(log *slog.Logger, lines *Lines) {
				log.Info("a")
				log.Info("b")
				after(10)
				_ = lines.Close()
				log.Info("c")
			},
			[]string{"0 ms: msg=a", "10 ms: msg=b", "10 ms: msg=c"},
		},
		"at a crash": {
			func(log *slog.Logger, lines *Lines) {
				defer func() { _ = recover() }()
				defer func() { _ = lines.Close() }()
				log.Info("a")
				log.Info("b")
				panic("crash")
			},
			[]string{"0 ms: msg=a", "0 ms: msg=b"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				to := &paper{start: time.Now()}
				lines := NewLines(to, time.Now)
				c.do(slog.New(lines.Handler(plain)), lines)
				time.Sleep(time.Second)
				synctest.Wait()
				if !slices.Equal(to.writes, c.want) {
					t.Errorf("%.300q\nwant %.300q", to.writes, c.want)
				}
			})
		})
	}
}

// A line that could not be written is lost, as it is without us; those after it are not.
func TestLinesSurviveATroubledWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := &paper{start: time.Now(), fails: errors.New("no space")}
		lines := NewLines(to, time.Now)
		log := slog.New(lines.Handler(plain))
		log.Info("a")
		log.Info("b")
		time.Sleep(time.Second)
		synctest.Wait()
		to.fails = nil
		log.Info("c")
		if want := []string{"0 ms: msg=a", "100 ms: msg=b", "1000 ms: msg=c"}; !slices.Equal(to.writes, want) {
			t.Errorf("%q, want %q", to.writes, want)
		}
	})
}

// Many write at once, with errors among them and a stop in between: every line arrives, once, whole, and those of each
// writer in their order.
func TestLinesAreWholeAndInOrder(t *testing.T) {
	const writers, each = 8, 500
	to := &bytes.Buffer{} // written under the lock of lines
	lines := NewLines(to, time.Now)
	log := slog.New(lines.Handler(func(w io.Writer) slog.Handler { return slog.NewJSONHandler(w, nil) }))
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for n := range each {
				level := slog.LevelInfo
				if n%97 == 0 {
					level = slog.LevelError
				}
				log.Log(t.Context(), level, "line", "writer", w, "n", n, "filler", strings.Repeat("x", n))
				if w == 0 && n == each/2 {
					_ = lines.Close()
				}
			}
		})
	}
	all.Wait()
	if err := lines.Flush(); err != nil {
		t.Fatal(err)
	}
	var next [writers]int
	for text := range bytes.Lines(to.Bytes()) {
		var line struct {
			Writer, N int
			Filler    string
		}
		if err := json.Unmarshal(text, &line); err != nil {
			t.Fatalf("%v: %q", err, text)
		}
		if line.N != next[line.Writer] || len(line.Filler) != line.N {
			t.Fatalf("writer %d: line %d, want %d", line.Writer, line.N, next[line.Writer])
		}
		next[line.Writer]++
	}
	for w, n := range next {
		if n != each {
			t.Errorf("writer %d: %d lines, want %d", w, n, each)
		}
	}
}
