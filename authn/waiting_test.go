package authn

import (
	"slices"
	"testing"
	"time"

	"github.com/minddistrict/idp/outbox"
)

type plainNames struct{}

func (plainNames) MAC(purpose, data string) []byte { return []byte(purpose + data) }

// Whoever a counter refuses at the next try waits as long as that counter says, and nobody else does.
func TestWaitsAreWhatCountersRefuse(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	m := plainNames{}
	c := CountersOf(m, "linde", "anna", "anna@example.org").WithMails(m, "linde", "anna@example.org")
	codes, recoveries := CodesOf(m, "linde", "anna"), RecoveriesOf(m, "linde", "anna")
	mails, unblocks := MailsOf(m, "linde", outbox.PasswordResetRequest, "anna@example.org"), UnblocksOf(m, "linde", "anna@example.org")
	hour := now.Add(-time.Hour / 2)
	for name, row := range map[string]struct {
		all  []CounterState
		want []Wait
	}{
		"nothing counted": {nil, nil},
		"blocked":         {[]CounterState{{Key: "x", Owner: c.Passwords, BlockedUntil: now.Add(time.Minute)}}, []Wait{{WaitPassword, now.Add(time.Minute)}}},
		"no longer":       {[]CounterState{{Key: "x", Owner: c.Passwords, BlockedUntil: now, Full: now}}, nil},
		"of two kinds of browsers the longer one": {
			[]CounterState{{Key: "x", Owner: c.Passwords, BlockedUntil: now.Add(time.Minute)}, {Key: "y", Owner: c.Passwords, BlockedUntil: now.Add(time.Hour)}},
			[]Wait{{WaitPassword, now.Add(time.Hour)}},
		},
		"the bucket is used up": {
			[]CounterState{{Key: "x", Owner: c.Passwords, Full: now.Add(AtOnce * Refill)}}, []Wait{{WaitPassword, now.Add(Refill)}},
		},
		"room for one more": {[]CounterState{{Key: "x", Owner: c.Passwords, Full: now.Add((AtOnce - 1) * Refill)}}, nil},
		"somebody else's":   {[]CounterState{{Key: "x", Owner: "other", BlockedUntil: now.Add(time.Minute)}}, nil},
		"nobody's":          {[]CounterState{{Key: "x", BlockedUntil: now.Add(time.Minute)}}, nil},
		"codes": {
			[]CounterState{{Key: codes.Key, Owner: codes.Owner, Total: CodesPerDay, Since: hour}}, []Wait{{WaitCodes, hour.Add(24 * time.Hour)}},
		},
		"one code left": {[]CounterState{{Key: codes.Key, Owner: codes.Owner, Total: CodesPerDay - 1, Since: hour}}, nil},
		"yesterday's":   {[]CounterState{{Key: codes.Key, Owner: codes.Owner, Total: 99, Since: now.Add(-24 * time.Hour)}}, nil},
		"recovery codes of the hour": {
			[]CounterState{{Key: recoveries[0].Key, Total: RecoveriesPerHour, Since: hour}, {Key: recoveries[1].Key, Total: RecoveriesPerHour, Since: hour}},
			[]Wait{{WaitRecovery, hour.Add(time.Hour)}},
		},
		"mails": {
			[]CounterState{{Key: mails.Key, Full: now.Add(MailsAtOnce * MailEvery)}, {Key: unblocks.Key, Total: UnblocksADay, Since: hour}},
			[]Wait{{WaitReset, now.Add(MailEvery)}, {WaitUnblock, hour.Add(24 * time.Hour)}},
		},
	} {
		if got := c.Waits(row.all, now); !slices.Equal(got, row.want) {
			t.Errorf("%s: %v, want %v", name, got, row.want)
		}
	}
	if !WaitPassword.Refuses() || WaitReset.Refuses() {
		t.Error("who waits for a mail may sign in, who waits for passwords may not")
	}
}
