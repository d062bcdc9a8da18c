package wire

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/notify"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
)

// settled are how a message may end.
var settled = []outbox.Outcome{outbox.Sent, outbox.Refused, outbox.GaveUp, outbox.Answered}

// newOutbox is the worker that sends messages.
func (h *House) newOutbox() *notify.Worker {
	senders := map[outbox.Recipient]notify.Sender{
		outbox.Mail: notify.Mails{
			Mailer: h.Mailer, From: h.MailFrom, UI: h.UI, Accounts: h.DB, By: invitedBy(h),
			LoginURL: func(p *platform.Platform, party string) string {
				asked, _ := h.settings.Party(p.ID, grant.PartyID(party)) // none: the platform itself
				return h.settings.LoginURL(p, asked)
			},
		},
		outbox.URL: notify.Logouts{Client: h.Outbound, Party: h.settings.Party, Sign: h.settings.Sign, Now: h.clock.Now},
		outbox.SMS: notify.Texts{Gateway: h.Texts, UI: h.UI},
	}
	maps.Copy(senders, h.Senders)
	for to := range senders {
		for _, outcome := range settled {
			h.metrics.Expect(string(to), string(outcome)) // 0, so that a rise is seen
		}
	}
	return &notify.Worker{Options: notify.Options{
		Store: h.DB, Sealer: h.Sealer, Senders: senders, Now: h.clock.Now, Log: h.Log,
		Platform: h.settings.Platform, Organisation: organisationOf(h),
		Settled: func(m *outbox.Message, outcome outbox.Outcome) {
			h.metrics.Message(string(m.Platform), string(m.Recipient), string(outcome))
		},
	}}
}

// organisationOf says what people call the organisation with whose account alone somebody signs in; empty: there is none,
// or it is closed.
func organisationOf(h *House) func(a *account.Account, locale string) string {
	return func(a *account.Account, locale string) string {
		if _, ok := a.Credential(authn.Password); ok {
			return ""
		}
		for _, c := range h.settings.Connections(a.Platform) {
			if !c.Disabled && c.For(a.Role) && a.HasLink(string(c.ID)) {
				return c.Name(locale)
			}
		}
		return ""
	}
}

// invitedBy says with the account of which organisation somebody who is invited signs in, and whether that is the only way:
// the one of the domain of the address, or the only one for the role. Where there are several and no password is taken it is
// the platform's organisation.
func invitedBy(h *House) func(p *platform.Platform, a *account.Account, lang string) (name string, only bool) {
	return func(p *platform.Platform, a *account.Account, lang string) (string, bool) {
		only := !p.Policy.LoginForm
		if only && p.Policy.InEmergency(a.Email.Key) {
			return "", false
		}
		var all []*federation.Connection
		for _, c := range h.settings.Connections(p.ID) {
			if c.Disabled || !c.For(a.Role) || !c.Admits(a) && !a.HasLink(string(c.ID)) {
				continue
			}
			if inside, _ := c.Has(a.Email); inside {
				return c.Name(lang), only
			}
			all = append(all, c)
		}
		switch {
		case len(all) == 1:
			return all[0].Name(lang), only
		case len(all) > 1 && only:
			return p.Organisation, only
		}
		return "", false
	}
}

// Deliver sends what is due, until nothing is.
func (h *House) Deliver(ctx context.Context) error {
	var failed []error
	for _, to := range h.outbox.Recipients() {
		failed = append(failed, h.outbox.Deliver(ctx, to))
	}
	return errors.Join(failed...)
}

// lookAtOutbox notes how long the oldest message waits.
func (h *House) lookAtOutbox(ctx context.Context) error {
	oldest, err := h.DB.OldestMessage(ctx)
	if err != nil {
		return fmt.Errorf("looking at the outbox: %w", err)
	}
	waits := time.Duration(0)
	if !oldest.IsZero() {
		waits = h.clock.Now().Sub(oldest)
	}
	h.metrics.OldestWaits(waits)
	return nil
}
