package login

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/ui"
)

// signUpStep is the page beside the login on which people make an account themselves, where the platform allows it
// (testdata/journeys/sign_up.txt). No account exists before its address is confirmed; the page answers alike for every
// address.
type signUpStep struct{ *Server }

func (signUpStep) Name() string                                { return "sign-up" }
func (signUpStep) Handles(authn.Requirement, authn.Facts) bool { return false }
func (signUpStep) Way(v *Visit) string {
	if !v.Platform.Policy.SelfSignUp || v.Requirement.Need != authn.NeedPrimary || v.Facts.Account != nil || authn.PasswordClosed(v.Facts) || v.Facts.BreakGlass {
		return ""
	}
	return "login.signup"
}

func (signUpStep) Show(_ context.Context, v *Visit) (Page, error) {
	back := JourneyPath(v.Platform, v.Journey.ID)
	if sent := v.Journey.SignUpMail; sent != nil {
		return Page{"signup_sent", ui.SentPage{Action: v.Action, Email: sent.To, Again: sent.Again, BackURL: back}}, nil
	}
	kept := keptSignUp(v)
	return Page{"signup", ui.SignUpPage{
		Action: v.Action, Email: v.Journey.Hint, GivenName: kept.GivenName, MiddleName: kept.MiddleName, FamilyName: kept.FamilyName,
		Terms: kept.Terms, LoginURL: back, PrivacyURL: v.Platform.PrivacyURL,
	}}, nil
}

func keptSignUp(v *Visit) authn.SignUpForm {
	if v.Journey.SignUpForm == nil {
		return authn.SignUpForm{}
	}
	return *v.Journey.SignUpForm
}

// longestName is in characters: the longest names in Dutch registers fit twice.
const longestName = 100

func (s signUpStep) Submit(ctx context.Context, v *Visit) (Outcome, error) {
	sent := v.Journey.SignUpMail
	switch {
	case v.Button() == "change":
		v.Journey.SignUpMail = nil
		return Outcome{}, nil
	case sent != nil && v.Button() == "again":
		return Outcome{}, s.send(ctx, v, keptSignUp(v), true)
	}
	before := keptSignUp(v)
	typed, mistakes := readTyped(v)
	v.Journey.SignUpMail, v.Journey.SignUpForm = nil, &typed
	if len(mistakes) > 0 {
		return Outcome{Retry: mistakes}, nil
	}
	if sent != nil && typed == before {
		v.Journey.SignUpMail = sent // a double click
		return Outcome{}, nil
	}
	return Outcome{}, s.send(ctx, v, typed, false)
}

// KeepInput keeps the form as far as it was filled in.
func (s signUpStep) KeepInput(v *Visit) {
	if v.Journey.SignUpMail == nil && v.Form.Has("given_name") {
		typed, _ := readTyped(v)
		v.Journey.SignUpForm = &typed
	}
}

// readTyped reads the form, and says what is wrong with it in the order of the page.
func readTyped(v *Visit) (typed authn.SignUpForm, mistakes []authn.Mistake) {
	typed.Locale = LanguageOf(v.Request, v.Journey.Locale)
	for _, field := range []struct {
		name, label string
		to          *string
		optional    bool
	}{
		{"given_name", "signup.first_name", &typed.GivenName, false},
		{"middle_name", "signup.infix", &typed.MiddleName, true},
		{"family_name", "signup.last_name", &typed.FamilyName, false},
	} {
		name := strings.Join(strings.Fields(v.Form.Get(field.name)), " ")
		if web.IsPlain(name) && len(name) <= 4*longestName {
			*field.to = name // stays on the page, so that too long a name can be shortened
		}
		if *field.to != name || utf8.RuneCountInString(name) > longestName || name == "" && !field.optional {
			key := "signup.error_required"
			if name != "" {
				key = "signup.error_name"
			}
			mistakes = append(mistakes, authn.Mistake{Field: field.name, Key: key, Label: field.label})
		}
	}
	email, mistake := typedEmail(v, strings.TrimSpace(v.Form.Get("email")))
	if mistake != nil {
		mistakes = append(mistakes, *mistake)
	}
	typed.Email, typed.Terms = email.Address, v.Form.Get("terms") != ""
	if v.Platform.PrivacyURL != "" && !typed.Terms {
		mistakes = append(mistakes, authn.Mistake{Field: "terms", Key: "signup.error_terms"})
	}
	return typed, mistakes
}

// send asks the outbox for the mail that confirms the address.
func (s signUpStep) send(ctx context.Context, v *Visit, f authn.SignUpForm, again bool) error {
	f.Terms = false            // they were agreed to, or it would not be sent
	form, _ := json.Marshal(f) // strings: cannot fail
	button := ""
	if again {
		button = v.Action
	}
	err := s.Mails.Ask(v.Request.WithContext(ctx), v, outbox.SignUpRequest, outbox.Contents{To: f.Email, Party: v.Journey.Party, Form: form}, button)
	if err == nil {
		v.Journey.SignUpMail = &authn.MailRequest{To: f.Email, Again: again}
	}
	return err
}

// ReadSignUp reads the form that the mail which confirms the address carries.
func ReadSignUp(form []byte) (f authn.SignUpForm, err error) {
	if err := json.Unmarshal(form, &f); err != nil {
		return f, fmt.Errorf("sign-up: %w: %w", fault.Invalid, err)
	}
	return f, nil
}

// newcomer is the account that a confirmed sign-up will have. It is stored with its password.
func (s *Server) newcomer(v *Visit) (*account.Account, error) {
	_, t, ok := v.TicketOf()
	if !ok {
		return nil, errRestart
	}
	form, err := s.Sealer.Open(t.Sealed, t.Binding())
	if err != nil {
		return nil, err
	}
	f, err := ReadSignUp(form)
	if err != nil {
		return nil, err
	}
	email, err := account.ParseEmail(f.Email)
	if err != nil {
		return nil, err
	}
	return &account.Account{
		ID: account.ID(secret.ID()), Platform: v.Platform.ID, Email: email, EmailVerifiedAt: v.Now, Role: platform.Client,
		State: account.Active, Locale: f.Locale, CreatedAt: v.Now, UpdatedAt: v.Now,
		Profile: account.Profile{GivenName: f.GivenName, MiddleName: f.MiddleName, FamilyName: f.FamilyName},
	}, nil
}
