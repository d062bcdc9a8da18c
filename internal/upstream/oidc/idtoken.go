package oidc

import (
	"context"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/minddistrict/idp/federation"
)

// backdated is how much earlier than it was made an ID token may say to be: Entra says five minutes, for those whose
// clock is behind.
const backdated = 5 * time.Minute

// maxName is how long a `sub`, `sid` or `jti` may be, in bytes (OpenID Connect Core 1.0 section 2, of `sub`).
const maxName = 255

// idToken are the claims of an ID token that answers a request (OpenID Connect Core 1.0 section 3.1.3.7).
func (u *Upstream) idToken(ctx context.Context, c *federation.Connection, m metadata, t federation.UpstreamRequest,
	raw string) (map[string]any, error) {
	typ, claims, err := u.signed(ctx, m, "ID token", raw)
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(typ, "+jwt") { // made for something else (RFC 8725 section 3.11)
		return nil, refuse(federation.BadForm, "ID token has typ %q, wanted is JWT or none", shown(typ))
	}
	if err := addressed(c, "ID token", claims); err != nil {
		return nil, err
	}
	if err := party(c, claims); err != nil {
		return nil, err
	}
	if got, _ := claims["nonce"].(string); got == "" || got != t.Nonce {
		return nil, refuse(federation.BadAudience,
			"ID token has no nonce, or not the one that was sent: it answers another request")
	}
	now := u.now()
	issued, expires, err := times("ID token", claims, now)
	switch {
	case err != nil:
		return nil, err
	case expires.IsZero():
		return nil, refuse(federation.BadForm, "ID token has no exp that is a number of seconds")
	case issued.Before(t.Began.Add(-backdated - federation.MaxSkew)):
		return nil, refuse(federation.BadTime, "ID token is of %s (iat), and the sign-in began at %s", stamp(issued),
			stamp(t.Began))
	}
	if at, ok := moment(claims["auth_time"]); ok && at.After(now.Add(federation.MaxSkew)) {
		return nil, refuse(federation.BadTime, "ID token has auth_time %s, and it is %s", stamp(at), stamp(now))
	}
	if _, err := named("ID token", claims, "sub", true); err != nil {
		return nil, err
	}
	_, err = named("ID token", claims, "sid", false)
	return claims, err
}

// addressed says that a token is from this upstream, and for us.
func addressed(c *federation.Connection, name string, claims map[string]any) error {
	if got, _ := claims["iss"].(string); got != c.OIDC.Issuer {
		return refuse(federation.BadAudience, "%s has iss %q, wanted is %q", name, shown(got), c.OIDC.Issuer)
	}
	all := audience(claims)
	if !slices.Contains(all, c.OIDC.ClientID) {
		return refuse(federation.BadAudience, "%s has aud %q, wanted is %q", name, shown(strings.Join(all, " ")),
			c.OIDC.ClientID)
	}
	return nil
}

func audience(claims map[string]any) []string {
	if one, ok := claims["aud"].(string); ok {
		return []string{one}
	}
	list, _ := claims["aud"].([]any)
	all := texts(claims["aud"])
	if len(all) != len(list) {
		return nil
	}
	return all
}

// party says that an ID token was made for us, where it is for others as well, or says for whom.
func party(c *federation.Connection, claims map[string]any) error {
	azp, there := claims["azp"]
	if !there && len(audience(claims)) == 1 {
		return nil
	}
	if got, _ := azp.(string); got != c.OIDC.ClientID {
		return refuse(federation.BadAudience, "ID token has azp %q, wanted is %q", shown(got), c.OIDC.ClientID)
	}
	return nil
}

// times are when a token was issued, and when it ends; expires is zero where it does not say. A Refusal: it is early or
// late.
func times(name string, claims map[string]any, now time.Time) (issued, expires time.Time, err error) {
	issued, ok := moment(claims["iat"])
	if !ok {
		return issued, expires, refuse(federation.BadForm, "%s has no iat that is a number of seconds", name)
	}
	if _, there := claims["exp"]; there {
		if expires, ok = moment(claims["exp"]); !ok {
			return issued, expires, refuse(federation.BadForm, "%s has no exp that is a number of seconds", name)
		}
	}
	begins := issued
	if _, there := claims["nbf"]; there {
		if begins, ok = moment(claims["nbf"]); !ok {
			return issued, expires, refuse(federation.BadForm, "%s has no nbf that is a number of seconds", name)
		}
	}
	switch {
	case issued.After(now.Add(federation.MaxSkew)):
		return issued, expires, refuse(federation.BadTime, "%s is of %s (iat), and it is %s", name, stamp(issued), stamp(now))
	case begins.After(now.Add(federation.MaxSkew)):
		return issued, expires, refuse(federation.BadTime, "%s counts from %s (nbf), and it is %s", name, stamp(begins),
			stamp(now))
	case !expires.IsZero() && !expires.After(now.Add(-federation.MaxSkew)):
		return issued, expires, refuse(federation.BadTime, "%s counts until %s (exp), and it is %s", name, stamp(expires),
			stamp(now))
	}
	return issued, expires, nil
}

// moment is a NumericDate (RFC 7519 section 2): a number, and never a text.
func moment(v any) (time.Time, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return time.Time{}, false
	}
	f, err := n.Float64()
	if err != nil || f <= 0 || f > 1<<36 { // the year 4147
		return time.Time{}, false
	}
	whole, part := math.Modf(f)
	return time.Unix(int64(whole), int64(part*1e9)).UTC(), true
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// named is a claim that is a name: a text, of 1 to 255 bytes that are printable. Empty: it is not there and needs not
// be.
func named(token string, claims map[string]any, name string, wanted bool) (string, error) {
	v, there := claims[name]
	if !there && !wanted {
		return "", nil
	}
	s, ok := v.(string)
	if !ok || s == "" || len(s) > maxName || shown(s) != s {
		return "", refuse(federation.BadForm, "%s has no %s that is a text of 1 to %d bytes", token, name, maxName)
	}
	return s, nil
}
