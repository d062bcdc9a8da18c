package login

import "github.com/minddistrict/idp/outbox"

// Notice is a mail to the account of a visit that tells what happened. It is written in the person's own language, or
// in that of the page where none was ever chosen.
func (v *Visit) Notice(kind outbox.Kind, sealer Sealer) outbox.Message {
	return v.NoticeOf(kind, sealer, nil)
}

// NoticeOf is Notice with values for the placeholders of its texts.
func (v *Visit) NoticeOf(kind outbox.Kind, sealer Sealer, values map[string]string) outbox.Message {
	a := v.Facts.Account
	return v.message(kind, sealer, outbox.Contents{To: a.Email.Address, Name: a.Profile.Name(), Values: values})
}

// Text is a text message to a number (E.164) with values for the placeholders of its text.
func (v *Visit) Text(kind outbox.Kind, sealer Sealer, to string, values map[string]string) outbox.Message {
	return v.message(kind, sealer, outbox.Contents{To: to, Values: values})
}

func (v *Visit) message(kind outbox.Kind, sealer Sealer, c outbox.Contents) outbox.Message {
	a := v.Facts.Account
	d := outbox.Draft{Kind: kind, Platform: v.Platform.ID, Account: a.ID, Locale: a.Locale, Now: v.Now, Contents: c}
	if d.Locale == "" && v.Request != nil {
		d.Locale = LanguageOf(v.Request, v.Journey.Locale)
	}
	return d.Seal(sealer.Seal)
}

// Notice is Visit.Notice with the house's sealer.
func (s *Server) Notice(v *Visit, kind outbox.Kind) outbox.Message {
	return v.Notice(kind, s.Sealer)
}
