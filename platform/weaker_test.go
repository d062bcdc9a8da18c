package platform

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// strict is a policy from which each key can be weakened.
func strict() Policy {
	p := DefaultPolicy()
	p.SecondFactor = ByGroup[SecondFactor]{SecondFactor{Demand: Required}, SecondFactor{Demand: Required}}
	p.Remember = ByGroup[Remember]{Remember{Choices: []time.Duration{12 * time.Hour}}, Remember{Fixed: 12 * time.Hour, Decides: true}}
	p.CodeMethods, p.AppCode, p.LoginForm, p.AppPassword = []string{"totp"}, true, false, false
	p.MinimumACR, p.ACRAliases = ACRs[1], map[string]string{"low": ACRs[0], "high": ACRs[1]}
	p.SessionEnds = ByGroup[time.Duration]{time.Hour, time.Hour}
	return p
}

var weaker = []struct {
	key    string
	change func(*Policy)
}{
	{"second_factor.client.demand", func(p *Policy) { p.SecondFactor.Client.Demand = Optional }},
	{"second_factor.client.demand", func(p *Policy) { p.SecondFactor.Client.Demand = "" }},
	{"second_factor.staff.demand", func(p *Policy) { p.SecondFactor.Staff.Demand = Off }},
	{"second_factor.client.from", func(p *Policy) { p.SecondFactor.Client.RequiredFrom = time.Unix(1, 0) }},
	{"second_factor.staff.from", func(p *Policy) { p.SecondFactor.Staff.RequiredFrom = time.Unix(1, 0) }},
	{"remember.client", func(p *Policy) { p.Remember.Client.Choices = []time.Duration{72 * time.Hour} }},
	{"remember.client", func(p *Policy) { p.Remember.Client = Remember{Fixed: 72 * time.Hour, Decides: true} }},
	{"remember.staff", func(p *Policy) { p.Remember.Staff.Fixed = 168 * time.Hour }},
	{"remember.staff", func(p *Policy) { p.Remember.Staff = Remember{Choices: RememberChoices} }},
	{"session_ends.client", func(p *Policy) { p.SessionEnds.Client = 2 * time.Hour }},
	{"session_ends.staff", func(p *Policy) { p.SessionEnds.Staff = 2 * time.Hour }},
	{"password.min_length", func(p *Policy) { p.Password.MinLength-- }},
	{"password.special", func(p *Policy) { p.Password.Special-- }},
	{"password.min_score", func(p *Policy) { p.Password.MinScore-- }},
	{"code_methods", func(p *Policy) { p.CodeMethods = []string{"totp", "sms"} }},
	{"app_code", func(p *Policy) { p.AppCode = false }},
	{"login_form", func(p *Policy) { p.LoginForm = true }},
	{"break_glass", func(p *Policy) { p.BreakGlass = []string{"m@example.org"} }},
	{"self_sign_up", func(p *Policy) { p.SelfSignUp = true }},
	{"app_password", func(p *Policy) { p.AppPassword = true }},
	{"idle_after", func(p *Policy) { p.IdleAfter *= 2 }},
	{"idle_after", func(p *Policy) { p.IdleAfter = 0 }},
	{"minimum_acr", func(p *Policy) { p.MinimumACR = ACRs[0] }},
	{"minimum_acr", func(p *Policy) { p.MinimumACR = "" }},
	{"minimum_acr", func(p *Policy) { p.MinimumACR = "low" }},
	{"acr_aliases.other", func(p *Policy) { p.ACRAliases["other"] = ACRs[0] }},
}

func TestWeakerPolicyIsKnownInOneDirectionOnly(t *testing.T) {
	for _, c := range weaker {
		is := strict()
		if c.change(&is); !slices.Equal(is.WeakerThan(strict()), []string{c.key}) {
			t.Errorf("%s: weaker in %v", c.key, is.WeakerThan(strict()))
		}
		if back := strict().WeakerThan(is); len(back) > 0 {
			t.Errorf("%s: and the way back is weaker in %v", c.key, back)
		}
		if same := is.WeakerThan(is); len(same) > 0 {
			t.Errorf("%s: weaker than itself in %v", c.key, same)
		}
	}
}

