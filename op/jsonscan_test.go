package op

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/fault"
)

func encoded(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func TestMembersAreReadOnceAndWhole(t *testing.T) {
	for text, want := range map[string]map[string]string{
		`{}`:                                     {},
		` { "a" : "x" , "b":[1, {"a":2}] } `:     {"a": `"x"`, "b": `[1, {"a":2}]`},
		`{"a":null,"b":{"c":{"c":1}},"c":1e400}`: {"a": `null`, "b": `{"c":{"c":1}}`, "c": `1e400`},
		`{"\u0061":1,"A":2}`:                     {"a": `1`, "A": `2`},
		`{"a":1,"a":2}`:                          nil,
		`{"a":1,"\u0061":2}`:                     nil,
		`{"a":{"b":1,"b":2}}`:                    nil,
		`{"a":[{"b":{}},{"b":1,"b":2}]}`:         nil,
		`{"a":[[[{"b":1,"b":[]}]]]}`:             nil,
		`{"a":1}{"b":1}`:                         nil,
		`{"a":1} x`:                              nil,
		`{"a":1}]`:                               nil,
		`{"a":1,}`:                               nil,
		`{"a" 1}`:                                nil,
		`{a:1}`:                                  nil,
		`{"a":}`:                                 nil,
		`{"a":01}`:                               nil,
		`{"a":"` + "\n" + `"}`:                   nil,
		`{"a":[1}`:                               nil,
		`{"a":1`:                                 nil,
		`{1:1}`:                                  nil,
		`{null:1}`:                               nil,
		`[]`:                                     nil,
		`[{"a":1}]`:                              nil,
		`null`:                                   nil,
		`"a"`:                                    nil,
		`1`:                                      nil,
		``:                                       nil,
		`{"a":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`: nil,
	} {
		shown := text[:min(len(text), 60)]
		got, err := readMembers(encoded(text))
		if want == nil {
			if !errors.Is(err, fault.Invalid) || got != nil {
				t.Errorf("%s: %s, %v", shown, got, err)
			}
			continue
		}
		if err != nil || len(got) != len(want) {
			t.Errorf("%s: %s, %v", shown, got, err)
		}
		for name, value := range want {
			if string(got[name]) != value {
				t.Errorf("%s: %s is %s", shown, name, got[name])
			}
		}
	}
}

// What is read is what encoding/json reads, of all that has no member twice.
func FuzzMembers(f *testing.F) {
	for _, text := range []string{
		`{}`, `{"a":"\"}","b":[{"c":-1.5e3},true,null]}`, `{"a":1,"\u0061":2}`, `{"a\ud800":1,"a\ufffd":2}`, "{\"\xff\":1,\"\ufffd\":2}",
		`{"a":{"b":[{"c":1,"c":2}]}}`, `{"a":1}{"a":2}`, ` { "a" : [ ] , "b" : { } } `, `[]`, `null`, `{"a":"\\"}`, `{"":{"":{"":1}}}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := readMembers(encoded(text))
		var want map[string]json.RawMessage
		if json.Unmarshal([]byte(text), &want) != nil || !oncePerToken([]byte(text)) {
			want = nil
		}
		if (err == nil) != (want != nil) || !maps.EqualFunc(got, want, func(a, b json.RawMessage) bool { return bytes.Equal(a, b) }) {
			t.Fatalf("%q: %s, %v; want %s", text, got, err, want)
		}
	})
}

// oncePerToken tells, by the tokens of encoding/json, whether no object has two members of one name.
func oncePerToken(text []byte) bool {
	type object struct {
		names map[string]bool // nil: an array
		value bool            // what comes next is the value of a member
	}
	var open []object
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	for {
		token, err := d.Token()
		if err != nil {
			return errors.Is(err, io.EOF) && len(open) == 0
		}
		if name, ok := token.(string); ok && len(open) > 0 {
			if o := &open[len(open)-1]; o.names != nil && !o.value {
				if o.names[name] {
					return false
				}
				o.names[name], o.value = true, true
				continue
			}
		}
		switch token {
		case json.Delim('{'):
			open = append(open, object{names: map[string]bool{}})
			continue
		case json.Delim('['):
			open = append(open, object{})
			continue
		case json.Delim('}'), json.Delim(']'):
			open = open[:len(open)-1]
		}
		if len(open) > 0 {
			open[len(open)-1].value = false
		}
	}
}
