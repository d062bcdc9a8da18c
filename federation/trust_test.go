package federation

import (
	"errors"
	"testing"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/platform"
)

var trustNow = time.Date(2026, 11, 30, 3, 0, 0, 0, time.UTC)

// An address is trusted only in the claim of which the upstream says that it verified it.
func TestAnAddressIsTrustedInItsOwnClaimOnly(t *testing.T) {
	proven := []Domain{{Name: "linde.example", Proven: true}}
	upn := "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"
	mail := "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"
	for _, row := range []struct {
		says   string
		kind   Kind
		hub    []string
		claims map[string]any
		want   bool
	}{
		{"verified", OIDC, nil, map[string]any{"email": "anna@linde.example", "email_verified": true}, true},
		{"the tenant's", OIDC, nil, map[string]any{"email": "anna@linde.example", "xms_edov": true}, true},
		{"a text", OIDC, nil, map[string]any{"email": "anna@linde.example", "email_verified": "true"}, false},
		{"a login name", OIDC, nil, map[string]any{"preferred_username": "anna@linde.example", "email_verified": true}, false},
		{"what is no address, and a login name", OIDC, nil, map[string]any{"email": "anna", "upn": "anna@linde.example", "email_verified": true}, false},
		{"another claim", OIDC, nil, map[string]any{"contact": "anna@linde.example", "email": "eve@linde.example", "email_verified": true}, false},
		{"signed", SAML, nil, map[string]any{mail: []string{"anna@linde.example"}}, true},
		{"signed login name", SAML, nil, map[string]any{upn: []string{"anna@linde.example"}}, false},
		{"signed by a hub", SAML, []string{"https://idp.linde.example"}, map[string]any{mail: []string{"anna@linde.example"}}, false},
	} {
		c := &Connection{ID: "linde", Kind: row.kind, Domains: proven, Key: KeyRule{By: ByAttribute, Attribute: "key"}, Mapping: Mapping{Email: []string{"contact"}}}
		c.SAML.Scoping = row.hub
		row.claims["key"] = "1"
		i, err := c.Evaluate(Answer{Issuer: "i", Subject: "s", AuthTime: trustNow, Claims: row.claims}, trustNow)
		if err != nil || i.Trusted != row.want {
			t.Errorf("%s: %t, want %t (%s, %v)", row.says, i.Trusted, row.want, i.Email.Address, err)
		}
		for _, domains := range [][]Domain{proven, {{Name: "linde.example"}}, nil} { // it is said why, exactly where it is not
			c.Domains = domains
			a := Answer{Issuer: "i", Subject: "s", AuthTime: trustNow, Claims: row.claims}
			if i, _ := c.Evaluate(a, trustNow); i.Trusted != (c.Untrusted(a) == "") {
				t.Errorf("%s, domains %v: trusted %t, and untrusted for %q", row.says, domains, i.Trusted, c.Untrusted(a))
			}
		}
	}
}

// Who is linked by an address alone: the owner of an account that nobody else came into.
func TestOnlyAnOwnedAccountIsLinkedByItsAddress(t *testing.T) {
	c := &Connection{ID: "linde", Kind: OIDC, Access: Access{JIT: JITCreate, Role: platform.Professional}}
	email, err := account.ParseEmail("anna@linde.example")
	if err != nil {
		t.Fatal(err)
	}
	id := Identity{Connection: "linde", Key: "1", Email: email, Trusted: true}
	there := func(change func(*account.Account)) *account.Account {
		a := &account.Account{ID: "a", Email: email, Role: platform.Professional, State: account.Active, EmailVerifiedAt: trustNow}
		change(a)
		return a
	}
	link := account.Credential{ID: "l", Method: Method, External: "other/9", ConfirmedAt: trustNow}
	for says, row := range map[string]struct {
		a    *account.Account
		want Decision
	}{
		"verified":                     {there(func(*account.Account) {}), Links},
		"invited":                      {there(func(a *account.Account) { a.State, a.EmailVerifiedAt = account.Invited, time.Time{} }), Links},
		"nobody verified the address":  {there(func(a *account.Account) { a.EmailVerifiedAt = time.Time{} }), Asks},
		"linked by another connection": {there(func(a *account.Account) { a.Credentials = []account.Credential{link} }), Asks},
		"marked":                       {there(func(a *account.Account) { a.MarkedAt = trustNow }), Asks},
		"a helper":                     {there(func(a *account.Account) { a.Role = platform.Helpdesk }), Asks},
		"deactivated":                  {there(func(a *account.Account) { a.State = account.Deactivated }), Asks},
	} {
		if got, err := c.Who(id, nil, row.a); err != nil || got != row.want {
			t.Errorf("%s: %q, want %q, %v", says, got, row.want, err)
		}
	}
}

