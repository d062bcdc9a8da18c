package main_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/audit"
)

// A party changes over from one secret to the next while both work; which do is asked of a server that runs.
func TestOperatorRotatesASecret(t *testing.T) {
	onBoth(t, func(t *testing.T, i *install) {
		i.setUp()
		i.serve()
		on := []string{"linde-web", "--platform", "linde"}
		rotate := append([]string{"party", "secret", "rotate"}, on...)
		works := func(says, secret string, want bool) {
			t.Helper()
			for begun := time.Now(); ; time.Sleep(50 * time.Millisecond) { // servers look at the settings every second
				r, err := http.NewRequest(http.MethodPost, i.issuer+"/introspect", strings.NewReader(url.Values{"token": {"x"}}.Encode()))
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				r.SetBasicAuth("linde-web", secret)
				res, err := http.DefaultClient.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				_ = res.Body.Close() // the status is what counts
				if got := res.StatusCode == http.StatusOK; got == want {
					return
				}
				if time.Since(begun) > 10*time.Second {
					t.Fatalf("%s: works %t, want %t", says, !want, want)
				}
			}
		}
		type said struct {
			ClientID  string `json:"client_id"`
			Platform  string
			Secret    string
			OlderEnds time.Time `json:"older_secret_ends_at"`
		}
		shown := func() (one map[string]any) {
			t.Helper()
			i.read(&one, append([]string{"party", "show"}, on...)...)
			return one
		}
		works("the one there is", clientSecret, true)
		var first said
		if i.read(&first, rotate...); len(first.Secret) != 43 || time.Until(first.OlderEnds).Round(time.Hour) != 7*24*time.Hour {
			t.Fatalf("%+v", first)
		}
		works("the new one", first.Secret, true)
		works("the one before, for a week", clientSecret, true)
		if one := shown(); one["secrets_working"] != 2.0 || one["older_secret_ends_at"] == nil || one["secrets"] != nil {
			t.Errorf("shown: %v", one)
		}
		if out := i.OK(append([]string{"party", "show"}, on...)...); !strings.Contains(out, "\nsecrets    2, the older until "+first.OlderEnds.Format(time.RFC3339)+"\n") {
			t.Errorf("shown: %s", out)
		}
		for _, file := range []string{clientSecret, first.Secret} { // either of them in the file changes nothing
			if out := i.OK("apply", i.File("again.yaml", "platforms: [{ name: linde, parties: [{ client_id: linde-web, secret: "+file+" }] }]\n")); out != "Nothing to change.\n" {
				t.Errorf("the secret in the file again: %s", out)
			}
		}
		i.refused(1, "two secrets work already: --drop-older", rotate...)
		i.refused(1, "has this secret already", append(rotate, "--secret-file", i.File("old", clientSecret))...)
		i.refused(1, "secret: 5 characters", append(rotate, "--secret-file", i.File("short", "short"))...)
		i.refused(1, "at most 90 days", append(rotate, "--keep-old", "2161h", "--drop-older")...)
		i.refused(1, "a time like", append(rotate, "--until", "tomorrow")...)
		i.refused(1, `platform "els": not found`, "party", "secret", "rotate", "linde-web", "--platform", "els")

		ownSecret := strings.Repeat("own-secret-", 4)
		ends := time.Now().Add(3 * time.Second).UTC().Truncate(time.Second).Add(time.Second)
		var second said
		if i.read(&second, append(rotate, "--secret-file", i.File("own", ownSecret+"\n"), "--until", ends.Format(time.RFC3339), "--drop-older")...); second.Secret != "" || !second.OlderEnds.Equal(ends) {
			t.Errorf("%+v", second)
		}
		works("one from a file", ownSecret, true)
		works("the first, which was dropped", clientSecret, false)
		works("the second, whose end is near", first.Secret, false)
		if time.Now().Before(ends) {
			t.Errorf("it ended before %s", ends)
		}
		if one := shown(); one["secrets_working"] != 1.0 {
			t.Errorf("shown: %v", one)
		}
		if out := i.OK(append(rotate, "--keep-old", "0s")...); !strings.HasPrefix(out, "secret   ") || !strings.HasSuffix(out, "\nthe one before works no more\n") {
			t.Errorf("%q", out)
		}
		works("the one from a file", ownSecret, false)
		if out := i.OK("apply", i.File("other.yaml", "platforms: [{ name: linde, parties: [{ client_id: linde-web, secret: "+ownSecret+" }] }]\n")); !strings.Contains(out, "secret: changed [hidden]") {
			t.Errorf("another one in the file: %s", out)
		}
		works("… takes the place of all", ownSecret, true)

		var record []string
		for _, e := range i.events("linde") {
			if e.Kind == audit.PartySecretSet {
				record = append(record, e.Party+" "+e.Reason)
			}
		}
		if want := []string{
			"linde-web the old one works no more", "linde-web the old one works until " + ends.Format(time.RFC3339), "linde-web the old one works until " + first.OlderEnds.Format(time.RFC3339),
		}; fmt.Sprint(record) != fmt.Sprint(want) {
			t.Errorf("on record: %q, want %q", record, want)
		}
	})
}
