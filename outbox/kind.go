package outbox

import "time"

// Kind is what a message is about, or what is asked of the outbox.
type Kind string

const (
	Welcome         Kind = "mail_welcome"
	PasswordReset   Kind = "mail_reset"
	Unblock         Kind = "mail_unblock"
	LinkCode        Kind = "mail_sso_code" // a code that shows whose account somebody is to have who is known elsewhere
	OrganisationIn  Kind = "mail_sso"      // a new password was asked for an account that has none, and signs in with that of an organisation
	AccountExists   Kind = "mail_exists"   // sign-up with an address that has an account
	SignUpConfirm   Kind = "mail_confirm"
	AccountInactive Kind = "mail_inactive"
	EmailConfirm    Kind = "mail_email_confirm" // to the new address
	EmailChanged    Kind = "mail_email_changed" // to the old one

	DeviceCookieReplayed Kind = "mail_remember"   // an old cookie of a remembered browser was used
	AppDevice            Kind = "mail_app_device" // somebody signed in on a device with the mobile app: with a button for "this was not me"
	TwoStepOn            Kind = "mail_on"
	TwoStepOff           Kind = "mail_off"           // by the person
	TwoStepReset         Kind = "mail_off_reset"     // by staff: with a button for "this was not me"
	AfterReset           Kind = "mail_after_reset"   // at the first log-in after that: with a button, to show that it is the owner
	ResetAsked           Kind = "mail_reset_asked"   // staff asked for a reset that waits: with a button that stops it
	AddressWaits         Kind = "mail_address_waits" // to managers: a colleague gets another address unless somebody objects
	SecondWanted         Kind = "mail_second_wanted" // to managers: one of them is to agree
	DeactivatedByStaff   Kind = "mail_deactivated"
	ReactivatedByStaff   Kind = "mail_reactivated"
	DeviceOutByStaff     Kind = "mail_device_out"       // one session
	LoggedOutByStaff     Kind = "mail_logged_out"       // everywhere
	ForgottenByStaff     Kind = "mail_forgotten"        // a remembered browser
	RoleByStaff          Kind = "mail_role"             // another one
	UnblockedByStaff     Kind = "mail_unblocked"        // after too many wrong passwords or codes
	ManagerReset         Kind = "mail_manager_reset"    // to the other managers: the operator resets one of them in a day
	ResetsStopped        Kind = "mail_resets_stopped"   // to managers: somebody did as many resets as one may
	LogOutsStopped       Kind = "mail_log_outs_stopped" // to managers: somebody logged out as many people as one may
	AppRemovedByStaff    Kind = "mail_app_out"          // a device with the mobile app
	LinkRemovedByStaff   Kind = "mail_link_out"         // to the account at an organisation
	LinkedByStaff        Kind = "mail_link_in"          // to the account at an organisation, from a file
	MethodChanged        Kind = "mail_method"
	WrongCodes           Kind = "mail_codes"       // five wrong codes
	DeviceRemovedByPINs  Kind = "mail_app_removed" // too many wrong PINs in the mobile app

	Logout Kind = "url_logout" // a session ended: a logout token for one party

	PasswordResetRequest Kind = "wish_reset" // of an invited person too, who gets the welcome mail again
	SignUpRequest        Kind = "wish_sign_up"
	UnblockRequest       Kind = "wish_unblock"
	AfterResetRequest    Kind = "wish_after_reset" // of somebody who gave the password
	LinkCodeRequest      Kind = "wish_sso_code"    // of somebody who is known elsewhere, and says to have an account
)

