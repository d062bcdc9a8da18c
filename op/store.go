package op

import (
	"context"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
)

// Stores are what the protocol needs of storage, by what its endpoints keep there. Each method is one transaction.
type Stores struct {
	Sessions SessionStore
	Requests RequestStore
	Grants   GrantStore
	Record   RecordStore
	Uses     UseStore
	Pushes   PushStore

	Referrals ReferralStore
	Devices   DeviceStore
	Handoffs  HandoffStore
}

// UseStore remembers what works once, over all nodes; see storage.DB.
type UseStore interface {
	MarkUsed(ctx context.Context, p platform.ID, hash []byte, ends time.Time) error
}

// SessionStore keeps the sessions of browsers, which visitor.Reader reads: the logout endpoint ends one, and says which
// parties confirmed it.
type SessionStore interface {
	EndSession(ctx context.Context, p platform.ID, sid string, e audit.Event, now time.Time) error
	ReceiptsOfCookie(ctx context.Context, p platform.ID, cookieHash []byte, after time.Time) ([]outbox.Receipt, error)
}

// RequestStore keeps authorization requests, from the authorization endpoint to their answer.
type RequestStore interface {
	SaveRequest(ctx context.Context, r grant.AuthRequest) error
	BindRequest(ctx context.Context, r grant.AuthRequest) error
	Request(ctx context.Context, p platform.ID, id string) (*grant.AuthRequest, error)
	Journey(ctx context.Context, p platform.ID, id string) (*authn.Journey, error)
	SaveChange(ctx context.Context, c authn.Change, now time.Time) error
	Answer(ctx context.Context, to grant.Answered, g grant.Grant) error
}

// PushStore keeps requests that parties pushed, until a browser brings them.
type PushStore interface {
	Push(ctx context.Context, r grant.AuthRequest, most int) error
	Pushed(ctx context.Context, p platform.ID, id string) (*grant.AuthRequest, error)
	SpendPushed(ctx context.Context, p platform.ID, id string, now time.Time) error
}

// GrantStore keeps what codes and tokens derive from: the token, userinfo, revocation and introspection endpoints
// ask them.
type GrantStore interface {
	Redeem(ctx context.Context, r grant.Redemption) (*grant.Grant, error)
	Rotate(ctx context.Context, r grant.Rotation) (*grant.Grant, error)
	GrantByRefresh(ctx context.Context, p platform.ID, r grant.Refresh, idleAfter time.Duration, now time.Time) (*grant.Grant, error)
	LiveGrant(ctx context.Context, p platform.ID, id grant.ID, now time.Time) (*grant.Grant, error)
	Grant(ctx context.Context, p platform.ID, id grant.ID, now time.Time) (*grant.Grant, *account.Account, error)
	EndGrant(ctx context.Context, id grant.ID, e grant.Ending) error
	RevokeRefresh(ctx context.Context, r grant.Refresh, e grant.Ending) error
}

// ReferralStore finds whom a platform means, counts what its servers ask, and keeps referrals.
type ReferralStore interface {
	Account(ctx context.Context, p platform.ID, id account.ID) (*account.Account, error)
	Subject(ctx context.Context, p platform.ID, s grant.Pairwise) (account.ID, error)
	Count(ctx context.Context, p platform.ID, limits []authn.Limit, now time.Time) ([]authn.Counted, error)
	SaveChange(ctx context.Context, c authn.Change, now time.Time) error
}

// RecordStore is the audit record, for what parties do that is refused.
type RecordStore interface {
	RecordOnce(ctx context.Context, e audit.Event, source string) error
}
