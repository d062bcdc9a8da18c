package login

import (
	"context"
	"net/http"
	"strings"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/ui"
)

// forgotStep is the page beside the login that has a mail sent with a link for a new password. It answers alike for
// every address; which mail follows, if any, the outbox decides (testdata/journeys/forgot.txt).
type forgotStep struct{ *Server }

func (forgotStep) Name() string                                { return "forgot" }
func (forgotStep) Handles(authn.Requirement, authn.Facts) bool { return false }
func (forgotStep) Way(v *Visit) string {
	if v.Requirement.Need != authn.NeedPrimary || authn.PasswordClosed(v.Facts) {
		return ""
	}
	return "login.forgot"
}

func (f forgotStep) Show(_ context.Context, v *Visit) (Page, error) {
	back := JourneyPath(v.Platform, v.Journey.ID)
	if sent := v.Journey.ForgotMail; sent != nil {
		page := ui.SentPage{Action: v.Action, Email: sent.To, Again: sent.Again, BackURL: back}
		if email, err := account.ParseEmail(sent.To); err == nil {
			page.Kept = f.passwordHeldBy(v.Platform.ID, email)
		}
		return Page{"forgot_sent", page}, nil
	}
	email := v.Journey.Hint
	if a := v.Facts.Account; a != nil && email == "" {
		email = a.Email.Address
	}
	return Page{"forgot", ui.ForgotPage{Action: v.Action, Email: email, BackURL: back}}, nil
}

func (f forgotStep) Submit(ctx context.Context, v *Visit) (Outcome, error) {
	if v.Button() == "change" {
		v.Journey.ForgotMail = nil
		return Outcome{}, nil
	}
	typed := strings.TrimSpace(v.Form.Get("email"))
	sent := v.Journey.ForgotMail
	again, button := sent != nil && v.Button() == "again", ""
	if again {
		typed, button = sent.To, v.Action
	}
	v.Journey.ForgotMail = nil
	email, mistake := typedEmail(v, typed)
	if mistake != nil {
		return Outcome{Retry: []authn.Mistake{*mistake}}, nil
	}
	if sent != nil && !again && sent.To == email.Address {
		v.Journey.ForgotMail = sent // a double click
		return Outcome{}, nil
	}
	err := f.Mails.Ask(v.Request.WithContext(ctx), v, outbox.PasswordResetRequest, outbox.Contents{To: email.Address, Party: v.Journey.Party}, button)
	if err != nil {
		return Outcome{}, err
	}
	v.Journey.ForgotMail = &authn.MailRequest{To: email.Address, Again: again}
	return Outcome{}, nil
}

// KeepInput keeps the address.
func (forgotStep) KeepInput(v *Visit) { v.KeepEmail() }

// KeepEmail keeps the address in a form for the next page, so that neither a mistake nor a turn to another page costs
// it.
func (v *Visit) KeepEmail() {
	typed := strings.TrimSpace(v.Form.Get("email"))
	if v.Form.Has("email") && web.IsPlain(typed) && len(typed) <= longestEmail {
		v.Journey.Hint = typed
	}
}

// longestEmail is in bytes (RFC 5321 section 4.5.3.1.3, without the angle brackets).
const longestEmail = 254

// typedEmail reads an address and keeps it for the next page, so that a mistake does not cost it.
func typedEmail(v *Visit, typed string) (account.Email, *authn.Mistake) {
	v.KeepEmail()
	if typed == "" {
		return account.Email{}, &authn.Mistake{Field: "email", Key: "login.error_email_empty"}
	}
	email, err := account.ParseEmail(typed)
	if err != nil {
		return account.Email{}, &authn.Mistake{Field: "email", Key: "login.error_email_format"}
	}
	return email, nil
}

// forgot is the address that people are told, and that is linked from outside a login. Where no password is taken it
// says who keeps it.
func (s *Server) forgot(w http.ResponseWriter, r *http.Request) error {
	if p := platform.FromContext(r.Context()); !p.Policy.LoginForm && s.Connected(p.ID) {
		page := ui.ForgotKeptPage{Kept: s.passwordHeldBy(p.ID, account.Email{}), HomeURL: p.HomeURL}
		return s.ShowPage(w, r, http.StatusOK, "forgot_kept", page, Look{})
	}
	return s.Start(w, r, authn.SignIn, "/settings", "forgot")
}
