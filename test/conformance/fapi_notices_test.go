package conformance_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/minddistrict/idp/test/conformance"
)

// TestNoticesWhatIsWrongWithFAPI does for the Security Profile what TestNoticesWhatIsWrong does for the other plans;
// what one server does wrong fails several modules here. Every module is failed by at least one.
func TestNoticesWhatIsWrongWithFAPI(t *testing.T) {
	t.Parallel()
	right := inProcess(t, "https://login.linde.test")
	const failed, warned = conformance.Failed, conformance.Warned
	const discovery = "discovery-end-point-verification"
	// goes are the modules that go well from the pushed request to userinfo.
	const goes = `happy-flow ensure-authorization-request-without-state-success ensure-authorization-request-without-nonce-success
		ensure-authorization-request-with-64-char-nonce-success ensure-other-scope-order-succeeds test-claims-parameter-identity-claims
		access-token-type-header-case-sensitivity check-dpop-proof-nbf-exp ensure-dpopproof-with-iat-10seconds-before-succeeds
		ensure-dpopproof-with-iat-10seconds-after-succeeds ensure-dpopproof-at-par-endpoint-binding-success ensure-dpop-auth-code-binding-success
		ensure-different-nonce-inside-and-outside-request-object ensure-different-state-inside-and-outside-request-object
		ensure-authorization-request-with-long-nonce ensure-authorization-request-with-long-state state-only-outside-request-object-not-used
		par-ensure-reused-request-uri-prior-to-auth-completion-succeeds par-attempt-reuse-request_uri refresh-token dpop-negative-tests
		par-ensure-jwt-client-assertions-nbf-8-seconds-in-the-future-is-accepted par-without-duplicate-parameters
		attempt-reuse-authorization-code-after-one-second`
	// atToken are the modules whose token request must be refused.
	const atToken = `ensure-token-endpoint-fails-with-mismatched-dpop-proof-jkt ensure-token-endpoint-fails-with-mismatched-dpop-jkt
		ensure-client-id-in-token-endpoint ensure-holder-of-key-required ensure-authorization-code-is-bound-to-client
		attempt-reuse-authorization-code-after-one-second ensure-token-endpoint-fails-with-expired-auth-code
		ensure-signed-client-assertion-with-RS256-fails ensure-client-assertion-in-token-endpoint
		ensure-client-assertion-with-exp-is-5-minutes-in-past-fails ensure-client-assertion-with-wrong-aud-fails
		ensure-client-assertion-with-no-sub-fails refresh-token ensure-pkce-code-verifier-required incorrect-pkce-code-verifier-rejected`
	// asPushed are those whose pushed request must be refused, and whose party proves itself wrongly there.
	const asPushed = `ensure-mismatched-dpop-jkt-fails ensure-invalid-client-assertions-fail
		par-ensure-jwt-client-assertions-nbf-over-60-seconds-in-the-future-fails par-authorization-request-containing-request_uri-form-param
		par-attempt-invalid-http-method par-test-array-as-audience-fails par-test-par-endpoint-url-as-audience-fails
		par-test-token-endpoint-url-as-audience-fails`
	// asked are those whose request must be refused, wherever.
	const asked = `ensure-request-object-without-redirect-uri-fails ensure-unsigned-authorization-request-without-using-par-fails
		ensure-response-type-code-idtoken-fails ensure-response-type-token-fails par-attempt-to-use-expired-request_uri
		par-attempt-to-use-request_uri-for-different-client par-ensure-pkce-required par-plain-pkce-rejected`
	spoilt{
		{"no endpoint for pushed requests", one(member("/openid-configuration", "pushed_authorization_request_endpoint", nil)), discovery, failed},
		{"no private_key_jwt", one(member("/openid-configuration", "token_endpoint_auth_methods_supported", []string{"client_secret_basic"})), discovery, failed},
		{"assertions with RS256 alone", one(member("/openid-configuration", "token_endpoint_auth_signing_alg_values_supported", []string{"RS256"})), discovery, failed},
		{"no DPoP", one(member("/openid-configuration", "dpop_signing_alg_values_supported", nil)), discovery, failed},
		{"no S256", one(member("/openid-configuration", "code_challenge_methods_supported", []string{"plain"})), discovery, failed},
		{"no iss", one(member("/openid-configuration", "authorization_response_iss_parameter_supported", nil)), discovery, failed},

		{"tokens that need no key", one(member("/token", "token_type", "Bearer")), goes, failed},
		{"userinfo that does not work", one(at("/userinfo", func(a *answer) { a.status = http.StatusForbidden })), goes, failed},
		{"ID token of another party", one(claim("aud", "somebody")), "happy-flow", failed},
		{"another iss beside the code", one(location(set("iss", "https://evil.test"))), "happy-flow user-rejects-authentication", failed},
		{"no iss beside the code", one(location(func(q url.Values) { q.Del("iss") })), "happy-flow", failed},
		{"query of the redirect URI lost", one(location(func(q url.Values) { q.Del("dummy1") })), "happy-flow user-rejects-authentication", failed},
		{"name unasked", one(claim("name", "Sanne")), "happy-flow", warned},
		{"request_uri that can be guessed", one(member("/par", "request_uri", "urn:ietf:params:oauth:request_uri:1")), "happy-flow", failed},
		{"request_uri without an end", one(member("/par", "expires_in", nil)), "happy-flow", failed},
		{"request_uri for a second", one(member("/par", "expires_in", 1)), "happy-flow", failed},
		{"pushed with 200", one(at("/par", func(a *answer) { a.status = http.StatusOK })), "happy-flow", failed},
		{"pushed, answered as text", one(at("/par", func(a *answer) { a.header.Set("Content-Type", "text/plain") })), "happy-flow", failed},
		{"access token in the address", tokenInAddress, "happy-flow", failed},
		{"any key", anyProof, "happy-flow dpop-negative-tests refresh-token", failed},
		{"another error than cancelled", one(location(set("error", "login_required"))), "user-rejects-authentication", failed},
		{"state nobody sent", one(location(set("state", "s"))), "ensure-authorization-request-without-state-success state-only-outside-request-object-not-used", failed},
		{"the state beside", one(location(set("state", "s"))), "ensure-different-state-inside-and-outside-request-object", failed},
		{"state cut off", one(location(func(q url.Values) { q.Set("state", cut(q.Get("state"), 100)) })), "ensure-authorization-request-with-long-state", failed},
		{"nonce cut off", one(claims(func(o map[string]any) { nonce, _ := o["nonce"].(string); o["nonce"] = cut(nonce, 40) })), "ensure-authorization-request-with-long-nonce ensure-authorization-request-with-64-char-nonce-success", failed},
		{"nonce nobody sent", one(claim("nonce", "n")), "ensure-authorization-request-without-nonce-success", failed},
		{"the nonce beside", one(claim("nonce", "n")), "ensure-different-nonce-inside-and-outside-request-object", failed},
		{"openid must stand first", refusesPushed("invalid_scope", func(v url.Values) bool { return !strings.HasPrefix(v.Get("scope"), "openid") }), "ensure-other-scope-order-succeeds", failed},
		{"a claim missing", withoutClaim("zoneinfo"), "test-claims-parameter-identity-claims", warned},
		{"a scheme in one case only", refusesRequest("/userinfo", http.StatusUnauthorized, func(r *http.Request) bool { return !strings.HasPrefix(r.Header.Get("Authorization"), "DPoP ") }), "access-token-type-header-case-sensitivity", failed},
		{"no proof with nbf", refusesProof(func(claims map[string]any) bool { return claims["nbf"] != nil }), "check-dpop-proof-nbf-exp", failed},
		{"no clock but its own", refusesProofAt(right.Now), "ensure-dpopproof-with-iat-10seconds-before-succeeds ensure-dpopproof-with-iat-10seconds-after-succeeds", failed},
		{"no dpop_jkt", refusesPushed("invalid_request", func(v url.Values) bool { return v.Has("dpop_jkt") }), "happy-flow ensure-dpop-auth-code-binding-success", failed},
		{"no proof where requests are pushed", refusesRequest("/par", http.StatusBadRequest, func(r *http.Request) bool { return r.Header.Get("DPoP") != "" }), "ensure-dpopproof-at-par-endpoint-binding-success", failed},
		{"no assertion from ahead", refusesAssertion(func(claims map[string]any) bool {
			nbf, _ := claims["nbf"].(float64)
			return int64(nbf) > right.Now().Unix()
		}), "par-ensure-jwt-client-assertions-nbf-8-seconds-in-the-future-is-accepted", warned},
		{"parameters beside request_uri demanded", refusesRequest("/authorize", http.StatusBadRequest, func(r *http.Request) bool { return !r.URL.Query().Has("response_type") }), "par-without-duplicate-parameters", failed},
		{"request_uri burnt when it is opened", burntWhenOpened, "par-ensure-reused-request-uri-prior-to-auth-completion-succeeds", failed},
		{"request_uri counts again", grantsAgain(right.Now), "par-attempt-reuse-request_uri", failed},
		{"access token still counts", one(at("/userinfo", func(a *answer) {
			if a.status == http.StatusUnauthorized {
				a.status = http.StatusOK
			}
		})), "attempt-reuse-authorization-code-after-one-second", warned},

		{"every token request", grantsTokens, atToken, failed},
		{"refused with 500", one(at("/token", func(a *answer) {
			if a.status == http.StatusBadRequest || a.status == http.StatusUnauthorized {
				a.status = http.StatusInternalServerError
			}
		})), atToken, failed},
		{"every pushed request", takesEverything, asPushed, failed},
		{"every request", grantsEverything(right.Now, false), asked, failed},
		{"an error page without words", wordless, "par-attempt-to-use-expired-request_uri", failed},
		{"no redirect URI, and yet a code that does not count", grantsEverything(right.Now, false), "plain-fapi-tolerate-unregistered-redirect-uri ensure-redirect-uri-in-authorization-request", failed},
	}.failAll(t, right, conformance.Security, conformance.Security.Modules)
}

