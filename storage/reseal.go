package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/keys"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
)

// Everything that is sealed, by table. Credentials come in batches, files one by one; sealed tickets and messages are
// those of the last days and fit in memory.
const (
	resealKey = `
UPDATE signing_keys
SET sealed = $1
WHERE platform = $2 AND kid = $3 AND sealed = $4`

	selectSealedIntakes = `
SELECT session, platform, id
FROM intakes
WHERE sealed IS NOT NULL
ORDER BY session, platform`

	selectSealedIntake = `
SELECT sealed
FROM intakes
WHERE platform = $1 AND session = $2 AND id = $3 AND sealed IS NOT NULL`

	resealIntake = `
UPDATE intakes
SET sealed = $1
WHERE platform = $2 AND session = $3 AND sealed = $4`

	selectSealedConnections = `
SELECT platform, id, secret, own_keys
FROM connections
ORDER BY platform, id`

	resealConnectionSecret = `
UPDATE connections
SET secret = $1
WHERE platform = $2 AND id = $3 AND secret = $4`

	resealConnectionKeys = `
UPDATE connections
SET own_keys = $1
WHERE platform = $2 AND id = $3 AND own_keys = $4`

	selectSealedTests = `
SELECT platform, connection, result
FROM connection_tests
WHERE result IS NOT NULL
ORDER BY platform, connection`

	resealTest = `
UPDATE connection_tests
SET result = $1
WHERE platform = $2 AND connection = $3 AND result = $4`

	selectSealedAnswers = `
SELECT platform, handle, answer
FROM upstream_answers
WHERE answer IS NOT NULL
ORDER BY platform, state`

	resealAnswer = `
UPDATE upstream_answers
SET answer = $1
WHERE platform = $2 AND handle = $3 AND answer = $4`

	selectSealedCredentials = `
SELECT platform, id, account, method, sealed
FROM credentials
WHERE sealed IS NOT NULL AND id > $1
ORDER BY id
LIMIT $2`

	resealCredential = `
UPDATE credentials
SET sealed = $1
WHERE platform = $2 AND id = $3 AND sealed = $4`

	selectSealedPINs = `
SELECT d.platform, d.id, d.account, d.pin
FROM app_devices AS d
WHERE d.pin IS NOT NULL AND d.id > $1
ORDER BY d.id
LIMIT $2`

	resealPIN = `
UPDATE app_devices
SET pin = $1
WHERE platform = $2 AND id = $3 AND pin = $4`

	selectSealedHandoffs = `
SELECT platform, id, reference, number
FROM handoffs
WHERE reference IS NOT NULL OR number IS NOT NULL
ORDER BY id`

	resealReference = `
UPDATE handoffs
SET reference = $1
WHERE platform = $2 AND id = $3 AND reference = $4`

	resealNumber = `
UPDATE handoffs
SET number = $1
WHERE platform = $2 AND id = $3 AND number = $4`

	selectSealedTickets = `
SELECT platform, hash, purpose, sealed
FROM tickets
WHERE sealed IS NOT NULL
ORDER BY hash`

	resealTicket = `
UPDATE tickets
SET sealed = $1
WHERE platform = $2 AND hash = $3 AND sealed = $4`

	selectSealedMessages = `
SELECT platform, id, sealed
FROM letters
WHERE sealed IS NOT NULL
ORDER BY id`

	resealMessage = `
UPDATE letters
SET sealed = $1
WHERE platform = $2 AND id = $3 AND sealed = $4`
)

// resealBatch is how many sealed credentials are in memory at once.
const resealBatch = 1000

