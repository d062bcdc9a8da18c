package grant

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/platform"
)

func strictParty() Party {
	return Party{
		Type: Native, Redirects: []string{"http://127.0.0.1/cb"}, Auth: AuthBasic, Secrets: [][]byte{{1}}, Rotate: true, ThirdParty: true, MinimumACR: string(authn.TwoFactor),
		Strength: Strength{Profile: FAPI2Messages, PARRequired: true, RequestRequired: true, DPoPRequired: true},
	}
}

var weaker = []struct {
	key    string
	change func(*Party)
}{
	{"auth", func(p *Party) { p.Auth = AuthNone }},
	{"type", func(p *Party) { p.Type = SPA }},
	{"secret", func(p *Party) { p.Secrets = nil }},
	{"pkce", func(p *Party) { p.PKCEOptional = true }},
	{"rotate_refresh_tokens", func(p *Party) { p.Rotate = false }},
	{"third_party", func(p *Party) { p.ThirdParty = false }},
	{"mobile_app", func(p *Party) { p.MobileApp = true }},
	{"profile", func(p *Party) { p.Profile = NoProfile }},
	{"profile", func(p *Party) { p.Profile = FAPI2 }},
	{"require_pushed_authorization_requests", func(p *Party) { p.PARRequired = false }},
	{"require_signed_request_object", func(p *Party) { p.RequestRequired = false }},
	{"dpop_bound_access_tokens", func(p *Party) { p.DPoPRequired = false }},
	{"minimum_acr", func(p *Party) { p.MinimumACR = string(authn.OneFactor) }},
	{"minimum_acr", func(p *Party) { p.MinimumACR = "" }},
	{"minimum_acr", func(p *Party) { p.MinimumACR = "low" }},
}

var aliases = map[string]string{"low": string(authn.OneFactor), "high": string(authn.TwoFactor)}

func TestWeakerPartyIsKnownInOneDirectionOnly(t *testing.T) {
	covered := map[string]bool{}
	for _, c := range weaker {
		covered[c.key] = true
		was, is := strictParty(), strictParty()
		if c.change(&is); !slices.Equal(is.WeakerThan(&was, aliases), []string{c.key}) {
			t.Errorf("%s: weaker in %v", c.key, is.WeakerThan(&was, aliases))
		}
		if back := was.WeakerThan(&is, aliases); len(back) > 0 {
			t.Errorf("%s: and the way back is weaker in %v", c.key, back)
		}
	}
	for _, w := range weakenings {
		if !covered[w.key] {
			t.Errorf("no row of the table above for %s", w.key)
		}
	}
	same, was := strictParty(), strictParty()
	same.MinimumACR, same.Secrets, same.Auth = "high", [][]byte{{2}}, AuthPost
	if got := same.WeakerThan(&was, aliases); len(got) > 0 {
		t.Errorf("another name, another secret, another place for it: weaker in %v", got)
	}
}

// unable are the fields that cannot weaken anything, each with why.
var unable = map[string]string{
	"ID":                   "names the row",
	"Platform":             "names the row",
	"OlderEndsAt":          "how long a secret works that the party had; no file says it",
	"Name":                 "shown to people",
	"Redirects":            "who answers at an address of the party's is the party",
	"LogoutURIs":           "where people land after logging out",
	"InitiateURI":          "where a stale login begins anew",
	"BackchannelLogoutURI": "where a party hears that a session ended; what it does with it is its own",
	"LogoutOnIdle":         "whether a party ends its session with the idle hour; here something is proven again either way",
	"BackchannelSession":   "every logout token has a sid",
	"Origins":              "what may read an answer that it could already have; no cookie counts there",
	"Grants":               "each proves as much as before",
	"Scopes":               "what people are asked, and what the party is told or may do as itself; not what a sign-in proves",
	"ScopeTexts":           "shown to people",
	"ReadOnly":             "shown to people",
	"IDTokenAlg":           "all that can be chosen are sound",
	"AccessJWT":            "lives shorter, because it cannot be taken back",
	"Pairwise":             "what a subject is called",
	"Sector":               "what a subject is called",
	"IDClaims":             "where claims stand; a third party gets those of its scopes only",
	"AMRDetails":           "tells more about the sign-in",
	"Audience":             "who may take and introspect its tokens",
	"Lifetimes":            "never longer than the published numbers",
	"PolicyURI":            "shown to people",
	"TermsURI":             "shown to people",
	"DisabledAt":           "no file changes it",
	"Strength":             "its fields are weighed one by one",
	"JWKS":                 "who registers keys says who the party is",
	"JWKSURI":              "who registers keys says who the party is",
	"AuthAlg":              "all that can be chosen are sound",
	"RequestAlg":           "all that can be chosen are sound",
}

// A new field must be put somewhere: it weakens something, or there is a reason why it cannot.
func TestEveryFieldOfPartyIsWeighed(t *testing.T) {
	weighed := map[string]bool{}
	for _, w := range weakenings {
		weighed[w.field] = true
		if unable[w.field] != "" {
			t.Errorf("%s is weighed twice", w.field)
		}
	}
	for field, why := range unable {
		weighed[field] = why != ""
	}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[Party]()) {
		if !weighed[field.Name] {
			t.Errorf("Party.%s: is a party protected less with another value? Say so in weakenings, or here why not", field.Name)
		}
		delete(weighed, field.Name)
	}
	if len(weighed) > 0 {
		t.Errorf("no such fields: %v", weighed)
	}
}

// platform cannot import authn, so it has the values of `acr` itself.
func TestPlatformRanksOurValues(t *testing.T) {
	var ours []string
	for _, a := range authn.ACRs {
		ours = append(ours, string(a))
	}
	if !slices.Equal(ours, platform.ACRs) {
		t.Errorf("platform has %s, authn %s", strings.Join(platform.ACRs, " "), strings.Join(ours, " "))
	}
	last := -1
	for _, least := range append(append([]string{""}, ours...), "what nobody reaches") {
		rank := platform.ACRRank(least, nil)
		if rank <= last {
			t.Errorf("%q ranks %d, no higher than the one before", least, rank)
		}
		last = rank
	}
}