// spoilt are servers that do one thing wrong each.
type spoilt []struct {
	says    string
	spoil   func() *tampered
	modules string // that must say so: their names without what all begin with
	want    conformance.Status
}

// failAll runs each module against each server that it must complain of; none of those that must be failed may be left.
func (rows spoilt) failAll(t *testing.T, right *conformance.Suite, p conformance.Plan, must []conformance.Module) {
	left := map[string]bool{}
	for _, m := range must {
		left[m.Name] = true
	}
	for _, row := range rows {
		for name := range strings.FieldsSeq(row.modules) {
			name = "fapi2-security-profile-final-" + name
			t.Run(row.says+"/"+name, func(t *testing.T) {
				s, one, spoil := *right, p, row.spoil()
				spoil.RoundTripper, s.HTTP = right.HTTP, spoil
				i := slices.IndexFunc(p.Modules, func(m conformance.Module) bool { return m.Name == name })
				if i < 0 {
					t.Fatal("no such module")
				}
				one.Modules = p.Modules[i : i+1]
				results := s.Run(t.Context(), one)
				if results[0].Status != row.want {
					t.Errorf("got %+v, want %s", results, row.want)
				}
				if row.want == conformance.Failed {
					delete(left, name)
				}
			})
		}
	}
	for name := range left {
		t.Errorf("%s: nothing fails it", name)
	}
}

