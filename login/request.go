package login

import (
	"encoding/hex"
	"net/http"
	"strconv"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/outbox"
)

// Mails that anybody can have sent. Of a kind an address gets mailsAtOnce, then one each mailEvery (13 in the first
// day, then 10), so that however many somebody asks for, the owner has one that works within mailEvery. The mail that
// lets somebody log in sooner is sent once in a wait, and its button works longer than a wait lasts.
const (
	mailsAtOnce     = 3
	mailEvery       = 144 * time.Minute
	unblocksADay    = 6
	requestsPerHour = 20 // from one source, over all addresses

	pressedTwice = 10 * time.Second // one button pressed again so soon is a double click, and one mail
)

// requestMail asks the outbox for a mail to an address that somebody typed. Known or unknown, and whatever limit is
// exceeded: the caller learns nothing, and it costs the same. A button that stays on the page says which one it is;
// empty: it goes.
func (s *Server) requestMail(r *http.Request, v *Visit, kind outbox.Kind, c outbox.Contents, button string) error {
	email, err := account.ParseEmail(c.To)
	if err != nil {
		return err
	}
	limits := []authn.Limit{{Key: s.mailKey(v, string(kind), email.Key), Max: mailsAtOnce, Every: mailEvery}}
	if button != "" {
		limits = append(limits, authn.Limit{Key: s.mailKey(v, "button", button), Max: 1, Window: pressedTwice})
	}
	return s.requestWithin(r, v, kind, c, limits...)
}

// requestUnblock is requestMail for the mail that lets somebody log in before a wait is over.
func (s *Server) requestUnblock(r *http.Request, v *Visit, stop *authn.Stop) error {
	email, err := account.ParseEmail(stop.Email)
	if err != nil {
		return err
	}
	wait := stop.Of + " " + strconv.FormatInt(stop.Until.UnixMilli(), 10)
	return s.requestWithin(r, v, outbox.UnblockRequest, outbox.Contents{To: stop.Email, Party: v.Journey.Party},
		authn.Limit{Key: s.mailKey(v, "wait "+wait, email.Key), Max: 1, Window: day},
		authn.Limit{Key: s.mailKey(v, "unblock", email.Key), Max: unblocksADay, Window: day})
}

// requestWithin is requestMail with the limits of its kind.
func (s *Server) requestWithin(r *http.Request, v *Visit, kind outbox.Kind, c outbox.Contents, limits ...authn.Limit) error {
	if err := s.Arrive(r); err != nil { // a request beyond its limits is a row of the record, too
		return err
	}
	d := outbox.Draft{Kind: kind, Platform: v.Platform.ID, Locale: LanguageOf(r, v.Journey.Locale), Now: v.Now, Contents: c}
	e := v.Event(audit.MessageRequested, audit.Success, "")
	e.Reason = string(kind)
	source := authn.Limit{Key: s.mailKey(v, "source", v.Caller.Source()), Max: requestsPerHour, Window: time.Hour}
	return s.Store.RequestMail(r.Context(), d.Seal(s.Sealer.Seal), append(limits, source), e, v.Now)
}

// mailKey names a counter of mails that anybody can have sent.
func (s *Server) mailKey(v *Visit, what, of string) string {
	return hex.EncodeToString(s.Sealer.MAC("mail wishes", string(v.Platform.ID)+"\x00"+what+"\x00"+of))
}
