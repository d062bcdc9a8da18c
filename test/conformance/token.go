package conformance

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// signIn is a complete sign-in: what was asked, what came back.
type signIn struct {
	asked    asking
	seen     *sighting
	code     string
	form     url.Values // of the token request
	answer   map[string]any
	access   string
	idToken  string
	claims   map[string]any // of the ID token
	userinfo map[string]any
}

// signIn goes the way that nearly every module goes: authorization, tokens, ID token, userinfo, all checked.
func (r *run) signIn(a asking) (*signIn, error) {
	in, err := r.redeem(a, url.Values{})
	if err != nil {
		return nil, err
	}
	in.userinfo, err = r.userinfo(in)
	return in, err
}

// redeem is signIn without userinfo; more goes into the token request.
func (r *run) redeem(a asking, more url.Values) (*signIn, error) {
	seen, code, err := r.code(a)
	if err != nil {
		return nil, err
	}
	in := &signIn{asked: a, seen: seen, code: code}
	in.form = url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {r.redirectURI()}}
	for name, values := range more {
		in.form[name] = values
	}
	if in.answer, err = r.token(in.form); err != nil {
		return nil, err
	}
	in.access, in.idToken = text(in.answer, "access_token"), text(in.answer, "id_token")
	if in.idToken == "" {
		return nil, fmt.Errorf("token response: no id_token")
	}
	in.claims, err = r.checkIDToken(in, a.Get("nonce"))
	return in, err
}

