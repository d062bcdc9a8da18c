package ui

import (
	"fmt"
	"io/fs"
)

// Languages are those of the texts.
var Languages = languages

// Texts are language -> key -> text.
func (r *Renderer) Texts() map[string]map[string]string { return r.texts() }

// Say is what is wrong, in words.
func (r *Renderer) Say(f Frame, e FieldError) string { return (&View{Frame: f, from: r}).Say(e) }

// ChoiceTexts are the keys of the texts of all choices.
func (r *Renderer) ChoiceTexts() (keys []string) {
	for _, part := range r.parts {
		if c := part.Choice; c.Method != "" {
			keys = append(keys, c.Label, c.Hint, c.Other)
		}
	}
	return keys
}

// ChosenTexts are the keys that parts choose by themselves.
func (r *Renderer) ChosenTexts() (keys []string) {
	for _, part := range r.parts {
		keys = append(keys, part.Chosen...)
	}
	return keys
}

// Sources are the templates of all parts as they are written.
func (r *Renderer) Sources() (sources []string, err error) {
	for i, part := range r.parts {
		names, err := fs.Glob(part.Files, "templates/*.html")
		if err != nil || len(names) == 0 {
			return nil, fmt.Errorf("part %d has no templates: %w", i, err)
		}
		for _, name := range names {
			b, err := fs.ReadFile(part.Files, name)
			if err != nil {
				return nil, err
			}
			sources = append(sources, string(b))
		}
	}
	return sources, nil
}
