package main_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/setup"
)

// A platform with a strict policy, a second file that only adds a party, and one that would weaken the first.
func TestSecondFileWeakensNothingInSilence(t *testing.T) {
	onBoth(t, func(t *testing.T, i *install) {
		i.OK("migrate")
		i.OK("apply", i.File("strict.yaml", `platforms:
  - name: linde
    issuer: `+i.issuer+`
    organisation: GGZ De Linde
    title: De Linde Online
    home_url: https://linde.example.net
    locale: en
    policy:
      second_factor: { client: optional, staff: required }
      minimum_acr: urn:minddistrict:acr:1fa
      password: { min_length: 16 }
    parties:
      - client_id: linde-web
        secret: `+clientSecret+`
        redirect_uris: [`+redirectURI+`]
    accounts:
      - { email: petra@example.org, role: professional, name: { given: Petra } }
`))
		second := i.File("second.yaml", `platforms:
  - name: linde
    parties:
      - client_id: new-app
        type: native
        redirect_uris: [net.example.linde:/callback]
    accounts:
      - email: petra@example.org
`)
		before := i.shown()
		foretold := i.OK("apply", "--dry-run", second)
		if want := "would set party linde/new-app\n    client_id: new-app\n    type: native\n"; !strings.HasPrefix(foretold, want) || strings.Count(foretold, "would set") != 1 {
			t.Errorf("a dry run says %q, want it to begin with %q", foretold, want)
		}
		i.refused(1, "party new-app", "party", "show", "new-app", "--platform", "linde")
		if out := i.OK("apply", second); out != strings.Replace(foretold, "would set", "set", 1) {
			t.Errorf("apply says %q after %q", out, foretold)
		}
		if after := i.shown(); after != before {
			t.Errorf("the platform was\n%s\nand is\n%s", before, after)
		}

		weaker := i.File("weaker.yaml", `platforms:
  - name: linde
    organisation: De Linde
    policy:
      second_factor:
        staff: off
      minimum_acr:
    accounts:
      - email: petra@example.org
      - email: anna@example.org
`)
		i.OK("account", "add", "bram@example.org", "--platform", "linde")
		r := i.Run("apply", weaker)
		for _, want := range []string{
			"line 6: platform linde: policy.second_factor.staff.demand: required → off\n",
			"line 7: platform linde: policy.minimum_acr: urn:minddistrict:acr:1fa → none\n", "--weaken",
		} {
			if !strings.Contains(r.Err, want) || r.Code != 3 || r.Out != "" {
				t.Errorf("exit %d, no %q in %s%s", r.Code, want, r.Err, r.Out)
			}
		}
		if after := i.shown(); after != before {
			t.Errorf("a refused file changed\n%s\nto\n%s", before, after)
		}
		var dry, done report
		i.read(&dry, "apply", "--dry-run", weaker)
		i.read(&done, "apply", "--weaken", weaker)
		want := []setup.Difference{
			{Item: "platform linde", Key: "organisation", Old: "GGZ De Linde", New: "De Linde", Line: 3},
			{Item: "platform linde", Key: "policy.second_factor.staff.demand", Old: "required", New: "off", Line: 6, Weaker: true},
			{Item: "platform linde", Key: "policy.minimum_acr", Old: "urn:minddistrict:acr:1fa", Line: 7, Weaker: true},
			{Item: "account linde/anna@example.org", Key: "email", New: "anna@example.org", Line: 10},
			{Item: "account linde/anna@example.org", Key: "state", New: "invited", Line: 10},
		}
		if fmt.Sprint(dry.Differences) != fmt.Sprint(want) || fmt.Sprintf("%+v", done.Differences) != fmt.Sprintf("%+v", want) {
			t.Errorf("foretold %+v\ndone %+v\nwant %+v", dry.Differences, done.Differences, want)
		}
		i.recorded("linde", "setting.weaken policy.minimum_acr: urn:minddistrict:acr:1fa → none", "setting.weaken policy.second_factor.staff.demand: required → off")
		if out := i.OK("apply", weaker); out != "Nothing to change.\n" {
			t.Errorf("again: %q", out)
		}
	})
}

// shown is what commands show of platform, party and account.
func (i *install) shown() string {
	i.t.Helper()
	return i.OK("platform", "show", "linde", "-o", "json") + i.OK("party", "show", "linde-web", "--platform", "linde", "-o", "json") +
		i.OK("account", "show", "petra@example.org", "--platform", "linde", "-o", "json")
}
