package phone

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"
)

// ErrNotSignedIn says that there is no token for what was asked: sign in, or enter the PIN.
var ErrNotSignedIn = errors.New("there is no token for this")

// Tokens are those of one PIN. They are in memory and end with the app.
type Tokens struct {
	AccessToken  string
	RefreshToken string
	Scope        string
	ExpiresAt    time.Time      // of the access token, on the clock of the phone
	WrongBefore  int            // wrong PINs since the last right one: the app shows it
	Claims       map[string]any // of the ID token, which was verified
}

// tokenAnswer is RFC 6749 section 5.1, OpenID Connect Core 1.0 section 3.1.3.3, and ours.
type tokenAnswer struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int    `json:"expires_in"` // seconds
	RefreshToken string `json:"refresh_token"`
	IDToken      string `json:"id_token"`
	Scope        string `json:"scope"`
	WrongBefore  int    `json:"wrong_before"`
}

// SetPIN chooses a PIN after a sign-in by browser or QR code, the first or another after the old one was forgotten.
// After it comes EnterPIN. If no answer came, the same PIN may be sent again; InvalidToken: sign in again.
func (d *Device) SetPIN(ctx context.Context, pin string) error {
	if err := CheckPIN(pin); err != nil {
		return err
	}
	if d.pinToken == "" {
		return ErrNotSignedIn
	}
	if !d.app.Store.HasSecret(d.issuer) {
		if err := d.app.Store.MakeSecret(d.issuer); err != nil {
			return err
		}
	}
	key, err := d.pinKey(pin)
	if err != nil {
		return err
	}
	d.tokens = nil // they end with the PIN that was
	err = d.call(ctx, request{
		method: "PUT", url: d.issuer + "/app/pin", token: d.pinToken, form: fields("pin_key", encode(key)),
	}, nil)
	if err == nil || errors.Is(err, &Error{Code: InvalidToken}) {
		d.pinToken = ""
	}
	return err
}

// pinKey is made anew from the digits each time and never stored.
func (d *Device) pinKey(pin string) ([]byte, error) {
	jkt, err := d.thumbprint()
	if err != nil {
		return nil, err
	}
	return d.app.Store.MAC(d.issuer, PINMessage(d.issuer, jkt, pin))
}

// EnterPIN signs in. scope asks for less than the device may have; empty: all of it. An Error tells what is to be done:
// InvalidGrant with TriesLeft, or with DeviceRemoved, after which key and secret are destroyed; MoreIsWanted; SlowDown.
func (d *Device) EnterPIN(ctx context.Context, pin, scope string) (*Tokens, error) {
	if !isPIN(pin) {
		return nil, ErrNoPIN
	}
	if !d.HasPIN() {
		return nil, ErrNotSignedIn
	}
	key, err := d.pinKey(pin)
	if err != nil {
		return nil, err
	}
	d.tokens = nil
	return d.get(ctx, func(p Proof) url.Values {
		return fields("grant_type", "urn:minddistrict:params:oauth:grant-type:pin", "client_id", d.app.ClientID,
			"pin_proof", encode(PINProof(key, p.ID, p.Nonce)), "scope", scope)(p)
	})
}

// Refresh renews the tokens without a person. After InvalidGrant the session is over: the PIN is asked.
func (d *Device) Refresh(ctx context.Context) (*Tokens, error) {
	if d.tokens == nil || d.tokens.RefreshToken == "" {
		return nil, ErrNotSignedIn
	}
	before := d.tokens
	next, err := d.get(ctx, fields("grant_type", "refresh_token", "client_id", d.app.ClientID,
		"refresh_token", before.RefreshToken))
	if errors.Is(err, &Error{Code: InvalidGrant}) {
		d.tokens = nil
	}
	if err != nil {
		return nil, err
	}
	if next.RefreshToken == "" {
		next.RefreshToken = before.RefreshToken
	}
	next.WrongBefore = before.WrongBefore
	if next.Claims == nil {
		next.Claims = before.Claims
	} else if next.Claims["sub"] != before.Claims["sub"] { // OpenID Connect Core 1.0 section 12.2
		d.tokens = nil
		return nil, &Error{Code: badAnswer, Description: "tokens of somebody else"}
	}
	return next, nil
}

// get asks the token endpoint for tokens and keeps them.
func (d *Device) get(ctx context.Context, form func(Proof) url.Values) (*Tokens, error) {
	s, err := d.discover(ctx)
	if err != nil {
		return nil, err
	}
	var a tokenAnswer
	if err := d.call(ctx, request{method: "POST", url: s.Token, form: form}, &a); err != nil {
		var e *Error
		if errors.As(err, &e) && e.Code == InvalidGrant && e.DeviceRemoved {
			return nil, errors.Join(err, d.forget())
		}
		return nil, err
	}
	if a.AccessToken == "" || !strings.EqualFold(a.TokenType, "DPoP") {
		return nil, &Error{Code: badAnswer, Description: "not a token that is bound to the device key"}
	}
	t := &Tokens{AccessToken: a.AccessToken, RefreshToken: a.RefreshToken, Scope: a.Scope, WrongBefore: a.WrongBefore,
		ExpiresAt: d.app.Now().Add(time.Duration(a.ExpiresIn) * time.Second)}
	if a.IDToken != "" {
		if t.Claims, err = d.verify(ctx, a.IDToken); err != nil {
			return nil, err
		}
	}
	d.tokens = t
	return t, nil
}

// Tokens are the ones that there are, nil before the PIN.
func (d *Device) Tokens() *Tokens { return d.tokens }

// UserInfo asks who is signed in. After InvalidToken the app refreshes.
func (d *Device) UserInfo(ctx context.Context) (map[string]any, error) {
	if d.tokens == nil {
		return nil, ErrNotSignedIn
	}
	s, err := d.discover(ctx)
	if err != nil {
		return nil, err
	}
	var claims map[string]any
	err = d.call(ctx, request{method: "GET", url: s.UserInfo, token: d.tokens.AccessToken}, &claims)
	return claims, err
}

// LogOut ends the session; the device stays and asks the PIN. Without a connection the tokens are gone all the same,
// and the session ends by itself.
func (d *Device) LogOut(ctx context.Context) error {
	t := d.tokens
	d.tokens = nil
	if t == nil {
		return nil
	}
	s, err := d.discover(ctx)
	if err != nil {
		return err
	}
	token := t.RefreshToken
	if token == "" {
		token = t.AccessToken
	}
	return d.call(ctx, request{
		method: "POST", url: s.Revocation, bare: true, form: fields("client_id", d.app.ClientID, "token", token),
	}, nil)
}
