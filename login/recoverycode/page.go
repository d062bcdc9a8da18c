package recoverycode

import (
	"context"
	"embed"
	"strings"
	"time"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/ui"
)

//go:embed templates texts
var files embed.FS

// part is what the factor shows and says.
func part() ui.Part {
	return ui.Part{
		Files: files, Samples: samples, Messages: []outbox.KindSpec{codeUsed, newCodes},
		Cards: []ui.Card{leftCard(6), leftCard(1), leftCard(0)},
	}
}

// card says how many codes are left, and makes new ones.
func (o Options) card(ctx context.Context, v *login.Visit) (ui.Card, error) {
	left, err := o.Store.TicketsLeft(ctx, v.Platform.ID, v.Facts.Account.ID, authn.TicketRecoveryCode)
	return leftCard(left), err
}

// leftCard leads to new codes before all else once few are left: whoever loses the phone then is locked out.
func leftCard(left int) ui.Card {
	data := struct {
		Left int
		Low  bool
	}{left, left <= lowAt}
	return ui.Card{Template: "recovery_card", Data: data, InForm: true, Urgent: data.Low}
}

// codeUsed is the mail that tells that a code was used.
var codeUsed = outbox.KindSpec{Kind: "mail_recovery", Spec: outbox.Spec{
	Recipient: outbox.Mail, Life: outbox.NoticeLife, Subject: "mail_recovery.subject",
	Before: []string{"mail_recovery.body", "mail_recovery.lost", "mail.not_you_urgent"},
}}

// newCodes is the mail that tells of a new set.
var newCodes = outbox.KindSpec{Kind: "mail_recovery_new", Spec: outbox.Spec{
	Recipient: outbox.Mail, Life: outbox.NoticeLife, Subject: "mail_recovery_new.subject",
	Before: []string{"mail_recovery_new.body", "mail.not_you_urgent"},
}}

// savePage shows a new set of recovery codes. Field: kept; hidden: check; do: done, download.
type savePage struct {
	Action string
	Codes  []string // as they are written down
	Check  string
	At     time.Time
	On     bool // two-step authentication was just turned on
	Again  bool // an earlier set was never confirmed
}

// usePage takes a recovery code. Field: recovery_code; do: continue.
type usePage struct {
	Action, BackURL string
}

// lowPage says that few recovery codes are left. do: create, set-up, later.
type lowPage struct {
	Action string
	Left   int
}

// Lines is the set as it is copied: one code a line.
func (p savePage) Lines() string { return strings.Join(p.Codes, "\n") }
