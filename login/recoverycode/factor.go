package recoverycode

import (
	"context"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/platform"
)

// Method is the factor's name in credentials and proofs.
const Method = "recovery"

// lowAt is how many codes are left when the person is told to make new ones.
const lowAt = 2

// Store is what the factor needs of storage.
type Store interface {
	Ticket(ctx context.Context, p platform.ID, hash []byte) (*authn.Ticket, error)
	TicketsLeft(ctx context.Context, p platform.ID, id account.ID, purpose authn.TicketPurpose) (int, error)
}

// Options are what the house passes in.
type Options struct {
	Store  Store
	Sealer Sealer
	Budget login.Budget
	Text   func(lang, key string, args ...any) string // of the list that is kept
}

// Factor is the recovery code as a way of proving.
func Factor(o Options) login.Factor {
	return login.Factor{
		Method: Method, Recovery: true, Prove: useStep{o}, Enrol: saveStep{o}, Steps: []login.Step{lowCodesStep{o}},
		UI: part(), Card: o.card,
	}
}
