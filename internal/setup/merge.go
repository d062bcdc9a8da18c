package setup

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/strict"
)

// entry is one key of a mapping with its value.
type entry struct{ key, value *yaml.Node }

// entries are the keys of a mapping in their order, those that "<<" takes over last. Of a key that is there more than
// once the mapping's own counts, then the first that is taken over.
func entries(n *yaml.Node) []entry {
	var own, taken []entry
	n = strict.Resolve(n)
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case key.ShortTag() != "!!merge":
			own = append(own, entry{key, value})
		case strict.Resolve(value).Kind == yaml.SequenceNode:
			for _, from := range strict.Resolve(value).Content {
				taken = append(taken, entries(from)...)
			}
		default:
			taken = append(taken, entries(value)...)
		}
	}
	for _, e := range taken {
		if !slices.ContainsFunc(own, func(o entry) bool { return o.key.Value == e.key.Value }) {
			own = append(own, e)
		}
	}
	return own
}

// merge puts what a mapping of the file says in its place in a declaration: mappings key by key, at every depth, lists
// and scalars whole. A key that is empty or null gets the value of defaults. It returns which keys were mentioned, as
// paths such as "policy.remember.client.fixed". What the file does not mention stays as it is in into.
func merge[T any](n *yaml.Node, into *T, defaults T) (said map[string]bool, err error) {
	said = map[string]bool{}
	err = mergeStruct(said, "", n, reflect.ValueOf(into).Elem(), reflect.ValueOf(defaults))
	return said, err
}

func mergeStruct(said map[string]bool, path string, n *yaml.Node, into, defaults reflect.Value) error {
	keys := strict.KeysOf(into.Type())
	for _, e := range entries(n) {
		at := slices.Index(keys, e.key.Value)
		if at < 0 || declared(into.Type().Field(at).Type) {
			continue
		}
		if err := mergeValue(said, joined(path, e.key.Value), strict.Resolve(e.value), into.Field(at), defaults.Field(at)); err != nil {
			return err
		}
	}
	return nil
}

// declared reports whether a type lists declarations of their own.
func declared(t reflect.Type) bool {
	return slices.Contains([]reflect.Type{reflect.TypeFor[[]Party](), reflect.TypeFor[[]Connection](), reflect.TypeFor[[]Account]()}, t)
}

func joined(path, key string) string { return strings.TrimPrefix(path+"."+key, ".") }

func mergeValue(said map[string]bool, path string, n *yaml.Node, into, defaults reflect.Value) error {
	said[path] = true
	t := into.Type()
	inner := t
	if t.Kind() == reflect.Pointer {
		inner = t.Elem()
	}
	switch {
	case n.ShortTag() == "!!null":
		into.Set(defaults)
	case inner.Kind() == reflect.Struct && n.Kind == yaml.MappingNode && t.Kind() == reflect.Pointer:
		// A copy: what the pointer led to may be somebody else's.
		have, usual := reflect.New(inner), reflect.New(inner)
		if !into.IsNil() {
			have.Elem().Set(into.Elem())
		}
		if !defaults.IsNil() {
			usual = defaults
		}
		into.Set(have)
		return mergeStruct(said, path, n, have.Elem(), usual.Elem())
	case inner.Kind() == reflect.Struct && n.Kind == yaml.MappingNode:
		return mergeStruct(said, path, n, into, defaults)
	case t.Kind() == reflect.Map:
		return mergeMap(said, path, n, into)
	default:
		value := reflect.New(t)
		if err := n.Decode(value.Interface()); err != nil {
			return fmt.Errorf("%w: line %d: %w", fault.Invalid, n.Line, err) // Parse read it already
		}
		into.Set(value.Elem())
	}
	return nil
}

// mergeMap merges a mapping whose keys are the organisation's own names. None of them has a default, so null takes it
// away.
func mergeMap(said map[string]bool, path string, n *yaml.Node, into reflect.Value) error {
	merged := reflect.MakeMap(into.Type())
	for _, key := range into.MapKeys() {
		merged.SetMapIndex(key, into.MapIndex(key))
	}
	for _, e := range entries(n) {
		key, value := reflect.ValueOf(e.key.Value), strict.Resolve(e.value)
		if value.ShortTag() == "!!null" {
			merged.SetMapIndex(key, reflect.Value{})
			continue
		}
		have := reflect.New(into.Type().Elem()).Elem()
		if old := merged.MapIndex(key); old.IsValid() {
			have.Set(old)
		}
		if err := mergeValue(said, joined(path, e.key.Value), value, have, reflect.Zero(have.Type())); err != nil {
			return err
		}
		merged.SetMapIndex(key, have)
	}
	into.Set(merged)
	return nil
}
