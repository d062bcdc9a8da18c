package main_test

import (
	"strings"
	"testing"
)

const publicKeys = `{ "keys": [ {"use":"sig","kty":"EC","kid":"2026-11","crv":"P-256","alg":"ES256",
  "x":"SqRobLQ21Gq90Lv6bXpLaQG0R_qxoGhna5SnQLMw9Hc","y":"kVnD3b4Qx7lMUlAj1y5_wl6yDMe6lSAK_RBZIsAo8g8"} ] }
`

// A registration is compared with what it is held to, or could be; a pipeline tells by the exit code.
func TestOperatorChecksAParty(t *testing.T) {
	onBoth(t, func(t *testing.T, i *install) {
		i.setUp()
		keys := i.File("keys.json", publicKeys)
		add := func(id string, more ...string) []string {
			return append([]string{"party", "add", id, "--platform", "linde", "--redirect-uri", "https://insurer.example.net/callback", "--auth", "private_key_jwt"}, more...)
		}
		i.refused(1, "jwks is missing", add("x")...)
		i.refused(1, "jwks_uri: there are jwks already", add("x", "--jwks-file", keys, "--jwks-uri", "https://insurer.example.net/keys")...)
		i.refused(1, "no such file", add("x", "--jwks-file", "nowhere.json")...)
		i.refused(1, "broken.json is not JSON", add("x", "--jwks-file", i.File("broken.json", "keys"))...)
		i.refused(1, "id_token_alg: profile fapi2 wants otherwise", add("x", "--jwks-file", keys, "--profile", "fapi2")...)
		i.refused(1, `profile "fapi1"`, add("x", "--jwks-file", keys, "--profile", "fapi1")...)
		i.OK(add("insurer", "--jwks-file", keys, "--profile", "fapi2_message_signing", "--id-token-alg", "ES256")...)
		i.OK(add("elsewhere", "--jwks-uri", "https://insurer.example.net/keys")...)

		type checked struct {
			ClientID     string `json:"client_id"`
			Platform     string
			Profile      string
			ComparedWith string `json:"compared_with"`
			Conforms     bool
			Rules        []struct {
				Rule, Key string
				Kept      bool
			}
		}
		var c checked
		if i.read(&c, "party", "check", "insurer", "--platform", "linde"); !c.Conforms || c.Profile != "fapi2_message_signing" || c.ComparedWith != c.Profile || len(c.Rules) != 8 {
			t.Errorf("%+v", c)
		}
		if out := i.OK("party", "check", "insurer", "--platform", "linde"); strings.Contains(out, "BROKEN") || strings.Count(out, "\nkept ") != 8 {
			t.Errorf("%s", out)
		}
		for party, broken := range map[string]string{"linde-web": "profile auth", "elsewhere": "profile id_token_alg"} {
			r := i.Run("party", "check", party, "--platform", "linde")
			var got []string
			for line := range strings.Lines(r.Out) {
				if fields := strings.Fields(line); fields[0] == "BROKEN" {
					got = append(got, fields[1])
				}
			}
			if r.Code != 3 || r.Err != "idp: party "+party+" falls short of fapi2\n" || strings.Join(got, " ") != broken {
				t.Errorf("%s: exit %d, %v, want %s: %s%s", party, r.Code, got, broken, r.Out, r.Err)
			}
		}
		i.refused(1, "not found", "party", "check", "nobody", "--platform", "linde")
	})
}
