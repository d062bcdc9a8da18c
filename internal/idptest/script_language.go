package idptest

import (
	"fmt"
	"strings"
)

// language chooses the language of the page by its name, or the own one of this run, or the other one.
func (s *script) language(name string) error {
	names := map[string]string{"nl": "Nederlands", "en": "English"}
	switch name {
	case "own":
		name = names[s.lang]
	case "other":
		delete(names, s.lang)
		for _, other := range names {
			name = other
		}
	}
	return s.b.Press(name)
}

// holds compares what stands in a field, by its name in the form.
func (s *script) holds(rest string) error {
	name, want, _ := strings.Cut(rest, " =")
	if got := s.b.Value(name); got != strings.TrimSpace(want) {
		return fmt.Errorf("%s holds %q", name, got)
	}
	return nil
}
