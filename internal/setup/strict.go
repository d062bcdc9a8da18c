package setup

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/minddistrict/idp/internal/fault"
)

// checkShape compares a document with the structs it is read into: all complaints at once, each with line, key and what
// is allowed. The decoder's own messages show Go types and the beginning of values, which may be secrets.
func checkShape(root *yaml.Node, into any) error {
	c := checker{seen: map[visit]bool{}}
	c.value(root.Line, "", root, reflect.TypeOf(into).Elem())
	return errors.Join(c.wrong...)
}

type checker struct {
	seen  map[visit]bool // an alias is checked where it is first used, so that aliases of aliases cost nothing
	wrong []error
}

type visit struct {
	node *yaml.Node
	into reflect.Type
}

func (c *checker) refuse(line int, key, format string, args ...any) {
	c.wrong = append(c.wrong, fmt.Errorf("line %d: %s: %w: "+format, append([]any{line, section(key), fault.Invalid}, args...)...))
}

// value checks one value, whose key or place in a list is on a line. An empty one is null, which resets the key.
func (c *checker) value(line int, key string, n *yaml.Node, into reflect.Type) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if into.Kind() == reflect.Pointer {
		into = into.Elem()
	}
	if n.ShortTag() == "!!null" || c.seen[visit{n, into}] {
		return
	}
	c.seen[visit{n, into}] = true
	switch {
	case (into == reflect.TypeFor[SecondFactor]() || into == reflect.TypeFor[Domain]()) && n.Kind == yaml.ScalarNode: // its short form
	case into == reflect.TypeFor[KeySet](): // JSON, which grant.ParseKeys reads
		if err := n.Decode(new(KeySet)); err != nil {
			c.refuse(line, key, "a JSON Web Key Set")
		}
	case into.Kind() == reflect.Struct && into != reflect.TypeFor[time.Time]():
		c.section(line, key, n, into)
	case into.Kind() == reflect.Slice && n.Kind == yaml.SequenceNode:
		for _, item := range n.Content {
			c.value(item.Line, key, item, into.Elem())
		}
	case into.Kind() == reflect.Map && n.Kind == yaml.MappingNode:
		for i := 1; i < len(n.Content); i += 2 {
			c.value(n.Content[i-1].Line, key, n.Content[i], into.Elem())
		}
	case n.Kind != yaml.ScalarNode || n.Decode(reflect.New(into).Interface()) != nil:
		c.refuse(line, key, "%s", allowed(into))
	}
}

func (c *checker) section(line int, name string, n *yaml.Node, into reflect.Type) {
	if n.Kind != yaml.MappingNode {
		c.refuse(line, name, "keys with values: %s", strings.Join(keysOf(into), ", "))
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		at := slices.Index(keysOf(into), key.Value)
		switch {
		case key.ShortTag() == "!!merge":
			c.merged(key.Line, name, value, into)
		case seen[key.Value] > 0:
			c.refuse(key.Line, key.Value, "there already on line %d", seen[key.Value])
		case at < 0:
			c.refuse(key.Line, key.Value, "unknown; %s has %s", section(name), strings.Join(keysOf(into), ", "))
		case resolve(value).ShortTag() == "!!null" && into.Field(at).Tag.Get("null") != "":
			c.refuse(key.Line, key.Value, "cannot be reset: %s", into.Field(at).Tag.Get("null"))
		default:
			c.value(key.Line, key.Value, value, into.Field(at).Type)
		}
		seen[key.Value] = key.Line
	}
}

// merged checks what "<<" takes over: one mapping, or a list of them.
func (c *checker) merged(line int, name string, n *yaml.Node, into reflect.Type) {
	if n.Kind == yaml.SequenceNode {
		for _, item := range n.Content {
			c.value(item.Line, name, item, into)
		}
		return
	}
	c.value(line, name, n, into)
}

func section(key string) string {
	if key == "" {
		return "the file"
	}
	return key
}

// keysOf lists the keys of a struct, in the order of its fields.
func keysOf(into reflect.Type) []string {
	keys := make([]string, into.NumField())
	for i := range keys {
		keys[i], _, _ = strings.Cut(into.Field(i).Tag.Get("yaml"), ",")
	}
	return keys
}

// allowed says in words what a key takes.
func allowed(into reflect.Type) string {
	switch {
	case into == reflect.TypeFor[time.Duration]():
		return "a number with its unit, such as 12h or 30m"
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
