package password

import (
	"context"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/platform"
)

// Method is the factor's name in credentials, proofs and policies.
const Method = "password"

// amr is the value of RFC 8176 section 2 for a password.
const amr = "pwd"

// Store is what the factor needs of storage; each method is one transaction.
type Store interface {
	AccountByEmail(ctx context.Context, p platform.ID, key string) (*account.Account, error)
	CountAttempt(ctx context.Context, p platform.ID, key string, now time.Time) (authn.Attempts, error)
}

// Sealer opens and seals what is stored, and hashes the names of counters.
type Sealer interface {
	Seal(plain []byte, binding string) []byte
	Open(sealed []byte, binding string) ([]byte, error)
	MAC(purpose, data string) []byte
}

// Options are what the house passes in.
type Options struct {
	Store  Store
	Sealer Sealer
	Pool   *Pool
	Wait   func(context.Context, time.Duration) // answers later after many wrong passwords
}

// Factor is the password as a way of proving.
func Factor(o Options) login.Factor {
	return login.Factor{
		Method:   Method,
		Prove:    step{o},
		Describe: func(account.Credential) string { return "" }, // has its own line in settings
	}
}

// New makes the credential of a password that was just set.
func New(ctx context.Context, o Options, id account.ID, password string, now time.Time) (account.Credential, error) {
	phc, err := o.Pool.Hash(ctx, password)
	if err != nil {
		return account.Credential{}, err
	}
	c := account.Credential{
		ID: account.CredentialID(secret.ID()), Account: id, Method: Method, Use: account.Primary, AddedAt: now, ConfirmedAt: now,
	}
	c.Sealed = o.Sealer.Seal([]byte(phc), c.Binding())
	return c, nil
}

// Matches tells whether a credential is of this password; the set-up file uses it to change nothing when it is.
func Matches(ctx context.Context, o Options, c account.Credential, password string) (bool, error) {
	phc, err := o.Sealer.Open(c.Sealed, c.Binding())
	if err != nil {
		return false, err
	}
	return o.Pool.Verify(ctx, password, string(phc))
}
