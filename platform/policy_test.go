package platform

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/fault"
)

func TestPolicyRefuses(t *testing.T) {
	if err := DefaultPolicy().Validate(); err != nil {
		t.Fatalf("the default: %v", err)
	}
	for want, change := range map[string]func(*Policy){
		"policy.second_factor.client \"maybe\"":   func(p *Policy) { p.SecondFactor.Client.Demand = "maybe" },
		"policy.second_factor.staff \"Required\"": func(p *Policy) { p.SecondFactor.Staff.Demand = "Required" },
		"policy.code_methods":                     func(p *Policy) { p.SecondFactor.Staff.Demand = Required; p.CodeMethods = nil },
		"policy.password.min_length 7":            func(p *Policy) { p.Password.MinLength = 7 },
		"policy.password.min_length 65":           func(p *Policy) { p.Password.MinLength = 65 },
		"policy.password.max_length 63":           func(p *Policy) { p.Password.MaxLength = 63 },
		"policy.password.max_length 1025":         func(p *Policy) { p.Password.MaxLength = 1025 },
		"policy.password.special -1":              func(p *Policy) { p.Password.Special = -1 },
		"policy.password.min_score 5":             func(p *Policy) { p.Password.MinScore = 5 },
		"policy.idle_after 4m0s":                  func(p *Policy) { p.IdleAfter = 4 * time.Minute },
		"policy.idle_after -1s":                   func(p *Policy) { p.IdleAfter = -time.Second },
		"policy.idle_after 25h0m0s":               func(p *Policy) { p.IdleAfter = 25 * time.Hour },
		"policy.remember.client 24h0m0s":          func(p *Policy) { p.Remember.Client.Choices = []time.Duration{12 * time.Hour, 24 * time.Hour} },
		"policy.remember.staff 1h0m0s":            func(p *Policy) { p.Remember.Staff = Remember{Fixed: time.Hour, Decides: true} },
		"policy.session_ends.client 0s":           func(p *Policy) { p.SessionEnds.Client = 0 },
		"policy.session_ends.staff 25h0m0s":       func(p *Policy) { p.SessionEnds.Staff = 25 * time.Hour },
	} {
		p := DefaultPolicy()
		change(&p)
		if err := p.Validate(); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want fault.Invalid that names %s", err, want)
		}
	}
	for name, change := range map[string]func(*Policy){
		"never idle": func(p *Policy) { p.IdleAfter = 0 },
		"a code, from a date on": func(p *Policy) {
			p.SecondFactor.Staff, p.CodeMethods = SecondFactor{Demand: Required, RequiredFrom: time.Now()}, []string{"totp"}
		},
		"no methods where none is asked": func(p *Policy) { p.CodeMethods = nil },
	} {
		p := DefaultPolicy()
		change(&p)
		if err := p.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSecondFactorFromADateOn(t *testing.T) {
	date := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		factor SecondFactor
		at     time.Time
		want   Demand
	}{
		{SecondFactor{}, date, Off},
		{SecondFactor{Demand: Off, RequiredFrom: date}, date.Add(time.Hour), Off},
		{SecondFactor{Demand: Optional, RequiredFrom: date}, date.Add(time.Hour), Optional},
		{SecondFactor{Demand: Required}, date, Required},
		{SecondFactor{Demand: Required, RequiredFrom: date}, date.Add(-time.Millisecond), Optional},
		{SecondFactor{Demand: Required, RequiredFrom: date}, date, Required},
	} {
		if got := c.factor.At(c.at); got != c.want {
			t.Errorf("%+v at %s: got %s, want %s", c.factor, c.at, got, c.want)
		}
	}
}

func TestHalfOfThePolicyByRole(t *testing.T) {
	lengths := ByGroup[int]{Client: 1, Staff: 2}
	for role, want := range map[Role]int{Client: 1, Relative: 1, Professional: 2, Helpdesk: 2, Manager: 2} {
		if got := lengths.For(role); got != want {
			t.Errorf("%s: got %d, want %d", role, got, want)
		}
	}
}

