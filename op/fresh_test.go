package op_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/platform"
)

// levelled has parties and a platform with a minimum, somebody with an app, and somebody who can have none.
var levelled = []idptest.Demo{
	{
		Policy: "second_factor: { client: {demand: off}, staff: {demand: optional} }, code_methods: [totp]",
		Parties: []string{
			"client_id: web", `client_id: strict, minimum_acr: "urn:minddistrict:acr:2fa"`,
			"client_id: app, type: native, mobile_app: true, " + toRP,
		},
		Accounts: annaHasAnApp,
	},
	{
		Name: "wilg", Policy: `minimum_acr: "urn:minddistrict:acr:2fa", code_methods: [totp]`,
		Parties: []string{"client_id: web"}, Accounts: annaHasAnApp,
	},
}

var annaHasAnApp = []string{"email: anna@example.org, totp_secret: " + idptest.TOTPSecret, "email: bram@example.org"}

// held starts a session whose password and code were shown so many minutes ago; -1: no code.
func (c caller) held(p platform.ID, email string, channel authn.Channel, password, code int) *http.Cookie {
	c.Helper()
	a, err := c.DB.AccountByEmail(c.Context(), p, email)
	if err != nil {
		c.Fatal(err)
	}
	now, token := c.Clock.Now(), secret.Token()
	ago := func(minutes int) time.Time { return now.Add(-time.Duration(minutes) * time.Minute) }
	proofs := []authn.Proof{{Method: "password", Use: account.Primary, Kinds: authn.Knows, AMR: []string{"pwd"}, At: ago(password)}}
	if code >= 0 {
		proofs = append(proofs, authn.Proof{Method: "totp", Use: account.Second, Kinds: authn.Has, AMR: []string{"otp"}, At: ago(code)})
	}
	session := authn.NewSession(secret.ID(), a, channel, proofs, platform.DefaultPolicy(), now)
	if err := c.DB.SaveChange(c.Context(), authn.Change{Start: &authn.SessionStart{Session: session, Cookie: secret.Hash(token)}}, now); err != nil {
		c.Fatal(err)
	}
	name := web.SessionCookie
	if channel == authn.App {
		name = web.AppCookie
	}
	w := httptest.NewRecorder()
	web.SetCookie(w, p, name, token)
	return w.Result().Cookies()[0]
}

// What is answered without a page agrees with what a page would ask, whoever names the level: a code only if password
// and code are as fresh as was asked.
func TestNoCodeForAStaleLevel(t *testing.T) {
	c := caller{t, idptest.NewServer(t, idptest.SQLite(t))}
	c.Declare(levelled...)
	levels := []struct {
		says, client, name, value string
		platform                  platform.ID
	}{
		{"acr_values", "web", "acr_values", twoFactor, "linde"},
		{"an alias", "web", "acr_values", "https://refeds.org/profile/mfa", "linde"},
		{"claims acr", "web", "claims", `{"id_token":{"acr":{"values":["urn:x","` + twoFactor + `"]}}}`, "linde"},
		{"party minimum", "strict", "", "", "linde"},
		{"platform minimum", "web", "", "", "wilg"},
		{"app", "app", "acr_values", twoFactor, "linde"},
		{"nothing", "web", "", "", "linde"},
		{"one factor", "web", "acr_values", oneFactor, "linde"},
	}
	answered := map[string]int{}
	for _, level := range levels {
		for _, who := range []string{"anna@example.org", "bram@example.org"} {
			for _, ages := range [][2]int{{2, 2}, {2, 30}, {30, 2}, {30, 30}, {2, -1}, {30, -1}} {
				channel := authn.Browser
				if level.client == "app" {
					channel = authn.App
				}
				cookie := c.held(level.platform, who, channel, ages[0], ages[1])
				for _, fresh := range [][2]string{{"max_age", "0"}, {"max_age", "600"}, {"prompt", "login"}, {"", ""}} {
					for _, silent := range []bool{true, false} {
						if silent && fresh[0] == "prompt" {
							continue
						}
						at := issuer
						if level.platform == "wilg" {
							at = "https://id.test/p/wilg"
						}
						res := c.send(http.MethodGet, at+authorizeQuery(level.client, func(q url.Values) {
							for _, set := range [][2]string{{level.name, level.value}, fresh} {
								if set[0] != "" {
									q.Set(set[0], set[1])
								}
							}
							if silent {
								q.Set("prompt", "none")
							}
							if level.client == "app" {
								q.Set("dpop_jkt", secret.Token())
							}
						}), "", map[string]string{"Cookie": cookie.Name + "=" + cookie.Value})
						to, err := url.Parse(res.Header.Get("Location"))
						if err != nil {
							t.Fatal(err)
						}
						got := to.Query().Get("error")
						switch {
						case to.Query().Get("code") != "":
							got = "code"
						case to.Host != "rp.test":
							got = "page"
						}
						two := level.says != "nothing" && level.says != "one factor"
						want := answerOf(two, who == "anna@example.org", level.client == "app", silent, fresh, ages)
						if got != want {
							t.Errorf("%s, %s, %v, silent %t, ages %v: %q, want %q", level.says, who, fresh, silent, ages, got, want)
						}
						answered[got]++
					}
				}
			}
		}
	}
	for _, want := range []string{"code", "page", "login_required", "interaction_required", "unmet_authentication_requirements"} {
		if answered[want] == 0 {
			t.Errorf("never answered %s: %v", want, fmt.Sprint(answered))
		}
	}
}

// answerOf is what must become of such a request, by the sentences of docs/oidc.md.
func answerOf(two, enrolled, app, silent bool, fresh [2]string, ages [2]int) string {
	recent := func(age int) bool {
		switch fresh {
		case [2]string{"max_age", "600"}:
			return age >= 0 && age <= 10
		case [2]string{}:
			return age >= 0
		}
		return false
	}
	password, code := recent(ages[0]), recent(ages[1])
	if !two {
		code = ages[1] >= 0 && fresh[0] != "prompt" || !enrolled // a sign-in here wants one where it can be asked, of any age
	}
	if app { // it asks a sign-in each time
		password = false
	}
	switch {
	case !password && silent:
		return "login_required"
	case !password:
		return "page"
	case !code && two && !enrolled:
		return "unmet_authentication_requirements"
	case !code && silent:
		return "interaction_required"
	case !code:
		return "page"
	}
	return "code"
}
