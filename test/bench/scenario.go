package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// scenario is one kind of operation. prepare runs once per worker, outside the measured time.
type scenario struct {
	name    string
	role    string // of the party that it needs; empty: none
	prepare func(*worker) error
	do      func(*worker) error
	again   bool // a failure spoils what prepare made: it is made anew

	beside string // the scenario that does the same without keys; empty: none
}

// Roles of parties, as provider.Parties names them.
const (
	roleCode          = "code"           // authorization code and rotating refresh tokens; ES256, opaque access tokens
	roleCodeRSA       = "code-rs256"     // the same with RS256
	roleMachineJWT    = "machine-jwt"    // client credentials, access tokens are JWTs signed with ES256
	roleMachineRSA    = "machine-rs256"  // the same with RS256
	roleMachineOpaque = "machine-opaque" // client credentials, opaque access tokens

	roleKey  = "key"  // as code, and proves itself with a key (private_key_jwt)
	roleDPoP = "dpop" // as code, and its access tokens are bound to a key
	roleFAPI = "fapi" // held to FAPI 2.0: both, and it pushes its requests; its refresh tokens do not rotate
)

var scenarios = []scenario{
	{name: "discovery", do: func(w *worker) error { return w.get(w.discovery, `"issuer"`) }},
	{name: "jwks", do: func(w *worker) error { return w.get(w.jwks, `"keys"`) }},
	{name: "machine_jwt", role: roleMachineJWT, do: (*worker).machine},
	{name: "machine_opaque", role: roleMachineOpaque, do: (*worker).machine},
	{name: "machine_rs256", role: roleMachineRSA, do: (*worker).machine},
	{name: "code_sso", role: roleCode, prepare: (*worker).signIn, do: func(w *worker) error { return w.code(false) }},
	{name: "code_sso_rs256", role: roleCodeRSA, prepare: (*worker).signIn, do: func(w *worker) error { return w.code(false) }},
	{name: "refresh", role: roleCode, prepare: (*worker).signIn, do: (*worker).refresh, again: true},
	{name: "userinfo", role: roleCode, prepare: (*worker).signIn, do: (*worker).userInfo},
	{name: "introspection", role: roleCode, prepare: (*worker).signIn, do: (*worker).introspection},
	{name: "code_sso_key", role: roleKey, prepare: (*worker).signIn, do: func(w *worker) error { return w.code(false) }, beside: "code_sso"},
	{name: "code_sso_dpop", role: roleDPoP, prepare: (*worker).signIn, do: func(w *worker) error { return w.code(false) }, beside: "code_sso"},
	{name: "code_sso_fapi", role: roleFAPI, prepare: (*worker).signIn, do: func(w *worker) error { return w.code(false) }, beside: "code_sso"},
	{name: "refresh_key", role: roleKey, prepare: (*worker).signIn, do: (*worker).refresh, again: true, beside: "refresh"},
	{name: "refresh_dpop", role: roleDPoP, prepare: (*worker).signIn, do: (*worker).refresh, again: true, beside: "refresh"},
	{name: "refresh_fapi", role: roleFAPI, prepare: (*worker).signIn, do: (*worker).refresh, again: true, beside: "refresh"},
	{name: "userinfo_dpop", role: roleDPoP, prepare: (*worker).signIn, do: (*worker).userInfo, beside: "userinfo"},
	{name: "userinfo_fapi", role: roleFAPI, prepare: (*worker).signIn, do: (*worker).userInfo, beside: "userinfo"},
	{name: "introspection_key", role: roleKey, prepare: (*worker).signIn, do: (*worker).introspection, beside: "introspection"},
	{name: "introspection_dpop", role: roleDPoP, prepare: (*worker).signIn, do: (*worker).introspection, beside: "introspection"},
	{name: "introspection_fapi", role: roleFAPI, prepare: (*worker).signIn, do: (*worker).introspection, beside: "introspection"},
	{name: "code_login", role: roleCode, do: func(w *worker) error {
		clear(w.cookies)
		return w.signIn()
	}},
}

func scenarioOf(name string) (scenario, error) {
	for _, s := range scenarios {
		if s.name == name {
			return s, nil
		}
	}
	return scenario{}, fmt.Errorf("no scenario %q", name)
}

func (w *worker) signIn() error { return w.code(true) }

func (w *worker) get(u *url.URL, want string) error {
	r, err := w.do("GET", u, "", nil)
	if err == nil && (r.status != 200 || !strings.Contains(string(r.body), want)) {
		err = fmt.Errorf("%s: status %d", u.Path, r.status)
	}
	return err
}

func (w *worker) machine() error {
	form := url.Values{"grant_type": {"client_credentials"}}
	if w.party.Scopes != "" {
		form.Set("scope", w.party.Scopes)
	}
	return w.grant(form)
}

func (w *worker) refresh() error {
	before := w.tokens.Refresh
	err := w.grant(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {before}})
	if err == nil && !w.party.keeps && w.tokens.Refresh == before {
		err = errors.New("refresh: not rotated")
	}
	return err
}

func (w *worker) userInfo() error {
	r, err := w.send("GET", w.userinfo, w.tokens.Access, nil)
	if err == nil && (r.status != 200 || !strings.Contains(string(r.body), `"sub"`)) {
		err = fmt.Errorf("userinfo: status %d: %s", r.status, clip(r.body))
	}
	return err
}

func (w *worker) introspection() error {
	r, err := w.send("POST", w.introspect, "", url.Values{"token": {w.tokens.Access}})
	if err != nil {
		return err
	}
	var answer struct{ Active bool }
	if err := json.Unmarshal(r.body, &answer); err != nil || r.status != 200 || !answer.Active {
		return fmt.Errorf("introspection: status %d: %s", r.status, clip(r.body))
	}
	return nil
}

// basic is the party's Authorization header (RFC 6749 section 2.3.1).
func (p party) basic() string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(p.ID)+":"+url.QueryEscape(p.Secret)))
}
