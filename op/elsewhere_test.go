package op_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/storage"
)

// connect adds connections to linde, as `idp apply` does.
func (c caller) connect(all ...federation.Connection) {
	c.Helper()
	for i := range all {
		all[i].Platform, all[i].Kind = "linde", federation.OIDC
		all[i].Names = map[string]string{"nl": "Organisatie " + string(all[i].ID)}
		all[i].Key = federation.KeyRule{By: federation.BySubject}
		all[i].OIDC = federation.OIDCSettings{Issuer: "https://" + string(all[i].ID) + ".test", ClientID: "idp"}
	}
	if err := c.DB.Declare(c.Context(), storage.Setup{Connections: all}, c.Clock.Now()); err != nil {
		c.Fatal(err)
	}
	if err := c.Refresh(c.Context()); err != nil {
		c.Fatal(err)
	}
}

// asked is the request that waits for the journey at an address.
func (c caller) asked(res *http.Response) *grant.AuthRequest {
	c.Helper()
	to := res.Header.Get("Location")
	path, ok := strings.CutPrefix(to, issuer+"/login/")
	if !ok {
		c.Fatalf("%d, to %q", res.StatusCode, to)
	}
	id, _, _ := strings.Cut(path, "/")
	req, err := c.DB.Request(c.Context(), "linde", id)
	if err != nil {
		c.Fatal(err)
	}
	return req
}

var elsewhere = []struct {
	says             string
	more             []string // parameters
	provider, domain string
	acr              []string
}{
	{"nothing", nil, "", "", nil},
	{"a connection", []string{"idp_hint", "lindehof"}, "lindehof", "", nil},
	{"one that is closed", []string{"idp_hint", "vroeger"}, "", "", nil},
	{"one of nobody", []string{"idp_hint", "<script>"}, "", "", nil},
	{"one in another spelling", []string{"idp_hint", "LindeHof"}, "", "", nil},
	{"two in one", []string{"idp_hint", "lindehof iep"}, "", "", nil},
	{"its domain", []string{"domain_hint", "lindehof.example"}, "", "lindehof.example", nil},
	{"its domain, as people write it", []string{"domain_hint", "LindeHof.Example"}, "", "lindehof.example", nil},
	{"a domain of nobody", []string{"domain_hint", "elders.example"}, "", "", nil},
	{"a domain of one that is closed", []string{"domain_hint", "vroeger.example"}, "", "", nil},
	{"a word of another product", []string{"domain_hint", "organizations"}, "", "", nil},
	{"a level", []string{"acr_values", "idp:lindehof"}, "lindehof", "", nil},
	{"a level among others", []string{"acr_values", oneFactor + " idp:lindehof " + twoFactor}, "lindehof", "", []string{oneFactor, twoFactor}},
	{"levels of nobody", []string{"acr_values", "idp:niemand idp: idp:iep " + oneFactor}, "iep", "", []string{oneFactor}},
	{"two that differ: the name of its own counts", []string{"idp_hint", "iep", "acr_values", "idp:lindehof"}, "iep", "", nil},
	{"a name of nobody, and a level", []string{"idp_hint", "niemand", "acr_values", "idp:lindehof"}, "lindehof", "", nil},
	{"in capitals it is a level that nobody has", []string{"acr_values", oneFactor + " IDP:lindehof"}, "", "", []string{oneFactor, "IDP:lindehof"}},
}

func hinting(more []string) func(url.Values) {
	return func(q url.Values) {
		for i := 0; i < len(more); i += 2 {
			q.Set(more[i], more[i+1])
		}
	}
}

