package idptest

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
	"github.com/minddistrict/idp/storage"
)

// organisationVocabulary is what scripts say of organisations' own sign-ins.
//
//	organisation NAME [key=value …]  connects linde (on=wilg) with the sign-in of an organisation (jit=create|invited as=ROLE table=GROUP:ROLE roles=ROLE+ROLE counts=yes: two factors there replace the code here, idle=bounce domain=DOMAIN proven=yes place=none|below form-post=yes disabled=yes confirmed=two: by a test sign-in that showed two factors)
//	linked ADDRESS NAME WHO          the account at linde was linked before to who that is there
//	unlinked ADDRESS NAME            the operator removes the link of the account at linde
//	signs-in WHO [claim=value …]     on the organisation's page, with claims: amr=pwd+mfa, groups=A+B and email_verified=no|text have their types, none takes a claim away, auth_time=-8h is so long ago; kept=yes: the answer stays with the browser that got it, for reopen
//	stops [CODE [WHY]]               on the organisation's page: access_denied, or another error
//	turns NAME silent|mute|forged|well  it asks nobody to sign in again; answers no server; signs with another key; as it was
//	asked NAME PARAMETER == VALUE    what the last authorization request to it said; none: nothing
//
// fill knows mailed, the code in the mail that was taken, and mailed+1, one that was never sent.
var organisationVocabulary = vocabulary{word: (*script).mailedCode, verbs: map[string]func(*script, string) error{
	"organisation": (*script).organisation,
	"linked":       (*script).linked,
	"unlinked":     (*script).unlinked,
	"signs-in":     (*script).signsIn,
	"stops":        (*script).stops,
	"turns":        (*script).turns,
	"asked":        (*script).asked,
}}

var (
	mailedWord = regexp.MustCompile(`^mailed(\+\d+)?$`)
	codeOfMail = regexp.MustCompile(`(?m)^\d{6}$`)
)

// mailedCode is the code in the mail that was taken, or one that was never sent.
func (s *script) mailedCode(value string) (string, bool, error) {
	m := mailedWord.FindStringSubmatch(value)
	if m == nil {
		return "", false, nil
	}
	code, err := strconv.Atoi(codeOfMail.FindString(s.letter.Text))
	if err != nil {
		return "", true, fmt.Errorf("the mail that was taken has no code")
	}
	n, _ := strconv.Atoi(m[1]) // digits, or nothing
	return fmt.Sprintf("%06d", (code+n)%1_000_000), true, nil
}

var signInButton = regexp.MustCompile("^Sign in$")

// hostOf is where an organisation has its people sign in.
func hostOf(name string) string { return "sso." + name + ".test" }

func (s *script) organisationOf(name string) (*Organisation, error) {
	o, ok := s.server.hosts[hostOf(name)].(*Organisation)
	if !ok {
		return nil, fmt.Errorf("no organisation %s", name)
	}
	return o, nil
}

func (s *script) organisation(rest string) error {
	name, options := fields(rest)
	on := cmp.Or(options["on"], "linde")
	issuer := issuerOf(on)
	o, err := s.organisationOf(name)
	if err != nil {
		o = NewOrganisation("https://"+hostOf(name), "idp of "+on, issuer+"/federation/"+name+"/callback", s.server.Clock.Now)
		s.server.Site(hostOf(name), o)
	}
	c := federation.Connection{
		Platform: platform.ID(on), ID: federation.ID(name), Kind: federation.OIDC, Names: map[string]string{"nl": "Stichting " + name, "en": name + " Trust"},
		Place: federation.Place(options["place"]), Key: federation.KeyRule{By: federation.BySubject}, Idle: federation.Idle(options["idle"]),
		Contract: federation.Contract{Counts: options["counts"] == "yes", Rows: []federation.ContractRow{
			{Claim: federation.ByAMR, Value: "mfa", ACR: authn.TwoFactor}, {Claim: federation.ByACR, Value: "two", ACR: authn.TwoFactor},
		}},
		Access:   federation.Access{JIT: federation.JIT(options["jit"]), Role: platform.Role(options["as"])},
		OIDC:     federation.OIDCSettings{Issuer: o.Issuer, ClientID: o.ClientID, FormPost: options["form-post"] == "yes"},
		Disabled: options["disabled"] == "yes",
	}
	for _, role := range strings.Fields(options["roles"]) {
		c.Roles = append(c.Roles, platform.Role(role))
	}
	for _, row := range strings.Fields(options["table"]) {
		group, role, _ := strings.Cut(row, ":")
		c.Access.Table = append(c.Access.Table, federation.RoleRow{Value: group, Role: platform.Role(role)})
	}
	if domain := options["domain"]; domain != "" {
		c.Domains = []federation.Domain{{Name: domain, Proven: options["proven"] == "yes"}}
	}
	if err := c.Validate(); err != nil {
		return err
	}
	c.Secret = s.server.Sealer.Seal([]byte(o.ClientSecret), c.Binding("secret"))
	ctx, now := s.t.Context(), s.server.Clock.Now()
	if err := s.server.DB.Declare(ctx, storage.Setup{Connections: []federation.Connection{c}}, now); err != nil {
		return err
	}
	if options["confirmed"] == "two" {
		if err := s.confirm(c); err != nil {
			return err
		}
	}
	return s.server.Refresh(ctx)
}

