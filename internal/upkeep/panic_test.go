package upkeep

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A job that panics ends the process, and the log has a line that says so: where lines are gathered, it is the one that
// has them written.
func TestPanicOfAJobIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		j := Job{Name: "pretend", Every: time.Second, Do: func(context.Context) error { panic("boom") }}
		defer func() {
			if got := recover(); got != "boom" {
				t.Errorf("it went on: %v", got)
			}
			if got := log.String(); !strings.Contains(got, "level=ERROR msg=panic job=pretend error=boom stack=") {
				t.Errorf("log: %s", got)
			}
		}()
		j.run(t.Context(), slog.New(slog.NewTextHandler(&log, nil)))
	})
}
