package idptest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/keys"
)

// byOIDC is a provider of OpenID Connect Core 1.0 with the authorization code flow.
type byOIDC struct {
	*Organisation
	codes map[string]given
}

// given is what a code stands for.
type given struct {
	presence
	asked url.Values
}

// NewOrganisation is one that speaks OpenID Connect, and knows a provider by a name and a secret.
func NewOrganisation(issuer, clientID, redirect string, now func() time.Time) *Organisation {
	key := func() *ecdsa.PrivateKey {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			panic(err) // the system has no randomness
		}
		return k
	}
	o := newOrganisation(Registration{Issuer: issuer, ClientID: clientID, ClientSecret: secretOf(clientID), Redirect: redirect}, now, key(), key())
	o.speaks = byOIDC{o, map[string]given{}}
	return o
}

func (o byOIDC) key(who string) string { return "sub-" + who }

func (o byOIDC) connect(c *federation.Connection, sealer *keys.Sealer, _, formPost bool) error {
	c.Kind, c.Key = federation.OIDC, federation.KeyRule{By: federation.BySubject}
	c.OIDC = federation.OIDCSettings{Issuer: o.Issuer, ClientID: o.ClientID, FormPost: formPost}
	c.Secret = sealer.Seal([]byte(o.ClientSecret), c.Binding("secret"))
	return nil
}

func (o byOIDC) people(w http.ResponseWriter, r *http.Request) bool {
	if r.URL.Path != "/authorize" {
		return false
	}
	o.authorize(w, r)
	return true
}

func (o byOIDC) servers(w http.ResponseWriter, r *http.Request) bool {
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		about := map[string]any{
			"issuer": o.Issuer, "authorization_endpoint": o.Issuer + "/authorize", "token_endpoint": o.Issuer + "/token",
			"jwks_uri": o.Issuer + "/keys", "authorization_response_iss_parameter_supported": true,
		}
		if o.Swollen {
			about["policy"] = strings.Repeat("a", swollen)
		}
		say(w, http.StatusOK, about)
	case "/keys":
		say(w, http.StatusOK, o.published())
	case "/token":
		o.token(w, r)
	default:
		return false
	}
	return true
}

// swollen is how much a swollen organisation says too much, in bytes.
const swollen = 10 << 20

// published are its keys; the new one has another name.
func (o byOIDC) published() (set jose.JSONWebKeySet) {
	set.Keys = []jose.JSONWebKey{{Key: o.own.Public(), KeyID: "one", Algorithm: "ES256", Use: "sig"}}
	if o.Rolled {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: o.strange.Public(), KeyID: "two", Algorithm: "ES256", Use: "sig"})
	}
	return set
}

func say(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // to memory
}

// authorize is the authorization endpoint.
func (o byOIDC) authorize(w http.ResponseWriter, r *http.Request) {
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
	switch in, do := o.desk(w, r, "/authorize?"+r.URL.RawQuery, asked.Get("prompt") == "login"); do {
	case shownPage:
	case signedIn:
		o.answer(w, r, url.Values{"code": {o.code(in, asked)}})
	default:
		o.answer(w, r, url.Values{"error": {do}, "error_description": {asked.Get("why")}})
	}
}

func (o byOIDC) code(of presence, asked url.Values) string {
	code := secret.Token()
	o.codes[string(secret.Hash(code))] = given{of, asked}
	return code
}

// answer sends the browser back with an authorization response.
func (o byOIDC) answer(w http.ResponseWriter, r *http.Request, values url.Values) {
	values.Set("state", r.Form.Get("state"))
	values.Set("iss", o.Issuer)
	if r.Form.Get("response_mode") != "form_post" {
		http.Redirect(w, r, o.Redirect+"?"+values.Encode(), http.StatusSeeOther)
		return
	}
	carried(w, o.Redirect, values)
}

// token exchanges a code, once.
func (o byOIDC) token(w http.ResponseWriter, r *http.Request) {
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

func (o byOIDC) idToken(of given) (string, error) {
	now := o.clock()
	claims := map[string]any{
		"iss": o.Issuer, "sub": o.key(of.who), "aud": o.ClientID, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		"nonce": of.asked.Get("nonce"), "sid": of.sid, "auth_time": of.at.Unix(), "email": of.who + "@lindehof.test", "email_verified": true,
		"given_name": "Jan", "family_name": "de Boer",
	}
	maps.Copy(claims, o.People[of.who])
	for name, value := range claims {
		if value == nil {
			delete(claims, name)
		}
	}
	return o.sign(claims, "JWT")
}

// SignOut forgets who signed in in the browser with a cookie, and tells that this session is over, or all of the person's.
func (o *Organisation) SignOut(cookie string, all bool, tell func(logoutToken string) error) error {
	speaks, ok := o.speaks.(byOIDC)
	if !ok {
		return errors.New("it speaks no OpenID Connect")
	}
	o.mu.Lock()
	in, ok := o.leave(cookie)
	o.mu.Unlock()
	if !ok {
		return errors.New("nobody signed in there")
	}
	token, err := speaks.logoutToken(in, all)
	if err != nil {
		return err
	}
	return tell(token)
}

// logoutToken says that what somebody signed in there is over: a session, or all of the person's (OpenID Connect
// Back-Channel Logout 1.0 section 2.4).
func (o byOIDC) logoutToken(of presence, all bool) (string, error) {
	now := o.clock()
	claims := map[string]any{
		"iss": o.Issuer, "aud": o.ClientID, "iat": now.Unix(), "exp": now.Add(2 * time.Minute).Unix(), "jti": secret.ID(),
		"sub": o.key(of.who), "events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
	}
	if !all {
		claims["sid"] = of.sid
	}
	return o.sign(claims, "logout+jwt")
}

func (o byOIDC) sign(claims map[string]any, kind jose.ContentType) (string, error) {
	name := "one"
	if o.Rolled {
		name = "two"
	}
	key := jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: o.signer(), KeyID: name}}
	signer, err := jose.NewSigner(key, (&jose.SignerOptions{}).WithType(kind))
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
