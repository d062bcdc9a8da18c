package federated

import (
	"context"
	"time"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/outbox"
)

// driftEvery is how often somebody is told of one way in which a connection's answers are less than they were.
const driftEvery = 24 * time.Hour

// driftMails tell who looks after a connection of each kind of drift.
var driftMails = map[string]outbox.Letter{
	federation.DriftClaim:  driftMail("mail_sso_claim"),
	federation.DriftWeaker: driftMail("mail_sso_weaker"),
	federation.DriftDomain: driftMail("mail_sso_domain"),
	federation.DriftFormat: driftMail("mail_sso_format"),
}

func driftMail(kind outbox.Kind) outbox.Letter {
	return outbox.Letter{Kind: kind, Spec: outbox.Spec{
		Recipient: outbox.Mail, Life: outbox.NoticeLife, Subject: "mail_sso_drift.subject",
		Before: []string{string(kind) + ".body", "mail_sso_drift.look"},
	}}
}

// alarm tells who looks after a connection that an answer was less than what the last confirmed test sign-in brought, once
// per kind and day. It never stops a sign-in that may go on: what it costs is one transaction, and only then.
func (s step) alarm(ctx context.Context, v *login.Visit, c *federation.Connection, a federation.Answer) error {
	for _, drift := range c.Drifts(a, v.Now) {
		if c.Contact == "" {
			continue
		}
		letter := driftMails[drift.Kind]
		d := outbox.Draft{
			Kind: letter.Kind, Spec: &letter.Spec, Platform: c.Platform, Locale: v.Platform.Locale, Now: v.Now,
			Contents: outbox.Contents{To: c.Contact},
		}
		limit := authn.Limit{Key: authn.MailKey(s.Sealer, c.Platform, drift.Kind, string(c.ID)), Max: 1, Window: driftEvery}
		e := v.Event(audit.ConnectionDrifted, audit.Success, "")
		e.Actor, e.Reason = system, drift.Kind
		if err := s.Store.RequestMail(ctx, d.Seal(s.Sealer.Seal), []authn.Limit{limit}, e, v.Now); err != nil {
			return err
		}
	}
	return nil
}
