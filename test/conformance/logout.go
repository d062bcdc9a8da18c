package conformance

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/minddistrict/idp/test/browser"
)

// signOut signs in, and then sends the browser to the end of the session with changed parameters.
func (r *run) signOut(change func(url.Values) error) (url.Values, *sighting, error) {
	in, err := r.signIn(r.ask("state", longState()))
	if err != nil {
		return nil, nil, err
	}
	end := text(r.meta, "end_session_endpoint")
	if end == "" {
		return nil, nil, errors.New("discovery: no end_session_endpoint")
	}
	values := url.Values{"id_token_hint": {in.idToken}, "post_logout_redirect_uri": {r.logoutURI()}, "state": {longState()}}
	if err := change(values); err != nil {
		return nil, nil, err
	}
	if len(values) > 0 {
		end += "?" + values.Encode()
	}
	seen, err := r.browser.visit(r.ctx, end, false)
	return values, seen, err
}

// logoutAndBack is oidcc-rp-initiated-logout.
func logoutAndBack(r *run) error { return r.signOutAndBack(func(url.Values) error { return nil }) }

// logoutWithoutState is oidcc-rp-initiated-logout-no-state.
func logoutWithoutState(r *run) error {
	return r.signOutAndBack(func(v url.Values) error { v.Del("state"); return nil })
}

// signOutAndBack expects the browser at the registered address with the state that was sent and nothing else.
func (r *run) signOutAndBack(change func(url.Values) error) error {
	sent, seen, err := r.signOut(change)
	if err != nil {
		return err
	}
	if seen.arrived == nil {
		return fmt.Errorf("signing out ended on a page: %s", browser.Text(r.browser.page))
	}
	back := *seen.arrived.url
	got := back.Query()
	back.RawQuery = ""
	if back.String() != r.logoutURI() || seen.arrived.method != http.MethodGet {
		r.fail("signed out: %s %s, wanted GET %s", seen.arrived.method, back.String(), r.logoutURI())
	}
	if got.Get("state") != sent.Get("state") || got.Has("state") != sent.Has("state") || len(got["state"]) > 1 {
		r.fail("signed out: state %q, sent %q", got["state"], sent["state"])
	}
	r.checkKnown("signed out", got, "state")
	return r.checkSignedOut()
}

// checkSignedOut: nobody is signed in any more.
func (r *run) checkSignedOut() error {
	_, err := r.refused(r.ask("prompt", "none", "state", longState()), noUserInterface...)
	return err
}

// stays expects a page that says what is wrong or asks whether to sign out, and no redirect to the party.
func (r *run) stays(change func(url.Values) error) error {
	_, seen, err := r.signOut(change)
	if err != nil {
		return err
	}
	return r.checkErrorPage(seen)
}

// logoutElsewhere is oidcc-rp-initiated-logout-bad-post-logout-redirect-uri.
func logoutElsewhere(r *run) error {
	return r.stays(func(v url.Values) error { v.Set("post_logout_redirect_uri", r.logoutURI()+"/"+rand.Text()); return nil })
}

// logoutQueryAdded is oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri.
func logoutQueryAdded(r *run) error {
	return r.stays(func(v url.Values) error { v.Set("post_logout_redirect_uri", r.logoutURI()+"?foo=bar"); return nil })
}

// logoutWithoutHint is oidcc-rp-initiated-logout-no-id-token-hint.
func logoutWithoutHint(r *run) error {
	return r.stays(func(v url.Values) error { v.Del("id_token_hint"); return nil })
}

// logoutUnsignedHint is oidcc-rp-initiated-logout-modified-id-token-hint.
func logoutUnsignedHint(r *run) error {
	return r.stays(func(v url.Values) error {
		parts := strings.Split(v.Get("id_token_hint"), ".")
		if len(parts) != 3 {
			return errors.New("ID token: not three parts")
		}
		v.Set("id_token_hint", base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`))+"."+parts[1]+".")
		return nil
	})
}

// logoutForeignHint is oidcc-rp-initiated-logout-bad-id-token-hint.
func logoutForeignHint(r *run) error {
	return r.stays(func(v url.Values) error {
		hint, err := signedByAnother(v.Get("id_token_hint"))
		v.Set("id_token_hint", hint)
		return err
	})
}

// signedByAnother keeps header and claims of a token and signs with a key that nobody published.
func signedByAnother(token string) (string, error) {
	jws, err := jose.ParseSignedCompact(token, signatures)
	if err != nil {
		return "", err
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return "", err
	}
	options := (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", jws.Signatures[0].Protected.KeyID)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: key}, options)
	if err != nil {
		return "", err
	}
	forged, err := signer.Sign(jws.UnsafePayloadWithoutVerification())
	if err != nil {
		return "", err
	}
	return forged.CompactSerialize()
}

// ends expects a page that says that the person is signed out, and that this is true.
func (r *run) ends(change func(url.Values) error) error {
	_, seen, err := r.signOut(change)
	if err != nil {
		return err
	}
	if err := r.checkErrorPage(seen); err != nil {
		return err
	}
	return r.checkSignedOut()
}

// logoutBare is oidcc-rp-initiated-logout-no-params.
func logoutBare(r *run) error {
	return r.ends(func(v url.Values) error { clear(v); return nil })
}

// logoutNowhere is oidcc-rp-initiated-logout-no-post-logout-redirect-uri.
func logoutNowhere(r *run) error {
	return r.ends(func(v url.Values) error { v.Del("post_logout_redirect_uri"); return nil })
}

// logoutOnlyState is oidcc-rp-initiated-logout-only-state.
func logoutOnlyState(r *run) error {
	return r.ends(func(v url.Values) error {
		v.Del("post_logout_redirect_uri")
		v.Del("id_token_hint")
		return nil
	})
}