// Spec is what all messages of a kind have in common.
type Spec struct {
	Recipient Recipient
	// Life is how long it is tried. A message with a ticket says how long that works, counted from when it is read: it is
	// not sent any more when half of that time is over.
	Life time.Duration
	// Pauses are those between attempts, the last one for all further ones; none: those that mails have.
	Pauses  []time.Duration
	Request bool   // a page leaves it that must not tell whether an account exists; it is answered, never sent
	Ticket  string // authn.TicketPurpose of the link that its button opens; empty: the button, if any, leads to the login

	// Texts are keys of the catalogue. A message to a URL has none.
	Subject string
	Before  []string // above the button; of a text message: all that it says
	Button  string   // empty: none
	// Detail is what is said before the detail that a mail has in words of a protocol (DetailValue); empty: it has none.
	Detail string
	// After is below the button; of a text message: the last line, which binds a code to a host (WICG, "Origin-bound
	// one-time codes delivered via SMS").
	After []string
}

// DetailValue is the name of what a mail has for technicians (Spec.Detail): in English, whatever the mail is written
// in.
const DetailValue = "detail"

// NoticeLife is how long a mail is tried that says what changed: that is news for some days.
const NoticeLife = 3 * day

// Lives of other messages, and of the tickets that some lives are half of.
const (
	answerLife  = day              // of a mail without a ticket to somebody who asked for it and waits
	codeLife    = 10 * time.Minute // as long as a code works
	requestLife = time.Hour        // longer than mail servers are away, and shorter than anybody waits for the mail

	logoutLife = 8 * time.Hour // the last of its attempts comes after 7 h 6 min

	day  = 24 * time.Hour
	week = 7 * day
)

// LogoutLifeMillis is the Life of Logout in milliseconds, for the statement that makes such messages.
const LogoutLifeMillis = "28800000"

// KindSpec is a kind with its Spec, of who has one beside Kinds: a factor whose messages nobody else sends.
type KindSpec struct {
	Kind Kind
	Spec
}

