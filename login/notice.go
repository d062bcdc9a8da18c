package login

import (
	"time"

	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/outbox"
)

// noticeLife is how long the outbox tries to tell somebody what changed.
const noticeLife = 3 * 24 * time.Hour

// Notice is a mail to the account of a visit that tells what happened. It is written in the person's own language, or
// in that of the page where none was ever chosen.
func (v *Visit) Notice(kind outbox.Kind, sealer Sealer) outbox.Message {
	return v.NoticeOf(kind, sealer, nil)
}

// NoticeOf is Notice with values for the placeholders of its texts.
func (v *Visit) NoticeOf(kind outbox.Kind, sealer Sealer, values map[string]string) outbox.Message {
	a := v.Facts.Account
	l := v.letter(kind, outbox.Mail, noticeLife)
	l.Seal(outbox.Contents{To: a.Email.Address, Name: a.Profile.Name(), Values: values}, sealer.Seal)
	return l
}

// Text is a text message to a number (E.164) with values for the placeholders of its text. It is not sent any more after
// its life.
func (v *Visit) Text(kind outbox.Kind, sealer Sealer, to string, life time.Duration, values map[string]string) outbox.Message {
	l := v.letter(kind, outbox.SMS, life)
	l.Seal(outbox.Contents{To: to, Values: values}, sealer.Seal)
	return l
}

func (v *Visit) letter(kind outbox.Kind, medium outbox.Recipient, life time.Duration) outbox.Message {
	a := v.Facts.Account
	l := outbox.Message{
		ID: secret.ID(), Platform: v.Platform.ID, Account: a.ID, Kind: kind, Recipient: medium, Locale: a.Locale,
		QueuedAt: v.Now, ExpiresAt: v.Now.Add(life),
	}
	if l.Locale == "" && v.Request != nil {
		l.Locale = LanguageOf(v.Request, v.Journey.Locale)
	}
	return l
}

// Notice is Visit.Notice with the house's sealer.
func (s *Server) Notice(v *Visit, kind outbox.Kind) outbox.Message {
	return v.Notice(kind, s.Sealer)
}