// A name that nobody has is no mistake, and nothing of it goes on: neither into the request nor to an upstream.
func TestARequestSaysAtWhichOrganisation(t *testing.T) {
	c := newCaller(t)
	c.connect(
		federation.Connection{ID: "lindehof", Domains: []federation.Domain{{Name: "lindehof.example"}}}, federation.Connection{ID: "iep"},
		federation.Connection{ID: "vroeger", Disabled: true, Domains: []federation.Domain{{Name: "vroeger.example"}}},
	)
	for _, row := range elsewhere {
		pushed := c.push("web", hinting(row.more), nil)
		for way, res := range map[string]*http.Response{
			"query":  c.get(issuer + authorizeQuery("web", hinting(row.more))),
			"pushed": c.get(pushedQuery("web", pushed.RequestURI)),
		} {
			ask := c.asked(res).Ask
			if ask.IDPHint != row.provider || ask.DomainHint != row.domain || !slices.Equal(ask.ACR, row.acr) {
				t.Errorf("%s, %s: provider %q, domain %q, acr %q", row.says, way, ask.IDPHint, ask.DomainHint, ask.ACR)
			}
		}
	}
	// Twice is a mistake, as of every parameter that has a meaning.
	for _, name := range []string{"idp_hint", "domain_hint"} {
		res := c.get(issuer + authorizeQuery("web", hinting([]string{name, "lindehof"})) + "&" + name + "=iep")
		if res.StatusCode != http.StatusBadRequest {
			t.Errorf("%s twice: %d", name, res.StatusCode)
		}
	}
}

func TestARequestObjectSaysAtWhichOrganisation(t *testing.T) {
	c := newKeyCaller(t)
	c.connect(federation.Connection{ID: "lindehof", Domains: []federation.Domain{{Name: "lindehof.example"}}}, federation.Connection{ID: "iep"})
	r := requester{c, "keys", "ec", `{"alg":"ES256"}`}
	for _, row := range elsewhere {
		if row.provider == "" && row.domain == "" {
			continue
		}
		text := r.object(func(o object) {
			for i := 0; i < len(row.more); i += 2 {
				o[row.more[i]] = row.more[i+1]
			}
		})
		// What stands beside the object counts for nothing.
		ask := c.asked(c.get(issuer + "/authorize?" + url.Values{
			"client_id": {"keys"}, "redirect_uri": {redirect}, "response_type": {"code"}, "scope": {"openid"}, "request": {text},
			"idp_hint": {"lindehof"}, "domain_hint": {"lindehof.example"}, "acr_values": {"idp:lindehof"},
		}.Encode())).Ask
		if ask.IDPHint != row.provider || ask.DomainHint != row.domain || !slices.Equal(ask.ACR, row.acr) {
			t.Errorf("%s: provider %q, domain %q, acr %q", row.says, ask.IDPHint, ask.DomainHint, ask.ACR)
		}
	}
}

// The form is open, and the party says where the person signs in: so that is where the browser goes, by whichever name.
func TestTheOrganisationThatWasAskedForComesBeforeTheForm(t *testing.T) {
	c := newCaller(t)
	c.connect(
		federation.Connection{ID: "lindehof", Domains: []federation.Domain{{Name: "lindehof.example"}}},
		federation.Connection{ID: "iep", Place: federation.NoPlace, Domains: []federation.Domain{{Name: "iep.example"}}},
	)
	for says, want := range map[string]struct{ parameter, value, to string }{
		"nothing":                   {"state", "x", ""},
		"a connection":              {"idp_hint", "lindehof", "lindehof"},
		"one that is not on a page": {"acr_values", "idp:iep", "iep"},
		"a domain":                  {"domain_hint", "lindehof.example", "lindehof"},
		"one of no page, by domain": {"domain_hint", "iep.example", "iep"},
		"a name of nobody":          {"idp_hint", "niemand", ""},
		"an address of a domain":    {"login_hint", "anna@lindehof.example", "lindehof"},
		"an address of none":        {"login_hint", "anna@elders.example", ""},
	} {
		b := idptest.NewBrowser(c.Server, "en")
		b.MustOpen(t, issuer+authorizeQuery("web", func(q url.Values) { q.Set(want.parameter, want.value) }))
		// Nobody is at home there in this house, which the page of the way says by the organisation's name.
		at := "/password"
		if want.to != "" {
			at = "/sso"
		}
		if !strings.HasSuffix(b.URL.Path, at) || want.to != "" && !strings.Contains(idptest.Visible(b.Doc), want.to) {
			t.Errorf("%s: at %s, want %s %s", says, b.URL, at, want.to)
		}
	}
}
