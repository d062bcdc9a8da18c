package configs

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
)

//go:embed dev.yaml
var devYAML []byte

// Load reads a file, then the environment, and validates the result. An empty path means no file.
//
// Every key has a variable: hash.workers is IDP_HASH__WORKERS; items of a list are separated by commas. A secret can
// be in a file that a variable names: IDP_DATABASE_FILE. Where a variable comes twice the last one counts.
func Load(path string, environ []string) (*Config, error) {
	var data []byte
	if path != "" {
		var err error
		if data, err = os.ReadFile(path); err != nil {
			return nil, fmt.Errorf("reading configuration: %w", err)
		}
	}
	c, err := parse(data, filepath.Base(path), environ)
	if err != nil {
		return nil, err
	}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return c, nil
}

// Dev is the configuration of `idp dev`: dev.yaml of this package. It is not valid yet: the caller adds the database
// and the master key, which are in the folder that was chosen.
func Dev() (*Config, error) { return parse(devYAML, "dev.yaml", nil) }

func parse(data []byte, name string, environ []string) (*Config, error) {
	c := defaults()
	settings := c.settings()
	wrong := append(c.readFile(data, name, settings), c.readEnvironment(environ, settings)...)
	if len(wrong) == 0 {
		wrong = append(wrong, c.resolve())
	}
	if err := errors.Join(wrong...); err != nil {
		return nil, err
	}
	return c, nil
}

// setting is one value of the struct.
type setting struct {
	key    string // with its sections: hash.workers
	target reflect.Value
}

// settings lists the values of the struct in its order.
func (c *Config) settings() []setting { return settingsOf("", reflect.ValueOf(c).Elem()) }

func settingsOf(prefix string, section reflect.Value) []setting {
	var all []setting
	for field, value := range section.Fields() {
		name := field.Tag.Get("yaml")
		switch {
		case name == "":
		case value.Kind() == reflect.Struct:
			all = append(all, settingsOf(prefix+name+".", value)...)
		default:
			all = append(all, setting{prefix + name, value})
		}
	}
	return all
}

func find(all []setting, key string) (setting, bool) {
	i := slices.IndexFunc(all, func(s setting) bool { return s.key == key })
	if i < 0 {
		return setting{}, false
	}
	return all[i], true
}

// readFile takes over what a YAML document says. It goes through the document itself, so that every complaint has a
// line and none of them repeats a secret.
func (c *Config) readFile(data []byte, name string, all []setting) []error {
	var document yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(&document); errors.Is(err, io.EOF) {
		return nil
	} else if err != nil {
		return []error{fmt.Errorf("%s: %w: %w", name, fault.Invalid, err)}
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return []error{fmt.Errorf("%s: %w: more than one document", name, fault.Invalid)}
	}
	return c.readSection("", document.Content[0], name, all)
}

func (c *Config) readSection(prefix string, node *yaml.Node, name string, all []setting) (wrong []error) {
	if node.Kind == yaml.ScalarNode && node.Tag == "!!null" {
		return nil // a section of which everything is commented out
	}
	if node.Kind != yaml.MappingNode {
		return []error{fmt.Errorf("%s line %d: %s: %w: keys with values", name, node.Line, section(prefix), fault.Invalid)}
	}
	seen := map[string]bool{}
	for i := 0; i < len(node.Content); i += 2 {
		key, value := prefix+node.Content[i].Value, node.Content[i+1]
		origin := fmt.Sprintf("%s line %d", name, node.Content[i].Line)
		s, known := find(all, key)
		isSection := slices.ContainsFunc(all, func(s setting) bool { return strings.HasPrefix(s.key, key+".") })
		switch {
		case seen[key]:
			wrong = append(wrong, fmt.Errorf("%s: %s: %w: there twice", origin, key, fault.Invalid))
		case isSection:
			c.origins[key] = origin
			wrong = append(wrong, c.readSection(key+".", value, name, all)...)
		case !known:
			wrong = append(wrong, fmt.Errorf("%s: %s: %w: unknown; %s has %s", origin, key, fault.Invalid, section(prefix), keysIn(prefix, all)))
		default:
			c.origins[key] = origin
			if err := s.set(value); err != nil {
				wrong = append(wrong, c.wrap(key, err))
			}
		}
		seen[key] = true
	}
	return wrong
}

func section(prefix string) string {
	if prefix == "" {
		return "the file"
	}
	return strings.TrimSuffix(prefix, ".")
}

