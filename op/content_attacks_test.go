package op_test

import (
	"bytes"
	"image"
	"image/png"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/setup"
	"github.com/minddistrict/idp/internal/wire"
	"github.com/minddistrict/idp/login"
)

// lures are texts that must never reach a page as they are: markup, and sentences that ask a person for something.
var lures = []string{
	`"><script>alert(1)</script>`, `'><img src=x onerror=alert(1)>`, `</title><svg/onload=alert(1)>`, `javascript:alert(1)`, `{{.Platform}}`, `%3Cscript%3Ealert(1)%3C/script%3E`,
	"Uw account is geblokkeerd, bel 0900-666", "Your account is blocked, call 0900-666", "https://evil.test/0900-666", "\u202e0900-666", "a@b.test 0900-666",
}

// quiet says that a page shows nothing of a lure.
func quiet(s *idptest.Scene, what string, a idptest.Answer) {
	s.Helper()
	text := ownQuery.ReplaceAllString(hiddenField.ReplaceAllString(a.Body, ""), "")
	for _, sign := range []string{"<script>alert", "<img src=x", "<svg/onload", "0900-666", "{{", `href="javascript:`, `action="javascript:`} {
		if strings.Contains(text, sign) {
			s.Errorf("%s: the page shows %q: %s", what, sign, text)
		}
	}
	if csp := a.Header.Get("Content-Security-Policy"); strings.Contains(csp, "unsafe") || !strings.Contains(csp, "default-src 'none'") {
		s.Errorf("%s: CSP %q", what, csp)
	}
	s.LinksStay(what, a.Body)
}

// No page shows a text that stands in an address or a form of somebody else (CVE-2019-8400, CVE-2025-10044,
// CVE-2026-33758).
func TestTextsOfOthersAreNotShown(t *testing.T) {
	idptest.Issuers(t, func(s *idptest.Scene) {
		names := []string{"error", "error_description", "error_uri", "error_hint", "message", "state", "nonce", "ui_locales", "claims_locales", "login_hint", "acr_values", "display", "hint", "lang"}
		v := s.Visitor()
		signed := s.Visitor()
		signed.Given("web")
		for _, lure := range lures {
			q := url.Values{}
			for _, name := range names {
				q.Set(name, lure)
			}
			for _, path := range []string{"/logged-out", "/logout", "/authorize", "/authorize/continue", "/authorize/callback", "/unknown", "/login/x/password", "/keys/x"} {
				quiet(s, path, signed.Open(s.Issuer+path+"?"+q.Encode()))
				quiet(s, path, signed.Open(s.Issuer+path+"?request="+url.QueryEscape(lure)+"&client_id="+url.QueryEscape(lure)+"&"+q.Encode()))
				quiet(s, path, signed.Open(s.Issuer+path+"/"+url.PathEscape(lure)))
			}
			for _, change := range []func(url.Values){
				func(p url.Values) {
					for name, values := range q {
						p[name] = values
					}
				}, idptest.Set("login_hint", lure), idptest.Set("state", lure), idptest.Set("ui_locales", lure), idptest.Set("redirect_uri", lure), idptest.Set("client_id", lure),
			} {
				a := v.Open(s.AuthorizeURL("web", change))
				quiet(s, "authorize", a)
				if id, ok := strings.CutPrefix(a.To.String(), s.Issuer+"/login/"); ok {
					id, _, _ = strings.Cut(id, "/")
					quiet(s, "login", v.Open(s.Issuer+"/login/"+id+"/password?"+q.Encode()))
					quiet(s, "a wrong step", v.Open(s.Issuer+"/login/"+id+"/"+url.PathEscape(lure)))
				}
			}
			// The page that carries an answer holds the state in its form, escaped.
			a := signed.Open(s.AuthorizeURL("web", idptest.Set("response_mode", "form_post", "state", lure)))
			if !strings.Contains(a.Body, `name="state"`) {
				s.Fatalf("form_post: %d %s", a.Status, a.Body)
			}
			quiet(s, "form_post", a)
			// What a person typed comes back to that person only, as the value of the field.
			id := v.Begin("web", nil)
			v.Visit(http.MethodPost, s.Issuer+"/login/"+id+"/password", url.Values{"email": {lure}, "password": {"x"}, "do": {"continue"}, "error": {lure}})
			a = v.Open(s.Issuer + "/login/" + id + "/password")
			a.Body = fieldValue.ReplaceAllString(a.Body, "")
			quiet(s, "login, typed", a)
			if other := s.Visitor().Open(s.Issuer + "/login/" + id + "/password"); strings.Contains(other.Body, "0900-666") {
				s.Error("what one person typed is shown to another")
			}
		}
	})
}

