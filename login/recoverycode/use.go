package recoverycode

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/outbox"
)

// field is the name of the input.
const field = "recovery_code"

// useStep is the page beside every page that asks a code.
type useStep struct{ Options }

func (useStep) Name() string                                { return "recovery-code" }
func (useStep) Spends(form url.Values) string               { return Read(form.Get(field)) }
func (useStep) Handles(authn.Requirement, authn.Facts) bool { return false }

// Way: whoever has recovery codes may use one wherever a code is asked.
func (useStep) Way(v *login.Visit) string {
	if v.Requirement.Need != authn.NeedSecond {
		return ""
	}
	return "code.use_recovery"
}

func (useStep) Show(_ context.Context, v *login.Visit) (login.Page, error) {
	if tooNew(v) {
		v.Mistakes = retry("recovery_use.error_new").Retry
	}
	return login.Page{Template: "recovery_use", Data: usePage{
		Action: v.Action, BackURL: login.JourneyPath(v.Platform, v.Journey.ID),
	}}, nil
}

// Submit counts first and verifies then. A code of another account is like one that nobody has, and stays unspent.
func (s useStep) Submit(ctx context.Context, v *login.Visit) (login.Outcome, error) {
	typed := v.Form.Get(field)
	if tooNew(v) { // none is spent for nothing
		return retry("recovery_use.error_new"), nil
	}
	if strings.TrimSpace(typed) == "" {
		return retry("recovery_use.error_empty"), nil
	}
	attempt, err := s.Budget.CountRecovery(ctx, v)
	if err != nil {
		return login.Outcome{}, err
	}
	if !attempt.Until.IsZero() {
		minutes := int((attempt.Until.Sub(v.Now) + time.Minute - 1) / time.Minute)
		out := retry("recovery_use.error_limit", "minutes", minutes)
		out.Change.Events = []audit.Event{event(v, audit.SecondFactorRefused, "too many")}
		return out, nil
	}
	t, err := s.find(ctx, v, typed)
	if err != nil {
		return attempt.Unverified(), err
	}
	if t == nil || t.State(v.Now) != authn.TicketWorks {
		text := "recovery_use.error_wrong"
		if t != nil && t.State(v.Now) == authn.TicketUsed {
			text = "recovery_use.error_used" // only who has the list learns that
		}
		out := retry(text)
		out.Change.Events = []audit.Event{event(v, audit.SecondFactorRefused, "wrong")}
		return out, nil
	}
	left, err := s.Store.TicketsLeft(ctx, v.Platform.ID, v.Facts.Account.ID, authn.TicketRecoveryCode)
	if err != nil {
		return attempt.Unverified(), err
	}
	left-- // this one
	set, _ := v.Facts.Account.Credential(Method)
	v.CodesLeft(left, lowAt)
	return login.Outcome{
		Proof: &authn.Proof{Method: Method, Use: account.Recovery, Kinds: authn.Has, Credential: set.ID, At: v.Now},
		Change: authn.Change{
			Spend:    []authn.TicketUse{{Hash: t.Hash, Purpose: authn.TicketRecoveryCode, Opened: v.Now}},
			Uncount:  attempt.Keys,
			Messages: []outbox.Message{v.NoticeOf(codeUsed, s.Sealer, map[string]string{"n": strconv.Itoa(left)})},
			Events:   []audit.Event{event(v, audit.RecoveryCodeUsed, "")},
		},
		Late: []authn.Mistake{{Field: field, Key: "recovery_use.error_used"}},
	}, nil
}

// tooNew reports whether the set was made in the very session that is asked for a code: then it counts from the next
// login on.
func tooNew(v *login.Visit) bool {
	set, ok := v.Facts.Account.Credential(Method)
	return ok && !v.Requirement.Accepts(set)
}

// find looks the code up among those of the account's set; nil: it is none of them.
func (s useStep) find(ctx context.Context, v *login.Visit, typed string) (*authn.Ticket, error) {
	set, ok := v.Facts.Account.Credential(Method)
	if !ok {
		return nil, nil
	}
	h, err := Hash(s.Sealer, set, typed)
	if err != nil {
		return nil, err
	}
	t, err := s.Store.Ticket(ctx, v.Platform.ID, h)
	if errors.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil || t.Account != v.Facts.Account.ID || t.Purpose != authn.TicketRecoveryCode {
		return nil, err
	}
	return t, nil
}

func retry(key string, args ...any) login.Outcome {
	return login.Outcome{Retry: []authn.Mistake{{Field: field, Key: key, Args: args}}}
}
