package federated

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/platform"
)

// stepName is the path element of the step.
const stepName = "sso"

// Protocol speaks with upstreams of one kind. Errors of Answer are a federation.Refusal where the upstream, or what it
// said, is the reason.
type Protocol interface {
	// SignInRedirect is where a browser signs in. back is our address for the answer.
	SignInRedirect(ctx context.Context, c *federation.Connection, t federation.UpstreamRequest, back string) (federation.Redirect, error)
	// Answer is what the upstream said in a request to that address.
	Answer(ctx context.Context, c *federation.Connection, t federation.UpstreamRequest, back string, r *http.Request) (federation.Answer, error)
}

// Store is what the way needs of storage; each method is one transaction.
type Store interface {
	AccountByLink(ctx context.Context, p platform.ID, method, external string) (*account.Account, error)
	AccountByEmail(ctx context.Context, p platform.ID, key string) (*account.Account, error)
	LinkRemoved(ctx context.Context, p platform.ID, of account.ID, method, external string) (bool, error)
	EndUpstream(ctx context.Context, p platform.ID, c federation.ID, over federation.Logout, e audit.Event, now time.Time) (int, error)
	SaveChange(ctx context.Context, c authn.Change, now time.Time) error
}

// TestStore is what test sign-ins need of storage, likewise.
type TestStore interface {
	TestID(ctx context.Context, p platform.ID, c federation.ID, now time.Time) (string, error)
	AnswerTest(ctx context.Context, p platform.ID, c federation.ID, id string, sealed []byte, now time.Time) error
}

// Answers are on their way from an upstream to the browser that asked for them; a Change takes them
// (authn.Change.Taken).
type Answers interface {
	ClaimAnswer(ctx context.Context, p platform.ID, a federation.StoredAnswer, over time.Time) error
	KeepAnswer(ctx context.Context, p platform.ID, a federation.StoredAnswer, ends, over time.Time) error
	UpstreamAnswer(ctx context.Context, p platform.ID, handle []byte, now time.Time) ([]byte, error)
}

// Sealer opens and seals what is stored, and derives what a request to an upstream needs.
type Sealer interface {
	Seal(plain []byte, binding string) []byte
	Open(sealed []byte, binding string) ([]byte, error)
	MAC(purpose, data string) []byte
	MACs(purpose, data string) [][]byte
}

// Options are what the house passes in.
type Options struct {
	Store       Store
	Tests       TestStore
	Answers     Answers
	Sealer      Sealer
	Connections func(platform.ID) []*federation.Connection
	Managers    func(context.Context, platform.ID) ([]account.Account, error)
	Protocols   map[federation.Kind]Protocol
	Codes       CodeStore
	Budget      login.Budget // of the codes of mails
	Log         *slog.Logger
}

// Factor is an organisation's own sign-in as a way of proving.
func Factor(o Options) login.Factor {
	return login.Factor{Method: federation.Method, Prove: step{o}, Steps: []login.Step{mailStep{o}}, UI: part()}
}

// open are the connections of a platform that are open.
func (o Options) open(p platform.ID) (all []*federation.Connection) {
	if o.Connections == nil { // the factor is only asked what it shows
		return nil
	}
	for _, c := range o.Connections(p) {
		if !c.Disabled {
			all = append(all, c)
		}
	}
	return all
}

// connection is the one of that name; nil: there is none, or it is closed.
func (o Options) connection(p platform.ID, id federation.ID) *federation.Connection {
	for _, c := range o.open(p) {
		if c.ID == id {
			return c
		}
	}
	return nil
}

// callbackPath is our address for the answers of a connection, below the issuer. Each has its own, so that one cannot
// be taken for another's (RFC 9700 section 4.4).
func callbackPath(c *federation.Connection) string {
	if c.Kind == federation.SAML {
		return "/federation/" + string(c.ID) + "/acs"
	}
	return "/federation/" + string(c.ID) + "/callback"
}
