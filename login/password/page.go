package password

import (
	"embed"
	"strings"

	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/ui"
)

//go:embed templates texts
var files embed.FS

// part is what the factor shows and says.
func part() ui.Part {
	return ui.Part{Files: files, Samples: samples, Messages: []outbox.KindSpec{changed, breakGlass}}
}

// changed is the mail that tells of a new password.
var changed = outbox.KindSpec{Kind: "mail_changed", Spec: outbox.Spec{
	Recipient: outbox.Mail, Life: outbox.NoticeLife, Subject: "mail_changed.subject",
	Before: []string{"mail_changed.body", "mail.not_you_urgent"},
}}

// breakGlass is the mail to all managers that one of them came in by password where passwords are closed.
var breakGlass = outbox.KindSpec{Kind: "mail_break_glass", Spec: outbox.Spec{
	Recipient: outbox.Mail, Life: outbox.NoticeLife, Subject: "mail_break_glass.subject",
	Before: []string{"mail_break_glass.body", "mail_break_glass.next"},
}}

// loginPage asks e-mail address and password. Fields: email, password; do: continue, cancel.
type loginPage struct {
	Action    string
	Email     string            // as typed or hinted
	Check     bool              // several wrong attempts: is this the right platform?
	Slow      bool              // so many that checking takes seconds
	Party     string            // who asks; empty when it is the platform itself
	PolicyURI string            // of the party; empty: no link
	TermsURI  string            // of the party; empty: no link
	Notice    string            // text key; empty: none
	Linking   bool              // an account at an organisation is to be connected, which wants a proof of the one here
	At        map[string]string // … name of the organisation, by language
	Label     string            // … and what the account there is called
	Cancel    bool              // there is somewhere to go back to
}

// confirmPage asks the password of someone who is known already. Field: password; do: continue, cancel, other.
type confirmPage struct {
	Action string
	Email  string
	Reason string // text key
	Slow   bool   // so many wrong attempts that checking takes seconds
	Party  string // who asks; empty when it is the platform itself
	Linked bool   // the button of a mail led here: nobody is signed in, and no other account can be chosen
	Cancel bool

	Step, Steps int // "step 1 of 2"; zero: not shown
}

// newPage asks a new password. Field: password; do: continue, cancel.
type newPage struct {
	Action       string
	Kind         string // which title and sentence: one of the constants below
	Email        string
	Min, Special int // numbers of the rule, shown and checked while typing
	Step, Steps  int // "step 3 of 3"; zero: not shown
	Cancel       bool
}

// Kinds of newPage.
const (
	forWelcome = "welcome"
	forSignUp  = "signup"
	forReset   = "reset"
	forChange  = "change"
)

// unblockPage asks to press once more before the waiting time ends. do: continue.
type unblockPage struct {
	Action    string
	ForgotURL string
}

// secretField is the field for a password, current or new, as its template sees it.
type secretField struct {
	*ui.View
	Label, Autocomplete string
	Rules               *rules // nil: of a current password
	Known               string // words that others try first for this person; no secret
}

// rules are what a page can check while somebody types.
type rules struct{ Min, Special int }

// Secret is the field for the current password.
func (loginPage) Secret(v *ui.View, label string) secretField { return current(v, label) }

// Secret is the field for the current password.
func (confirmPage) Secret(v *ui.View, label string) secretField { return current(v, label) }

func current(v *ui.View, label string) secretField {
	return secretField{View: v, Label: label, Autocomplete: "current-password"}
}

// Secret is the field for the new password, with its rules.
func (p newPage) Secret(v *ui.View, label string) secretField {
	return secretField{View: v, Label: label, Autocomplete: "new-password", Rules: &rules{p.Min, p.Special}, Known: v.Platform.Organisation + " " + p.Email}
}

// Forgot is the way to a new password, which stands under the field for the current one; nil: there is none.
func (f secretField) Forgot() *ui.Way {
	if f.Rules != nil {
		return nil
	}
	return f.WayNamed("forgot")
}

// Mistake is what is wrong with it; nil: nothing.
func (f secretField) Mistake() *ui.Mistake { return f.View.Mistake("password") }

// Described lists what describes the field to somebody who does not see it.
func (f secretField) Described() string {
	var ids []string
	if f.Rules != nil {
		ids = append(ids, "rules")
	}
	if f.Mistake() != nil {
		ids = append(ids, "password-mistake")
	}
	return strings.Join(ids, " ")
}
