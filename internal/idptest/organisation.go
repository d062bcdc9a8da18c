package idptest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/minddistrict/idp/internal/secret"
)

// Organisation is an organisation's own sign-in, as another site of a test: a provider of OpenID Connect Core 1.0 with the
// authorization code flow. It remembers who signed in in a browser, as such sites do, and what it says of people is set
// by the test.
type Organisation struct {
	Registration
	Mood
	People map[string]map[string]any // claims of who signs in, by what they type; auth_time is added where it is not among them
	Asked  url.Values                // the last authorization request

	now      func() time.Time
	own      *ecdsa.PrivateKey
	strange  *ecdsa.PrivateKey
	mu       sync.Mutex // guards what follows
	sessions map[string]presence
	codes    map[string]given
	tokens   int // requests to the token endpoint
}

// TokenRequests is how often the token endpoint was called, whatever came of it.
func (o *Organisation) TokenRequests() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.tokens
}

// Registration is how a provider is known there.
type Registration struct {
	Issuer       string
	ClientID     string
	ClientSecret string
	Redirect     string // for answers
}

// Mood is what is wrong there.
type Mood struct {
	Silent bool // who signed in before is not asked again, whatever is asked of it
	Mute   bool // servers get no answer; people do
	Forged bool // it signs with a key that it does not publish
}

// presence is who signed in there, and when.
type presence struct {
	who string
	at  time.Time
	sid string
}

// given is what a code stands for.
type given struct {
	presence
	asked url.Values
}

// thereCookie keeps who signed in at an organisation.
const thereCookie = "there"

// NewOrganisation is one that knows a provider by a name and a secret.
func NewOrganisation(issuer, clientID, redirect string, now func() time.Time) *Organisation {
	key := func() *ecdsa.PrivateKey {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			panic(err) // the system has no randomness
		}
		return k
	}
	return &Organisation{
		Registration: Registration{Issuer: issuer, ClientID: clientID, ClientSecret: secretOf(clientID), Redirect: redirect},
		People:       map[string]map[string]any{}, now: now, own: key(), strange: key(), sessions: map[string]presence{}, codes: map[string]given{},
	}
}

func (o *Organisation) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/authorize":
		o.authorize(w, r)
		return
	}
	if o.Mute {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		say(w, http.StatusOK, map[string]any{
			"issuer": o.Issuer, "authorization_endpoint": o.Issuer + "/authorize", "token_endpoint": o.Issuer + "/token",
			"jwks_uri": o.Issuer + "/keys", "authorization_response_iss_parameter_supported": true,
		})
	case "/keys":
		say(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: o.own.Public(), KeyID: "one", Algorithm: "ES256", Use: "sig"}}})
	case "/token":
		o.token(w, r)
	default:
		http.NotFound(w, r)
	}
}

func say(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // to memory
}

// authorize is the page of the organisation, which people see who are to sign in there.
func (o *Organisation) authorize(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm() // what it lacks is refused
	asked := r.Form
	for name, want := range map[string]string{
		"client_id": o.ClientID, "redirect_uri": o.Redirect, "response_type": "code", "code_challenge_method": "S256",
	} {
		if got := asked.Get(name); got != want {
			http.Error(w, fmt.Sprintf("%s is %q, want %q", name, got, want), http.StatusBadRequest)
			return
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.Asked = asked
	var known presence
	if c, err := r.Cookie(thereCookie); err == nil {
		known = o.sessions[c.Value]
	}
	switch {
	case r.Method == http.MethodPost && asked.Get("do") != "in":
		o.answer(w, r, url.Values{"error": {asked.Get("do")}, "error_description": {asked.Get("why")}})
	case r.Method == http.MethodPost:
		in := presence{who: asked.Get("account"), at: o.now(), sid: secret.ID()}
		cookie := secret.Token()
		o.sessions[cookie] = in
		http.SetCookie(w, &http.Cookie{Name: thereCookie, Value: cookie, Path: "/", Secure: true, HttpOnly: true})
		o.answer(w, r, url.Values{"code": {o.code(in, asked)}})
	case known.who != "" && (asked.Get("prompt") != "login" || o.Silent):
		o.answer(w, r, url.Values{"code": {o.code(known, asked)}})
	default:
		page(w, `<form method="post" action="/authorize?`+html.EscapeString(r.URL.RawQuery)+`">
<label for="account">Account</label><input id="account" name="account">
<button name="do" value="in">Sign in</button><button name="do" value="access_denied">Cancel</button></form>`)
	}
}

func (o *Organisation) code(of presence, asked url.Values) string {
	code := secret.Token()
	o.codes[string(secret.Hash(code))] = given{of, asked}
	return code
}

// answer sends the browser back with an authorization response.
func (o *Organisation) answer(w http.ResponseWriter, r *http.Request, values url.Values) {
	values.Set("state", r.Form.Get("state"))
	values.Set("iss", o.Issuer)
	if r.Form.Get("response_mode") != "form_post" {
		http.Redirect(w, r, o.Redirect+"?"+values.Encode(), http.StatusSeeOther)
		return
	}
	form := `<form method="post" action="` + html.EscapeString(o.Redirect) + `">`
	for name := range values {
		form += `<input type="hidden" name="` + name + `" value="` + html.EscapeString(values.Get(name)) + `">`
	}
	page(w, form+`<button>Continue</button></form>`)
}

func page(w http.ResponseWriter, body string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = fmt.Fprintf(w, "<!doctype html><html lang=en><title>Sign in</title><body>%s</body></html>", body) // to memory
}

// token exchanges a code, once.
func (o *Organisation) token(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm() // what it lacks is refused
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tokens++
	id, pass, _ := r.BasicAuth()
	if id != url.QueryEscape(o.ClientID) || pass != url.QueryEscape(o.ClientSecret) {
		say(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
		return
	}
	key := string(secret.Hash(r.PostForm.Get("code")))
	got, ok := o.codes[key]
	delete(o.codes, key)
	challenge := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
	proven := subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(challenge[:])), []byte(got.asked.Get("code_challenge"))) == 1
	if !ok || !proven || r.PostForm.Get("redirect_uri") != o.Redirect {
		say(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant"})
		return
	}
	token, err := o.idToken(got)
	if err != nil {
		say(w, http.StatusInternalServerError, map[string]any{"error": "server_error", "error_description": err.Error()})
		return
	}
	say(w, http.StatusOK, map[string]any{"access_token": secret.Token(), "token_type": "Bearer", "id_token": token})
}

func (o *Organisation) idToken(of given) (string, error) {
	now := o.now()
	claims := map[string]any{
		"iss": o.Issuer, "sub": "sub-" + of.who, "aud": o.ClientID, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		"nonce": of.asked.Get("nonce"), "sid": of.sid, "auth_time": of.at.Unix(), "email": of.who + "@lindehof.test", "email_verified": true,
		"given_name": "Jan", "family_name": "de Boer",
	}
	maps.Copy(claims, o.People[of.who])
	for name, value := range claims {
		if value == nil {
			delete(claims, name)
		}
	}
	key := o.own
	if o.Forged {
		key = o.strange
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "one"}}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(text)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}
