package idptest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/minddistrict/idp/internal/phone"
	"github.com/minddistrict/idp/internal/secret"
)

// Party is a relying platform on coreos/go-oidc and x/oauth2: it sends people to us, and checks and keeps what comes
// back. Its pages are one line each.
type Party struct {
	Host   string
	Issuer string
	config oauth2.Config
	server *Server

	mu      sync.Mutex
	pending map[string]pending // by state
	Last    Arrival
	told    []map[string]any // claims of verified logout tokens, those that were not looked at yet
	before  string           // refresh token that was used last

	Phones
}

type pending struct{ verifier, nonce string }

// Arrival is how somebody came back.
type Arrival struct {
	Error  string // the `error` parameter
	Token  *oauth2.Token
	Claims map[string]any // of the verified ID token
	Params url.Values
}

// NewParty serves a relying platform at https://host/ in front of an issuer. Without a secret it is a public party.
func NewParty(s *Server, host, issuer, clientID, clientSecret string) *Party {
	p := &Party{Host: host, Issuer: issuer, server: s, pending: map[string]pending{}, Phones: Phones{phones: map[http.CookieJar]*Phone{}, signIns: map[string]*phone.SignIn{}}}
	p.config = oauth2.Config{
		ClientID: clientID, ClientSecret: clientSecret, RedirectURL: "https://" + host + "/callback",
		Scopes:   []string{"openid", "profile", "email", "offline_access"},
		Endpoint: oauth2.Endpoint{AuthURL: issuer + "/authorize", TokenURL: issuer + "/token", AuthStyle: oauth2.AuthStyleInHeader},
	}
	if clientSecret == "" {
		p.config.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	s.Site(host, p)
	return p
}

// NewTool is NewParty for a program on the person's own computer, a public party that listens on a port of it.
func NewTool(s *Server, address, issuer, clientID string) *Party {
	p := NewParty(s, address, issuer, clientID, "")
	p.config.RedirectURL = "http://" + address + "/callback"
	return p
}

// context makes the libraries use the server in process.
func (p *Party) context(ctx context.Context) context.Context {
	return oidc.ClientContext(ctx, &http.Client{Transport: p.server})
}

// Start is the address that a person opens to sign in; extra parameters go into the request.
func (p *Party) Start(extra url.Values) string {
	return "https://" + p.Host + "/login?" + extra.Encode()
}

func (p *Party) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/login":
		p.login(w, r)
	case "/callback":
		p.callback(w, r)
	case "/logged-out":
		p.loggedOut(w, r)
	default:
		fmt.Fprintf(w, "<!doctype html><title>%s</title><h1>%s</h1>", p.Host, r.URL.Path)
	}
}

func (p *Party) login(w http.ResponseWriter, r *http.Request) {
	if p.Phone != nil {
		address, err := p.signIn(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		http.Redirect(w, r, address, http.StatusFound)
		return
	}
	state, next := secret.Token(), pending{oauth2.GenerateVerifier(), secret.Token()}
	p.mu.Lock()
	p.pending[state] = next
	p.mu.Unlock()
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(next.verifier), oidc.Nonce(next.nonce)}
	for name, values := range r.URL.Query() {
		options = append(options, oauth2.SetAuthURLParam(name, values[0]))
	}
	http.Redirect(w, r, p.config.AuthCodeURL(state, options...), http.StatusFound)
}

func (p *Party) callback(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	expected, known := p.pending[r.FormValue("state")]
	delete(p.pending, r.FormValue("state"))
	signIn := p.signIns[r.FormValue("state")]
	delete(p.signIns, r.FormValue("state"))
	p.mu.Unlock()
	arrival := Arrival{Error: r.FormValue("error"), Params: r.Form}
	switch {
	case signIn != nil:
		if err := p.enter(r.Context(), signIn, "https://"+p.Host+r.URL.RequestURI(), &arrival); err != nil {
			arrival.Error = codeOfPhone(err)
		}
	case !known:
		arrival.Error = "unknown state" // what a real platform says to a login finished twice
	case r.FormValue("iss") != p.Issuer:
		arrival.Error = "wrong iss"
	case arrival.Error == "":
		if err := p.redeem(r.Context(), r.FormValue("code"), expected, &arrival); err != nil {
			arrival.Error = err.Error()
		}
	}
	p.mu.Lock()
	p.Last = arrival
	p.mu.Unlock()
	fmt.Fprintf(w, "<!doctype html><title>%s</title><h1>back</h1><p>%s</p>", p.Host, arrival.Error)
}

