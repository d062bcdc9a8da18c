//go:build clients

package clients_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/minddistrict/idp/test/program"
)

// oidcProvider is an organisation's sign-in on npm's oidc-provider.
func oidcProvider(t *testing.T, h *house) {
	port := program.FreePort(t)
	issuer := "https://localhost:" + port
	there := h.issuer + "/federation/lindehof/"
	client1 := map[string]any{
		"client_id": "minddistrict", "client_secret": secretText, "redirect_uris": []string{there + "callback"},
		"backchannel_logout_uri": there + "backchannel", "backchannel_logout_session_required": true,
	}
	client2 := map[string]any{
		"client_id": "minddistrict-key", "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": there + "jwks",
		"redirect_uris": []string{there + "callback"}, "backchannel_logout_uri": there + "backchannel",
	}
	clients, err := json.Marshal([]any{client1, client2})
	if err != nil {
		t.Fatal(err)
	}
	op := h.startNode(t, "oidc-provider.mjs", "", map[string]string{
		"issuer": issuer, "port": port, "certificate": h.Chain, "key": h.Key, "clients": string(clients),
	})
	says := func(t *testing.T, acr string, amr ...string) {
		t.Helper()
		op.do(t, "says", map[string]any{"acr": acr, "amr": amr})
	}
	says(t, "urn:lindehof:one", "pwd") // it answers: it listens
	c := client{t, "oidc-provider", npmVersion(t, "oidc-provider")}
	site := newSite(t, h, "oidc-site", func(t *testing.T, v *visitor) {
		t.Helper()
		if !strings.HasPrefix(v.URL.String(), issuer+"/interaction/") {
			t.Fatalf("not asked at oidc-provider, but at %s (%d):\n%s", v.URL, v.Status, v.Body)
		}
		v.submits(t, nil)
	})
	connect := func(t *testing.T, settings string) {
		t.Helper()
		h.connect(t, `
      - name: lindehof
        kind: oidc
        names: { nl: `+organisation+` }
        key: { by: sub }
        contract:
          rows: [{ claim: acr, value: "urn:lindehof:two", acr: "urn:minddistrict:acr:2fa", amr: [hwk] }]
          counts: true
        access: { jit: create, role: professional }
        oidc: { issuer: "`+issuer+`", `+settings+` }
`)
	}
	connect(t, "client_id: minddistrict, secret: "+secretText)
	site.checks(c, false)
	c.check("two factors there count for two here, where that was agreed", func(t *testing.T) {
		says(t, "urn:lindehof:two", "pwd", "hwk")
		if got := site.signIn(t, h.visitor(site.own())); got.ACR != "urn:minddistrict:acr:2fa" {
			t.Errorf("%+v", got)
		}
	})
	logout := func(t *testing.T, id string) {
		t.Helper()
		v, other := h.visitor(site.own()), h.visitor(site.own())
		site.signIn(t, v)
		site.signIn(t, other)
		v.visit(t, issuer+"/session/end")
		v.submits(t, map[string]string{"logout": "yes"})
		if v.Status != http.StatusOK {
			t.Fatalf("at %s (%d):\n%s", v.URL, v.Status, v.Body)
		}
		if told, _ := op.do(t, "told", nil)["told"].([]any); !slices.Equal(told, []any{id}) {
			t.Errorf("logout tokens: %q", told)
		}
		site.signedOut(t, v)
		site.end(t, other, site.begin(t, other)) // goes on
	}
	c.check("back-channel logout ends that session here, and no other", func(t *testing.T) { logout(t, "minddistrict") })
	c.check("private_key_jwt by the keys that we publish", func(t *testing.T) {
		connect(t, "client_id: minddistrict-key, auth: private_key_jwt")
		site.signIn(t, h.visitor(site.own()))
		logout(t, "minddistrict-key")
	})
}