// confirm says that a test sign-in showed two factors.
func (s *script) confirm(c federation.Connection) error {
	ctx, now := s.t.Context(), s.server.Clock.Now()
	seen, err := s.server.DB.Version(ctx)
	if err != nil {
		return err
	}
	b := c.NewBaseline(federation.Answer{Claims: map[string]any{"email": "test@lindehof.test", "amr": []string{"mfa"}}}, now)
	return s.server.DB.SetBaseline(ctx, c.Platform, c.ID, b, seen, audit.Event{
		At: now, Platform: c.Platform, Kind: audit.ConnectionConfirmed, Actor: "cli test", Outcome: audit.Success,
	})
}

func (s *script) linked(rest string) error {
	words := strings.Fields(rest)
	if len(words) != 3 {
		return errors.New("linked ADDRESS NAME WHO")
	}
	ctx, now := s.t.Context(), s.server.Clock.Now()
	a, err := s.server.DB.AccountByEmail(ctx, "linde", words[0])
	if err != nil {
		return err
	}
	return s.server.DB.SaveChange(ctx, authn.Change{Platform: "linde", Put: []account.Credential{{
		ID: account.CredentialID(secret.ID()), Account: a.ID, Method: federation.Method, Use: account.Primary, Label: words[2],
		External: federation.External(federation.ID(words[1]), "sub-"+words[2]), AddedAt: now, ConfirmedAt: now,
	}}}, now)
}

func (s *script) unlinked(rest string) error {
	words := strings.Fields(rest)
	if len(words) != 2 {
		return errors.New("unlinked ADDRESS NAME")
	}
	said := staff.Said{Reason: staff.WrongLink, Identified: staff.CalledBack}
	return s.server.Tools().Acts().RemoveLinkTo(s.t.Context(), "linde", staff.ByAddress(words[0]), federation.ID(words[1]), said)
}

// here is the organisation on whose page the browser is.
func (s *script) here() (*Organisation, error) {
	o, ok := s.server.hosts[s.b.URL.Host].(*Organisation)
	if !ok || s.b.ButtonLike(signInButton) == nil {
		return nil, fmt.Errorf("the browser is on no page of an organisation that asks to sign in: %s\n%s", s.b.URL, Visible(s.b.Doc))
	}
	return o, nil
}

func (s *script) signsIn(rest string) error {
	who, claims := fields(rest)
	o, err := s.here()
	if err != nil {
		return err
	}
	kept := claims["kept"] == "yes"
	delete(claims, "kept")
	said, err := s.claims(claims)
	if err != nil {
		return err
	}
	o.People[who] = said
	if err := s.b.Fill("Account", who); err != nil {
		return err
	}
	if kept {
		return s.keepAnswer()
	}
	if err := s.b.Press("Sign in"); err != nil || !formPosted(s.b) {
		return err
	}
	return s.b.Press("Continue")
}

// formPosted reports whether the answer is a form that a browser with script sends by itself.
func formPosted(b *Browser) bool {
	return b.Doc != nil && b.Button("Continue") != nil && strings.HasPrefix(b.URL.Host, "sso.")
}

// keepAnswer signs in, and keeps the address to which the organisation sends the browser.
func (s *script) keepAnswer() error {
	form, action, err := s.b.Form(s.b.ButtonLike(signInButton))
	if err != nil {
		return err
	}
	req, res, _, err := s.b.exchange(http.MethodPost, action, form)
	if err != nil {
		return err
	}
	s.b.Jar.SetCookies(req.URL, res.Cookies())
	if s.kept = res.Header.Get("Location"); s.kept == "" {
		return fmt.Errorf("status %d without an address to go to", res.StatusCode)
	}
	return nil
}

// claims have the types that they have in JSON.
func (s *script) claims(options map[string]string) (map[string]any, error) {
	all := map[string]any{}
	for name, value := range options {
		switch {
		case value == "none":
			all[name] = nil
		case name == "amr", name == "groups":
			all[name] = strings.Fields(value)
		case name == "email_verified" && value != "text":
			all[name] = value == "yes"
		case name == "email_verified":
			all[name] = "true"
		case name == "auth_time":
			ago, err := time.ParseDuration(value)
			if err != nil {
				return nil, err
			}
			all[name] = s.server.Clock.Now().Add(ago).Unix()
		default:
			all[name] = value
		}
	}
	return all, nil
}

func (s *script) stops(rest string) error {
	if _, err := s.here(); err != nil {
		return err
	}
	code, why, _ := strings.Cut(rest, " ")
	form, action, err := s.b.Form(s.b.ButtonLike(signInButton))
	if err != nil {
		return err
	}
	form.Set("do", cmp.Or(code, "access_denied"))
	form.Set("why", why)
	return s.b.send(http.MethodPost, action, form)
}

func (s *script) turns(rest string) error {
	name, how, _ := strings.Cut(rest, " ")
	o, err := s.organisationOf(name)
	if err != nil {
		return err
	}
	switch how {
	case "silent":
		o.Silent = true
	case "mute":
		o.Mute = true
	case "forged":
		o.Forged = true
	case "well":
		o.Mood = Mood{}
	default:
		return fmt.Errorf("turns NAME silent|mute|forged|well")
	}
	return nil
}

func (s *script) asked(rest string) error {
	name, rest, _ := strings.Cut(rest, " ")
	parameter, want, _ := strings.Cut(rest, " == ")
	o, err := s.organisationOf(name)
	if err != nil {
		return err
	}
	if got := cmp.Or(o.Asked.Get(parameter), "none"); got != want {
		return fmt.Errorf("asked %q, want %q", got, want)
	}
	return nil
}
