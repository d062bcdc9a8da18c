package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"github.com/go-jose/go-jose/v4"
)

// Config is what we read of the configuration file of the official suite; other keys of it are ignored.
type Config struct {
	Alias  string `json:"alias"`
	Server struct {
		DiscoveryURL string `json:"discoveryUrl"`
		LoginHint    string `json:"login_hint"` // an account that exists
	} `json:"server"`
	Client     Client `json:"client"` // proves itself in the header, as client2 does; with jwks: by an assertion
	Client2    Client `json:"client2"`
	ClientPost Client `json:"client_secret_post"` // proves itself in the body
	Resource   struct {
		URL string `json:"resourceUrl"` // asked with access tokens of FAPI 2.0; none: userinfo
	} `json:"resource"`
	Browser  []Visit             `json:"browser"`
	Override map[string]Override `json:"override"` // by module
}

// Client is a party that was registered beforehand.
type Client struct {
	ID       string             `json:"client_id"`
	Secret   string             `json:"client_secret"`
	Scope    string             `json:"scope"`            // of FAPI 2.0
	JWKS     jose.JSONWebKeySet `json:"jwks"`             // private; the first signs
	ProofAlg string             `json:"dpop_signing_alg"` // none: ES256
	post     bool               // how it proves itself
}

// Override replaces the browser commands for one module.
type Override struct {
	Browser []Visit `json:"browser"`
}

// Visit says what to do on the pages behind an address. Of all visits the first that matches the address counts.
type Visit struct {
	Match string `json:"match"`       // * stands for anything
	Limit int    `json:"match-limit"` // how often it counts; none: always
	Tasks []Task `json:"tasks"`
}

// Task is what is done on one page.
type Task struct {
	Name     string  `json:"task"`
	Match    string  `json:"match"` // the address of the page; none: any
	Optional bool    `json:"optional"`
	Commands [][]any `json:"commands"` // of a verb, a kind of selector, a selector, and what the verb needs
}

// Load reads a configuration file.
func Load(path string) (Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Config{}, fmt.Errorf("reading configuration: %w", err)
	}
	return Parse(text)
}

// Parse reads the text of a configuration file.
func Parse(text []byte) (Config, error) {
	var c Config
	if err := json.NewDecoder(bytes.NewReader(text)).Decode(&c); err != nil {
		return Config{}, fmt.Errorf("reading configuration: %w", err)
	}
	required := map[string]string{
		"alias": c.Alias, "server.discoveryUrl": c.Server.DiscoveryURL, "client.client_id": c.Client.ID, "client2.client_id": c.Client2.ID,
	}
	if len(c.Client.JWKS.Keys) == 0 {
		required["client_secret_post.client_id"] = c.ClientPost.ID
	}
	for name, value := range required {
		if value == "" {
			return Config{}, fmt.Errorf("reading configuration: %s is missing", name)
		}
	}
	c.ClientPost.post = true
	return c, nil
}

// visits are the browser commands of a module.
func (c Config) visits(module string) []Visit {
	if o, ok := c.Override[module]; ok && o.Browser != nil {
		return o.Browser
	}
	return c.Browser
}
