package admin_test

import (
	"testing"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/internal/wire"
	"github.com/minddistrict/idp/login"
)

// Whatever somebody waits for has words in every language, and so has what keeps somebody out.
func TestEveryWaitHasWords(t *testing.T) {
	texts := wire.UI()
	for _, w := range []authn.WaitFor{authn.WaitPassword, authn.WaitCodes, authn.WaitRecovery, authn.WaitReset, authn.WaitUnblock} {
		keys := []string{"staff.wait_" + string(w), "staff.finding_wait_" + string(w)}
		for _, key := range keys {
			for _, lang := range login.Languages() {
				if text := texts.Text(lang.Code, key); text == "" || text == key {
					t.Errorf("%s has no text in %s", key, lang.Name)
				}
			}
		}
	}
}
