package op

import (
	"context"
	"slices"
	"time"

	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/platform"
)

// longestAssertion is how far ahead the end of a client assertion may be: its jti is remembered as long.
const longestAssertion = 10 * time.Minute

// assertionTypes are what a client assertion may call itself: nothing, as most do, or that it is a JWT, or that it is
// one (draft-ietf-oauth-rfc7523bis). Another name says that the party signed it for something else (RFC 8725 section
// 3.11).
var assertionTypes = []string{"", "JWT", "client-authentication+jwt"}

// asserts reports whether an assertion proves a party: signed with a key that it registered, by and about itself, for
// us, for now, and shown for the first time (RFC 7523 section 3, OpenID Connect Core 1.0 section 9). nil: it does. A
// party that is registered for another way proves itself by that one only.
func (s *Server) asserts(ctx context.Context, e Endpoint, party *grant.Party, c credentials) error {
	if party.Auth != grant.PrivateKeyJWT {
		return flaw("an assertion came" + registeredIs(party))
	}
	j, err := s.verifySigned(ctx, party, c.assertion, party.AuthAlgs())
	if err != nil {
		return err
	}
	switch p := platform.FromContext(ctx); {
	case !j.is(assertionTypes...):
		return flaw("typ")
	case j.issuer != string(party.ID):
		return flaw("iss is another")
	case j.subject != string(party.ID):
		return flaw("sub is another")
	case !addressed(j, p, e, party):
		return flaw("aud")
	}
	if err := j.timely(s.Now(), longestAssertion); err != nil {
		return err
	}
	if err := j.checkID(); err != nil {
		return err
	}
	return s.spendJTI(ctx, useAssertion, party.Platform, string(party.ID), j.id, j.expires.Add(clockSkew))
}

// addressed reports whether an assertion is for us and nobody else. A party that is held to FAPI 2.0 says our issuer,
// as a text (FAPI 2.0 Security Profile section 5.3.2.1). Others may also say the token endpoint (RFC 7523 section 3),
// or the one that they call (RFC 9126 section 2), in a list as well if every member is one of these: with a member of
// somebody else's choice, an assertion for them would be one for us.
func addressed(j signedJWT, p *platform.Platform, e Endpoint, party *grant.Party) bool {
	if party.FAPI() {
		return j.oneAudience && j.audience[0] == string(p.Issuer)
	}
	ours := []string{string(p.Issuer), p.URL(pathToken), p.URL(e.Path)}
	return len(j.audience) > 0 && !slices.ContainsFunc(j.audience, func(a string) bool { return !slices.Contains(ours, a) })
}
