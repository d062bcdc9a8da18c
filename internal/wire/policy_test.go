package wire_test

import (
	"reflect"
	"testing"

	"github.com/minddistrict/idp/internal/wire"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/platform"
)

// What a platform has that says nothing: what the setup file promises, and what a factor adds.
func TestDefaultPolicyHasWhatFactorsAdd(t *testing.T) {
	want := platform.DefaultPolicy()
	want.CodeMethods, want.SMSCountries, want.SMSPerDay = []string{"totp", "sms"}, []string{"NL", "BE", "DE", "GB"}, 2000
	if got := wire.DefaultPolicy(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	if err := want.Validate(); err != nil {
		t.Error(err)
	}
	want.CodeMethods = append(want.CodeMethods, "pretend")
	add := func(p *platform.Policy) { p.CodeMethods = append(p.CodeMethods, "pretend") }
	if got := wire.DefaultPolicy(login.Factor{Method: "pretend", Policy: add}); !reflect.DeepEqual(got, want) {
		t.Errorf("with another factor: got %+v\nwant %+v", got, want)
	}
}
