package conformance

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/minddistrict/idp/test/browser"
)

// Receiver is where the parties of the suite are told that a session ended: the backchannel_logout_uri of all of them.
type Receiver struct {
	Change func(url.Values) // of what came, before it is kept; nil: nothing is changed

	lock sync.Mutex // guards got
	got  []url.Values
}

// ServeHTTP takes a logout token and answers that the person is logged out (Back-Channel Logout 1.0 section 2.8).
func (x *Receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if err := r.ParseForm(); err != nil || r.Method != http.MethodPost {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	x.lock.Lock()
	defer x.lock.Unlock()
	if x.Change != nil {
		x.Change(r.PostForm)
	}
	x.got = append(x.got, r.PostForm)
}

// of finds what came for a session; nil: nothing yet.
func (x *Receiver) of(sid string) url.Values {
	x.lock.Lock()
	defer x.lock.Unlock()
	for _, form := range x.got {
		if parts := strings.Split(form.Get("logout_token"), "."); len(parts) == 3 {
			payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
			if claims, err := object(payload); err == nil && text(claims, "sid") == sid {
				return form
			}
		}
	}
	return nil
}

// verifyBackchannelDiscovery is oidcc-backchannel-logout-discovery-endpoint-verification.
func verifyBackchannelDiscovery(r *run) error {
	for _, name := range []string{"backchannel_logout_supported", "backchannel_logout_session_supported"} {
		if r.meta[name] != true {
			r.fail("discovery: %s is %v", name, r.meta[name])
		}
	}
	return verifyLogoutDiscovery(r)
}

// logoutEvent makes a token a logout token (Back-Channel Logout 1.0 section 2.4).
const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// toldOfLogout is oidcc-backchannel-rp-initiated-logout.
func toldOfLogout(r *run) error {
	if r.Told == nil {
		return skipped("nobody receives logout tokens here")
	}
	sent, seen, err := r.signOut(func(url.Values) error { return nil })
	if err != nil {
		return err
	}
	if seen.arrived == nil {
		r.fail("signing out ended on a page: %s", browser.Text(r.browser.page))
	}
	id, _, err := r.verified(sent.Get("id_token_hint"))
	if err != nil {
		return err
	}
	var form url.Values
	for range 15 { // the official suite waits as long
		if form = r.Told.of(text(id, "sid")); form != nil {
			break
		}
		r.wait(time.Second)
	}
	if form == nil {
		return errors.New("no logout token came for the session of the ID token")
	}
	if len(form) != 1 || len(form["logout_token"]) != 1 {
		r.fail("told of the logout: more than logout_token: %d parameters", len(form))
	}
	if err := r.checkLogoutToken(form.Get("logout_token"), id); err != nil {
		return err
	}
	return r.checkSignedOut()
}

// checkLogoutToken: Back-Channel Logout 1.0 sections 2.4 and 2.6.
func (r *run) checkLogoutToken(token string, id map[string]any) error {
	claims, _, err := r.verified(token)
	if err != nil {
		return fmt.Errorf("logout token: %w", err)
	}
	if text(claims, "iss") != text(r.meta, "issuer") {
		r.fail("logout token: iss %v", claims["iss"])
	}
	r.checkAudience(claims)
	iat, ok := number(claims, "iat")
	if age := r.Now().Sub(time.Unix(iat, 0)); !ok || age > 24*time.Hour || age < -skew {
		r.fail("logout token: iat %v", claims["iat"])
	}
	if exp, ok := number(claims, "exp"); !ok || !r.Now().Before(time.Unix(exp, 0).Add(skew)) {
		r.fail("logout token: exp %v", claims["exp"])
	}
	if text(claims, "jti") == "" {
		r.fail("logout token: jti %v", claims["jti"])
	}
	events, _ := claims["events"].(map[string]any)
	if event, ok := events[logoutEvent].(map[string]any); !ok || len(events) != 1 || len(event) != 0 {
		r.fail("logout token: events %v", claims["events"])
	}
	for _, name := range []string{"sub", "sid"} {
		if claims[name] != id[name] {
			r.fail("logout token: %s %v, the ID token has %v", name, claims[name], id[name])
		}
	}
	if nonce, has := claims["nonce"]; has {
		r.fail("logout token: nonce %v", nonce)
	}
	return nil
}
