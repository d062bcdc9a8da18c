package sms

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/outbox"
)

// messages is what a step of a journey knows of what it sent. It is kept sealed, because it holds a number.
type messages struct {
	Number string    `json:"number,omitempty"` // E.164; of a set-up: empty until it was typed
	Typed  string    `json:"typed,omitempty"`  // of a set-up: what was typed and is no number
	Change bool      `json:"change,omitempty"` // of a set-up: another number is asked
	Newest string    `json:"letter,omitempty"` // identifier of what was sent last; empty: nothing was
	At     time.Time `json:"at,omitzero"`      // when that was queued
	Again  bool      `json:"again,omitempty"`  // it is not the first one
	Until  time.Time `json:"until,omitzero"`   // too many were sent: none before this
}

// wait is how many seconds it takes until another message can be asked.
func (m messages) wait(now time.Time) int {
	if m.Newest == "" {
		return 0
	}
	return max(0, int((m.At.Add(again).Sub(now)+time.Second-1)/time.Second))
}

// read opens what a step kept; what it kept nothing of is zero.
func (o Options) read(v *login.Visit, step string) (m messages, err error) {
	sealed := v.Journey.StepData[step]
	if len(sealed) == 0 {
		return messages{}, nil
	}
	plain, err := o.Sealer.Open(sealed, binding(v, step))
	if err == nil {
		err = json.Unmarshal(plain, &m)
	}
	if err != nil {
		return messages{}, fmt.Errorf("text messages of a step: %v", err) // ours to mend
	}
	return m, nil
}

func (o Options) keep(v *login.Visit, step string, m messages) {
	plain, _ := json.Marshal(m) // strings and times: cannot fail
	v.Journey.Keep(step, o.Sealer.Seal(plain, binding(v, step)))
}

func binding(v *login.Visit, step string) string { return "journey/" + v.Journey.ID + "/" + step }

// send queues a message with a new code and notes it, unless too many were sent: then only Until is noted. The counters
// rise with the change.
func (o Options) send(ctx context.Context, v *login.Visit, step string, m messages) (messages, authn.Change, error) {
	limits := o.limits(v, m.Number)
	stand, err := o.Store.LimitCounts(ctx, v.Platform.ID, limits, v.Now)
	if err != nil {
		return m, authn.Change{}, err
	}
	m.Until = time.Time{}
	for i, l := range limits {
		if stand[i].N >= l.Max && stand[i].Until.After(m.Until) {
			m.Until = stand[i].Until
		}
	}
	asked := v.Event(audit.MessageRequested, audit.Success, v.Facts.Account.ID)
	asked.Reason = string(codeMessage.Kind)
	if !m.Until.IsZero() {
		asked.Outcome, asked.Reason = audit.Failure, "too many"
		o.keep(v, step, m)
		return m, authn.Change{Events: []audit.Event{asked}}, nil
	}
	code, ticket, err := o.draw(ctx, v, step, m.Number)
	if err != nil {
		return m, authn.Change{}, err
	}
	message := v.Text(codeMessage, o.Sealer, m.Number, map[string]string{"code": code})
	m.Newest, m.At, m.Again, m.Typed = message.ID, v.Now, m.Newest != "", ""
	o.keep(v, step, m)
	return m, authn.Change{Issue: []authn.Ticket{ticket}, Count: limits, Messages: []outbox.Message{message}, Events: []audit.Event{asked}}, nil
}

// draw makes a code that this step has not sent before.
func (o Options) draw(ctx context.Context, v *login.Visit, step, number string) (string, authn.Ticket, error) {
	for {
		code := secret.Digits(login.CodeDigits)
		hash := o.hash(v, step, number, code)
		_, err := o.Store.Ticket(ctx, v.Platform.ID, hash)
		if errors.Is(err, fault.NotFound) {
			return code, authn.NewTicket(hash, v.Platform.ID, authn.TicketSMS, v.Facts.Account.ID, v.Now), nil
		}
		if err != nil {
			return "", authn.Ticket{}, err
		}
	}
}

// hash is what is stored of a code. It is the same only in this step of this journey, for this account and number.
func (o Options) hash(v *login.Visit, step, number, code string) []byte {
	bound := []string{string(v.Platform.ID), string(v.Facts.Account.ID), v.Journey.ID, step, number, code}
	return o.Sealer.MAC("code of a text message", strings.Join(bound, "\x00"))
}

// check looks at a code that was typed: the use that spends it, or the text key of why it does not count. The budget is
// asked first.
func (o Options) check(ctx context.Context, v *login.Visit, step, number, code string) (authn.TicketUse, string, error) {
	t, err := o.Store.Ticket(ctx, v.Platform.ID, o.hash(v, step, number, code))
	switch {
	case errors.Is(err, fault.NotFound):
		return authn.TicketUse{}, wrong, nil
	case err != nil:
		return authn.TicketUse{}, "", err
	case t.State(v.Now) == authn.TicketExpired:
		return authn.TicketUse{}, "code.error_expired", nil // only who has the phone learns that
	case t.State(v.Now) != authn.TicketWorks:
		return authn.TicketUse{}, wrong, nil
	}
	return authn.TicketUse{Hash: t.Hash, Purpose: authn.TicketSMS, Opened: v.Now}, "", nil
}

// wrong is what every code is told that was never sent, or was used.
const wrong = "code.error_wrong_sms"

// failed reports whether the newest message did not go, as far as is known: a gateway refused it, gave it up, reported
// it as not delivered, or has not taken it by the time that the next one can be asked.
func (o Options) failed(ctx context.Context, v *login.Visit, m messages) (bool, error) {
	l, err := o.Store.Message(ctx, v.Platform.ID, m.Newest)
	if errors.Is(err, fault.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	switch l.Outcome {
	case outbox.Sent:
		return l.Reason == outbox.Undelivered, nil
	case "":
		return m.wait(v.Now) == 0, nil
	}
	return true, nil
}
