package conformance

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/minddistrict/idp/test/browser"
)

// flow is one authorization of a party that is held to FAPI 2.0: pushed, answered in the browser, redeemed, used. It
// goes well; a module changes a step before it takes it.
type flow struct {
	*run
	ways
	client   Client
	second   bool            // the other party: more of what is optional, in another order
	key      jose.JSONWebKey // of its proofs
	verifier string          // of PKCE; empty: none is sent
	asked    url.Values      // what is pushed

	requestURI string
	expiresIn  time.Duration // of requestURI
	code       string
	in         *signIn
}

// ways are how a flow goes; they may be changed between its steps.
type ways struct {
	signed bool   // what is pushed is a request object
	proves bool   // it is pushed with a proof
	method string // of posts; empty: POST

	assert func(*jwt) // changes client assertions; nil: nothing
	object func(*jwt) // changes the request object
	prove  func(*jwt) // changes proofs
}

// fapiAlgs are the algorithms of FAPI 2.0 Security Profile section 5.4.1.
var fapiAlgs = []string{"PS256", "ES256", "EdDSA", "Ed25519"}

func (r *run) checkFAPIAlg(what, alg string) {
	if !slices.Contains(fapiAlgs, alg) {
		r.fail("%s: algorithm %s, wanted one of %s", what, alg, strings.Join(fapiAlgs, ", "))
	}
}

// flow begins an authorization of the first party.
func (r *run) flow() (*flow, error) { return r.flowOf(r.Config.Client, false) }

// secondFlow begins one of the second, whose redirect URI has a query, and whose state is long.
func (r *run) secondFlow() (*flow, error) { return r.flowOf(r.Config.Client2, true) }

// redirectQuery is what the official suite adds to the redirect URI of the second party.
const redirectQuery = "?dummy1=lorem&dummy2=ipsum"

func (r *run) flowOf(client Client, second bool) (*flow, error) {
	key, err := client.proofKey()
	if err != nil {
		return nil, err
	}
	f := &flow{
		run: r, client: client, second: second, key: key, verifier: rand.Text() + rand.Text(),
		ways: ways{signed: r.plan.Signed},
	}
	scope := client.Scope
	if scope == "" {
		scope = "openid"
	}
	f.asked = url.Values{
		"client_id": {client.ID}, "redirect_uri": {r.redirectURI()}, "response_type": {"code"}, "scope": {scope},
		"state": {rand.Text()}, "nonce": {rand.Text()},
		"code_challenge": {accessHash(f.verifier)}, "code_challenge_method": {"S256"},
	}
	if r.plan.Signed {
		f.asked.Set("response_mode", "jwt")
	}
	if second {
		f.asked.Set("redirect_uri", r.redirectURI()+redirectQuery)
		f.asked.Set("state", longState())
	}
	r.client = client // whose tokens are looked at
	return f, nil
}

// issuer is what assertions and request objects are for.
func (f *flow) issuer() string { return text(f.meta, "issuer") }

