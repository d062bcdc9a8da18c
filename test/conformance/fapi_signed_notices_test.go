package conformance_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/minddistrict/idp/test/conformance"
)

// TestNoticesWhatIsWrongWithSignedFAPI does so for what Message Signing has besides: signed requests and responses.
func TestNoticesWhatIsWrongWithSignedFAPI(t *testing.T) {
	t.Parallel()
	right := inProcess(t, "https://login.linde.test")
	const failed, warned = conformance.Failed, conformance.Warned
	const discovery = "discovery-end-point-verification"
	const objects = `ensure-request-object-without-exp-fails ensure-request-object-without-nbf-fails ensure-expired-request-object-fails
		ensure-request-object-with-bad-aud-fails ensure-request-object-with-exp-over-60-fails ensure-request-object-with-nbf-over-60-fails
		ensure-signed-request-object-with-RS256-fails ensure-request-object-signature-algorithm-is-not-none
		ensure-request-object-with-invalid-signature-fails ensure-matching-key-in-authorization-request
		ensure-unsigned-request-at-par-endpoint-fails par-authorization-request-containing-request_uri`
	spoilt{
		{"no signed responses", one(member("/openid-configuration", "response_modes_supported", []string{"query"})), discovery, failed},
		{"no signed requests", one(member("/openid-configuration", "request_object_signing_alg_values_supported", []string{"RS256"})), discovery, failed},
		{"no request object from ahead", refusesObject(func(claims map[string]any) bool {
			nbf, _ := claims["nbf"].(float64)
			return int64(nbf) > right.Now().Unix()
		}), "ensure-request-object-with-nbf-8-seconds-in-the-future-is-accepted", warned},
		{"no request object for several", refusesObject(func(claims map[string]any) bool { _, list := claims["aud"].([]any); return list }), "ensure-request-object-with-multiple-aud-succeeds", failed},
		{"every request, signed", grantsEverything(right.Now, true), objects, failed},
		{"signed response for another party", one(response(func(o map[string]any) { o["aud"] = "somebody" })), "happy-flow", failed},
		{"signed response of another server", one(response(func(o map[string]any) { o["iss"] = "https://evil.test" })), "happy-flow", failed},
		{"signed response that expired", one(response(func(o map[string]any) { o["exp"] = 1 })), "happy-flow", failed},
		{"signed response without an end", one(response(func(o map[string]any) { delete(o, "exp") })), "happy-flow user-rejects-authentication", failed},
		{"signed response for a day", one(response(func(o map[string]any) { o["exp"] = right.Now().Add(24 * time.Hour).Unix() })), "par-without-duplicate-parameters", warned},
		{"signed response with a broken signature", one(location(func(q url.Values) { q.Set("response", cut(q.Get("response"), 8)+"AAAAAAAA") })), "happy-flow", failed},
		{"something beside the signed response", one(location(set("state", "s"))), "happy-flow", failed},
		{"state of a signed response changed", one(response(func(o map[string]any) { o["state"] = "s" })), "happy-flow", failed},
		{"not signed", one(response(nil)), "happy-flow ensure-request-object-with-multiple-aud-succeeds ensure-request-object-with-nbf-8-seconds-in-the-future-is-accepted", failed},
	}.failAll(t, right, conformance.Messages, conformance.Messages.Modules[len(conformance.Security.Modules):])
}

// refusesObject is a server that refuses some request objects.
func refusesObject(which func(map[string]any) bool) func() *tampered {
	return refusesPushed("invalid_request_object", func(v url.Values) bool { return which(claimsOf(v.Get("request"))) })
}

// response is a server that signs authorization responses, with a key of ours, after a change; nil: it signs none.
func response(change func(map[string]any)) *tampered {
	x := claims(func(map[string]any) {})
	key, err := ownKey()
	if err != nil {
		panic(err) // no randomness
	}
	other := x.answer
	x.answer = func(r *http.Request, a *answer) {
		to, err := url.Parse(a.header.Get("Location"))
		signed := err == nil && to.Query().Has("response")
		switch {
		case !signed:
			other(r, a)
		case change != nil:
			answerAs(a, key, change)
		default:
			q := to.Query()
			said := claimsOf(q.Get("response"))
			q.Del("response")
			for _, name := range []string{"code", "state", "iss", "error"} {
				if value, ok := said[name].(string); ok {
					q.Set(name, value)
				}
			}
			to.RawQuery = q.Encode()
			a.header.Set("Location", to.String())
		}
	}
	return x
}
