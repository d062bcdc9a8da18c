package conformance_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/go-jose/go-jose/v4"
)

// tampered stands between the suite and a server that does everything right, and spoils one thing.
type tampered struct {
	http.RoundTripper
	request func(*http.Request)                 // nil: none is changed
	answer  func(*http.Request, *answer)        // nil: none is changed
	instead func(*http.Request) (*answer, bool) // nil: the server is always asked
	kept    func(*http.Request, *answer)        // looks on; nil: nobody
	told    func(url.Values)                    // of what the server tells parties; nil: nothing is changed
}

// answer is an HTTP answer that can be changed.
type answer struct {
	status int
	header http.Header
	body   string
}

func (x *tampered) RoundTrip(r *http.Request) (*http.Response, error) {
	if x.request != nil {
		x.request(r)
	}
	if x.instead != nil {
		if a, ok := x.instead(r); ok {
			return a.response(r), nil
		}
	}
	res, err := x.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	a := &answer{res.StatusCode, res.Header, string(body)}
	if x.kept != nil {
		x.kept(r, a)
	}
	if x.answer != nil {
		x.answer(r, a)
	}
	return a.response(r), nil
}

func (a *answer) response(r *http.Request) *http.Response {
	return &http.Response{StatusCode: a.status, Header: a.header, Body: io.NopCloser(strings.NewReader(a.body)), Request: r}
}

// edit changes the JSON object of an answer.
func (a *answer) edit(change func(map[string]any)) {
	var o map[string]any
	if json.Unmarshal([]byte(a.body), &o) != nil {
		return
	}
	change(o)
	text, _ := json.Marshal(o) // it was JSON
	a.body = string(text)
}

// at is a change of the answers of one endpoint.
func at(path string, change func(*answer)) *tampered {
	return &tampered{answer: func(r *http.Request, a *answer) {
		if strings.HasSuffix(r.URL.Path, path) {
			change(a)
		}
	}}
}

// member is a change of one member of a JSON answer; nil takes it away.
func member(path, name string, value any) *tampered {
	return at(path, func(a *answer) {
		a.edit(func(o map[string]any) {
			if o[name] = value; value == nil {
				delete(o, name)
			}
		})
	})
}

// location is a change of where a redirect to the party goes.
func location(change func(url.Values)) *tampered {
	return &tampered{answer: func(_ *http.Request, a *answer) {
		to, err := url.Parse(a.header.Get("Location"))
		if err != nil || !strings.Contains(to.Path, "/test/a/") {
			return
		}
		q := to.Query()
		change(q)
		to.RawQuery = q.Encode()
		a.header.Set("Location", to.String())
	}}
}

func set(name, value string) func(url.Values) { return func(q url.Values) { q.Set(name, value) } }

// ignored takes a parameter out of authorization requests, as a server does that ignores it.
func ignored(name string) *tampered {
	return &tampered{request: func(r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/authorize") {
			q := r.URL.Query()
			q.Del(name)
			r.URL.RawQuery = q.Encode()
		}
	}}
}

// unlisted is a server that does not say besides what request objects are signed with: modules then try one that is
// not.
func unlisted(x *tampered) *tampered {
	x.answer = member("/openid-configuration", "request_object_signing_alg_values_supported", nil).answer
	return x
}

var ownKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// claims makes a server that signs ID tokens, with a key of ours, after a change of their claims.
func claims(change func(map[string]any)) *tampered {
	key, err := ownKey()
	if err != nil {
		panic(err) // no randomness
	}
	return &tampered{answer: func(r *http.Request, a *answer) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/keys"):
			a.body = ownKeys(key)
		case strings.HasSuffix(r.URL.Path, "/token"):
			a.edit(func(o map[string]any) {
				if token, ok := o["id_token"].(string); ok {
					o["id_token"] = resign(token, key, change)
				}
			})
		case strings.Contains(a.header.Get("Location"), "response="):
			answerAs(a, key, func(map[string]any) {}) // by a key that is still published
		}
	}}
}

// ownKeys are what a server publishes that signs with a key of ours: for each algorithm under a name of its own.
func ownKeys(key *rsa.PrivateKey) string {
	var public jose.JSONWebKeySet
	for _, alg := range []string{"RS256", "PS256"} {
		public.Keys = append(public.Keys, jose.JSONWebKey{Key: key.Public(), KeyID: "own " + alg, Algorithm: alg, Use: "sig"})
	}
	text, _ := json.Marshal(public) // keys
	return string(text)
}

// resign changes what a token says. What was RS256 stays so, anything else becomes PS256.
func resign(token string, key *rsa.PrivateKey, change func(map[string]any)) string {
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256})
	if err != nil {
		return token
	}
	payload := map[string]any{}
	d := json.NewDecoder(bytes.NewReader(jws.UnsafePayloadWithoutVerification()))
	d.UseNumber()
	if d.Decode(&payload) != nil {
		return token
	}
	change(payload)
	alg := jose.PS256
	if jws.Signatures[0].Protected.Algorithm == string(jose.RS256) {
		alg = jose.RS256
	}
	return signOwn(key, alg, payload)
}

// signOwn signs with a key of ours.
func signOwn(key *rsa.PrivateKey, alg jose.SignatureAlgorithm, payload map[string]any) string {
	text, _ := json.Marshal(payload) // JSON
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", "own "+string(alg)))
	if err != nil {
		panic(err) // a key and its algorithm
	}
	signed, err := signer.Sign(text)
	if err != nil {
		panic(err) // as above
	}
	token, _ := signed.CompactSerialize() // RSA: cannot fail
	return token
}

// answerAs changes a signed authorization response (JARM).
func answerAs(a *answer, key *rsa.PrivateKey, change func(map[string]any)) {
	to, err := url.Parse(a.header.Get("Location"))
	if err != nil {
		return
	}
	q := to.Query()
	q.Set("response", resign(q.Get("response"), key, change))
	to.RawQuery = q.Encode()
	a.header.Set("Location", to.String())
}

func claim(name string, value any) *tampered {
	return claims(func(o map[string]any) {
		if o[name] = value; value == nil {
			delete(o, name)
		}
	})
}

// toldAs is a server that tells parties something else.
func toldAs(change func(url.Values)) *tampered { return &tampered{told: change} }

// goTo is a server that redirects every request to an endpoint to what a parameter of it says, without asking.
func goTo(path, parameter string) *tampered {
	return &tampered{instead: func(r *http.Request) (*answer, bool) {
		if !strings.HasSuffix(r.URL.Path, path) {
			return nil, false
		}
		to := r.URL.Query().Get(parameter) + "?state=" + url.QueryEscape(r.URL.Query().Get("state"))
		return &answer{http.StatusSeeOther, http.Header{"Location": {to}}, ""}, true
	}}
}

// repeats is a server that answers a token request again that it answered before.
func repeats() *tampered {
	kept := map[string]answer{}
	body := ""
	return &tampered{
		instead: func(r *http.Request) (*answer, bool) {
			if body = ""; !strings.HasSuffix(r.URL.Path, "/token") {
				return nil, false
			}
			text, _ := io.ReadAll(r.Body) // in memory
			body, r.Body = string(text), io.NopCloser(bytes.NewReader(text))
			a, ok := kept[body]
			return &a, ok
		},
		kept: func(_ *http.Request, a *answer) {
			if body != "" {
				kept[body] = *a
			}
		},
	}
}
