package setup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/login/password"
	"github.com/minddistrict/idp/login/recoverycode"
	"github.com/minddistrict/idp/login/sms"
	"github.com/minddistrict/idp/login/totp"
	"github.com/minddistrict/idp/platform"
)

// proofs are the credentials of one account, with what the file says of each method put in its place.
type proofs struct {
	*plan
	on      platform.ID
	have    *account.Account // as it is
	id      account.ID       // also of an account that is new
	all     []account.Credential
	changed []Difference
}

// credentials are those the account has from now on, and the keys by which they differ from those it had.
func (p *plan) credentials(
	ctx context.Context, on platform.ID, have *account.Account, id account.ID, d *Account,
) ([]account.Credential, []Difference, error) {
	c := proofs{plan: p, on: on, have: have, id: id, all: slices.Clone(have.Credentials)}
	if err := c.password(ctx, d); err != nil {
		return nil, nil, err
	}
	if d.TOTPSecret == "" && d.CodePhone == "" {
		return c.all, c.changed, nil
	}
	c.second("totp_secret", totp.Method, strings.ToUpper(d.TOTPSecret), "")
	c.second("phone_for_codes", sms.Method, d.CodePhone, sms.End(d.CodePhone))
	err := c.recovery(ctx, d)
	return c.all, c.changed, err
}

func (p *proofs) put(key string, c account.Credential) {
	_, had := p.have.Credential(c.Method)
	p.changed = append(p.changed, secretDifference(key, had, true))
	p.all = append(slices.DeleteFunc(p.all, func(o account.Credential) bool { return o.Method == c.Method }), c)
}

// password takes a password that is another one. A hash is a beginning: what the person chose since, and ours that took
// its place at a sign-in, stay.
func (p *proofs) password(ctx context.Context, d *Account) error {
	c, has := p.have.Credential(password.Method)
	o := password.Options{Sealer: p.Sealer, Pool: p.Pool}
	if d.Password != "" {
		if has {
			if same, err := password.Matches(ctx, o, c, d.Password); same || err != nil {
				return err
			}
		}
		made, err := password.New(ctx, o, p.id, d.Password, p.Now)
		if err != nil {
			return err
		}
		p.put("password", made)
	}
	if d.PasswordHash != "" && !has {
		made, err := password.Import(o, p.id, d.PasswordHash, p.Now)
		if err != nil {
			return fmt.Errorf("password_hash: %w", err)
		}
		p.put("password_hash", made)
	}
	return nil
}

// warnOfPassword tells of a password that the account gets and that the person could not choose: the platform's rule is
// for those. It counts nevertheless, because whoever writes the file may know what it is for.
func (p *plan) warnOfPassword(a *account.Account, plain string, changed []Difference) error {
	if !slices.ContainsFunc(changed, func(d Difference) bool { return d.Key == "password" }) {
		return nil
	}
	on := p.platforms[a.Platform]
	mistake, err := password.Rule{}.Check(on.Policy.Password, plain, password.Words(&on, a))
	if err == nil && mistake != password.None {
		p.report.Warnings = append(p.report.Warnings, fmt.Sprintf("account %s/%s: password: outside the rule of the platform, and taken nevertheless: %s",
			a.Platform, a.Email.Key, mistake.Meaning(on.Policy.Password)))
	}
	return err
}

// second takes a second factor that is another one, in the place of any other.
func (p *proofs) second(key, method, plain, label string) {
	if plain == "" || p.sealedSame(p.have, method, plain) {
		return
	}
	c := account.Credential{
		ID: account.CredentialID(secret.ID()), Account: p.id, Method: method, Use: account.Second, Label: label, AddedAt: p.Now,
		ConfirmedAt: p.Now,
	}
	c.Sealed = p.Sealer.Seal([]byte(plain), c.Binding())
	p.all = slices.DeleteFunc(p.all, func(o account.Credential) bool { return o.Use == account.Second })
	p.put(key, c)
}

// recovery takes recovery codes that are others. Whoever is enrolled by a file counts as having kept some, be there any
// or none.
func (p *proofs) recovery(ctx context.Context, d *Account) error {
	if set, ok := p.have.Credential(recoverycode.Method); ok {
		if same, err := p.sameCodes(ctx, p.have, set, d.RecoveryCodes); same || err != nil {
			return err
		}
	}
	c, tickets := recoverycode.NewSet(p.Sealer, p.on, p.id, d.RecoveryCodes, p.Now)
	p.put("recovery_codes", c)
	p.setup.Codes = append(p.setup.Codes, tickets...)
	return nil
}

// sameCodes reports whether all codes of the file belong to the set that the account has, used or not.
func (p *plan) sameCodes(ctx context.Context, have *account.Account, set account.Credential, codes []string) (bool, error) {
	for _, code := range codes {
		hash, err := recoverycode.Hash(p.Sealer, set, code)
		if err != nil {
			return false, err
		}
		if _, err := p.DB.Ticket(ctx, have.Platform, hash); errors.Is(err, fault.NotFound) {
			return false, nil
		} else if err != nil {
			return false, err
		}
	}
	return true, nil
}

func (p *plan) sealedSame(have *account.Account, method, plain string) bool {
	c, ok := have.Credential(method)
	if !ok {
		return false
	}
	opened, err := p.Sealer.Open(c.Sealed, c.Binding())
	return err == nil && string(opened) == plain
}