// An account is made for an address for which somebody stands: the upstream verified it, or its domain is the
// connection's. Whoever comes with another is asked, and told why none is made.
func TestAnAccountIsMadeOnlyWhereSomebodyStandsForTheAddress(t *testing.T) {
	mail := "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"
	verified := map[string]any{"email": "anna@linde.example", "email_verified": true}
	said := map[string]any{"email": "anna@linde.example"}
	text := map[string]any{"email": "anna@linde.example", "email_verified": "true"}
	login := map[string]any{"preferred_username": "anna@linde.example", "email_verified": true}
	signed := map[string]any{mail: []string{"anna@linde.example"}}
	signedLogin := map[string]any{"upn": []string{"anna@linde.example"}}
	for _, kind := range []Kind{OIDC, SAML} {
		for _, domain := range []string{"", "declared", "vouched", "proven"} {
			for _, hub := range [][]string{nil, {"https://idp.linde.example"}} {
				for says, claims := range map[string]map[string]any{
					"verified": verified, "said": said, "a text": text, "a login name": login, "signed": signed, "signed login name": signedLogin,
				} {
					c := &Connection{
						ID: "linde", Kind: kind, Key: KeyRule{By: ByAttribute, Attribute: "key"}, SAML: SAMLSettings{Scoping: hub},
						Access: Access{JIT: JITCreate, Role: platform.Professional},
					}
					if domain != "" {
						c.Domains = []Domain{{Name: "linde.example", Proven: domain == "proven", Vouched: domain == "vouched"}}
					}
					claims["key"] = "1"
					i, err := c.Evaluate(Answer{Issuer: "i", Subject: "s", AuthTime: trustNow, Claims: claims}, trustNow)
					if err != nil {
						t.Fatal(err)
					}
					want := domain != "" || kind == OIDC && says == "verified" ||
						kind == SAML && hub == nil && says != "a login name" && says != "signed login name"
					role, err := c.MayCreate(i)
					decision, _ := c.Who(i, nil, nil)
					switch at := []any{kind, domain, hub, says}; {
					case want && (err != nil || role != platform.Professional || decision != Creates):
						t.Errorf("%v: %q, %q, %v", at, decision, role, err)
					case !want && (ReasonOf(err) != Unverified || decision != Asks):
						t.Errorf("%v: %q, %q, %v, want %s", at, decision, role, err, Unverified)
					case !c.SaysWhy(i):
						t.Errorf("%v: nobody is told why", at)
					}
				}
			}
		}
	}
}

