package login

import (
	"context"
	"slices"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/ui"
)

// consentStep asks whether a party that is not the platform's own may have what it asks. What was allowed is
// remembered; the page comes back when more is asked, or when the party asks for it. Not allowing is cancelling.
type consentStep struct{}

func (consentStep) Name() string { return "consent" }

func (consentStep) Meets(r authn.Requirement, _ authn.Facts) bool { return r.Need == authn.NeedConsent }

// consentScopes are the scopes that have a text of ours, in the order the page names them; those of APIs come after them.
var consentScopes = []string{"openid", "profile", "email", "phone", "address", "offline_access"}

func (consentStep) Show(_ context.Context, v *Visit) (Page, error) {
	page := ui.ConsentPage{Action: v.Action, Party: v.AskedBy, PolicyURI: v.PolicyURI, TermsURI: v.TermsURI}
	for _, scope := range consentScopes {
		if slices.Contains(v.Journey.Ask.Consent, scope) {
			page.Scopes = append(page.Scopes, ui.AskedScope{Key: "consent.scope_" + scope})
		}
	}
	for _, scope := range v.Journey.Ask.Consent {
		if !slices.Contains(consentScopes, scope) {
			page.Scopes = append(page.Scopes, ui.AskedScope{Key: "consent.scope_other", Name: scope, Texts: v.ScopeTexts[scope]})
		}
	}
	return Page{"consent", page}, nil
}

func (consentStep) Submit(_ context.Context, v *Visit) (Outcome, error) {
	allowed := &authn.Consent{
		Account: v.Facts.Account.ID, Party: v.Journey.Party, Scopes: v.Journey.Ask.Consent, Journey: v.Journey.ID, At: v.Now,
	}
	v.Facts.Consent = allowed
	return Outcome{Change: authn.Change{Consent: allowed}}, nil
}
