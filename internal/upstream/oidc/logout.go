package oidc

import (
	"context"
	"net/http"
	"time"

	"github.com/minddistrict/idp/federation"
)

// logoutEvent is what makes a token a logout token (OpenID Connect Back-Channel Logout 1.0 section 2.4).
const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// logoutLife is how old a logout token may be: it is sent when it is made, and its `jti` is remembered as long.
const logoutLife = 10 * time.Minute

// Ended is what a logout token says that an upstream posted to us (OpenID Connect Back-Channel Logout 1.0 section 2.6).
// That it works once is for the caller. Every failure is a Refusal.
func (u *Upstream) Ended(ctx context.Context, c *federation.Connection, r *http.Request) (federation.Logout, error) {
	ctx, cancel := context.WithTimeout(ctx, totalTime)
	defer cancel()
	if r.Method != http.MethodPost {
		return federation.Logout{}, refuse(federation.BadForm, "a logout token comes by %s, wanted is POST", shown(r.Method))
	}
	got, err := response(r)
	if err != nil {
		return federation.Logout{}, err
	}
	if n := len(got["logout_token"]); n != 1 {
		return federation.Logout{}, refuse(federation.BadForm, "logout_token is there %d times, wanted is once", n)
	}
	m, err := u.about(ctx, c)
	if err != nil {
		return federation.Logout{}, err
	}
	const name = "logout token"
	typ, claims, err := u.signed(ctx, m, name, got.Get("logout_token"))
	if err != nil {
		return federation.Logout{}, err
	}
	if typ != "" && typ != "jwt" && typ != "logout+jwt" {
		return federation.Logout{}, refuse(federation.BadForm, "%s has typ %q, wanted is logout+jwt, JWT or none", name,
			shown(typ))
	}
	if err := addressed(c, name, claims); err != nil {
		return federation.Logout{}, err
	}
	if err := isLogout(claims); err != nil {
		return federation.Logout{}, err
	}
	now := u.now()
	issued, expires, err := times(name, claims, now)
	if err != nil {
		return federation.Logout{}, err
	}
	last := issued.Add(logoutLife)
	if !last.After(now.Add(-federation.MaxSkew)) {
		return federation.Logout{}, refuse(federation.BadTime, "%s is of %s (iat), and it is %s", name, stamp(issued),
			stamp(now))
	}
	if !expires.IsZero() && expires.Before(last) {
		last = expires
	}
	return ended(claims, last.Add(federation.MaxSkew))
}

// isLogout says that a token was made to end something. An ID token has a nonce, and no event.
func isLogout(claims map[string]any) error {
	events, _ := claims["events"].(map[string]any)
	if _, ok := events[logoutEvent].(map[string]any); !ok {
		return refuse(federation.BadForm, "logout token has no events with %s", logoutEvent)
	}
	if _, there := claims["nonce"]; there {
		return refuse(federation.BadForm, "logout token has a nonce, wanted is none")
	}
	return nil
}

func ended(claims map[string]any, until time.Time) (e federation.Logout, err error) {
	const name = "logout token"
	e.Until = until
	if e.ID, err = named(name, claims, "jti", true); err != nil {
		return federation.Logout{}, err
	}
	if e.Subject, err = named(name, claims, "sub", false); err != nil {
		return federation.Logout{}, err
	}
	session, err := named(name, claims, "sid", false)
	if err != nil {
		return federation.Logout{}, err
	}
	if session != "" {
		e.Sessions = []string{session}
	}
	if e.Subject == "" && session == "" {
		return federation.Logout{}, refuse(federation.BadForm, "logout token has neither sub nor sid")
	}
	return e, nil
}
