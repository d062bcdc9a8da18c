package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/secret"
)

// maxHops bounds the pages and redirects of one flow.
const maxHops = 25

// tokens is what a worker keeps of a token response.
type tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	ID      string `json:"id_token"`
	Error   string `json:"error"`
}

// worker is one person at one browser, and the party they came from.
type worker struct {
	*provider
	party party
	*browser
	tokens  tokens        // of the last sign-in or refresh
	signing time.Duration // spent on it in this operation
}

// people hands out the numbers of accounts in turn.
var people atomic.Int64

var errLogin = errors.New("a login form was shown to somebody who is signed in")

// code runs one authorization code flow with PKCE. login says whether a login form is expected.
func (w *worker) code(login bool) error {
	verifier, state := secret.Token(), secret.ID()
	challenge, _ := grant.ChallengeOf(verifier) // a token is a well-formed verifier
	request := url.Values{
		"response_type": {"code"}, "client_id": {w.party.ID}, "redirect_uri": {w.Redirect}, "scope": {w.party.Scopes},
		"state": {state}, "nonce": {secret.ID()}, "code_challenge": {challenge}, "code_challenge_method": {"S256"},
	}
	if w.party.pushes {
		var err error
		if request, err = w.push(request); err != nil {
			return err
		}
	}
	start := *w.authorize
	start.RawQuery = request.Encode()
	back, err := w.browse(&start, login)
	if err != nil {
		return err
	}
	q := back.Query()
	if q.Get("state") != state || q.Get("code") == "" {
		return fmt.Errorf("authorize: no code at %s", back)
	}
	err = w.grant(url.Values{
		"grant_type": {"authorization_code"}, "code": {q.Get("code")}, "redirect_uri": {w.Redirect}, "code_verifier": {verifier},
	})
	if err == nil && w.tokens.ID == "" {
		err = errors.New("token: no id_token")
	}
	return err
}

// browse follows redirects and forms until the redirect URI is reached.
func (w *worker) browse(u *url.URL, login bool) (*url.URL, error) {
	n := strconv.FormatInt(people.Add(1)%w.Login.People+1, 10)
	method, values := "GET", url.Values(nil)
	for range maxHops {
		r, err := w.do(method, u, "", values)
		if err != nil {
			return nil, err
		}
		method, values = "GET", nil
		if to := r.header.Get("Location"); r.status >= 300 && r.status < 400 {
			if strings.HasPrefix(to, w.Redirect) {
				return url.Parse(to)
			}
			if u, err = u.Parse(to); err != nil {
				return nil, err
			}
			continue
		}
		if r.status != 200 {
			return nil, fmt.Errorf("%s: status %d: %s", u.Path, r.status, clip(r.body))
		}
		f := pick(parseForms(r.body), w.Login.PasswordField)
		if f == nil {
			return nil, fmt.Errorf("%s: a page without a form: %s", u.Path, clip(r.body))
		}
		if f.values.Has(w.Login.PasswordField) {
			if !login {
				return nil, errLogin
			}
			f.values.Set(w.Login.NameField, strings.ReplaceAll(w.Login.Name, "{n}", n))
			f.values.Set(w.Login.PasswordField, w.Login.Password)
		}
		if u, err = u.Parse(f.action); err != nil {
			return nil, err
		}
		if method, values = f.method, f.values; method == "GET" {
			u.RawQuery, values = f.values.Encode(), nil
		}
	}
	return nil, errors.New("too many pages")
}

// grant sends a token request and keeps what it gives.
func (w *worker) grant(form url.Values) error {
	r, err := w.send("POST", w.token, "", form)
	if err != nil {
		return err
	}
	var t tokens
	if err := json.Unmarshal(r.body, &t); err != nil || r.status != 200 || t.Access == "" {
		return fmt.Errorf("token: status %d: %s", r.status, clip(r.body))
	}
	w.tokens = t
	return nil
}

func clip(b []byte) string {
	return strings.Join(strings.Fields(string(b[:min(len(b), 300)])), " ")
}
