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
	return loadValid(path, environ, (*Config).Validate)
}

// LoadWithoutListeners is Load for commands that serve nobody: how the server is reached is not validated, so that they
// work where only the database and its keys are.
func LoadWithoutListeners(path string, environ []string) (*Config, error) {
	return loadValid(path, environ, (*Config).validateRest)
}

func loadValid(path string, environ []string, validate func(*Config) error) (*Config, error) {
	c, err := read(path, environ)
	if err == nil || c != nil {
		err = errors.Join(err, validate(c))
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Check is Load for whoever wants every mistake: of form, of values, and of what the values are together. The
// configuration is what could be read; nil: nothing could.
func Check(path string, environ []string) (*Config, []error) {
	c, err := read(path, environ)
	if c == nil {
		return nil, []error{err}
	}
	return c, parts(errors.Join(err, c.Validate()))
}

// parts are the errors that errors.Join joined, one by one.
func parts(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return slices.DeleteFunc([]error{err}, func(err error) bool { return err == nil })
	}
	if _, wrapped := err.(*Mistake); wrapped {
		return []error{err}
	}
	var all []error
	for _, part := range joined.Unwrap() {
		all = append(all, parts(part)...)
	}
	return all
}

// read reads file and environment. The configuration is nil where the file could not be read at all.
func read(path string, environ []string) (*Config, error) {
	var data []byte
	if path != "" {
		var err error
		if data, err = os.ReadFile(path); err != nil {
			return nil, fmt.Errorf("reading configuration: %w", err)
		}
	}
	return parse(data, filepath.Base(path), environ)
}

// Dev is the configuration of `idp dev`: dev.yaml of this package. It is not valid yet: the caller adds the database
// and the master key, which are in the folder that was chosen.
func Dev() (*Config, error) { return parse(devYAML, "dev.yaml", nil) }

// DevFile is the configuration of `idp dev` as a file for other commands, with what its folder and flags say.
func DevFile(listen, database, masterKeysFile string) ([]byte, error) {
	keys := map[string]any{}
	if err := yaml.Unmarshal(devYAML, &keys); err != nil {
		return nil, err
	}
	keys["listen"], keys["database"], keys["master_keys_file"] = listen, database, masterKeysFile
	return yaml.Marshal(keys)
}

// parse takes over what file and environment say, as far as it can be understood. A file that is no YAML document with
// keys is not understood at all: there is no configuration then.
func parse(data []byte, name string, environ []string) (*Config, error) {
	c := defaults()
	settings := c.settings()
	document, err := document(data, name)
	if err != nil {
		return nil, err
	}
	var wrong []error
	if document != nil {
		wrong = c.readSection("", document, name, settings)
	}
	wrong = append(wrong, c.readEnvironment(environ, settings)...)
	return c, errors.Join(append(wrong, c.resolve())...)
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

// document is what a YAML document says; nil: nothing. Sections go through the document itself, so that every complaint
// has a line and none of them repeats a secret.
func document(data []byte, name string) (*yaml.Node, error) {
	var document yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(&document); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, &Mistake{Place: name, Err: fmt.Errorf("%w: %w", fault.Invalid, err)}
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, &Mistake{Place: name, Err: fmt.Errorf("%w: more than one document", fault.Invalid)}
	}
	root := document.Content[0]
	if root.Kind != yaml.MappingNode && root.Tag != "!!null" {
		return nil, &Mistake{Place: fmt.Sprintf("%s line %d", name, root.Line), Key: section(""), Err: errNoSection}
	}
	return root, nil
}

// errNoSection is a value where keys are expected.
var errNoSection = fmt.Errorf("%w: keys with values", fault.Invalid)

func (c *Config) readSection(prefix string, node *yaml.Node, name string, all []setting) (wrong []error) {
	if node.Kind == yaml.ScalarNode && node.Tag == "!!null" {
		return nil // a section of which everything is commented out
	}
	if node.Kind != yaml.MappingNode {
		c.origins[section(prefix)] = origin{place: fmt.Sprintf("%s line %d", name, node.Line)}
		return []error{c.misread(section(prefix), errNoSection)}
	}
	seen := map[string]bool{}
	for i := 0; i < len(node.Content); i += 2 {
		key, value := prefix+node.Content[i].Value, node.Content[i+1]
		place := fmt.Sprintf("%s line %d", name, node.Content[i].Line)
		s, known := find(all, key)
		isSection := slices.ContainsFunc(all, func(s setting) bool { return strings.HasPrefix(s.key, key+".") })
		switch {
		case seen[key]:
			wrong = append(wrong, &Mistake{key, place, fmt.Errorf("%w: there twice", fault.Invalid)})
		case isSection:
			c.origins[key] = origin{place: place}
			wrong = append(wrong, c.readSection(key+".", value, name, all)...)
		case !known:
			wrong = append(wrong, &Mistake{key, place, fmt.Errorf("%w: unknown; %s has %s", fault.Invalid, section(prefix), keysIn(prefix, all))})
		default:
			c.origins[key] = origin{place: place}
			if err := s.set(value); err != nil {
				wrong = append(wrong, c.misread(key, err))
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
				wrong = append(wrong, c.misreadAt(name, s.key, fmt.Errorf("%w: this or %s_FILE, not both", fault.Invalid, name)))
				continue
			}
			if fromFile {
				var err error
				name, ok = name+"_FILE", true
				if value, err = readSecret(path); err != nil {
					wrong = append(wrong, c.misreadAt(name, s.key, err))
					continue
				}
			}
		}
		if !ok {
			continue
		}
		c.origins[s.key] = origin{place: name}
		if err := s.set(s.node(value)); err != nil {
			wrong = append(wrong, c.misread(s.key, err))
		}
	}
	c.preferMasters()
	maps.DeleteFunc(given, func(name, _ string) bool { return foreign.MatchString(name) }) // after ours: IDP_SMTP__PORT looks like one
	for _, name := range slices.Sorted(maps.Keys(given)) {
		unknown := fmt.Errorf("%w: no key of that name; a section is followed by two underscores, as in IDP_HASH__WORKERS", fault.Invalid)
		wrong = append(wrong, &Mistake{Place: name, Err: unknown})
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
	fromVariable := func(key string) bool { return strings.HasPrefix(c.origins[key].place, "IDP_") }
	switch list, file := fromVariable("master_keys"), fromVariable("master_keys_file"); {
	case list && !file:
		c.MasterKeysFile = ""
	case file && !list:
		c.MasterKeys = nil
	}
}

// secret reports whether the value may never be shown.
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
