package grant

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
)

var (
	rotatedAt = time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC)
	oldest    = strings.Repeat("a", MinSecret)
	older     = strings.Repeat("b", MinSecret)
	newest    = strings.Repeat("c", MinSecret)
)

func partyWith(ends time.Time, secrets ...string) *Party {
	p := &Party{Auth: AuthBasic, OlderEndsAt: ends}
	for _, s := range secrets {
		p.Secrets = append(p.Secrets, secret.Hash(s))
	}
	return p
}

func TestRotatingSecrets(t *testing.T) {
	week := rotatedAt.Add(7 * 24 * time.Hour)
	public, keyed := partyWith(time.Time{}), partyWith(time.Time{})
	public.Auth, keyed.Auth = AuthNone, PrivateKeyJWT
	for says, row := range map[string]struct {
		party *Party
		text  string
		ends  time.Time
		drop  bool
		want  error
		works []string // now
		then  []string // after a week
	}{
		"the old one works for a week":      {partyWith(time.Time{}, older), newest, week, false, nil, []string{older, newest}, []string{newest}},
		"… and no longer than said":         {partyWith(time.Time{}, older), newest, rotatedAt.Add(time.Millisecond), false, nil, []string{older, newest}, []string{newest}},
		"the old one ends at once":          {partyWith(time.Time{}, older), newest, time.Time{}, false, nil, []string{newest}, []string{newest}},
		"both old ones end at once":         {partyWith(week, older, oldest), newest, time.Time{}, false, nil, []string{newest}, []string{newest}},
		"a third is refused":                {partyWith(week, older, oldest), newest, week, false, fault.Refused, []string{older, oldest}, []string{older}},
		"… where one has no end":            {partyWith(time.Time{}, older, oldest), newest, week, false, fault.Refused, []string{older, oldest}, []string{older, oldest}},
		"… or takes the place of the old":   {partyWith(week, older, oldest), newest, week, true, nil, []string{older, newest}, []string{newest}},
		"one that ended makes room":         {partyWith(rotatedAt, older, oldest), newest, week, false, nil, []string{older, newest}, []string{newest}},
		"the one there is":                  {partyWith(time.Time{}, older), older, week, false, fault.Taken, []string{older}, []string{older}},
		"the one before":                    {partyWith(week, older, oldest), oldest, week, true, fault.Taken, []string{older, oldest}, []string{older}},
		"one that is short":                 {partyWith(time.Time{}, older), newest[1:], week, false, fault.Invalid, []string{older}, []string{older}},
		"an end that is over":               {partyWith(time.Time{}, older), newest, rotatedAt, false, fault.Invalid, []string{older}, []string{older}},
		"an end that is too far":            {partyWith(time.Time{}, older), newest, rotatedAt.Add(MaxOverlap + time.Second), false, fault.Invalid, []string{older}, []string{older}},
		"a party that has none":             {public, newest, week, false, fault.Refused, nil, nil},
		"a party that proves itself by key": {keyed, newest, week, false, fault.Refused, nil, nil},
	} {
		before := slices.Clone(row.party.Secrets)
		if err := row.party.RotateSecret(row.text, row.ends, row.drop, rotatedAt); !errors.Is(err, row.want) || (row.want == nil) != (err == nil) {
			t.Errorf("%s: %v, want %v", says, err, row.want)
		}
		if row.want != nil && len(before) != len(row.party.Secrets) {
			t.Errorf("%s: refused, and something changed", says)
		}
		for _, at := range []struct {
			now   time.Time
			works []string
		}{{rotatedAt, row.works}, {week, row.then}} {
			for _, text := range []string{oldest, older, newest, ""} {
				if got, want := row.party.SecretMatches(text, at.now), slices.Contains(at.works, text); got != want {
					t.Errorf("%s: at %s %.1q works %t, want %t", says, at.now, text, got, want)
				}
			}
			if got := row.party.WorkingSecrets(at.now); got != len(at.works) {
				t.Errorf("%s: %d work at %s, want %d", says, got, at.now, len(at.works))
			}
		}
	}
}
