package storage_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/storage"
)

// atOnce is how many want the same thing at the same moment, every second one at the other node.
const atOnce = 32

// What works once is used once, whichever node is asked.
func TestOneOfManyUsesWinsOnTwoNodes(t *testing.T) {
	idptest.EachNodes(t, 2, func(t *testing.T, nodes []*storage.DB) {
		ends := time.Now().Add(time.Hour)
		won := [2]int{}
		for round := range useRounds {
			hash, results := secret.Hash(secret.Token()), make([]error, atOnce)
			start := make(chan struct{})
			var all sync.WaitGroup
			for i := range results {
				all.Go(func() {
					<-start
					results[i] = nodes[i%2].MarkUsed(t.Context(), "linde", hash, ends)
				})
			}
			close(start)
			all.Wait()
			winners := 0
			for i, err := range results {
				switch {
				case err == nil:
					winners++
					won[i%2]++
				case !errors.Is(err, fault.Spent):
					t.Fatalf("round %d: %v", round, err)
				}
			}
			if winners != 1 {
				t.Fatalf("round %d: %d of %d won", round, winners, atOnce)
			}
		}
		t.Logf("%d rounds of %d: one winner each, %d at one node and %d at the other", useRounds, atOnce, won[0], won[1])
	})
}
