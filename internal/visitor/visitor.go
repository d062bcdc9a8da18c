// Package visitor reads who comes by in a browser: who is signed in there, and what they allowed.
//
// Every door asks it, so that a cookie means the same at each: a session counts in its own channel only, whatever name
// its cookie was given, and begins its idle hour anew for what a person does. It knows no door, and decides nothing:
// what is still wanted of who is signed in, authn.Missing says.
package visitor

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/platform"
)

// Store is what is known of visitors; each method is one transaction.
type Store interface {
	Session(ctx context.Context, p platform.ID, cookie []byte, now time.Time) (*authn.Session, *account.Account, error)
	TouchSession(ctx context.Context, p platform.ID, sid string, now time.Time) error
	Consent(ctx context.Context, p platform.ID, id account.ID, party string) (*authn.Consent, error)
}

// Reader reads what is known of visitors.
type Reader struct{ Store Store }

// Cookie is the name of the cookie that holds the session of a channel.
func Cookie(c authn.Channel) string {
	if c == authn.App {
		return web.AppCookie
	}
	return web.SessionCookie
}

// Session is the live session of this browser for a channel, and whose it is; nil when there is none.
func (v Reader) Session(
	r *http.Request, p platform.ID, c authn.Channel, now time.Time,
) (*authn.Session, *account.Account, error) {
	cookie := web.CookieHash(r, p, Cookie(c))
	if cookie == nil {
		return nil, nil, nil
	}
	return v.Of(r.Context(), p, cookie, c, now)
}

// Of is Session for a cookie that is known by its hash.
func (v Reader) Of(
	ctx context.Context, p platform.ID, cookie []byte, c authn.Channel, now time.Time,
) (*authn.Session, *account.Account, error) {
	session, a, err := v.Store.Session(ctx, p, cookie, now)
	if errors.Is(err, fault.NotFound) {
		return nil, nil, nil
	}
	if err != nil || session.Channel != c { // the cookie of the other channel, renamed
		return nil, nil, err
	}
	return session, a, nil
}

// Seen notes that somebody is at work in a session, if a request is a person's: the idle hour begins anew.
func (v Reader) Seen(r *http.Request, s *authn.Session, now time.Time) error {
	if !web.Activity(r) || now.Sub(s.SeenAt) < authn.SeenEvery {
		return nil
	}
	return v.Store.TouchSession(r.Context(), s.Platform, s.ID, now)
}

// Consent is what somebody allowed a party; nil when nothing.
func (v Reader) Consent(ctx context.Context, p platform.ID, id account.ID, party string) (*authn.Consent, error) {
	consent, err := v.Store.Consent(ctx, p, id, party)
	if errors.Is(err, fault.NotFound) {
		return nil, nil
	}
	return consent, err
}