// Kinds has what is settled of every kind that more than one room sends. A new one is a constant above and a row here.
var Kinds = map[Kind]Spec{
	Welcome: {
		Recipient: Mail, Life: week / 2, Ticket: "welcome", Subject: "mail_welcome.subject",
		Before: []string{"mail_welcome.body", "mail_welcome.valid"}, Button: "mail_welcome.button", After: []string{"mail_welcome.keep", "mail_welcome.not_you"},
	},
	PasswordReset: {
		Recipient: Mail, Life: time.Hour / 2, Ticket: "reset", Subject: "mail_reset.subject",
		Before: []string{"mail_reset.body", "mail_reset.valid"}, Button: "mail_reset.button", After: []string{"mail_reset.not_you"},
	},
	Unblock: {
		Recipient: Mail, Life: time.Hour / 2, Ticket: "unblock", Subject: "mail_unblock.subject",
		Before: []string{"mail_unblock.body", "mail_unblock.valid"}, Button: "mail_unblock.button", After: []string{"mail_unblock.not_you"},
	},
	OrganisationIn: {
		Recipient: Mail, Life: answerLife, Subject: "mail_sso.subject",
		Before: []string{"mail_sso.body", "mail_sso.helper"}, Button: "mail_sso.button", After: []string{"mail.not_you"},
	},
	LinkCode: {
		Recipient: Mail, Life: codeLife, Subject: "mail_sso_code.subject",
		Before: []string{"mail_sso_code.body", "mail_sso_code.code", "mail_sso_code.valid", "mail_sso_code.not_you"},
	},
	AccountExists: {
		Recipient: Mail, Life: answerLife, Subject: "mail_exists.subject",
		Before: []string{"mail_exists.body"}, Button: "mail_exists.button", After: []string{"mail.not_you"},
	},
	SignUpConfirm: {
		Recipient: Mail, Life: day / 2, Ticket: "sign-up", Subject: "mail_confirm.subject",
		Before: []string{"mail_confirm.body", "mail_confirm.valid"}, Button: "mail_confirm.button", After: []string{"mail.not_you"},
	},
	AccountInactive: {
		Recipient: Mail, Life: answerLife, Subject: "mail_inactive.subject",
		Before: []string{"mail_inactive.body", "mail_inactive.helper", "mail.not_you"},
	},
	EmailConfirm: {
		Recipient: Mail, Life: day / 2, Ticket: "email", Subject: "mail_email_confirm.subject",
		Before: []string{"mail_email_confirm.body", "mail_email_confirm.valid"}, Button: "mail_email_confirm.button", After: []string{"mail.not_you"},
	},
	EmailChanged: {
		Recipient: Mail, Life: NoticeLife, Subject: "mail_email_changed.subject",
		Before: []string{"mail_email_changed.body", "mail.not_you_urgent"},
	},

	DeviceCookieReplayed: {
		Recipient: Mail, Life: NoticeLife, Subject: "mail_remember.subject",
		Before: []string{"mail_remember.body", "mail_remember.next"},
	},
	AppDevice: {
		Recipient: Mail, Life: week / 2, Ticket: "device", Subject: "mail_app_device.subject",
		Before: []string{"mail_app_device.body", "mail_app_device.you", "mail_app_device.not_you"}, Button: "mail_app_device.button",
	},
	TwoStepOn: {
		Recipient: Mail, Life: NoticeLife, Subject: "mail_on.subject",
		Before: []string{"mail_on.body", "mail.not_you_urgent"},
	},
	TwoStepOff: {
		Recipient: Mail, Life: NoticeLife, Subject: "mail_off.subject",
		Before: []string{"mail_off.body", "mail.not_you_urgent"},
	},
	TwoStepReset: {
		Recipient: Mail, Life: week / 2, Ticket: "freeze", Subject: "mail_off.subject",
		Before: []string{"mail_off.body", "mail_off.by_helper", "mail_off.freeze"}, Button: "mail_off.freeze_button",
	},
	AfterReset: {
		Recipient: Mail, Life: time.Hour / 2, Ticket: "after-reset", Subject: "mail_after_reset.subject",
		Before: []string{"mail_after_reset.body", "mail_after_reset.you", "mail_after_reset.valid"}, Button: "mail_after_reset.button",
		After: []string{"mail_after_reset.not_you"},
	},
	ResetAsked: {
		Recipient: Mail, Life: day, Ticket: "stop", Subject: "mail_reset_asked.subject",
		Before: []string{"mail_reset_asked.body", "mail_reset_asked.until", "mail_reset_asked.not_you"}, Button: "mail_reset_asked.button",
	},
	AddressWaits: {
		Recipient: Mail, Life: day, Subject: "mail_address_waits.subject",
		Before: []string{"mail_address_waits.body", "mail_address_waits.next"},
	},
	SecondWanted: {
		Recipient: Mail, Life: day, Subject: "mail_second_wanted.subject",
		Before: []string{"mail_second_wanted.body", "mail_second_wanted.next"},
	},
	DeactivatedByStaff: {
		Recipient: Mail, Life: NoticeLife, Subject: "mail_deactivated.subject",
		Before: []string{"mail_deactivated.body", "mail_deactivated.next", "mail.by_staff"},
	},
	ReactivatedByStaff: {
		Recipient: Mail, Life: NoticeLife, Subject: "mail_reactivated.subject",
		Before: []string{"mail_reactivated.body", "mail_reactivated.next", "mail.by_staff"},
	},
	DeviceOutByStaff: {
		Recipient: Mail, Life: NoticeLife, Subject: "mail_device_out.subject",
		Before: []string{"mail_device_out.body", "mail_device_out.next", "mail.by_staff"},
	},
	AppRemovedByStaff: {
		Recipient: Mail, Life: NoticeLife, Subject: "mail_app_out.subject",
		Before: []string{"mail_app_out.body", "mail_app_out.next", "mail.by_staff"},
	},
	LinkedByStaff: {
		Recipient: Mail, Life: NoticeLife, Subject: "mail_link_in.subject",
		Before: []string{"mail_link_in.body", "mail_link_in.next", "mail.by_staff"},
	},
	LinkRemovedByStaff: {
		Recipient: Mail, Life: NoticeLife, Subject: "mail_link_out.subject",
		Before: []string{"mail_link_out.body", "mail_link_out.next", "mail.by_staff"},
	},
	LoggedOutByStaff: {
		Recipient: Mail, Life: NoticeLife, Subject: "mail_logged_out.subject",
		Before: []string{"mail_logged_out.body", "mail_logged_out.next", "mail.by_staff"},
	},
	ForgottenByStaff: {
		Recipient: Mail, Life: NoticeLife, Subject: "mail_forgotten.subject",
		Before: []string{"mail_forgotten.body", "mail_forgotten.next", "mail.by_staff"},
	},
	UnblockedByStaff: {
		Recipient: Mail, Life: NoticeLife, Subject: "mail_unblocked.subject",
		Before: []string{"mail_unblocked.body", "mail_unblocked.next", "mail.by_staff"},
	},
	RoleByStaff: {
		Recipient: Mail, Life: NoticeLife, Subject: "mail_role.subject",
		Before: []string{"mail_role.body", "mail_role.next", "mail.by_staff"},
	},
	ManagerReset: {
		Recipient: Mail, Life: day, Subject: "mail_manager_reset.subject",
		Before: []string{"mail_manager_reset.body", "mail_manager_reset.next"},
	},
	ResetsStopped: {
		Recipient: Mail, Life: NoticeLife, Subject: "mail_resets_stopped.subject",
		Before: []string{"mail_resets_stopped.body", "mail_resets_stopped.next"},
	},
	LogOutsStopped: {
		Recipient: Mail, Life: NoticeLife, Subject: "mail_log_outs_stopped.subject",
		Before: []string{"mail_log_outs_stopped.body", "mail_log_outs_stopped.next"},
	},
	MethodChanged: {
		Recipient: Mail, Life: NoticeLife, Subject: "mail_method.subject",
		Before: []string{"mail_method.body", "mail.not_you_urgent"},
	},
	WrongCodes: {
		Recipient: Mail, Life: NoticeLife, Subject: "mail_codes.subject",
		Before: []string{"mail_codes.body", "mail_codes.you", "mail.not_you_urgent"},
	},
	DeviceRemovedByPINs: {
		Recipient: Mail, Life: NoticeLife, Subject: "mail_app_removed.subject",
		Before: []string{"mail_app_removed.body", "mail_app_removed.you", "mail_app_removed.not_you"},
	},

	Logout: {
		Recipient: URL, Life: logoutLife,
		Pauses: []time.Duration{time.Second, 5 * time.Second, 30 * time.Second, 5 * time.Minute, time.Hour, 6 * time.Hour},
	},

	PasswordResetRequest: {Recipient: Mail, Life: requestLife, Request: true},
	SignUpRequest:        {Recipient: Mail, Life: requestLife, Request: true},
	UnblockRequest:       {Recipient: Mail, Life: requestLife, Request: true},
	AfterResetRequest:    {Recipient: Mail, Life: requestLife, Request: true},
	LinkCodeRequest:      {Recipient: Mail, Life: codeLife, Request: true},
}

// WelcomeBy is what the welcome mail says of somebody who signs in with the account of an organisation, instead of its
// row in Kinds. Its button opens the same link. only: no password is taken here.
func WelcomeBy(only bool) Spec {
	s := Kinds[Welcome]
	s.Before, s.Button = []string{"mail_welcome.sso_body", "mail_welcome.sso"}, "mail_welcome.sso_button"
	if !only {
		s.Before = append(s.Before, "mail_welcome.sso_or")
	}
	s.Before, s.After = append(s.Before, "mail_welcome.valid"), []string{"mail_welcome.sso_keep", "mail_welcome.sso_not_you"}
	return s
}

// Request reports whether the outbox must decide first what is sent.
func (k Kind) Request() bool { return Kinds[k].Request }