// Reseal replaces everything that is sealed by what seal makes of it, in one transaction, and tells how many there
// were. seal gets the binding and the sealed value. fault.Stale: somebody changed a key or a credential meanwhile;
// nothing was done. Each platform gets the event, whose platform it fills in.
func (db *DB) Reseal(ctx context.Context, e audit.Event, seal func(binding string, sealed []byte) ([]byte, error)) (int, error) {
	r := resealing{seal: seal}
	err := db.settingsTx(ctx, nil, func(q conn) error {
		r.q = q
		// In the order of locks: see the package.
		for _, table := range []func(context.Context) error{r.connections, r.tests, r.keys, r.intakes, r.messages, r.answers, r.tickets, r.credentials, r.pins, r.handoffs} {
			if err := table(ctx); err != nil {
				return err
			}
		}
		return eventOnEach(ctx, q, e)
	})
	if err != nil {
		return 0, fail("sealing anew", err)
	}
	return r.done, nil
}

type resealing struct {
	q    conn
	seal func(binding string, sealed []byte) ([]byte, error)
	done int
}

// replace seals one value anew and reports whether it was still there.
func (r *resealing) replace(ctx context.Context, text, binding, platform string, id any, old []byte) (bool, error) {
	sealed, err := r.seal(binding, old)
	if err != nil {
		return false, fmt.Errorf("%s: %w", binding, err)
	}
	changed, err := exec(ctx, r.q, text, sealed, platform, id, old)
	r.done += int(changed)
	return changed > 0, err
}

// must is replace for what nobody else may have changed.
func (r *resealing) must(ctx context.Context, text, binding, platform string, id any, old []byte) error {
	there, err := r.replace(ctx, text, binding, platform, id, old)
	if err == nil && !there {
		err = fmt.Errorf("%s: %w", binding, fault.Stale)
	}
	return err
}

func (r *resealing) keys(ctx context.Context) error {
	all, err := list(ctx, r.q, keyColumns, selectKeys)
	if err != nil {
		return err
	}
	for _, k := range sorted(all, func(k keys.Key) string { return rowKey(k.Platform, k.KID) }) {
		if err := r.must(ctx, resealKey, "key/"+string(k.Platform)+"/"+k.KID, string(k.Platform), k.KID, k.Sealed); err != nil {
			return err
		}
	}
	return nil
}

func (r *resealing) connections(ctx context.Context) error {
	all, err := list(ctx, r.q, func(c *federation.Connection) []any { return []any{&c.Platform, &c.ID, &c.Secret, &c.Keys} }, selectSealedConnections)
	if err != nil {
		return err
	}
	for _, c := range sorted(all, func(c federation.Connection) string { return rowKey(c.Platform, c.ID) }) {
		if c.Secret != nil {
			if err := r.must(ctx, resealConnectionSecret, c.Binding("secret"), string(c.Platform), string(c.ID), c.Secret); err != nil {
				return err
			}
		}
		if c.Keys == nil {
			continue
		}
		if err := r.must(ctx, resealConnectionKeys, c.Binding("keys"), string(c.Platform), string(c.ID), c.Keys); err != nil {
			return err
		}
	}
	return nil
}

// tests that were begun anew meanwhile need no seal.
func (r *resealing) tests(ctx context.Context) error {
	type row struct {
		federation.Connection
		result []byte
	}
	all, err := list(ctx, r.q, func(t *row) []any { return []any{&t.Platform, &t.ID, &t.result} }, selectSealedTests)
	for n := 0; err == nil && n < len(all); n++ {
		t := &all[n]
		_, err = r.replace(ctx, resealTest, t.Binding("test"), string(t.Platform), string(t.ID), t.result)
	}
	return err
}

// answers that were taken meanwhile need no seal.
func (r *resealing) answers(ctx context.Context) error {
	type row struct {
		platform       platform.ID
		handle, answer []byte
	}
	all, err := list(ctx, r.q, func(a *row) []any { return []any{&a.platform, &a.handle, &a.answer} }, selectSealedAnswers)
	for n := 0; err == nil && n < len(all); n++ {
		a := &all[n]
		_, err = r.replace(ctx, resealAnswer, federation.StoredAnswer{Handle: a.handle}.Binding(a.platform), string(a.platform), a.handle, a.answer)
	}
	return err
}

