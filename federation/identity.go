package federation

import (
	"slices"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/platform"
)

// Identity is an answer as a connection judges it.
type Identity struct {
	Connection ID              `json:"connection"`
	Key        string          `json:"key"` // see External
	Email      account.Email   `json:"email,omitzero"`
	Trusted    bool            `json:"trusted,omitempty"` // the address is the organisation's, and the upstream verified it
	Backed     bool            `json:"backed,omitempty"`  // somebody stands for the address: the upstream verified it, or it is of a domain of the connection
	Profile    account.Profile `json:"profile,omitzero"`
	Roles      []string        `json:"roles,omitempty"`
	RolesLeft  bool            `json:"roles_left,omitempty"` // there are more than the upstream sends: they change nothing
	Proof      authn.Proof     `json:"proof"`
	AskedTwo   bool            `json:"asked_two,omitempty"` // two factors were asked of the upstream (UpstreamRequest.TwoFactors)
}

// Label is how the account elsewhere is called in settings and mails.
func (i Identity) Label() string {
	if i.Email.Address != "" {
		return i.Email.Address
	}
	return i.named()
}

// named is the name of somebody without an address. Whoever has no name either is called by the end of the key, which
// tells two accounts apart and says little.
func (i Identity) named() string {
	if name := i.Profile.Name(); name != "" {
		return name
	}
	key := []rune(i.Key)
	return "…" + string(key[max(0, len(key)-6):])
}

// Masked is Label for a mail, which others may read.
func (i Identity) Masked() string {
	if i.Email.Address != "" {
		return i.Email.Masked()
	}
	return i.named()
}

// Evaluate is what an answer counts for here. A Refusal: it counts for nothing.
func (c *Connection) Evaluate(a Answer, now time.Time) (Identity, error) {
	key, err := c.Key.Of(a)
	if err != nil {
		return Identity{}, err
	}
	if err := c.Baseline.holds(c, a, now); err != nil {
		return Identity{}, err
	}
	kinds, amr := c.Contract.Level(a, now)
	i := Identity{Connection: c.ID, Key: key, Profile: c.Mapping.profile(a)}
	var claim string
	i.Email, claim = c.Mapping.email(a)
	inside, proven := c.Has(i.Email)
	verified := c.verified(a, claim)
	i.Trusted, i.Backed = proven && verified, inside || verified
	i.Roles, i.RolesLeft = c.Mapping.roles(a)
	i.Proof = authn.Proof{
		Method: Method, Use: account.Primary, Kinds: kinds, AMR: amr, At: a.AuthTime, Issuer: a.Issuer,
		Upstream: &authn.OnUpstream{Connection: string(c.ID), Subject: a.Subject, Session: a.Session, Bounces: c.Idle == IdleBounce, Told: now},
	}
	if kinds.Two() && c.Contract.MaxAge > 0 {
		i.Proof.Upstream.TwoUntil, i.Proof.Upstream.OneAMR = a.AuthTime.Add(c.Contract.MaxAge), c.Contract.one(a)
	}
	return i, nil
}

// EvaluateTest is what the answer of a test sign-in counts for, whatever the baseline says: it may become the next one.
// A test asks for a new sign-in. An answer that is none (old, see UpstreamRequest.Stale) is refused as it would be in
// front of people after an idle hour; where the organisation need only know the person still (IdleBounce), sign-ins go
// on with such answers.
func (c *Connection) EvaluateTest(a Answer, old bool, now time.Time) (Identity, error) {
	free := *c
	free.Baseline = nil
	i, err := free.Evaluate(a, now)
	if err == nil && old && c.Idle != IdleBounce {
		return Identity{}, RefuseOld(a)
	}
	return i, err
}

