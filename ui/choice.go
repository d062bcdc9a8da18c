package ui

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

// methods are those of the choices of all parts.
func (r *Renderer) methods() (all []string) {
	for _, part := range r.parts {
		if part.Choice.Method != "" {
			all = append(all, part.Choice.Method)
		}
	}
	return all
}
