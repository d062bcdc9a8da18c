package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
)

// party is an OAuth client of a provider that is measured.
type party struct {
	ID     string `json:"client_id"`
	Secret string `json:"secret"` // sent in the Authorization header
	Scopes string `json:"scopes"`

	signs  *signer // proves the party (private_key_jwt); nil: its secret does
	proves *signer // its tokens are bound to this key (DPoP); nil: they are bearer tokens
	pushes bool    // its authorization requests (PAR)
	keeps  bool    // its refresh tokens do not rotate
}

// provider is one server to drive. A file with this as JSON describes another one (bench run -with), with how it is started
// or as one that runs already.
type provider struct {
	launch
	Name     string           `json:"name"`
	Note     string           `json:"note"` // version, algorithm, form of tokens, where it keeps them; for readers
	Issuer   string           `json:"issuer"`
	Parties  map[string]party `json:"parties"` // by the role that a scenario names; a scenario without its role is left out
	Redirect string           `json:"redirect_uri"`
	Login    loginForm        `json:"login"`
	PID      int              `json:"pid"`          // what it has started counts too
	Database int              `json:"database_pid"` // of the postmaster; 0: the server has none, or has it in its own process

	Without map[string]string `json:"without"` // scenarios that it cannot do, or not so that they compare, with why

	endpoints struct {
		Issuer     string `json:"issuer"`
		Authorize  string `json:"authorization_endpoint"`
		Token      string `json:"token_endpoint"`
		JWKS       string `json:"jwks_uri"`
		UserInfo   string `json:"userinfo_endpoint"`
		Introspect string `json:"introspection_endpoint"`
		Push       string `json:"pushed_authorization_request_endpoint"`
	}
	addresses
}

// addresses are its endpoints.
type addresses struct {
	discovery, jwks, authorize, token, userinfo, introspect, pushed *url.URL
}

// loginForm says how the login page is filled in.
type loginForm struct {
	NameField     string `json:"name_field"`
	PasswordField string `json:"password_field"`
	Name          string `json:"name"` // {n} runs over 1..people
	Password      string `json:"password"`
	People        int64  `json:"people"`
}

// discover reads the metadata once; everything else goes to the endpoints it names.
func (p *provider) discover() (err error) {
	if p.discovery, err = url.Parse(strings.TrimSuffix(p.Issuer, "/") + "/.well-known/openid-configuration"); err != nil {
		return err
	}
	c := newBrowser()
	defer c.close()
	r, err := c.do("GET", p.discovery, "", nil)
	if err != nil {
		return err
	}
	if r.status != 200 {
		return fmt.Errorf("discovery of %s: status %d", p.Issuer, r.status)
	}
	if err := json.Unmarshal(r.body, &p.endpoints); err != nil {
		return fmt.Errorf("discovery of %s: %w", p.Issuer, err)
	}
	for to, from := range map[**url.URL]string{
		&p.jwks: p.endpoints.JWKS, &p.authorize: p.endpoints.Authorize, &p.token: p.endpoints.Token,
		&p.userinfo: p.endpoints.UserInfo, &p.introspect: p.endpoints.Introspect, &p.pushed: p.endpoints.Push,
	} {
		if *to, err = url.Parse(from); err != nil {
			return err
		}
	}
	return nil
}
