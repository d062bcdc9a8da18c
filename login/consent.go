package login

import (
	"context"
	"slices"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/ui"
)

// consentStep asks whether a party that is not the platform's own may have what it asks. What was allowed is
// remembered; the page comes back when more is asked, or when the party asks for it. Not allowing is cancelling.
type consentStep struct{}

func (consentStep) Name() string { return "consent" }

func (consentStep) Handles(r authn.Requirement, _ authn.Facts) bool {
	return r.Need == authn.NeedConsent
}

// readScopes are the scopes of ours, in the order in which people read them: what says most about them first. None of
// them changes anything.
var readScopes = []string{"profile", "email", "phone", "address", grant.RoleScope, "openid"}

// RequestedAccess puts what a party asks or has, by its scopes, in the order in which people read it. A scope of an API
// changes something there, unless the party's registration says that it does not: nothing is made to look smaller than
// it is.
func RequestedAccess(scopes []string, party *grant.Party) ui.RequestedAccess {
	asked := ui.RequestedAccess{Offline: slices.Contains(scopes, "offline_access")}
	for _, scope := range readScopes {
		if slices.Contains(scopes, scope) {
			asked.Reads = append(asked.Reads, ui.RequestedScope{Key: "consent.scope_" + scope})
		}
	}
	for _, scope := range scopes {
		if slices.Contains(grant.Scopes, scope) {
			continue
		}
		line := ui.RequestedScope{Key: "consent.scope_other", Name: scope, Texts: party.ScopeTexts[scope]}
		if slices.Contains(party.ReadOnly, scope) {
			asked.Reads = append(asked.Reads, line)
		} else {
			asked.Writes = append(asked.Writes, line)
		}
	}
	return asked
}

func (consentStep) Show(_ context.Context, v *Visit) (Page, error) {
	return Page{"consent", ui.ConsentPage{
		Action: v.Action, Email: v.Facts.Account.Email.Address, Party: v.AskedBy, Asked: RequestedAccess(v.Journey.Ask.Consent, &v.Party),
		PolicyURI: v.Party.PolicyURI, TermsURI: v.Party.TermsURI,
	}}, nil
}

func (consentStep) Submit(_ context.Context, v *Visit) (Outcome, error) {
	allowed := &authn.Consent{
		Account: v.Facts.Account.ID, Party: v.Journey.Party, Scopes: v.Journey.Ask.Consent, Journey: v.Journey.ID, At: v.Now,
	}
	v.Facts.Consent = allowed
	return Outcome{Change: authn.Change{Consent: allowed}}, nil
}
