package op_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/minddistrict/idp/op"
)

// What a row of the table says of an endpoint is what the endpoint does, and the other places that tell of it agree.
func TestEndpointsDoWhatTheirRowsSay(t *testing.T) {
	c := newCaller(t)
	var discovery map[string]any
	if err := json.NewDecoder(c.get(issuer + "/.well-known/openid-configuration").Body).Decode(&discovery); err != nil {
		t.Fatal(err)
	}
	for _, e := range op.Endpoints() {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
			res := c.send(method, issuer+e.Path, "", nil)
			if served := slices.Contains(e.Served(), method); served == (res.StatusCode == http.StatusMethodNotAllowed) {
				t.Errorf("%s %s: %d", method, e.Path, res.StatusCode)
			}
		}
		if slices.Contains(e.Methods, "POST") {
			res := c.send("POST", issuer+e.Path, "a=b", map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.test"})
			if e.CrossSite == (res.StatusCode == http.StatusForbidden) {
				t.Errorf("%s: a form of another site is answered %d", e.Path, res.StatusCode)
			}
		}
		if e.CrossSite != slices.Contains(op.OpenToOthers(), e.Path) {
			t.Errorf("%s is open to others, or not", e.Path)
		}
		method := e.Methods[0]
		for origin, want := range map[string]string{
			"https://spa.test":  map[op.Scripts]string{op.ScriptsOfOrigins: "https://spa.test", op.ScriptsOfAll: "*"}[e.Scripts],
			"https://evil.test": map[op.Scripts]string{op.ScriptsOfAll: "*"}[e.Scripts],
		} {
			res := c.send(method, issuer+e.Path, "", map[string]string{"Origin": origin})
			if got := res.Header.Get("Access-Control-Allow-Origin"); got != want || res.Header.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s %s: scripts of %s: %q, want %q", method, e.Path, origin, got, want)
			}
		}
		if first, _, _ := strings.Cut(e.Path[1:], "/"); !op.Reserved(first) {
			t.Errorf("%s: a platform may have its issuer there", e.Path)
		}
		if e.Published == "" {
			continue
		}
		if discovery[e.Published] != issuer+e.Path {
			t.Errorf("%s: discovery has %v for %s", e.Path, discovery[e.Published], e.Published)
		}
		delete(discovery, e.Published)
		if auth := e.Published + "_auth_methods_supported"; len(e.Auth) > 0 {
			if fmt.Sprint(discovery[auth]) != fmt.Sprint(e.Auth) {
				t.Errorf("%s: discovery has %v for %s", e.Path, discovery[auth], auth)
			}
			delete(discovery, auth)
		}
	}
	for name := range discovery {
		if strings.HasSuffix(name, "_endpoint") || strings.HasSuffix(name, "_uri") && name != "op_policy_uri" || strings.HasSuffix(name, "auth_methods_supported") {
			t.Errorf("discovery has %s, and no row has it", name)
		}
	}
	for _, free := range []string{"", "p", "linde", "tokens", "authoriz"} {
		if op.Reserved(free) {
			t.Errorf("%q is taken", free)
		}
	}
}
