package idptest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/idptest"
)

// TestTokensNeverSayMoreThanWasProven holds the table of docs/oidc.md: what an ID token says of each way of signing in.
func TestTokensNeverSayMoreThanWasProven(t *testing.T) {
	const (
		one, two = "urn:minddistrict:acr:1fa", "urn:minddistrict:acr:2fa"
		details  = ` claims={"id_token":{"amr_details":null}}`
		visit    = "\nvisit linde" + details
		password = "\nfill login.email = anna@example.org ; fill login.password = password ; press login.submit"
		app      = "\nfill code.label = totp ; press code.submit"
		arrive   = "\narrive linde"
		confirm  = "\nfill login.password = password ; press common.continue"
		plain    = "platform linde second-factor=optional\naccount anna@example.org"
		phone    = "platform linde second-factor=required methods=totp\naccount anna@example.org totp\nvisit linde/app"
		enrolled = "platform linde second-factor=optional remember=12h\naccount anna@example.org totp"
	)
	for _, row := range []struct {
		name, script string
		amr          string // sorted
		acr          string
		age          time.Duration // of auth_time, at the end
		details      string        // method@source, in the order proven
	}{
		{"password", plain + visit + password + arrive, "pwd", one, 0, "password@here"},
		{"password and app", enrolled + visit + password + app + arrive, "mfa otp pwd", two, 0, "password@here totp@here"},
		{"password and recovery code",
			enrolled + visit + password + "\npress code.use_recovery ; fill recovery_use.label = recovery1 ; press common.continue ; press recovery_low.later" + arrive,
			"mfa pwd", two, 0, "password@here recovery@here"},
		{"password and text message",
			"platform linde second-factor=optional\naccount anna@example.org sms=+31612345678" + visit + password + "\nsms +31612345678 ; fill code.label = sms ; press code.submit" + arrive,
			"mfa pwd sms", two, 0, "password@here sms@here"},
		{"remembered browser: the code is waived, and nothing says that one was given",
			enrolled + visit + password + "\ntick code.remember" + app + arrive + "\nlogout linde hint\nlater 2h" + visit + password + arrive,
			"pwd", one, 0, "password@here remembered@remembered browser"},
		{"app after the idle hour: a code does not move auth_time",
			enrolled + visit + password + app + arrive + "\nlater 61m" + visit + app + arrive,
			"mfa otp pwd", two, 61 * time.Minute, "password@here totp@here"},
		{"password after the idle hour", plain + visit + password + arrive + "\nlater 61m" + visit + confirm + arrive, "pwd", one, 0, "password@here"},
		{"remembered browser after the idle hour",
			enrolled + visit + password + "\ntick code.remember" + app + arrive + "\nlater 61m" + visit + confirm + arrive,
			"mfa otp pwd", two, 0, "totp@here password@here remembered@remembered browser"},
		{"step-up adds the code, and only the code",
			plain + visit + password + arrive + "\naccount anna@example.org totp\nlater 10m\nvisit linde acr_values=" + two + details + app + arrive,
			"mfa otp pwd", two, 10 * time.Minute, "password@here totp@here"},
		{"single sign-on repeats what was proven", enrolled + visit + password + app + arrive + "\nlater 10m" + visit + arrive, "mfa otp pwd", two, 10 * time.Minute, "password@here totp@here"},
		{"silent", enrolled + visit + password + app + arrive + "\nlater 10m\nvisit linde prompt=none" + details + arrive, "mfa otp pwd", two, 10 * time.Minute, "password@here totp@here"},
		{"refresh", enrolled + visit + password + app + arrive + "\nlater 10m\nrefresh ok", "mfa otp pwd", two, 10 * time.Minute, "password@here totp@here"},
		{"welcome: the mail's button proves nothing",
			"platform linde\ninvite anna@example.org\nmail welcome anna@example.org ; follow\nfill password.new = new ; press password.submit" + visit + arrive,
			"pwd", one, 0, "link@here password@here"},
		{"forgotten password with a code",
			enrolled + visit + "\npress login.forgot ; fill login.email = anna@example.org ; press forgot.submit\nmail reset anna@example.org ; follow" + app +
				"\nfill password.new = new ; press password.submit" + visit + arrive,
			"mfa otp pwd", two, 0, "link@here totp@here password@here"},
		{"the PIN of a device that was entered with a password",
			phone + details + password + "\narrive linde/app", "pin swk", one, 0, "pin@here:password/1fa"},
		{"the PIN of a device that was entered with password and app",
			phone + details + " acr_values=" + two + password + app + "\narrive linde/app", "mfa pin swk", two, 0, "pin@here:password/2fa"},
		{"the PIN of staff, who are asked a code",
			"platform linde second-factor=required methods=totp\naccount anna@example.org role=professional totp\nvisit linde/app" + details + password + app + "\narrive linde/app",
			"mfa pin swk", two, 0, "pin@here:password/2fa"},
		{"the PIN the next day, and a refresh",
			phone + details + password + "\narrive linde/app\nlater 25h\nphone pin 48213\nlater 10m\nrefresh ok", "pin swk", one, 10 * time.Minute, "pin@here:password/1fa"},
		{"another native party asks what a browser asks",
			"platform linde second-factor=required methods=totp\naccount anna@example.org totp\nvisit linde/desk" + details + password + app + "\narrive linde/desk",
			"mfa otp pwd", two, 0, "password@here totp@here"},
	} {
		for db, open := range databases {
			t.Run(row.name+"/"+db, func(t *testing.T) {
				t.Parallel()
				arrival, now := idptest.RunText(t, row.name, row.script, open(t), "nl")
				claims := arrival.Claims
				if got := words(claims["amr"]); got != row.amr {
					t.Errorf("amr %q, want %q", got, row.amr)
				}
				if claims["acr"] != row.acr {
					t.Errorf("acr %v, want %s", claims["acr"], row.acr)
				}
				at, _ := claims["auth_time"].(float64)
				if got := now.Sub(time.Unix(int64(at), 0)).Truncate(time.Second); got != row.age {
					t.Errorf("auth_time is %s old, want %s", got, row.age)
				}
				if got := detailsOf(claims["amr_details"]); got != row.details {
					t.Errorf("amr_details %q, want %q", got, row.details)
				}
			})
		}
	}
}

func words(claim any) string {
	var all []string
	list, _ := claim.([]any)
	for _, v := range list {
		all = append(all, fmt.Sprint(v))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

func detailsOf(claim any) string {
	var all []string
	list, _ := claim.([]any)
	for _, v := range list {
		d, _ := v.(map[string]any)
		text := fmt.Sprint(d["method"], "@", d["source"])
		if d["device"] != nil {
			text += fmt.Sprint(":", d["way"], "/", strings.TrimPrefix(fmt.Sprint(d["level"]), "urn:minddistrict:acr:"))
		}
		all = append(all, text)
	}
	return strings.Join(all, " ")
}
