package idptest

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/html"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/login/federated"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
	"github.com/minddistrict/idp/storage"
)

// organisationVocabulary is what scripts say of organisations' own sign-ins. fill knows mailed, the code in the mail that
// was taken, and mailed+1, one that was never sent.
var organisationVocabulary = vocabulary{word: (*script).mailedCode, verbs: []verb{
	{"organisation", "NAME [key=value …]", "connects linde (on=wilg) with the sign-in of an organisation (jit=create|invited as=ROLE " +
		"table=GROUP:ROLE roles=ROLE+ROLE counts=yes: two factors there replace the code here, " +
		"idle=bounce domain=DOMAIN proven=yes place=none|below form-post=yes disabled=yes confirmed=two: " +
		"by a test sign-in that showed two factors; saml: it speaks that, encrypts, and signs: requests " +
		"must be signed, lapsed: its certificate expired)", (*script).organisation},
	{"linked", "ADDRESS NAME WHO", "the account at linde was linked before to who that is there", (*script).linked},
	{"unlinked", "ADDRESS NAME", "the operator removes the link of the account at linde", (*script).unlinked},
	{"signs-in", "WHO [claim=value …]", "on the organisation's page, with claims: amr=pwd+mfa, groups=A+B, groups=left-out and " +
		"email_verified=no|text have their types, context=two and format=F are those of SAML, none takes " +
		"a claim away, auth_time=-8h is so long ago; kept=yes: the answer stays with the browser that " +
		"got it, for reopen", (*script).signsIn},
	{"stops", "[CODE [WHY]]", "on the organisation's page: access_denied, or another error", (*script).stops},
	{"turns", "NAME silent|mute|forged|well|rolled|swollen|early|late", "it asks nobody to sign in again; answers no server; signs with another key; as it was; signs " +
		"with another key, which it publishes; says 10 MB of itself; its clock is ten minutes ahead, " +
		"behind", (*script).turns},
	{"signs-out", "NAME [all|twice|refused]", "the person signs out at the organisation, in this browser: linde is told of that session; of " +
		"all of the person's; twice; and does not believe it", (*script).signsOut},
	{"tests", "NAME", "the operator begins a test sign-in at the organisation, and its address is opened in this browser", (*script).tests},
	{"sent", "N", "on the way to this page the browser was sent to organisations so often", (*script).sent},
	{"asked", "NAME PARAMETER == VALUE", "what the last authorization request to it said; none: nothing", (*script).asked},
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
	o, err := s.organisationOf(name)
	if err != nil {
		o = s.newOrganisation(name, on, options)
		s.server.Site(hostOf(name), o)
	}
	c, err := s.connectionWith(o, name, on, options)
	if err != nil {
		return err
	}
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

func (s *script) newOrganisation(name, on string, options map[string]string) *Organisation {
	address := "https://" + hostOf(name)
	if _, saml := options["saml"]; !saml {
		return NewOrganisation(address, "idp of "+on, issuerOf(on)+"/federation/"+name+"/callback", s.server.Clock.Now)
	}
	_, encrypts := options["encrypts"]
	_, lapsed := options["lapsed"]
	return NewSAMLOrganisation(address, s.server.Clock.Now, SAMLOptions{Encrypts: encrypts, Lapsed: lapsed, Read: s.server.Read})
}

// connectionWith is how linde knows an organisation.
func (s *script) connectionWith(o *Organisation, name, on string, options map[string]string) (federation.Connection, error) {
	c := federation.Connection{
		Platform: platform.ID(on), ID: federation.ID(name), Names: map[string]string{"nl": "Stichting " + name, "en": name + " Trust"},
		Place: federation.Place(options["place"]), Idle: federation.Idle(options["idle"]),
		Contract: federation.Contract{Counts: options["counts"] == "yes", Rows: []federation.ContractRow{
			{Claim: federation.ByAMR, Value: "mfa", ACR: authn.TwoFactor}, {Claim: federation.ByACR, Value: "two", ACR: authn.TwoFactor},
			{Claim: federation.ByContext, Value: "two", ACR: authn.TwoFactor},
		}},
		Access:   federation.Access{JIT: federation.JIT(options["jit"]), Role: platform.Role(options["as"])},
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
	_, signs := options["signs"]
	if err := o.Connect(&c, s.server.Sealer, signs, options["form-post"] == "yes"); err != nil {
		return c, err
	}
	return c, c.Validate()
}

// confirm says that a test sign-in showed two factors.
func (s *script) confirm(c federation.Connection) error {
	ctx, now := s.t.Context(), s.server.Clock.Now()
	seen, err := s.server.DB.Version(ctx)
	if err != nil {
		return err
	}
	said := federation.Answer{Claims: map[string]any{"email": "test@lindehof.test", "amr": []string{"mfa"}}}
	if c.Kind == federation.SAML {
		said = federation.Answer{
			Format: persistentFormat, Context: []string{"two"}, Claims: map[string]any{claimNames["email"]: []string{"test@lindehof.test"}},
		}
	}
	b := c.NewBaseline(said, now)
	return s.server.DB.SetBaseline(ctx, c.Platform, c.ID, b, seen, audit.Event{
		At: now, Platform: c.Platform, Kind: audit.ConnectionConfirmed, Actor: "cli test", Outcome: audit.Success,
	})
}

func (s *script) linked(rest string) error {
	words := strings.Fields(rest)
	if len(words) != 3 {
		return errors.New("linked ADDRESS NAME WHO")
	}
	o, err := s.organisationOf(words[1])
	if err != nil {
		return err
	}
	ctx, now := s.t.Context(), s.server.Clock.Now()
	a, err := s.server.DB.AccountByEmail(ctx, "linde", words[0])
	if err != nil {
		return err
	}
	return s.server.DB.SaveChange(ctx, authn.Change{Platform: "linde", Put: []account.Credential{{
		ID: account.CredentialID(secret.ID()), Account: a.ID, Method: federation.Method, Use: account.Primary, Label: words[2],
		External: federation.External(federation.ID(words[1]), o.Key(words[2])), AddedAt: now, ConfirmedAt: now,
	}}}, now)
}

func (s *script) unlinked(rest string) error {
	words := strings.Fields(rest)
	if len(words) != 2 {
		return errors.New("unlinked ADDRESS NAME")
	}
	said := staff.Justification{Reason: staff.WrongLink, Identified: staff.CalledBack}
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
	return s.b.Press("Sign in")
}

// carryOn sends a form of an organisation that a browser with script sends by itself.
func (s *script) carryOn() error {
	if s.b.URL == nil || !strings.HasPrefix(s.b.URL.Host, "sso.") || s.b.Doc == nil || s.b.Button("Continue") == nil {
		return nil
	}
	return s.b.Press("Continue")
}

// keepAnswer signs in, and keeps what the organisation sends the browser back with: an address, or a form.
func (s *script) keepAnswer() error {
	form, action, err := s.b.Form(s.b.ButtonLike(signInButton))
	if err != nil {
		return err
	}
	req, res, body, err := s.b.Exchange(http.MethodPost, action, form)
	if err != nil {
		return err
	}
	s.b.Jar.SetCookies(req.URL, res.Cookies())
	if s.kept = (kept{address: res.Header.Get("Location")}); s.kept.address != "" {
		return nil
	}
	doc, err := html.Parse(bytes.NewReader(body))
	if err != nil {
		return err
	}
	there := &Browser{URL: req.URL, Doc: doc}
	button := there.Button("Continue")
	if button == nil {
		return fmt.Errorf("status %d without an address to go to", res.StatusCode)
	}
	s.kept.form, s.kept.address, err = there.Form(button)
	return err
}

// kept is where a browser can be sent again.
type kept struct {
	address string
	form    url.Values // nil: it is opened
}

// reopen opens what was kept again.
func (s *script) reopen(string) error {
	if s.kept.form != nil {
		return s.b.Post(s.kept.form, s.kept.address)
	}
	return s.b.Open(s.kept.address)
}

// claims have the types that they have in JSON.
func (s *script) claims(options map[string]string) (map[string]any, error) {
	all := map[string]any{}
	for name, value := range options {
		switch {
		case value == "none":
			all[name] = nil
		case name == "groups" && value == "left-out": // OpenID Connect Core 1.0 section 5.6.2, as Entra says that there are too many
			all["_claim_names"] = map[string]any{"groups": "src1"}
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
	return s.b.Post(form, action)
}

func (s *script) turns(rest string) error {
	name, how, _ := strings.Cut(rest, " ")
	o, err := s.organisationOf(name)
	if err != nil {
		return err
	}
	turn, ok := moods[how]
	if !ok {
		return fmt.Errorf("turns NAME %s", strings.Join(slices.Sorted(maps.Keys(moods)), "|"))
	}
	turn(&o.Mood)
	return nil
}

// moods are what an organisation can turn.
var moods = map[string]func(*Mood){
	"silent":  func(m *Mood) { m.Silent = true },
	"mute":    func(m *Mood) { m.Mute = true },
	"forged":  func(m *Mood) { m.Forged = true },
	"rolled":  func(m *Mood) { m.Rolled = true },
	"swollen": func(m *Mood) { m.Swollen = true },
	"early":   func(m *Mood) { m.Skew = 10 * time.Minute },
	"late":    func(m *Mood) { m.Skew = -10 * time.Minute },
	"well":    func(m *Mood) { *m = Mood{} },
}

// signsOut ends what somebody signed in at an organisation in this browser, there.
func (s *script) signsOut(rest string) error {
	name, how, _ := strings.Cut(rest, " ")
	o, err := s.organisationOf(name)
	if err != nil {
		return err
	}
	if _, saml := o.speaks.(bySAML); saml {
		if err := s.b.Open(o.Issuer + samlLeave); err != nil {
			return err
		}
		if done := Visible(s.b.Doc) == signedOut; done == (how == "refused") {
			return fmt.Errorf("at %s (%d):\n%s", s.b.URL, s.b.Status, Visible(s.b.Doc))
		}
		return nil
	}
	there, err := url.Parse(o.Issuer)
	if err != nil {
		return err
	}
	for _, c := range s.b.Jar.Cookies(there) {
		if c.Name == thereCookie {
			return o.SignOut(c.Value, how == "all", func(token string) error { return s.tellOver(name, token, how) })
		}
	}
	return fmt.Errorf("nobody signed in at %s in this browser", name)
}

// tellOver brings a logout token, as the organisation's server does; one that is brought again is no error (OpenID
// Connect Back-Channel Logout 1.0 section 2.8).
func (s *script) tellOver(name, token, how string) error {
	times := 1
	if how == "twice" {
		times = 2
	}
	for range times {
		form := strings.NewReader(url.Values{"logout_token": {token}}.Encode())
		res, err := s.server.Client().Post(issuerOf("linde")+"/federation/"+name+"/backchannel", "application/x-www-form-urlencoded", form)
		if err != nil {
			return err
		}
		want := http.StatusOK
		if how == "refused" {
			want = http.StatusBadRequest
		}
		if res.StatusCode != want {
			return fmt.Errorf("status %d, want %d", res.StatusCode, want)
		}
	}
	return nil
}

// tests begins a test sign-in, and opens its address.
func (s *script) tests(name string) error {
	if _, err := s.organisationOf(name); err != nil {
		return err
	}
	id, now := secret.ID(), s.server.Clock.Now()
	t := storage.ConnectionTest{ID: id, MadeAt: now, EndsAt: now.Add(time.Hour)}
	if err := s.server.DB.StartTest(s.t.Context(), "linde", federation.ID(name), t); err != nil {
		return err
	}
	return s.b.Open(issuerOf("linde") + federated.TestPath(federation.ID(name), id))
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

// sent counts requests to sign somebody in on the way to the page.
func (s *script) sent(rest string) error {
	n := 0
	for _, address := range s.b.Trail() {
		if strings.HasPrefix(address, "https://sso.") {
			n++
		}
	}
	if fmt.Sprint(n) != rest {
		return fmt.Errorf("%d times: %q", n, s.b.Trail())
	}
	return nil
}
