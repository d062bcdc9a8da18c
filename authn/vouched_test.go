package authn_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/platform"
)

// vouched is a journey of somebody for whom an organisation vouches. Nothing here knows the table of rules: it is held
// against the same journey of somebody who showed a password of the same age, and a code where two factors there count.
type vouched struct {
	purpose  authn.Purpose
	idle     bool   // nothing happened in the session for an hour
	asked    string // by a party: nothing, prompt=login, max_age=0, max_age=600, acr_values, acr_values max_age=600
	when     string // fresh: signed in there for this; old: this morning; bounce: this morning, and the connection takes that after the idle hour
	here     bool   // the organisation said so in this journey; otherwise when the session began
	counts   bool   // two factors were shown there, and count here
	enrolled bool   // a second factor was set up here
	required bool   // … and has to be
	password bool   // the password was shown in this journey, too
}

func vouchedJourneys(try func(vouched)) (cells int) {
	truth := []bool{false, true}
	for _, purpose := range []authn.Purpose{
		authn.SignIn, authn.ChangePassword, authn.TwoStep, authn.TwoStepPage, authn.NewCodes, authn.TwoStepOff, authn.Connect, authn.ShowQR,
		authn.StaffPages, authn.StaffAct,
	} {
		for _, asked := range []string{"nothing", "prompt=login", "max_age=0", "max_age=600", "acr_values", "acr_values max_age=600"} {
			if purpose != authn.SignIn && asked != "nothing" {
				continue
			}
			for _, when := range []string{"fresh", "old", "bounce"} {
				for bits := range 1 << 6 {
					bit := func(n int) bool { return truth[bits>>n&1] }
					v := vouched{purpose, bit(0), asked, when, bit(1), bit(2), bit(3), bit(4), bit(5)}
					if v.idle && (purpose != authn.SignIn || when == "fresh" && !v.here) {
						continue // nobody signs in in an idle hour
					}
					cells++
					try(v)
				}
			}
		}
	}
	return cells
}

func (v vouched) ask() authn.Ask {
	a := authn.Ask{Purpose: v.purpose, Channel: authn.Browser, Journey: "this one"}
	switch v.asked {
	case "prompt=login":
		a.PromptLogin = true
	case "max_age=0":
		a.MaxAge = age(0)
	case "max_age=600", "acr_values max_age=600":
		a.MaxAge = age(600 * time.Second)
	}
	if v.asked == "acr_values" || v.asked == "acr_values max_age=600" {
		a.ACR = []string{string(authn.TwoFactor)}
	}
	return a
}

// facts are those of a journey; enrolled and idle may be others than the cell's.
func (v vouched) facts(enrolled, idle bool) authn.Facts {
	f := authn.Facts{Account: person(false), Recovery: true, Now: noon, Methods: []string{"pretend"}, Policy: platform.DefaultPolicy(), FederationFacts: authn.FederationFacts{Connected: true}}
	if enrolled {
		f.Account = withCodes()
	}
	f.Account.Role = platform.Professional
	f.Policy.CodeMethods = []string{"pretend"}
	demand := platform.SecondFactor{Demand: platform.Optional}
	if v.required {
		demand.Demand = platform.Required
	}
	f.Policy.SecondFactor.Staff = demand
	if v.purpose == authn.StaffPages || v.purpose == authn.StaffAct {
		f.Account.Role = platform.Helpdesk
	}
	f.Policy = v.ask().Policy(f.Policy, f.Methods)
	f.Session = session("anna", -1)
	if idle {
		f.Session.SeenAt = at(-61)
	}
	return f
}

func (v vouched) age() int {
	if v.when == "fresh" {
		return -1
	}
	return -480
}

// there is what the organisation vouches for.
func (v vouched) there() authn.Proof {
	p := authn.Proof{
		Method: "federated", Use: account.Primary, Kinds: authn.Knows, At: at(v.age()), Issuer: "https://sso.example",
		Upstream: &authn.OnUpstream{Connection: "lindehof", Subject: "1", Bounces: v.when == "bounce", Told: at(v.age())},
	}
	if v.here {
		p.Upstream.Told = noon
	}
	if v.counts {
		p.Kinds = authn.Knows | authn.Has
	}
	return p
}

