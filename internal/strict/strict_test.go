package strict_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/strict"
)

type section struct {
	Name  string            `yaml:"name,omitempty" null:"it is required"`
	After time.Duration     `yaml:"after"`
	From  time.Time         `yaml:"from"`
	On    *bool             `yaml:"on"`
	Most  int               `yaml:"most"`
	Hosts []string          `yaml:"hosts"`
	Texts map[string]string `yaml:"texts"`
}

type file struct {
	First  section   `yaml:"first"`
	Second section   `yaml:"second"`
	List   []section `yaml:"list"`
}

// wrong lists the mistakes of a text, each with its line and key.
func wrong(t *testing.T, text string) string {
	t.Helper()
	root, err := strict.Document([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, key := range strict.Keys(root, reflect.TypeFor[file]()) {
		if key.Err == nil {
			continue
		}
		if !errors.Is(key.Err, fault.Invalid) {
			t.Errorf("%v is not fault.Invalid", key.Err)
		}
		all = append(all, fmt.Sprintf("%d %s: %s", key.Line, key.Path, strings.TrimPrefix(key.Err.Error(), "invalid: ")))
	}
	return strings.Join(all, "\n")
}

const keys = "name, after, from, on, most, hosts, texts"

func TestMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"first: {name: x, after: 5m, from: 2027-01-31, on: true, most: 3, hosts: [a], texts: {nl: x}}\nlist: []\nsecond:\n": "",
		"first:\n  name: x\n  nam: hunter2\n":                "3 first.nam: unknown; first has " + keys,
		"third: {}":                                          "1 third: unknown; the file has first, second, list",
		"first: {}\nsecond: {}\nfirst: {}\n":                 "3 first: there already on line 1",
		"- first":                                            "1 : keys with values: first, second, list",
		"first: hunter2":                                     "1 first: keys with values: " + keys,
		"list:\n- hunter2\n- {most: 1}\n":                    "2 list: keys with values: " + keys,
		"list: {most: 1}":                                    "1 list: a list",
		"first: {name: }":                                    "1 first.name: cannot be reset: it is required",
		"first: {after: 5}":                                  "1 first.after: a number with its unit, such as 20s, 30m or 12h",
		"first: {from: soon}":                                "1 first.from: a moment, such as 2027-01-31 or 2027-01-31T09:00:00+01:00",
		"first: {on: perhaps}":                               "1 first.on: true or false",
		"first:\n  hosts:\n  - a\n  - {b: c}\n  - [d]\n":     "4 first.hosts: a text\n5 first.hosts: a text",
		"first: {texts: [nl]}":                               "1 first.texts: keys with values",
		"first: {texts: {nl: [x]}}":                          "1 first.texts: a text",
		"first: {most: many, name: [x]}":                     "1 first.most: a whole number\n1 first.name: a text",
		"first: &a {most: many}\nsecond: *a\n":               "1 first.most: a whole number\n1 second.most: a whole number",
		"first: &a {most: 1}\nlist:\n- {<<: *a, nam: x}\n":   "3 list.nam: unknown; list has " + keys,
		"list:\n- &a {most: many}\n- *a\n- {<<: [*a, *a]}\n": "2 list.most: a whole number",
		"list:\n- {<<: hunter2}\n":                           "2 list: keys with values: " + keys,
	} {
		if got := wrong(t, text); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", text, got, want)
		}
	}
}

// A reader that takes the values in their order has what the decoder would have.
func TestTheMappingsOwnKeyComesLast(t *testing.T) {
	root, err := strict.Document([]byte("first: {most: 1, <<: [{most: 2, name: a}, {most: 3, name: b}]}"))
	if err != nil {
		t.Fatal(err)
	}
	last := map[string]string{}
	for _, key := range strict.Keys(root, reflect.TypeFor[file]()) {
		last[key.Path] = key.Value.Value
	}
	if last["first.most"] != "1" || last["first.name"] != "a" {
		t.Errorf("got %v", last)
	}
}

func TestDocument(t *testing.T) {
	for text, want := range map[string]string{
		"": "<nil>", "# nothing\n": "<nil>", "a: 1\n---\nb: 1\n": "invalid: more than one document", "a: {": "invalid: yaml: line 1",
	} {
		if _, err := strict.Document([]byte(text)); !strings.HasPrefix(fmt.Sprint(err), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// An alias of aliases of aliases has billions of entries, which nobody may wait for.
func TestAliasesCostNothing(t *testing.T) {
	text := "list:\n- &l0 {most: many, nam: x}\n"
	for i := 1; i < 12; i++ {
		text += fmt.Sprintf("- {<<: &l%d [%s]}\n", i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*l%d, ", i-1), 12), ", "))
	}
	if got := strings.Count(wrong(t, text), "many") + strings.Count(wrong(t, text), "whole number"); got != 1 {
		t.Errorf("%d complaints of one value", got)
	}
}

func FuzzKeys(f *testing.F) {
	f.Add("first: {most: 1, <<: {name: x}}\nlist: [*a]")
	f.Add("a: &a [*a]")
	f.Fuzz(func(t *testing.T, text string) {
		root, err := strict.Document([]byte(text))
		if err != nil || root == nil {
			return
		}
		for _, key := range strict.Keys(root, reflect.TypeFor[file]()) {
			if key.Err == nil && key.Value == nil {
				t.Errorf("%q: %s is neither read nor refused", text, key.Path)
			}
		}
	})
}
