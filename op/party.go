package op

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/platform"
)

// clientAuth is a way in which a party may prove itself (RFC 6749 section 2.3).
type clientAuth struct {
	method oidc.AuthMethod // as registration and discovery call it (RFC 7591 section 2); "": it proves nobody
	way    grant.Auth      // as log and record call it
	shown  func(credentials) bool
	// proves is nil where a party proves itself by what was shown; a flaw, or fault.Spent, where it does not.
	proves func(*Server, context.Context, Endpoint, *grant.Party, credentials) error
}

// clientAuths are those that there are. The first that is shown counts, and which of them an endpoint takes is said in
// its row.
var clientAuths = []clientAuth{
	{oidc.AuthMethodPrivateKeyJWT, grant.PrivateKeyJWT, func(c credentials) bool { return c.assertion != "" }, (*Server).asserts},
	{"", "another scheme", func(c credentials) bool { return c.otherScheme }, noAuth},
	{oidc.AuthMethodBasic, grant.AuthBasic, func(c credentials) bool { return c.inHeader != "" }, secretMatches},
	{oidc.AuthMethodPost, grant.AuthPost, func(c credentials) bool { return c.inBody != "" }, secretMatches},
	{oidc.AuthMethodNone, grant.AuthNone, func(credentials) bool { return true }, secretMatches},
}

func noAuth(_ *Server, _ context.Context, _ Endpoint, p *grant.Party, _ credentials) error {
	return flaw("another scheme than Basic came in the header" + registeredIs(p))
}

// secretMatches takes the secret either way, whichever the party registered (RFC 6749 section 2.3.1); none only from a
// party that has none.
func secretMatches(s *Server, _ context.Context, _ Endpoint, p *grant.Party, c credentials) error {
	if !p.Proves(c.secret(), s.Now()) {
		return wrongSecret(p, c, s.Now())
	}
	return nil
}

// wrongSecret says for operators what came and what is registered, never what it was.
func wrongSecret(p *grant.Party, c credentials, now time.Time) flaw {
	switch place := map[bool]string{true: "header", false: "body"}[c.inHeader != ""]; {
	case c.secret() == "":
		return flaw("no secret came" + registeredIs(p))
	case !p.HasSecret():
		return flaw("a secret came in the " + place + registeredIs(p))
	case p.SecretEnded(c.secret(), now):
		return "secret is expired"
	case c.asSent != "" && p.SecretMatches(c.asSent, now):
		return "the right secret came in the header, not encoded as in a form (RFC 6749 section 2.3.1)"
	}
	return "wrong secret"
}

// registeredIs is the end of a sentence about how a party proved itself.
func registeredIs(p *grant.Party) string { return ", registered is " + string(p.Auth) }

// credentials are what a machine request shows of its party.
type credentials struct {
	id               string
	inHeader, inBody string // the secret, in the Authorization header and in the form; "" is none
	asSent           string // that of the header before it was decoded, where that made a difference
	otherScheme      bool   // an Authorization header that is no Basic one
	assertion        string
}

func (c credentials) secret() string { return cmp.Or(c.inHeader, c.inBody) }

// way is how the party tries to prove itself.
func (c credentials) way() clientAuth {
	return clientAuths[slices.IndexFunc(clientAuths, func(a clientAuth) bool { return a.shown(c) })] // the last is always shown
}

// readCredentials reads the party's identifier and what it shows: servers must take a secret in the header and may take
// it in the body (RFC 6749 section 2.3.1), and libraries choose either. A party may name itself and show its secret in
// both alike, as some libraries do; what differs, and an assertion beside a secret, is refused (section 2.3). An empty
// secret is none, like every empty parameter (section 3.2).
func readCredentials(r *http.Request) (credentials, error) {
	form := r.PostForm
	c := credentials{id: form.Get("client_id"), inBody: form.Get("client_secret"), assertion: form.Get("client_assertion")}
	user, password, basic := r.BasicAuth()
	switch c.otherScheme = r.Header.Get("Authorization") != "" && !basic; {
	case basic:
		if err := c.readHeader(user, password); err != nil {
			return credentials{}, err
		}
	case !form.Has("client_id") && !form.Has("client_assertion"):
		return credentials{}, refuse("invalid_client", "no client authentication") // RFC 6749 section 5.2
	case c.id == "" && c.assertion == "":
		return credentials{}, refuse("invalid_request", "no client_id")
	}
	if c.id == "" {
		c.id = claimedParty(c.assertion) // RFC 7521 section 4.2: the party need not be named beside it
	}
	if c.assertion != "" && (c.secret() != "" || form.Get("client_assertion_type") != oidc.ClientAssertionTypeJWTAssertion) {
		return credentials{}, refuse("invalid_request", "two kinds of client authentication, or none that there is")
	}
	return c, nil
}

// readHeader adds what a Basic header says, which is encoded as in a form (RFC 6749 section 2.3.1).
func (c *credentials) readHeader(user, password string) error {
	name, err := url.QueryUnescape(user)
	inHeader, errSecret := url.QueryUnescape(password)
	switch broken := err != nil || errSecret != nil; {
	case c.id != "" && (err != nil || c.id != name), c.inBody != "" && (errSecret != nil || inHeader != "" && c.inBody != inHeader):
		return refuse("invalid_request", "two kinds of client authentication")
	case broken || name == "":
		return refuse("invalid_client", "the name or secret of the header is not encoded as in a form (RFC 6749 section 2.3.1)")
	}
	if c.id, c.inHeader = name, inHeader; inHeader != password {
		c.asSent = password
	}
	return nil
}

// authenticate checks that a party proves itself: one that has a secret shows it, in header or body, one that has keys
// signs with one, and one that has neither shows nothing. A disabled party and an unknown one are refused alike, and
// both are on record, so that they take the same time.
func (s *Server) authenticate(ctx context.Context, e Endpoint, c credentials) (*grant.Party, error) {
	auth := c.way()
	if auth.method != "" && !slices.Contains(e.Auth, auth.method) {
		return nil, refuse("invalid_client", "not taken at this endpoint: "+string(auth.way))
	}
	party, known := s.Registry.Party(platform.FromContext(ctx).ID, grant.PartyID(c.id))
	var reason, inLog string
	switch {
	case !known:
		reason, inLog, party = "unknown", "no such party", &grant.Party{}
	case !party.DisabledAt.IsZero():
		reason, inLog = "disabled", "party is disabled"
	default:
		err := auth.proves(s, ctx, e, party, c)
		switch {
		case err == nil:
			return party, nil
		case !errors.Is(err, fault.Invalid) && !errors.Is(err, fault.Spent):
			return nil, s.fail(ctx, "authenticating party", err)
		}
		reason = "not proven: " + string(auth.way) + recordedReason(err)
	}
	s.recordOnce(ctx, audit.PartyRefused, party.ID, reason)
	return nil, refuse("invalid_client", cmp.Or(inLog, reason))
}

// recordedReason says for the record what was wrong, where there is something to say.
func recordedReason(err error) string {
	var own flaw
	switch {
	case errors.Is(err, fault.Spent):
		return " (jti was used before)"
	case errors.As(err, &own) && own != "":
		return " (" + own.Error() + ")"
	}
	return ""
}
