package demo

import (
	_ "embed"
	"strings"

	"github.com/minddistrict/idp/internal/setup"
)

//go:embed house.yaml
var house string

// House is the set-up of `idp dev`, moved to the origins that it really listens on, and the site in front of it.
func House(idpOrigin, siteOrigin string) (*setup.File, *Site, error) {
	f, _, err := setup.Parse([]byte(strings.NewReplacer("http://localhost:8080", idpOrigin, "http://localhost:8081", siteOrigin).Replace(house)))
	if err != nil {
		return nil, nil, err
	}
	var platforms []Platform
	var accounts []Account
	for _, p := range f.Platforms {
		party := p.Parties[0]
		platforms = append(platforms, Platform{Name: p.Name, Title: p.Organisation, Issuer: p.Issuer, ClientID: party.ClientID, Secret: party.Secret})
		for _, a := range p.Accounts {
			accounts = append(accounts, Account{a.Email, a.Password, a.Role, p.Organisation, p.Name})
		}
	}
	return f, New(siteOrigin, platforms, accounts), nil
}
