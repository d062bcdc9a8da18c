package storage

import (
	"context"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/platform"
)

// selectAccess goes from the sessions of the account to their grants, both by an index that is there for ending them.
// The time of the last use has no index on purpose: it would make every refresh write to it.
const (
	selectAccess = `
SELECT s.id, g.party, s.channel, s.agent, s.network, MIN(g.started_at), MAX(COALESCE(g.refreshed_at, g.code_used_at)) AS used_at
FROM sessions AS s
JOIN grants AS g ON g.platform = s.platform AND g.session = s.id
WHERE s.account = $1 AND s.platform = $2 AND g.ended_at IS NULL AND g.ends_at > $3 AND g.code_used_at IS NOT NULL`

	inSession = `
  AND s.ended_at IS NULL AND s.ends_at > $3`

	afterSession = `
  AND (s.ended_at IS NOT NULL OR s.ends_at <= $3) AND g.offline = 1 AND g.refresh_ends_at > $3`

	lastUsedFirst = `
GROUP BY s.id, g.party, s.channel, s.agent, s.network
ORDER BY used_at DESC, s.id, g.party
LIMIT 100`
)

// Access lists what the account's grants still give: at most 100 of live sessions, and as many that outlive theirs,
// each the last used first.
func (db *DB) Access(ctx context.Context, p platform.ID, of account.ID, now time.Time) ([]grant.Access, error) {
	var all []grant.Access
	for _, text := range []string{inSession, afterSession} {
		found, err := list(ctx, db.read, func(a *grant.Access) []any {
			a.Outlives = text == afterSession
			return []any{&a.Session, &a.Party, &a.Channel, &a.Agent, &a.Network, instant{&a.BeganAt}, instant{&a.UsedAt}}
		}, selectAccess+text+lastUsedFirst, string(of), string(p), millis(now))
		if err != nil {
			return nil, fail("listing access", err)
		}
		all = append(all, found...)
	}
	return all, nil
}

// Reach lists what can reach an account: its live sessions as Sessions does, and what its grants give as Access does.
func (db *DB) Reach(ctx context.Context, p platform.ID, of account.ID, now time.Time) ([]authn.Session, []grant.Access, error) {
	sessions, err := db.Sessions(ctx, p, of, now)
	if err != nil {
		return nil, nil, err
	}
	access, err := db.Access(ctx, p, of, now)
	return sessions, access, err
}

const endPartyGrants = `
UPDATE grants
SET ended_at = $1, end_reason = $2
WHERE platform = $3 AND session = $4 AND party = $5 AND ended_at IS NULL
  AND EXISTS (
    SELECT 1
    FROM sessions AS s
    WHERE s.platform = grants.platform AND s.id = grants.session AND s.account = $6)`

// EndAccess ends what one party was given in one session of an account, with every token of it. When there is nothing
// to end, or it is another account's, it does nothing and leaves no event.
func (db *DB) EndAccess(ctx context.Context, p platform.ID, of account.ID, sid string, party grant.PartyID, e audit.Event, now time.Time) error {
	return fail("ending access", db.inTx(ctx, func(q conn) error {
		ended, err := exec(ctx, q, endPartyGrants, millis(now), endTakenBack, string(p), sid, string(party), string(of))
		if err != nil || ended == 0 {
			return err
		}
		return addEvents(ctx, q, []audit.Event{e})
	}))
}
