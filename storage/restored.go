package storage

import (
	"context"
	"time"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/platform"
)

// What a backup may hold alive although it ended after the backup was made.
const (
	endAllGrants = `
UPDATE grants
SET ended_at = $1, end_reason = $2
WHERE ended_at IS NULL`

	endAllRequests = `
UPDATE requests
SET answered_at = $1
WHERE answered_at IS NULL`

	endAllPending = `
UPDATE pending_acts
SET ended_at = $1, ending = 'restored', address = '', email_key = ''
WHERE ended_at IS NULL`

	endAllJourneys = `
UPDATE journeys
SET ended_at = $1, version = version + 1
WHERE ended_at IS NULL`

	endAllDevices = `
UPDATE devices
SET ended_at = $1
WHERE ended_at IS NULL`

	removeEveryAppDevice = `
UPDATE app_devices
SET ended_at = $1, end_reason = $2, pin = NULL, comparing = ''
WHERE ended_at IS NULL`

	endAllHandoffs = `
UPDATE handoffs
SET ended_at = $1, ending = 'expired', reference = NULL, number = NULL, nearby = ''
WHERE ended_at IS NULL`

	forgetAllConsents = `
DELETE FROM consents`

	voidAllTickets = `
UPDATE tickets
SET voided_at = $1
WHERE used_at IS NULL AND voided_at IS NULL AND purpose <> 'recovery-code'`

	settleAllMessages = `
UPDATE letters
SET outcome = 'gave_up', reason = 'restored', settled_at = $1, next_at = NULL, sealed = NULL
WHERE next_at IS NOT NULL`
)

// Ended is how much EndEverything ended.
type Ended struct {
	Sessions int64 `json:"sessions"`
	Grants   int64 `json:"grants"`
	Requests int64 `json:"requests"`
	Journeys int64 `json:"journeys"`
	Devices  int64 `json:"devices"`      // remembered browsers
	Apps     int64 `json:"app_devices"`  // devices of mobile apps, with their PINs
	Handoffs int64 `json:"handoffs"`     // sign-ins by a QR code
	Consents int64 `json:"consents"`     // people are asked again
	Tickets  int64 `json:"tickets"`      // links of mails and codes of text messages; recovery codes stay
	Pending  int64 `json:"pending_acts"` // what staff asked for and what waited
	Messages int64 `json:"letters"`      // that were waiting to be sent
}

// EndEverything ends what people and parties hold on all platforms: sessions, grants with their codes and tokens, open
// requests and journeys, consents, links and unsent messages. After a restore nobody knows which of them had ended since
// the backup. Each platform gets an event, whose platform it fills in. Accounts, settings and keys stay as they are.
func (db *DB) EndEverything(ctx context.Context, e audit.Event, now time.Time) (Ended, error) {
	var ended Ended
	err := db.settingsTx(ctx, nil, func(q conn) error {
		// In the order of locks.
		for _, step := range []struct {
			count *int64
			text  string
			args  []any
		}{
			{&ended.Messages, settleAllMessages, []any{millis(now)}},
			{&ended.Pending, endAllPending, []any{millis(now)}},
			{&ended.Journeys, endAllJourneys, []any{millis(now)}},
			{&ended.Requests, endAllRequests, []any{millis(now)}},
			{&ended.Tickets, voidAllTickets, []any{millis(now)}},
			{&ended.Devices, endAllDevices, []any{millis(now)}},
			{&ended.Apps, removeEveryAppDevice, []any{millis(now), endRestored}},
			{&ended.Consents, forgetAllConsents, nil},
		} {
			var err error
			if *step.count, err = exec(ctx, q, step.text, step.args...); err != nil {
				return err
			}
		}
		var err error
		ended.Sessions, err = endSessions(ctx, q, endsAllSessions, now, nil, func() (err error) {
			if ended.Handoffs, err = exec(ctx, q, endAllHandoffs, millis(now)); err != nil {
				return err
			}
			ended.Grants, err = exec(ctx, q, endAllGrants, millis(now), endRestored)
			return err
		})
		if err != nil {
			return err
		}
		return eventOnEach(ctx, q, e)
	})
	return ended, fail("ending everything", err)
}

// eventOnEach records the same event on every platform.
func eventOnEach(ctx context.Context, q conn, e audit.Event) error {
	all, err := list(ctx, q, func(p *platform.Platform) []any {
		return []any{document{p}, &p.ID, &p.Issuer}
	}, selectPlatforms)
	if err != nil {
		return err
	}
	events := make([]audit.Event, len(all))
	for i, p := range all {
		events[i] = e
		events[i].Platform = p.ID
	}
	return addEvents(ctx, q, events)
}
