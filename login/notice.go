package login

import "github.com/minddistrict/idp/outbox"

// Notice is a mail to the account of a visit that tells what happened. It is written in the person's own language, or
// in that of the page where none was ever chosen.
func (v *Visit) Notice(kind outbox.Kind, sealer Sealer) outbox.Message {
	return v.NoticeOf(outbox.KindSpec{Kind: kind, Spec: outbox.Kinds[kind]}, sealer, nil)
}

// NoticeOf is Notice for a mail of a factor's own, with values for the placeholders of its texts.
func (v *Visit) NoticeOf(l outbox.KindSpec, sealer Sealer, values map[string]string) outbox.Message {
	a := v.Facts.Account
	return v.message(l, sealer, outbox.Contents{To: a.Email.Address, Name: a.Profile.Name(), Values: values})
}

// Text is a text message to a number (E.164) with values for the placeholders of its text.
func (v *Visit) Text(l outbox.KindSpec, sealer Sealer, to string, values map[string]string) outbox.Message {
	return v.message(l, sealer, outbox.Contents{To: to, Values: values})
}

func (v *Visit) message(l outbox.KindSpec, sealer Sealer, c outbox.Contents) outbox.Message {
	a := v.Facts.Account
	d := outbox.Draft{Kind: l.Kind, Spec: &l.Spec, Platform: v.Platform.ID, Account: a.ID, Locale: a.Locale, Now: v.Now, Contents: c}
	if d.Locale == "" && v.Request != nil {
		d.Locale = LanguageOf(v.Request, v.Journey.Locale)
	}
	return d.Seal(sealer.Seal)
}

// Notice is Visit.Notice with the house's sealer.
func (s *Server) Notice(v *Visit, kind outbox.Kind) outbox.Message {
	return v.Notice(kind, s.Sealer)
}