// one is a server that may serve several modules: it keeps nothing.
func one(x *tampered) func() *tampered { return func() *tampered { return x } }

// cut is the beginning of a text.
func cut(s string, length int) string { return s[:min(len(s), length)] }

// formOf reads a form and leaves it to be read.
func formOf(r *http.Request) url.Values {
	if r.Body == nil {
		return nil
	}
	text, _ := io.ReadAll(r.Body) // in memory
	r.Body = io.NopCloser(bytes.NewReader(text))
	form, _ := url.ParseQuery(string(text)) // of our own client
	return form
}

// claimsOf are the claims of a token, whoever signed it; of no token: none.
func claimsOf(token string) map[string]any {
	parts := strings.Split(token, ".")
	if len(parts) < 2 {
		return nil
	}
	payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
	var claims map[string]any
	_ = json.Unmarshal(payload, &claims) // none then
	return claims
}

// says is an answer in JSON.
func says(status int, o map[string]any) *answer {
	text, _ := json.Marshal(o) // JSON
	return &answer{status, http.Header{"Content-Type": {"application/json"}, "Cache-Control": {"no-store"}}, string(text)}
}

// refusesRequest is a server that refuses some requests to an endpoint.
func refusesRequest(path string, status int, which func(*http.Request) bool) func() *tampered {
	return func() *tampered {
		return &tampered{instead: func(r *http.Request) (*answer, bool) {
			return says(status, map[string]any{"error": "invalid_request"}), strings.HasSuffix(r.URL.Path, path) && which(r)
		}}
	}
}

