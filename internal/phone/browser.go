package phone

import (
	"context"
	"errors"
	"net/url"
)

// ErrNotAnswered says that an address with which the app was opened does not answer this request: it is ignored.
var ErrNotAnswered = errors.New("this address does not answer what the app asked")

// SignIn is a sign-in in the browser of the phone, until the browser comes back. It is in memory: an app that was ended
// meanwhile begins again.
type SignIn struct {
	URL             string // for the system's browser, never a web view inside the app
	device          *Device
	verifier, state string
	done            bool
}

// SignIn begins a sign-in by browser. more are further parameters: acr_values after MoreIsWanted, ui_locales,
// login_hint.
func (d *Device) SignIn(ctx context.Context, more url.Values) (*SignIn, error) {
	s, err := d.discover(ctx)
	if err != nil {
		return nil, err
	}
	jkt, err := d.thumbprint()
	if err != nil {
		return nil, err
	}
	signIn := &SignIn{device: d, verifier: random(), state: random()}
	ask := url.Values{
		"response_type": {"code"}, "client_id": {d.app.ClientID}, "redirect_uri": {d.app.RedirectURI},
		"scope": {d.app.Scope}, "state": {signIn.state}, "nonce": {random()},
		"code_challenge": {Challenge(signIn.verifier)}, "code_challenge_method": {"S256"}, "dpop_jkt": {jkt},
	}
	for name, values := range more {
		ask[name] = values
	}
	signIn.URL = s.Authorization + "?" + ask.Encode()
	return signIn, nil
}

// Redeem takes the address with which the browser opened the app. After it the device can SetPIN, or EnterPIN with the
// one that it has. ErrNotAnswered: somebody else opened the app, go on waiting.
func (s *SignIn) Redeem(ctx context.Context, address string) error {
	u, err := url.Parse(address)
	if err != nil || s.done {
		return ErrNotAnswered
	}
	said := u.Query()
	u.RawQuery, u.Fragment = "", ""
	// iss (RFC 9207) is compared in errors too.
	if u.String() != s.device.app.RedirectURI || said.Get("state") != s.state || said.Get("iss") != s.device.issuer {
		return ErrNotAnswered
	}
	s.done = true
	if code := said.Get("error"); code != "" {
		return &Error{Code: code, Description: said.Get("error_description")}
	}
	return s.device.redeem(ctx, fields("grant_type", "authorization_code", "client_id", s.device.app.ClientID,
		"code", said.Get("code"), "redirect_uri", s.device.app.RedirectURI, "code_verifier", s.verifier,
		"device_name", s.device.app.DeviceName))
}

// redeem gets the token of scope app-pin that every sign-in ends in.
func (d *Device) redeem(ctx context.Context, form func(Proof) url.Values) error {
	s, err := d.discover(ctx)
	if err != nil {
		return err
	}
	var answer struct {
		AccessToken string `json:"access_token"`
		TokenType   string `json:"token_type"`
		Scope       string `json:"scope"`
	}
	if err := d.call(ctx, request{method: "POST", url: s.Token, form: form}, &answer); err != nil {
		return err
	}
	if answer.AccessToken == "" || answer.TokenType != "DPoP" || answer.Scope != "app-pin" {
		return &Error{Code: badAnswer, Description: "not a token for choosing a PIN"}
	}
	d.pinToken = answer.AccessToken
	return nil
}
