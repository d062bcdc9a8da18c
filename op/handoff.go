package op

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/internal/web"
)

// HandoffStore keeps sign-ins on a phone by a QR code (docs/app.md); the browser's half is in login/qr.
type HandoffStore interface {
	ClaimHandoff(ctx context.Context, c grant.Claiming) (*grant.Handoff, error)
	PollHandoff(ctx context.Context, p grant.Poll) (h *grant.Handoff, hurried bool, err error)
	LeaveHandoff(ctx context.Context, p grant.Poll, e audit.Event) error
	RedeemHandoff(ctx context.Context, p grant.Poll, a grant.Admission) (*grant.Device, error)
}

// claimed is what a phone gets that has scanned a code. It is the only answer that has the number.
type claimed struct {
	ID           grant.HandoffID `json:"handoff_id"`
	Number       int             `json:"match_number"`
	ExpiresIn    int64           `json:"expires_in"` // seconds
	Interval     int64           `json:"interval"`   // seconds
	Organisation string          `json:"organisation"`
	Account      string          `json:"account"` // the address, masked
}

// claimHandoff takes the reference of a QR code for one phone.
func (s *Server) claimHandoff(ctx context.Context, c *call) (any, error) {
	const what = "claiming a QR code"
	if !c.party.Allows(grant.HandoffGrant) {
		return nil, refuse("unauthorized_client", "no mobile app")
	}
	reference, challenge := c.form.Get("reference"), c.form.Get("code_challenge")
	switch {
	case !secret.IsToken(reference):
		return nil, s.fail(ctx, what, refuse("invalid_request", "malformed reference"))
	case !grant.ChallengeValid(challenge), c.form.Get("code_challenge_method") != "S256":
		return nil, s.fail(ctx, what, refuse("invalid_request", "no code_challenge by S256"))
	}
	if err := s.requireProof(ctx, c); err != nil {
		return nil, err
	}
	number, from := grant.NewMatchNumber(), web.From(ctx)
	h, err := s.Handoffs.ClaimHandoff(ctx, grant.Claiming{
		Claim: grant.Claim{
			Party: c.party.ID, JKT: c.proof.jkt, Challenge: challenge, Name: grant.DeviceName(c.form.Get("device_name")),
			Network: from.Network(), Nearby: from.Nearby(),
		},
		Platform: c.platform.ID, Hash: secret.Hash(reference), Now: c.now,
		Seal: func(id grant.HandoffID) []byte {
			return s.Secrets.Sealer.Seal([]byte(number), id.NumberBinding())
		},
		Event: s.ofPhone(ctx, c, audit.HandoffClaimed, audit.Success, ""),
	})
	if errors.Is(err, fault.NotFound) {
		err = refuse("invalid_grant", "no such code, or not any more")
	}
	if err != nil {
		return nil, s.fail(ctx, what, err)
	}
	a, err := s.Referrals.Account(ctx, c.platform.ID, h.Account)
	if err != nil {
		return nil, s.fail(ctx, what, err)
	}
	shown, _ := strconv.Atoi(number) // two digits of ours
	return claimed{
		ID: h.ID, Number: shown, ExpiresIn: int64(h.EndsAt.Sub(c.now) / time.Second), Interval: int64(grant.PollEvery / time.Second),
		Organisation: c.platform.Organisation, Account: strings.ReplaceAll(a.Email.Masked(), "•", "*"),
	}, nil
}

// ofPhone is an event of what a phone does of which nobody has shown yet whose it is.
func (s *Server) ofPhone(ctx context.Context, c *call, kind audit.Kind, outcome audit.Outcome, reason string) audit.Event {
	return origin(ctx).Of(audit.Event{
		At: c.now, Platform: c.platform.ID, Kind: kind, Actor: systemActor, Party: string(c.party.ID), Outcome: outcome, Reason: reason,
	})
}

// enterHandoff answers a phone that asks whether the number was typed: until then that it was not, then once with what
// every sign-in at a mobile app gets.
func (s *Server) enterHandoff(ctx context.Context, c *call) (*tokenResponse, error) {
	const what = "answering a QR code"
	challenge, ok := grant.ChallengeOf(c.form.Get("code_verifier"))
	id := c.form.Get("handoff_id")
	if !ok || !secret.IsID(id) {
		return nil, s.fail(ctx, what, refuse("invalid_request", "malformed handoff_id or code_verifier"))
	}
	p := grant.Poll{Platform: c.platform.ID, Party: c.party.ID, ID: grant.HandoffID(id), JKT: c.proof.jkt, Challenge: challenge, Now: c.now}
	if c.form.Get("stop") == "true" {
		if err := s.Handoffs.LeaveHandoff(ctx, p, s.ofPhone(ctx, c, audit.HandoffRefused, audit.Failure, "left")); err != nil {
			return nil, s.fail(ctx, what, err)
		}
		return nil, refuse(accessDenied, "stopped on the phone")
	}
	h, hurried, err := s.Handoffs.PollHandoff(ctx, p)
	switch {
	case errors.Is(err, fault.NotFound):
		return nil, s.fail(ctx, what, refuse("invalid_grant", "no such handoff of this phone"))
	case errors.Is(err, fault.Refused):
		return nil, refuse(accessDenied, "the session in the browser has ended")
	case err != nil:
		return nil, s.fail(ctx, what, err)
	}
	switch h.Ended(c.now) {
	case "":
	case grant.HandoffExpired:
		return nil, refuse(expiredToken, "nobody typed the number in time")
	case grant.HandoffStopped, grant.HandoffLeft, grant.HandoffWrong:
		return nil, refuse(accessDenied, string(h.End))
	default:
		return nil, refuse("invalid_grant", string(h.End))
	}
	switch {
	case !h.ConfirmedAt.IsZero():
		return s.redeemHandoff(ctx, c, p, h)
	case hurried:
		return nil, refuse(slowDown, "polled too soon")
	}
	return nil, refuse(authorizationPending, "no number yet")
}

func (s *Server) redeemHandoff(ctx context.Context, c *call, p grant.Poll, h *grant.Handoff) (*tokenResponse, error) {
	a, err := s.Referrals.Account(ctx, c.platform.ID, h.Account)
	if err != nil {
		return nil, s.fail(ctx, "answering a QR code", err)
	}
	admission, answer := s.admission(ctx, c, a, grant.Device{
		JKT: h.JKT, Name: h.Name, Network: h.Network,
		Entry: grant.Entry{Way: grant.ByQR, Level: authn.ACROf(h.Proofs), Proofs: h.Proofs}, Scopes: grant.DeviceScopes(c.party.Scopes),
	})
	admission.Displaces = h.Displaces
	made, err := s.Handoffs.RedeemHandoff(ctx, p, admission)
	switch {
	case errors.Is(err, fault.Refused):
		return nil, refuse(accessDenied, "the account is not active any more")
	case errors.Is(err, fault.Stale): // between the poll and this
		return nil, refuse("invalid_grant", "answered before, or ended")
	case err != nil:
		return nil, s.refuseDevice(ctx, err)
	}
	return answer(made), nil
}