// missing is what is wanted of who showed these.
func (v vouched) missing(f authn.Facts, shown []authn.Proof) []authn.Requirement {
	j := &authn.Journey{ID: "this one", StartedAt: at(-2)}
	for _, p := range shown {
		switch {
		case !v.here:
			f.Session.Proofs = append(f.Session.Proofs, p)
		case p.Journey == "" && (p.Upstream != nil || v.when == "fresh"):
			j.AddProof(p)
		default: // what is shown here is not of this morning
			j.Proofs = append(j.Proofs, p)
		}
	}
	if v.password {
		j.AddProof(pwd(0))
	}
	return authn.Missing(v.ask(), f, j.Proofs)
}

func has(all []authn.Requirement, need authn.Need) bool {
	return slices.ContainsFunc(all, func(r authn.Requirement) bool { return r.Need == need })
}

// less lists what is asked of who showed a password of the same age, and is not asked of who was vouched for with p.
func (v vouched) less(p authn.Proof) (all []string) {
	// After the idle hour a connection may do that the person is still known there: then it is as without the pause.
	idle := v.idle && !(v.when == "bounce" && v.here)
	local := []authn.Proof{pwd(v.age())}
	if v.counts && v.enrolled {
		local = append(local, code(v.age()))
	}
	want := v.missing(v.facts(v.enrolled, idle), local)
	spared := func(authn.Requirement) bool { return false }
	if v.counts && !v.enrolled {
		// Two factors there spare the set-up here, where somebody with a code of that age is not asked for another.
		twin := v.missing(v.facts(true, idle), append(local, code(v.age())))
		spared = func(r authn.Requirement) bool {
			return !has(twin, authn.NeedSecond) && (r.Need == authn.NeedEnrol && v.purpose != authn.TwoStep || r.Need == authn.NeedPrimary && r.Why == authn.ForTwoStep && !has(twin, authn.NeedPrimary))
		}
	}
	got := v.missing(v.facts(v.enrolled, v.idle), []authn.Proof{p})
	for _, r := range want {
		if !has(got, r.Need) && !spared(r) {
			all = append(all, string(r.Need))
		}
	}
	return all
}

// Who is vouched for is never asked less than who showed a password of the same age, and a code where two factors there
// count.
func TestVouchedForIsNeverAskedLess(t *testing.T) {
	cells := vouchedJourneys(func(v vouched) {
		if less := v.less(v.there()); len(less) > 0 {
			t.Errorf("%+v: not asked %v", v, less)
		}
	})
	if cells < 1500 {
		t.Errorf("only %d cells", cells)
	}
}

// Each way of taking a vouched proof for more than it is is found out.
func TestVouchedForMoreIsNoticed(t *testing.T) {
	for name, more := range map[string]func(vouched, *authn.Proof){
		"the time of the answer is that of the sign-in": func(_ vouched, p *authn.Proof) { p.At = p.Upstream.Told },
		"every connection takes somebody still known":   func(_ vouched, p *authn.Proof) { p.Upstream.Bounces = true },
		"one that was known before the pause":           func(_ vouched, p *authn.Proof) { p.Upstream.Told = noon },
		"an old one is of this journey":                 func(_ vouched, p *authn.Proof) { p.Journey = "this one" },
		"two factors count that were not agreed":        func(_ vouched, p *authn.Proof) { p.Kinds = authn.Knows | authn.Has },
		"two factors of before count beside a password": func(v vouched, p *authn.Proof) {
			if v.password {
				p.At = noon
			}
		},
	} {
		found := 0
		vouchedJourneys(func(v vouched) {
			p := v.there()
			upstream := *p.Upstream
			p.Upstream = &upstream
			if more(v, &p); len(v.less(p)) > 0 {
				found++
			}
		})
		if found == 0 {
			t.Errorf("%s: not noticed", name)
		}
	}
}

