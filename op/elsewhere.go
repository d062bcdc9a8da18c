package op

import (
	"net/url"
	"strings"

	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/platform"
)

// providerValue begins a value of `acr_values` that names where somebody signs in, as other products have it.
const providerValue = "idp:"

// readElsewhere reads acr_values, and at which organisation the person is to sign in: `idp_hint`, or `idp:NAME` among
// acr_values, names a connection, and `domain_hint` a domain of mail addresses. Both are hints: what no open connection
// has is as if it was not sent, and only names of ours go on from here.
func (s *Server) readElsewhere(p *platform.Platform, req *grant.AuthRequest, form url.Values) {
	names := []string{form.Get("idp_hint")}
	for _, value := range strings.Fields(form.Get("acr_values")) {
		if name, ok := strings.CutPrefix(value, providerValue); ok {
			names = append(names, name)
			continue
		}
		req.Ask.ACR = append(req.Ask.ACR, value)
	}
	all := s.Registry.Connections(p.ID)
	for _, name := range names {
		if c := federation.Named(all, name); c != nil {
			req.Ask.IDPHint = string(c.ID)
			break
		}
	}
	if domain := form.Get("domain_hint"); domain != "" && federation.OfDomain(all, domain) != nil {
		req.Ask.DomainHint = strings.ToLower(domain)
	}
}
