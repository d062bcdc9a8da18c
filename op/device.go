package op

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
)

// DeviceStore keeps the devices of mobile apps (docs/app.md).
type DeviceStore interface {
	RedeemForDevice(ctx context.Context, r grant.Redemption, a grant.Admission) (*grant.Device, error)
	DeviceByKey(ctx context.Context, p platform.ID, party grant.PartyID, jkt string) (*grant.Device, *account.Account, error)
	SetPIN(ctx context.Context, c grant.PINChange) (kept []byte, err error)
	CountTry(ctx context.Context, d *grant.Device, token string, now time.Time) (*grant.Try, error)
	RefuseTry(ctx context.Context, t *grant.Try, e audit.Event) error
	AcceptTry(ctx context.Context, t *grant.Try, in grant.PINSignIn) error
	RemoveTried(ctx context.Context, d *grant.Device, token string, follows authn.Change, now time.Time) error
}

// enterDevice redeems a code of a mobile app: what comes of it is a device, and a token with which its PIN is chosen.
func (s *Server) enterDevice(ctx context.Context, c *call, r grant.Redemption) (*tokenResponse, error) {
	g, a, err := s.Grants.Grant(ctx, c.platform.ID, r.Grant, c.now)
	if errors.Is(err, fault.NotFound) {
		_, err = s.Grants.Redeem(ctx, r) // says why, and keeps that on record
		if err == nil {
			err = fault.NotFound
		}
	}
	if err != nil {
		return nil, s.fail(ctx, "redeeming code for a device", err)
	}
	d := grant.Device{
		JKT: r.Key.JKT, Entry: grant.Entry{Way: wayOf(g.Proofs), Level: authn.ACROf(g.Proofs)}, Scopes: grant.DeviceScopes(g.Scopes), Claims: g.Claims,
	}
	admission, answer := s.admission(ctx, c, a, d)
	admission.Ends = g.Session
	made, err := s.Devices.RedeemForDevice(ctx, r, admission)
	if err != nil {
		return nil, s.refuseDevice(ctx, err)
	}
	return answer(made), nil
}

// wayOf is the first factor that was shown.
func wayOf(proofs []authn.Proof) grant.Way {
	i := slices.IndexFunc(proofs, func(p authn.Proof) bool { return p.Use == account.Primary })
	if i < 0 {
		return ""
	}
	return grant.Way(proofs[i].Method)
}

// admission completes what a device of an account is made from by the request that asks for it, and makes the answer that
// every sign-in at a mobile app gets for the device that was made or renewed: a token that is good for choosing a PIN alone.
func (s *Server) admission(ctx context.Context, c *call, a *account.Account, d grant.Device) (grant.Admission, func(*grant.Device) *tokenResponse) {
	d.ID, d.Platform, d.Party, d.Account = grant.DeviceID(secret.ID()), c.platform.ID, c.party.ID, a.ID
	if d.Name == "" {
		d.Name = grant.DeviceName(c.form.Get("device_name"))
	}
	if d.Network == "" {
		d.Network = web.From(ctx).Network()
	}
	d.AddedAt, d.SeenAt = c.now, c.now
	setup := secret.Token()
	d.SetupHash = secret.Hash(setup)
	follows := authn.NewQueued(outbox.To(a, outbox.AppDevice, c.now), nil, s.Secrets.Sealer.Seal)
	follows.Events = []audit.Event{s.ofOwner(ctx, audit.DeviceAdded, audit.Success, a, c, d.Reason())}
	return grant.Admission{
			Device: d, Most: c.platform.Policy.MaxAppDevices(), SetupEnds: c.now.Add(grant.SetupLife), Follows: follows,
		}, func(made *grant.Device) *tokenResponse {
			return &tokenResponse{
				AccessToken: grant.SetupToken(made.ID, setup), TokenType: tokenType(d.JKT),
				ExpiresIn: int64(grant.SetupLife / time.Second), Scope: grant.AppPIN,
			}
		}
}

// ofOwner is an event of the owner of an account at a mobile app.
func (s *Server) ofOwner(ctx context.Context, kind audit.Kind, outcome audit.Outcome, a *account.Account, c *call, reason string) audit.Event {
	return origin(ctx).Of(audit.Event{
		At: c.now, Platform: c.platform.ID, Kind: kind, Actor: string(a.ID), Account: a.ID, Party: string(c.party.ID), Outcome: outcome, Reason: reason,
	})
}

// refuseDevice is what an app is told where no device could be made.
func (s *Server) refuseDevice(ctx context.Context, err error) error {
	if errors.Is(err, fault.Throttled) {
		return &memberedError{refuse("invalid_grant", "as many devices as an account may have"), members{"too_many_devices": true}}
	}
	return s.fail(ctx, "making a device", err)
}

// loggingOut revokes a token, and ends the session that it belongs to where its party is a mobile app: the person logs out in
// the app, and the PIN stays. The session ends only if the token was one, which revoke says.
func (s *Server) loggingOut(ctx context.Context, c *call, id grant.ID, revoke func() error) error {
	if !c.party.MobileApp {
		return revoke()
	}
	g, a, err := s.Grants.Grant(ctx, c.platform.ID, id, c.now)
	if err != nil && !errors.Is(err, fault.NotFound) {
		return err
	}
	there := err == nil && g.Party == c.party.ID
	if err := revoke(); err != nil || !there {
		return err
	}
	e := s.ofOwner(ctx, audit.SessionEnded, audit.Success, a, c, "")
	e.Session = g.Session
	return s.Sessions.EndSession(ctx, c.platform.ID, g.Session, e, c.now)
}
