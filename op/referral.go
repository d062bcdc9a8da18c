package op

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/staff"
)

// referral is the answer to a platform's server: where it sends its professional, at once.
type referral struct {
	URL       string `json:"url"`
	ExpiresIn int64  `json:"expires_in"`
}

// referralMembers are what a body may have; all but the first must be there.
var referralMembers = []string{"party", "actor", "subject", "act", "reason"}

// Refusals of the API. One that says that somebody is not known says so of the party as well, and of who is of
// another platform or another sector.
var (
	errUnknown = &problem{
		status: http.StatusNotFound, code: "not_found", detail: "Party, actor or subject is not known here.",
	}
	errNotAllowed = &problem{
		status: http.StatusUnprocessableEntity, code: "not_allowed",
		detail: "The actor must be an active professional or rank higher, the subject an active client or relative.",
	}
)

// refer lets a professional of a platform do one act to one of its people, at the address that is answered. Whom the
// platform means it says as the party sees them.
func (s *Server) refer(ctx context.Context, c *call) (any, error) {
	if err := checkReferral(c.body); err != nil {
		return nil, err
	}
	asked, err := s.readReferral(ctx, c)
	if err == nil {
		return s.referTo(ctx, c, asked)
	}
	if errors.Is(err, fault.NotFound) {
		s.recordOnce(ctx, audit.ReferralRefused, c.party.ID, "unknown")
		return nil, errUnknown
	}
	return nil, err
}

func checkReferral(body map[string]string) error {
	known := map[string]bool{}
	for i, name := range referralMembers {
		known[name] = true
		if _, there := body[name]; !there && i > 0 {
			return &problem{status: http.StatusBadRequest, code: "invalid_body", detail: "There is no " + name + "."}
		}
	}
	for name := range body {
		if !known[name] {
			return &problem{
				status: http.StatusBadRequest, code: "invalid_body",
				detail: "Only party, actor, subject, act and reason are known.",
			}
		}
	}
	return nil
}

// askedReferral is whom a body names.
type askedReferral struct {
	party          *grant.Party
	actor, subject *account.Account
}

// readReferral finds whom a body names: a party of the platform's own, and people by what that party calls them.
func (s *Server) readReferral(ctx context.Context, c *call) (asked askedReferral, err error) {
	asked.party = c.party
	if id, there := c.body["party"]; there {
		party, known := s.enabled(c.platform.ID, grant.PartyID(id))
		if !known || party.ThirdParty {
			return asked, fault.NotFound
		}
		asked.party = party
	}
	if asked.actor, err = s.accountOfSubject(ctx, c, asked.party, c.body["actor"]); err != nil {
		return asked, err
	}
	asked.subject, err = s.accountOfSubject(ctx, c, asked.party, c.body["subject"])
	return asked, err
}

// accountOfSubject finds the account that a party sees as a `sub`.
func (s *Server) accountOfSubject(ctx context.Context, c *call, party *grant.Party, sub string) (*account.Account, error) {
	if sub == "" || len(sub) > 255 || !web.IsPlain(sub) { // OpenID Connect Core 1.0 section 2
		return nil, fault.NotFound
	}
	id := account.ID(sub)
	if party.Pairwise {
		var err error
		of := grant.Pairwise{Sector: party.SectorHost(), Subject: sub}
		if id, err = s.Referrals.Subject(ctx, c.platform.ID, of); err != nil {
			return nil, err
		}
	}
	return s.Referrals.Account(ctx, c.platform.ID, id)
}

func (s *Server) referTo(ctx context.Context, c *call, asked askedReferral) (any, error) {
	change, token, err := staff.Refer(staff.Facts{
		Platform: c.platform.ID, Account: asked.subject, Sealer: s.Secrets.Sealer, Now: c.now,
		Justification: staff.Justification{Reason: staff.Reason(c.body["reason"])},
		Actor:         staff.Actor{Name: "system", Platform: c.platform.ID, Scopes: c.scopes},
	}, staff.Referring{
		By: c.party.ID, To: asked.party.ID, Actor: asked.actor, Act: staff.ReferredAct(c.body["act"]),
	})
	if err == nil {
		for i := range change.Events {
			change.Events[i] = origin(ctx).Of(change.Events[i])
		}
		err = s.Referrals.SaveChange(ctx, change, c.now)
	}
	switch {
	case errors.Is(err, fault.Invalid):
		return nil, &problem{
			status: http.StatusUnprocessableEntity, code: "invalid_value",
			detail: "act is reset_two_step, and reason one of lost-phone, new-phone and lost-codes.",
		}
	case errors.Is(err, fault.Refused):
		s.recordOnce(ctx, audit.ReferralRefused, c.party.ID, "not allowed")
		return nil, errNotAllowed
	case err != nil:
		return nil, err
	}
	return referral{s.ReferralURL(c.platform, token), int64(authn.TicketReferral.Life() / time.Second)}, nil
}