// keysIn lists the keys of one section, for somebody who mistyped one.
func keysIn(prefix string, all []setting) string {
	var names []string
	for _, s := range all {
		if rest, ok := strings.CutPrefix(s.key, prefix); ok {
			first, _, _ := strings.Cut(rest, ".")
			names = append(names, first)
		}
	}
	return strings.Join(slices.Compact(names), ", ")
}

// foreign are variables that Kubernetes sets in every container for a service whose name starts with "idp".
var foreign = regexp.MustCompile(`^IDP_(?:[A-Z0-9_]+_)?(?:SERVICE_(?:HOST|PORT)|PORT)(?:_[A-Z0-9_]+)?$`)

// readEnvironment takes over variables that start with IDP_. One that belongs to no key is refused: it is a mistyped
// one, and what it should have set may matter.
func (c *Config) readEnvironment(environ []string, all []setting) (wrong []error) {
	given := map[string]string{}
	for _, entry := range environ {
		if name, value, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "IDP_") {
			given[name] = value
		}
	}
	for _, s := range all {
		name := "IDP_" + strings.ToUpper(strings.ReplaceAll(s.key, ".", "__"))
		value, ok := given[name]
		delete(given, name)
		if _, taken := find(all, s.key+"_file"); s.secret() && !taken {
			path, fromFile := given[name+"_FILE"]
			delete(given, name+"_FILE")
			if fromFile && ok {
				wrong = append(wrong, fmt.Errorf("%s: %w: this or %s_FILE, not both", name, fault.Invalid, name))
				continue
			}
			if fromFile {
				var err error
				name, ok = name+"_FILE", true
				if value, err = readSecret(path); err != nil {
					wrong = append(wrong, fmt.Errorf("%s: %w", name, err))
					continue
				}
			}
		}
		if !ok {
			continue
		}
		c.origins[s.key] = name
		if err := s.set(s.node(value)); err != nil {
			wrong = append(wrong, c.wrap(s.key, err))
		}
	}
	c.preferMasters()
	maps.DeleteFunc(given, func(name, _ string) bool { return foreign.MatchString(name) }) // after ours: IDP_SMTP__PORT looks like one
	for _, name := range slices.Sorted(maps.Keys(given)) {
		wrong = append(wrong, fmt.Errorf("%s: %w: no key of that name; a section is followed by two underscores, as in IDP_HASH__WORKERS", name, fault.Invalid))
	}
	return wrong
}

// readSecret reads a secret that is a file of its own, without the line's end that editors add.
func readSecret(path string) (string, error) {
	text, err := secret.ReadFile(path)
	return strings.TrimRight(text, "\r\n"), err
}

// preferMasters lets a variable for the master keys replace the other way of giving them in the file.
func (c *Config) preferMasters() {
	fromVariable := func(key string) bool { return strings.HasPrefix(c.origins[key], "IDP_") }
	switch list, file := fromVariable("master_keys"), fromVariable("master_keys_file"); {
	case list && !file:
		c.MasterKeysFile = ""
	case file && !list:
		c.MasterKeys = nil
	}
}

// secret tells whether the value may never be shown.
func (s setting) secret() bool {
	switch s.target.Interface().(type) {
	case secret.Text, []secret.Text:
		return true
	}
	return false
}

// node is the value of a variable as the file would have it.
func (s setting) node(value string) *yaml.Node {
	text := func(value string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value} }
	switch s.target.Kind() {
	case reflect.Slice:
		list := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		for item := range strings.SplitSeq(value, ",") {
			if item = strings.TrimSpace(item); item != "" {
				list.Content = append(list.Content, text(item))
			}
		}
		return list
	case reflect.Int:
		return &yaml.Node{Kind: yaml.ScalarNode, Value: value}
	}
	return text(value)
}

// set reads a value into the struct. The decoder's own messages show Go types and parts of the value; ours do not.
func (s setting) set(node *yaml.Node) error {
	if node.Decode(s.target.Addr().Interface()) == nil {
		return nil
	}
	if s.secret() || node.Kind != yaml.ScalarNode {
		return fmt.Errorf("%w: %s", fault.Invalid, s.allowed())
	}
	return fmt.Errorf("%w: %q: %s", fault.Invalid, node.Value, s.allowed())
}

// allowed says in words what kind of value a key takes.
func (s setting) allowed() string {
	switch s.target.Interface().(type) {
	case time.Duration:
		return "a number with its unit, such as 20s or 1m"
	case []string, []secret.Text:
		return "a list"
	case int:
		return "a whole number"
	}
	return "a text"
}
