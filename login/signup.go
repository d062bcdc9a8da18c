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

func (signUpStep) Name() string                                        { return "sign-up" }
func (signUpStep) Meets(authn.Requirement, authn.Facts) bool           { return false }
func (signUpStep) Begin(context.Context, *Visit) (authn.Change, error) { return authn.Change{}, nil }

func (signUpStep) Beside(v *Visit) bool {
	return v.Platform.Policy.SelfSignUp && v.Requirement.Need == authn.NeedPrimary && v.Facts.Account == nil &&
		!authn.PasswordClosed(v.Facts)
}

func (signUpStep) Show(_ context.Context, v *Visit) (Page, error) {
	back := JourneyPath(v.Platform, v.Journey.ID)
	if sent, ok := v.asked(scratchSignUp); ok {
		return Page{"signup_sent", ui.SentPage{Action: v.Action, Email: sent.To, Again: sent.Again, BackURL: back}}, nil
	}
	kept := keptSignUp(v)
	return Page{"signup", ui.SignUpPage{
		Action: v.Action, Email: v.Journey.Hint, GivenName: kept.GivenName, MiddleName: kept.MiddleName, FamilyName: kept.FamilyName,
		Terms: kept.Terms, LoginURL: back, PrivacyURL: v.Platform.PrivacyURL,
	}}, nil
}

// SignUpForm is what somebody filled in to make an account.
type SignUpForm struct {
	Email      string `json:"email"`
	GivenName  string `json:"given_name"`
	MiddleName string `json:"middle_name,omitempty"`
	FamilyName string `json:"family_name"`
	Locale     string `json:"locale"`
}

// typedSignUp is what the page keeps of what was filled in, right or not.
type typedSignUp struct {
	SignUpForm
	Terms bool `json:"terms,omitempty"`
}

func keptSignUp(v *Visit) (kept typedSignUp) {
	_ = json.Unmarshal(v.Journey.Scratch[scratchTyped], &kept) // ours; nothing typed yet is no form
	return kept
}

// longestName is in characters: the longest names in Dutch registers fit twice.
const longestName = 100

func (s signUpStep) Submit(ctx context.Context, v *Visit) (Outcome, error) {
	sent, waits := v.asked(scratchSignUp)
	switch {
	case v.Do() == "change":
		delete(v.Journey.Scratch, scratchSignUp)
		return Outcome{}, nil
	case waits && v.Do() == "again":
		return Outcome{}, s.send(ctx, v, keptSignUp(v).SignUpForm, true)
	}
	before := keptSignUp(v)
	delete(v.Journey.Scratch, scratchSignUp)
	typed, mistakes := readTyped(v)
	v.Journey.Scratch[scratchTyped], _ = json.Marshal(typed) // strings: cannot fail
	if len(mistakes) > 0 {
		return Outcome{Retry: mistakes}, nil
	}
	if waits && typed == before {
		v.keepAsked(scratchSignUp, sent) // a double click
		return Outcome{}, nil
	}
	return Outcome{}, s.send(ctx, v, typed.SignUpForm, false)
}

// readTyped reads the form, and says what is wrong with it in the order of the page.
func readTyped(v *Visit) (typed typedSignUp, mistakes []ui.FieldError) {
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
		if web.Plain(name) && len(name) <= 4*longestName {
			*field.to = name // stays on the page, so that too long a name can be shortened
		}
		if *field.to != name || utf8.RuneCountInString(name) > longestName || name == "" && !field.optional {
			mistakes = append(mistakes, ui.FieldError{Field: field.name, Key: "signup.error_required", Label: field.label})
		}
	}
	email, mistake := typedEmail(v, strings.TrimSpace(v.Form.Get("email")))
	if mistake != nil {
		mistakes = append(mistakes, *mistake)
	}
	typed.Email, typed.Terms = email.Address, v.Form.Get("terms") != ""
	if v.Platform.PrivacyURL != "" && !typed.Terms {
		mistakes = append(mistakes, ui.FieldError{Field: "terms", Key: "signup.error_terms"})
	}
	return typed, mistakes
}

// send asks the outbox for the mail that confirms the address.
func (s signUpStep) send(ctx context.Context, v *Visit, f SignUpForm, again bool) error {
	form, _ := json.Marshal(f) // strings: cannot fail
	button := ""
	if again {
		button = v.Action
	}
	err := s.requestMail(v.Request.WithContext(ctx), v, outbox.SignUpRequest, outbox.Contents{To: f.Email, Party: v.Journey.Party, Form: form}, button)
	if err == nil {
		v.keepAsked(scratchSignUp, asked{To: f.Email, Again: again})
	}
	return err
}

func readSignUp(form []byte) (f SignUpForm, err error) {
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
	f, err := readSignUp(form)
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