// loggedOut takes a logout token and verifies it as OpenID Connect Back-Channel Logout 1.0 section 2.6 says.
func (p *Party) loggedOut(w http.ResponseWriter, r *http.Request) {
	ctx := p.context(r.Context())
	provider, err := oidc.NewProvider(ctx, p.Issuer)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	config := &oidc.Config{ClientID: p.config.ClientID, Now: p.server.Clock.Now}
	token, err := provider.VerifierContext(ctx, config).Verify(ctx, r.PostFormValue("logout_token"))
	var claims map[string]any
	if err == nil {
		err = token.Claims(&claims)
	}
	if events, _ := claims["events"].(map[string]any); err != nil || events["http://schemas.openid.net/event/backchannel-logout"] == nil || claims["nonce"] != nil {
		http.Error(w, fmt.Sprint("no logout token: ", err, claims), http.StatusBadRequest)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.told = append(p.told, claims)
}

// Told takes what the party was told since the last look.
func (p *Party) Told() (claims []map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	claims, p.told = p.told, nil
	return claims
}

// redeem exchanges the code and verifies the ID token as any party does: keys from discovery, issuer, audience, time,
// nonce, at_hash.
func (p *Party) redeem(ctx context.Context, code string, expected pending, arrival *Arrival) error {
	ctx = p.context(ctx)
	token, err := p.config.Exchange(ctx, code, oauth2.VerifierOption(expected.verifier))
	if err != nil {
		return err
	}
	arrival.Token = token
	return p.verify(ctx, token, expected.nonce, arrival)
}

func (p *Party) verify(ctx context.Context, token *oauth2.Token, nonce string, arrival *Arrival) error {
	provider, err := oidc.NewProvider(ctx, p.Issuer)
	if err != nil {
		return err
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := provider.Verifier(&oidc.Config{ClientID: p.config.ClientID, Now: p.server.Clock.Now, SupportedSigningAlgs: []string{"RS256", "ES256", "EdDSA", "PS256"}}).Verify(ctx, raw)
	if err != nil {
		return err
	}
	if id.Nonce != nonce {
		return fmt.Errorf("nonce %q, want %q", id.Nonce, nonce)
	}
	if err := id.VerifyAccessToken(token.AccessToken); err != nil {
		return err
	}
	arrival.Claims = map[string]any{}
	return id.Claims(&arrival.Claims)
}

// Refresh uses the refresh token of the last arrival; the new tokens take its place.
func (p *Party) Refresh() error {
	if p.Phone != nil {
		tokens, err := p.Phone.Refresh(context.Background())
		if err == nil {
			p.Last.take(tokens)
		}
		return err
	}
	p.before = p.Last.Token.RefreshToken
	res, err := p.post("/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {p.Last.Token.RefreshToken}})
	if err != nil {
		return err
	}
	var body struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
		ID      string `json:"id_token"`
	}
	if err := json.Unmarshal(res, &body); err != nil {
		return err
	}
	p.Last.Token = (&oauth2.Token{AccessToken: body.Access, RefreshToken: body.Refresh}).WithExtra(map[string]any{"id_token": body.ID})
	if body.ID == "" {
		return nil
	}
	// It has no nonce (OpenID Connect Core 1.0 section 12.2).
	return p.verify(p.context(context.Background()), p.Last.Token, "", &p.Last)
}

// Revoke gives the refresh token of the last arrival back.
func (p *Party) Revoke() error {
	if p.Phone != nil {
		return p.Phone.LogOut(context.Background())
	}
	_, err := p.post("/revoke", url.Values{"token": {p.Last.Token.RefreshToken}})
	return err
}

func (p *Party) post(path string, form url.Values) ([]byte, error) {
	if p.config.ClientSecret == "" {
		form.Set("client_id", p.config.ClientID)
	}
	req, err := http.NewRequest(http.MethodPost, p.Issuer+path, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if p.config.ClientSecret != "" {
		req.SetBasicAuth(url.QueryEscape(p.config.ClientID), url.QueryEscape(p.config.ClientSecret))
	}
	return p.do(req)
}

// UserInfo asks who the last arrival is.
func (p *Party) UserInfo() (map[string]any, error) {
	if p.Phone != nil {
		return p.Phone.UserInfo(context.Background())
	}
	req, err := http.NewRequest(http.MethodGet, p.Issuer+"/userinfo", nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+p.Last.Token.AccessToken)
	body, err := p.do(req)
	if err != nil {
		return nil, err
	}
	var claims map[string]any
	return claims, json.Unmarshal(body, &claims)
}

// do sends a request and makes a refusal an error that starts with its code.
func (p *Party) do(req *http.Request) ([]byte, error) {
	res, err := p.server.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }() // in memory
	var body json.RawMessage
	_ = json.NewDecoder(res.Body).Decode(&body) // revocation answers with nothing
	if res.StatusCode != http.StatusOK {
		var e struct {
			Error string `json:"error"`
		}
		_ = json.Unmarshal(body, &e) // an empty code shows in the error
		return nil, fmt.Errorf("%s (%d)", e.Error, res.StatusCode)
	}
	return body, nil
}

// LogoutURL is where the relying platform sends somebody who signs out.
func (p *Party) LogoutURL(hint bool) string {
	q := url.Values{"post_logout_redirect_uri": {"https://" + p.Host + "/bye"}, "state": {"s1"}}
	if hint {
		raw, _ := p.Last.Token.Extra("id_token").(string)
		q.Set("id_token_hint", raw)
	} else {
		q.Set("client_id", p.config.ClientID)
	}
	return p.Issuer + "/logout?" + q.Encode()
}