// refusesPushed is a server that refuses some pushed requests with an error.
func refusesPushed(code string, which func(url.Values) bool) func() *tampered {
	return func() *tampered {
		return &tampered{instead: func(r *http.Request) (*answer, bool) {
			return says(http.StatusBadRequest, map[string]any{"error": code}), strings.HasSuffix(r.URL.Path, "/par") && which(formOf(r))
		}}
	}
}

// refusesProof is a server that refuses some proofs, wherever they come.
func refusesProof(which func(map[string]any) bool) func() *tampered {
	return func() *tampered {
		return &tampered{instead: func(r *http.Request) (*answer, bool) {
			proof := r.Header.Get("DPoP")
			return says(http.StatusBadRequest, map[string]any{"error": "invalid_dpop_proof"}), proof != "" && which(claimsOf(proof))
		}}
	}
}

// refusesProofAt is a server to which a proof is of this very second.
func refusesProofAt(now func() time.Time) func() *tampered {
	return refusesProof(func(claims map[string]any) bool { iat, _ := claims["iat"].(float64); return int64(iat) != now().Unix() })
}

func refusesAssertion(which func(map[string]any) bool) func() *tampered {
	return refusesPushed("invalid_client", func(v url.Values) bool { return which(claimsOf(v.Get("client_assertion"))) })
}

// withoutClaim is a server that says a claim nowhere.
func withoutClaim(name string) func() *tampered {
	return func() *tampered {
		token, userinfo := claim(name, nil), member("/userinfo", name, nil)
		return &tampered{answer: func(r *http.Request, a *answer) {
			token.answer(r, a)
			userinfo.answer(r, a)
		}}
	}
}

// tokenInAddress is a server that takes an access token in the address.
func tokenInAddress() *tampered {
	return &tampered{answer: func(r *http.Request, a *answer) {
		if r.URL.Query().Has("access_token") {
			a.status = http.StatusOK
		}
	}}
}

// anyProof is a server that answers about a person whatever the proof.
func anyProof() *tampered {
	return at("/userinfo", func(a *answer) {
		if a.status == http.StatusUnauthorized || a.status == http.StatusBadRequest {
			a.status = http.StatusOK
		}
	})
}

// grantsTokens is a server that refuses no token request.
func grantsTokens() *tampered {
	return at("/token", func(a *answer) {
		if a.status == http.StatusBadRequest || a.status == http.StatusUnauthorized {
			*a = *says(http.StatusOK, map[string]any{"access_token": rand.Text() + rand.Text(), "token_type": "DPoP", "expires_in": 60})
		}
	})
}

