package op

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/visitor"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
	"github.com/minddistrict/idp/ui"
)

// Registry is what is configured and cached: parties, keys and prebuilt documents of every platform.
type Registry interface {
	Party(p platform.ID, id grant.PartyID) (*grant.Party, bool)
	Connections(p platform.ID) []*federation.Connection                                 // to the sign-in of organisations; they may be disabled
	Connected(p platform.ID) bool                                                       // one of them is open
	OriginAllowed(p platform.ID, origin string) bool                                    // some party of the platform registered it
	Sign(p platform.ID, alg, typ string, now time.Time, payload []byte) (string, error) // compact
	Signs(p platform.ID, alg string, now time.Time) error                               // fault.Unavailable: the key cannot be opened
	Verification(p platform.ID, now time.Time) *jose.JSONWebKeySet
	Fresh() error // fault.Unavailable: parties and policies may have changed, and nobody can look
	Discovery(p platform.ID) Document
	JWKS(p platform.ID) Document
}

// Options are what the house passes in.
type Options struct {
	Stores
	Visitors visitor.Reader // who is signed in, and what they allowed
	Registry Registry
	Keys     PartyKeys // nil: only keys that are registered themselves
	Secrets  Secrets
	Methods  []string // second factors that exist
	URLs
	Pages
	// RateLimit counts a request that waits for its answer by where it comes from, or says that there are too many (see
	// web.RateLimiter); RateRefund takes one back.
	RateLimit  func(*http.Request) error
	RateRefund func(*http.Request)
	Now        func() time.Time
	Log        *slog.Logger
}

// Pages writes what people see.
type Pages struct {
	// Show writes a page of ui: its name, data and status.
	Show func(w http.ResponseWriter, r *http.Request, status int, page string, data any) error
	// Refused writes an error page, with the number under which the refusal is on record by then: of each kind, party and
	// reason one a minute from each source, so that nobody fills the record.
	Refused func(w http.ResponseWriter, r *http.Request, status int, page ui.ErrorPage, e audit.Event) error
	// Explain says on an error page which parameter is wrong, what came and what is registered: to developers, where
	// everybody who sees a page is one.
	Explain bool
}

// URLs are addresses of other doors.
type URLs struct {
	// JourneyURL is where the journey of a request that cannot be answered at once begins and goes on: the page for what
	// is wanted there first. Nothing wanted: where the journey says itself what is.
	JourneyURL func(p *platform.Platform, request string, wanted authn.Requirement, f authn.Facts) string
	// ReferralURL is where a professional does what he was referred for, by the token of the referral.
	ReferralURL func(p *platform.Platform, token string) string
}

// Secrets are the server's own secrets for what it hands out.
type Secrets struct {
	Handles   [][]byte // 32 bytes each; the first seals access token handles, all open
	Successor []byte   // makes the successor of a refresh token
	Sealer    staff.Sealer
}

// Server is the protocol. It is the same for all platforms; a request's platform is in its context.
type Server struct {
	Options
	parsed parsedKeys // those that parties registered
}

// New builds the protocol door.
func New(o Options) *Server { return &Server{Options: o} }

// Paths under a platform's issuer.
const (
	pathAuthorize  = "/authorize"
	pathContinue   = "/authorize/continue"
	pathCallback   = "/authorize/callback"
	pathPush       = "/par"
	pathToken      = "/token"
	pathUserinfo   = "/userinfo"
	pathRevoke     = "/revoke"
	pathIntrospect = "/introspect"
	pathHandoff    = "/app/handoff"
	pathPIN        = "/app/pin"
	pathReferrals  = "/api/v1/referrals"
	pathLogout     = "/logout"
	pathLoggedOut  = "/logged-out"
	pathKeys       = "/keys"
	pathDiscovery  = "/.well-known/openid-configuration"
)

// Routes that have two ways to be served.
const (
	routeDiscovery = "discovery"
	routeKeys      = "jwks"
)

// CallbackURL is where the login door leads when a journey is over.
func CallbackURL(p *platform.Platform, requestID string, outcome web.Outcome) string {
	url := p.URL(pathCallback) + "?request=" + requestID
	if outcome != web.Done {
		url += "&outcome=" + string(outcome)
	}
	return url
}

// enabled finds a party that may ask for anything. To everybody outside a disabled one is like one that nobody
// registered.
func (s *Server) enabled(p platform.ID, id grant.PartyID) (*grant.Party, bool) {
	party, known := s.Registry.Party(p, id)
	if !known || !party.DisabledAt.IsZero() {
		return nil, false
	}
	return party, true
}
