package op_test

import (
	"net/http"
	"net/url"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/storage"
)

// onceRounds is how often each race is run; IDP_ONCE says another number. 1,000 take a minute, and storage has as many of
// the statement that decides.
func onceRounds(t *testing.T) int {
	t.Helper()
	text := os.Getenv("IDP_ONCE")
	if text == "" {
		return 25
	}
	rounds, err := strconv.Atoi(text)
	if err != nil || rounds < 1 {
		t.Fatalf("IDP_ONCE=%q: a number from 1", text)
	}
	return rounds
}

// Of many requests at once with one assertion, one proof or one request object, at two nodes, one is
// answered (RFC 7523 section 3, RFC 9449 section 11.1, RFC 9101 section 10.2).
func TestOneOfManyWinsOnTwoNodes(t *testing.T) {
	const atOnce = 32
	idptest.EachNodes(t, 2, func(t *testing.T, databases []*storage.DB) {
		one := callerOn(t, databases[0])
		nodes := [2]caller{one, {t, idptest.NewServer(t, databases[1])}}
		one.Declare(keyHouse(t)...)
		for _, node := range nodes {
			node.Clock.Later(time.Minute) // both look at the settings
		}
		b, key := one.signIn(issuer), newProver(one)
		bound := one.given(one.bound(codeForm(one.code(b, "web", nil)), "web", key.proof("POST", tokenURL, ""))).Access
		r := requester{one, "keys", "ec", `{"alg":"ES256"}`}
		for what, request := range map[string]func(round int) func(caller) int{
			"assertion": func(int) func(caller) int {
				form := asserted(one.assertion("keys", nil)).Encode()
				return func(c caller) int { return c.send(http.MethodPost, tokenURL, form, nil).StatusCode }
			},
			"proof at userinfo": func(int) func(caller) int {
				proof := key.proof("GET", userinfoURL, bound)
				return func(c caller) int { return c.info("DPoP", bound, proof).StatusCode }
			},
			"proof at the token endpoint": func(int) func(caller) int {
				header := map[string]string{"DPoP": key.proof("POST", tokenURL, "")}
				return func(c caller) int {
					return c.send(http.MethodPost, tokenURL, asserted(one.assertion("keys", nil)).Encode(), header).StatusCode
				}
			},
			"request object": func(round int) func(caller) int {
				text := r.object(func(o object) { o["jti"] = strconv.Itoa(round) + "x" })
				return func(c caller) int {
					form := url.Values{"request": {text}, "client_assertion_type": {assertionType}, "client_assertion": {one.assertion("keys", nil)}}
					return c.send(http.MethodPost, issuer+"/par", form.Encode(), nil).StatusCode
				}
			},
		} {
			t.Run(what, func(t *testing.T) {
				begun, won := time.Now(), [2]int{}
				for round := range onceRounds(t) {
					send := request(round)
					status, start := make([]int, atOnce), make(chan struct{})
					var all sync.WaitGroup
					for i := range status {
						all.Go(func() {
							<-start
							status[i] = send(nodes[i%2])
						})
					}
					close(start)
					all.Wait()
					winners := 0
					for i, s := range status {
						switch s {
						case http.StatusOK, http.StatusCreated:
							winners++
							won[i%2]++
						case http.StatusUnauthorized, http.StatusBadRequest:
						default:
							t.Fatalf("round %d: %d", round, s)
						}
					}
					if winners != 1 {
						t.Fatalf("round %d: %d of %d were answered", round, winners, atOnce)
					}
				}
				t.Logf("%d rounds of %d: one winner each, %d at one node and %d at the other, in %s", onceRounds(t), atOnce, won[0], won[1], time.Since(begun))
			})
		}
	})
}
