package setup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/keys"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/login/password"
	"github.com/minddistrict/idp/op"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
	"github.com/minddistrict/idp/storage"
)

// Tools are what applying needs.
type Tools struct {
	DB      *storage.DB
	Sealer  *keys.Sealer
	Pool    *password.Pool
	Methods []string        // second factors that this build has
	Policy  platform.Policy // of a platform that sets nothing
	Now     time.Time
	DryRun  bool // the report says what would change; nothing is written
	Weaken  bool // what protects less than before is done, and recorded; without it that is refused as Weakening
}

// Acts are what staff may do, by whoever runs a command.
func (t Tools) Acts() *staff.Acts {
	return &staff.Acts{Store: t.DB, Sealer: t.Sealer, People: t.DB, Waiting: t.DB, Devices: t.DB, Federation: t.DB, Parties: t.DB, Actor: staff.Operator(Operator()), Now: t.Now}
}

// Report says what applying did.
type Report struct {
	Changed     []string     `json:"changed"`     // "platform linde", "party linde/linde-web", "account linde/anna@example.org"
	Differences []Difference `json:"differences"` // of what changed, key by key
	Warnings    []string     `json:"warnings"`    // what is kept but has no effect yet, what protects less than before, passwords outside the rule
}

// Apply makes the database say what the file says. Nothing is written unless all of it is right.
func Apply(ctx context.Context, t Tools, f *File, lines *Lines) (Report, error) {
	if lines == nil { // made by a program: what it left out is what is zero
		var err error
		if lines, err = unwritten(f); err != nil {
			return Report{}, err
		}
	}
	return carryOut(ctx, t, lines, func(p *plan) error {
		for i := range f.Platforms {
			if err := p.platform(ctx, &f.Platforms[i], i); err != nil {
				return err
			}
		}
		return nil
	})
}

// AddAccount declares one account on a platform that exists.
func AddAccount(ctx context.Context, t Tools, id platform.ID, d Account) (Report, error) {
	return addTo(ctx, t, id, func(p *plan) error {
		said, err := spoken(d)
		if err != nil {
			return err
		}
		return p.account(ctx, id, &d, said)
	})
}

func addTo(ctx context.Context, t Tools, id platform.ID, add func(*plan) error) (Report, error) {
	return carryOut(ctx, t, nil, func(p *plan) error {
		if p.platforms[id].ID == "" {
			return fmt.Errorf("platform %q: %w", id, fault.NotFound)
		}
		return add(p)
	})
}

