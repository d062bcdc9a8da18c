package demo

import (
	_ "embed"
	"slices"
	"strings"
	"time"

	"github.com/minddistrict/idp/internal/setup"
	"github.com/minddistrict/idp/platform"
)

//go:embed house.yaml
var house string

// ownScopes are what the platform of an organisation asks for.
var ownScopes = []string{"openid", "profile", "email", "offline_access"}

// othersColour is that of sites which are nobody's platform.
const othersColour = "#8a4b12"

// may says what accounts of a role can do here today.
var may = map[platform.Role]string{
	platform.Client:       "logs in, and has settings of their own",
	platform.Relative:     "logs in, and has settings of their own",
	platform.Professional: "a therapist: logs in, and helps a client who lost the phone, from the page of that client",
	platform.Helpdesk:     "finds, invites and helps clients, relatives and professionals",
	platform.Manager:      "helps the helpdesk too, gives another e-mail address, and reads the record",
}

// House is the set-up of `idp dev`, moved to the origins that it really listens on, and the site in front of it.
func House(idpOrigin, siteOrigin string, now func() time.Time) (*setup.File, *Site, error) {
	moved := strings.NewReplacer("http://localhost:8080", idpOrigin, "http://localhost:8081", siteOrigin).Replace(house)
	f, _, err := setup.Parse([]byte(moved))
	if err != nil {
		return nil, nil, err
	}
	var platforms, others []Platform
	var accounts []Account
	for _, p := range f.Platforms {
		for _, party := range p.Parties {
			site, ok := siteOf(p, party, siteOrigin)
			switch {
			case !ok: // an app
			case site.Others:
				others = append(others, site)
			default:
				platforms = append(platforms, site)
			}
		}
		for _, a := range p.Accounts {
			pages := ""
			if role := platform.Role(a.Role); role == platform.Helpdesk || role == platform.Manager {
				pages = p.Issuer + "/staff"
			}
			accounts = append(accounts, Account{
				Email: a.Email, Password: a.Password, Role: a.Role, Platform: p.Organisation, On: p.Name, Name: nameOf(a.Name),
				May: may[platform.Role(a.Role)], Pages: pages, At: platforms[len(platforms)-1].Name, TOTPSecret: a.TOTPSecret, Phone: a.CodePhone, RecoveryCodes: a.RecoveryCodes,
			})
		}
	}
	return f, New(siteOrigin, append(platforms, others...), accounts, now), nil
}

// siteOf is the site of a party that has one here. Its name is the first element of its path.
func siteOf(p setup.Platform, party setup.Party, origin string) (Platform, bool) {
	if len(party.Redirects) == 0 {
		return Platform{}, false
	}
	path, here := strings.CutPrefix(party.Redirects[0], origin+"/")
	name, _, _ := strings.Cut(path, "/")
	site := Platform{
		Name: name, Title: p.Organisation, Issuer: p.Issuer, ClientID: party.ClientID, Secret: party.Secret,
		Organisation: p.Organisation, Colour: p.Colour, Others: party.ThirdParty, Scopes: ownScopes,
		Refers: slices.Contains(party.Scopes, referScope), On: p.Name,
	}
	if party.ThirdParty {
		site.Title, site.Colour, site.Scopes = party.Name, othersColour, party.Scopes
	} else {
		site.App = appOf(p)
	}
	return site, here
}

// appOf is the mobile app of a platform; empty: it has none.
func appOf(p setup.Platform) string {
	for _, party := range p.Parties {
		if party.MobileApp {
			return party.ClientID
		}
	}
	return ""
}

func nameOf(n setup.Name) string {
	return strings.Join(strings.Fields(n.Given+" "+n.Middle+" "+n.Family), " ")
}
