package op_test

import (
	"net/http"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/storage"
)

// Of many requests at once with one assertion, at two nodes, one is answered (RFC 7523 section 3, item 7). IDP_ASSERTIONS is
// how often.
func TestOneOfManyAssertionsWinsOnTwoNodes(t *testing.T) {
	const atOnce = 32
	rounds := 50 // 1,000 take a minute; storage has as many of what decides
	if text := os.Getenv("IDP_ASSERTIONS"); text != "" {
		var err error
		if rounds, err = strconv.Atoi(text); err != nil || rounds < 1 {
			t.Fatalf("IDP_ASSERTIONS=%q: a number from 1", text)
		}
	}
	for name, open := range map[string]func(testing.TB, int) []*storage.DB{"sqlite": idptest.SQLiteNodes, "postgres": idptest.PostgresNodes} {
		t.Run(name, func(t *testing.T) {
			databases := open(t, 2)
			nodes := [2]caller{{t, idptest.NewServer(t, databases[0])}, {t, idptest.NewServer(t, databases[1])}}
			nodes[0].Apply(house)
			nodes[0].Apply(keyHouse(t))
			for _, node := range nodes {
				node.Clock.Later(time.Minute) // both look at the settings
			}
			begun, won := time.Now(), [2]int{}
			for round := range rounds {
				form := asserted(nodes[0].assertion("keys", nil)).Encode()
				status, start := make([]int, atOnce), make(chan struct{})
				var all sync.WaitGroup
				for i := range status {
					all.Go(func() {
						<-start
						status[i] = nodes[i%2].send(http.MethodPost, issuer+"/token", form, nil).StatusCode
					})
				}
				close(start)
				all.Wait()
				winners := 0
				for i, s := range status {
					switch s {
					case http.StatusOK:
						winners++
						won[i%2]++
					case http.StatusUnauthorized:
					default:
						t.Fatalf("round %d: %d", round, s)
					}
				}
				if winners != 1 {
					t.Fatalf("round %d: %d of %d were answered", round, winners, atOnce)
				}
			}
			t.Logf("%d rounds of %d: one winner each, %d at one node and %d at the other, in %s", rounds, atOnce, won[0], won[1], time.Since(begun))
		})
	}
}
