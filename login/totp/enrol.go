package totp

import (
	"context"
	"encoding/base32"
	"fmt"
	"net/url"
	"slices"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/qr"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/login"
)

// secretBytes is as long as the hash of HMAC-SHA-1 (RFC 4226 section 4, R6).
const secretBytes = 20

// appStep connects an authenticator app: it shows a secret and asks a code made with it.
type appStep struct{ Options }

func (appStep) Spends(form url.Values) string { return login.SpentCode(form) }

func (appStep) Name() string { return "app-setup" }

func (appStep) Handles(r authn.Requirement, f authn.Facts) bool {
	return r.Need == authn.NeedEnrol && f.Method == Method
}

// Begin draws the secret. Who goes back to the choice and forth again keeps it: the app may have it by now.
func (s appStep) Begin(_ context.Context, v *login.Visit) (authn.Change, error) {
	if len(v.Journey.StepData[Method]) == 0 {
		drawn := base32.StdEncoding.EncodeToString(secret.Bytes(secretBytes)) // 160 bits: no padding
		v.Journey.Keep(Method, s.Sealer.Seal([]byte(drawn), binding(v.Journey)))
	}
	return authn.Change{}, nil
}

// binding ties the secret of a set-up to its journey.
func binding(j *authn.Journey) string { return "journey/" + j.ID + "/" + Method }

func (s appStep) secret(v *login.Visit) (string, error) {
	sealed := v.Journey.StepData[Method]
	if len(sealed) == 0 {
		return "", fmt.Errorf("set-up without a secret: %w", fault.Stale)
	}
	plain, err := s.Sealer.Open(sealed, binding(v.Journey))
	if err != nil {
		return "", fmt.Errorf("secret of a set-up: %v", err) // ours to mend
	}
	return string(plain), nil
}

func (s appStep) Show(_ context.Context, v *login.Visit) (login.Page, error) {
	plain, err := s.secret(v)
	if err != nil {
		return login.Page{}, err
	}
	uri := keyURI(v.Platform.NeutralName, v.Facts.Account.Email.Address, plain)
	code, err := qr.Draw(string(uri))
	if err != nil {
		return login.Page{}, err
	}
	page := appPage{Action: v.Action, QR: code, URL: uri, Others: v.Others(Method), Cancel: true}
	for group := range slices.Chunk([]byte(plain), 4) {
		page.Key = append(page.Key, string(group))
	}
	return login.Page{Template: "app", Data: page}, nil
}

// Submit takes the first code. It is not counted: whoever guesses here sees the secret.
func (s appStep) Submit(ctx context.Context, v *login.Visit) (login.Outcome, error) {
	if v.Button() == "other" {
		v.Journey.Method = ""
		return login.Outcome{}, nil
	}
	code, mistakes := v.TypedCode()
	if len(mistakes) > 0 {
		return login.Outcome{Retry: mistakes}, nil
	}
	plain, err := s.secret(v)
	if err != nil {
		return login.Outcome{}, err
	}
	step, ok, err := match(plain, code, 0, v.Now)
	if err != nil {
		return login.Outcome{}, err
	}
	if !ok {
		return login.Outcome{Retry: []authn.Mistake{{Field: "code", Key: wrong}}}, nil
	}
	s.drift(ctx, v, step)
	c := account.Credential{
		ID: account.CredentialID(secret.ID()), Account: v.Facts.Account.ID, Method: Method, Use: account.Second,
		Counter: step, AddedAt: v.Now, ConfirmedAt: v.Now, UsedAt: v.Now,
	}
	c.Sealed = s.Sealer.Seal([]byte(plain), c.Binding())
	v.Journey.Keep(Method, nil)
	return login.Outcome{Proof: proof(v, c.ID), Done: authn.NeedEnrol, Change: v.Enrolled(c, s.Sealer)}, nil
}
