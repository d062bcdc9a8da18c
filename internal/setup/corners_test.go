package setup_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/setup"
	"github.com/minddistrict/idp/storage"
)

// corners are files whose weakening stands between two keys: what is lowered is not what the file says.
var corners = []struct{ name, begin, says, want string }{
	{"a method that nobody has asks no code of anybody", "", "policy: { code_methods: [topt] }", "policy.code_methods: [totp] → [topt]"},
	{"a party without a secret always rotates, one that gets a secret need not",
		"parties: [ { client_id: linde-spa, type: spa, redirect_uris: [https://linde.example.net/spa] } ]",
		"parties: [ { client_id: linde-spa, type: web, secret: " + idptest.PartySecret + ", rotate_refresh_tokens: false } ]",
		"rotate_refresh_tokens: true → false"},
	{"a program on a port that need not ask before it is answered",
		"parties: [ { client_id: linde-tool, type: native, redirect_uris: [http://127.0.0.1/cb] } ]", "parties: [ { client_id: linde-tool, type: spa } ]", "type: native → spa"},
	{"a first app at which people in care are asked no code", "",
		"parties: [ { client_id: linde-app, type: native, mobile_app: true, redirect_uris: [https://linde.example.net/app] } ]", "mobile_app: true"},
	{"an app beside one that is switched off", "off", "parties: [ { client_id: linde-app2, type: native, mobile_app: true, redirect_uris: [https://linde.example.net/app] } ]", "mobile_app: true"},
}

func TestWhatIsLoweredByAnotherKeyIsRefusedToo(t *testing.T) {
	for _, c := range corners {
		t.Run(c.name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, db *storage.DB) {
				tools := tools(t, db)
				tools.Methods = []string{"totp"}
				mustApply(t, tools, strict)
				if _, err := setup.AddAccount(t.Context(), tools, "linde", setup.Account{Email: "anna@example.org"}); err != nil {
					t.Fatal(err)
				}
				meant := tools
				meant.Weaken = true
				switch c.begin {
				case "":
				case "off":
					mustApply(t, meant, says(corners[3].says))
					if _, err := tools.Acts().DisableParty(t.Context(), "linde", "linde-app"); err != nil {
						t.Fatal(err)
					}
				default:
					mustApply(t, tools, says(c.begin))
				}
				refusedOnce(t, db, tools, c.name, says(c.says), c.want, dump(t, db))
				if got := weakened(mustApply(t, meant, says(c.says)).Differences); got != c.want {
					t.Errorf("done %s, want %s", got, c.want)
				}
			})
		})
	}
}

// A party that gets a secret goes on rotating, as it did when it had none and had to.
func TestRotationStaysWithAPartyThatGetsASecret(t *testing.T) {
	onBoth(t, func(t *testing.T, db *storage.DB) {
		tools := tools(t, db)
		mustApply(t, tools, strict)
		mustApply(t, tools, says("parties: [ { client_id: linde-spa, type: spa, redirect_uris: [https://linde.example.net/spa] } ]"))
		mustApply(t, tools, says("parties: [ { client_id: linde-spa, type: web, secret: "+idptest.PartySecret+" } ]"))
		all, err := db.Parties(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range all {
			if p.ID == "linde-spa" && (p.Public() || !p.Rotates()) {
				t.Errorf("public %v, rotates %v", p.Public(), p.Rotates())
			}
		}
	})
}

// An app beside another one opens nothing that is closed, and neither does the first of a platform that is new.
func TestAnotherAppIsNoWeakening(t *testing.T) {
	onBoth(t, func(t *testing.T, db *storage.DB) {
		tools := tools(t, db)
		app := "      - { client_id: linde-app, type: native, mobile_app: true, redirect_uris: [https://linde.example.net/app] }\n    accounts:\n"
		if report := mustApply(t, tools, strings.Replace(strict, "    accounts:\n", app, 1)); weakened(report.Differences) != "" {
			t.Errorf("of a new platform: %s", weakened(report.Differences))
		}
		if _, err := setup.AddAccount(t.Context(), tools, "linde", setup.Account{Email: "anna@example.org"}); err != nil {
			t.Fatal(err)
		}
		_, err := apply(t, tools, says("parties: [ { client_id: linde-app2, type: native, mobile_app: true, redirect_uris: [https://linde.example.net/app2] } ]"))
		if errors.Is(err, fault.Refused) || err != nil {
			t.Errorf("beside another: %v", err)
		}
	})
}
