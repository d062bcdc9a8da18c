//go:build server

package conformance_test

import (
	"crypto/tls"
	"flag"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/minddistrict/idp/conformance"
)

var (
	server = flag.String("server", "", "configuration file of a running server to ask; it is given real time")
	fapi2  = flag.String("fapi2", "", "configuration file with the parties of FAPI 2.0; none: its plan is left out")
	base   = flag.String("base", suiteBase, "address of the official suite that the parties of -server are registered with")
)

// TestServer asks a running server of one's own: go test -tags server ./conformance -run TestServer -v -server plan.json
func TestServer(t *testing.T) {
	c, err := conformance.Load(*server)
	if err != nil {
		t.Fatal(err)
	}
	s := &conformance.Suite{Config: c, Base: *base, HTTP: http.DefaultTransport, TLS: &tls.Config{}, Now: time.Now, Sleep: time.Sleep, Parallel: 4}
	plans := slices.DeleteFunc(slices.Clone(conformance.Plans), func(p conformance.Plan) bool { return p.Name == conformance.Security.Name && *fapi2 == "" })
	if *fapi2 != "" {
		if c, err = conformance.Load(*fapi2); err != nil {
			t.Fatal(err)
		}
		s.Configs = map[string]conformance.Config{conformance.Security.Name: c}
	}
	check(t, s.Config.Server.DiscoveryURL, s, plans...)
}
