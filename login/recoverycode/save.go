package recoverycode

import (
	"context"
	"encoding/hex"
	"strings"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/ui"
)

// saveStep shows a new set until the person says that it is kept.
type saveStep struct{ Options }

func (saveStep) Name() string { return "recovery-codes" }
func (saveStep) Handles(r authn.Requirement, _ authn.Facts) bool {
	return r.Need == authn.NeedSaveCodes
}

// codes are those of the journey. They can be shown from a GET, because nothing is stored for it.
func (s saveStep) codes(v *login.Visit) []string {
	return derive(s.Sealer.MAC("recovery codes", string(v.Platform.ID)+"\x00"+string(v.Facts.Account.ID)+"\x00"+v.Journey.ID))
}

// check goes along with the form: what is stored is what was shown, also while the master key is being changed.
func check(codes []string) string {
	return hex.EncodeToString(secret.Hash(strings.Join(codes, " "))[:8])
}

func (s saveStep) Show(_ context.Context, v *login.Visit) (login.Page, error) {
	codes := s.codes(v)
	page := savePage{Action: v.Action, Check: check(codes), At: v.Now, On: v.Done(authn.NeedEnrol)}
	// Set up before, and never confirmed: the codes that were shown then do not work.
	page.Again = !page.On && v.Journey.Ask.Purpose != authn.NewCodes && !v.Renewing()
	for _, code := range codes {
		page.Codes = append(page.Codes, Written(code))
	}
	return login.Page{Template: "recovery", Data: page}, nil
}

func (s saveStep) Submit(ctx context.Context, v *login.Visit) (login.Outcome, error) {
	codes := s.codes(v)
	switch {
	case v.Form.Get("check") != check(codes):
		return login.Outcome{Retry: []authn.Mistake{{Field: "kept", Key: "recovery.error_check"}}}, nil
	case v.Button() == "download":
		return login.Outcome{File: s.file(v, codes)}, nil
	case v.Form.Get("kept") == "":
		return login.Outcome{Retry: []authn.Mistake{{Field: "kept", Key: "recovery.error_check"}}}, nil
	}
	id := v.Facts.Account.ID
	set, tickets := NewSet(s.Sealer, v.Platform.ID, id, codes, v.Now)
	change := authn.Change{
		Put: []account.Credential{set}, Void: []authn.TicketVoid{{Account: id, Purpose: authn.TicketRecoveryCode}}, Issue: tickets,
		Events: []audit.Event{event(v, audit.CredentialAdded, "")},
	}
	for _, old := range v.Facts.Account.Credentials {
		if old.Use == account.Recovery && old.RetiredAt.IsZero() {
			change.Retire = append(change.Retire, old.ID)
		}
	}
	if len(change.Retire) > 0 {
		change.Messages = []outbox.Message{v.NoticeOf(newCodes, s.Sealer, nil)}
	}
	return login.Outcome{Done: authn.NeedSaveCodes, Change: change}, nil
}

// file holds the codes, and no name of an organisation: it may lie around.
func (s saveStep) file(v *login.Visit, codes []string) *login.File {
	lang := login.LanguageOf(v.Request, v.Journey.Locale, v.Facts.Account.Locale)
	var text strings.Builder
	line := func(s string) { text.WriteString(s + "\r\n") }
	line(s.Text(lang, "recovery.list"))
	line(ui.Day(lang, v.Platform, v.Now))
	line("")
	for _, code := range codes {
		line(Written(code))
	}
	line("")
	line(s.Text(lang, "recovery.print_note"))
	name := "recovery-codes.txt"
	if lang == "nl" {
		name = "herstelcodes.txt"
	}
	return &login.File{Name: name, Type: "text/plain; charset=utf-8", Body: []byte(text.String())}
}

func event(v *login.Visit, kind audit.Kind, why string) audit.Event {
	e := v.Event(kind, audit.Success, v.Facts.Account.ID)
	e.Reason = Method
	if why != "" {
		e.Outcome, e.Reason = audit.Failure, Method+" "+why
	}
	return e
}
