package idptest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/idptest/pretend"
)

const pretendHouse = `
platforms:
  - name: linde
    issuer: https://login.linde.test
    organisation: GGZ De Linde
    home_url: https://linde.test/home
    policy: { second_factor: { client: %s }, code_methods: [pretend], idle_after: 1h }
    parties:
      - { client_id: linde-web, secret: s7Q2vJ9xN4kTzW1mB8cRfL0yHdE5uGaPq3iXoV6tCjM, redirect_uris: [https://web.linde.test/callback] }
    accounts:
      - { email: anna@example.org, locale: en, password: "zeven paarse regenjassen drogen!" }
`

// TestAddingAFactorTakesOneFolderAndOneLine: the folder is internal/idptest/pretend, the line is marked below.
func TestAddingAFactorTakesOneFolderAndOneLine(t *testing.T) {
	for name, open := range databases {
		t.Run(name, func(t *testing.T) {
			s := idptest.NewServer(t, open(t), pretend.Factor(idptest.Sealer(t))) // the one line
			s.Apply(fmt.Sprintf(pretendHouse, "required"))
			party := idptest.NewParty(s, "web.linde.test", "https://login.linde.test", "linde-web", "s7Q2vJ9xN4kTzW1mB8cRfL0yHdE5uGaPq3iXoV6tCjM")
			b := idptest.NewBrowser(s, "en")
			b.MustOpen(t, party.Start(nil))
			b.MustFill(t, "Email address", "anna@example.org")
			b.MustFill(t, "Password", idptest.Password)
			b.MustPress(t, "Log in")
			// required: the set-up comes right after the login, and nothing is given before it
			b.MustBeAt(t, "/set-up")
			if err := b.Open(party.Start(map[string][]string{"prompt": {"none"}})); err != nil || party.Last.Error != "login_required" {
				t.Fatalf("before the set-up: %v, %q", err, party.Last.Error)
			}
			b.MustOpen(t, party.Start(nil))
			b.MustFill(t, "Email address", "anna@example.org")
			b.MustFill(t, "Password", idptest.Password)
			b.MustPress(t, "Log in")
			b.MustPress(t, "Set up two-step authentication")
			b.MustFill(t, "The code that everybody knows", "000000")
			b.MustPress(t, "Continue")
			b.MustBeAt(t, "/pretend-setup")
			b.MustFill(t, "The code that everybody knows", pretend.Code)
			b.MustPress(t, "Continue")
			// recovery codes come with any second factor
			for n := range b.Doc.Descendants() {
				for _, a := range n.Attr {
					if a.Key == "id" && a.Val == "kept" {
						b.Tick(n, true)
					}
				}
			}
			b.MustPress(t, "Done")
			wantAMR(t, party, "mfa otp pwd")

			// next time it is asked after the password, and again after an idle hour
			other := idptest.NewBrowser(s, "en")
			other.MustOpen(t, party.Start(nil))
			other.MustFill(t, "Email address", "anna@example.org")
			other.MustFill(t, "Password", idptest.Password)
			other.MustPress(t, "Log in")
			other.MustBeAt(t, "/pretend")
			other.MustFill(t, "The code that everybody knows", pretend.Code)
			other.MustPress(t, "Continue")
			wantAMR(t, party, "mfa otp pwd")
			if acr := party.Last.Claims["acr"]; acr != "urn:minddistrict:acr:2fa" {
				t.Errorf("acr %v", acr)
			}
			s.Clock.Later(3600e9)
			other.MustOpen(t, party.Start(nil))
			other.MustBeAt(t, "/pretend")
		})
	}
}

func wantAMR(t *testing.T, party *idptest.Party, want string) {
	t.Helper()
	var got []string
	list, _ := party.Last.Claims["amr"].([]any)
	for _, v := range list {
		got = append(got, fmt.Sprint(v))
	}
	slices.Sort(got)
	if strings.Join(got, " ") != want {
		t.Fatalf("amr %q, want %q (error %q)", got, want, party.Last.Error)
	}
}
