package setup

import (
	"context"
	"fmt"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/notify"
	"github.com/minddistrict/idp/platform"
)

// ResetTwoStep takes two-step authentication from an account whose owner lost phone and recovery codes (seed 001).
// Whoever held the old factor is out: its credentials, sessions, tokens, remembered browsers, links and journeys end.
// The owner gets a mail with a button for when it was somebody else who asked. The reason is kept in the audit record.
// fault.NotFound: no such account; fault.Refused: it has none, or got a new address less than authn.ApartFor ago.
func ResetTwoStep(ctx context.Context, t Tools, id platform.ID, address, reason string) error {
	attempted := fmt.Sprintf("resetting two-step authentication of %q on %s", address, id)
	p, a, err := personOf(ctx, t, id, address)
	if err != nil {
		return fmt.Errorf("%s: %w", attempted, err)
	}
	retire := login.SecondCredentials(a)
	if len(retire) == 0 {
		return fmt.Errorf("%s: it is not set up: %w", attempted, fault.Refused)
	}
	change := notify.TwoStepReset(p, a, t.Sealer, t.Now)
	change.Retire = retire
	change.Cut = &authn.Cut{Account: a.ID, By: authn.ActTwoStepReset} // before the ticket of the mail
	change.Forgive = []string{login.CodeOwner(t.Sealer, id, a.ID)}    // somebody else may have used the budget up
	change.End = &authn.End{Account: a.ID, Reason: "two-step reset"}
	change.Events = []audit.Event{{
		At: t.Now, Platform: id, Kind: audit.TwoStepReset, Actor: Operator(), Account: a.ID, Outcome: audit.Success, Reason: reason,
	}}
	return t.DB.SaveChange(ctx, change, t.Now)
}
