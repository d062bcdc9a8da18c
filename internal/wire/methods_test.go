package wire_test

import (
	"testing"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/idptest/pretend"
	"github.com/minddistrict/idp/internal/wire"
	"github.com/minddistrict/idp/login"
)

// TestEveryMethodHasItsText holds that the page of past logins leaves out no step of one.
func TestEveryMethodHasItsText(t *testing.T) {
	methods := []string{login.MethodLink, login.MethodRemembered, authn.MailCode}
	for _, f := range wire.Factors(pretend.Factor(nil)) {
		methods = append(methods, f.Method)
	}
	texts := wire.UI(pretend.Factor(nil))
	for _, method := range methods {
		key := texts.MethodKey(method)
		if key == "" {
			t.Errorf("%s has no text on the page of past logins", method)
			continue
		}
		for _, lang := range []string{"nl", "en"} {
			if text := texts.Text(lang, key); text == "" || text == key {
				t.Errorf("%s in %s: %q", method, lang, text)
			}
		}
	}
}
