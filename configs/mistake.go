package configs

import (
	"fmt"

	"github.com/minddistrict/idp/internal/fault"
)

// origin is where the value of a key comes from, for messages.
type origin struct {
	place  string // as Mistake.Place
	broken bool   // it could not be read: what stands there instead is not complained about
}

// Mistake is a setting that cannot work.
type Mistake struct {
	Key   string // with its sections: hash.workers; empty: the file, or a variable, as a whole
	Place string // file and line, or variable; empty: it is set nowhere
	Err   error  // what is wrong, and what is allowed; it shows no secret
}

func (m *Mistake) Error() string {
	text := m.Err.Error()
	if m.Key != "" {
		text = m.Key + ": " + text
	}
	if m.Place != "" {
		text = m.Place + ": " + text
	}
	return text
}

// Unwrap is what is wrong.
func (m *Mistake) Unwrap() error { return m.Err }

// Mistake is an error that names a key and the place of its value, for whoever tries what a key names, such as a file.
// Nil where the value could not be read: that is said already.
func (c *Config) Mistake(key string, err error) error {
	if c.origins[key].broken {
		return nil
	}
	return &Mistake{key, c.origins[key].place, err}
}

// refuse is a mistake in a value. What it says must not show a secret.
func (c *Config) refuse(key, format string, args ...any) error {
	return c.Mistake(key, fmt.Errorf("%w: "+format, append([]any{fault.Invalid}, args...)...))
}

// misread is a value that could not be read.
func (c *Config) misread(key string, err error) error {
	return c.misreadAt(c.origins[key].place, key, err)
}

func (c *Config) misreadAt(place, key string, err error) error {
	c.origins[key] = origin{place, true}
	return &Mistake{key, place, err}
}
