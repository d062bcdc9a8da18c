package federated

import (
	"context"
	"errors"
	"time"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
)

// alarmEvery is how often who looks after a connection is told of one thing.
const alarmEvery = 24 * time.Hour

// What who looks after a connection is told of, beside the kinds of drift.
const (
	NewKey      = "new_key"     // the upstream publishes a key that it did not
	Certificate = "certificate" // the last of its certificates expires soon, or did
)

// openDomain is said of federation.DriftDomain where it stops nobody.
const openDomain = "domain_open"

// alarmMails are what is said of each.
var alarmMails = map[string]outbox.KindSpec{
	federation.DriftClaim:  alarmMail("mail_sso_claim", "mail_sso_drift.subject", "mail_sso_drift.look"),
	federation.DriftWeaker: alarmMail("mail_sso_weaker", "mail_sso_drift.subject", "mail_sso_drift.look"),
	federation.DriftDomain: alarmMail("mail_sso_domain", "mail_sso_drift.subject", "mail_sso_drift.look"),
	openDomain:             alarmMail("mail_sso_domain_open", "mail_sso_drift.subject", "mail_sso_drift.look"),
	federation.DriftFormat: alarmMail("mail_sso_format", "mail_sso_drift.subject", "mail_sso_drift.look"),
	NewKey:                 alarmMail("mail_sso_new_key", "mail_sso_new_key.subject", "mail_sso_new_key.look"),
	Certificate:            alarmMail("mail_sso_certificate", "mail_sso_certificate.subject", "mail_sso_certificate.look"),
}

func alarmMail(kind outbox.Kind, subject, look string) outbox.KindSpec {
	return outbox.KindSpec{Kind: kind, Spec: outbox.Spec{
		Recipient: outbox.Mail, Life: outbox.NoticeLife, Subject: subject,
		Before: []string{string(kind) + ".body", "mail_sso_alarm.which", look}, Detail: "mail_sso_alarm.detail",
	}}
}

// alarmOf is what is said of one thing of a connection.
func alarmOf(c *federation.Connection, what string) outbox.KindSpec {
	if what == federation.DriftDomain && !c.Stops(what) {
		what = openDomain
	}
	return alarmMails[what]
}

// watched reports whether a thing is found again and again by whoever looks, and is no event each time: it is on record as
// often as it is told.
func watched(what string) bool { return what == Certificate }

// Alarm records one thing of a connection, and tells who looks after it; where nobody is named, the managers of the
// platform. Each is told once a day, by whatever node, and the record has what happened each time, told or not (watched has
// the exception). It stops nothing. detail is what changed, in words of the protocol that name nobody: the mail says it in
// words of its own, and has detail apart.
func (o Options) Alarm(
	ctx context.Context, p *platform.Platform, c *federation.Connection, what, detail string, e audit.Event,
) error {
	whom, err := o.lookAfter(ctx, c)
	if err != nil {
		return err
	}
	alarm := alarmOf(c, what)
	e.Platform, e.Kind, e.Actor, e.Outcome, e.Reason = p.ID, audit.ConnectionDrifted, system, audit.Success, what
	recorded := false
	if len(whom) == 0 && watched(what) {
		whom = []string{""} // nobody: it is recorded once a day
	}
	for _, to := range whom {
		d := outbox.Draft{
			Kind: alarm.Kind, Spec: &alarm.Spec, Platform: p.ID, Locale: p.Locale, Now: e.At,
			Contents: outbox.Contents{To: to, Values: map[string]string{"connection": c.Name(p.Locale) + " (" + string(c.ID) + ")", outbox.DetailValue: detail}},
		}
		limit := authn.Limit{Key: authn.MailKey(o.Sealer, p.ID, what, string(c.ID)+"\x00"+to), Max: 1, Window: alarmEvery}
		change := authn.Change{Platform: p.ID, Count: []authn.Limit{limit}}
		if to != "" {
			change.Messages = []outbox.Message{d.Seal(o.Sealer.Seal)}
		}
		if !recorded {
			change.Events = []audit.Event{e}
		}
		err := o.Store.SaveChange(ctx, change, e.At)
		if errors.Is(err, fault.Throttled) { // told today
			continue
		}
		if err != nil {
			return err
		}
		recorded = true
	}
	if recorded || watched(what) {
		return nil
	}
	return o.Store.SaveChange(ctx, authn.Change{Platform: p.ID, Events: []audit.Event{e}}, e.At)
}

// lookAfter are the addresses of who looks after a connection.
func (o Options) lookAfter(ctx context.Context, c *federation.Connection) (all []string, err error) {
	if c.Contact != "" {
		return []string{c.Contact}, nil
	}
	managers, err := o.Managers(ctx, c.Platform)
	for _, m := range managers {
		all = append(all, m.Email.Address)
	}
	return all, err
}

// alarm tells of everything in which an answer was less than what the last confirmed test sign-in brought.
func (s step) alarm(ctx context.Context, v *login.Visit, c *federation.Connection, a federation.Answer) error {
	for _, drift := range c.Drifts(a, v.Now) {
		if err := s.Alarm(ctx, v.Platform, c, drift.Kind, drift.Detail, v.Event(audit.ConnectionDrifted, audit.Success, "")); err != nil {
			return err
		}
	}
	return nil
}
