// Package strict reads YAML of which nothing may be overlooked: the configuration, and the file of `idp apply`.
//
// A text is one document (Document). Its keys are compared with the structs that it is read into (Keys): a key that is
// unknown or there twice, and a value of another type, is a mistake with its line, and all of them are told at once.
// The decoder's own messages show Go types and the beginning of values, which may be secrets; those of this package
// show neither.
//
// Aliases and merge keys ("<<") are followed. An empty value is null, which any key may have unless the tag `null` of
// its field says why not.
package strict

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/minddistrict/idp/internal/fault"
)

// Document is the root of a text's one document; nil: the text says nothing.
func Document(text []byte) (*yaml.Node, error) {
	var document yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(&document); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("%w: %w", fault.Invalid, err)
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: more than one document", fault.Invalid)
	}
	return document.Content[0], nil
}

// Key is one key of a document, or a mistake.
type Key struct {
	Path  string     // with the keys that it is below: policy.idle_after; empty: the document
	Line  int        // of the key, or of the entry of a list
	Value *yaml.Node // nil: a key that may not be there
	Err   error      // what is wrong, and what is allowed; nil: nothing
}

// Name is the key without those that it is below.
func (k Key) Name() string { return section(k.Path[strings.LastIndexByte(k.Path, '.')+1:]) }

// Keys compares a document with the struct that it is read into, and lists its keys and its mistakes. Where a mapping
// has a key and "<<" takes it over too, the mapping's own comes last.
func Keys(root *yaml.Node, into reflect.Type) []Key {
	r := reader{seen: map[visit]bool{}}
	r.value(root.Line, "", root, into)
	return r.keys
}

type reader struct {
	seen map[visit]bool // an alias is read once for each path, so that aliases of aliases cost nothing
	keys []Key
}

type visit struct {
	node *yaml.Node
	path string
}

func (r *reader) refuse(line int, path string, value *yaml.Node, format string, args ...any) {
	r.keys = append(r.keys, Key{path, line, value, fmt.Errorf("%w: "+format, append([]any{fault.Invalid}, args...)...)})
}

// value reads one value, whose key or place in a list is on a line.
func (r *reader) value(line int, path string, n *yaml.Node, into reflect.Type) {
	n = Resolve(n)
	if into.Kind() == reflect.Pointer {
		into = into.Elem()
	}
	if n.ShortTag() == "!!null" || r.seen[visit{n, path}] {
		return
	}
	r.seen[visit{n, path}] = true
	readsItself := reflect.PointerTo(into).Implements(reflect.TypeFor[yaml.Unmarshaler]())
	switch {
	case into.Kind() == reflect.Struct && into != reflect.TypeFor[time.Time]() && !(readsItself && n.Kind == yaml.ScalarNode):
		r.section(line, path, n, into)
	case into.Kind() == reflect.Slice && n.Kind == yaml.SequenceNode:
		for _, item := range n.Content {
			r.value(item.Line, path, item, into.Elem())
		}
	case into.Kind() == reflect.Map && n.Kind == yaml.MappingNode:
		for i := 1; i < len(n.Content); i += 2 {
			r.value(n.Content[i-1].Line, path, n.Content[i], into.Elem())
		}
	case n.Kind != yaml.ScalarNode && !readsItself || n.Decode(reflect.New(into).Interface()) != nil:
		r.refuse(line, path, n, "%s", Allowed(into))
	}
}

func (r *reader) section(line int, path string, n *yaml.Node, into reflect.Type) {
	if n.Kind != yaml.MappingNode {
		r.refuse(line, path, n, "keys with values: %s", strings.Join(KeysOf(into), ", "))
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if key := n.Content[i]; key.ShortTag() == "!!merge" {
			r.merged(key.Line, path, Resolve(n.Content[i+1]), into)
		}
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		at, below := slices.Index(KeysOf(into), key.Value), strings.TrimPrefix(path+"."+key.Value, ".")
		switch {
		case key.ShortTag() == "!!merge":
		case seen[key.Value] > 0:
			r.refuse(key.Line, below, nil, "there already on line %d", seen[key.Value])
		case at < 0:
			r.refuse(key.Line, below, nil, "unknown; %s has %s", Key{Path: path}.Name(), strings.Join(KeysOf(into), ", "))
		case Resolve(value).ShortTag() == "!!null" && into.Field(at).Tag.Get("null") != "":
			r.refuse(key.Line, below, nil, "cannot be reset: %s", into.Field(at).Tag.Get("null"))
		default:
			before := len(r.keys)
			r.value(key.Line, below, value, into.Field(at).Type)
			if !slices.ContainsFunc(r.keys[before:], func(k Key) bool { return k.Path == below }) {
				r.keys = append(r.keys, Key{below, key.Line, value, nil})
			}
		}
		seen[key.Value] = key.Line
	}
}

// merged reads what "<<" takes over: one mapping, or a list of them, of which the first counts most.
func (r *reader) merged(line int, path string, n *yaml.Node, into reflect.Type) {
	if n.Kind != yaml.SequenceNode {
		r.value(line, path, n, into)
		return
	}
	for _, item := range slices.Backward(n.Content) {
		r.value(item.Line, path, item, into)
	}
}

func section(key string) string {
	if key == "" {
		return "the file"
	}
	return key
}

// Resolve follows an alias.
func Resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// KeysOf lists the keys of a struct by the index of their fields. Fields without a key come after them.
func KeysOf(into reflect.Type) []string {
	var keys []string
	for field := range into.Fields() {
		if key, _, _ := strings.Cut(field.Tag.Get("yaml"), ","); key != "" {
			keys = append(keys, key)
		}
	}
	return keys
}

// Allowed says in words what a value of a type is. A type that reads itself may have words of its own.
func Allowed(into reflect.Type) string {
	if own, ok := reflect.Zero(into).Interface().(interface{ Allowed() string }); ok {
		return own.Allowed()
	}
	switch {
	case into == reflect.TypeFor[time.Duration]():
		return "a number with its unit, such as 20s, 30m or 12h"
	case into == reflect.TypeFor[time.Time]():
		return "a moment, such as 2027-01-31 or 2027-01-31T09:00:00+01:00"
	case into.Kind() == reflect.Slice:
		return "a list"
	case into.Kind() == reflect.Map:
		return "keys with values"
	case into.Kind() == reflect.Bool:
		return "true or false"
	case into.Kind() == reflect.Int:
		return "a whole number"
	}
	return "a text"
}
