package op

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/platform"
)

// neverInURL are the parameters that hold a secret, a code or a token, the gravest first: an address is kept by
// browsers, proxies and their logs (RFC 6749 section 2.3.1, RFC 6750 section 5.3, RFC 9700 section 4.3). Hints belong
// there.
var neverInURL = []string{
	"client_secret", "password", "refresh_token", "access_token", "client_assertion", "assertion", "subject_token", "actor_token",
	"token", "code", "code_verifier",
}

// recordExposedSecret puts on record that an address held one of them, at a route of ours: which one, and whose, as far
// as that can be told. Of several it is the gravest: one line a minute tells whoever mends it. The value is in no line.
func (s *Server) recordExposedSecret(r *http.Request, route string) {
	name, value, id := inURL(r.URL.RawQuery)
	if name == "" {
		return
	}
	p := platform.FromContext(r.Context())
	party := s.partyOf(p, r, id)
	if h, err := s.openAccess(p, value); party == "" && err == nil {
		party = h.Party
	}
	s.recordOnce(r.Context(), audit.SecretExposed, party, name+" at "+route)
}

// partyOf is the registered party that a request names, without proof, or "".
func (s *Server) partyOf(p *platform.Platform, r *http.Request, inURL string) grant.PartyID {
	user, _, _ := r.BasicAuth()
	user, _ = url.QueryUnescape(user) // "" is no party
	for _, id := range []string{user, r.PostForm.Get("client_id"), inURL} {
		if party, known := s.Registry.Party(p.ID, grant.PartyID(id)); known {
			return party.ID
		}
	}
	return ""
}

// inURL finds the gravest secret of a query, and the client_id beside it. It reads what no form has, too: a query that
// cannot be parsed is in the logs all the same.
func inURL(query string) (name, value, party string) {
	gravest := len(neverInURL)
	for pair := range strings.FieldsFuncSeq(query, func(r rune) bool { return r == '&' || r == ';' }) {
		key, held, _ := strings.Cut(pair, "=")
		if plain, err := url.QueryUnescape(key); err == nil {
			key = plain
		}
		if plain, err := url.QueryUnescape(held); err == nil {
			held = plain
		}
		key = strings.ToLower(strings.TrimSpace(key))
		if key == "client_id" {
			party = held
		}
		if i := slices.Index(neverInURL, key); i >= 0 && i < gravest && held != "" {
			gravest, name, value = i, key, held
		}
	}
	return name, value, party
}

// Unserved looks at a request whose method is not served at its address, before it is refused.
func (s *Server) Unserved(next http.Handler) http.Handler {
	routes := map[string]string{}
	for _, e := range endpoints {
		if e.CrossSite { // parties and their programs send it parameters
			routes[e.Path] = e.Route
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if route, ours := routes[r.URL.Path]; ours {
			s.recordExposedSecret(r, route)
		}
		next.ServeHTTP(w, r)
	})
}
