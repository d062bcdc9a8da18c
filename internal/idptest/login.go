package idptest

import (
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
)

// LogIn opens an address that asks for a sign-in, such as that of Party.Start, and sends somebody's address and
// Password. What comes next is up to the policy: a second factor, or the end.
func LogIn(t testing.TB, b *Browser, address, email string) {
	t.Helper()
	b.MustOpen(t, address)
	SendPassword(t, b, email)
}

// SendPassword fills in the page that asks for address and password, and sends it.
func SendPassword(t testing.TB, b *Browser, email string) {
	t.Helper()
	b.MustFill(t, Text(b.Lang, "login.email"), email)
	b.MustFill(t, Text(b.Lang, "login.password"), Password)
	b.MustPress(t, Text(b.Lang, "login.submit"))
}

// Code is what an authenticator app with a key, such as TOTPSecret, shows at a time.
func Code(t testing.TB, key string, at time.Time) string {
	t.Helper()
	code, err := totp.GenerateCode(key, at)
	if err != nil {
		t.Fatal(err)
	}
	return code
}