// intakes that are applied or replaced meanwhile need no seal. Each may be megabytes, so one at a time is in memory.
func (r *resealing) intakes(ctx context.Context) error {
	all, err := list(ctx, r.q, func(i *staff.Intake) []any { return []any{&i.Session, &i.Platform, &i.ID} }, selectSealedIntakes)
	for n := 0; err == nil && n < len(all); n++ {
		i := &all[n]
		var sealed *[]byte
		sealed, err = one(ctx, r.q, func(b *[]byte) []any { return []any{b} }, selectSealedIntake, string(i.Platform), i.Session, i.ID)
		if errors.Is(err, sql.ErrNoRows) {
			err = nil
			continue
		}
		if err == nil {
			_, err = r.replace(ctx, resealIntake, i.Binding(), string(i.Platform), i.Session, *sealed)
		}
	}
	return err
}

func (r *resealing) credentials(ctx context.Context) error {
	type row struct {
		account.Credential
		platform string
	}
	var last row
	for {
		batch, err := list(ctx, r.q, func(c *row) []any {
			return []any{&c.platform, &c.ID, &c.Account, &c.Method, &c.Sealed}
		}, selectSealedCredentials, string(last.ID), resealBatch)
		if err != nil || len(batch) == 0 {
			return err
		}
		for _, last = range batch {
			if err := r.must(ctx, resealCredential, last.Binding(), last.platform, string(last.ID), last.Sealed); err != nil {
				return err
			}
		}
	}
}

// pins that are chosen anew or removed meanwhile need no seal.
func (r *resealing) pins(ctx context.Context) error {
	type row struct {
		grant.Device
		sealed []byte
	}
	var last row
	for {
		batch, err := list(ctx, r.q, func(d *row) []any {
			return []any{&d.Platform, &d.ID, &d.Account, &d.sealed}
		}, selectSealedPINs, string(last.ID), resealBatch)
		if err != nil || len(batch) == 0 {
			return err
		}
		for _, last = range batch {
			if _, err := r.replace(ctx, resealPIN, last.PINBinding(), string(last.Platform), string(last.ID), last.sealed); err != nil {
				return err
			}
		}
	}
}

// handoffs that go on or end meanwhile need no seal.
func (r *resealing) handoffs(ctx context.Context) error {
	all, err := list(ctx, r.q, func(h *grant.Handoff) []any {
		return []any{&h.Platform, &h.ID, &h.Reference, &h.Number}
	}, selectSealedHandoffs)
	for i := 0; err == nil && i < len(all); i++ {
		h := &all[i]
		for _, value := range []struct {
			text, binding string
			sealed        []byte
		}{{resealReference, h.ReferenceBinding(), h.Reference}, {resealNumber, h.ID.NumberBinding(), h.Number}} {
			if err == nil && value.sealed != nil {
				_, err = r.replace(ctx, value.text, value.binding, string(h.Platform), string(h.ID), value.sealed)
			}
		}
	}
	return err
}

// tickets that are deleted meanwhile need no seal.
func (r *resealing) tickets(ctx context.Context) error {
	all, err := list(ctx, r.q, func(t *authn.Ticket) []any {
		return []any{&t.Platform, &t.Hash, &t.Purpose, &t.Sealed}
	}, selectSealedTickets)
	for i := 0; err == nil && i < len(all); i++ {
		t := &all[i]
		_, err = r.replace(ctx, resealTicket, t.Binding(), string(t.Platform), t.Hash, t.Sealed)
	}
	return err
}

// messages that are sent meanwhile need no seal.
func (r *resealing) messages(ctx context.Context) error {
	all, err := list(ctx, r.q, func(m *outbox.Message) []any {
		return []any{&m.Platform, &m.ID, &m.Sealed}
	}, selectSealedMessages)
	for i := 0; err == nil && i < len(all); i++ {
		m := &all[i]
		_, err = r.replace(ctx, resealMessage, m.Binding(), string(m.Platform), m.ID, m.Sealed)
	}
	return err
}
