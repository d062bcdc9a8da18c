package ui

import (
	"bytes"
	"fmt"
	"html/template"
	"slices"
)

// Card is what a factor shows on the page of two-step authentication: a template of its part that defines "card".
type Card struct {
	Template string
	Data     any
	InForm   bool // a card of its own, with buttons of the page's form; else lines of the one that says how things stand
	Urgent   bool // its button is the one thing to do on the page
}

// Card is a card as it stands in the page.
func (v *View) Card(c Card) (template.HTML, error) {
	parsed, ok := v.from.templates().cards[c.Template]
	if !ok {
		return "", fmt.Errorf("card %q: no such template", c.Template)
	}
	var b bytes.Buffer
	err := parsed().ExecuteTemplate(&b, "card", v.Of(c.Data))
	return template.HTML(b.String()), err // escaped as it was executed
}

// cards are what a person sees of all parts in one state: one of those that say how codes come, and of each part its
// card in the form.
func (r *Renderer) cards(state int) (shown []Card) {
	var ways, below []Card
	for _, part := range r.parts {
		mine := slices.DeleteFunc(slices.Clone(part.Cards), func(c Card) bool { return !c.InForm })
		if len(mine) > 0 {
			below = append(below, mine[state%len(mine)])
		}
		ways = append(ways, slices.DeleteFunc(slices.Clone(part.Cards), func(c Card) bool { return c.InForm })...)
	}
	if len(ways) > 0 {
		shown = append(shown, ways[state%len(ways)])
	}
	return append(shown, below...)
}
