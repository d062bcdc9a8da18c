package ui

import (
	"bytes"
	"fmt"
	"html/template"
	"slices"
)

// Choice is how a factor is offered where people choose how they want to get codes.
type Choice struct {
	Method string // of the factor
	Label  string // text key of its name
	Hint   string // text key of what it takes
	Other  string // text key of the button for it on the page of another one
}

// Choices are those of methods, in their order.
func (v *View) Choices(methods []string) []Choice {
	var all []Choice
	for _, method := range methods {
		for _, part := range v.from.parts {
			if method != "" && part.Choice.Method == method {
				all = append(all, part.Choice)
			}
		}
	}
	return all
}

// Other is the text key of the button that leads from one choice to the others; empty: there is none.
func (v *View) Other(methods []string) string {
	if len(methods) == 0 {
		return ""
	}
	if all := v.Choices(methods); len(methods) == 1 && len(all) == 1 {
		return all[0].Other
	}
	return "choose.other"
}

// Card is what a factor shows on the page of two-step authentication: a template of its part that defines "card".
type Card struct {
	Template string
	Data     any
	InForm   bool // it has buttons of the page's form, and comes below the one that changes how codes come
}

// Card is a card as it stands in the page.
func (v *View) Card(c Card) (template.HTML, error) {
	t, ok := v.from.templates().cards[c.Template]
	if !ok {
		return "", fmt.Errorf("card %q: no such template", c.Template)
	}
	var b bytes.Buffer
	err := t.ExecuteTemplate(&b, "card", &View{Frame: v.Frame, Data: c.Data, from: v.from})
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

// methods are those of the choices of all parts.
func (r *Renderer) methods() (all []string) {
	for _, part := range r.parts {
		if part.Choice.Method != "" {
			all = append(all, part.Choice.Method)
		}
	}
	return all
}
