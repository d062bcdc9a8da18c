package demo

import (
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/minddistrict/idp/internal/qr"
)

// period is how long a code of an app is shown (RFC 6238 section 5.2).
const period = 30 * time.Second

// authenticator is the app of a demo account: what a phone would scan, and what it would show now.
type authenticator struct {
	Account Account
	QR      qr.Drawing
	Code    string
	Left    int // whole seconds for which the code is shown, 1 to 30
}

// authenticators are those of all accounts that have one.
func (s *Site) authenticators() (all []authenticator, err error) {
	for _, a := range s.Accounts {
		if a.TOTPSecret == "" {
			continue
		}
		drawn, err := qr.Draw(keyURI(a))
		if err != nil {
			return nil, err
		}
		shown := authenticator{Account: a, QR: drawn}
		if shown.Code, shown.Left, err = now(a, s.Now()); err != nil {
			return nil, err
		}
		all = append(all, shown)
	}
	return all, nil
}

// keyURI is what an authenticator app reads, in the format that Google Authenticator began.
func keyURI(a Account) string {
	return "otpauth://totp/Demo:" + url.PathEscape(a.Email) + "?secret=" + a.TOTPSecret + "&issuer=Demo"
}

// now is the code of this moment, and for how many seconds it is shown.
func now(a Account, at time.Time) (code string, left int, err error) {
	code, err = totp.GenerateCode(a.TOTPSecret, at)
	seconds := int64(period / time.Second)
	return code, int(seconds - at.Unix()%seconds), err
}

// codeNow is the code and its seconds as text, for the script of the start page.
func (s *Site) codeNow(w http.ResponseWriter, r *http.Request) {
	for _, a := range s.Accounts {
		if a.Email != r.PathValue("email") || a.TOTPSecret == "" {
			continue
		}
		code, left, err := now(a, s.Now())
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = fmt.Fprintf(w, "%s %d", code, left) // the caller is gone: nothing to do about it
		return
	}
	http.NotFound(w, r)
}

// Spaced is the code in two groups, as apps show it.
func (a authenticator) Spaced() string { return a.Code[:3] + " " + a.Code[3:] }
