package login

import (
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/outbox"
)

// remembered is what the cookie of a remembered browser is, and of which.
type remembered struct {
	presented account.Presented
	device    account.Device
}

// remembered reads whether this browser may go without a code for who is here ("Onthoud mij",
// testdata/journeys/remember_me.txt).
func (s *Server) remembered(r *http.Request, v *Visit) error {
	v.Facts.Remembered, v.remembered.presented = false, account.DeviceUnknown
	if v.Facts.Account == nil || len(authn.Enrolled(v.Facts)) == 0 || v.Journey.Ask.Channel != authn.Browser {
		return nil
	}
	id, token, ok := strings.Cut(web.Cookie(r, v.Platform.ID, web.RememberCookie(string(v.Facts.Account.ID))), ".")
	if !ok || !secret.IsID(id) {
		return nil
	}
	device, presented, err := s.Store.Device(r.Context(), v.Platform.ID, v.Facts.Account.ID, id, secret.Hash(token), v.Now)
	v.remembered.device, v.remembered.presented = device, presented
	// What the organisation decides now counts for the browsers that are remembered already.
	over := !v.Now.Before(device.AddedAt.Add(authn.RememberFor(v.Facts)))
	v.Facts.Remembered = (presented == account.DeviceCurrent || presented == account.DeviceRecent) && !over
	return err
}

// RememberFor is how long the page may offer to remember this browser: at a login only, and never where a code is asked
// for something in particular. Zero: not offered.
func (v *Visit) RememberFor() time.Duration {
	if v.Journey.Ask.Purpose != authn.SignIn || v.Journey.Ask.Channel != authn.Browser || v.Requirement.Why != authn.ForLogin {
		return 0
	}
	return authn.RememberFor(v.Facts)
}

// remember adds to the change that ends a journey what it means for remembered browsers, and returns what sets the
// cookie afterwards. A browser that went without a code leaves a waiver among the proofs, which proves nothing, and
// gets a new cookie: a copy of the old one is noticed when it is used.
func (s *Server) remember(r *http.Request, v *Visit, change *authn.Change) func(http.ResponseWriter) {
	j, a, name := v.Journey, v.Facts.Account, web.RememberCookie(string(v.Facts.Account.ID))
	keep := func(d account.Device, token string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			web.KeepCookie(w, v.Platform.ID, name, d.ID+"."+token, d.EndsAt.Sub(v.Now))
		}
	}
	shown := slices.ContainsFunc(j.Proofs, func(p authn.Proof) bool { return p.Use == account.Second || p.Use == account.Recovery })
	life := authn.RememberFor(v.Facts)
	switch {
	case shown && j.Remember && life > 0:
		token := s.rememberToken(secret.Token())
		d := account.Device{
			ID: secret.ID(), Platform: v.Platform.ID, Account: a.ID, Agent: v.Caller.Agent, AddedAt: v.Now, SeenAt: v.Now, EndsAt: v.Now.Add(life),
		}
		change.Remember = &authn.DeviceStart{Device: d, Cookie: secret.Hash(token)}
		change.Events = append(change.Events, v.Event(audit.DeviceRemembered, audit.Success, a.ID))
		return keep(d, token)
	case !shown && v.Facts.Remembered && v.remembered.device.Account == a.ID && j.Ask.Purpose == authn.SignIn:
		j.Proofs = append(j.Proofs, authn.Proof{Method: MethodRemembered, Use: account.Waiver, For: life, At: v.Now, Journey: j.ID})
		_, old, _ := strings.Cut(web.Cookie(r, v.Platform.ID, name), ".")
		token := s.rememberToken(old) // computed, so that requests side by side set the same cookie
		if v.remembered.presented == account.DeviceCurrent {
			change.Rotate = &authn.DeviceRotation{Account: a.ID, Device: v.remembered.device.ID, From: secret.Hash(old), To: secret.Hash(token)}
		}
		return keep(v.remembered.device, token)
	}
	return func(http.ResponseWriter) {}
}

// rememberToken is the secret part of the cookie that follows another: 128 bits.
func (s *Server) rememberToken(before string) string {
	return hex.EncodeToString(s.Sealer.MAC("remembered browser", before)[:16])
}

// endCopied forgets a browser whose old cookie was used, and tells the owner: somebody has a copy, of this cookie or of
// the one that replaced it.
func (s *Server) endCopied(ctx context.Context, v *Visit) error {
	e := v.Event(audit.DeviceCookieReplayed, audit.Failure, v.Facts.Account.ID)
	follows := authn.Change{Events: []audit.Event{e}, Messages: []outbox.Message{s.Notice(v, outbox.DeviceCookieReplayed)}}
	err := s.Store.ForgetDevice(ctx, v.remembered.device, follows, v.Now)
	if errors.Is(err, fault.Spent) {
		return nil
	}
	return err
}

// recovery reports whether a factor of this house stands in for a second one.
func (s *Server) recovery() bool {
	return slices.ContainsFunc(s.Factors, func(f Factor) bool { return f.Recovery })
}
