package phone

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const longestAnswer = 1 << 20 // bytes

// Codes of errors after which the app has something to do.
const (
	Pending       = "authorization_pending" // nobody typed the number yet (RFC 8628 section 3.5)
	SlowDown      = "slow_down"             // poll 5 s later from now on; at the PIN: again in 2 s, nothing was counted
	Denied        = "access_denied"         // the person said no, or stopped
	Expired       = "expired_token"         // the person took too long
	InvalidGrant  = "invalid_grant"         // look at TriesLeft, DeviceRemoved and TooManyDevices
	MoreIsWanted  = "interaction_required"  // sign in again with this key, with ACRValues if there are
	InvalidToken  = "invalid_token"
	useNonce      = "use_dpop_nonce" // RFC 9449 section 8
	noConnection  = "no_connection"  // ours: nothing came back
	badAnswer     = "bad_answer"     // ours: something else came back
	longestWaited = time.Hour        // that a Retry-After is taken for
)

// Error is what a server answered, or that it did not.
type Error struct {
	Status         int           `json:"-"` // of HTTP; zero if nothing came back, or if it came by the browser
	Code           string        `json:"error"`
	Description    string        `json:"error_description"` // for a log, not for people
	TriesLeft      *int          `json:"tries_left"`        // after a wrong PIN
	DeviceRemoved  bool          `json:"device_removed"`    // the key is destroyed by now
	TooManyDevices bool          `json:"too_many_devices"`  // there are five others, and none was chosen to go
	ACRValues      string        `json:"acr_values"`        // for the next SignIn
	RetryAfter     time.Duration `json:"-"`                 // what the server asks to wait; zero: it does not say
	Err            error         `json:"-"`                 // of the network
}

func (e *Error) Error() string {
	text := fmt.Sprintf("%s (%d)", e.Code, e.Status)
	if e.Description != "" {
		text += ": " + e.Description
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap is what the network said.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether the codes are the same, so that errors.Is(err, &Error{Code: Pending}) asks for one.
func (e *Error) Is(target error) bool {
	other, ok := target.(*Error)
	return ok && other.Code == e.Code
}

// passing reports whether the same may work a moment later: no connection, or a server in trouble.
func (e *Error) passing() bool {
	return e.Code == noConnection || e.Status >= 500 || e.Status == http.StatusTooManyRequests
}

// request is one that is made again, with a new proof, if the server wants another nonce.
type request struct {
	method, url string
	token       string // access token to show; empty: none
	bare        bool   // without a proof
	form        func(Proof) url.Values
}

// fields are a form that does not hang on the proof.
func fields(pairs ...string) func(Proof) url.Values {
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			form.Set(pairs[i], pairs[i+1])
		}
	}
	return func(Proof) url.Values { return form }
}

// call sends a request with a proof and reads the answer into a value, nil for none. A server that wants another nonce
// is asked once more, and only then.
func (d *Device) call(ctx context.Context, r request, answer any) error {
	old := d.app.nonce(d.issuer)
	err := d.once(ctx, r, answer)
	if errors.Is(err, &Error{Code: useNonce}) && d.app.nonce(d.issuer) != old {
		err = d.once(ctx, r, answer)
	}
	return err
}

func (d *Device) once(ctx context.Context, r request, answer any) error {
	proof := Proof{
		Method: r.method, URL: r.url, ID: random(), Nonce: d.app.nonce(d.issuer), Token: r.token, At: d.app.Now(),
	}
	var body io.Reader
	if r.form != nil {
		body = strings.NewReader(r.form(proof).Encode())
	}
	req, err := http.NewRequestWithContext(ctx, r.method, r.url, body)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "application/json")
	if r.form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if r.token != "" {
		req.Header.Set("Authorization", "DPoP "+r.token)
	}
	if !r.bare {
		key, err := d.key()
		if err != nil {
			return err
		}
		signed, err := proof.Sign(key)
		if err != nil {
			return err
		}
		req.Header.Set("DPoP", signed)
	}
	return d.app.send(req, d.issuer, answer)
}

// send remembers the nonce of every answer, right or wrong, and reads the answer.
func (a *App) send(req *http.Request, issuer string, answer any) error {
	res, err := a.HTTP.Do(req)
	if err != nil {
		return &Error{Code: noConnection, Err: err}
	}
	defer func() { _ = res.Body.Close() }() // it was read
	a.learn(issuer, res)
	text, err := io.ReadAll(io.LimitReader(res.Body, longestAnswer))
	if err != nil {
		return &Error{Status: res.StatusCode, Code: noConnection, Err: err}
	}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return failure(res, text)
	}
	if answer == nil {
		return nil
	}
	kind, _, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return &Error{Status: res.StatusCode, Code: badAnswer}
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return &Error{Status: res.StatusCode, Code: badAnswer, Err: err}
	}
	return nil
}

var challenged = regexp.MustCompile(`(?i)\bdpop\b.*\berror="([a-z_]+)"`)

// failure reads an error from the body, or from WWW-Authenticate where the body has none.
func failure(res *http.Response, text []byte) error {
	e := &Error{}
	if err := json.Unmarshal(text, e); err != nil {
		e = &Error{} // a page of something in between
	}
	e.Status = res.StatusCode
	if m := challenged.FindStringSubmatch(res.Header.Get("WWW-Authenticate")); e.Code == "" && m != nil {
		e.Code = m[1]
	}
	if e.Code == "" {
		e.Code = badAnswer
	}
	if s, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && s > 0 {
		e.RetryAfter = min(time.Duration(s)*time.Second, longestWaited)
	}
	return e
}

func (a *App) nonce(issuer string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.nonces[issuer]
}

// served is what an issuer says of itself (OpenID Connect Discovery 1.0 section 3).
type served struct {
	Issuer        string `json:"issuer"`
	Authorization string `json:"authorization_endpoint"`
	Token         string `json:"token_endpoint"`
	UserInfo      string `json:"userinfo_endpoint"`
	Revocation    string `json:"revocation_endpoint"`
	Keys          string `json:"jwks_uri"`
}

// discover asks an issuer once per start of the app.
func (d *Device) discover(ctx context.Context) (served, error) {
	d.app.mu.Lock()
	s, ok := d.app.served[d.issuer]
	d.app.mu.Unlock()
	if ok {
		return s, nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.issuer+"/.well-known/openid-configuration", nil)
	if err != nil {
		return s, err
	}
	if err := d.app.send(req, d.issuer, &s); err != nil {
		return s, err
	}
	if s.Issuer != d.issuer {
		return s, &Error{Code: badAnswer, Description: "the configuration of another issuer"}
	}
	for _, address := range []string{s.Authorization, s.Token, s.UserInfo, s.Revocation, s.Keys} {
		if !under(d.issuer, address) {
			return s, &Error{Code: badAnswer, Description: "an endpoint on another host"}
		}
	}
	d.app.mu.Lock()
	defer d.app.mu.Unlock()
	d.app.served[d.issuer] = s
	return s, nil
}
