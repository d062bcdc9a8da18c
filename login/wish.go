package login

import (
	"encoding/hex"
	"net/http"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/secret"
)

// wishLife is how long the outbox may take to answer a wish: longer than mail servers are away, and shorter than
// anybody waits for the mail.
const wishLife = time.Hour

// wish asks the outbox for a mail to an address that somebody typed. Known or unknown, and whatever limit is exceeded:
// the caller learns nothing, and it costs the same.
func (s *Server) wish(r *http.Request, v *Visit, kind account.LetterKind, c account.Contents) error {
	email, err := account.ParseEmail(c.To)
	if err != nil {
		return err
	}
	if err := s.Arrive(r); err != nil { // a wish beyond its limits is a row of the record, too
		return err
	}
	l := account.Letter{
		ID: secret.ID(), Platform: v.Platform.ID, Kind: kind, Medium: account.Mail, Locale: LanguageOf(r, v.Journey.Locale),
		QueuedAt: v.Now, ExpiresAt: v.Now.Add(wishLife),
	}
	l.Seal(c, s.Sealer.Seal)
	e := v.Event(account.LetterAsked, account.Success, "")
	e.Reason = string(kind)
	return s.Store.Wish(r.Context(), l, s.mailLimits(v, email), e, v.Now)
}

// mailLimits bound the mails that anybody can have sent, by address and by where the wish comes from.
func (s *Server) mailLimits(v *Visit, email account.Email) []authn.Limit {
	key := func(what, of string) string {
		return hex.EncodeToString(s.Sealer.MAC("mail wishes", string(v.Platform.ID)+"\x00"+what+"\x00"+of))
	}
	return []authn.Limit{
		{Key: key("soon", email.Key), Max: 1, Window: mailPause},
		{Key: key("hour", email.Key), Max: 3, Window: time.Hour},
		{Key: key("day", email.Key), Max: 10, Window: 24 * time.Hour},
		{Key: key("source", v.Caller.Source()), Max: 20, Window: time.Hour},
	}
}
