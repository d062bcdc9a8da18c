package setup

import (
	"bytes"
	"cmp"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/minddistrict/idp/internal/strict"
)

// Difference is one key whose value changes. Values are written as in the file; those that are secret are [hidden].
type Difference struct {
	Item   string `json:"item"`             // "platform linde", "party linde/linde-web", "account linde/anna@example.org"
	Key    string `json:"key"`              // such as policy.second_factor.staff.demand
	Old    string `json:"old,omitempty"`    // empty: there was none
	New    string `json:"new,omitempty"`    // empty: there is none any more
	Line   int    `json:"line,omitempty"`   // of the file; 0: there is no file
	Weaker bool   `json:"weaker,omitempty"` // it protects less than it did
}

const hidden = "[hidden]"

// String is the difference in one line: key: old → new.
func (d Difference) String() string {
	old, now := cmp.Or(d.Old, "none"), cmp.Or(d.New, "none")
	switch {
	case d.New == hidden && d.Old == hidden:
		return d.Key + ": changed " + hidden
	case d.New == hidden:
		return d.Key + ": set " + hidden
	case d.Old == "":
		return d.Key + ": " + now
	}
	return d.Key + ": " + old + " → " + now
}

// difference lists the keys in which two declarations differ, in the order of the file.
func difference[T any](was, is T) (all []Difference) {
	old, now := pairs{text: map[string]string{}}, pairs{text: map[string]string{}}
	old.add("", reflect.ValueOf(was))
	now.add("", reflect.ValueOf(is))
	for _, key := range now.keys {
		if o, n := old.text[key], now.text[key]; o != n {
			all = append(all, Difference{Key: key, Old: o, New: n})
		}
	}
	for _, key := range old.keys { // entries of mappings that are gone
		if _, there := now.text[key]; !there {
			all = append(all, Difference{Key: key, Old: old.text[key]})
		}
	}
	return all
}

// pairs are the keys of a declaration, each with its value as a text; the empty text where there is none.
type pairs struct {
	keys []string
	text map[string]string
}

func (p *pairs) add(path string, v reflect.Value) {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			v = reflect.Zero(v.Type().Elem())
			if v.Kind() != reflect.Struct {
				p.put(path, "")
				return
			}
		} else if v = v.Elem(); v.Kind() == reflect.Int64 && v.IsZero() {
			p.put(path, "0s") // said, unlike a zero that is none
			return
		}
	}
	switch {
	case declared(v.Type()):
	case v.Kind() == reflect.Struct && v.Type() != reflect.TypeFor[time.Time]():
		for i, key := range strict.KeysOf(v.Type()) {
			p.add(joined(path, key), v.Field(i))
		}
	case v.Kind() == reflect.Map:
		entries := map[string]reflect.Value{}
		for _, key := range v.MapKeys() {
			entries[key.String()] = v.MapIndex(key)
		}
		for _, key := range slices.Sorted(maps.Keys(entries)) {
			p.add(joined(path, key), entries[key])
		}
	default:
		p.put(path, textOf(v))
	}
}

func (p *pairs) put(path, text string) {
	p.keys = append(p.keys, path)
	p.text[path] = text
}

// textOf writes a value as the file would; nothing for one that is left out.
func textOf(v reflect.Value) string {
	switch v := v.Interface().(type) {
	case bool:
		return strconv.FormatBool(v)
	case int:
		return strconv.Itoa(v)
	}
	switch {
	case v.Kind() == reflect.Slice && v.Len() > 0:
		items := make([]string, v.Len())
		for i := range items {
			items[i] = textOf(v.Index(i))
		}
		return "[" + strings.Join(items, ", ") + "]"
	case v.Kind() == reflect.Struct && v.Type() != reflect.TypeFor[time.Time]():
		return textOfStruct(v)
	case v.Kind() == reflect.Slice || v.IsZero():
		return ""
	}
	switch v := v.Interface().(type) {
	case time.Duration:
		return short(v)
	case time.Time:
		return v.UTC().Format(time.RFC3339)
	}
	return printable(v.String())
}

// textOfStruct writes an item of a list as the file would: a mapping of what is not left out, or a domain by its name.
func textOfStruct(v reflect.Value) string {
	var parts []string
	for i, key := range strict.KeysOf(v.Type()) {
		if text := textOf(v.Field(i)); text != "" {
			parts = append(parts, key+": "+text)
		}
	}
	if d, ok := v.Interface().(Domain); ok && d.Proven == "" {
		return printable(d.Name)
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// short is a duration without the zeros at its end.
func short(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// printable quotes what a terminal would not show as it is: some texts come from people who sign up.
func printable(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(s)
	}
	return s
}

// fresh makes differences from the defaults those of something new: nothing was there.
func fresh(all []Difference) {
	for i := range all {
		all[i].Old = ""
	}
}

// secretDifference is that of something secret, or of what no line can show.
func secretDifference(key string, had, has bool) Difference {
	d := Difference{Key: key}
	if had {
		d.Old = hidden
	}
	if has {
		d.New = hidden
	}
	return d
}

// fileDifference is that of a value that is not shown: empty where it is the same.
func fileDifference(key string, old, now []byte) []Difference {
	if bytes.Equal(old, now) {
		return nil
	}
	return []Difference{secretDifference(key, len(old) > 0, len(now) > 0)}
}

// keyPath is a key as the file nests it.
func keyPath(key string) (path []any) {
	for part := range strings.SplitSeq(key, ".") {
		path = append(path, part)
	}
	return path
}
