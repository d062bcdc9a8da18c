package configs

import (
	"cmp"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/internal/strict"
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
	root, err := strict.Document(data)
	if err != nil {
		return nil, &Mistake{Place: name, Err: err}
	}
	var wrong []error
	if root != nil {
		wrong = c.readFile(root, name, settings)
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

// readFile takes over what a document says. A document that is no mapping at all is the mistake of no key.
func (c *Config) readFile(root *yaml.Node, name string, all []setting) (wrong []error) {
	for _, key := range strict.Keys(root, reflect.TypeFor[Config]()) {
		path, err := cmp.Or(key.Path, key.Name()), key.Err
		c.origins[path] = origin{place: fmt.Sprintf("%s line %d", name, key.Line)}
		if s, known := find(all, key.Path); known && key.Value != nil {
			err = cmp.Or(s.set(key.Value), err)
		}
		if err != nil {
			wrong = append(wrong, c.misread(path, err))
		}
	}
	return wrong
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

// set reads a value into the struct. What it says of one that it cannot read shows no secret.
func (s setting) set(node *yaml.Node) error {
	allowed := strict.Allowed(s.target.Type())
	switch {
	case node.Decode(s.target.Addr().Interface()) == nil:
		return nil
	case s.secret() || node.Kind != yaml.ScalarNode:
		return fmt.Errorf("%w: %s", fault.Invalid, allowed)
	}
	return fmt.Errorf("%w: %q: %s", fault.Invalid, node.Value, allowed)
}
