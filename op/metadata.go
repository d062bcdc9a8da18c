package op

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"golang.org/x/text/language"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/platform"
)

// documentAge is how long others may keep discovery and keys: far less than the 24 hours that a key is published
// before its first use.
const documentAge = 15 * 60 // seconds

// Document is a prebuilt answer: bytes and headers, rebuilt only when settings or keys change.
type Document struct {
	Body   []byte
	ETag   string
	header http.Header // shared by all answers
}

// NewDocument prepares JSON for serving.
func NewDocument(body []byte) Document {
	etag := `"` + base64.RawURLEncoding.EncodeToString(secret.Hash(string(body))[:12]) + `"`
	return Document{Body: body, ETag: etag, header: http.Header{
		"Access-Control-Allow-Origin":  {"*"}, // public, and without credentials
		"Cross-Origin-Resource-Policy": {"cross-origin"},
		"X-Content-Type-Options":       {"nosniff"},
		"Cache-Control":                {"public, max-age=" + strconv.Itoa(documentAge)},
		"Etag":                         {etag},
		"Content-Type":                 {"application/json"},
		"Content-Length":               {strconv.Itoa(len(body))},
	}}
}

// metadata adds what the library's discovery type lacks.
type metadata struct {
	oidc.DiscoveryConfiguration
	IssuerParameter bool     `json:"authorization_response_iss_parameter_supported"` // RFC 9207 section 3
	Push            string   `json:"pushed_authorization_request_endpoint"`          // RFC 9126 section 5
	ProofAlgs       []string `json:"dpop_signing_alg_values_supported"`              // RFC 9449 section 5.1
	AnswerAlgs      []string `json:"authorization_signing_alg_values_supported"`     // JARM section 4
}

// Metadata is what discovery says of a platform (OpenID Connect Discovery 1.0 section 3, RFC 8414 section 2): complete,
// and only what is served.
func Metadata(p *platform.Platform, algs []string) Document {
	m := metadata{
		DiscoveryConfiguration: oidc.DiscoveryConfiguration{
			Issuer:                           string(p.Issuer),
			ScopesSupported:                  grant.Scopes,
			ResponseTypesSupported:           []string{"code"},
			ResponseModesSupported:           responseModes,
			GrantTypesSupported:              grantNames(),
			ACRValuesSupported:               authn.Published(p.Policy.ACRAliases),
			SubjectTypesSupported:            []string{"public", "pairwise"},
			IDTokenSigningAlgValuesSupported: algs,
			ClaimsParameterSupported:         true,
			RequestParameterSupported:        true, // of parties with keys

			RequestObjectSigningAlgValuesSupported: grant.PartyAlgs,

			ClaimTypesSupported:               []string{"normal"},
			ClaimsSupported:                   grant.ClaimNames,
			CodeChallengeMethodsSupported:     []oidc.CodeChallengeMethod{oidc.CodeChallengeMethodS256},
			UILocalesSupported:                oidc.Locales{language.Dutch, language.English},
			DisplayValuesSupported:            []oidc.Display{oidc.DisplayPage, oidc.DisplayPopup, oidc.DisplayTouch},
			OPPolicyURI:                       p.PrivacyURL,
			BackChannelLogoutSupported:        true,
			BackChannelLogoutSessionSupported: true,
		},
		IssuerParameter: true, ProofAlgs: algNames(proofAlgs), AnswerAlgs: algs,
	}
	m.publish(p)
	body, _ := json.Marshal(m) // a struct of strings: cannot fail
	return NewDocument(body)
}

func grantNames() (names []oidc.GrantType) {
	for _, g := range grantTypes {
		names = append(names, g.name)
	}
	return names
}

// publish names the endpoints that rows of the table publish, and how parties prove themselves there. A test holds that
// each name is one of discovery's.
func (m *metadata) publish(p *platform.Platform) {
	names := map[string]any{}
	for _, e := range endpoints {
		if e.Published == "" {
			continue
		}
		names[e.Published] = p.URL(e.Path)
		if len(e.Auth) > 0 && e.Path != pathPush { // where a party pushes, it proves itself as at the token endpoint (RFC 9126 section 2)
			names[e.Published+"_auth_methods_supported"] = e.Auth
		}
		if slices.Contains(e.Auth, oidc.AuthMethodPrivateKeyJWT) {
			names[e.Published+"_auth_signing_alg_values_supported"] = grant.PartyAlgs
		}
	}
	text, _ := json.Marshal(names)
	_ = json.Unmarshal(text, m) // texts where the struct has texts
}

// SupportedAlgs lists the algorithms that a platform can sign with: RS256 always, as OpenID Connect Core 1.0 section
// 15.1 demands, and what its parties chose.
func SupportedAlgs(parties []grant.Party) []string {
	algs := []string{"RS256"}
	for _, p := range parties {
		if !slices.Contains(algs, p.IDTokenAlg) {
			algs = append(algs, p.IDTokenAlg)
		}
	}
	slices.Sort(algs)
	return algs
}

// ServeIfDocument serves discovery or the key set when the path under the issuer names one, and tells route and status;
// otherwise it does nothing. It needs no context, so that it can stand before everything else.
func ServeIfDocument(w http.ResponseWriter, r *http.Request, path string, discovery, keys Document) (route string, status int) {
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
	case path == pathDiscovery:
		return routeDiscovery, ServeDocument(w, r, discovery)
	case path == pathKeys:
		return routeKeys, ServeDocument(w, r, keys)
	}
	return "", 0
}

// ServeDocument writes a document with its caching headers, or 304 when the caller has it.
func ServeDocument(w http.ResponseWriter, r *http.Request, d Document) (status int) {
	h := w.Header()
	maps.Copy(h, d.header)
	if match := r.Header.Get("If-None-Match"); match == "*" || match != "" && strings.Contains(match, d.ETag) {
		delete(h, "Content-Type")
		delete(h, "Content-Length")
		w.WriteHeader(http.StatusNotModified)
		return http.StatusNotModified
	}
	_, _ = w.Write(d.Body) // the caller is gone: nothing to do about it
	return http.StatusOK
}