// post sends a form to the token endpoint with the party's own way of proving itself.
func (r *run) post(form url.Values) (*reply, error) {
	form = cloneForm(form)
	method := "client_secret_basic"
	if r.client.post {
		method = "client_secret_post"
		form.Set("client_id", r.client.ID)
		form.Set("client_secret", r.client.Secret)
	}
	if supported, ok := r.meta.list("token_endpoint_auth_methods_supported"); ok && !slices.Contains(supported, method) {
		r.fail("discovery does not list %s", method)
	}
	req, err := http.NewRequestWithContext(r.ctx, http.MethodPost, text(r.meta, "token_endpoint"), strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded;charset=UTF-8")
	if !r.client.post {
		req.SetBasicAuth(url.QueryEscape(r.client.ID), url.QueryEscape(r.client.Secret))
	}
	return r.do(req)
}

func cloneForm(form url.Values) url.Values {
	clone := url.Values{}
	for name, values := range form {
		clone[name] = slices.Clone(values)
	}
	return clone
}

// token sends a token request that must be granted, and checks the answer (RFC 6749 section 5.1).
func (r *run) token(form url.Values) (map[string]any, error) {
	answer, err := r.post(form)
	if err != nil {
		return nil, err
	}
	return r.granted(answer, "Bearer")
}

// granted checks an answer with tokens of a type.
func (r *run) granted(answer *reply, tokenType string) (map[string]any, error) {
	if answer.status != http.StatusOK {
		return nil, fmt.Errorf("token response: status %d: %.200s", answer.status, answer.body)
	}
	if answer.kind() != "application/json" {
		r.fail("token response: content type %q", answer.header.Get("Content-Type"))
	}
	r.checkNotStored(answer)
	o, err := object(answer.body)
	if err != nil {
		return nil, fmt.Errorf("token response: %w", err)
	}
	if o["error"] != nil {
		r.fail("token response: status 200 with error %v", o["error"])
	}
	if !strings.EqualFold(text(o, "token_type"), tokenType) {
		r.fail("token response: token_type %v", o["token_type"])
	}
	for _, name := range []string{"access_token", "refresh_token"} {
		if value, has := o[name]; has {
			r.checkSecret(name, value)
		}
	}
	if text(o, "access_token") == "" {
		return nil, fmt.Errorf("token response: no access_token")
	}
	switch seconds, ok := number(o, "expires_in"); {
	case o["expires_in"] == nil:
		r.warn("token response: no expires_in")
	case !ok || seconds <= 0:
		r.fail("token response: expires_in %v", o["expires_in"])
	}
	return o, nil
}

func (r *run) checkNotStored(answer *reply) {
	has := func(header, want string) bool {
		return slices.ContainsFunc(strings.Split(answer.header.Get(header), ","), func(s string) bool { return strings.EqualFold(strings.TrimSpace(s), want) })
	}
	if !has("Cache-Control", "no-store") {
		r.fail("token response: Cache-Control %q, wanted no-store", answer.header.Get("Cache-Control"))
	}
	if answer.header.Get("Pragma") != "" && !has("Pragma", "no-cache") {
		r.fail("token response: Pragma %q", answer.header.Get("Pragma"))
	}
}

// enoughEntropy is what the official suite wants of codes and tokens: 128 bits, less what an estimate can be wrong by.
const enoughEntropy = 96 // bits

// minLength of a code or token: 128 bits in base64url.
const minLength = 22 // characters

// checkSecret: characters (RFC 6749 appendix A.11, A.12 and A.17), length and entropy (section 10.10) of a code or token.
func (r *run) checkSecret(name string, value any) {
	s, ok := value.(string)
	switch {
	case !ok || s == "":
		r.fail("%s is not a text: %v", name, value)
	case strings.ContainsFunc(s, func(c rune) bool { return c < 0x20 || c > 0x7E }):
		r.fail("characters in %s: %q", name, s)
	case len(s) < minLength || entropy(s) < enoughEntropy:
		r.fail("%s of %d characters with %.0f bits: %q", name, len(s), entropy(s), s)
	}
}

// entropy is Shannon's, of the characters as they occur.
func entropy(s string) float64 {
	counts, bits := map[rune]int{}, 0.0
	for _, c := range s {
		counts[c]++
	}
	for _, n := range counts {
		p := float64(n) / float64(len(s))
		bits -= float64(n) * math.Log2(p)
	}
	return bits
}

// refusedToken sends a token request that must be refused with invalid_grant (RFC 6749 section 5.2).
func (r *run) refusedToken(what string, form url.Values) error {
	answer, err := r.post(form)
	if err != nil {
		return err
	}
	return r.checkRefusal(what, answer, "invalid_grant")
}

// checkRefusal: RFC 6749 section 5.2, and RFC 9126 section 2.3. A party that did not prove itself may be told with 401.
func (r *run) checkRefusal(what string, answer *reply, allowed ...string) error {
	if answer.kind() != "application/json" {
		r.fail("%s: content type %q", what, answer.header.Get("Content-Type"))
	}
	o, err := object(answer.body)
	if err != nil {
		return fmt.Errorf("%s: status %d: %w", what, answer.status, err)
	}
	got := text(o, "error")
	if answer.status != http.StatusBadRequest && (answer.status != http.StatusUnauthorized || got != "invalid_client") {
		r.fail("%s: status %d, wanted 400", what, answer.status)
	}
	if !slices.Contains(allowed, got) {
		r.fail("%s: error %v, wanted %s", what, o["error"], strings.Join(allowed, " or "))
	}
	r.checkDescription(what, text(o, "error_description"), text(o, "error_uri"))
	return nil
}

// bearer asks userinfo by GET, with the token in the header.
func (r *run) bearer(access string) (*reply, error) {
	req, err := http.NewRequestWithContext(r.ctx, http.MethodGet, text(r.meta, "userinfo_endpoint"), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+access)
	return r.do(req)
}

func (r *run) userinfo(in *signIn) (map[string]any, error) {
	answer, err := r.bearer(in.access)
	if err != nil {
		return nil, err
	}
	return r.checkUserinfo(answer, in)
}

// checkUserinfo: OpenID Connect Core 1.0 section 5.3.2.
func (r *run) checkUserinfo(answer *reply, in *signIn) (map[string]any, error) {
	if answer.status != http.StatusOK {
		return nil, fmt.Errorf("userinfo: status %d: %.200s", answer.status, answer.body)
	}
	if answer.kind() != "application/json" {
		r.fail("userinfo: content type %q", answer.header.Get("Content-Type"))
	}
	o, err := object(answer.body)
	if err != nil {
		return nil, fmt.Errorf("userinfo: %w", err)
	}
	if sub := text(o, "sub"); sub == "" || sub != text(in.claims, "sub") {
		r.fail("userinfo: sub %v, that of the ID token is %v", o["sub"], in.claims["sub"])
	}
	r.checkClaims("userinfo", o)
	return o, nil
}

// claimKinds are the standard claims (OpenID Connect Core 1.0 section 5.1) by the JSON type they have.
var claimKinds = map[string]string{
	"sub": "text", "name": "text", "given_name": "text", "family_name": "text", "middle_name": "text", "nickname": "text",
	"preferred_username": "text", "profile": "address", "picture": "address", "website": "address", "email": "email", "email_verified": "bool",
	"gender": "text", "birthdate": "date", "zoneinfo": "text", "locale": "text", "phone_number": "text", "phone_number_verified": "bool",
	"address": "object", "updated_at": "time",
}

var addressKinds = []string{"formatted", "street_address", "locality", "region", "postal_code", "country"}

// checkClaims compares the types of standard claims; what is not standard may be anything.
func (r *run) checkClaims(where string, o map[string]any) {
	for name, value := range o {
		if kind, ok := claimKinds[name]; ok && !r.fitsKind(kind, value) {
			r.fail("%s: %s is not a %s: %v", where, name, kind, value)
		}
	}
}

func (r *run) fitsKind(kind string, value any) bool {
	s, isText := value.(string)
	switch kind {
	case "text":
		return isText && s != ""
	case "address":
		u, err := url.Parse(s)
		return isText && err == nil && u.Scheme != "" && u.Host != ""
	case "email":
		return isText && strings.Count(s, "@") == 1 && !strings.HasPrefix(s, "@") && !strings.HasSuffix(s, "@")
	case "bool":
		_, is := value.(bool)
		return is
	case "date":
		return isText && birthdate.MatchString(s)
	case "time":
		n, is := value.(json.Number)
		if !is {
			return false
		}
		seconds, err := n.Float64()
		return err == nil && seconds > 0 && seconds <= float64(r.Now().Add(skew).Unix()) // milliseconds would lie far ahead
	case "object":
		parts, is := value.(map[string]any)
		if !is || len(parts) == 0 {
			return false
		}
		for _, name := range addressKinds {
			if part, has := parts[name]; has {
				if s, ok := part.(string); !ok || s == "" {
					return false
				}
			}
		}
		return true
	}
	return false
}
