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
)

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
	Silent      bool         `json:"silent,omitempty"` // prompt=none
	HintSubject string       `json:"hint_subject,omitempty"`
	LoginHint   string       `json:"login_hint,omitempty"`
	Locales     []string     `json:"ui_locales,omitempty"` // the language that suits ui_locales, if we have one
	Expiry      time.Time    `json:"-"`
	CreatedAt   time.Time    `json:"-"`
	AnsweredAt  time.Time    `json:"-"` // zero: open
}

// Open tells whether the request can still be answered.
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