// hiddenField goes along with a form and is shown to nobody; ownQuery is a link to the same page in another language, which
// keeps its query, escaped; fieldValue is what stands in any field.
var (
	hiddenField = regexp.MustCompile(`<input type="hidden" name="[a-z_]+" value="[^"<>]*">`)
	ownQuery    = regexp.MustCompile(`href="\?[^"<>]*"`)
	fieldValue  = regexp.MustCompile(` value="[^"<>]*"`)
)

// An address that a browser runs instead of opening is neither registered nor redirected to (CVE-2024-21637).
func TestAddressesThatBrowsersRunAreRefused(t *testing.T) {
	s := idptest.NewScene(t, idptest.HostIssuer, idptest.SceneSQLite(t))
	for _, scheme := range []string{
		"javascript:alert(1)", "JavaScript:alert(1)", "java\tscript:alert(1)", " javascript:alert(1)", "data:text/html,<script>alert(1)</script>", "vbscript:x", "blob:https://rp.test/x", "file:///etc/passwd",
		"about:blank", "javascript://rp.test/%0aalert(1)", "view-source:https://rp.test/", "https:javascript:alert(1)", "x", "",
	} {
		for says, p := range map[string]setup.Party{
			"web": {Secret: idptest.PartySecret}, "spa": {Type: "spa"}, "native": {Type: "native"},
		} {
			p.ClientID, p.Redirects = "evil", []string{scheme}
			if err := declare(s, p); err == nil {
				s.Errorf("%s: redirect URI %q was registered", says, scheme)
			}
			p.Redirects, p.LogoutURIs = []string{idptest.RedirectURI}, []string{scheme}
			if err := declare(s, p); err == nil {
				s.Errorf("%s: logout URI %q was registered", says, scheme)
			}
		}
		if scheme == "" {
			continue // what is left out is no address
		}
		for name, p := range map[string]setup.Party{"initiate": {InitiateURI: scheme}, "policy": {PolicyURI: scheme}, "terms": {TermsURI: scheme}} {
			p.ClientID, p.Secret, p.Redirects = "evil", idptest.PartySecret, []string{idptest.RedirectURI}
			if err := declare(s, p); err == nil {
				s.Errorf("%s: %q was registered", name, scheme)
			}
		}
		for name, p := range map[string]setup.Platform{"home": {HomeURL: scheme}, "privacy": {PrivacyURL: scheme}, "accessibility": {Accessibility: scheme}} {
			if err := declarePlatform(s, p); err == nil {
				s.Errorf("%s: %q was set", name, scheme)
			}
		}
	}
	v := s.Visitor()
	v.Given("web")
	a := v.Open(s.AuthorizeURL("web", idptest.Set("response_mode", "form_post")))
	if csp := a.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "script-src 'self'") || strings.Contains(csp, "unsafe-inline") || strings.Contains(a.Body, "onload=") || strings.Contains(a.Body, "<script>") {
		s.Errorf("form_post: CSP %q, %s", csp, a.Body)
	}
}

