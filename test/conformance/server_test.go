//go:build server

package conformance_test

import (
	"crypto/tls"
	"flag"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/test/conformance"
)

var (
	server = flag.String("server", "", "configuration file of a running server to ask; it is given real time")
	fapi2  = flag.String("fapi2", "", "configuration file with the parties of the FAPI 2.0 Security Profile; none: its plan is left out")
	signed = flag.String("fapi2-signed", "", "likewise of FAPI 2.0 Message Signing")
	base   = flag.String("base", suiteBase, "address of the official suite that the parties of -server are registered with")
)

// TestServer asks a running server of one's own: go test -tags server ./test/conformance -run TestServer -v -server plan.json
func TestServer(t *testing.T) {
	c, err := conformance.Load(*server)
	if err != nil {
		t.Fatal(err)
	}
	s := &conformance.Suite{Config: c, Base: *base, HTTP: http.DefaultTransport, TLS: &tls.Config{}, Now: time.Now, Sleep: time.Sleep, Parallel: 4}
	s.Configs = map[string]conformance.Config{}
	for name, path := range map[string]string{conformance.Security.Name: *fapi2, conformance.Messages.Name: *signed} {
		if path == "" {
			continue
		}
		if s.Configs[name], err = conformance.Load(path); err != nil {
			t.Fatal(err)
		}
	}
	plans := slices.DeleteFunc(slices.Clone(conformance.Plans), func(p conformance.Plan) bool {
		_, configured := s.Configs[p.Name]
		return strings.HasPrefix(p.Name, "fapi2-") && !configured
	})
	check(t, s.Config.Server.DiscoveryURL, s, plans...)
}
