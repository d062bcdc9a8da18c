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
	"github.com/minddistrict/idp/login/ui"
	"github.com/minddistrict/idp/platform"
)

// signUpStep is the page beside the login on which people make an account themselves, where the platform allows it
// (seed 000). No account exists before its address is confirmed; the page answers alike for every address.
type signUpStep struct{ *Server }

func (signUpStep) Name() string                                        { return "sign-up" }
func (signUpStep) Meets(authn.Requirement, authn.Facts) bool           { return false }
func (signUpStep) Begin(context.Context, *Visit) (authn.Change, error) { return authn.Change{}, nil }

func (signUpStep) Beside(v *Visit) bool {
	return v.Platform.Policy.SelfSignUp && v.Requirement.Need == authn.NeedPrimary && v.Facts.Account == nil
}

func (signUpStep) Show(_ context.Context, v *Visit) (Page, error) {
	back := JourneyPath(v.Platform, v.Journey.ID)
	if to := string(v.Journey.Scratch[scratchSignUp]); to != "" {
		return Page{"signup_sent", ui.SentPage{Action: v.Action, Email: to, BackURL: back}}, nil
	}
	var kept SignUpForm
	_ = json.Unmarshal(v.Journey.Scratch[scratchTyped], &kept) // ours; nothing typed yet is no form
	return Page{"signup", ui.SignUpPage{
		Action: v.Action, Email: v.Journey.Hint, GivenName: kept.GivenName, MiddleName: kept.MiddleName, FamilyName: kept.FamilyName,
		LoginURL: back, PrivacyURL: v.Platform.PrivacyURL,
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

// longestName is in characters: the longest names in Dutch registers fit twice.
const longestName = 100

func (s signUpStep) Submit(ctx context.Context, v *Visit) (Outcome, error) {
	if v.Do() == "change" {
		delete(v.Journey.Scratch, scratchSignUp)
		return Outcome{}, nil
	}
	email, mistake := typedEmail(v, strings.TrimSpace(v.Form.Get("email")))
	f := SignUpForm{Email: email.Address, Locale: LanguageOf(v.Request, v.Journey.Locale)}
	var mistakes []ui.FieldError
	for _, field := range []struct {
		name, label string
		to          *string
		optional    bool
	}{
		{"given_name", "signup.first_name", &f.GivenName, false},
		{"middle_name", "signup.infix", &f.MiddleName, true},
		{"family_name", "signup.last_name", &f.FamilyName, false},
	} {
		typed := strings.Join(strings.Fields(v.Form.Get(field.name)), " ")
		if !web.Plain(typed) || utf8.RuneCountInString(typed) > longestName || typed == "" && !field.optional {
			mistakes = append(mistakes, ui.FieldError{Field: field.name, Key: "signup.error_required", Label: field.label})
			continue
		}
		*field.to = typed
	}
	if mistake != nil {
		mistakes = append(mistakes, *mistake)
	}
	if v.Platform.PrivacyURL != "" && v.Form.Get("terms") == "" {
		mistakes = append(mistakes, ui.FieldError{Field: "terms", Key: "signup.error_terms"})
	}
	v.Journey.Scratch[scratchTyped], _ = json.Marshal(f) // strings: cannot fail
	if len(mistakes) > 0 {
		return Outcome{Retry: mistakes}, nil
	}
	form, _ := json.Marshal(f)
	err := s.wish(v.Request.WithContext(ctx), v, account.WishSignUp, account.Contents{To: email.Address, Party: v.Journey.Party, Form: form})
	if err != nil {
		return Outcome{}, err
	}
	v.Journey.Scratch[scratchSignUp] = []byte(email.Address)
	return Outcome{}, nil
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