// declarePlatform changes a platform; what is left open has its value of before.
func declarePlatform(s *idptest.Scene, p setup.Platform) error {
	s.Helper()
	p.Name, p.Issuer = string(s.Platform()), s.Issuer
	if p.Organisation == "" {
		p.Organisation = "GGZ De Linde"
	}
	if p.HomeURL == "" {
		p.HomeURL = "https://linde.test/home"
	}
	_, err := setup.Apply(s.Context(), setup.Tools{
		DB: s.DB, Sealer: s.Sealer, Pool: s.Pool, Methods: login.Methods(s.Factors), Policy: wire.DefaultPolicy(), Now: s.Clock.Now(),
	}, &setup.File{Platforms: []setup.Platform{p}}, nil)
	if err == nil {
		err = s.Refresh(s.Context())
	}
	return err
}

// What a platform or a party says of its name and its looks never runs as a script on a page of ours (CVE-2024-29891,
// CVE-2026-29192, CVE-2026-5468).
func TestBrandingIsInert(t *testing.T) {
	s := idptest.NewScene(t, idptest.HostIssuer, idptest.SceneSQLite(t))
	dir := t.TempDir()
	for name, content := range map[string]string{
		"logo.svg": `<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`, "html.png": "<html><script>alert(1)</script>", "gif.png": "GIF89a<script>alert(1)</script>", "empty.png": "",
		"shifted.png": " \x89PNG\r\n\x1a\n", "large.png": "\x89PNG\r\n\x1a\n" + strings.Repeat("x", 64<<10),
		"bomb.png": "\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR\x7f\xff\xff\xff\x7f\xff\xff\xff\x08\x06\x00\x00\x00",
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := declarePlatform(s, setup.Platform{LogoFile: path}); err == nil && name != "empty.png" {
			t.Errorf("%s is a logo", name)
		}
	}
	for _, colour := range []string{"red;background:url(https://evil.test/)", "#1b6a7a;}body{", "url(https://evil.test)", "#1b6a7", "#1b6a7a\n", "expression(alert(1))", "</style><script>"} {
		if err := declarePlatform(s, setup.Platform{Colour: colour}); err == nil {
			t.Errorf("%q is a colour", colour)
		}
	}
	for _, name := range []string{"brand-red.css", "brand-1b6a7a;}.css", "brand-1b6a7a.css/x", "brand-1B6A7A.css", "brand-%31b6a7a.css", "logo.png", "logo.svg"} {
		if a := s.Get(s.Issuer + "/assets/" + name); a.Status != http.StatusNotFound {
			t.Errorf("/assets/%s: %d", name, a.Status)
		}
	}
	// A PNG that continues as HTML is served as a picture and nothing else.
	path := filepath.Join(dir, "polyglot.png")
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewGray(image.Rect(0, 0, 8, 8))); err != nil {
		t.Fatal(err)
	}
	picture.WriteString("<html><script>alert(1)</script>")
	if err := os.WriteFile(path, picture.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	const evil = `<script>alert(1)</script>`
	if err := declarePlatform(s, setup.Platform{LogoFile: path, Organisation: evil, Title: `"><img src=x onerror=alert(1)>`, NeutralName: evil}); err != nil {
		t.Fatal(err)
	}
	for name, kind := range map[string]string{"logo.png": "image/png", "icon.png": "image/png", "icon.svg": "image/svg+xml"} {
		a := s.Get(s.Issuer + "/assets/" + name)
		if a.Status != http.StatusOK || a.Header.Get("Content-Type") != kind || a.Header.Get("X-Content-Type-Options") != "nosniff" ||
			!strings.Contains(a.Header.Get("Content-Security-Policy"), "default-src 'none'") || name != "logo.png" && strings.Contains(a.Body, "<script>") {
			t.Errorf("%s: %d, %v, %s", name, a.Status, a.Header, a.Body)
		}
	}
	for _, party := range []string{"named", "stranger"} {
		p := setup.Party{
			ClientID: party, Name: evil, Secret: idptest.PartySecret, Redirects: []string{idptest.RedirectURI}, ThirdParty: party == "stranger",
			PolicyURI: `https://rp.test/cb?"><script>alert(1)</script>`, TermsURI: `https://rp.test/cb?'"onmouseover=alert(1)`,
		}
		if declare(s, p) != nil { // then it can do no harm
			p.PolicyURI, p.TermsURI = "", ""
			if err := declare(s, p); err != nil {
				t.Fatal(err)
			}
		}
	}
	v := s.Visitor()
	id := v.Begin("named", nil)
	pages := map[string]idptest.Answer{
		"login": v.Open(s.Issuer + "/login/" + id + "/password"), "unknown": v.Open(s.Issuer + "/unknown"), "error": v.Open(s.AuthorizeURL("named", idptest.Set("redirect_uri", "https://evil.test"))),
		"logged out": v.Open(s.Issuer + "/logged-out?client_id=named"), "form_post": v.Open(s.AuthorizeURL("named", idptest.Set("response_mode", "form_post", "prompt", "none"))),
	}
	v.Prove(id, "anna@example.org")
	pages["consent"] = v.Open(s.Issuer + "/login/" + v.Begin("stranger", nil) + "/consent")
	pages["again"] = v.Open(s.Issuer + "/login/" + v.Begin("named", idptest.Set("prompt", "login")) + "/password")
	pages["logout"] = v.Open(s.Issuer + "/logout?client_id=named")
	for _, page := range []string{"settings", "settings/account", "settings/language", "settings/devices", "settings/activity"} {
		pages[page] = v.Open(s.Issuer + "/" + page)
	}
	for name, a := range pages {
		if strings.Contains(a.Body, "<script>alert") || strings.Contains(a.Body, "<img src=x") || !strings.Contains(a.Body, "&lt;script&gt;alert") && !strings.Contains(a.Body, "&lt;img src=x") {
			t.Errorf("%s (%d): %s", name, a.Status, a.Body)
		}
		s.LinksStay(name, a.Body)
	}
}

