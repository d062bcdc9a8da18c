package federated

import (
	"slices"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/platform"
)

// HomeRealm is the connection of the domain of an address. Nobody is looked up: an address that nobody has leads there
// too.
func (s step) HomeRealm(v *login.Visit, email account.Email) string {
	for _, c := range s.open(v.Platform.ID) {
		if inside, _ := c.Has(email); inside {
			return string(c.ID)
		}
	}
	return ""
}

// PasswordHeldBy is the connection of the proven domain of an address; of the zero address the only one of the
// platform.
func (s step) PasswordHeldBy(p platform.ID, email account.Email) map[string]string {
	all := s.open(p)
	for _, c := range all {
		if _, proven := c.Has(email); proven || email.Key == "" && len(all) == 1 {
			return c.Names
		}
	}
	return nil
}

// RequestedRealm is the connection where whoever asks wants the person to sign in.
func (s step) RequestedRealm(v *login.Visit) string {
	if c := s.asked(v, s.choices(v)); c != nil && v.Requirement.Need == authn.NeedPrimary {
		return string(c.ID)
	}
	return ""
}

// asked is the one among connections that is named, or whose domain is, or which is that of the address that is hinted
// at, in this order; nil: none is. Somebody who is known needs no hint.
func (s step) asked(v *login.Visit, all []*federation.Connection) *federation.Connection {
	for _, fits := range []func(*federation.Connection) bool{
		func(c *federation.Connection) bool { return string(c.ID) == v.Journey.Ask.IDPHint },
		func(c *federation.Connection) bool { return ofDomain(c, v.Journey.Ask.DomainHint) },
		func(c *federation.Connection) bool { return v.Facts.Account == nil && hinted(v, c) },
	} {
		if i := slices.IndexFunc(all, fits); i >= 0 {
			return all[i]
		}
	}
	return nil
}

// names reports whether a request, or what was typed, names a connection that has no button.
func names(v *login.Visit, c *federation.Connection) bool {
	return string(c.ID) == v.Journey.Ask.IDPHint || ofDomain(c, v.Journey.Ask.DomainHint) || hinted(v, c)
}

func hinted(v *login.Visit, c *federation.Connection) bool {
	email, err := account.ParseEmail(v.Journey.Hint)
	inside, _ := c.Has(email)
	return err == nil && inside
}

func ofDomain(c *federation.Connection, domain string) bool {
	inside, _ := c.Has(account.Email{Key: "@" + domain})
	return inside
}
