package sms

import (
	"context"
	"fmt"
	"net/url"
	"slices"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/login"
)

// codeStep asks a code that a text message brings.
type codeStep struct{ Options }

func (codeStep) Spends(form url.Values) string { return login.SpentCode(form) }

func (codeStep) Name() string { return Method }

func (codeStep) Handles(r authn.Requirement, f authn.Facts) bool {
	return r.Need == authn.NeedSecond && slices.Contains(authn.Enrolled(f), Method)
}

// Sends says that the page can send another message.
func (codeStep) Sends() string { return "code.resend" }

// Begin sends the first message: somebody has just sent the form that leads here.
func (s codeStep) Begin(ctx context.Context, v *login.Visit) (authn.Change, error) {
	m, _, err := s.open(v)
	if err != nil || m.Newest != "" {
		return authn.Change{}, err // a way back that was taken before: that code still works
	}
	_, change, err := s.send(ctx, v, Method, m)
	return change, err
}

// open is what was sent, and the credential whose number it goes to.
func (s codeStep) open(v *login.Visit) (messages, account.Credential, error) {
	c, ok := v.Facts.Account.Credential(Method)
	if !ok {
		return messages{}, c, fmt.Errorf("number of account %s: %w", v.Facts.Account.ID, fault.Stale)
	}
	number, err := s.Sealer.Open(c.Sealed, c.Binding())
	if err != nil {
		return messages{}, c, fmt.Errorf("number of account %s: %v", v.Facts.Account.ID, err) // ours to mend
	}
	m, err := s.read(v, Method)
	if m.Number != string(number) { // of another credential, or nothing yet
		m = messages{Number: string(number)}
	}
	return m, c, err
}

// Show asks for the code, or offers to send one where nobody sent a form yet: somebody opened a link, or came straight
// from the platform.
func (s codeStep) Show(ctx context.Context, v *login.Visit) (login.Page, error) {
	m, _, err := s.open(v)
	if err != nil {
		return login.Page{}, err
	}
	page := codePage{CodePage: v.CodePage(), PhoneEnd: End(m.Number)}
	if m.Newest == "" {
		page.Send = true
		if v.Now.Before(m.Until) {
			page.Later = minutes(v, m.Until)
		}
		return login.Page{Template: "sms_code", Data: page}, nil
	}
	if page.Failed, err = s.failed(ctx, v, m); err != nil {
		return login.Page{}, err
	}
	page.Resend, page.Wait = true, m.wait(v.Now)
	page.Resent = m.Again && page.Wait > 0 && !page.Failed
	return login.Page{Template: "sms_code", Data: page}, nil
}

// Submit counts first and verifies then. What cannot be a code is not counted.
func (s codeStep) Submit(ctx context.Context, v *login.Visit) (login.Outcome, error) {
	m, c, err := s.open(v)
	if err != nil {
		return login.Outcome{}, err
	}
	remember := v.Remembering()
	if do := v.Button(); do == "send" || do == "resend" {
		out, err := s.sendAgain(ctx, v, m)
		out.Remember = remember
		return out, err
	}
	if m.Newest == "" {
		return login.Outcome{}, nil // the page with the button is shown
	}
	code, mistakes := v.TypedCode()
	if len(mistakes) > 0 {
		return login.Outcome{Retry: mistakes, Remember: remember}, nil
	}
	attempt, err := s.Budget.CountCode(ctx, v)
	if err != nil {
		return login.Outcome{}, err
	}
	if !attempt.Until.IsZero() {
		return s.Budget.Refused(v, attempt), nil
	}
	use, mistake, err := s.check(ctx, v, Method, m.Number, code)
	if err != nil {
		return attempt.Unverified(), err
	}
	if mistake != "" {
		out, err := s.Budget.Wrong(ctx, v, attempt, mistake)
		out.Remember = remember
		return out, err
	}
	c.UsedAt = v.Now
	v.Journey.Keep(Method, nil)
	return login.Outcome{
		Proof:    proof(v, c.ID),
		Remember: remember,
		Change:   authn.Change{Spend: []authn.TicketUse{use}, Put: []account.Credential{c}, Uncount: attempt.Keys},
		Late:     []authn.Mistake{{Field: "code", Key: wrong}},
	}, nil
}

// sendAgain sends a message when its time has come; before that, the page says how long it takes.
func (s codeStep) sendAgain(ctx context.Context, v *login.Visit, m messages) (login.Outcome, error) {
	if m.wait(v.Now) > 0 {
		return login.Outcome{}, nil
	}
	m, change, err := s.send(ctx, v, Method, m)
	out := login.Outcome{Change: change}
	if !m.Until.IsZero() && m.Newest != "" {
		out.Retry = tooMany(v, m)
	}
	return out, err
}

// tooMany says when the next message can be asked, beside the field for the code that was sent before.
func tooMany(v *login.Visit, m messages) []authn.Mistake {
	return []authn.Mistake{{Field: "code", Key: "code.error_send_limit", Args: []any{"minutes", minutes(v, m.Until)}}}
}
