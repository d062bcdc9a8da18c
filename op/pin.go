package op

import (
	"context"
	"crypto/hmac"
	"encoding/base64"
	"errors"
	"slices"
	"strings"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/outbox"
)

// pinValue reads what a phone made of a PIN: 32 bytes in base64url.
func pinValue(text string) ([]byte, error) {
	value, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(value) != grant.PINKeySize || strings.ContainsAny(text, "\r\n") {
		return nil, refuse("invalid_request", "not 32 bytes in base64url")
	}
	return value, nil
}

// setPIN takes the key of a PIN, with the token of a sign-in at the mobile app. The token is spent; the same key again,
// as after a lost answer, is answered alike.
func (s *Server) setPIN(ctx context.Context, c *call) (any, error) {
	id, random, ok := grant.SetupDevice(c.token)
	switch {
	case !ok:
		return nil, s.fail(ctx, "choosing a PIN", refuse(invalidToken, "no token for that"))
	case !c.asDPoP:
		return nil, s.fail(ctx, "choosing a PIN", refuse(invalidToken, "the token is of the other kind"))
	case c.proof == nil:
		return nil, s.fail(ctx, "choosing a PIN", refuse(proofAtResource, "no proof"))
	case c.proof.ath != base64.RawURLEncoding.EncodeToString(secret.Hash(c.token)):
		return nil, s.fail(ctx, "choosing a PIN", refuse(proofAtResource, "ath"))
	}
	key, err := pinValue(c.form.Get("pin_key"))
	if err != nil {
		return nil, s.fail(ctx, "choosing a PIN", err)
	}
	if err := s.spendFirst(ctx, c); err != nil {
		return nil, err
	}
	d := grant.Device{ID: id}
	kept, err := s.Devices.SetPIN(ctx, grant.PINChange{
		Platform: c.platform.ID, Device: id, JKT: c.proof.jkt, SetupHash: secret.Hash(random), Now: c.now,
		Allowed: func(party grant.PartyID) bool {
			p, known := s.enabled(c.platform.ID, party)
			return known && p.MobileApp
		},
		Seal: func(of account.ID) []byte {
			d.Account = of
			return s.Secrets.Sealer.Seal(key, d.PINBinding())
		},
		Event: origin(ctx).Of(audit.Event{At: c.now, Platform: c.platform.ID, Kind: audit.PINSet, Outcome: audit.Success}),
	})
	if errors.Is(err, fault.Spent) {
		before, openErr := s.Secrets.Sealer.Open(kept, d.PINBinding())
		if openErr == nil && hmac.Equal(before, key) {
			return nil, nil
		}
	}
	if errors.Is(err, fault.Spent) || errors.Is(err, fault.NotFound) {
		err = refuse(invalidToken, "used, replaced or over")
	}
	if err != nil {
		return nil, s.fail(ctx, "choosing a PIN", err)
	}
	return nil, nil
}

// enterPIN answers the grant by which a mobile app signs in at each start: whoever holds the phone knows the PIN.
func (s *Server) enterPIN(ctx context.Context, c *call) (*tokenResponse, error) {
	given, err := pinValue(c.form.Get("pin_proof"))
	if err != nil {
		return nil, s.fail(ctx, "comparing a PIN", err)
	}
	if err := s.signs(c.platform, c.party, c.now); err != nil {
		return nil, s.fail(ctx, "comparing a PIN", err)
	}
	d, a, err := s.Devices.DeviceByKey(ctx, c.platform.ID, c.party.ID, c.proof.jkt)
	if errors.Is(err, fault.NotFound) {
		return nil, deviceGone()
	}
	if err != nil {
		return nil, s.fail(ctx, "comparing a PIN", err)
	}
	scopes := d.Scopes
	if asked := list(c.form.Get("scope")); len(asked) > 0 {
		if scopes = asked; !within(scopes, d.Scopes) {
			return nil, s.fail(ctx, "comparing a PIN", refuse("invalid_scope", "more than the device has"))
		}
	}
	proof := d.Proof(c.now)
	if more := s.levelBeyondPIN(c, d, a, proof); more != authn.NoFactor {
		return nil, &memberedError{refuse(interactionRequired, "more than the PIN"), members{"acr_values": string(more)}}
	}
	t, err := s.Devices.CountTry(ctx, d, grant.NewTry(), c.now)
	switch {
	case errors.Is(err, fault.Throttled):
		return nil, refuse(slowDown, "another PIN is being compared")
	case errors.Is(err, fault.Stale):
		return nil, changedMeanwhile()
	case errors.Is(err, fault.NotFound):
		return nil, deviceGone()
	case errors.Is(err, fault.Refused):
		return nil, s.removeTried(ctx, c, d, "", a)
	case err == nil && !t.Comparable():
		return nil, s.removeTried(ctx, c, d, t.Token, a)
	case err != nil:
		return nil, s.fail(ctx, "comparing a PIN", err)
	}
	key, err := s.Secrets.Sealer.Open(t.Sealed, d.PINBinding())
	if err != nil {
		return nil, s.fail(ctx, "comparing a PIN", err)
	}
	if !hmac.Equal(grant.PINProof(key, c.proof.id, c.proof.nonce), given) {
		return nil, s.refusePIN(ctx, c, t, a)
	}
	return s.acceptPIN(ctx, c, t, a, proof, scopes)
}

