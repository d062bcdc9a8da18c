package upkeep_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/minddistrict/idp/internal/upkeep"
)

// A pretend job is a row: it is done at its pace, tried again after an error, and ends when the node drains unless it
// goes on then.
func TestPretendJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		start, draining := time.Now(), make(chan struct{})
		var done, goesOn []time.Duration
		jobs := []upkeep.Job{
			{Name: "pretend", Every: 3 * time.Second, Do: func(context.Context) error {
				if done = append(done, time.Since(start)); len(done) == 2 {
					return errors.New("not this time")
				}
				return nil
			}},
			{Name: "goes on", Every: 5 * time.Second, Draining: true, Do: func(context.Context) error {
				goesOn = append(goesOn, time.Since(start))
				return nil
			}},
		}
		ctx, end := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			upkeep.Run(ctx, slog.New(slog.NewTextHandler(&log, nil)), draining, jobs)
		}()
		time.Sleep(10 * time.Second)
		close(draining)
		time.Sleep(11 * time.Second)
		end()
		<-ended
		if want := []time.Duration{3 * time.Second, 6 * time.Second, 9 * time.Second}; !slices.Equal(done, want) {
			t.Errorf("done at %v, want %v", done, want)
		}
		if want := []time.Duration{5 * time.Second, 10 * time.Second, 15 * time.Second, 20 * time.Second}; !slices.Equal(goesOn, want) {
			t.Errorf("the one that goes on was done at %v, want %v", goesOn, want)
		}
		if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, `level=WARN msg=pretend error="not this time"`) {
			t.Errorf("log: %s", got)
		}
	})
}

// What a job touches: the room that it is about, and one file that has the rows.
func TestJobsAreRowsOfOneFile(t *testing.T) {
	var found []string
	root := filepath.Join("..", "..")
	for _, folder := range []string{"account", "audit", "authn", "cmd", "grant", "internal", "keys", "login", "notify", "op", "outbox", "staff", "storage"} {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, d os.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			if bytes.Contains(text, []byte("upkeep.Job")) {
				path, _ = filepath.Rel(root, path)
				found = append(found, filepath.ToSlash(path))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"internal/wire/jobs.go"}; !slices.Equal(found, want) {
		t.Errorf("files that name a job: %v, want %v", found, want)
	}
}