// loginNames are claims that name a login and often look like an address, which nobody says is the person's.
var loginNames = []string{"preferred_username", "upn", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"}

// verified reports whether the upstream says that the address is the person's: `email_verified` is JSON true (a text or
// a number is not), or Entra's `xms_edov` says that the domain is the tenant's. Both speak of the claim `email` and of
// no other. SAML has no such claim: who signs for a domain that is proven to be theirs says it by that, but not of a
// login name, and not through a hub that signs for many.
func (c *Connection) verified(a Answer, claim string) bool {
	if c.Kind == SAML {
		return !slices.Contains(loginNames, claim) && len(c.SAML.Scoping) == 0
	}
	if claim != "email" {
		return false
	}
	verified, _ := a.Claims["email_verified"].(bool)
	owned, _ := a.Claims["xms_edov"].(bool)
	return verified || owned
}

// Untrusted is why the address in an answer links no account, in words for who looks after the connection; empty: it
// may (Identity.Trusted).
func (c *Connection) Untrusted(a Answer) string {
	email, claim := c.Mapping.email(a)
	inside, proven := c.Has(email)
	switch domain := domainOf(email); {
	case claim == "":
		return "there is none in the answer"
	case !inside:
		return domain + " is none of the connection's domains"
	case !proven:
		return "domain " + domain + " is not proven"
	case c.verified(a, claim):
		return ""
	case c.Kind == SAML && len(c.SAML.Scoping) > 0:
		return "a hub signs for many organisations"
	case c.Kind == SAML:
		return claim + " is a login name"
	case claim != "email":
		return "it is in " + claim + ", and only email can be verified"
	}
	return "neither email_verified nor xms_edov is JSON true"
}

// RoleOf is the role that the connection gives to somebody; ok: it gives one. Roles that were left out give none.
func (c *Connection) RoleOf(i Identity) (role platform.Role, ok bool) {
	if i.RolesLeft {
		return "", false
	}
	for _, row := range c.Access.Table {
		for _, value := range i.Roles {
			if value == row.Value {
				return row.Role, true
			}
		}
	}
	return "", false
}

// Decision is what happens with somebody who came by a connection.
type Decision string

const (
	SignsIn Decision = "signs_in" // the account is linked
	Links   Decision = "links"    // the address is proof enough: the account is linked now
	Asks    Decision = "asks"     // there may be an account: the person proves it, or is new
	Creates Decision = "creates"  // an account is made
)

// Who says what happens with somebody: linked is the account that is linked to the key, byAddress the one with the
// address; nil: there is none. A Refusal: nothing does. What the platform decided of an account counts before what the
// upstream says, and an address alone never leads to an account that helps others. Nor does it make a link again that
// was removed here: whoever gets Links asks for that, and calls this again with an Identity that is not Trusted.
func (c *Connection) Who(i Identity, linked, byAddress *account.Account) (Decision, error) {
	switch {
	case c.Disabled:
		return "", refuse(Closed, "the connection is disabled")
	case linked != nil && linked.State == account.Deactivated:
		return "", refuse(Inactive, "account %s is deactivated", linked.ID)
	case linked != nil && !c.For(linked.Role):
		return "", refuse(OtherRole, "account %s is a %s", linked.ID, linked.Role)
	}
	if _, ok := c.RoleOf(i); !ok && c.Access.Strict && (!i.RolesLeft || linked == nil) {
		return "", refuse(NoRole, "none of the roles %q is in the table", i.Roles)
	}
	if linked != nil {
		return SignsIn, nil
	}
	if inside, _ := c.Has(i.Email); len(c.Domains) > 0 && i.Email.Key != "" && !inside {
		return "", refuse(ForeignDomain, "address of domain %q", domainOf(i.Email))
	}
	if byAddress != nil && byAddress.State != account.Deactivated && c.For(byAddress.Role) {
		helps := byAddress.Role == platform.Helpdesk || byAddress.Role == platform.Manager
		if i.Trusted && !helps && c.Admits(byAddress) && byAddress.MarkedAt.IsZero() && owned(byAddress) {
			return Links, nil
		}
		return Asks, nil
	}
	if _, err := c.MayCreate(i); err == nil && byAddress == nil {
		return Creates, nil
	}
	return Asks, nil // the person may have an account under another address
}

// Admits reports whether an account that is not linked may be, once whose it is was shown: somebody who was only
// invited comes in by the connection where that is for such people.
func (c *Connection) Admits(a *account.Account) bool {
	return a.State == account.Active || a.State == account.Invited && c.Access.JIT != JITOff
}

// owned reports whether an account is of who has its address: its owner showed that, or was invited there and nobody
// was in since. One that another sign-in made under an address that nobody verified may be anybody's.
func owned(a *account.Account) bool {
	for _, l := range a.Credentials {
		if l.External != "" && l.Usable() {
			return false
		}
	}
	return a.State == account.Invited || !a.EmailVerifiedAt.IsZero()
}

// MayCreate is the role with which an account is made for somebody who says to be new. A Refusal: none is. An address
// for which nobody stands makes none: the account would have it, and whoever it belongs to would have to ask for it
// back (docs/decisions/0039-who-stands-for-an-address.md).
func (c *Connection) MayCreate(i Identity) (platform.Role, error) {
	role, ok := c.RoleOf(i)
	if !ok {
		role = c.Access.Role
	}
	switch {
	case c.Access.JIT != JITCreate:
		return "", refuse(NoAccount, "the connection makes no accounts")
	case i.Email.Key == "":
		return "", refuse(NoAccount, "no account is made without an address")
	case i.RolesLeft && (c.Access.Strict || len(c.Access.Table) > 0):
		return "", refuse(NoAccount, "the upstream left roles out, and roles decide")
	case role == "":
		return "", refuse(NoAccount, "none of the roles %q is in the table, and there is no other", i.Roles)
	case !i.Backed:
		return "", refuse(Unverified, "nothing says that the address is verified (email_verified, xms_edov), and domain %q is none of the connection's",
			domainOf(i.Email))
	}
	return role, nil
}

// SaysWhy reports whether somebody who says to be new is told why no account is made: it is for the organisation to
// mend.
func (c *Connection) SaysWhy(i Identity) bool {
	_, err := c.MayCreate(i)
	return err == nil || ReasonOf(err) == Unverified
}

// RoleChange is the role that an account gets at a sign-in; ok: another one than it has. Who helps others, or would,
// keeps the role unless the connection manages it.
func (c *Connection) RoleChange(i Identity, a *account.Account) (to platform.Role, ok bool) {
	to, ok = c.RoleOf(i)
	if !ok || to == a.Role || c.managed(a.Role) || c.managed(to) {
		return "", false
	}
	return to, true
}

// managed reports whether a role is one that helps others, and not this connection's to give or take.
func (c *Connection) managed(r platform.Role) bool {
	if r != platform.Helpdesk && r != platform.Manager {
		return false
	}
	for _, own := range c.Access.Manages {
		if own == r {
			return false
		}
	}
	return true
}
