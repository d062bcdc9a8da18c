package totp

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"slices"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/login"
)

// wrong is the one text for every code that is not accepted.
const wrong = "code.error_wrong_app"

// codeStep asks a code of the app.
type codeStep struct{ Options }

func (codeStep) Spends(form url.Values) string { return login.SpentCode(form) }

func (codeStep) Name() string { return Method }

func (codeStep) Handles(r authn.Requirement, f authn.Facts) bool {
	return r.Need == authn.NeedSecond && slices.Contains(authn.Enrolled(f), Method)
}

func (codeStep) Show(_ context.Context, v *login.Visit) (login.Page, error) {
	return login.Page{Template: "totp", Data: v.CodePage()}, nil
}

// Submit counts first and verifies then. What cannot be a code is not counted.
func (s codeStep) Submit(ctx context.Context, v *login.Visit) (login.Outcome, error) {
	remember := v.Remembering()
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
	c, ok := v.Facts.Account.Credential(Method)
	if !ok {
		return attempt.Unverified(), fmt.Errorf("app of account %s: %w", v.Facts.Account.ID, fault.Stale)
	}
	secret, err := s.Sealer.Open(c.Sealed, c.Binding())
	if err != nil {
		return attempt.Unverified(), fmt.Errorf("app of account %s: %v", v.Facts.Account.ID, err) // ours to mend, whatever kind it is
	}
	step, ok, err := match(string(secret), code, c.Counter, v.Now)
	if err != nil {
		return attempt.Unverified(), err
	}
	if !ok {
		out, err := s.Budget.Wrong(ctx, v, attempt, wrong)
		out.Remember = remember
		return out, err
	}
	s.drift(ctx, v, step)
	c.Counter, c.UsedAt = step, v.Now
	return login.Outcome{
		Proof:    proof(v, c.ID),
		Remember: remember,
		Change:   authn.Change{Put: []account.Credential{c}, Uncount: attempt.Keys},
		Late:     []authn.Mistake{{Field: "code", Key: wrong}},
	}, nil
}

// drift notes that a phone's clock differs, and never whose: many of them at once mean that ours is wrong.
func (s Options) drift(ctx context.Context, v *login.Visit, step int64) {
	if offset := step - stepAt(v.Now); offset != 0 {
		s.Log.InfoContext(ctx, "code of a neighbouring step", slog.Int64("steps", offset), slog.String("platform", string(v.Platform.ID)))
	}
}
