package login

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/outbox"
)

// How often mails can be asked for, beside what authn bounds for each address.
const (
	requestsPerHour = 20 // from one source, over all addresses

	pressedTwice = 10 * time.Second // one button pressed again so soon is a double click, and one mail
)

// Mails asks the outbox for mails that anybody can have sent.
type Mails struct {
	Store     MailStore
	Sealer    Sealer
	RateLimit func(*http.Request) error // as in Options
}

// MailStore queues what is asked for within limits, in one transaction.
type MailStore interface {
	RequestMail(ctx context.Context, m outbox.Message, limits []authn.Limit, e audit.Event, now time.Time) error
}

// Ask is for a mail to an address that somebody typed. Known or unknown, and whatever limit is exceeded: the caller
// learns nothing, and it costs the same. A button that stays on the page says which one it is; empty: it goes.
func (m Mails) Ask(r *http.Request, v *Visit, kind outbox.Kind, c outbox.Contents, button string) error {
	email, err := account.ParseEmail(c.To)
	if err != nil {
		return err
	}
	limits := []authn.Limit{authn.MailsOf(m.Sealer, v.Platform.ID, kind, email.Key)}
	if button != "" {
		limits = append(limits, PressedTwice(m.Sealer, v, button))
	}
	return m.within(r, v, kind, c, limits...)
}

// unblock is Ask for the mail that lets somebody log in before a wait is over.
func (m Mails) unblock(r *http.Request, v *Visit, stop *authn.Stop) error {
	email, err := account.ParseEmail(stop.Email)
	if err != nil {
		return err
	}
	wait := stop.Of + " " + strconv.FormatInt(stop.Until.UnixMilli(), 10)
	return m.within(r, v, outbox.UnblockRequest, outbox.Contents{To: stop.Email, Party: v.Journey.Party},
		authn.Limit{Key: m.key(v, "wait "+wait, email.Key), Max: 1, Window: day},
		authn.UnblocksOf(m.Sealer, v.Platform.ID, email.Key))
}

// within is Ask with the limits of its kind.
func (m Mails) within(r *http.Request, v *Visit, kind outbox.Kind, c outbox.Contents, limits ...authn.Limit) error {
	if err := m.RateLimit(r); err != nil { // a request beyond its limits is a row of the record, too
		return err
	}
	d := outbox.Draft{Kind: kind, Platform: v.Platform.ID, Locale: LanguageOf(r, v.Journey.Locale), Now: v.Now, Contents: c}
	e := v.Event(audit.MessageRequested, audit.Success, "")
	e.Reason = string(kind)
	return m.Store.RequestMail(r.Context(), d.Seal(m.Sealer.Seal), append(limits, SourceLimit(m.Sealer, v)), e, v.Now)
}

// SourceLimit bounds what is asked for from one source, over all addresses and kinds of mails that anybody can have
// sent.
func SourceLimit(m authn.Namer, v *Visit) authn.Limit {
	return authn.Limit{Key: authn.MailKey(m, v.Platform.ID, "source", v.Caller.Source()), Max: requestsPerHour, Window: time.Hour}
}

// PressedTwice bounds one button that stays on the page, for an address.
func PressedTwice(m authn.Namer, v *Visit, button string) authn.Limit {
	return authn.Limit{Key: authn.MailKey(m, v.Platform.ID, "button", button), Max: 1, Window: pressedTwice}
}

// key names a counter of mails that anybody can have sent.
func (m Mails) key(v *Visit, what, of string) string {
	return authn.MailKey(m.Sealer, v.Platform.ID, what, of)
}
