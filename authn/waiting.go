package authn

import (
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
)

// WaitFor is what somebody has to wait for.
type WaitFor string

const (
	WaitPassword WaitFor = "passwords"      // too many wrong passwords, in one kind of browser at least
	WaitCodes    WaitFor = "codes"          // too many wrong codes of an app or of text messages
	WaitRecovery WaitFor = "recovery_codes" // too many wrong recovery codes
	WaitReset    WaitFor = "reset_mail"     // the mails for a new password are used up
	WaitUnblock  WaitFor = "unblock_mail"   // so are those that let somebody log in sooner
)

// Refuses reports whether the person cannot sign in for it, or only gets no further mail.
func (w WaitFor) Refuses() bool { return w == WaitPassword || w == WaitCodes || w == WaitRecovery }

// Wait is until when somebody waits, and for what.
type Wait struct {
	For   WaitFor
	Until time.Time
}

// Counters are those of one person that may refuse something.
type Counters struct {
	Passwords string // owner of those of passwords, one for each kind of browser
	Limits    []CountedFor
}

// CountedFor is a limit, and what somebody waits for where it is reached.
type CountedFor struct {
	For WaitFor
	Limit
}

// CountersOf are those of an account and of the key of its address.
func CountersOf(m Namer, p platform.ID, id account.ID, email string) Counters {
	c := Counters{Passwords: PasswordOwner(m, p, email), Limits: []CountedFor{{WaitCodes, CodesOf(m, p, id)}}}
	for _, l := range RecoveriesOf(m, p, id) {
		c.Limits = append(c.Limits, CountedFor{WaitRecovery, l})
	}
	return c
}

// WithMails are the counters with those of mails that the person can ask for.
func (c Counters) WithMails(m Namer, p platform.ID, email string) Counters {
	c.Limits = append(c.Limits, CountedFor{WaitReset, MailsOf(m, p, outbox.PasswordResetRequest, email)},
		CountedFor{WaitUnblock, UnblocksOf(m, p, email)})
	return c
}

// CounterState is a counter as it is stored.
type CounterState struct {
	Key, Owner   string
	Total        int
	Since        time.Time // when the window began
	BlockedUntil time.Time
	Full         time.Time // when a bucket will be full again
}

// Waits are what somebody waits for now, by where the counters stand; of each the longest.
func (c Counters) Waits(all []CounterState, now time.Time) []Wait {
	longest := map[WaitFor]time.Time{}
	note := func(what WaitFor, until time.Time) {
		if until.After(now) && until.After(longest[what]) {
			longest[what] = until
		}
	}
	passwords := Limit{Max: AtOnce, Every: Refill}
	for _, s := range all {
		if s.Owner == c.Passwords && s.Owner != "" {
			note(WaitPassword, s.BlockedUntil)
			note(WaitPassword, s.Full.Add(-passwords.Slack()))
			continue
		}
		for _, l := range c.Limits {
			switch {
			case l.Key != s.Key:
			case l.Every > 0:
				note(l.For, s.Full.Add(-l.Slack()))
			case s.Total >= l.Max:
				note(l.For, s.Since.Add(l.Window))
			}
		}
	}
	var waits []Wait
	for _, what := range []WaitFor{WaitPassword, WaitCodes, WaitRecovery, WaitReset, WaitUnblock} {
		if until, ok := longest[what]; ok {
			waits = append(waits, Wait{what, until})
		}
	}
	return waits
}
