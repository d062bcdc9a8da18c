package setup

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/user"
	"slices"
	"strings"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/keys"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/login/password"
	"github.com/minddistrict/idp/login/recoverycode"
	"github.com/minddistrict/idp/login/sms"
	"github.com/minddistrict/idp/op"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/storage"
)

// Tools are what applying needs.
type Tools struct {
	DB      *storage.DB
	Sealer  *keys.Sealer
	Pool    *password.Pool
	Methods []string // second factors that this build has
	Now     time.Time
}

// Report says what applying did.
type Report struct {
	Changed  []string `json:"changed"`  // "platform linde", "party linde/linde-web", "account linde/anna@example.org"
	Warnings []string `json:"warnings"` // what is kept but has no effect yet
}

// Apply makes the database say what the file says. Nothing is written unless all of it is right.
func Apply(ctx context.Context, t Tools, f *File, lines *Lines) (Report, error) {
	return carryOut(ctx, t, func(p *plan) error {
		for i := range f.Platforms {
			if err := p.platform(ctx, &f.Platforms[i], lines, i); err != nil {
				return err
			}
		}
		return nil
	})
}

// AddAccount declares one account on a platform that exists.
func AddAccount(ctx context.Context, t Tools, id platform.ID, d Account) (Report, error) {
	return addTo(ctx, t, id, func(p *plan) error { return p.account(ctx, id, &d, 0) })
}

func addTo(ctx context.Context, t Tools, id platform.ID, add func(*plan) error) (Report, error) {
	return carryOut(ctx, t, func(p *plan) error {
		if p.known["platform "+string(id)] == nil {
			return fmt.Errorf("platform %q: %w", id, fault.NotFound)
		}
		return add(p)
	})
}

// carryOut makes a plan and saves it in one transaction, if there is anything to save. Where somebody else changes the
// settings meanwhile the plan is made anew: it holds whole rows.
func carryOut(ctx context.Context, t Tools, fill func(*plan) error) (report Report, err error) {
	err = t.DB.Revise(ctx, func(seen int64) error {
		p := newPlan(t)
		p.setup.Seen = &seen
		if err := p.read(ctx); err != nil {
			return err
		}
		if err := fill(p); err != nil {
			return err
		}
		slices.Sort(p.report.Warnings)
		report = p.report
		if len(report.Changed) == 0 {
			return nil
		}
		if err := p.DB.Declare(ctx, p.setup, p.Now); err != nil {
			return fmt.Errorf("applying: %w", err)
		}
		return nil
	})
	if err != nil {
		return Report{}, err
	}
	return report, nil
}

// plan collects what differs from the database.
type plan struct {
	Tools
	salts    map[platform.ID][]byte          // of pairwise subjects; kept for ever
	known    map[string][]byte               // settings that exist, by name, as JSON
	issuers  map[platform.Issuer]platform.ID // whose each is
	declared map[string]int                  // what the file says so far: its line
	keys     []keys.Key
	all      []grant.Party
	setup    storage.Setup
	report   Report
}

func newPlan(t Tools) *plan {
	return &plan{
		Tools: t, known: map[string][]byte{}, salts: map[platform.ID][]byte{}, issuers: map[platform.Issuer]platform.ID{}, declared: map[string]int{},
		report: Report{Changed: []string{}, Warnings: []string{}},
	}
}

func (p *plan) read(ctx context.Context) error {
	platforms, errPlatforms := p.DB.Platforms(ctx)
	parties, errParties := p.DB.Parties(ctx)
	existing, errKeys := p.DB.Keys(ctx)
	if err := errors.Join(errPlatforms, errParties, errKeys); err != nil {
		return fmt.Errorf("applying: %w", err)
	}
	// With another master key we would seal what the servers cannot open.
	if _, err := keys.NewRing(existing, p.Sealer); err != nil {
		return fmt.Errorf("applying: %w", err)
	}
	for _, have := range platforms {
		p.known["platform "+string(have.ID)] = image(have)
		p.salts[have.ID] = have.Salt
		p.issuers[have.Issuer] = have.ID
	}
	for _, have := range parties {
		p.known[partyName(have.Platform, have.ID)] = image(have)
	}
	p.keys, p.all = existing, parties
	return nil
}

// image is a value in a form that can be compared.
func image(v any) []byte {
	text, _ := json.Marshal(v) // plain values: cannot fail
	return text
}

// differs notes a change, once.
func (p *plan) differs(name string, v any) bool {
	if bytes.Equal(p.known[name], image(v)) {
		return false
	}
	p.report.Changed = append(p.report.Changed, name)
	return true
}

func (p *plan) event(id platform.ID, kind account.EventKind, party grant.PartyID, of account.ID) {
	p.setup.Events = append(p.setup.Events, account.Event{
		At: p.Now, Platform: id, Kind: kind, Actor: Operator(), Account: of, Party: string(party), Outcome: account.Success,
	})
}

// Operator names who runs a command, for the audit record.
func Operator() string {
	if u, err := user.Current(); err == nil {
		return "cli " + u.Username
	}
	return "cli " + os.Getenv("USER")
}

