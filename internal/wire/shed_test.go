package wire_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/wire"
)

func smallHouse(t *testing.T) (*wire.House, *idptest.LogBook) {
	t.Helper()
	log := &idptest.LogBook{}
	return build(t, idptest.SQLite(t), time.Now, slog.NewTextHandler(log, nil), fixedClock), log
}

// However many are turned away: one line a second, with their number.
func TestThoseTurnedAwayAreToldOnceASecond(t *testing.T) {
	house, log := smallHouse(t)
	ctx, end := context.WithCancel(t.Context())
	var upkeep sync.WaitGroup
	upkeep.Go(func() { house.Run(ctx) })
	for range 2 + 1000 {
		_, _, _ = house.Pool.Enter(t.Context()) // two places, kept; the others are refused
	}
	line := regexp.MustCompile(`level=WARN msg="too many wait: some were turned away" waiting_for=password count=1000\n`)
	for range 500 {
		if line.MatchString(log.String()) {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	time.Sleep(1100 * time.Millisecond) // nobody more: no line more
	end()
	upkeep.Wait()
	if all := regexp.MustCompile("turned away").FindAllString(log.String(), -1); len(all) != 1 || !line.MatchString(log.String()) {
		t.Errorf("%d lines:\n%s", len(all), log)
	}
}

// A balancer that takes busy nodes out gives their load to the others: a node whose database answers is ready, however
// long the queue is. One whose database answers nobody is not.
func TestLoadDoesNotMakeANodeUnready(t *testing.T) {
	house, _ := smallHouse(t)
	busy, err := house.DB.SQL().Conn(t.Context()) // the only one that writes
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = busy.Close() }() // the test is over
	ready := func() int {
		rec := httptest.NewRecorder()
		house.Operator().ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil))
		return rec.Code
	}
	if status := ready(); status != http.StatusServiceUnavailable {
		t.Errorf("the database answers nobody: %d", status)
	}
	ended := make(chan struct{})
	var others sync.WaitGroup
	others.Go(func() {
		for {
			select {
			case <-ended:
				return
			case <-time.After(10 * time.Millisecond):
				if err := house.Refresh(t.Context()); err != nil {
					t.Error(err)
				}
			}
		}
	})
	if status := ready(); status != http.StatusOK {
		t.Errorf("the database answers others: %d", status)
	}
	close(ended)
	others.Wait()
}