// send posts a form to an endpoint as the party's server does: with a client assertion unless the form has one already,
// and with a proof where that is wanted. A server that wants its nonce in the proof is asked again with it.
func (f *flow) send(endpoint string, form url.Values, proves bool) (*reply, error) {
	address := text(f.meta, endpoint)
	if address == "" {
		return nil, fmt.Errorf("discovery: no %s", endpoint)
	}
	nonce := ""
	for range 2 {
		body := cloneForm(form)
		if err := f.authenticate(body); err != nil {
			return nil, err
		}
		method := cmp.Or(f.method, http.MethodPost)
		req, err := http.NewRequestWithContext(f.ctx, method, address, strings.NewReader(body.Encode()))
		if err != nil {
			return nil, err
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded;charset=UTF-8")
		if proves {
			if err := f.addProof(req, "", nonce, nil); err != nil {
				return nil, err
			}
		}
		answer, err := f.do(req)
		if err != nil {
			return nil, err
		}
		if nonce = nonceAsked(answer); nonce == "" || !proves {
			return answer, nil
		}
	}
	return nil, fmt.Errorf("%s wants a nonce again and again", endpoint)
}

// noAssertion in a form keeps the party from proving itself.
const noAssertion = "-"

func (f *flow) authenticate(form url.Values) error {
	if form.Has(noAssertion) {
		form.Del(noAssertion)
		return nil
	}
	j, err := f.client.assertion(f.issuer(), f.Now())
	if err != nil {
		return err
	}
	if f.assert != nil {
		f.assert(j)
	}
	token, err := j.sign()
	form.Set("client_assertion", token)
	form.Set("client_assertion_type", assertionType)
	return err
}

// addProof adds a proof for a request; what changes it changes it before it is signed.
func (f *flow) addProof(req *http.Request, access, nonce string, change func(*jwt)) error {
	address := *req.URL
	address.RawQuery, address.Fragment = "", ""
	j := proof(f.key, req.Method, address.String(), access, f.Now())
	if nonce != "" {
		j.claims["nonce"] = nonce
	}
	for _, c := range []func(*jwt){f.prove, change} {
		if c != nil {
			c(j)
		}
	}
	token, err := j.sign()
	req.Header.Set("DPoP", token)
	return err
}

// pushed is the form of a pushed request (RFC 9126 section 2.1, and 3 for request objects).
func (f *flow) pushed() (url.Values, error) {
	if !f.signed {
		return f.asked, nil
	}
	j, err := f.client.requestObject(f.asked, f.issuer(), f.Now())
	if err != nil {
		return nil, err
	}
	if f.second { // as the official suite has it
		j.claims["iat"], j.header["typ"] = f.Now().Unix(), "oauth-authz-req+jwt"
	}
	if f.object != nil {
		f.object(j)
	}
	token, err := j.sign()
	return url.Values{"client_id": {f.client.ID}, "request": {token}}, err
}

// push pushes the request, whatever comes of it.
func (f *flow) push() (*reply, error) {
	form, err := f.pushed()
	if err != nil {
		return nil, err
	}
	return f.send("pushed_authorization_request_endpoint", form, f.proves)
}

// taken checks that a pushed request was taken (RFC 9126 section 2.2).
func (f *flow) taken(answer *reply) error {
	if answer.status != http.StatusCreated {
		return fmt.Errorf("pushed request: status %d: %.200s", answer.status, answer.body)
	}
	if answer.kind() != "application/json" {
		f.fail("pushed request: content type %q", answer.header.Get("Content-Type"))
	}
	o, err := object(answer.body)
	if err != nil {
		return fmt.Errorf("pushed request: %w", err)
	}
	if o["error"] != nil {
		f.fail("pushed request: status 201 with error %v", o["error"])
	}
	if f.requestURI = text(o, "request_uri"); f.requestURI == "" {
		return errors.New("pushed request: no request_uri")
	}
	// RFC 9126 section 7.1. The official suite estimates the whole; what is drawn by lot follows the last colon.
	bits, drawn := entropy(f.requestURI), f.requestURI[strings.LastIndex(f.requestURI, ":")+1:]
	if bits < 128 || len(drawn) < minLength {
		f.fail("request_uri of %d characters with %.0f bits: %q", len(f.requestURI), bits, f.requestURI)
	}
	seconds, ok := number(o, "expires_in")
	if f.expiresIn = time.Duration(seconds) * time.Second; !ok || seconds < 5 || seconds >= 365*24*60*60 {
		f.fail("pushed request: expires_in %v", o["expires_in"])
	}
	return nil
}

// begin pushes the request, which must be taken.
func (f *flow) begin() error {
	answer, err := f.push()
	if err != nil {
		return err
	}
	return f.taken(answer)
}

// front is what the browser takes along: the request by its name, and what OAuth alone demands there.
func (f *flow) front() url.Values {
	front := url.Values{"client_id": {f.client.ID}, "request_uri": {f.requestURI}}
	for _, name := range []string{"response_type", "scope", "redirect_uri"} {
		if f.asked.Has(name) {
			front.Set(name, f.asked.Get(name))
		}
	}
	return front
}

// open sends the browser to the authorization endpoint.
func (f *flow) open(front url.Values) (*sighting, error) {
	query := asking{Values: front, reversed: f.second}.encode()
	return f.browser.visit(f.ctx, text(f.meta, "authorization_endpoint")+"?"+query, false)
}

// answered reads the authorization response: at the very redirect URI, in the query, signed where the plan is signed.
func (f *flow) answered(seen *sighting) (url.Values, error) {
	if seen.arrived == nil {
		return nil, fmt.Errorf("the authorization request ended on a page: %s", browser.Text(f.browser.page))
	}
	to, err := url.Parse(f.asked.Get("redirect_uri"))
	if err != nil {
		return nil, err
	}
	at := *seen.arrived.url
	values, own := at.Query(), to.Query()
	at.RawQuery, at.ForceQuery, to.RawQuery = "", false, ""
	elsewhere := f.asked.Has("redirect_uri") && at.String() != to.String()
	if elsewhere || seen.arrived.method != http.MethodGet || at.Fragment != "" {
		f.fail("authorization response by %s at %s, wanted GET at %s", seen.arrived.method, at.String(), to.String())
	}
	for name := range own {
		if !slices.Equal(values[name], own[name]) {
			f.fail("authorization response: %s %q of the redirect URI became %q", name, own[name], values[name])
		}
		values.Del(name)
	}
	for name, all := range values {
		if len(all) > 1 {
			f.fail("authorization response: %s %d times", name, len(all))
		}
	}
	if values, err = f.opened(values); err != nil {
		return nil, err
	}
	if state := f.asked.Get("state"); values.Get("state") != state || values.Has("state") != f.asked.Has("state") {
		f.fail("authorization response: state %q, sent %q", values["state"], f.asked["state"])
	}
	return values, nil
}

// opened takes the parameters out of a signed response (JARM section 2.3); where none is signed, it says whose it is
// (RFC 9207 section 2).
func (f *flow) opened(values url.Values) (url.Values, error) {
	if !f.plan.Signed {
		if values.Get("iss") != f.issuer() {
			f.fail("authorization response: iss %q, wanted %q", values.Get("iss"), f.issuer())
		}
		return values, nil
	}
	if len(values) != 1 || !values.Has("response") {
		return nil, fmt.Errorf("authorization response: not response alone: %v", values)
	}
	return f.jarm(values.Get("response"), f.client)
}

// grantedCode reads a response that must have a code.
func (f *flow) grantedCode(seen *sighting) error {
	values, err := f.answered(seen)
	if err != nil {
		return err
	}
	if f.code = values.Get("code"); f.code == "" {
		return fmt.Errorf("authorization response: no code, %q %q", values.Get("error"), values.Get("error_description"))
	}
	f.checkSecret("code", f.code)
	f.checkKnown("authorization response", values, "code", "state", "iss", "session_state")
	return nil
}

// authorize goes to the code.
func (f *flow) authorize() error {
	if err := f.begin(); err != nil {
		return err
	}
	return f.visited(f.front())
}

// visited opens the authorization endpoint, and must come back with a code.
func (f *flow) visited(front url.Values) error {
	seen, err := f.open(front)
	if err != nil {
		return err
	}
	return f.grantedCode(seen)
}

// form is the token request for the code.
func (f *flow) form() url.Values {
	form := url.Values{"grant_type": {"authorization_code"}, "code": {f.code}}
	if f.asked.Has("redirect_uri") {
		form.Set("redirect_uri", f.asked.Get("redirect_uri"))
	}
	if f.verifier != "" {
		form.Set("code_verifier", f.verifier)
	}
	return form
}

// token sends a token request with a proof, whatever comes of it.
func (f *flow) token(form url.Values) (*reply, error) { return f.send("token_endpoint", form, true) }

// redeem gets tokens for the code, and checks them.
func (f *flow) redeem() error {
	answer, err := f.token(f.form())
	if err != nil {
		return err
	}
	f.in = &signIn{asked: asking{Values: f.asked}, code: f.code}
	return f.checkTokens(answer, f.in)
}

func (f *flow) checkTokens(answer *reply, in *signIn) (err error) {
	f.run.client = f.client
	if in.answer, err = f.granted(answer, "DPoP"); err != nil {
		return err
	}
	in.access, in.idToken = text(in.answer, "access_token"), text(in.answer, "id_token")
	if in.idToken == "" {
		return errors.New("token response: no id_token")
	}
	if in.claims, err = f.checkIDToken(in, f.asked.Get("nonce")); err != nil {
		return err
	}
	jws, err := jose.ParseSignedCompact(in.idToken, signatures)
	if err == nil {
		f.checkFAPIAlg("ID token", jws.Signatures[0].Protected.Algorithm)
	}
	return err
}

// resource is a request to the protected resource, with the token and a proof; a module changes either.
type resource struct {
	access  string
	address string              // empty: the protected resource
	scheme  string              // of Authorization; empty: DPoP
	query   string              // added to the address
	prove   func(*jwt)          // changes the proof; nil: nothing
	change  func(*http.Request) // changes the request; nil: nothing
}

// protected is the address of the protected resource.
func (f *flow) protected() string {
	return cmp.Or(f.Config.Resource.URL, text(f.meta, "userinfo_endpoint"))
}

// use asks the protected resource, whatever comes of it.
func (f *flow) use(what resource) (*reply, error) {
	nonce := ""
	for range 2 {
		req, err := http.NewRequestWithContext(f.ctx, http.MethodGet, cmp.Or(what.address, f.protected())+what.query, nil)
		if err != nil {
			return nil, err
		}
		req.Header.Set("Authorization", cmp.Or(what.scheme, "DPoP")+" "+what.access)
		if err := f.addProof(req, what.access, nonce, what.prove); err != nil {
			return nil, err
		}
		req.Header.Set("Accept", "application/json")
		req.Header.Set("User-Agent", userAgent)
		if what.change != nil {
			what.change(req)
		}
		if f.TLS == nil { // as whoever reads them from a connection has them
			req.Header = canonical(req.Header)
		}
		answer, err := roundTrip(f.HTTP, req)
		if err != nil {
			return nil, err
		}
		if nonce = nonceAsked(answer); nonce == "" {
			return answer, nil
		}
	}
	return nil, errors.New("the resource wants a nonce again and again")
}

// canonical are headers under the names that net/http gives them.
func canonical(header http.Header) http.Header {
	c := http.Header{}
	for name, values := range header {
		for _, value := range values {
			c.Add(name, value)
		}
	}
	return c
}

// works asks the protected resource, which must answer.
func (f *flow) works(what resource) error {
	answer, err := f.use(what)
	if err != nil {
		return err
	}
	f.checkResource("resource", answer)
	return nil
}

func (f *flow) checkResource(what string, answer *reply) {
	if answer.status != http.StatusOK && answer.status != http.StatusCreated {
		f.fail("%s: status %d: %.200s %s", what, answer.status, answer.body, answer.header.Get("WWW-Authenticate"))
	}
	if f.TLS != nil && answer.header.Get("Date") == "" { // a server in process has no connection that adds it
		f.fail("%s: no Date (RFC 9110 section 6.6.1)", what)
	}
}

// complete is a flow that goes well, to the protected resource.
func (f *flow) complete() error {
	if err := f.authorize(); err != nil {
		return err
	}
	return f.finish()
}

// finish is the rest, from the code on.
func (f *flow) finish() error {
	if err := f.redeem(); err != nil {
		return err
	}
	return f.works(resource{access: f.in.access})
}
