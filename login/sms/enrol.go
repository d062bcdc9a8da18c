package sms

import (
	"context"
	"net/url"
	"slices"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/outbox"
)

// numberStep sets a number up: it asks which, and then a code that was sent to it.
type numberStep struct{ Options }

// setUp is the step's name.
const setUp = "sms-setup"

func (numberStep) Spends(form url.Values) string { return login.SpentCode(form) }

func (numberStep) Name() string { return setUp }

func (numberStep) Handles(r authn.Requirement, f authn.Facts) bool {
	return r.Need == authn.NeedEnrol && f.Method == Method
}

func (s numberStep) Show(ctx context.Context, v *login.Visit) (login.Page, error) {
	m, err := s.read(v, setUp)
	if err != nil {
		return login.Page{}, err
	}
	others := v.Others(Method)
	if m.Newest == "" || m.Change {
		return login.Page{Template: "phone", Data: phonePage{
			Action: v.Action, Typed: m.Typed, Hint: hints[v.Platform.Country], Others: others, Cancel: true,
		}}, nil
	}
	failed, err := s.failed(ctx, v, m)
	if err != nil {
		return login.Page{}, err
	}
	wait := m.wait(v.Now)
	return login.Page{Template: "sms", Data: numberPage{
		Action: v.Action, PhoneEnd: End(m.Number), Resend: true, Wait: wait, Resent: m.Again && wait > 0 && !failed, Failed: failed,
		Others: others, Cancel: true,
	}}, nil
}

// hints show how a number is written in a country. Elsewhere there is none.
var hints = map[string]string{"NL": "phone.hint_nl", "GB": "phone.hint_gb", "DE": "phone.hint_de"}

func (s numberStep) Submit(ctx context.Context, v *login.Visit) (login.Outcome, error) {
	m, err := s.read(v, setUp)
	if err != nil {
		return login.Outcome{}, err
	}
	switch do := v.Button(); {
	case do == "other":
		v.Journey.Keep(setUp, nil)
		v.Journey.Method = ""
		return login.Outcome{}, nil
	case v.Form.Has("phone"):
		return s.number(ctx, v, m)
	case m.Newest == "" || m.Change:
		return login.Outcome{}, nil // a page of before
	case do == "change":
		m.Change, m.Typed = true, ""
		s.keep(v, setUp, m)
		return login.Outcome{}, nil
	case do == "resend":
		return s.sendAgain(ctx, v, m)
	}
	return s.code(ctx, v, m)
}

// number takes the number and sends a code to it. For the same number again it waits as the button does.
func (s numberStep) number(ctx context.Context, v *login.Visit, before messages) (login.Outcome, error) {
	typed := v.Form.Get("phone")
	number, mistake := parse(typed, v.Platform)
	if mistake != "" {
		before.Change, before.Typed = true, typed[:min(len(typed), longestTyped)]
		s.keep(v, setUp, before)
		return login.Outcome{Retry: []authn.Mistake{{Field: "phone", Key: mistake}}}, nil
	}
	next := messages{Number: number}
	if number == before.Number {
		next = before
	}
	next.Typed, next.Change = typed, false
	if next.wait(v.Now) > 0 {
		s.keep(v, setUp, next)
		return login.Outcome{}, nil
	}
	m, change, err := s.send(ctx, v, setUp, next)
	out := login.Outcome{Change: change}
	switch {
	case m.Until.IsZero():
	case m.Newest != "":
		out.Retry = tooMany(v, m) // what was sent to this number before still works
	default:
		out.Retry = []authn.Mistake{{Field: "phone", Key: "phone.error_limit", Args: []any{"minutes", minutes(v, m.Until)}}}
	}
	return out, err
}

func (s numberStep) sendAgain(ctx context.Context, v *login.Visit, m messages) (login.Outcome, error) {
	if m.wait(v.Now) > 0 {
		return login.Outcome{}, nil
	}
	m, change, err := s.send(ctx, v, setUp, m)
	out := login.Outcome{Change: change}
	if !m.Until.IsZero() {
		out.Retry = tooMany(v, m)
	}
	return out, err
}

// code takes the code that was sent to the number. From then on codes go there.
func (s numberStep) code(ctx context.Context, v *login.Visit, m messages) (login.Outcome, error) {
	code, mistakes := v.TypedCode()
	if len(mistakes) > 0 {
		return login.Outcome{Retry: mistakes}, nil
	}
	attempt, err := s.Budget.CountCode(ctx, v)
	if err != nil {
		return login.Outcome{}, err
	}
	if !attempt.Until.IsZero() {
		return s.Budget.Refused(v, attempt), nil
	}
	use, mistake, err := s.check(ctx, v, setUp, m.Number, code)
	if err != nil {
		return attempt.Unverified(), err
	}
	if mistake != "" {
		return s.Budget.Wrong(ctx, v, attempt, mistake)
	}
	c := account.Credential{
		ID: account.CredentialID(secret.ID()), Account: v.Facts.Account.ID, Method: Method, Use: account.Second, Label: End(m.Number),
		AddedAt: v.Now, ConfirmedAt: v.Now, UsedAt: v.Now,
	}
	c.Sealed = s.Sealer.Seal([]byte(m.Number), c.Binding())
	change := v.Enrolled(c, s.Sealer)
	if slices.Contains(authn.Enrolled(v.Facts), Method) { // the way stays, the number is another
		change.Messages = []outbox.Message{v.NoticeOf(numberChanged, s.Sealer, map[string]string{"phone_end": c.Label})}
	}
	change.Spend, change.Uncount = []authn.TicketUse{use}, attempt.Keys
	v.Journey.Keep(setUp, nil)
	return login.Outcome{
		Proof: proof(v, c.ID), Done: authn.NeedEnrol, Change: change,
		Late: []authn.Mistake{{Field: "code", Key: wrong}},
	}, nil
}
