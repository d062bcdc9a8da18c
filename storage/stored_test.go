package storage_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/storage"
)

// What is stored as JSON is read by the release before and the release after. Whoever renames a field sees it here:
// read the old name too, and write the new one only a release later.
func TestStoredJSONKeepsItsNames(t *testing.T) {
	db := idptest.SQLite(t)
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	age := time.Hour
	p := platform.Platform{
		ID: "linde", Issuer: "https://linde.example.org", HelpPublic: platform.Contact{Email: "e", Phone: "p"},
		Branding: platform.Branding{Colour: "#1b6a7a", Logo: []byte("x"), LogoDark: []byte("y")},
		Policy: platform.Policy{
			SecondFactor: platform.ByGroup[platform.SecondFactor]{Staff: platform.SecondFactor{Demand: platform.Required, RequiredFrom: at}},
			Remember:     platform.ByGroup[platform.Remember]{Client: platform.Remember{Choices: []time.Duration{1}, Fixed: 2, Decides: true}},
			ACRAliases:   map[string]string{"a": "b"},
		},
	}
	ask := authn.Ask{Purpose: "sign-in", Channel: authn.Browser, Journey: "j", PromptLogin: true, PromptSelectAccount: true, MaxAge: &age, ACR: []string{"a"}, MinimumACR: []string{"b"}}
	proof := authn.Proof{Method: "totp", Use: "second", Kinds: authn.Has, AMR: []string{"otp"}, Credential: "c", At: at, Journey: "j", Issuer: "i"}
	party := grant.Party{ID: "web", Platform: "linde", Type: grant.Web, Auth: grant.AuthBasic, Secrets: [][]byte{[]byte("x")}, DisabledAt: at}
	if err := db.Declare(t.Context(), storage.Setup{Platforms: []platform.Platform{p}, Parties: []grant.Party{party}}, at); err != nil {
		t.Fatal(err)
	}
	err := db.SaveRequest(t.Context(), grant.AuthRequest{
		ID: "r", Platform: "linde", Party: "web", RedirectURI: "u", State: "s", Nonce: "n", Scopes: []string{"openid"}, Challenge: "c",
		Mode: grant.ModeQuery, PromptNone: true, Claims: grant.Requested{UserInfo: []string{"name"}}, HintSubject: "h", LoginHint: "l", Locales: []string{"nl"}, CreatedAt: at, Expiry: at,
	})
	if err != nil {
		t.Fatal(err)
	}
	err = db.StartJourney(t.Context(), authn.Journey{
		ID: "j", Platform: "linde", Ask: ask, Progress: authn.Progress{
			Account: "a", Proofs: []authn.Proof{proof}, StepData: map[string][]byte{"totp": []byte("x")},
			Mistakes: &authn.Mistakes{Step: "p", All: []authn.Mistake{{Field: "f", Key: "k", Label: "l"}}}, Stop: &authn.Stop{Page: "wait", Until: at, Email: "e", Sent: true, Of: "o"},
			Remember: true, SetUpStarted: true, Method: "m", LowCodes: true, OptIn: authn.NeedSaveCodes,
		}, Failures: 1, Switch: true, IgnoreSession: true, Denied: true, Party: "web", Request: "r",
		ReturnTo: "/", Hint: "h", Locale: "nl", OwnBinding: &authn.Binding{Began: []byte("b"), Before: []byte("p"), Session: []byte("q"), Salt: []byte("s"), Step: "t", Spent: []byte("c")}, Link: &authn.Link{Hash: []byte("h"), Purpose: authn.TicketReset, Sealed: []byte("s")},
		ForgotMail: &authn.MailRequest{To: "f", Again: true}, SignUpMail: &authn.MailRequest{To: "s"},
		SignUpForm: &authn.SignUpForm{Email: "e", GivenName: "g", MiddleName: "m", FamilyName: "f", Locale: "nl", Terms: true}, StartedAt: at, ExpiresAt: at,
	})
	if err != nil {
		t.Fatal(err)
	}
	scratch, err := json.Marshal(map[string][]byte{
		"choose": []byte("1"), "low": []byte("1"), "remember": []byte("1"), "method": []byte("m"), "wish": []byte("save-codes"), "totp": []byte("x"),
		"retry":  []byte(`{"step":"p","errors":[{"field":"f","key":"k","label":"l"}]}`),
		"stop":   []byte(`{"page":"wait","until":"2026-01-02T03:04:05Z","email":"e","sent":true,"of":"o"}`),
		"ticket": []byte(`{"hash":"aA==","purpose":"reset","sealed":"cw=="}`), "forgot": []byte(`{"to":"f","again":true}`), "sign-up": []byte(`{"to":"s"}`),
		"own":   []byte(`{"began":"Yg==","before":"cA==","session":"cQ==","salt":"cw==","step":"t","spent":"Yw=="}`),
		"typed": []byte(`{"email":"e","given_name":"g","middle_name":"m","family_name":"f","locale":"nl","terms":true}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	for table, want := range map[string]string{
		"platforms": `{"id":"linde","issuer":"https://linde.example.org","help_public":{"email":"e","phone":"p"},` +
			`"branding":{"colour":"#1b6a7a","logo":"eA==","logo_dark":"eQ=="},"policy":{"second_factor":{"client":{},` +
			`"staff":{"demand":"required","required_from":"2026-01-02T03:04:05Z"}},` +
			`"remember":{"client":{"choices":[1],"fixed":2,"decides":true},"staff":{}},"acr_aliases":{"a":"b"}}}`,
		"parties": `{"client_id":"web","type":"web","auth":"basic","secrets":["eA=="],"grant_types":null,"scopes":null,"id_token_alg":"",` +
			`"disabled_at":"2026-01-02T03:04:05Z"}`,
		"requests": `{"client_id":"web","redirect_uri":"u","state":"s","nonce":"n","scopes":["openid"],"claims":{"userinfo":["name"]},"code_challenge":"c","response_mode":"query",` +
			`"ask":{"purpose":"","channel":"","journey":""},"silent":true,"hint_subject":"h","login_hint":"l","ui_locales":["nl"]}`,
		"journeys": `{"ask":{"purpose":"sign-in","channel":"browser","journey":"j","again":true,"choose":true,"max_age":3600000000000,"acr":["a"],"least":["b"]},` +
			`"account":"a","proofs":[{"method":"totp","use":"second","kinds":2,"amr":["otp"],"credential":"c","at":"2026-01-02T03:04:05Z","journey":"j","issuer":"i"}],` +
			`"failures":1,"switch":true,"anew":true,"denied":true,"party":"web","request":"r","return_to":"/","hint":"h","locale":"nl","scratch":` + string(scratch) + `}`,
	} {
		var got string
		if err := db.SQL().QueryRowContext(t.Context(), "SELECT body FROM "+table).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%s:\n got %s\nwant %s", table, got, want)
		}
	}
}
