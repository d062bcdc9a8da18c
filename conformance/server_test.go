//go:build server

package conformance_test

import (
	"flag"
	"net/http"
	"testing"
	"time"

	"github.com/minddistrict/idp/conformance"
)

var (
	server = flag.String("server", "", "configuration file of a running server to ask; it is given real time")
	base   = flag.String("base", suiteBase, "address of the official suite that the parties of -server are registered with")
)

// TestServer asks a running server of one's own: go test -tags server ./conformance -run TestServer -v -server plan.json
func TestServer(t *testing.T) {
	c, err := conformance.Load(*server)
	if err != nil {
		t.Fatal(err)
	}
	check(t, c.Server.DiscoveryURL, &conformance.Suite{
		Config: c, Base: *base, HTTP: http.DefaultTransport, Now: time.Now, Sleep: time.Sleep, Parallel: 4,
	})
}
