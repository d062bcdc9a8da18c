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
	return ui.Part{Files: files, Samples: samples, Chosen: []string{"sso.way", "sso_mail.way"}, Messages: messages()}
}

func messages() []outbox.KindSpec {
	all := []outbox.KindSpec{linkedMail, madeMail, unlinkedMail}
	for _, kind := range slices.Sorted(maps.Keys(alarmMails)) {
		all = append(all, alarmMails[kind])
	}
	return all
}

// linkedMail tells that an account is linked to who somebody is elsewhere.
var linkedMail = outbox.KindSpec{Kind: "mail_sso_linked", Spec: outbox.Spec{
	Recipient: outbox.Mail, Life: outbox.NoticeLife, Subject: "mail_sso_linked.subject",
	Before: []string{"mail_sso_linked.body", "mail.not_you_urgent"},
}}

// madeMail tells that an account was made by a sign-in there: it has no password that could be changed.
var madeMail = outbox.KindSpec{Kind: "mail_sso_made", Spec: outbox.Spec{
	Recipient: outbox.Mail, Life: outbox.NoticeLife, Subject: "mail_sso_made.subject",
	Before: []string{"mail_sso_made.body", "mail_sso_made.how", "mail_sso_made.not_you"},
}}

// unlinkedMail tells that it is not any more.
var unlinkedMail = outbox.KindSpec{Kind: "mail_sso_unlinked", Spec: outbox.Spec{
	Recipient: outbox.Mail, Life: outbox.NoticeLife, Subject: "mail_sso_unlinked.subject",
	Before: []string{"mail_sso_unlinked.body", "mail.not_you_urgent"},
}}

// startPage leads to organisations, or says what came of it. do: link, new, other, cancel.
type startPage struct {
	Action     string
	Party      string // who asks; empty: the platform itself
	Cancel     bool   // there is somewhere to go back to
	Closed     bool   // e-mail address and password are not taken here
	LoggingOut bool   // the trouble is with logging out
	Choices    []choice

	About
	HomeURL string

	Question bool   // is there an account here that is the person's?
	Label    string // who the person is there
	New      bool   // an account can be made
}

// mailPage asks for the address of an account, or for the code that was mailed there. Fields: email or code; do: send,
// again, change, back, continue, cancel.
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
	ErrorKey  string            // text key; empty: none
	Reference string
	AgainURL  string // to try once more; empty: nobody is there
	Hopeless  bool   // … which the person need not expect to help
}

// testPage says how a test sign-in ended.
type testPage struct {
	At        map[string]string // name of the organisation, by language
	Old       bool              // it went well, and was no new sign-in
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

// errorTexts are what is said of a reason.
type errorTexts struct {
	key    string // text key: to the person who wants to sign in
	advice string // text key: what IT can do about it, to whoever does a test sign-in
}

// otherwise is what is said of a reason that is not in wordsOf.
var otherwise = errorTexts{"sso.error_technical", "sso.test_other"}

// wordsOf has what is said of each reason. Those that share what people are told have the same to be done about by the
// person: try again, wait, log in there as somebody else, ask whoever gives accounts here, or ask the organisation's
// own helpdesk. Reasons that are about an account here are none of a test.
var wordsOf = map[federation.Reason]errorTexts{
	federation.Denied:        {"sso.error_denied", "sso.test_denied"},
	federation.Cancelled:     {"sso.error_cancelled", "sso.test_cancelled"},
	federation.Unreachable:   {"sso.error_unreachable", "sso.test_unreachable"},
	federation.Misconfigured: {hopeless, "sso.test_misset"},
	federation.Interaction:   {hopeless, "sso.test_interaction"},

	federation.Unsolicited:   {"sso.error_over", "sso.test_again"},
	federation.Replayed:      {"sso.error_over", "sso.test_again"},
	federation.BadSignature:  {otherwise.key, "sso.test_signature"},
	federation.BadAudience:   {hopeless, "sso.test_audience"},
	federation.BadTime:       {"sso.error_clock", "sso.test_time"},
	federation.BadForm:       {hopeless, "sso.test_form"},
	federation.StillOld:      {"sso.error_old", "sso.test_old"},
	federation.KeyMissing:    {hopeless, "sso.test_key"},
	federation.Drifted:       {hopeless, otherwise.advice},
	federation.ForeignDomain: {"sso.error_foreign", otherwise.advice},

	federation.NoAccount:    {"sso.error_no_account", otherwise.advice},
	federation.NoRole:       {"sso.error_no_role", otherwise.advice},
	federation.Inactive:     {"sso.error_inactive", otherwise.advice},
	federation.OtherRole:    {"sso.error_other_role", otherwise.advice},
	federation.OtherPerson:  {"sso.error_other", otherwise.advice},
	federation.AlreadyOther: {"sso.error_already", otherwise.advice},
	federation.Unproven:     {"sso.error_unproven", otherwise.advice},
	federation.Unverified:   {"sso.error_unverified", otherwise.advice},
	federation.AddressTaken: {"sso.error_address", otherwise.advice},
	federation.Closed:       {"sso.error_closed", otherwise.advice},
}

// said is what is said of a reason.
func said(why federation.Reason) errorTexts {
	if w, ok := wordsOf[why]; ok {
		return w
	}
	return otherwise
}
