package op

import (
	"context"
	"maps"
	"slices"

	"github.com/minddistrict/idp/grant"
)

// userinfo answers with the claims of the token's scopes, and with single ones (OpenID Connect Core 1.0 sections 5.3 and
// 5.5). One read decides whether the grant still stands.
func (s *Server) userinfo(ctx context.Context, c *call) (any, error) {
	l, a, err := s.livePerson(ctx, c.platform, c.token)
	if err != nil {
		return nil, s.fail(ctx, "userinfo", deadToken(err))
	}
	if err := c.shows(l.handle); err != nil {
		return nil, s.fail(ctx, "userinfo", err)
	}
	if l.grant == nil || !slices.Contains(l.Scopes, "openid") {
		return nil, s.fail(ctx, "userinfo", refuse(insufficientScope, "needs openid"))
	}
	named := l.grant.UserInfoNames(l.party)
	claims := grant.Claims(a, l.Scopes, named)
	maps.Copy(claims, l.grant.SignIn(named))
	claims["sub"] = l.party.Subject(a.ID, c.platform.Salt)
	return claims, nil
}