// Somebody who was only invited comes in where that is said; whoever has an account that is active, everywhere.
func TestWhoWasInvitedComesInWhereThatIsSaid(t *testing.T) {
	email, _ := account.ParseEmail("anna@linde.example")
	id := Identity{Connection: "linde", Key: "1", Email: email, Trusted: true}
	for _, row := range []struct {
		jit    JIT
		state  account.State
		admits bool
	}{
		{JITOff, account.Active, true}, {JITOff, account.Invited, false}, {JITOff, account.Deactivated, false},
		{JITInvited, account.Active, true}, {JITInvited, account.Invited, true}, {JITInvited, account.Deactivated, false},
		{JITCreate, account.Active, true}, {JITCreate, account.Invited, true}, {JITCreate, account.Deactivated, false},
	} {
		c := &Connection{ID: "linde", Kind: OIDC, Access: Access{JIT: row.jit, Role: platform.Professional}}
		a := &account.Account{ID: "a", Email: email, Role: platform.Professional, State: row.state, EmailVerifiedAt: trustNow}
		want := Asks
		if row.admits {
			want = Links
		}
		if got, err := c.Who(id, nil, a); err != nil || got != want || c.Admits(a) != row.admits {
			t.Errorf("%q, account %s: %q, %t, want %q, %v", row.jit, row.state, got, c.Admits(a), want, err)
		}
		if row.state == account.Deactivated {
			continue
		}
		// Who was linked before, as from a file, is.
		if got, err := c.Who(id, a, nil); err != nil || got != SignsIn {
			t.Errorf("%q, account %s that is linked: %q, %v", row.jit, row.state, got, err)
		}
	}
}

// More groups than an upstream sends let no stranger in where groups decide.
func TestRolesThatWereLeftOutLetNobodyNewIn(t *testing.T) {
	email, _ := account.ParseEmail("anna@linde.example")
	id := Identity{Connection: "linde", Key: "1", Email: email, Backed: true, RolesLeft: true}
	linked := &account.Account{ID: "a", Role: platform.Professional, State: account.Active}
	table := []RoleRow{{Value: "zorg", Role: platform.Professional}}
	strict := &Connection{ID: "linde", Access: Access{JIT: JITCreate, Role: platform.Professional, Table: table, Strict: true}}
	if _, err := strict.Who(id, nil, nil); ReasonOf(err) != NoRole {
		t.Errorf("a stranger: %v", err)
	}
	if got, err := strict.Who(id, linked, nil); err != nil || got != SignsIn {
		t.Errorf("who is linked: %q, %v", got, err)
	}
	if role, err := strict.MayCreate(id); err == nil {
		t.Errorf("an account of a %s would be made", role)
	}
	loose := &Connection{ID: "linde", Access: Access{JIT: JITCreate, Role: platform.Professional, Table: table}}
	if got, err := loose.Who(id, nil, nil); err != nil || got != Asks {
		t.Errorf("a table that decides: %q, %v", got, err)
	}
}

// A name that somebody else wrote has no characters that steer what is around it.
func TestNamesOfOthersAreText(t *testing.T) {
	if got := clip("An\x00na\u202e Ba\nkker"); got != "Anna Bakker" {
		t.Errorf("%q", got)
	}
	if ReasonOf(errors.New("x")) != "" {
		t.Error("every error is a refusal")
	}
}

// An address of another domain than the test's is the person's to mend, and has the reason that it has at the first
// time; another kind of NameID is the organisation's.
func TestADriftOfTheDomainIsAForeignAddress(t *testing.T) {
	c := &Connection{ID: "linde", Kind: OIDC, Key: KeyRule{By: BySubject}, Domains: []Domain{{Name: "linde.example"}}}
	c.Baseline = &Baseline{Domain: "linde.example"}
	for _, row := range []struct {
		answer  Answer
		domains []Domain
		want    Reason
	}{
		{Answer{Subject: "s", Claims: map[string]any{"email": "anna@linde.example"}}, c.Domains, ""},
		{Answer{Subject: "s", Claims: map[string]any{"email": "anna@wilg.example"}}, c.Domains, ForeignDomain},
		{Answer{Subject: "s", Claims: map[string]any{"email": "anna@wilg.example"}}, nil, ""},
		{Answer{Subject: "s", Format: "f", Claims: map[string]any{"email": "anna@linde.example"}}, c.Domains, Drifted},
	} {
		free := *c
		free.Domains = row.domains
		if _, err := free.Evaluate(row.answer, trustNow); ReasonOf(err) != row.want {
			t.Errorf("%v, domains %v: %v, want %q", row.answer, row.domains, err, row.want)
		}
	}
}