// Two factors there that have an end count as if they had none until it, and from then on as one, for every purpose; in
// the session and among the proofs of a journey, which lapse while somebody looks at a page.
func TestTwoFactorsThereEndForEveryPurpose(t *testing.T) {
	asked := map[authn.Purpose]int{}
	vouchedJourneys(func(v vouched) {
		if !v.counts {
			return
		}
		until := func(end time.Time) []authn.Requirement {
			p := v.there()
			p.Upstream.TwoUntil = end
			return v.missing(v.facts(v.enrolled, v.idle), []authn.Proof{p})
		}
		of := func(change func(*authn.Proof)) []authn.Requirement {
			p := v.there()
			change(&p)
			return v.missing(v.facts(v.enrolled, v.idle), []authn.Proof{p})
		}
		two, one := of(func(*authn.Proof) {}), of(func(p *authn.Proof) { p.Kinds = authn.Knows })
		for end, want := range map[time.Duration][]authn.Requirement{0: two, time.Hour: two, -time.Nanosecond: one, -time.Hour: one} {
			if got := until(noon.Add(end)); !slices.Equal(got, want) {
				t.Errorf("%+v, until %s from now: %v, want %v", v, end, got, want)
			}
		}
		if !slices.Equal(one, two) {
			asked[v.purpose]++
		}
	})
	for _, purpose := range []authn.Purpose{authn.SignIn, authn.TwoStepOff, authn.NewCodes, authn.Connect, authn.StaffPages, authn.StaffAct} {
		if asked[purpose] == 0 {
			t.Errorf("%s: one factor there is never asked more than two", purpose)
		}
	}
}

// What is counted for a level, and what a QR code takes along, ends with them.
func TestTwoFactorsThereEndForALevel(t *testing.T) {
	v := vouched{purpose: authn.SignIn, asked: "max_age=600", when: "fresh", counts: true}
	for end, want := range map[time.Duration]authn.ACR{0: authn.TwoFactor, -time.Second: authn.OneFactor} {
		p := v.there()
		p.Upstream.TwoUntil = noon.Add(end)
		f := v.facts(false, false)
		f.Session.Proofs = []authn.Proof{p}
		if got := authn.ACROf(v.ask().Counted(f.Session.Proofs, noon)); got != want {
			t.Errorf("counted, until %s from now: %s, want %s", end, got, want)
		}
		if got := authn.ACROf(authn.FreshProofs(f)); got != want {
			t.Errorf("fresh, until %s from now: %s, want %s", end, got, want)
		}
	}
}

// Some cells in full, so that what they are held against is held against something too.
func TestVouchedFor(t *testing.T) {
	for _, row := range []struct {
		vouched
		want string
	}{
		{vouched{purpose: authn.SignIn, asked: "nothing", when: "old", here: true}, "[]"},
		{vouched{purpose: authn.SignIn, asked: "prompt=login", when: "old", here: true}, "[primary]"},
		{vouched{purpose: authn.SignIn, asked: "prompt=login", when: "fresh", here: true}, "[]"},
		{vouched{purpose: authn.SignIn, asked: "nothing", when: "old", here: true, idle: true}, "[primary]"},
		{vouched{purpose: authn.SignIn, asked: "nothing", when: "bounce", here: true, idle: true}, "[]"},
		{vouched{purpose: authn.SignIn, asked: "nothing", when: "bounce", idle: true}, "[primary]"},
		{vouched{purpose: authn.SignIn, asked: "max_age=600", when: "bounce", here: true, idle: true}, "[primary]"},
		{vouched{purpose: authn.SignIn, asked: "nothing", when: "bounce", here: true, idle: true, enrolled: true}, "[second]"},
		{vouched{purpose: authn.SignIn, asked: "nothing", when: "bounce", here: true, idle: true, enrolled: true, counts: true}, "[]"},
		{vouched{purpose: authn.TwoStepOff, asked: "nothing", when: "old", here: true, enrolled: true, counts: true}, "[primary second off]"},
		{vouched{purpose: authn.StaffAct, asked: "nothing", when: "fresh", here: true, counts: true}, "[]"},
		{vouched{purpose: authn.StaffAct, asked: "nothing", when: "old", counts: true, password: true}, "[enrol]"},
		{vouched{purpose: authn.SignIn, asked: "prompt=login", when: "old", counts: true, required: true, password: true}, "[enrol]"},
		{vouched{purpose: authn.SignIn, asked: "acr_values max_age=600", when: "old", counts: true, password: true}, "[enrol]"},
	} {
		var got []authn.Need
		for _, r := range row.missing(row.facts(row.enrolled, row.idle), []authn.Proof{row.there()}) {
			got = append(got, r.Need)
		}
		if fmt.Sprint(got) != row.want {
			t.Errorf("%+v: %v, want %s", row.vouched, got, row.want)
		}
	}
}
