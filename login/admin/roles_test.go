package admin_test

import (
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/wire"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
)

// The page of roles says every right in words, in every language, and so it does every role and every answer.
func TestEveryRightHasWords(t *testing.T) {
	texts := wire.UI()
	var keys []string
	key := func(prefix, word string) {
		keys = append(keys, "staff."+prefix+"_"+strings.NewReplacer(" ", "_", "-", "_").Replace(word))
	}
	for _, r := range staff.Rights() {
		key("act", string(r.Act))
		for _, held := range []string{string(r.Helpdesk), string(r.Manager), string(r.Professional)} {
			if held != "" {
				key("held", held)
			}
		}
	}
	for _, role := range platform.Roles {
		key("role", string(role))
	}
	for _, lang := range login.Languages() {
		for _, key := range keys {
			if text := texts.Text(lang.Code, key); text == "" || text == key {
				t.Errorf("%s has no text in %s", key, lang.Name)
			}
		}
	}
	said := 0
	for _, key := range texts.Keys() {
		if strings.HasPrefix(key, "staff.act_") {
			said++
		}
	}
	if said != len(staff.Rights()) {
		t.Errorf("%d acts have words, %d rights there are", said, len(staff.Rights()))
	}
}
