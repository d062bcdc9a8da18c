package setup

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/login/password"
	"github.com/minddistrict/idp/platform"
)

// fewestNamed is how many managers are named for an emergency: one may be ill.
const fewestNamed = 2

// keysOfAddresses are those by which accounts are found.
func keysOfAddresses(addresses []string) (keys []string, err error) {
	for _, address := range addresses {
		email, err := account.ParseEmail(address)
		if err != nil {
			return nil, fmt.Errorf("%w: break_glass: %q: a mail address", fault.Invalid, address)
		}
		if !slices.Contains(keys, email.Key) {
			keys = append(keys, email.Key)
		}
	}
	return keys, nil
}

// emergency refuses to close passwords in favour of an organisation's sign-in while nobody could get in without it: two
// managers are named who have a password and a second factor, as accounts are once the file is applied. Where the file
// closes nothing that was not closed before, what is wrong is a warning: somebody may have left since.
func (p *plan) emergency(ctx context.Context, was, is platform.Platform, connected bool) error {
	if is.Policy.LoginForm || !p.connected(is.ID) {
		return nil
	}
	var wrong []string
	fit := 0
	for _, key := range is.Policy.BreakGlass {
		why, err := p.unfit(ctx, is.ID, key)
		if err != nil {
			return err
		}
		if why == "" {
			fit++
			continue
		}
		wrong = append(wrong, key+" "+why)
	}
	if fit >= fewestNamed {
		return nil
	}
	text := "passwords are closed, and the organisation's sign-in may fail: it takes two managers with a password and a second factor"
	for _, one := range wrong {
		text += "; " + one
	}
	caused := was.Policy.LoginForm || !connected || !slices.Equal(was.Policy.BreakGlass, is.Policy.BreakGlass)
	if caused {
		return fmt.Errorf("%w: break_glass: %s", fault.Invalid, text)
	}
	p.report.Warnings = append(p.report.Warnings, fmt.Sprintf("platform %s: break_glass: %s", is.ID, text))
	return nil
}

// unfit is why somebody cannot be named for an emergency; empty: he can.
func (p *plan) unfit(ctx context.Context, id platform.ID, key string) (string, error) {
	a, err := p.accountAfter(ctx, id, key)
	switch {
	case errors.Is(err, fault.NotFound):
		return "has no account", nil
	case err != nil:
		return "", err
	}
	_, has := a.Credential(password.Method)
	switch {
	case a.Role != platform.Manager:
		return "is a " + string(a.Role), nil
	case a.State != account.Active:
		return "is " + string(a.State), nil
	case !has:
		return "has no password", nil
	case len(a.SecondMethods()) == 0:
		return "has no second factor", nil
	}
	return "", nil
}

// accountAfter is an account as it is once the file is applied.
func (p *plan) accountAfter(ctx context.Context, id platform.ID, key string) (*account.Account, error) {
	for i := range p.setup.Accounts {
		if a := &p.setup.Accounts[i]; a.Platform == id && a.Email.Key == key {
			return a, nil
		}
	}
	return p.DB.AccountByEmail(ctx, id, key)
}

// connected reports whether people of a platform can sign in at an organisation.
func (p *plan) connected(id platform.ID) bool {
	for i := range p.connections {
		if c := &p.connections[i]; c.Platform == id && !c.Disabled {
			return true
		}
	}
	return false
}