// once refuses what the file declares a second time: one of the two would silently count.
func (p *plan) once(key, value, scope string, line int) error {
	name := key + " " + scope + "/" + value
	if first, twice := p.declared[name]; twice {
		return fmt.Errorf("%w: %s %q: declared on line %d already", fault.Invalid, key, value, first)
	}
	p.declared[name] = line
	return nil
}

func (p *plan) platform(ctx context.Context, d *Platform, lines *Lines, i int) error {
	refuse := func(err error) error { return lines.blame(err, "platform "+d.Name, "platforms", i) }
	tenant, err := d.platformOf()
	if err != nil {
		return refuse(err)
	}
	if err := p.once("name", d.Name, "", lines.Of("platforms", i, "name")); err != nil {
		return refuse(err)
	}
	if err := p.once("issuer", d.Issuer, "", lines.Of("platforms", i, "issuer")); err != nil {
		return refuse(err)
	}
	for element := range strings.SplitSeq(strings.Trim(tenant.Issuer.Path(), "/"), "/") {
		if op.Reserved(element) || login.Reserved(element) {
			return refuse(fmt.Errorf("%w: issuer %q: a path without %q, which is a part of our own addresses", fault.Invalid, tenant.Issuer, element))
		}
	}
	if owner, taken := p.issuers[tenant.Issuer]; taken && owner != tenant.ID {
		return refuse(fmt.Errorf("%w: issuer %q: it belongs to platform %s", fault.Taken, tenant.Issuer, owner))
	}
	if tenant.Salt = p.salts[tenant.ID]; tenant.Salt == nil {
		tenant.Salt = secret.Bytes(32)
	}
	if name := "platform " + d.Name; p.differs(name, tenant) {
		p.setup.Platforms = append(p.setup.Platforms, tenant)
		p.event(tenant.ID, account.PlatformSet, "", "")
	}
	p.warn(tenant)
	p.warnClosed(tenant, d.Policy)
	for j := range d.Parties {
		err := p.once("client_id", d.Parties[j].ClientID, d.Name, lines.Of("platforms", i, "parties", j, "client_id"))
		if err == nil {
			err = p.party(tenant.ID, &d.Parties[j])
		}
		if err != nil {
			return lines.blame(err, "party "+d.Parties[j].ClientID, "platforms", i, "parties", j)
		}
	}
	if err := p.ensureKeys(tenant.ID); err != nil {
		return err
	}
	for j := range d.Accounts {
		if err := p.account(ctx, tenant.ID, &d.Accounts[j], lines.Of("platforms", i, "accounts", j, "email")); err != nil {
			return lines.blame(err, "account "+d.Accounts[j].Email, "platforms", i, "accounts", j)
		}
	}
	return nil
}

// ensureKeys makes the signing keys that the parties of a platform need and do not have yet.
func (p *plan) ensureKeys(id platform.ID) error {
	own := slices.DeleteFunc(slices.Clone(p.all), func(party grant.Party) bool { return party.Platform != id })
	made, err := keys.Ensure(p.keys, id, op.SupportedAlgs(own), p.Sealer, p.Now)
	if err != nil {
		return fmt.Errorf("making signing keys of %s: %w", id, err)
	}
	if len(made) == 0 {
		return nil
	}
	p.keys = append(p.keys, made...)
	p.setup.Keys = append(p.setup.Keys, made...)
	p.report.Changed = append(p.report.Changed, "keys "+string(id))
	p.event(id, account.KeyMade, "", "")
	return nil
}

// warn tells what is kept but acts as off, because this build has no way of asking for it.
func (p *plan) warn(tenant platform.Platform) {
	usable := slices.ContainsFunc(tenant.Policy.CodeMethods, func(m string) bool { return slices.Contains(p.Methods, m) })
	for _, g := range []struct {
		name   string
		demand platform.Demand
	}{{"client", tenant.Policy.SecondFactor.Client.Demand}, {"staff", tenant.Policy.SecondFactor.Staff.Demand}} {
		if g.demand != platform.Off && !usable {
			p.report.Warnings = append(p.report.Warnings, fmt.Sprintf(
				"platform %s: policy.second_factor.%s is %s, but none of %s exists in this version: it acts as off",
				tenant.ID, g.name, g.demand, strings.Join(tenant.Policy.CodeMethods, ", ")))
		}
	}
}

// warnClosed tells of ways of signing in that are closed, or that the file opens, while this build has no other.
func (p *plan) warnClosed(tenant platform.Platform, d Policy) {
	say := func(when bool, what string) {
		if when {
			p.report.Warnings = append(p.report.Warnings, fmt.Sprintf("platform %s: policy.%s", tenant.ID, what))
		}
	}
	say(!tenant.Policy.LoginForm, "login_form is false: nobody can sign in, because this version knows no login of an organisation")
	say(!tenant.Policy.AppPassword, "app_password is false: nobody can sign in to the mobile app, because this version knows no other way")
	say(d.AppQR != nil && *d.AppQR, "app_qr is true: it has no effect, because this version has no QR code for the mobile app")
}

