package conformance_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/minddistrict/idp/test/conformance"
)

// TestNoticesWhatIsWrong: a suite that everything passes proves nothing. Each row spoils one thing and names the module
// that must say so.
func TestNoticesWhatIsWrong(t *testing.T) {
	t.Parallel()
	right := inProcess(t, "https://login.linde.test")
	const config, basic, form, logout, back = 0, 1, 2, 3, 4
	const failed, warned = conformance.Failed, conformance.Warned
	for _, row := range []struct {
		says   string
		spoil  *tampered
		plan   int
		module string
		want   conformance.Status
	}{
		{"endpoint without TLS", member("/openid-configuration", "revocation_endpoint", "http://login.linde.test/revoke"), config, "oidcc-discovery-endpoint-verification", failed},
		{"another issuer", member("/openid-configuration", "issuer", "https://login.linde.test/x"), config, "oidcc-discovery-endpoint-verification", failed},
		{"unknown metadata", member("/openid-configuration", "favourite_colour", "green"), config, "oidcc-discovery-endpoint-verification", warned},
		{"no claims_supported", member("/openid-configuration", "claims_supported", nil), config, "oidcc-discovery-endpoint-verification", warned},
		{"no RS256", member("/openid-configuration", "id_token_signing_alg_values_supported", []string{"ES256"}), config, "oidcc-discovery-endpoint-verification", failed},
		{"casing of a locale", member("/openid-configuration", "ui_locales_supported", []string{"nl-nl"}), config, "oidcc-discovery-endpoint-verification", warned},
		{"not a locale", member("/openid-configuration", "ui_locales_supported", []string{"nl_"}), config, "oidcc-discovery-endpoint-verification", failed},
		{"text for a list", member("/openid-configuration", "code_challenge_methods_supported", "S256"), config, "oidcc-discovery-endpoint-verification", failed},
		{"scope in two words", member("/openid-configuration", "scopes_supported", []string{"openid", "a b"}), config, "oidcc-discovery-endpoint-verification", failed},
		{"private key", at("/keys", func(a *answer) { a.body = strings.Replace(a.body, `"kty"`, `"d":"AQAB","kty"`, 1) }), config, "oidcc-discovery-endpoint-verification", failed},
		{"two keys with one kid", at("/keys", func(a *answer) {
			a.edit(func(o map[string]any) { keys, _ := o["keys"].([]any); o["keys"] = append(keys, keys[0]) })
		}), config, "oidcc-discovery-endpoint-verification", failed},
		{"discovery as text", at("/openid-configuration", func(a *answer) { a.header.Set("Content-Type", "text/plain") }), config, "oidcc-discovery-endpoint-verification", failed},

		{"another iss", claim("iss", "https://evil.test"), basic, "oidcc-server", failed},
		{"another aud", claim("aud", "somebody"), basic, "oidcc-server", failed},
		{"one aud too many", claim("aud", []string{"conformance", "somebody"}), basic, "oidcc-server", failed},
		{"another nonce", claim("nonce", "n"), basic, "oidcc-server", failed},
		{"no sub", claim("sub", nil), basic, "oidcc-server", failed},
		{"exp as text", claim("exp", "1"), basic, "oidcc-server", failed},
		{"expired", claim("exp", 1), basic, "oidcc-server", failed},
		{"iat long ago", claim("iat", 1), basic, "oidcc-server", failed},
		{"wrong at_hash", claim("at_hash", "AAAAAAAAAAAAAAAAAAAAAA"), basic, "oidcc-server", failed},
		{"wrong c_hash", claim("c_hash", "AAAAAAAAAAAAAAAAAAAAAA"), basic, "oidcc-server", failed},
		{"amr as text", claim("amr", "pwd"), basic, "oidcc-server", failed},
		{"client_id unasked", claim("client_id", "conformance"), basic, "oidcc-server", warned},
		{"name unasked", claim("name", "Sanne"), basic, "oidcc-claims-essential", warned},
		{"email in the ID token", claim("email", "sanne@example.org"), basic, "oidcc-scope-email", warned},
		{"nonce nobody sent", claim("nonce", "n"), basic, "oidcc-ensure-request-without-nonce-succeeds-for-code-flow", failed},
		{"no auth_time", claim("auth_time", nil), basic, "oidcc-max-age-1", failed},
		{"no acr", claim("acr", nil), basic, "oidcc-ensure-request-with-acr-values-succeeds", warned},
		{"broken signature", at("/token", func(a *answer) {
			a.edit(func(o map[string]any) { s, _ := o["id_token"].(string); o["id_token"] = s[:len(s)-8] + "AAAAAAAA" })
		}), basic, "oidcc-server", failed},
		{"no ID token", member("/token", "id_token", nil), basic, "oidcc-server", failed},

		{"state changed", location(set("state", "s")), basic, "oidcc-server", failed},
		{"state in small letters", location(func(q url.Values) { q.Set("state", strings.ToLower(q.Get("state"))) }), basic, "oidcc-prompt-none-not-logged-in", failed},
		{"another iss beside the code", location(set("iss", "https://evil.test")), basic, "oidcc-server", failed},
		{"more beside the code", location(set("scope", "openid")), basic, "oidcc-server", warned},
		{"more beside the error", location(set("hint", "x")), basic, "oidcc-prompt-none-not-logged-in", warned},
		{"another error", location(set("error", "access_denied")), basic, "oidcc-prompt-none-not-logged-in", failed},
		{"characters of a description", location(set("error_description", "geërgerd")), basic, "oidcc-prompt-none-not-logged-in", failed},
		{"code that can be guessed", location(set("code", "123456")), basic, "oidcc-server", failed},
		{"no code", location(func(q url.Values) { q.Del("code") }), basic, "oidcc-server", failed},
		{"form_post ignored", ignored("response_mode"), form, "oidcc-server", failed},
		{"form_post ignored for errors", ignored("response_mode"), form, "oidcc-prompt-none-not-logged-in", failed},
		{"form_post ignored for a missing response_type", ignored("response_mode"), form, "oidcc-response-type-missing", failed},
		{"nonce ignored", ignored("nonce"), basic, "oidcc-server", failed},
		{"prompt=login ignored", ignored("prompt"), basic, "oidcc-prompt-login", failed},
		{"prompt=none ignored", ignored("prompt"), basic, "oidcc-prompt-none-not-logged-in", failed},
		{"max_age ignored", ignored("max_age"), basic, "oidcc-max-age-1", failed},
		{"claims ignored", ignored("claims"), basic, "oidcc-claims-essential", warned},
		{"request object ignored", unlisted(ignored("request")), basic, "oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported", failed},
		{"refusal in the query", unlisted(&tampered{request: func(r *http.Request) {
			if q := r.URL.Query(); q.Has("request") {
				q.Set("request", "x.y.z")
				r.URL.RawQuery = q.Encode()
			}
		}}), form, "oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported", failed},
		{"redirect to anywhere", goTo("/authorize", "redirect_uri"), basic, "oidcc-ensure-registered-redirect-uri", failed},
		{"redirect beside a request object", unlisted(goTo("/authorize", "redirect_uri")), basic, "oidcc-ensure-request-object-with-redirect-uri", failed},
		{"always asked", &tampered{request: func(r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/authorize") {
				r.URL.RawQuery += "&prompt=login"
			}
		}}, basic, "oidcc-max-age-10000", failed},
		{"no request by form", &tampered{instead: func(r *http.Request) (*answer, bool) {
			return &answer{http.StatusMethodNotAllowed, http.Header{}, ""}, r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/authorize")
		}}, basic, "oidcc-ensure-post-request-succeeds", failed},

		{"answer may be stored", at("/token", func(a *answer) { a.header.Del("Cache-Control") }), basic, "oidcc-refresh-token", failed},
		{"tokens as text", at("/token", func(a *answer) { a.header.Set("Content-Type", "text/plain") }), basic, "oidcc-server", failed},
		{"another token_type", member("/token", "token_type", "mac"), basic, "oidcc-server", failed},
		{"no expires_in", member("/token", "expires_in", nil), basic, "oidcc-server", warned},
		{"expires_in as text", member("/token", "expires_in", "900"), basic, "oidcc-server", failed},
		{"code counts again", repeats(), basic, "oidcc-codereuse", failed},
		{"code counts again later", repeats(), basic, "oidcc-codereuse-30seconds", failed},
		{"refused as text", at("/token", func(a *answer) { a.header.Set("Content-Type", "text/plain") }), basic, "oidcc-codereuse", failed},
		{"refused with 401", at("/token", func(a *answer) {
			if a.status == http.StatusBadRequest {
				a.status = http.StatusUnauthorized
			}
		}), basic, "oidcc-codereuse", failed},
		{"no refresh token", member("/token", "refresh_token", nil), basic, "oidcc-refresh-token", warned},
		{"refresh token of another party", at("/token", func(a *answer) {
			if a.status == http.StatusBadRequest {
				a.status, a.body = http.StatusOK, `{}`
			}
		}), basic, "oidcc-refresh-token", failed},
		{"no secret in the body", member("/openid-configuration", "token_endpoint_auth_methods_supported", []string{"client_secret_basic"}), basic, "oidcc-server-client-secret-post", failed},

		{"userinfo of somebody else", member("/userinfo", "sub", "x"), basic, "oidcc-userinfo-get", failed},
		{"more behind userinfo", at("/userinfo", func(a *answer) { a.body += "}" }), basic, "oidcc-userinfo-get", failed},
		{"userinfo as text", at("/userinfo", func(a *answer) { a.header.Set("Content-Type", "text/plain") }), basic, "oidcc-userinfo-post-header", failed},
		{"no token in the body", &tampered{answer: func(r *http.Request, a *answer) {
			if strings.HasSuffix(r.URL.Path, "/userinfo") && r.Header.Get("Authorization") == "" {
				a.status = http.StatusBadRequest
			}
		}}, basic, "oidcc-userinfo-post-body", warned},
		{"a claim missing", member("/userinfo", "zoneinfo", nil), basic, "oidcc-scope-profile", warned},
		{"a claim missing among all", member("/userinfo", "phone_number_verified", nil), basic, "oidcc-scope-all", warned},
		{"email_verified as text", member("/userinfo", "email_verified", "true"), basic, "oidcc-scope-email", failed},
		{"updated_at in milliseconds", member("/userinfo", "updated_at", 1798790400000), basic, "oidcc-scope-profile", failed},
		{"birthdate in Dutch", member("/userinfo", "birthdate", "17-05-1984"), basic, "oidcc-scope-profile", failed},
		{"address as text", member("/userinfo", "address", "Lindelaan 1"), basic, "oidcc-scope-address", failed},

		{"no end_session_endpoint", member("/openid-configuration", "end_session_endpoint", nil), logout, "oidcc-rp-initiated-logout-discovery-endpoint-verification", failed},
		{"back but still signed in", goTo("/logout", "post_logout_redirect_uri"), logout, "oidcc-rp-initiated-logout", failed},
		{"state where none was sent", goTo("/logout", "post_logout_redirect_uri"), logout, "oidcc-rp-initiated-logout-no-state", failed},
		{"state of the logout changed", location(set("state", "s")), logout, "oidcc-rp-initiated-logout", failed},
		{"any address", goTo("/logout", "post_logout_redirect_uri"), logout, "oidcc-rp-initiated-logout-bad-post-logout-redirect-uri", failed},
		{"any query", goTo("/logout", "post_logout_redirect_uri"), logout, "oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri", failed},
		{"any hint", goTo("/logout", "post_logout_redirect_uri"), logout, "oidcc-rp-initiated-logout-modified-id-token-hint", failed},
		{"any signer", goTo("/logout", "post_logout_redirect_uri"), logout, "oidcc-rp-initiated-logout-bad-id-token-hint", failed},
		{"no hint at all", goTo("/logout", "post_logout_redirect_uri"), logout, "oidcc-rp-initiated-logout-no-id-token-hint", failed},
		{"said but not done", &tampered{instead: func(r *http.Request) (*answer, bool) {
			said := &answer{http.StatusSeeOther, http.Header{"Location": {"https://login.linde.test/logged-out"}}, ""}
			return said, strings.HasSuffix(r.URL.Path, "/logout")
		}}, logout, "oidcc-rp-initiated-logout-no-post-logout-redirect-uri", failed},

		{"no back-channel logout", member("/openid-configuration", "backchannel_logout_supported", nil), back, "oidcc-backchannel-logout-discovery-endpoint-verification", failed},
		{"no session in it", member("/openid-configuration", "backchannel_logout_session_supported", false), back, "oidcc-backchannel-logout-discovery-endpoint-verification", failed},
		{"back, and nobody is told", goTo("/logout", "post_logout_redirect_uri"), back, "oidcc-backchannel-rp-initiated-logout", failed},
		{"told of another session", claim("sid", "x"), back, "oidcc-backchannel-rp-initiated-logout", failed},
		{"told of somebody else", claim("sub", "x"), back, "oidcc-backchannel-rp-initiated-logout", failed},
		{"told with a broken signature", toldAs(func(form url.Values) {
			token := form.Get("logout_token")
			form.Set("logout_token", token[:len(token)-8]+"AAAAAAAA")
		}), back, "oidcc-backchannel-rp-initiated-logout", failed},
		{"told more than the token", toldAs(func(form url.Values) { form.Set("sid", "x") }), back, "oidcc-backchannel-rp-initiated-logout", failed},
	} {
		t.Run(row.says, func(t *testing.T) {
			s := *right
			right.Told.Change = row.spoil.told
			row.spoil.RoundTripper, s.HTTP = right.HTTP, row.spoil
			p := conformance.Plans[row.plan]
			var modules []conformance.Module
			for _, m := range p.Modules {
				if m.Name == row.module {
					modules = append(modules, m)
				}
			}
			p.Modules = modules
			results := s.Run(t.Context(), p)
			if len(results) != 1 || results[0].Status != row.want {
				t.Errorf("got %+v, want %s", results, row.want)
			}
		})
	}
}
