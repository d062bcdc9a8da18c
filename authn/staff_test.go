package authn_test

import (
	"slices"
	"testing"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/platform"
)

// What somebody who helps others is asked before the pages of staff, and before an act that wants a fresh sign-in, by
// how long ago (in minutes) what the session holds was shown, and what happened since.
func TestPagesOfStaff(t *testing.T) {
	now := time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)
	ago := func(minutes int) time.Time { return now.Add(-time.Duration(minutes) * time.Minute) }
	const no = -1
	both := []authn.Need{authn.NeedPrimary, authn.NeedSecond}
	for says, row := range map[string]struct {
		password, code, seen int // no: not shown
		left                 int // no: there was no pause
		remembered, off      bool
		bare                 bool // nothing is set up
		pages, act           []authn.Need
	}{
		"just signed in":                        {1, 1, 1, no, false, false, false, nil, nil},
		"at work since an hour":                 {60, 60, 1, no, false, false, false, nil, both},
		"six minutes ago":                       {6, 6, 6, no, false, false, false, nil, both},
		"five minutes ago":                      {5, 5, 5, no, false, false, false, nil, nil},
		"code fresh, password not":              {60, 2, 1, no, false, false, false, nil, both[:1]},
		"password fresh, code not":              {2, 60, 1, no, false, false, false, nil, both[1:]},
		"half an hour without activity":         {60, 60, 30, no, false, false, false, both, both},
		"29 minutes without activity":           {60, 60, 29, no, false, false, false, nil, both},
		"a pause, then another page":            {90, 90, 0, 45, false, false, false, both, both},
		"a pause, then a sign-in":               {40, 40, 0, 90, false, false, false, nil, both},
		"a pause, then the password only":       {40, 95, 0, 90, false, false, false, both[1:], both},
		"13 hours ago":                          {780, 780, 1, no, false, false, false, both, both},
		"13 hours ago, password again":          {60, 780, 1, no, false, false, false, both[1:], both},
		"remembered browser":                    {1, no, 1, no, true, false, false, both[1:], both[1:]},
		"off for this organisation, and set up": {1, 1, 1, no, false, true, false, nil, nil},
		"off, and nothing set up":               {6, no, 1, no, false, true, true, []authn.Need{authn.NeedPrimary, authn.NeedEnrol}, []authn.Need{authn.NeedPrimary, authn.NeedEnrol}},
		"nothing set up":                        {1, no, 1, no, false, false, true, []authn.Need{authn.NeedEnrol}, []authn.Need{authn.NeedEnrol}},
		"nothing set up, remembered":            {1, no, 1, no, true, false, true, []authn.Need{authn.NeedEnrol}, []authn.Need{authn.NeedEnrol}},
	} {
		t.Run(says, func(t *testing.T) {
			a := &account.Account{ID: "a", Platform: "linde", Role: platform.Helpdesk, State: account.Active}
			if !row.bare {
				a.Credentials = []account.Credential{
					{ID: "c", Method: "totp", Use: account.Second, ConfirmedAt: ago(9999)},
					{ID: "r", Method: "recovery", Use: account.Recovery, ConfirmedAt: ago(9999)},
				}
			}
			s := &authn.Session{Platform: "linde", Account: "a", Channel: authn.Browser, StartedAt: ago(800), SeenAt: ago(row.seen), EndsAt: now.Add(time.Hour)}
			if row.left != no {
				s.LeftAt = ago(row.left)
			}
			s.Proofs = append(s.Proofs, authn.Proof{Method: authn.Password, Use: account.Primary, At: ago(row.password)})
			if row.code != no {
				s.Proofs = append(s.Proofs, authn.Proof{Method: "totp", Use: account.Second, At: ago(row.code)})
			}
			if row.remembered {
				s.Proofs = append(s.Proofs, authn.Proof{Method: "remembered", Use: account.Waiver, At: ago(1)})
			}
			policy := platform.DefaultPolicy()
			policy.SecondFactor.Staff.Demand, policy.CodeMethods = platform.Optional, []string{"totp"}
			if row.off {
				policy.SecondFactor.Staff.Demand, policy.CodeMethods = platform.Off, nil
			}
			for purpose, want := range map[authn.Purpose][]authn.Need{authn.StaffPages: row.pages, authn.StaffAct: row.act} {
				ask := authn.Ask{Purpose: purpose, Channel: authn.Browser}
				f := authn.Facts{
					Account: a, Session: s, Methods: []string{"totp"}, Recovery: true, Remembered: row.remembered, Now: now,
					Policy: ask.Policy(policy, []string{"totp"}),
				}
				var got []authn.Need
				for _, m := range authn.Missing(ask, f, nil) {
					got = append(got, m.Need)
				}
				if !slices.Equal(got, want) {
					t.Errorf("%s: %q, want %q", purpose, got, want)
				}
			}
		})
	}
}

// Since when both were shown is the older of the two; what was not shown has no time.
func TestFreshSinceBothWereShown(t *testing.T) {
	at := time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)
	password := authn.Proof{Use: account.Primary, At: at}
	code := authn.Proof{Use: account.Second, At: at.Add(-time.Minute)}
	for says, row := range map[string]struct {
		proofs []authn.Proof
		want   time.Time
	}{
		"nothing":                   {nil, time.Time{}},
		"password":                  {[]authn.Proof{password}, time.Time{}},
		"code":                      {[]authn.Proof{code}, time.Time{}},
		"both":                      {[]authn.Proof{password, code}, code.At},
		"remembered":                {[]authn.Proof{password, {Use: account.Waiver, At: at}}, time.Time{}},
		"a primary of two kinds":    {[]authn.Proof{{Use: account.Primary, Kinds: authn.Knows | authn.Has, At: at}}, at},
		"a recovery code":           {[]authn.Proof{password, {Use: account.Recovery, At: at.Add(-time.Second)}}, at.Add(-time.Second)},
		"the newest of both counts": {[]authn.Proof{password, code, {Use: account.Second, At: at.Add(time.Minute)}}, at},
	} {
		if got := (&authn.Session{Proofs: row.proofs}).FreshAt(); !got.Equal(row.want) {
			t.Errorf("%s: %s, want %s", says, got, row.want)
		}
	}
}