// account compares an account by its address; its identifier, once given, stays.
func (p *plan) account(ctx context.Context, id platform.ID, d *Account, line int) error {
	want, err := d.accountOf(id)
	if err != nil {
		return err
	}
	if err := p.once("email", want.Email.Key, string(id), line); err != nil {
		return err
	}
	have, err := p.DB.AccountByEmail(ctx, id, want.Email.Key)
	if errors.Is(err, fault.NotFound) {
		have, err = &account.Account{}, nil
	}
	if err != nil {
		return err
	}
	want.ID, want.CreatedAt, want.UpdatedAt, want.EmailVerifiedAt = have.ID, have.CreatedAt, have.UpdatedAt, have.EmailVerifiedAt
	switch verified := d.EmailVerified == nil || *d.EmailVerified; {
	case verified && want.EmailVerifiedAt.IsZero():
		want.EmailVerifiedAt = p.Now
	case !verified:
		want.EmailVerifiedAt = time.Time{}
	}
	kind := account.AccountChanged
	if want.ID == "" {
		kind, want.ID, want.CreatedAt = account.AccountAdded, account.ID(secret.ID()), p.Now
	}
	if want.Credentials, err = p.credentials(ctx, id, have, want.ID, d); err != nil {
		return err
	}
	want.State = stateOf(have, &want, d.Deactivated)
	if bytes.Equal(image(*have), image(want)) {
		return nil
	}
	want.UpdatedAt = p.Now
	p.setup.Accounts = append(p.setup.Accounts, want)
	p.report.Changed = append(p.report.Changed, "account "+string(id)+"/"+want.Email.Key)
	p.event(id, kind, "", want.ID)
	return nil
}

// stateOf is the state that an account gets. What the file does not say stays: whom staff deactivated stays out.
func stateOf(have, want *account.Account, said *bool) account.State {
	deactivated := have.State == account.Deactivated
	set(&deactivated, said)
	_, hasPassword := want.Credential(password.Method)
	switch {
	case deactivated:
		return account.Deactivated
	case hasPassword:
		return account.Active
	}
	return account.Invited
}

// credentials are those the account has, with what the file says of each method put in its place.
func (p *plan) credentials(ctx context.Context, on platform.ID, have *account.Account, id account.ID, d *Account) ([]account.Credential, error) {
	all := slices.Clone(have.Credentials)
	put := func(method string, c account.Credential) {
		all = append(slices.DeleteFunc(all, func(o account.Credential) bool { return o.Method == method }), c)
	}
	if d.Password != "" {
		o := password.Options{Sealer: p.Sealer, Pool: p.Pool}
		same := false
		if c, ok := have.Credential(password.Method); ok {
			var err error
			if same, err = password.Matches(ctx, o, c, d.Password); err != nil {
				return nil, err
			}
		}
		if !same {
			c, err := password.New(ctx, o, id, d.Password, p.Now)
			if err != nil {
				return nil, err
			}
			put(password.Method, c)
		}
	}
	// A hash is a beginning: what the person chose since, and ours that took its place at a sign-in, stay.
	if _, ok := have.Credential(password.Method); d.PasswordHash != "" && !ok {
		c, err := password.Import(password.Options{Sealer: p.Sealer}, id, d.PasswordHash, p.Now)
		if err != nil {
			return nil, fmt.Errorf("password_hash: %w", err)
		}
		put(password.Method, c)
	}
	for _, s := range []struct {
		method, plain, label string
	}{
		{"totp", strings.ToUpper(d.TOTPSecret), ""},
		{sms.Method, d.CodePhone, sms.End(d.CodePhone)},
	} {
		if s.plain == "" || p.sealedSame(have, s.method, s.plain) {
			continue
		}
		c := account.Credential{
			ID: account.CredentialID(secret.ID()), Account: id, Method: s.method, Use: account.Second, Label: s.label, AddedAt: p.Now, ConfirmedAt: p.Now,
		}
		c.Sealed = p.Sealer.Seal([]byte(s.plain), c.Binding())
		all = slices.DeleteFunc(all, func(o account.Credential) bool { return o.Use == account.Second })
		put(s.method, c)
	}
	if d.TOTPSecret == "" && d.CodePhone == "" {
		return all, nil
	}
	// Whoever is enrolled by a file counts as having kept recovery codes, be there any or none.
	set, ok := have.Credential(recoverycode.Method)
	if ok {
		var err error
		if ok, err = p.sameCodes(ctx, have, set, d.RecoveryCodes); err != nil {
			return nil, err
		}
	}
	if !ok {
		c, tickets := recoverycode.NewSet(p.Sealer, on, id, d.RecoveryCodes, p.Now)
		put(recoverycode.Method, c)
		p.setup.Codes = append(p.setup.Codes, tickets...)
	}
	return all, nil
}

// sameCodes tells whether all codes of the file belong to the set that the account has, used or not.
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
