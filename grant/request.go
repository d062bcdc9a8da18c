package grant

import (
	"time"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/platform"
)

// RequestLife is how long an authorization request waits for its answer: as long as the journey it starts.
const RequestLife = authn.JourneyLife

// ResponseMode is how the answer travels (OAuth 2.0 Multiple Response Type Encoding Practices section 2.1).
type ResponseMode string

const (
	ModeQuery    ResponseMode = "query"
	ModeFormPost ResponseMode = "form_post"

	ModeQueryJWT    ResponseMode = "query.jwt" // JARM section 2.3.1; "jwt" is this for a code
	ModeFormPostJWT ResponseMode = "form_post.jwt"
)

// Posted reports whether the answer travels as a form.
func (m ResponseMode) Posted() bool { return m == ModeFormPost || m == ModeFormPostJWT }

// Signed reports whether the answer is a signed JWT (JARM section 2.1).
func (m ResponseMode) Signed() bool { return m == ModeQueryJWT || m == ModeFormPostJWT }

// PushedLife is how long a pushed request waits for a browser that brings it (RFC 9126 section 2.2).
const PushedLife = 60 * time.Second

// AuthRequest is one authorization request that passed every check. It is stored when it cannot be answered at once,
// bound to the browser that brought it, and answered at most once.
type AuthRequest struct {
	ID          string       `json:"-"`
	Platform    platform.ID  `json:"-"`
	Browser     []byte       `json:"-"` // hash of the binding cookie; empty until our own GET has seen the browser
	Party       PartyID      `json:"client_id"`
	RedirectURI string       `json:"redirect_uri"`
	State       string       `json:"state,omitempty"`
	Nonce       string       `json:"nonce,omitempty"`
	Scopes      []string     `json:"scopes"`
	Claims      Requested    `json:"claims,omitzero"`
	Challenge   string       `json:"code_challenge,omitempty"` // S256; empty for an exempted party
	Mode        ResponseMode `json:"response_mode"`
	Ask         authn.Ask    `json:"ask"`
	PromptNone  bool         `json:"silent,omitempty"` // prompt=none
	HintSubject string       `json:"hint_subject,omitempty"`
	LoginHint   string       `json:"login_hint,omitempty"`
	Locales     []string     `json:"ui_locales,omitempty"` // the language that suits ui_locales, if we have one
	Pushed      string       `json:"pushed,omitempty"`     // the pushed request that this browser brought
	JKT         string       `json:"dpop_jkt,omitempty"`   // of the key that the code is bound to (RFC 9449 section 10)
	Expiry      time.Time    `json:"-"`
	CreatedAt   time.Time    `json:"-"`
	AnsweredAt  time.Time    `json:"-"` // zero: open
}

// Open reports whether the request can still be answered.
func (r *AuthRequest) Open(now time.Time) bool { return r.AnsweredAt.IsZero() && now.Before(r.Expiry) }

// Journey is how the journey of a bound request begins. It has the identifier of its request, so that either finds the
// other, and is not stored before somebody sends its first form.
func (r *AuthRequest) Journey() authn.Journey {
	j := authn.Journey{
		ID: r.ID, Platform: r.Platform, Browser: r.Browser, Ask: r.Ask, Party: string(r.Party), Request: r.ID, Hint: r.LoginHint,
		Version: authn.Unstored, StartedAt: r.CreatedAt, ExpiresAt: r.Expiry, EndedAt: r.AnsweredAt,
	}
	if len(r.Locales) > 0 {
		j.Locale = r.Locales[0]
	}
	return j
}
