package staff

import (
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/outbox"
)

// LogOutsPerHour is how many people one person logs out of everything in an hour, by deactivating the account or by
// ending all sessions, counted where the act is saved. Nobody leaves by dozens an hour; whoever has a helper's session
// could otherwise stop the work of an organisation. The operator is not counted, and neither is a system.
const LogOutsPerHour = 20

// logOuts counts one of them.
func (f Facts) logOuts() []authn.Limit { return f.perHour("people logged out", LogOutsPerHour) }

// burst is a limit at which managers are told: who comes to it did something to many people.
type burst struct {
	limits func(Facts) []authn.Limit
	most   int
	kind   audit.Kind
	tells  outbox.Kind
	once   func(f Facts, of string) string // names the counter by which it is told once
}

var bursts = []burst{
	{
		limits: Facts.limits, most: ResetsPerHour, kind: audit.ResetsStopped, tells: outbox.ResetsStopped,
		once: func(f Facts, of string) string {
			return hex.EncodeToString(f.Sealer.MAC("stopped resets by staff", string(f.Platform)+"\x00"+of))
		},
	},
	{
		limits: Facts.logOuts, most: LogOutsPerHour, kind: audit.LogOutsStopped, tells: outbox.LogOutsStopped,
		once: func(f Facts, of string) string { return f.counter("stopped: people logged out", of) },
	},
}

// burst tells managers that somebody did as much as one may do in an hour, once for each time that this stops him, and
// puts it on record. Count is what the act counted. It returns the error that stopped him.
func (s *Acts) burst(ctx context.Context, f Facts, count []authn.Limit, stopped error) error {
	if !errors.Is(stopped, fault.Throttled) || s.Waiting == nil || len(count) == 0 {
		return stopped
	}
	i := slices.IndexFunc(bursts, func(b burst) bool { return slices.Equal(b.limits(f), count) })
	if i < 0 {
		return stopped
	}
	stand, err := s.Waiting.LimitCounts(ctx, f.Platform, count, s.Now)
	if err != nil {
		return errors.Join(stopped, err)
	}
	managers, err := s.Waiting.Managers(ctx, f.Platform)
	if err != nil {
		return errors.Join(stopped, err)
	}
	by, err := s.People.Account(ctx, f.Platform, f.Actor.Account)
	if err != nil {
		return errors.Join(stopped, err)
	}
	told := bursts[i].stopped(f, by, stand[0].Until, managers)
	if err := s.Store.SaveChange(ctx, told, s.Now); err != nil && !errors.Is(err, fault.Throttled) {
		return errors.Join(stopped, err)
	}
	return stopped
}

// stopped is what follows when somebody is stopped until a moment: once, because it counts itself.
func (b burst) stopped(f Facts, by *account.Account, until time.Time, managers []account.Account) authn.Change {
	once := string(by.ID) + "\x00" + strconv.FormatInt(until.UnixMilli(), 10)
	most := strconv.Itoa(b.most)
	change := authn.Change{
		Platform: f.Platform,
		Count:    []authn.Limit{{Key: b.once(f, once), Max: 1, Window: time.Hour}},
		Events: []audit.Event{{
			At: f.Now, Platform: f.Platform, Kind: b.kind, Actor: f.Actor.Name, Outcome: audit.Failure,
			Reason: most + " an hour", Origin: f.Origin,
		}},
	}
	for _, m := range managers {
		change.Messages = append(change.Messages, f.mailTo(b.tells, m, map[string]string{"person": by.Email.Masked(), "n": most}))
	}
	return change
}
