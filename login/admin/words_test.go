package admin_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/internal/wire"
	"github.com/minddistrict/idp/login"
)

// Every kind of event has a sentence in every language, and there is none for a kind that there is not.
func TestEveryKindOfEventHasWords(t *testing.T) {
	texts := wire.UI()
	var want []string
	for _, kind := range audit.Kinds() {
		want = append(want, "staff.kind_"+strings.ReplaceAll(string(kind), ".", "_"))
	}
	got := slices.DeleteFunc(texts.Keys(), func(key string) bool { return !strings.HasPrefix(key, "staff.kind_") })
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("texts of kinds:\n%q, want\n%q", got, want)
	}
	empty := regexp.MustCompile(`^\s*$`)
	for _, lang := range login.Languages() {
		for _, key := range got {
			if empty.MatchString(texts.Text(lang.Code, key)) {
				t.Errorf("%s has no text in %s", key, lang.Name)
			}
		}
	}
}
