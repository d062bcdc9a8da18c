package sms

import (
	"context"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
)

// Method is the factor's name in credentials, proofs and policies.
const Method = "sms"

// amr is the value of RFC 8176 section 2 for a text message to a registered number.
const amr = "sms"

// Store is what the factor needs of storage.
type Store interface {
	Ticket(ctx context.Context, p platform.ID, hash []byte) (*authn.Ticket, error)
	Message(ctx context.Context, p platform.ID, id string) (*outbox.Message, error)
	// LimitCounts says where limits stand, and counts nothing.
	LimitCounts(ctx context.Context, p platform.ID, limits []authn.Limit, now time.Time) ([]authn.Counted, error)
}

// Options are what the house passes in.
type Options struct {
	Store  Store
	Sealer login.Sealer
	Budget login.Budget
}

// Factor is the text message as a way of proving.
func Factor(o Options) login.Factor {
	return login.Factor{
		Method: Method, Second: true, Prove: codeStep{o}, Enrol: numberStep{o},
		Policy: usual, UI: part(), Card: card,
	}
}

// usual is what a platform has of text messages that says nothing.
func usual(p *platform.Policy) {
	p.CodeMethods = append(p.CodeMethods, Method)
	p.SMSCountries, p.SMSPerDay = []string{"NL", "BE", "DE", "GB"}, 2000
}

// proof is what a code that came to a credential's number proves.
func proof(v *login.Visit, c account.CredentialID) *authn.Proof {
	return &authn.Proof{Method: Method, Use: account.Second, Kinds: authn.Has, AMR: []string{amr}, Credential: c, At: v.Now}
}
