package staff

import (
	"testing"
	"time"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/outbox"
)

// A mail is as far as its button is, where it has one; otherwise as far as it came itself.
func TestStateOfAMail(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	works := authn.Ticket{ExpiresAt: now.Add(time.Hour)}
	used, replaced, expired := works, works, works
	used.UsedAt, replaced.VoidedAt, expired.ExpiresAt = now, now, now
	for name, row := range map[string]struct {
		outcome outbox.Outcome
		ticket  *authn.Ticket
		begun   time.Time
		want    MailState
	}{
		"waits":                      {"", nil, time.Time{}, MailQueued},
		"waits, with a button":       {"", &works, time.Time{}, MailQueued},
		"handed over":                {outbox.Sent, &works, time.Time{}, MailSent},
		"handed over, no button":     {outbox.Sent, nil, time.Time{}, MailSent},
		"refused":                    {outbox.Refused, &works, time.Time{}, MailRefused},
		"not possible in time":       {outbox.GaveUp, nil, time.Time{}, MailRefused},
		"somebody went on":           {outbox.Sent, &works, now, MailBegun},
		"done":                       {outbox.Sent, &used, now, MailUsed},
		"a newer one":                {outbox.Sent, &replaced, now, MailReplaced},
		"too late":                   {outbox.Sent, &expired, now, MailExpired},
		"refused, and its time over": {outbox.Refused, &expired, time.Time{}, MailRefused},
		"refused, and replaced":      {outbox.GaveUp, &replaced, time.Time{}, MailRefused},
	} {
		if got := StateOfMail(&outbox.Message{Outcome: row.outcome}, row.ticket, row.begun, now); got != row.want {
			t.Errorf("%s: %s, want %s", name, got, row.want)
		}
	}
}
