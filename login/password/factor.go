package password

import (
	"context"
	"errors"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/platform"
)

// Method is the factor's name in credentials, proofs and policies.
const Method = authn.Password

// amr is the value of RFC 8176 section 2 for a password.
const amr = "pwd"

// Store is what the factor needs of storage; each method is one transaction.
type Store interface {
	AccountByEmail(ctx context.Context, p platform.ID, key string) (*account.Account, error)
	CountAttempt(ctx context.Context, p platform.ID, g authn.Guess, now time.Time) (authn.Attempts, error)
	Managers(ctx context.Context, p platform.ID) ([]account.Account, error)
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
	Rule   Rule                                 // what a new password is held against, beside the platform's numbers
	Wait   func(context.Context, time.Duration) // answers later after many wrong passwords
}

// Factor is the password as a way of proving.
func Factor(o Options) login.Factor {
	return login.Factor{
		Method: Method,
		Prove:  step{o},
		Steps:  []login.Step{newStep{o}},
		UI:     part(),
	}
}

// New makes the credential of a password that was just set.
func New(ctx context.Context, o Options, id account.ID, password string, now time.Time) (account.Credential, error) {
	phc, err := o.Pool.Hash(ctx, password)
	return o.credential(id, phc, now), err
}

// Import makes a credential from a hash that another system made. A hash that Verify could not check is fault.Invalid.
func Import(o Options, id account.ID, hash string, now time.Time) (account.Credential, error) {
	if _, err := read(hash); err != nil {
		return account.Credential{}, err
	}
	return o.credential(id, hash, now), nil
}

func (o Options) credential(id account.ID, phc string, now time.Time) account.Credential {
	c := account.Credential{
		ID: account.CredentialID(secret.ID()), Account: id, Method: Method, Use: account.Primary, AddedAt: now, ConfirmedAt: now,
	}
	c.Sealed = o.Sealer.Seal([]byte(phc), c.Binding())
	return c
}

// set is the account's credential with another password: the same one, so that an account has one password. Its
// counter rises, so that of two changes at once, each of which saw the same old one, the second is fault.Stale.
func (o Options) set(ctx context.Context, a *account.Account, password string, now time.Time) (account.Credential, error) {
	old, ok := a.Credential(Method)
	if !ok {
		return New(ctx, o, a.ID, password, now)
	}
	old.AddedAt, old.ConfirmedAt = now, now
	return o.hashed(ctx, old, password)
}

// proof is what a password proves, as long as it is the same one.
func proof(c account.Credential, now time.Time) *authn.Proof {
	return &authn.Proof{
		Method: Method, Use: account.Primary, Kinds: authn.Knows, AMR: []string{amr}, Credential: c.ID, Version: c.Counter, At: now,
	}
}

// upgraded is the credential of a password that was just shown, if its hash is weaker than those that are made now or
// was imported; nil: it stays, also when the pool is full, because a right password is worth more than a better hash.
func (o Options) upgraded(ctx context.Context, c account.Credential, password string) ([]account.Credential, error) {
	phc, err := o.Sealer.Open(c.Sealed, c.Binding())
	if err != nil || !o.Pool.Outdated(string(phc)) {
		return nil, err
	}
	c, err = o.hashed(ctx, c, password)
	if errors.Is(err, fault.Unavailable) {
		return nil, nil
	}
	return []account.Credential{c}, err
}

func (o Options) hashed(ctx context.Context, c account.Credential, password string) (account.Credential, error) {
	phc, err := o.Pool.Hash(ctx, password)
	c.Sealed, c.Counter = o.Sealer.Seal([]byte(phc), c.Binding()), c.Counter+1
	return c, err
}

// Matches reports whether a credential is of this password; the set-up file uses it to change nothing when it is.
func Matches(ctx context.Context, o Options, c account.Credential, password string) (bool, error) {
	phc, err := o.Sealer.Open(c.Sealed, c.Binding())
	if err != nil {
		return false, err
	}
	return o.Pool.Verify(ctx, password, string(phc))
}