// takesEverything is a server that takes whatever is pushed, by whomever.
func takesEverything() *tampered {
	return at("/par", func(a *answer) {
		if a.status >= http.StatusBadRequest {
			*a = *says(http.StatusCreated, map[string]any{"request_uri": "urn:ietf:params:oauth:request_uri:" + rand.Text() + rand.Text(), "expires_in": 60})
		}
	})
}

// burntWhenOpened is a server to which a request counts once, whether somebody signed in or not.
func burntWhenOpened() *tampered {
	opened := 0
	return &tampered{instead: func(r *http.Request) (*answer, bool) {
		if strings.HasSuffix(r.URL.Path, "/authorize") {
			opened++
		}
		return &answer{http.StatusBadRequest, http.Header{"Content-Type": {"text/html"}}, "<p>gone</p>"}, opened > 1 && strings.HasSuffix(r.URL.Path, "/authorize")
	}}
}

// wordless is a server whose errors are pages that say nothing.
func wordless() *tampered {
	return &tampered{answer: func(r *http.Request, a *answer) {
		if strings.HasSuffix(r.URL.Path, "/authorize") && a.status >= http.StatusBadRequest {
			a.body = "<p></p>"
		}
	}}
}

// grantsEverything is a server that takes every pushed request and answers every authorization request with a code, in
// a signed response or in a plain one.
func grantsEverything(now func() time.Time, signed bool) func() *tampered {
	return func() *tampered {
		x := takesEverything()
		taken := x.answer
		key, err := ownKey()
		if err != nil {
			panic(err) // no randomness
		}
		states, issuer, form := map[string]string{}, "", url.Values{}
		x.request = func(r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/par") {
				form = formOf(r)
			}
		}
		x.answer = func(r *http.Request, a *answer) {
			taken(r, a)
			switch {
			case strings.HasSuffix(r.URL.Path, "/openid-configuration"):
				a.edit(func(o map[string]any) { issuer, _ = o["issuer"].(string) })
			case strings.HasSuffix(r.URL.Path, "/keys") && signed:
				a.body = ownKeys(key)
			case strings.HasSuffix(r.URL.Path, "/par"):
				a.edit(func(o map[string]any) {
					uri, _ := o["request_uri"].(string)
					if states[uri] = form.Get("state"); form.Has("request") {
						states[uri], _ = claimsOf(form.Get("request"))["state"].(string)
					}
				})
			}
		}
		x.instead = func(r *http.Request) (*answer, bool) {
			if !strings.HasSuffix(r.URL.Path, "/authorize") {
				return nil, false
			}
			q := r.URL.Query()
			state := states[q.Get("request_uri")]
			if state == "" {
				state = q.Get("state")
			}
			back := url.Values{"code": {rand.Text() + rand.Text()}, "state": {state}, "iss": {issuer}}
			if signed {
				back = url.Values{"response": {signOwn(key, jose.PS256, map[string]any{
					"iss": issuer, "aud": q.Get("client_id"), "exp": now().Add(time.Minute).Unix(), "code": back.Get("code"), "state": state,
				})}}
			}
			to := q.Get("redirect_uri")
			if to == "" {
				to = suiteBase + "/test/a/minddistrict-idp/callback"
			}
			return &answer{http.StatusSeeOther, http.Header{"Location": {to + "?" + back.Encode()}}, ""}, true
		}
		return x
	}
}

// grantsAgain is a server to which a request that was answered counts again.
func grantsAgain(now func() time.Time) func() *tampered {
	return func() *tampered {
		x := grantsEverything(now, false)()
		grant, opened := x.instead, 0
		x.instead = func(r *http.Request) (*answer, bool) {
			if !strings.HasSuffix(r.URL.Path, "/authorize") || r.URL.Query().Get("client_id") == "" {
				return nil, false
			}
			if opened++; opened == 1 {
				return nil, false
			}
			return grant(r)
		}
		return x
	}
}
