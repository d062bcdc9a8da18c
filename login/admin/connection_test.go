package admin

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/idptest/filled"
	"github.com/minddistrict/idp/platform"
)

// Whatever a connection holds, its pages have of its protocol nothing but whose answers are taken, and nothing that is
// sealed.
func TestPagesOfAConnectionHaveNoSecrets(t *testing.T) {
	var c federation.Connection
	filled.Fill(reflect.ValueOf(&c).Elem())
	shown := map[string]bool{"Issuer": true, "EntityID": true}
	hidden := []string{"geheim", "sleutel"}
	c.Secret, c.Keys = []byte("geheim"), []byte("sleutel")
	for _, of := range []any{&c.OIDC, &c.SAML} {
		v := reflect.ValueOf(of).Elem()
		for i := range v.NumField() {
			if name := v.Type().Field(i).Name; v.Field(i).Kind() == reflect.String && !shown[name] {
				v.Field(i).SetString("hidden " + name)
				hidden = append(hidden, "hidden "+name)
			}
		}
	}
	if len(hidden) < 8 {
		t.Fatalf("only %q", hidden)
	}
	page := connectionPage(&c)
	page.ConnectionLine = lineOf(&c, "")
	page.Confirmed = confirmedOf(&c, Named{})
	text, err := json.Marshal(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range hidden {
		if strings.Contains(string(text), word) {
			t.Errorf("%q is on the page: %s", word, text)
		}
	}
	if !strings.Contains(string(text), c.OIDC.Issuer) {
		t.Errorf("the page does not say whose answers are taken: %s", text)
	}
}

// How a connection stands: off is said before anything else.
func TestStateOfAConnection(t *testing.T) {
	confirmed := &federation.Baseline{At: time.Unix(1, 0)}
	for _, row := range []struct {
		disabled          bool
		baseline          *federation.Baseline
		state, tone, mark string
	}{
		{false, confirmed, "staff.connection_on", "on", "done"},
		{false, nil, "staff.connection_unconfirmed", "warn", "warning"},
		{true, confirmed, "staff.connection_off", "", "stopped"},
		{true, nil, "staff.connection_off", "", "stopped"},
	} {
		c := &federation.Connection{Disabled: row.disabled, Baseline: row.baseline}
		if state, tone := connectionState(c); state != row.state || tone != row.tone {
			t.Errorf("%t, %v: %s %s, want %s %s", row.disabled, row.baseline, state, tone, row.state, row.tone)
		}
		if says := connectionSays(c); says.Key != row.state+"_what" || says.Tone != row.mark {
			t.Errorf("%t, %v: says %v", row.disabled, row.baseline, says)
		}
	}
}

// What the page says of each value is what federation.Contract counts it for.
func TestContractIsSaidAsItCounts(t *testing.T) {
	for _, preset := range append(federation.Presets(), federation.NoPreset) {
		for _, counts := range []bool{true, false} {
			c := &federation.Connection{Contract: federation.Contract{Preset: preset, Counts: counts, Rows: []federation.ContractRow{
				{Claim: federation.ByAMR, Value: "hwk", ACR: authn.TwoFactor, AMR: []string{"hwk"}}, {Claim: federation.ByACR, Value: "weak", ACR: authn.OneFactor},
			}}}
			for _, row := range contractOf(c).Rows {
				a := federation.Answer{Context: []string{row.Value}, Claims: map[string]any{"amr": []any{row.Value}, "acr": row.Value, "acrs": []any{row.Value}, "authnmethodsreferences": []any{row.Value}}}
				for claim := range a.Claims {
					if claim != row.Claim {
						delete(a.Claims, claim)
					}
				}
				if row.Claim != string(federation.ByContext) {
					a.Context = nil
				}
				kinds, amr := c.Contract.Level(a, time.Unix(1, 0))
				if two := row.Counts == "staff.connection_two"; two != kinds.Two() {
					t.Errorf("%s, counts %t: %s %s is said to be %s, and is %v", preset, counts, row.Claim, row.Value, row.Counts, kinds)
				}
				if len(row.AMR) != len(amr) {
					t.Errorf("%s, counts %t: %s %s says %v, is %v", preset, counts, row.Claim, row.Value, row.AMR, amr)
				}
			}
		}
	}
}

// Of a domain it is said what is known, and by whose word.
func TestDomainsAreSaidAsTheyAreKnown(t *testing.T) {
	for d, want := range map[federation.Domain]string{
		{}: "open", {Vouched: true}: "open", {Proven: true}: "proven", {Proven: true, Vouched: true}: "vouched",
	} {
		if got := domainKey(d); got != "staff.connection_domain_"+want {
			t.Errorf("%v: %s", d, got)
		}
	}
}

// The role of whoever is new is said only where somebody new comes in.
func TestRoleOfWhoIsNewIsSaidWhereOneComesIn(t *testing.T) {
	for _, how := range []federation.JIT{federation.JITOff, federation.JITInvited, federation.JITCreate} {
		c := &federation.Connection{Access: federation.Access{JIT: how, Role: platform.Professional}}
		if a := accessOf(c); (a.Role != "") != (how == federation.JITCreate) {
			t.Errorf("%q: role %q", how, a.Role)
		}
	}
}
