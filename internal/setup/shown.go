package setup

import (
	"reflect"
	"slices"

	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/platform"
)

// Setting is one key of the file of `idp apply` with its value as the file would have it.
type Setting struct {
	Key   string // with those that it is below: policy.password.min_length
	Value string
}

// PlatformSettings are all settings of a platform but its logos, in the order of the file. What is not set is left out.
func PlatformSettings(p platform.Platform) []Setting { return settings(declaredPlatform(p)) }

// PartySettings are all settings of a party but its secrets.
func PartySettings(p grant.Party) []Setting { return settings(declaredParty(p)) }

func settings(declared any) []Setting {
	all := pairs{text: map[string]string{}}
	all.add("", reflect.ValueOf(declared))
	list := make([]Setting, len(all.keys))
	for i, key := range all.keys {
		list[i] = Setting{key, all.text[key]}
	}
	return slices.DeleteFunc(list, func(s Setting) bool { return s.Value == "" })
}