// carryOut makes a plan and saves it in one transaction, if there is anything to save. Where somebody else changes the
// settings meanwhile the plan is made anew: it holds whole rows.
func carryOut(ctx context.Context, t Tools, lines *Lines, fill func(*plan) error) (report Report, err error) {
	err = t.DB.Revise(ctx, func(seen int64) error {
		p := newPlan(t, lines)
		p.setup.Seen = &seen
		if err := p.read(ctx); err != nil {
			return err
		}
		if err := fill(p); err != nil {
			return err
		}
		refused, err := p.weaker(ctx)
		if err != nil {
			return err
		}
		slices.Sort(p.report.Warnings)
		report = p.report
		switch {
		case len(report.Changed) == 0 || t.DryRun:
			return nil
		case len(refused) > 0:
			return refused
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
	platforms   map[platform.ID]platform.Platform // that exist, then as they will be
	old         map[platform.ID]bool              // those that exist
	issuers     map[platform.Issuer]platform.ID   // whose each is
	declared    map[string]int                    // what the file says so far: its line
	lines       *Lines
	named       map[platform.ID]int // accounts of the file that exist
	keys        []keys.Key
	all         []grant.Party
	connections []federation.Connection
	setup       storage.Setup
	report      Report
}

func newPlan(t Tools, lines *Lines) *plan {
	return &plan{
		Tools: t, lines: lines, platforms: map[platform.ID]platform.Platform{}, old: map[platform.ID]bool{}, issuers: map[platform.Issuer]platform.ID{},
		declared: map[string]int{}, named: map[platform.ID]int{},
		report: Report{Changed: []string{}, Differences: []Difference{}, Warnings: []string{}},
	}
}

func (p *plan) read(ctx context.Context) error {
	platforms, errPlatforms := p.DB.Platforms(ctx)
	parties, errParties := p.DB.Parties(ctx)
	connections, errConnections := p.DB.Connections(ctx)
	existing, errKeys := p.DB.Keys(ctx)
	if err := errors.Join(errPlatforms, errParties, errConnections, errKeys); err != nil {
		return fmt.Errorf("applying: %w", err)
	}
	// With another master key we would seal what the servers cannot open.
	if _, err := keys.NewRing(existing, p.Sealer); err != nil {
		return fmt.Errorf("applying: %w", err)
	}
	for _, have := range platforms {
		p.platforms[have.ID], p.old[have.ID] = have, true
		p.issuers[have.Issuer] = have.ID
	}
	p.keys, p.all, p.connections = existing, parties, connections
	return nil
}

// differs reports whether anything of an item changes, and adds what does to the plan. Path is where the file declares
// the item, if it does.
func (p *plan) differs(item string, all []Difference, path ...any) bool {
	if len(all) == 0 {
		return false
	}
	p.report.Changed = append(p.report.Changed, item)
	for _, d := range all {
		if d.Item = item; len(path) > 0 {
			d.Line = p.lines.Of(append(slices.Clone(path), keyPath(d.Key)...)...)
		}
		p.report.Differences = append(p.report.Differences, d)
	}
	return true
}

func (p *plan) event(id platform.ID, kind audit.Kind, party grant.PartyID, of account.ID) {
	p.setup.Events = append(p.setup.Events, audit.Event{
		At: p.Now, Platform: id, Kind: kind, Actor: Operator(), Account: of, Party: string(party), Outcome: audit.Success,
	})
}

// Operator names who runs a command, for the audit record.
func Operator() string {
	if u, err := user.Current(); err == nil {
		return "cli " + u.Username
	}
	return "cli " + os.Getenv("USER")
}

// declareOnce refuses what the file declares a second time: one of the two would silently count.
func (p *plan) declareOnce(key, value, scope string, line int) error {
	name := key + " " + scope + "/" + value
	if first, twice := p.declared[name]; twice {
		return fmt.Errorf("%w: %s %q: declared on line %d already", fault.Invalid, key, value, first)
	}
	p.declared[name] = line
	return nil
}

func (p *plan) platform(ctx context.Context, d *Platform, i int) error {
	before, connected := p.platforms[platform.ID(d.Name)], p.connected(platform.ID(d.Name))
	tenant, err := p.tenant(d, i)
	if err != nil {
		return p.lines.blame(err, "platform "+d.Name, "platforms", i)
	}
	p.warn(tenant)
	for j := range d.Parties {
		path := []any{"platforms", i, "parties", j}
		err := p.declareOnce("client_id", d.Parties[j].ClientID, d.Name, p.lines.Of(append(path, "client_id")...))
		if err == nil {
			err = p.party(tenant.ID, &d.Parties[j], p.lines.at(path...), path...)
		}
		if err != nil {
			return p.lines.blame(err, "party "+d.Parties[j].ClientID, path...)
		}
	}
	for j := range d.Parties { // each may be for one that stands further down
		if err := p.audience(tenant.ID, &d.Parties[j]); err != nil {
			return p.lines.blame(err, "party "+d.Parties[j].ClientID, "platforms", i, "parties", j)
		}
	}
	for j := range d.Connections {
		path := []any{"platforms", i, "connections", j}
		err := p.declareOnce("connection", d.Connections[j].Name, d.Name, p.lines.Of(append(path, "name")...))
		if err == nil {
			err = p.connection(ctx, tenant, &d.Connections[j], p.lines.at(path...), path...)
		}
		if err != nil {
			return p.lines.blame(err, "connection "+d.Connections[j].Name, path...)
		}
	}
	p.warnClosed(tenant)
	if err := p.loginParty(tenant, before.LoginParty); err != nil {
		return p.lines.blame(err, "platform "+d.Name, "platforms", i)
	}
	if err := p.ensureKeys(tenant.ID); err != nil {
		return err
	}
	for j := range d.Accounts {
		path := []any{"platforms", i, "accounts", j}
		if err := p.account(ctx, tenant.ID, &d.Accounts[j], p.lines.at(path...), path...); err != nil {
			return p.lines.blame(err, "account "+d.Accounts[j].Email, path...)
		}
	}
	if err := p.emergency(ctx, before, tenant, connected); err != nil {
		return p.lines.blame(err, "platform "+d.Name, "platforms", i)
	}
	return nil
}

// tenant compares the platform itself.
func (p *plan) tenant(d *Platform, i int) (tenant platform.Platform, err error) {
	have, exists := p.platforms[platform.ID(d.Name)]
	want := declaredPlatform(have)
	if want.dropDefaults(); !exists {
		want = Platform{Policy: declaredPolicy(p.Policy)}
	}
	said, err := merge(p.lines.at("platforms", i), &want, Platform{Policy: declaredPolicy(p.Policy)})
	if err != nil {
		return tenant, err
	}
	want.Policy.settle(said)
	if tenant, err = want.platformOf(have, said); err != nil {
		return tenant, err
	}
	if err := p.declareOnce("name", d.Name, "", p.lines.Of("platforms", i, "name")); err != nil {
		return tenant, err
	}
	if err := p.declareOnce("issuer", string(tenant.Issuer), "", p.lines.Of("platforms", i, "issuer")); err != nil {
		return tenant, err
	}
	for element := range strings.SplitSeq(strings.Trim(tenant.Issuer.Path(), "/"), "/") {
		if op.Reserved(element) || login.Reserved(element) {
			return tenant, fmt.Errorf("%w: issuer %q: a path without %q, which is a part of our own addresses", fault.Invalid, tenant.Issuer, element)
		}
	}
	if owner, taken := p.issuers[tenant.Issuer]; taken && owner != tenant.ID {
		return tenant, fmt.Errorf("%w: issuer %q: it belongs to platform %s", fault.Taken, tenant.Issuer, owner)
	}
	if tenant.Salt == nil {
		tenant.Salt = secret.Bytes(32)
	}
	if !exists {
		have = platform.Platform{Policy: p.Policy}
		have.Defaults()
	}
	all := slices.Concat(difference(declaredPlatform(have), declaredPlatform(tenant)),
		fileDifference("logo_file", have.Branding.Logo, tenant.Branding.Logo),
		fileDifference("logo_dark_file", have.Branding.LogoDark, tenant.Branding.LogoDark))
	if exists {
		mark(all, "", underPolicy(append(tenant.Policy.WeakerThan(have.Policy), p.unasked(have.Policy, tenant.Policy)...)))
	} else {
		fresh(all)
	}
	if p.differs("platform "+d.Name, all, "platforms", i) {
		p.setup.Platforms = append(p.setup.Platforms, tenant)
		p.event(tenant.ID, audit.PlatformSet, "", "")
	}
	p.platforms[tenant.ID] = tenant
	return tenant, nil
}

// loginParty refuses a party at which people of the platform cannot log in, as parties are once the file is applied.
// One that was named before, and that somebody disabled since, is no reason to refuse the rest of the file.
func (p *plan) loginParty(tenant platform.Platform, before string) error {
	name := tenant.LoginParty
	if name == "" {
		return nil
	}
	var party *grant.Party
	for i := range p.all { // one that changes is there twice, last as it will be
		if p.all[i].Platform == tenant.ID && string(p.all[i].ID) == name {
			party = &p.all[i]
		}
	}
	switch {
	case party == nil:
		return fmt.Errorf("%w: login_party %q: %s", fault.Invalid, name, p.noParty(tenant.ID))
	case !party.TakesIn():
		return fmt.Errorf("%w: login_party %q: one of the platform's own, of type web or spa", fault.Invalid, name)
	case party.InitiateURI == "":
		return fmt.Errorf("%w: login_party %q: it has no initiate_login_uri, where a login begins", fault.Invalid, name)
	case !party.DisabledAt.IsZero() && name != before:
		return fmt.Errorf("%w: login_party %q: it is disabled", fault.Invalid, name)
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
	var all []Difference
	for _, k := range made {
		all = append(all, Difference{Key: k.Alg, New: "made"})
	}
	p.differs("keys "+string(id), all)
	p.event(id, audit.SigningKeyMade, "", "")
	return nil
}

// warn tells what is kept but acts as off, because this build has no way of asking for it.
func (p *plan) warn(tenant platform.Platform) {
	usable := p.usable(tenant.Policy)
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

// warnClosed tells of ways of signing in that are closed while this build has no other.
func (p *plan) warnClosed(tenant platform.Platform) {
	say := func(when bool, what string) {
		if when {
			p.report.Warnings = append(p.report.Warnings, fmt.Sprintf("platform %s: policy.%s", tenant.ID, what))
		}
	}
	say(!tenant.Policy.LoginForm && !p.connected(tenant.ID),
		"login_form is false: nobody can sign in, because the platform has no connection to an organisation's sign-in")
	say(!tenant.Policy.AppPassword && !tenant.Policy.AppQR, "app_password and app_qr are false: nobody can sign in to the mobile app, because this version knows no other way")
}

// account compares an account by its address; its identifier, once given, stays. The node is what the file says of it.
func (p *plan) account(ctx context.Context, id platform.ID, d *Account, said *yaml.Node, path ...any) error {
	email, err := account.ParseEmail(d.Email)
	if err != nil {
		return fmt.Errorf("email %q: %w, such as anna@example.org", d.Email, err)
	}
	if err := p.declareOnce("email", email.Key, string(id), p.lines.Of(append(path, "email")...)); err != nil {
		return err
	}
	have, err := p.DB.AccountByEmail(ctx, id, email.Key)
	exists := err == nil
	if errors.Is(err, fault.NotFound) {
		fresh := newAccount()
		have, err = &fresh, nil
	}
	if err != nil {
		return err
	}
	full, want, err := p.merged(have, exists, email, said)
	if err != nil {
		return err
	}
	want.Platform = id
	kind := audit.AccountChanged
	if !exists {
		kind, want.ID, want.CreatedAt = audit.AccountAdded, account.ID(secret.ID()), p.Now
	}
	var credentials []Difference
	if want.Credentials, credentials, err = p.credentials(ctx, id, have, want.ID, &full); err != nil {
		return err
	}
	want.State = stateOf(have, &want, full.Deactivated)
	all := append(difference(declaredAccount(*have), declaredAccount(want)), credentials...)
	if want.State != have.State {
		all = append(all, Difference{Key: "state", Old: string(have.State), New: string(want.State)})
	}
	if exists {
		p.named[id]++
		policy := p.platforms[id].Policy
		if weaker := policy.For(want.Role).WeakerThan(policy.For(have.Role)); len(weaker) > 0 {
			mark(all, "", []string{"role"})
		}
	} else {
		fresh(all)
	}
	if !p.differs("account "+string(id)+"/"+email.Key, all, path...) {
		return nil
	}
	if err := p.warnOfPassword(&want, full.Password, credentials); err != nil {
		return err
	}
	want.UpdatedAt = p.Now
	p.setup.Accounts = append(p.setup.Accounts, want)
	p.event(id, kind, "", want.ID)
	return nil
}

// merged is what the file makes of an account but for its proofs, as a declaration and as the account itself.
func (p *plan) merged(
	have *account.Account, exists bool, email account.Email, said *yaml.Node,
) (full Account, want account.Account, err error) {
	full = declaredAccount(*have)
	full.Deactivated = nil
	if _, err := merge(said, &full, declaredAccount(newAccount())); err != nil {
		return full, want, err
	}
	if want, err = full.accountOf(*have, email); err != nil {
		return full, want, err
	}
	switch verified := *full.EmailVerified; {
	case !verified:
		want.EmailVerifiedAt = time.Time{}
	case !exists || have.EmailVerifiedAt.IsZero():
		want.EmailVerifiedAt = p.Now
	}
	return full, want, nil
}

// stateOf is the state that an account gets. What the file does not say stays: whom staff deactivated stays out.
func stateOf(have, want *account.Account, said *bool) account.State {
	deactivated := have.State == account.Deactivated
	set(&deactivated, said)
	_, hasPassword := want.Credential(password.Method)
	// Whoever came in by an organisation's sign-in has no password, and was here nevertheless.
	linked := slices.ContainsFunc(want.Credentials, func(c account.Credential) bool { return c.External != "" && c.Usable() })
	switch {
	case deactivated:
		return account.Deactivated
	case hasPassword, linked && have.State == account.Active:
		return account.Active
	}
	return account.Invited
}
