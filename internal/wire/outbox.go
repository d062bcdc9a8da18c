package wire

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/notify"
	"github.com/minddistrict/idp/op"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
)

// newOutbox is the worker that sends letters.
func (h *House) newOutbox() *notify.Worker {
	return &notify.Worker{Options: notify.Options{
		Store: h.DB, Sealer: h.Sealer, Mailer: h.Mailer, From: h.MailFrom, Texts: h.Texts, Now: h.now, Log: h.Log,
		Platform: func(id platform.ID) (*platform.Platform, bool) {
			t, ok := h.settings.Load().tenants[id]
			return t.platform, ok
		},
		LoginURL: func(p *platform.Platform, party string) string {
			asked, _ := registry{h}.Party(p.ID, grant.PartyID(party)) // none: the platform itself
			return op.RestartURL(p, asked)
		},
		Settled: func(medium outbox.Recipient, outcome outbox.Outcome) {
			h.metrics.letters.WithLabelValues(string(medium), string(outcome)).Inc()
		},
	}}
}

// Deliver sends what is due, until nothing is.
func (h *House) Deliver(ctx context.Context) error {
	return errors.Join(h.deliverTexts(ctx), h.deliverMails(ctx))
}

func (h *House) deliverTexts(ctx context.Context) error { return h.outbox.Deliver(ctx, outbox.SMS) }
func (h *House) deliverMails(ctx context.Context) error { return h.outbox.Deliver(ctx, outbox.Mail) }

// lookAtOutbox notes how long the oldest letter waits.
func (h *House) lookAtOutbox(ctx context.Context) error {
	oldest, err := h.DB.OldestMessage(ctx)
	if err != nil {
		return fmt.Errorf("looking at the outbox: %w", err)
	}
	waits := time.Duration(0)
	if !oldest.IsZero() {
		waits = h.now().Sub(oldest)
	}
	h.metrics.waiting.Set(waits.Seconds())
	return nil
}