// What we do not serve yet is not there to be attacked: SAML, registration, SCIM, administration, assertions of others
// (CVE-2023-45683, CVE-2026-29191, CVE-2023-6544).
func TestWhatIsNotServedIsNotThere(t *testing.T) {
	idptest.Issuers(t, func(s *idptest.Scene) {
		for _, path := range []string{
			"/saml", "/saml/acs", "/saml/sso", "/saml/metadata", "/saml/slo", "/register", "/connect/register", "/scim/v2/Users", "/admin", "/admin/", "/api", "/api/v1/accounts", "/graphql",
			"/upstream/callback", "/bc-authorize", "/checksession", "/metrics", "/healthz", "/readyz", "/debug/pprof/", "/dev/outbox", "/.well-known/webfinger", "/.env", "/.git/config",
			"/welcome", "/qr", "/webauthn", "/.well-known/openid-federation", "/ui/console", "/idps/callback",
		} {
			for _, method := range []string{"GET", "POST", "PUT", "DELETE"} {
				if a := s.Send(method, s.Issuer+path, "x=y&RelayState=<script>", nil); a.Status != http.StatusNotFound && !(method != "GET" && a.Status == http.StatusMethodNotAllowed) {
					s.Errorf("%s %s: %d", method, path, a.Status)
				}
			}
		}
		for name := range discovery(s) {
			for _, word := range []string{"registration", "pushed", "backchannel", "frontchannel", "mtls", "ciba", "check_session", "signing_alg_values_supported"} {
				if strings.Contains(name, word) && !slices.Contains([]string{
					"id_token_signing_alg_values_supported", "token_endpoint_auth_signing_alg_values_supported", "revocation_endpoint_auth_signing_alg_values_supported",
					"introspection_endpoint_auth_signing_alg_values_supported", "backchannel_logout_supported", "backchannel_logout_session_supported",
					"pushed_authorization_request_endpoint", "dpop_signing_alg_values_supported", "authorization_signing_alg_values_supported",
					"request_object_signing_alg_values_supported",
				}, name) {
					s.Errorf("discovery says %s", name)
				}
			}
		}
	})
}
