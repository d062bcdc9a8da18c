package idptest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Demo is a platform of a test, in the terms of a setup file (docs/setup-file.md). The zero value is linde: the platform
// of GGZ De Linde at HostIssuer, without parties and accounts. Each text is what YAML has between two braces:
//
//	s.Declare(idptest.Demo{
//		Policy:   "second_factor: { client: required }, code_methods: [totp]",
//		Parties:  []string{"client_id: web"},
//		Accounts: []string{"email: anna@example.org", "email: cees@example.org, role: manager"},
//	})
type Demo struct {
	Name   string // linde unless it is said
	Issuer string // that of linde at a host of its own, of another platform at a path of id.test
	More   string // further keys: "locale: en, privacy_url: https://linde.test/privacy"
	Policy string
	// Parties are relying parties, each with its client_id first. One that proves itself by a secret and says none has
	// PartySecret; one that says no redirect_uris has RedirectURI and that of Party.
	Parties []string
	// Accounts are people who have Password, unless a password or its hash is said.
	Accounts []string
	// Invited are people who never signed in, so without a password.
	Invited []string
}

// organisations of the demo platforms, by name.
var organisations = map[string]string{"linde": "GGZ De Linde", "wilg": "Praktijk De Wilg"}

// File is the platform as a setup file.
func (d Demo) File() string { return "platforms:\n" + d.item() }

// Declare is Apply for platforms of the demo.
func (s *Server) Declare(all ...Demo) {
	s.t.Helper()
	file := "platforms:\n"
	for _, d := range all {
		file += d.item()
	}
	s.Apply(file)
}

// Party serves one of the parties, at web.linde.test where its client_id is web, built on a client library.
func (d Demo) Party(s *Server, clientID string) *Party {
	secret := PartySecret
	for _, text := range d.Parties {
		if strings.HasPrefix(text, "client_id: "+clientID+",") && isPublic(text) {
			secret = ""
		}
	}
	return NewParty(s, clientID+"."+d.name()+".test", d.issuer(), clientID, secret)
}

func (d Demo) name() string { return cmp.Or(d.Name, "linde") }

func (d Demo) issuer() string {
	if d.Issuer == "" && d.name() == "linde" {
		return HostIssuer
	}
	return cmp.Or(d.Issuer, "https://id.test/p/"+d.name())
}

// item is the platform as one of a list.
func (d Demo) item() string {
	file := &strings.Builder{}
	fmt.Fprintf(file, "  - { name: %s, issuer: %q, organisation: %s, home_url: \"https://%s.test/home\"",
		d.name(), d.issuer(), cmp.Or(organisations[d.name()], d.name()), d.name())
	if d.More != "" {
		fmt.Fprintf(file, ", %s", d.More)
	}
	if d.Policy != "" {
		fmt.Fprintf(file, ", policy: { %s }", d.Policy)
	}
	var parties, accounts []string
	for _, text := range d.Parties {
		parties = append(parties, d.party(text))
	}
	for _, text := range d.Accounts {
		accounts = append(accounts, withPassword(text))
	}
	list(file, "parties", parties)
	list(file, "accounts", append(accounts, d.Invited...))
	file.WriteString(" }\n")
	return file.String()
}

// list writes a list of mappings, one on a line.
func list(file *strings.Builder, key string, items []string) {
	if len(items) > 0 {
		fmt.Fprintf(file, ", %s: [\n      { %s } ]", key, strings.Join(items, " },\n      { "))
	}
}

func withPassword(account string) string {
	if containsAny(account, "password:", "password_hash:") {
		return account
	}
	return fmt.Sprintf("%s, password: %q", account, Password)
}

// party is a party with the secret and the redirects that it has not said.
func (d Demo) party(text string) string {
	if !isPublic(text) && !containsAny(text, "secret:", "secret_file:", "auth: private_key_jwt") {
		text += ", secret: " + PartySecret
	}
	if !containsAny(text, " redirect_uris:", "type: service") {
		id, _, _ := strings.Cut(strings.TrimPrefix(text, "client_id: "), ",")
		text += fmt.Sprintf(", redirect_uris: [%q, %q]", RedirectURI, "https://"+id+"."+d.name()+".test/callback")
	}
	return text
}

// isPublic reports whether a party has nothing to prove itself by.
func isPublic(party string) bool {
	return containsAny(party, "type: spa", "type: native", "auth: none")
}

func containsAny(text string, words ...string) bool {
	return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(text, word) })
}