// small is a platform that says only what it must.
func small() Platform {
	p := Platform{
		ID: "linde", Issuer: "https://login.example.org", Organisation: "GGZ De Linde", HomeURL: "https://linde.example.net/home",
		Policy: DefaultPolicy(),
	}
	p.Defaults()
	return p
}

func TestAddressIsTheHomePagesWithItsPath(t *testing.T) {
	for home, want := range map[string]string{
		"https://linde.example.net":              "linde.example.net",
		"https://linde.example.net/":             "linde.example.net",
		"http://localhost:8081/linde/":           "localhost:8081/linde/",
		"https://care.example.net/p/linde":       "care.example.net/p/linde",
		"https://care.example.net/?clinic=linde": "care.example.net/?clinic=linde",
		"":                                       "login.example.org/p/linde", // the issuer's
	} {
		p := Platform{Issuer: "https://login.example.org/p/linde", HomeURL: home}
		if got := p.Address(); got != want {
			t.Errorf("at home at %q: %q, want %q", home, got, want)
		}
	}
}

func TestPlatformDefaultsAreValid(t *testing.T) {
	p := small()
	if err := p.Validate(); err != nil {
		t.Fatal(err)
	}
	if p.Name != "GGZ De Linde" || p.Country != "NL" || p.Locale != "nl" || p.NeutralName == "" || p.Branding.Colour != DefaultColour {
		t.Errorf("got %+v", p)
	}
	if p.Host() != "linde.example.net" || p.URL("/authorize") != "https://login.example.org/authorize" {
		t.Errorf("got host %q and URL %q", p.Host(), p.URL("/authorize"))
	}
	p.HelpPublic, p.HelpStaff, p.HomeURL = Contact{Phone: "+31201234567"}, Contact{}, ""
	p.Defaults()
	if p.HelpStaff.Phone != "+31201234567" || p.Host() != "login.example.org" {
		t.Errorf("got help %+v and host %q", p.HelpStaff, p.Host())
	}
}

func TestPlatformRefuses(t *testing.T) {
	for want, change := range map[string]func(*Platform){
		`name ""`:           func(p *Platform) { p.ID = "" },
		`name "Linde"`:      func(p *Platform) { p.ID = "Linde" },
		`name "1e-lijn"`:    func(p *Platform) { p.ID = "1e-lijn" },
		`name "de--linde"`:  func(p *Platform) { p.ID = "de--linde" },
		`name "linde-"`:     func(p *Platform) { p.ID = "linde-" },
		`name "../linde"`:   func(p *Platform) { p.ID = "../linde" },
		`name "linde\n"`:    func(p *Platform) { p.ID = "linde\n" },
		`at most 40`:        func(p *Platform) { p.ID = ID("a" + strings.Repeat("b", 40)) },
		`issuer "http`:      func(p *Platform) { p.Issuer = "http://login.example.org" },
		`organisation is`:   func(p *Platform) { p.Organisation = "" },
		`home_url`:          func(p *Platform) { p.HomeURL = "javascript:alert(1)" },
		`home_url is`:       func(p *Platform) { p.HomeURL = "" },
		`privacy_url`:       func(p *Platform) { p.PrivacyURL = "https://a:b@example.org" },
		`accessibility_url`: func(p *Platform) { p.AccessURL = "/toegankelijkheid" },
		`country "nl"`:      func(p *Platform) { p.Country = "nl" },
		`locale "nl_NL"`:    func(p *Platform) { p.Locale = "nl_NL" },
		`colour`:            func(p *Platform) { p.Branding.Colour = "blauw" },
		`policy.idle_after`: func(p *Platform) { p.Policy.IdleAfter = time.Second },
	} {
		p := small()
		change(&p)
		if err := p.Validate(); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want fault.Invalid with %s", err, want)
		}
	}
}

func TestPlatformOfARequest(t *testing.T) {
	p := small()
	if got := FromContext(NewContext(context.Background(), &p)); got != &p {
		t.Errorf("got %v", got)
	}
}
