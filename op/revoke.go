package op

import (
	"context"
	"errors"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
)

// revoke ends the grant of a token (RFC 7009): every token of it is dead at once. Another party's token and an
// unknown one are answered alike, with nothing done (section 2.2). A token without a grant cannot be taken back, and
// its party is told so (section 2.2.1).
func (s *Server) revoke(ctx context.Context, c *call) (any, error) {
	party, p := c.party, c.platform
	r := oidc.RevocationRequest{Token: c.form.Get("token")} // token_type_hint may be ignored (section 2.1)
	if r.Token == "" {
		return nil, refuse("invalid_request", "token is missing")
	}
	ending := grant.Ending{Platform: p.ID, Party: party.ID, Reason: grant.Revoked, From: origin(ctx), Now: c.now}
	var err error
	if h, openErr := s.openAccess(p, r.Token); openErr == nil {
		if h.Grant == "" && h.Party == party.ID {
			return nil, s.fail(ctx, "revoking", refuse(unsupportedTokenType, "a token of client credentials ends by itself"))
		}
		err = s.loggingOut(ctx, c, h.Grant, func() error { return s.Grants.EndGrant(ctx, h.Grant, ending) })
	} else if refresh, ok := s.readRefresh(party, r.Token); ok {
		err = s.loggingOut(ctx, c, refresh.Grant, func() error { return s.Grants.RevokeRefresh(ctx, refresh, ending) })
	}
	if err != nil && !errors.Is(err, fault.NotFound) {
		return nil, s.fail(ctx, "revoking", err) // never 200 for something that was not done
	}
	return nil, nil
}