// levelBeyondPIN is the level of a sign-in that the person must make anew, because the rules want more than a PIN on
// this device shows; NoFactor: they do not.
func (s *Server) levelBeyondPIN(c *call, d *grant.Device, a *account.Account, proof authn.Proof) authn.ACR {
	ask := authn.Ask{Purpose: authn.SignIn, Channel: authn.App, MinimumACR: minimums(c.platform, c.party)}
	proofs := []authn.Proof{proof}
	missing := authn.Missing(ask, authn.Facts{
		Account: a, Policy: c.platform.Policy, Methods: s.Methods, MobileApp: true, NoPages: true, Now: c.now,
	}, proofs)
	wants := func(n authn.Need) bool {
		return slices.ContainsFunc(missing, func(r authn.Requirement) bool { return r.Need == n })
	}
	switch {
	case wants(authn.NeedSecond), wants(authn.NeedEnrol), !ask.SatisfiedBy(authn.ACROf(proofs), c.platform.Policy.ACRAliases):
		return authn.TwoFactor
	case len(missing) > 0, d.PINSetAt.IsZero():
		return authn.OneFactor
	}
	return authn.NoFactor
}

// deviceGone is what an app is told whose key is that of no device: signing in makes one.
func deviceGone() error {
	return &memberedError{refuse("invalid_grant", "no device with this key"), members{"device_removed": true}}
}

// refusePIN settles a wrong one.
func (s *Server) refusePIN(ctx context.Context, c *call, t *grant.Try, a *account.Account) error {
	left, wrong := t.Left(), s.ofOwner(ctx, audit.PINRefused, audit.Failure, a, c, "wrong")
	if left == 0 {
		return s.removeTried(ctx, c, &t.Device, t.Token, a, wrong)
	}
	err := s.Devices.RefuseTry(ctx, t, wrong)
	if errors.Is(err, fault.Stale) {
		return changedMeanwhile()
	}
	if err != nil {
		return s.fail(ctx, "refusing a PIN", err)
	}
	return &memberedError{refuse("invalid_grant", "wrong PIN"), members{"tries_left": left}}
}

// removeTried removes a device whose PIN was wrong too often, and tells its owner, once.
func (s *Server) removeTried(
	ctx context.Context, c *call, d *grant.Device, token string, a *account.Account, wrong ...audit.Event,
) error {
	follows := authn.Queue(outbox.To(a, outbox.DeviceRemovedByPINs, c.now), nil, s.Secrets.Sealer.Seal)
	e := s.ofOwner(ctx, audit.DeviceRemoved, audit.Success, a, c, "wrong pins")
	e.Actor = "system"
	follows.Events = append(wrong, e)
	err := s.Devices.RemoveTried(ctx, d, token, follows, c.now)
	if errors.Is(err, fault.Stale) {
		return changedMeanwhile()
	}
	if err != nil {
		return s.fail(ctx, "removing a device", err)
	}
	return &memberedError{refuse("invalid_grant", "too many wrong PINs"), members{"tries_left": 0, "device_removed": true}}
}

// changedMeanwhile is what an app is told whose try took too long, or whose device changed while it was compared:
// whether it was right is told to nobody.
func changedMeanwhile() error { return refuse(slowDown, "the device changed meanwhile") }

// acceptPIN starts the session of a right one. It is the app's alone: nobody keeps its cookie.
func (s *Server) acceptPIN(
	ctx context.Context, c *call, t *grant.Try, a *account.Account, proof authn.Proof, scopes []string,
) (*tokenResponse, error) {
	d, caller := &t.Device, web.From(ctx)
	session := authn.NewSession(secret.ID(), a, authn.App, []authn.Proof{proof}, c.platform.Policy, c.now)
	session.Agent, session.Network = caller.Agent, caller.Network()
	id := grant.ID(secret.ID())
	g := grant.Grant{
		ID: id, Platform: d.Platform, Party: d.Party, Account: a.ID, Session: session.ID, Scopes: scopes, Claims: d.Claims, JKT: d.JKT,
		Proofs: session.Proofs, StartedAt: c.now, EndsAt: session.EndsAt,
	}
	started := s.ofOwner(ctx, audit.SessionStarted, audit.Success, a, c, authn.PIN)
	started.Session = session.ID
	refresh := grant.NewToken(id)
	err := s.Devices.AcceptTry(ctx, t, grant.PINSignIn{
		Start: authn.SessionStart{Session: session, Cookie: secret.Hash(secret.Token())}, Grant: g, RefreshHash: secret.Hash(refresh),
		RefreshEnds: c.now.Add(c.party.EffectiveLifetimes().RefreshIdle), Events: []audit.Event{started}, Now: s.Now(), // the ten seconds of a try end now, not when the request began
	})
	if errors.Is(err, fault.Stale) {
		return nil, changedMeanwhile()
	}
	if err != nil {
		return nil, s.fail(ctx, "accepting a PIN", err)
	}
	answer, err := s.tokens(ctx, issuance{platform: c.platform, party: c.party, grant: &g, scopes: scopes, jkt: d.JKT}, refresh)
	if err == nil {
		answer.WrongBefore = &t.Before
	}
	return answer, err
}
