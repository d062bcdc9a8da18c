package grant

import (
	"slices"
	"strconv"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/platform"
)

// ID identifies a grant; it is inside every access token that derives from it and proves nothing by itself.
type ID string

// Grant is what a party was given in answer to one authorization request, or for one right PIN (PINSignIn); a session
// can have many of one party. Its code and refresh tokens are columns of it, stored as hashes.
type Grant struct {
	ID          ID
	Platform    platform.ID
	Party       PartyID
	Account     account.ID
	Session     string
	IdledAt     time.Time // the session was idle then, and ended for this party, which has logout_on_idle: see SIDSource
	Scopes      []string
	Claims      Requested // asked by name
	Nonce       string
	RedirectURI string
	Challenge   string        // S256 code challenge; empty for an exempted party
	JKT         string        // of the key that the code, or a public party's refresh token, is bound to (RFC 9449); empty: none
	Proofs      []authn.Proof // as they were when the grant was given; tokens say this for ever
	StartedAt   time.Time
	CodeHash    []byte
	CodeEndsAt  time.Time
	CodeUsedAt  time.Time
	RefreshedAt time.Time // of the last refresh
	RefreshEnds time.Time // of the current refresh token
	EndsAt      time.Time // absolute; nothing derived from the grant works after it
	EndedAt     time.Time
	EndReason   string
}

// SIDSource is what a party's `sid` is made of: its session, and from when on, where it ended for the party before (see
// Party.LogoutOnIdle). The zero time: it did not.
func SIDSource(session string, idledAt time.Time) string {
	if idledAt.IsZero() {
		return session
	}
	return session + "." + strconv.FormatInt(idledAt.UnixMilli(), 36)
}

// SIDSource is that of the grant.
func (g *Grant) SIDSource() string { return SIDSource(g.Session, g.IdledAt) }

// Offline reports whether refresh tokens outlive the session (OpenID Connect Core 1.0 section 11).
func (g *Grant) Offline() bool { return slices.Contains(g.Scopes, "offline_access") }

// OpenID reports whether ID tokens and userinfo belong to it.
func (g *Grant) OpenID() bool { return slices.Contains(g.Scopes, "openid") }

// Access is what one party was given in one session and still has, however many grants that are.
type Access struct {
	Session  string
	Party    PartyID
	Channel  authn.Channel // of the session
	Agent    string        // browser that the session began in, as it names itself
	Network  string        // in which it began; see authn.Session
	Outlives bool          // the session is over, and a refresh token still works
	BeganAt  time.Time     // of the oldest grant
	UsedAt   time.Time     // last code or refresh
}

// New makes the grant that answers a request, and its code. It has the proofs that the answer tells of. A grant without
// offline_access ends with its session.
func New(r *AuthRequest, s *authn.Session, p *Party, now time.Time) (g Grant, code string) {
	id := ID(secret.ID())
	code = NewToken(id)
	g = Grant{
		ID: id, Platform: r.Platform, Party: r.Party, Account: s.Account, Session: s.ID,
		Scopes: r.Scopes, Claims: r.Claims, Nonce: r.Nonce, RedirectURI: r.RedirectURI, Challenge: r.Challenge, JKT: r.JKT,
		Proofs: r.Ask.ReportedProofs(s.Proofs), StartedAt: now, CodeHash: secret.Hash(code), CodeEndsAt: now.Add(CodeLife),
		EndsAt: s.EndsAt,
	}
	if g.Offline() {
		g.EndsAt = now.Add(p.EffectiveLifetimes().RefreshEnd)
	}
	return g, code
}

// Answered is what a grant answers; the zero value is a request that nobody stored.
type Answered struct {
	Request  string         // stored; it knows the pushed one that it came from
	Pushed   string         // … of a request that was not stored itself
	StandsOn *authn.Consent // nil: none is needed
	// Displaces is the device that its owner chose to be removed, so that there is room for the one that comes of the
	// code; empty: none.
	Displaces DeviceID
	Subject   Pairwise // kept with the first grant that leads to it, so that its account is found again; zero: it is public
}

// Key is the key that was proven with a code or refresh token (RFC 9449).
type Key struct {
	JKT   string // its thumbprint; empty: none was
	Binds bool   // refresh tokens are bound to the first that is proven for one (section 5: those of public parties)
}

// Redemption is what redeeming a code demands: all of it at once, in the statement that spends the code.
type Redemption struct {
	Platform    platform.ID
	Party       PartyID
	Grant       ID     // that the code names
	CodeHash    []byte // of the whole code
	RedirectURI string
	Challenge   string // S256 of the presented verifier; empty when none was presented
	RefreshHash []byte // of the first refresh token; nil when the party gets none
	RefreshEnds time.Time
	Consented   bool // the party is not the platform's own: it gets nothing without a consent that stands
	Key         Key
	From        audit.Origin
	Now         time.Time
}

// Revoked is why a grant ended that its party gave back (RFC 7009).
const Revoked = "revoked"

// Ending is who ends a grant, and why.
type Ending struct {
	Platform platform.ID
	Party    PartyID
	Reason   string // a word from our own list
	From     audit.Origin
	Now      time.Time
}

// Refresh is a refresh token as it was presented.
type Refresh struct {
	Grant ID     // that it names
	Hash  []byte // of the whole token
	// Outdated reports whether it was replaced before the predecessor of the one with this hash. It is called only for a
	// token that is neither, because it costs as much as a signature; nil: the token does not rotate.
	Outdated func(current []byte) bool
}

// Rotation is what using a refresh token demands. Hash and Next are equal when the token does not rotate.
type Rotation struct {
	Refresh
	Platform    platform.ID
	Party       PartyID
	Next        []byte // hash of its successor
	RefreshEnds time.Time
	IdleAfter   time.Duration // a grant that is not offline ends with its session's idle hour; zero: never
	Key         Key
	From        audit.Origin
	Now         time.Time
}
