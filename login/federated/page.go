package federated

import (
	"embed"
	"maps"
	"slices"

	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/ui"
)

//go:embed templates texts
var files embed.FS

// part is what the way shows and says.
func part() ui.Part {
	return ui.Part{Files: files, Samples: samples, Chosen: []string{"sso.way", "sso_mail.way"}, Letters: letters()}
}

func letters() []outbox.Letter {
	all := []outbox.Letter{linkedMail, madeMail, unlinkedMail}
	for _, kind := range slices.Sorted(maps.Keys(alarmMails)) {
		all = append(all, alarmMails[kind])
	}
	return all
}

// linkedMail tells that an account is linked to who somebody is elsewhere.
var linkedMail = outbox.Letter{Kind: "mail_sso_linked", Spec: outbox.Spec{
	Recipient: outbox.Mail, Life: outbox.NoticeLife, Subject: "mail_sso_linked.subject",
	Before: []string{"mail_sso_linked.body", "mail.not_you_urgent"},
}}

// madeMail tells that an account was made by a sign-in there: it has no password that could be changed.
var madeMail = outbox.Letter{Kind: "mail_sso_made", Spec: outbox.Spec{
	Recipient: outbox.Mail, Life: outbox.NoticeLife, Subject: "mail_sso_made.subject",
	Before: []string{"mail_sso_made.body", "mail_sso_made.how", "mail_sso_made.not_you"},
}}

// unlinkedMail tells that it is not any more.
var unlinkedMail = outbox.Letter{Kind: "mail_sso_unlinked", Spec: outbox.Spec{
	Recipient: outbox.Mail, Life: outbox.NoticeLife, Subject: "mail_sso_unlinked.subject",
	Before: []string{"mail_sso_unlinked.body", "mail.not_you_urgent"},
}}

// startPage leads to organisations, or says what came of it. do: link, new, other, cancel.
type startPage struct {
	Action  string
	Party   string // who asks; empty: the platform itself
	Cancel  bool   // there is somewhere to go back to
	Closed  bool   // e-mail address and password are not taken here
	Leaving bool   // the trouble is with logging out
	Choices []choice

	About
	HomeURL string

	Question bool   // is there an account here that is the person's?
	Label    string // who the person is there
	New      bool   // an account can be made
}

// mailPage asks for the address of an account, or for the code that was mailed there. Fields: email or code; do: send, again,
// change, back, continue, cancel.
type mailPage struct {
	ui.CodePage
	At       map[string]string // name of the organisation, by language
	Label    string            // who the person is there
	Email    string            // as typed
	Again    bool              // another code was asked for
	Password bool              // one is taken here, too
}

// About is what there is to say of a sign-in at an organisation.
type About struct {
	At        map[string]string // its name, by language
	Trouble   string            // text key; empty: none
	Reference string
	AgainURL  string // to try once more; empty: nobody is there
	Hopeless  bool   // … which the person need not expect to help
}

// testPage says how a test sign-in ended.
type testPage struct {
	At        map[string]string // name of the organisation, by language
	Advice    string            // text key of what IT can do; empty: it went well
	Reason    string            // federation.Reason
	Detail    string            // for who looks after the connection
	Reference string
}

// choice is one organisation.
type choice struct {
	Names map[string]string
	URL   string
}

// hopeless is the text of what only the organisation's own IT can mend.
const hopeless = "sso.error_settings"

// troubleText is what is said of a reason. Reasons that share a sentence have the same to be done about by the person: try
// again, wait, log in there as somebody else, ask whoever gives accounts here, or ask the organisation's own helpdesk.
func troubleText(why federation.Reason) string {
	switch why {
	case federation.Denied:
		return "sso.error_denied"
	case federation.Cancelled:
		return "sso.error_cancelled"
	case federation.Unreachable:
		return "sso.error_unreachable"
	case federation.StillOld:
		return "sso.error_old"
	case federation.Unsolicited, federation.Replayed:
		return "sso.error_over"
	case federation.BadTime:
		return "sso.error_clock"
	case federation.NoAccount:
		return "sso.error_no_account"
	case federation.NoRole:
		return "sso.error_no_role"
	case federation.ForeignDomain:
		return "sso.error_foreign"
	case federation.OtherRole:
		return "sso.error_other_role"
	case federation.Inactive:
		return "sso.error_inactive"
	case federation.OtherPerson:
		return "sso.error_other"
	case federation.AlreadyOther:
		return "sso.error_already"
	case federation.Unverified:
		return "sso.error_unverified"
	case federation.AddressTaken:
		return "sso.error_address"
	case federation.Unproven:
		return "sso.error_unproven"
	case federation.Closed:
		return "sso.error_closed"
	case federation.Misset, federation.Interaction, federation.BadAudience, federation.BadForm, federation.KeyMissing, federation.Drifted:
		return "sso.error_settings"
	}
	return "sso.error_technical"
}
