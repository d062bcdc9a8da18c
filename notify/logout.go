package notify

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
)

// Logouts tells parties that a session ended, by a logout token (OpenID Connect Back-Channel Logout 1.0). The message
// holds who and what; the token is made and signed anew at every attempt, with the key and the registration of then.
type Logouts struct {
	Client *http.Client // calls allowed addresses only, in bounded time, and follows no redirects: see package outbound
	Party  func(platform.ID, grant.PartyID) (*grant.Party, bool)
	Sign   func(p platform.ID, alg, typ string, now time.Time, payload []byte) (string, error)
	Now    func() time.Time
}

const (
	logoutTokenLife = 2 * time.Minute // section 2.4: "preferably at most two minutes in the future"
	logoutAnswer    = 4 << 10         // bytes of the answer that are read, so that the connection can be used again
)

// logoutToken is what section 2.4 lists. It must have no nonce.
type logoutToken struct {
	Issuer   platform.Issuer     `json:"iss"`
	Subject  string              `json:"sub"`
	Audience grant.PartyID       `json:"aud"`
	IssuedAt int64               `json:"iat"`
	Expiry   int64               `json:"exp"`
	ID       string              `json:"jti"`
	Events   map[string]struct{} `json:"events"`
	Session  string              `json:"sid"`
}

// logoutEvent is the member of `events` that makes a token a logout token (section 2.4).
const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// Send posts a logout token to the party. 200 and 204 say that the party has logged the person out (section 2.8); 400
// that it refuses or could not, which trying again does not change. Any other answer, or none, does not go now.
func (s Logouts) Send(ctx context.Context, p *platform.Platform, m outbox.Message, _ outbox.Contents) error {
	if m.Kind != outbox.Logout {
		return because(errOther, "no such kind") // a node of a later release knows it
	}
	party, ok := s.Party(p.ID, grant.PartyID(m.Party))
	if !ok || party.BackchannelLogoutURI == "" {
		if m.Tries > 1 {
			return because(fault.Refused, "no address")
		}
		return because(errOther, "no address") // registered a moment ago on another node, or not any more
	}
	token, err := s.token(p, party, m)
	if err != nil {
		return &failure{kind: fault.Unavailable, reason: "no key", detail: err} // the operator is told
	}
	body := strings.NewReader(url.Values{"logout_token": {token}}.Encode())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, party.BackchannelLogoutURI, body)
	if err != nil {
		return because(fault.Refused, "address")
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := s.Client.Do(req)
	switch {
	case errors.Is(err, fault.Refused):
		return &failure{kind: fault.Refused, reason: "not a public address", detail: err}
	case err != nil:
		return &failure{kind: errOther, reason: "no answer", detail: err}
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, logoutAnswer)) // the status has said it all
	_ = res.Body.Close()
	switch res.StatusCode {
	case http.StatusOK, http.StatusNoContent:
		return nil
	case http.StatusBadRequest:
		return because(fault.Refused, "400")
	}
	return because(errOther, strconv.Itoa(res.StatusCode))
}

// errOther is what does not go now, and may later.
var errOther = errors.New("not now")

func (s Logouts) token(p *platform.Platform, party *grant.Party, m outbox.Message) (string, error) {
	now := s.Now()
	payload, err := json.Marshal(logoutToken{
		Issuer: p.Issuer, Subject: party.Subject(m.Account, p.Salt), Audience: party.ID, IssuedAt: now.Unix(),
		Expiry: now.Add(logoutTokenLife).Unix(), ID: secret.ID(), Events: map[string]struct{}{logoutEvent: {}},
		Session: party.Session(grant.SIDSource(m.Session, m.IdledAt), p.Salt),
	})
	if err != nil {
		return "", err
	}
	return s.Sign(p.ID, party.IDTokenAlg, "logout+jwt", now, payload)
}

// Rest has nothing to end: connections of the client end by themselves.
func (Logouts) Rest() {}