// Some changes are weaker in both directions, and some that look weaker are not.
func TestChangesThatAreNeitherOrBoth(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Policy)
		want   string
	}{
		"another meaning of an alias":       {func(p *Policy) { p.ACRAliases["low"] = ACRs[1] }, "acr_aliases.low"},
		"a lower meaning of an alias":       {func(p *Policy) { p.ACRAliases["high"] = ACRs[0] }, "acr_aliases.high"},
		"an alias less":                     {func(p *Policy) { delete(p.ACRAliases, "low") }, ""},
		"the same by its other name":        {func(p *Policy) { p.MinimumACR = "high" }, ""},
		"a minimum that nobody reaches":     {func(p *Policy) { p.MinimumACR = "https://example.org/loa4" }, ""},
		"the app is the only way, no texts": {func(p *Policy) { p.CodeMethods = nil }, ""},
		"less often idle":                   {func(p *Policy) { p.IdleAfter /= 2 }, ""},
		"the person may say never":          {func(p *Policy) { p.Remember.Staff = Remember{Choices: []time.Duration{12 * time.Hour}} }, ""},
		"passwords of all but the named are closed": {func(p *Policy) {
			p.LoginForm, p.BreakGlass = true, []string{"m@example.org"} // named, and open to all as it was
		}, "login_form"},
		"one choice more, no longer": {func(p *Policy) {
			p.Remember.Client.Choices = []time.Duration{12 * time.Hour, 12 * time.Hour}
		}, "remember.client"},
	} {
		is := strict()
		c.change(&is)
		if got := strings.Join(is.WeakerThan(strict()), " "); got != c.want {
			t.Errorf("%s: weaker in %q, want %q", name, got, c.want)
		}
	}
}

// unable are the fields that cannot weaken anything, each with why.
var unable = map[string]string{
	"SecondFactor.OfferEvery": "an offer can be refused each time",
	"Password.MaxLength":      "bounds the work of hashing; no file sets it",
	"SMSCountries":            "where texts may go: bounds costs, not who gets in",
	"SMSPerDay":               "bounds costs, not who gets in",
	"SMSBound":                "a convenience of phones; the same code is asked",
}

// A new field must be put somewhere: it weakens something, or there is a reason why it cannot.
func TestEveryFieldOfPolicyIsWeighed(t *testing.T) {
	weighed := map[string]bool{}
	for _, w := range weakenings {
		for field := range strings.FieldsSeq(w.fields) {
			if weighed[field] || unable[field] != "" {
				t.Errorf("%s is weighed twice", field)
			}
			weighed[field] = true
		}
	}
	for field, why := range unable {
		weighed[field] = why != ""
	}
	for _, field := range leaves("", reflect.TypeFor[Policy]()) {
		if !weighed[field] {
			t.Errorf("Policy.%s: is a policy weaker with another value? Say so in weakenings, or here why not", field)
		}
		delete(weighed, field)
	}
	if len(weighed) > 0 {
		t.Errorf("no such fields: %v", weighed)
	}
	covered := map[string]bool{}
	for _, c := range weaker {
		covered[c.key] = true
	}
	for _, key := range (Policy{}).everyKey() {
		if !covered[key] {
			t.Errorf("no row of the table above for %s", key)
		}
	}
}

// everyKey are the keys of weakenings, found by the weakest policy there is.
func (Policy) everyKey() []string {
	weakest := Policy{
		Remember:   ByGroup[Remember]{Remember{Choices: RememberChoices}, Remember{Choices: RememberChoices}},
		ACRAliases: map[string]string{"low": ACRs[0], "high": ACRs[1], "other": ACRs[0]}, CodeMethods: []string{"sms"},
		LoginForm: true, SelfSignUp: true, AppPassword: true, SessionEnds: ByGroup[time.Duration]{24 * time.Hour, 24 * time.Hour},
	}
	keys := weakest.WeakerThan(strict())
	later := strict()
	later.BreakGlass = []string{"m@example.org"}
	later.SecondFactor.Client.RequiredFrom, later.SecondFactor.Staff.RequiredFrom = time.Unix(1, 0), time.Unix(1, 0)
	return append(keys, later.WeakerThan(strict())...)
}

// leaves are the fields of a struct and of the structs in it, halves left out.
func leaves(path string, t reflect.Type) (all []string) {
	if strings.HasPrefix(t.Name(), "ByGroup[") {
		return leaves(path, t.Field(0).Type)
	}
	if t.Kind() != reflect.Struct || t == reflect.TypeFor[time.Time]() {
		return []string{path}
	}
	for i := range t.NumField() {
		all = append(all, leaves(strings.TrimPrefix(path+"."+t.Field(i).Name, "."), t.Field(i).Type)...)
	}
	return all
}

// A policy as it counts for a role says which of two roles is protected less.
func TestPolicyOfARole(t *testing.T) {
	p := DefaultPolicy()
	p.SecondFactor.Staff.Demand = Required
	for _, c := range []struct {
		is, was Role
		want    string
	}{
		{Client, Professional, "[second_factor.client.demand second_factor.staff.demand session_ends.client session_ends.staff app_code]"},
		{Professional, Client, "[]"},
		{Relative, Client, "[]"},
		{Manager, Helpdesk, "[]"},
	} {
		if got := fmt.Sprint(p.For(c.is).WeakerThan(p.For(c.was))); got != c.want {
			t.Errorf("%s was %s: weaker in %s, want %s", c.is, c.was, got, c.want)
		}
	}
}
